//! Whether a picture is so plain that different ones have hashes as near as its copies have.
//!
//! Quality does not tell: it counts steps of brightness, and a page, a form or the frame of a viewer
//! has plenty. What tells is in the plane and its frequencies. The numbers were found on made-up pages,
//! screens, drawings and patterns against photographs: `benches/matching`, docs/matching.md.

use lykta_hash::Pdq;

use super::hash::{Frequencies, Plane, median};

/// Grey levels from the commonest one within which pixels count as background.
const BACKGROUND: usize = 3;

/// Hundredths of the plane that are background, at least.
const MOST_BACKGROUND: usize = 33;

/// Bits by which a variant differs from the picture, at most: stripes and patterns.
const LEAST_TURNED: u32 = 50;

/// Of 256 frequencies, those nearer to the median than a tenth of what is usual, at least: a little
/// noise turns their bits.
const MOST_UNSTABLE: usize = 128;

/// Whether most of a plane is of one level, or half of the bits hang on little.
pub(super) fn is_plain(plane: &Plane, frequencies: &Frequencies) -> bool {
    has_background(plane) || is_unstable(frequencies)
}

fn has_background(plane: &Plane) -> bool {
    let mut counts = [0usize; 256];
    for value in plane.as_flattened() {
        // Rounding and clamping: sums of weights may be a little off.
        counts[usize::from((value + 0.5) as u8)] += 1;
    }
    let most = counts.windows(2 * BACKGROUND + 1).map(|levels| levels.iter().sum::<usize>()).max();
    // At either end of the scale the window is cut.
    let ends = [&counts[..=BACKGROUND], &counts[255 - BACKGROUND..]].map(|levels| levels.iter().sum());
    let most = most.into_iter().chain(ends).max().unwrap_or(0);
    100 * most >= MOST_BACKGROUND * plane.as_flattened().len()
}

fn is_unstable(frequencies: &Frequencies) -> bool {
    let median = median(frequencies);
    let all = frequencies.as_flattened();
    let square = |frequency: &f32| (frequency - median) * (frequency - median);
    let usual = all.iter().map(square).sum::<f32>() / all.len() as f32;
    all.iter().filter(|frequency| square(frequency) < usual * 0.01).count() >= MOST_UNSTABLE
}

/// Whether a picture turned or mirrored looks much as it does. `hashes` begin with its own.
pub(super) fn is_symmetric(hashes: &[Pdq; 8]) -> bool {
    hashes[1..].iter().any(|turned| hashes[0].distance(turned) <= LEAST_TURNED)
}

#[cfg(test)]
mod tests {
    use super::super::{Mode, Variants, variants};
    use super::is_unstable;
    use crate::picture::{Picture, Pixels};

    fn of(pixel: impl Fn(u32, u32) -> u8) -> Variants {
        let pixels = (0..128).flat_map(|y| (0..128).map(move |x| (x, y))).map(|(x, y)| pixel(x, y)).collect();
        variants(&Picture::new(128, 128, Pixels::Grey(pixels)).expect("as many pixels"), Mode::Full)
    }

    /// Patches of every brightness.
    fn patches(x: u32, y: u32) -> u8 {
        let mixed = (x / 7).wrapping_mul(0x9e37_79b9) ^ (y / 5).wrapping_mul(0x85eb_ca6b);
        (mixed.wrapping_mul(0xc2b2_ae35) >> 24) as u8
    }

    #[test]
    fn pages_stripes_and_single_lines_are_plain_and_patches_are_not() {
        assert!(!of(patches).plain);
        assert!(of(|x, y| if x < 64 { 240 } else { patches(x, y) }).plain, "half a page");
        assert!(of(|x, _| if x / 16 % 2 == 0 { 200 } else { (x % 50) as u8 }).plain, "upside down as it is");
    }

    #[test]
    fn frequencies_that_are_all_near_the_median_are_unstable() {
        let mut frequencies = [[0.0; 16]; 16];
        for (at, frequency) in frequencies.as_flattened_mut().iter_mut().enumerate() {
            *frequency = at as f32;
        }
        assert!(!is_unstable(&frequencies));
        frequencies[0][0] = 100_000.0;
        assert!(is_unstable(&frequencies));
    }
}
