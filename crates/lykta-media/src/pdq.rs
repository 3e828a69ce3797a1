//! PDQ: 256 bits that say what a picture looks like.
//!
//! The definition (Meta, "PDQ & TMK + PDQF", 2019; the C++ in facebook/ThreatExchange) filters the
//! luma of all pixels twice with a box in each direction, samples a plane of 64 x 64 values, takes
//! 16 x 16 low frequencies of it and sets the bits of those above their median. Filter and sampling
//! are linear and separable, so the plane is one product:
//!
//! ```text
//! plane = A * luma * B'      A, B: 64 sparse rows of weights, from height and width alone
//! ```
//!
//! Row i of A covers about height / 64 rows of pixels. Each is read once, widened to f32,
//! multiplied and added to a row of sums; then 64 short dot products with the rows of B finish the
//! row. The definition's running sums are in `reference`, as the oracle that tests compare with.
//!
//! Three tricks:
//! - RGB is summed as three interleaved channels and becomes luma after the vertical sum: the same
//!   value, and 64 conversions a column in place of one a pixel.
//! - Mirrored pictures are mirrored weights. [`variants`] sums with A and A reversed in the same pass
//!   over the pixels and has four planes, of which each transposed is a view as well.
//! - [`Mode::Cli512`]'s nearest-neighbour shrink is linear too: its weights go to the pixels that
//!   the shrink would have kept.

pub(crate) mod blocks;
mod borders;
mod crops;
mod hash;
mod passes;
mod plain;
mod plane;
#[doc(hidden)]
pub mod reference;
mod views;
mod weights;

use lykta_hash::Pdq;

pub(crate) use self::blocks::BlockSampler;
pub use self::crops::{Crop, Crops, crops_of_file, views_and_crops_of_file};
pub(crate) use self::passes::memory;
use self::passes::{Pass, Passes};
use self::plane::Mirrors;
pub(crate) use self::plane::Planes;
pub use self::views::{Part, View, Viewed, Views, views_and_ends_of_file, views_of_file};
use crate::decode::Limits;
use crate::error::Error;
use crate::picture::{Dimensions, Picture, Rectangle};
use crate::sniff::Format;

/// Which pixels are hashed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// All of them: the definition, and what PyPI's `pdqhash` and `threatexchange`, HMA and vPDQ
    /// do.
    #[default]
    Full,
    /// Where a side is above 512 pixels, the nearest of 512 x 512 (aspect ratio not kept): what
    /// Meta's command-line tool does. For lists made that way; hashes differ from those of
    /// [`Mode::Full`] by some 7 bits on photographs, at times by 28.
    Cli512,
}

/// What was done to the picture at hand before it was hashed. Rotations are counter-clockwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Variant {
    /// Nothing.
    Original,
    /// Rotated by 90 degrees.
    Rot90,
    /// Rotated by 180 degrees.
    Rot180,
    /// Rotated by 270 degrees.
    Rot270,
    /// Turned upside down: top and bottom changed places.
    FlipX,
    /// Mirrored: left and right changed places.
    FlipY,
    /// Transposed: mirrored at the diagonal from the top left.
    FlipPlus1,
    /// Mirrored at the other diagonal.
    FlipMinus1,
}

impl Variant {
    /// Every variant, in the order of the reference implementation.
    pub const ALL: [Self; 8] = [
        Self::Original,
        Self::Rot90,
        Self::Rot180,
        Self::Rot270,
        Self::FlipX,
        Self::FlipY,
        Self::FlipPlus1,
        Self::FlipMinus1,
    ];

    /// The name in results, lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Rot90 => "rot90",
            Self::Rot180 => "rot180",
            Self::Rot270 => "rot270",
            Self::FlipX => "flip_x",
            Self::FlipY => "flip_y",
            Self::FlipPlus1 => "flip_plus1",
            Self::FlipMinus1 => "flip_minus1",
        }
    }
}

/// A hash and what it is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PdqHash {
    /// The hash.
    pub pdq: Pdq,
    /// 0..=100: how much structure the plane has. Below 50 the picture is too flat to be matched.
    pub quality: u8,
}

/// The hashes of a picture and of its seven rotations and reflections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variants {
    /// One for each of [`Variant::ALL`], in that order.
    pub hashes: [Pdq; 8],
    /// Quality of the original, 0..=100.
    pub quality: u8,
    /// Whether it is so plain, as a page or a pattern, that different pictures may be as near to it as
    /// copies are: a match says little. docs/matching.md has the rule.
    pub plain: bool,
}

impl Variants {
    /// The hash of the picture as it is.
    pub const fn original(&self) -> PdqHash {
        PdqHash { pdq: self.hashes[0], quality: self.quality }
    }
}

/// What a picture file gave: its hash or hashes, and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileHash<H> {
    /// [`PdqHash`], [`Variants`], [`Views`] or [`Crops`].
    pub hash: H,
    /// The format.
    pub format: Format,
    /// Columns and rows.
    pub dimensions: Dimensions,
    /// Scans of a JPEG whose entropy-coded data was not looked at, so that damage in it was not seen:
    /// those of chroma alone, which the hash does not depend on.
    pub unread_scans: usize,
}

impl<H> FileHash<H> {
    /// The same file, with what `change` makes of its hash.
    pub fn map<T>(self, change: impl FnOnce(H) -> T) -> FileHash<T> {
        let Self { hash, format, dimensions, unread_scans } = self;
        FileHash { hash: change(hash), format, dimensions, unread_scans }
    }
}

/// Sides below this have hash 0 and quality 0, by definition.
const SMALLEST_SIDE: u32 = 5;

/// The hash of `picture`.
///
/// Equal to the reference's, bit by bit, but for bits whose frequency lies within 1e-3 of the
/// median, where the reference's own rounding decides. A picture with a side below 5 pixels has
/// hash 0 and quality 0.
///
/// Cost: each pixel is read once; memory is some 10 bytes a column and sample, 4 a row, and 50 KiB.
pub fn hash(picture: &Picture, mode: Mode) -> PdqHash {
    planes(picture, mode, false).hash()
}

/// The hashes of `picture` as it is and of its seven rotations and reflections.
///
/// Each is what [`hash`] would give for the transformed pixels, not the reference's approximation
/// by sign flips; the first is [`hash`]'s. Cost: the pixels are read once, with twice the
/// arithmetic of [`hash`].
pub fn variants(picture: &Picture, mode: Mode) -> Variants {
    planes(picture, mode, true).mirrored_variants()
}

pub(crate) fn planes(picture: &Picture, mode: Mode, mirrored: bool) -> Planes {
    let whole = [Rectangle::whole(picture.dimensions())];
    let pass =
        picture.read_rows(|dimensions, channels| Pass::new(dimensions, channels, &whole, mode, mirrored));
    pass.finish().and_then(|(mut planes, _)| planes.pop()).expect("a picture has all its rows")
}

impl Planes {
    /// The plane of the picture, and those of its mirror images if they were asked for.
    pub(crate) fn all(&self) -> Vec<&hash::Plane> {
        let mirrors = self.mirrors.iter().flat_map(|m| [&m.upside_down, &m.mirrored, &m.rotated]);
        std::iter::once(&self.upright).chain(mirrors).map(Box::as_ref).collect()
    }

    pub(crate) fn hash(&self) -> PdqHash {
        let upright = &self.upright;
        PdqHash { pdq: hash::bits(&hash::frequencies(upright)), quality: hash::quality(upright) }
    }

    /// The hash, and whether the picture is plain, as far as one plane tells.
    pub(crate) fn hash_and_plain(&self) -> (PdqHash, bool) {
        let (upright, frequencies) = (&self.upright, hash::frequencies(&self.upright));
        let hash = PdqHash { pdq: hash::bits(&frequencies), quality: hash::quality(upright) };
        (hash, plain::is_plain(upright, &frequencies))
    }

    /// The hashes of planes with those of mirror images.
    ///
    /// # Panics
    /// If those were not asked for.
    pub(crate) fn mirrored_variants(&self) -> Variants {
        self.variants().expect("planes of mirror images were asked for")
    }

    /// None if the planes of the mirror images were not asked for.
    pub(crate) fn variants(&self) -> Option<Variants> {
        let Mirrors { upside_down, mirrored, rotated } = self.mirrors.as_ref()?;
        let [upright, upside_down, mirrored, rotated] =
            [&self.upright, upside_down, mirrored, rotated].map(|plane| hash::frequencies(plane));
        let straight = hash::bits;
        let transposed = |frequencies| hash::bits(&hash::transposed(frequencies));
        let hashes = [
            straight(&upright),
            // Counter-clockwise by 90 degrees: mirrored first, then transposed.
            transposed(&mirrored),
            straight(&rotated),
            transposed(&upside_down),
            straight(&upside_down),
            straight(&mirrored),
            transposed(&upright),
            transposed(&rotated),
        ];
        let plain = plain::is_plain(&self.upright, &upright) || plain::is_symmetric(&hashes);
        Some(Variants { hashes, quality: hash::quality(&self.upright), plain })
    }
}

/// [`hash`] of the picture in the file `bytes`; the same hash, or the same kind of error, as by way
/// of [`decode`](crate::decode), but that a bit or two of a JPEG of some six megapixels and more may differ.
///
/// JPEG is hashed from its coefficients, or from rows of luma where their rounding would matter; of a
/// progressive one the coefficients of luma are held. PNG, TIFF, BMP, PNM and farbfeld are
/// hashed row by row as they are decoded, but for kinds that
/// do not come so (interlaced PNG, TIFF in planes, BMP with run lengths, PNM as text). Of others
/// the whole picture is decoded first. Memory: [`Header::hash_memory`](crate::Header::hash_memory).
///
/// # Errors
/// Those of [`decode`](crate::decode). [`Error::memory_needed`] tells how much `limits` would have
/// to allow.
pub fn hash_file(bytes: &[u8], limits: &Limits, mode: Mode) -> Result<FileHash<PdqHash>, Error> {
    let mut passes = Passes::open(bytes, limits, mode, false)?;
    let (planes, ..) = passes.whole(false, &[], false)?;
    Ok(passes.result(planes.hash()))
}

/// [`variants`] of the picture in the file `bytes`; else as [`hash_file`].
///
/// # Errors
/// Those of [`hash_file`].
pub fn variants_of_file(bytes: &[u8], limits: &Limits, mode: Mode) -> Result<FileHash<Variants>, Error> {
    let mut passes = Passes::open(bytes, limits, mode, false)?;
    let (planes, ..) = passes.whole(true, &[], false)?;
    Ok(passes.result(planes.mirrored_variants()))
}
