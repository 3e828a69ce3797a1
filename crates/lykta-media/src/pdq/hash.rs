//! From the plane of 64 x 64 values to bits and quality. Steps 8 to 12 of the definition, in its
//! order of operations: IEEE binary32, left to right, no fused multiply-add.

use std::f64::consts::PI;
use std::sync::LazyLock;

use lykta_hash::Pdq;

/// Side of the plane.
pub(super) const SIDE: usize = 64;

/// Frequencies kept in each direction: 1 to 16 (0, the mean, is left out).
const FREQUENCIES: usize = 16;

/// 64 x 64 values, 0.0 to 255.0, row by row.
pub(crate) type Plane = [[f32; SIDE]; SIDE];

/// 16 x 16 coefficients; row i is vertical frequency i + 1.
pub(super) type Frequencies = [[f32; FREQUENCIES]; FREQUENCIES];

/// Step 9's matrix.
static DCT: LazyLock<[[f32; SIDE]; FREQUENCIES]> = LazyLock::new(|| {
    let scale = f64::from((2.0 / SIDE as f64).sqrt() as f32);
    std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            let angle = (PI / 2.0 / SIDE as f64) * (i + 1) as f64 * (2 * j + 1) as f64;
            (scale * angle.cos()) as f32
        })
    })
});

/// Step 9: the two-dimensional cosine transform, low frequencies only. Sums run over the inner
/// index in order, one accumulator each; the loops are turned so that many accumulators advance
/// together.
pub(super) fn frequencies(plane: &Plane) -> Frequencies {
    let dct = &*DCT;
    let mut half = [[0f32; SIDE]; FREQUENCIES];
    for (weights, sums) in dct.iter().zip(&mut half) {
        for (weight, row) in weights.iter().zip(plane) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += weight * value;
            }
        }
    }
    let columns: [[f32; FREQUENCIES]; SIDE] = std::array::from_fn(|k| std::array::from_fn(|j| dct[j][k]));
    let mut full = [[0f32; FREQUENCIES]; FREQUENCIES];
    for (row, sums) in half.iter().zip(&mut full) {
        for (value, weights) in row.iter().zip(&columns) {
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += value * weight;
            }
        }
    }
    full
}

/// The frequencies of the transposed plane.
pub(super) fn transposed(frequencies: &Frequencies) -> Frequencies {
    std::array::from_fn(|i| std::array::from_fn(|j| frequencies[j][i]))
}

/// Step 10: the lower median, rank 128 of 256.
pub(super) fn median(frequencies: &Frequencies) -> f32 {
    let mut sorted = *frequencies;
    *sorted.as_flattened_mut().select_nth_unstable_by(127, f32::total_cmp).1
}

/// Steps 11 and 12: bit 16 * i + j is set if the frequency is above the median; bit 255 comes
/// first.
pub(super) fn bits(frequencies: &Frequencies) -> Pdq {
    let median = median(frequencies);
    let mut bytes = [0; 32];
    for (k, frequency) in frequencies.as_flattened().iter().enumerate() {
        bytes[31 - k / 8] |= u8::from(*frequency > median) << (k % 8);
    }
    Pdq(bytes)
}

/// Step 8: the sum of the steps between neighbours, in hundredths of the range, each cut to a
/// whole number; a ninetieth of it, 100 at most.
pub(super) fn quality(plane: &Plane) -> u8 {
    quality_of_steps(plane, 0.0)
}

/// The quality if every step between neighbours were larger by `slack`, or smaller if negative.
pub(super) fn quality_of_steps(plane: &Plane, slack: f32) -> u8 {
    let step = |a: f32, b: f32| ((((a - b).abs() + slack) * 100.0) / 255.0).max(0.0) as u32;
    let down = plane.windows(2).flat_map(|rows| rows[0].iter().zip(&rows[1]));
    let across = plane.iter().flat_map(|row| row.iter().zip(&row[1..]));
    let sum: u32 = down.chain(across).map(|(&a, &b)| step(a, b)).sum();
    (sum / 90).min(100) as u8
}
