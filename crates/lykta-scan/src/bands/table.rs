//! Which distance makes which band, by what was compared. Made by `benches/matching/bands.py`;
//! docs/matching.md explains it.

use super::{Compared, Row};

/// Both pictures have at least this quality, or the match is weak.
pub(super) const LEAST_QUALITY: u8 = 50;

/// Largest distance of each band, in bits; none where no distance is enough.
pub(super) const TABLE: [Row; 3] = [
    Row { compared: Compared::Whole, strong: Some(11), medium: Some(31) },
    Row { compared: Compared::Unbordered, strong: Some(11), medium: Some(31) },
    Row { compared: Compared::Part, strong: None, medium: Some(31) },
];
