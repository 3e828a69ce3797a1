//! How many hits chance alone gives.

/// How many of `hashes` hashes of `bits` bits are expected within `radius` bits of a query by
/// chance: `hashes` times the share of all hashes that lie so near. O(`bits`).
///
/// That is for hashes whose bits are independent and evenly distributed. Those of photographs are
/// not, so chance gives more; the figure is the least that a reader of results must reckon with. A
/// radius of `bits` or more is `bits`, which finds everything. Accurate to some 12 digits for up to
/// 256 bits; for more than 1,000 it may be infinite or no number.
pub fn expected_random_hits(hashes: u64, bits: u32, radius: u32) -> f64 {
    if radius >= bits {
        return hashes as f64;
    }
    // C(bits, distance), from one distance to the next. Below 2^256, so a float holds it.
    let mut choices = 1.0;
    let mut near = 0.0;
    for distance in 0..=radius {
        near += choices;
        choices *= f64::from(bits - distance) / f64::from(distance + 1);
    }
    hashes as f64 * (near / 2f64.powi(bits.cast_signed()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() <= 1e-12 * left.abs().max(right.abs())
    }

    #[test]
    fn small_cases_are_counted() {
        for bits in 1u32..=12 {
            for radius in 0..=bits + 1 {
                let near = (0u32..1 << bits).filter(|hash| hash.count_ones() <= radius).count();
                let expected = 5.0 * near as f64 / f64::from(1u32 << bits);
                assert!(close(expected_random_hits(5, bits, radius), expected), "{bits} bits, {radius}");
            }
        }
    }

    #[test]
    fn hashes_of_64_bits_are_counted_exactly() {
        let mut row = vec![1u128];
        for _ in 0..64 {
            row = std::iter::once(1).chain(row.windows(2).map(|pair| pair[0] + pair[1])).chain([1]).collect();
        }
        for radius in 0..=64 {
            let near: u128 = row[..=radius].iter().sum();
            let expected = 1e8 * near as f64 / 2f64.powi(64);
            assert!(close(expected_random_hits(100_000_000, 64, radius as u32), expected), "{radius}");
        }
    }

    /// What differs in more than `radius` bits differs from the complement in at most the rest.
    #[test]
    fn near_and_far_add_up_for_256_bits() {
        for radius in 0..=255 {
            let sum = expected_random_hits(7, 256, radius) + expected_random_hits(7, 256, 255 - radius);
            assert!(close(sum, 7.0), "{radius}");
        }
    }

    #[test]
    fn nothing_is_expected_of_nothing_and_everything_at_the_widest_radius() {
        assert_eq!(expected_random_hits(0, 64, 10), 0.0);
        assert_eq!(expected_random_hits(3, 64, 64), 3.0);
        assert_eq!(expected_random_hits(3, 256, u32::MAX), 3.0);
        // The usual radius of PDQ: chance gives nothing, whatever the list.
        assert!(expected_random_hits(100_000_000, 256, 31) < 1e-28);
    }
}
