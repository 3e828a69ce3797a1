//! The rows of A and B: which pixels of a line make each of the 64 samples, with what weights.

use crate::pdq::Mode;
use crate::pdq::hash::SIDE;

/// The side that [`Mode::Cli512`] shrinks to, and above which it does.
const SHRUNK: u32 = 512;

/// One sample of a line: the weights of the pixels from `start` on. They sum to 1.
#[derive(Clone, PartialEq)]
pub(super) struct Sample {
    pub(super) start: usize,
    pub(super) weights: Vec<f32>,
}

impl Sample {
    /// One past its last pixel.
    pub(super) const fn end(&self) -> usize {
        self.start + self.weights.len()
    }

    /// The weight of a pixel of the line.
    pub(super) fn weight(&self, pixel: usize) -> f32 {
        pixel.checked_sub(self.start).and_then(|k| self.weights.get(k)).copied().unwrap_or(0.0)
    }
}

/// Whether a picture of that size is shrunk first.
pub(super) fn is_shrunk(width: u32, height: u32, mode: Mode) -> bool {
    mode == Mode::Cli512 && (width > SHRUNK || height > SHRUNK)
}

/// The pixel of a line of `length` that becomes number `kept` of a shrunk one.
const fn source(kept: usize, length: u32) -> usize {
    (kept as u64 * length as u64 / SHRUNK as u64) as usize
}

/// Whether a shrink keeps the pixel of a line of `length`.
pub(super) fn is_kept(pixel: u32, length: u32) -> bool {
    let first = (u64::from(pixel) * u64::from(SHRUNK)).div_ceil(u64::from(length)) as usize;
    first < SHRUNK as usize && source(first, length) == pixel as usize
}

/// The 64 samples of a line of `length` pixels.
pub(super) fn of_line(length: u32, shrunk: bool) -> Vec<Sample> {
    if !shrunk {
        return (0..SIDE).map(|i| twice_filtered(length, i)).collect();
    }
    let source = |kept| source(kept, length);
    (0..SIDE)
        .map(|i| {
            let kept = twice_filtered(SHRUNK, i);
            let (first, last) = (source(kept.start), source(kept.start + kept.weights.len() - 1));
            let mut weights = vec![0.0; last - first + 1];
            for (pixel, weight) in kept.weights.iter().enumerate() {
                weights[source(kept.start + pixel) - first] += weight;
            }
            Sample { start: first, weights }
        })
        .collect()
}

/// The samples of a part that begins `start` pixels into the line.
pub(super) fn moved(mut samples: Vec<Sample>, start: u32) -> Vec<Sample> {
    samples.iter_mut().for_each(|sample| sample.start += start as usize);
    samples
}

/// The same line read backwards.
pub(super) fn reversed(samples: &[Sample], length: u32) -> Vec<Sample> {
    samples
        .iter()
        .map(|sample| Sample {
            start: length as usize - sample.start - sample.weights.len(),
            weights: sample.weights.iter().rev().copied().collect(),
        })
        .collect()
}

/// Steps 6 and 7 for one line and sample `i`: a box filter with its window clipped to the line, on
/// a line filtered so already, at the centre of the `i`th of 64 equal parts.
///
/// Each output pixel is the mean of its window, so a pixel's weight is the sum, over the pixels k
/// in the window of the centre whose own window has it, of 1 / (size of the one * size of the
/// other).
fn twice_filtered(length: u32, i: usize) -> Sample {
    let length = length as usize;
    let centre = ((i as f64 + 0.5) * length as f64 / SIDE as f64) as usize;
    let (outer, outer_end) = window(centre, length);
    let (start, end) = (window(outer, length).0, window(outer_end - 1, length).1);
    // Differences first, their running sum afterwards: a window adds the same to all its pixels.
    let mut steps = vec![0f64; end - start + 1];
    for k in outer..outer_end {
        let (inner, inner_end) = window(k, length);
        let share = 1.0 / ((outer_end - outer) * (inner_end - inner)) as f64;
        steps[inner - start] += share;
        steps[inner_end - start] -= share;
    }
    let mut sum = 0.0;
    let weights = steps[..end - start].iter().map(|step| {
        sum += step;
        sum as f32
    });
    Sample { start, weights: weights.collect() }
}

/// The pixels that the box filter averages for output pixel `at`: first, and one past the last.
fn window(at: usize, length: usize) -> (usize, usize) {
    // Two windows to each of the 64 samples, rounded up.
    let size = length.div_ceil(2 * SIDE);
    let ahead = size.midpoint(2);
    ((at + ahead).saturating_sub(size), (at + ahead).min(length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pixels_with_weight_are_kept(length in 1u32..5000, shrunk in any::<bool>()) {
            for sample in of_line(length, shrunk) {
                prop_assert!(sample.weight(sample.start) > 0.0 && sample.weight(sample.end() - 1) > 0.0);
                for pixel in sample.start..sample.end() {
                    let is_kept = !shrunk || is_kept(pixel as u32, length);
                    prop_assert!(is_kept || sample.weight(pixel) == 0.0, "{pixel} of {length}");
                }
            }
        }

        #[test]
        fn weights_lie_on_the_line_and_sum_to_one(length in 1u32..70_000, shrunk in any::<bool>()) {
            for sample in of_line(length, shrunk) {
                prop_assert!(sample.start + sample.weights.len() <= length as usize);
                prop_assert!(sample.weights.iter().all(|weight| (0.0..=1.0).contains(weight)));
                let sum: f64 = sample.weights.iter().map(|&weight| f64::from(weight)).sum();
                prop_assert!((sum - 1.0).abs() < 1e-5, "{sum}");
            }
        }
    }
}
