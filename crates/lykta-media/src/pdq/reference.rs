//! The definition, transcribed: running sums in binary32 along every line, in the order written
//! there. Slow, and the oracle for everything else in this module.

use std::ops::RangeInclusive;

use crate::pdq::hash::{self, Plane, SIDE};
use crate::pdq::{Mode, PdqHash, SMALLEST_SIDE, weights};
use crate::picture::{Picture, Pixels};
use lykta_hash::Pdq;

/// The hash of `picture`, by the definition's own steps.
pub fn hash(picture: &Picture, mode: Mode) -> PdqHash {
    if picture.width() < SMALLEST_SIDE || picture.height() < SMALLEST_SIDE {
        return PdqHash { pdq: Pdq([0; 32]), quality: 0 };
    }
    let plane = plane(&shrink(picture, mode));
    PdqHash { pdq: hash::bits(&hash::frequencies(&plane)), quality: hash::quality(&plane) }
}

/// The bits (weight 2^k for k in 0..256) whose frequency lies within `tolerance` of the median: on
/// which side of it they fall, rounding decides. None for a picture with a side below 5.
pub fn undecided(picture: &Picture, mode: Mode, tolerance: f32) -> Vec<usize> {
    if picture.width() < SMALLEST_SIDE || picture.height() < SMALLEST_SIDE {
        return Vec::new();
    }
    let frequencies = hash::frequencies(&plane(&shrink(picture, mode)));
    let median = hash::median(&frequencies);
    let near = |value: &f32| (value - median).abs() <= tolerance;
    (0..256).filter(|&k| near(&frequencies[k / 16][k % 16])).collect()
}

/// The qualities that `picture` may have if a step between two values of the plane is off by
/// `tolerance`: steps are cut to whole hundredths, so those on an edge fall either way.
pub fn qualities(picture: &Picture, mode: Mode, tolerance: f32) -> RangeInclusive<u8> {
    if picture.width() < SMALLEST_SIDE || picture.height() < SMALLEST_SIDE {
        return 0..=0;
    }
    let plane = plane(&shrink(picture, mode));
    hash::quality_of_steps(&plane, -tolerance)..=hash::quality_of_steps(&plane, tolerance)
}

/// Step 2: nearest neighbours, on bytes.
fn shrink(picture: &Picture, mode: Mode) -> Picture {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    if !weights::is_shrunk(picture.width(), picture.height(), mode) {
        return picture.clone();
    }
    let take = |bytes: &[u8], channels: usize| {
        let mut out = Vec::with_capacity(512 * 512 * channels);
        for y in 0..512 {
            for x in 0..512 {
                let at = (y * height / 512 * width + x * width / 512) * channels;
                out.extend_from_slice(&bytes[at..at + channels]);
            }
        }
        out
    };
    let pixels = match picture.pixels() {
        Pixels::Grey(bytes) => Pixels::Grey(take(bytes, 1)),
        Pixels::Rgb(bytes) => Pixels::Rgb(take(bytes, 3)),
    };
    Picture::new(512, 512, pixels).unwrap_or_else(|| picture.clone())
}

/// Steps 3 and 5 to 7.
fn plane(picture: &Picture) -> Plane {
    let (columns, rows) = (picture.width() as usize, picture.height() as usize);
    let mut first: Vec<f32> = match picture.pixels() {
        Pixels::Grey(bytes) => bytes.iter().map(|&y| f32::from(y)).collect(),
        Pixels::Rgb(bytes) => bytes
            .as_chunks::<3>()
            .0
            .iter()
            .map(|&[r, g, b]| (0.299 * f32::from(r) + 0.587 * f32::from(g)) + 0.114 * f32::from(b))
            .collect(),
    };
    if (columns, rows) == (SIDE, SIDE) {
        return std::array::from_fn(|i| std::array::from_fn(|j| first[i * SIDE + j]));
    }
    let mut second = vec![0f32; first.len()];
    for _ in 0..2 {
        for i in 0..rows {
            box_along(&first, &mut second, i * columns, 1, columns);
        }
        for j in 0..columns {
            box_along(&second, &mut first, j, columns, rows);
        }
    }
    let centre = |i: usize, length: usize| ((i as f64 + 0.5) * length as f64 / SIDE as f64) as usize;
    std::array::from_fn(|i| std::array::from_fn(|j| first[centre(i, rows) * columns + centre(j, columns)]))
}

/// Step 6's box1D on `length` values from `start`, `stride` apart.
fn box_along(input: &[f32], output: &mut [f32], start: usize, stride: usize, length: usize) {
    let window = length.div_ceil(128);
    let half = (window + 2) / 2;
    let at = |i: usize| start + i * stride;
    let (mut sum, mut count, mut left, mut right, mut out) = (0f32, 0u32, 0, 0, 0);
    for _ in 0..half - 1 {
        sum += input[at(right)];
        right += 1;
        count += 1;
    }
    for _ in 0..window - half + 1 {
        sum += input[at(right)];
        right += 1;
        count += 1;
        output[at(out)] = sum / count as f32;
        out += 1;
    }
    for _ in 0..length - window {
        sum += input[at(right)];
        right += 1;
        sum -= input[at(left)];
        left += 1;
        output[at(out)] = sum / count as f32;
        out += 1;
    }
    for _ in 0..half - 1 {
        sum -= input[at(left)];
        left += 1;
        count -= 1;
        output[at(out)] = sum / count as f32;
        out += 1;
    }
}
