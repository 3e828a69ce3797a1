//! The product A * luma * B', upright and mirrored.
//!
//! Rows of pixels are added four at a time, so that a sum is loaded and stored once for four
//! multiplications. The loops are plain zips over slices, which the compiler turns into vector
//! code of whatever width the target has.

use crate::pdq::Mode;
use crate::pdq::hash::{Plane, SIDE};
use crate::pdq::weights::{self, Sample};
use crate::picture::{Picture, Pixels};

/// Rows that one pass adds.
const ROWS: usize = 4;

/// The plane of a picture and those of its mirror images.
pub(super) struct Planes {
    pub(super) upright: Box<Plane>,
    /// Top and bottom changed places.
    pub(super) upside_down: Box<Plane>,
    /// Left and right changed places.
    pub(super) mirrored: Box<Plane>,
    /// Both: rotated by 180 degrees.
    pub(super) rotated: Box<Plane>,
}

/// The plane of `picture`.
pub(super) fn upright(picture: &Picture, mode: Mode) -> Box<Plane> {
    let shrunk = weights::is_shrunk(picture.width(), picture.height(), mode);
    let columns = weights::of_line(picture.width(), shrunk);
    let mut plane = empty();
    let mut sums = Sums::of(picture);
    for (sample, out) in weights::of_line(picture.height(), shrunk).iter().zip(plane.iter_mut()) {
        sums.add(picture, [sample]);
        let [line] = sums.lines();
        across(line, &columns, out);
    }
    plane
}

/// The planes of `picture` and its mirror images, in one pass over its pixels.
pub(super) fn mirrored(picture: &Picture, mode: Mode) -> Planes {
    let shrunk = weights::is_shrunk(picture.width(), picture.height(), mode);
    let columns = weights::of_line(picture.width(), shrunk);
    let columns_back = weights::reversed(&columns, picture.width());
    let rows = weights::of_line(picture.height(), shrunk);
    let rows_back = weights::reversed(&rows, picture.height());
    let mut planes = Planes { upright: empty(), upside_down: empty(), mirrored: empty(), rotated: empty() };
    let mut sums = Sums::of(picture);
    for (i, row) in rows.iter().enumerate() {
        // Sample i from the top and sample 63 - i from the bottom lie on the same rows, give or
        // take one.
        let back = SIDE - 1 - i;
        sums.add(picture, [row, &rows_back[back]]);
        let [line, line_back] = sums.lines();
        across(line, &columns, &mut planes.upright[i]);
        across(line, &columns_back, &mut planes.mirrored[i]);
        across(line_back, &columns, &mut planes.upside_down[back]);
        across(line_back, &columns_back, &mut planes.rotated[back]);
    }
    planes
}

fn empty() -> Box<Plane> {
    Box::new([[0.0; SIDE]; SIDE])
}

/// N weighted sums of rows of pixels, and the lines of luma that they become.
struct Sums<const N: usize> {
    channels: usize,
    samples: [Vec<f32>; N],
    luma: [Vec<f32>; N],
}

impl<const N: usize> Sums<N> {
    fn of(picture: &Picture) -> Self {
        let width = picture.width() as usize;
        let channels = picture.pixels().channels();
        let luma = if channels == 1 { 0 } else { width };
        Self {
            channels,
            samples: std::array::from_fn(|_| vec![0.0; width * channels]),
            luma: std::array::from_fn(|_| vec![0.0; luma]),
        }
    }

    /// Sums the rows that `down` asks for, reading each once for all N.
    fn add(&mut self, picture: &Picture, down: [&Sample; N]) {
        self.samples.iter_mut().for_each(|samples| samples.fill(0.0));
        let stride = picture.width() as usize * self.channels;
        let (Pixels::Grey(bytes) | Pixels::Rgb(bytes)) = picture.pixels();
        let start = down.iter().map(|sample| sample.start).min().unwrap_or(0);
        let end = down.iter().map(|sample| sample.start + sample.weights.len()).max().unwrap_or(0);
        let weight = |n: usize, row: usize| {
            row.checked_sub(down[n].start).and_then(|k| down[n].weights.get(k)).copied().unwrap_or(0.0)
        };
        // Rows without weight (those that a shrink left out) are not read.
        let mut rows = (start..end).filter(|&row| (0..N).any(|n| weight(n, row) != 0.0));
        loop {
            let mut block = [&bytes[..0]; ROWS];
            let mut shares = [[0.0; ROWS]; N];
            let mut found = 0;
            for row in rows.by_ref().take(ROWS) {
                block[found] = &bytes[row * stride..][..stride];
                for (n, shares) in shares.iter_mut().enumerate() {
                    shares[found] = weight(n, row);
                }
                found += 1;
            }
            if found == 0 {
                return;
            }
            // Weight 0 makes any row do for those that are missing.
            let filler = block[0];
            block[found..].fill(filler);
            accumulate(&mut self.samples, block, shares);
        }
    }

    /// The sums as luma: step 3 of the definition.
    fn lines(&mut self) -> [&[f32]; N] {
        if self.channels == 1 {
            return self.samples.each_ref().map(Vec::as_slice);
        }
        for (samples, luma) in self.samples.iter().zip(&mut self.luma) {
            for ([r, g, b], y) in samples.as_chunks::<3>().0.iter().zip(luma) {
                *y = (0.299 * r + 0.587 * g) + 0.114 * b;
            }
        }
        self.luma.each_ref().map(Vec::as_slice)
    }
}

/// Adds four rows to each of N lines of sums.
fn accumulate<const N: usize>(sums: &mut [Vec<f32>; N], [a, b, c, d]: [&[u8]; ROWS], w: [[f32; ROWS]; N]) {
    // Short stretches, so that a stretch of each row stays in cache while each of N reads it.
    const STRETCH: usize = 512;
    let rows = a.chunks(STRETCH).zip(b.chunks(STRETCH)).zip(c.chunks(STRETCH)).zip(d.chunks(STRETCH));
    for (at, (((a, b), c), d)) in rows.enumerate() {
        for (sums, w) in sums.iter_mut().zip(&w) {
            let sums = &mut sums[at * STRETCH..][..a.len()];
            for ((((sum, &a), &b), &c), &d) in sums.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                let low = w[0] * f32::from(a) + w[1] * f32::from(b);
                let high = w[2] * f32::from(c) + w[3] * f32::from(d);
                *sum += low + high;
            }
        }
    }
}

/// One row of the plane: each sample of a line.
fn across(line: &[f32], columns: &[Sample], out: &mut [f32; SIDE]) {
    for (sample, out) in columns.iter().zip(out) {
        *out = dot(&sample.weights, &line[sample.start..][..sample.weights.len()]);
    }
}

/// The sum of products, in eight parts that advance together.
fn dot(weights: &[f32], values: &[f32]) -> f32 {
    const LANES: usize = 8;
    let mut lanes = [0f32; LANES];
    let (weight_chunks, weight_rest) = weights.as_chunks::<LANES>();
    let (value_chunks, value_rest) = values.as_chunks::<LANES>();
    for (weights, values) in weight_chunks.iter().zip(value_chunks) {
        for ((lane, weight), value) in lanes.iter_mut().zip(weights).zip(values) {
            *lane += weight * value;
        }
    }
    let rest: f32 = weight_rest.iter().zip(value_rest).map(|(weight, value)| weight * value).sum();
    lanes.iter().sum::<f32>() + rest
}
