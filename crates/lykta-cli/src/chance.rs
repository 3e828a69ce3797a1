//! What chance alone gives, for a reader of results.

use lykta::hash::Bits64;
use lykta::index::expected_random_hits;
use lykta::{Index, Kind, Pdq};

/// Radii at which the figures of a 64-bit kind are stated: those in use, in bits.
const RADII_OF_64_BITS: [u32; 4] = [4, 6, 8, 10];

/// The hits of one query that chance gives in an index at some radii, by ascending radius; none for
/// digests. For PDQ at the radius that the index was built for.
pub(crate) fn of_index(index: &Index, kind: Kind) -> Vec<(u32, f64)> {
    let (bits, radii) = match kind {
        Kind::Pdq => (Pdq::BITS, vec![index.near_radius()]),
        Kind::Phash | Kind::Dhash => (Bits64::BITS, RADII_OF_64_BITS.to_vec()),
        _ => return Vec::new(),
    };
    let hits = |radius| rounded(expected_random_hits(index.hash_count(kind), bits, radius));
    radii.into_iter().map(|radius| (radius, hits(radius))).collect()
}

/// To three digits: the figure says how much, and more digits would look like more is known.
pub(crate) fn rounded(hits: f64) -> f64 {
    format!("{hits:.2e}").parse().unwrap_or(hits)
}

/// A figure as JSON writes it.
pub(crate) fn text(hits: f64) -> String {
    serde_json::to_string(&rounded(hits)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_are_given() {
        assert_eq!(text(0.0), "0.0");
        assert_eq!(text(1234.5), "1230.0");
        assert_eq!(text(8.283_676e-30), "8.28e-30");
        assert_eq!(text(0.009_982_49), "0.00998");
    }
}
