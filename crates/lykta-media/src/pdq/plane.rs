//! The product A * luma * B', upright and mirrored, from rows of pixels as they come.
//!
//! ```text
//! for each block of eight rows:
//!     for each row i of A ("target") that has weights for some of them:
//!         sums[i] += weights * rows
//!     for each target that ends there:
//!         plane[i] = sums[i] * B'
//! ```
//!
//! A sum is loaded and stored once for eight multiplications, or for four where a target begins or
//! ends. About two targets lie on a block, so what is held at a time is two lines of sums. The
//! loops are plain zips over slices, which the compiler turns into vector code of whatever width
//! the target has.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use crate::decode::Sink;
use crate::pdq::hash::{Plane, SIDE};
use crate::pdq::weights::{self, Sample};
use crate::pdq::{Mode, SMALLEST_SIDE};
use crate::picture::{Channels, Dimensions, Rectangle};

/// Rows in a block.
const ROWS: usize = 8;

/// Rows that are added together where a block has others that a target does not need.
const HALF: usize = ROWS / 2;

/// The plane of a picture and, where they were asked for, those of its mirror images.
pub(crate) struct Planes {
    pub(super) upright: Box<Plane>,
    pub(super) mirrors: Option<Mirrors>,
}

/// The planes of the mirror images.
pub(super) struct Mirrors {
    /// Top and bottom changed places.
    pub(super) upside_down: Box<Plane>,
    /// Left and right changed places.
    pub(super) mirrored: Box<Plane>,
    /// Both: rotated by 180 degrees.
    pub(super) rotated: Box<Plane>,
}

impl Mirrors {
    pub(super) fn empty() -> Self {
        let empty = || Box::new([[0.0; SIDE]; SIDE]);
        Self { upside_down: empty(), mirrored: empty(), rotated: empty() }
    }
}

/// Takes the rows of a picture from the top and has the plane of a part of it in the end.
///
/// The result does not depend on how many rows are pushed at a time. Eight at a time, from the
/// first on, are read where they lie; others are copied first.
///
/// Memory: [`RowSampler::memory`].
pub(crate) struct RowSampler {
    /// Rows of the picture.
    height: usize,
    /// Bytes in a row of the picture.
    stride: usize,
    part: Rectangle,
    is_shrunk: bool,
    /// Rows pushed so far.
    pushed: usize,
    /// Rows that wait until there are `ROWS` of them, and which they are.
    waiting: Vec<u8>,
    waiting_rows: Vec<usize>,
    columns: Columns,
    /// Upright, and upside down if mirror images were asked for.
    sets: Vec<Targets>,
}

impl RowSampler {
    /// A sampler of a part of a picture of that size; with `mirrored`, of its mirror images too.
    pub(crate) fn new(
        dimensions: Dimensions,
        channels: Channels,
        part: Rectangle,
        mode: Mode,
        mirrored: bool,
    ) -> Self {
        let Rectangle { left, top, width, height } = part;
        let is_shrunk = weights::is_shrunk(width, height, mode);
        // A picture without a hash has no targets, and its plane stays empty.
        let has_hash = width.min(height) >= SMALLEST_SIDE;
        let line = |length| if has_hash { weights::of_line(length, is_shrunk) } else { Vec::new() };
        let (columns, rows) = (line(width), line(height));
        let back = if mirrored { weights::reversed(&columns, width) } else { Vec::new() };
        let (columns, back) = (weights::moved(columns, left), weights::moved(back, left));
        let upside_down = mirrored.then(|| weights::moved(weights::reversed(&rows, height), top));
        let rows = weights::moved(rows, top);
        // The lower the place in the picture upside down, the further down a target begins.
        let upside_down = upside_down.map(|rows| rows.into_iter().enumerate().rev());
        let mut sets = vec![Targets::new(rows.into_iter().enumerate(), mirrored)];
        sets.extend(upside_down.map(|rows| Targets::new(rows, mirrored)));
        let luma = if channels == Channels::Rgb { dimensions.width as usize } else { 0 };
        Self {
            height: dimensions.height as usize,
            stride: dimensions.width as usize * channels.count(),
            part,
            is_shrunk,
            pushed: 0,
            waiting: Vec::new(),
            waiting_rows: Vec::with_capacity(ROWS),
            columns: Columns { columns, back, luma: vec![0.0; luma] },
            sets,
        }
    }

    /// Bytes that a sampler holds at most, in any mode and with mirror images.
    pub(crate) fn memory(dimensions: Dimensions, channels: Channels) -> u64 {
        let (width, height) = (u64::from(dimensions.width), u64::from(dimensions.height));
        // A target is a 64th of the height, two of them overlap, and a block may reach further.
        let targets = (4 + 704 / height.max(1)).min(SIDE as u64);
        let sets = 2;
        let sums = 4 * (sets * targets * width * channels.count() as u64 + width);
        // Of a pixel of a line, in both directions; there are twice as many while they are made.
        let weights = 4 * (sets + 2) * (width + height);
        sums + weights + ROWS as u64 * width * channels.count() as u64 + (256 << 10)
    }
}

impl Sink for RowSampler {
    fn push(&mut self, mut rows: &[u8]) {
        while !rows.is_empty() {
            if !self.is_shrunk && self.waiting.is_empty() && rows.len() >= ROWS * self.stride {
                let (block, rest) = rows.split_at(ROWS * self.stride);
                self.add(block, std::array::from_fn(|k| self.pushed + k));
                self.pushed += ROWS;
                rows = rest;
                continue;
            }
            let (row, rest) = rows.split_at(self.stride.min(rows.len()));
            if self.is_read(self.pushed) {
                self.waiting.reserve_exact(ROWS * self.stride - self.waiting.len());
                self.waiting.extend_from_slice(row);
                self.waiting_rows.push(self.pushed);
            }
            self.pushed += 1;
            rows = rest;
            if self.waiting_rows.len() == ROWS {
                self.add_waiting();
            }
        }
    }
}

impl RowSampler {
    /// The planes; none unless exactly the rows of the picture were pushed.
    pub(crate) fn finish(mut self) -> Option<Planes> {
        self.add_waiting();
        if self.pushed != self.height {
            return None;
        }
        let mut sets = self.sets.into_iter();
        let Targets { plane: upright, mirrored, .. } = sets.next()?;
        let upside_down = sets.next().zip(mirrored);
        let mirrors = upside_down.and_then(|(Targets { plane, mirrored: rotated, .. }, mirrored)| {
            Some(Mirrors { upside_down: plane, mirrored, rotated: rotated? })
        });
        Some(Planes { upright, mirrors })
    }

    /// Whether a row may have weight, for the picture upright or upside down: the blocks are the
    /// same for one hash and for all, so the sums are too, to the last bit.
    fn is_read(&self, row: usize) -> bool {
        let Rectangle { top, height, .. } = self.part;
        // Rows past the last one are too many, and refused in the end.
        let Ok(row) = u32::try_from(row) else { return false };
        match row.checked_sub(top) {
            _ if !self.is_shrunk => true,
            Some(row) if row < height => {
                weights::is_kept(row, height) || weights::is_kept(height - 1 - row, height)
            }
            _ => false,
        }
    }

    fn add_waiting(&mut self) {
        let Some(&last) = self.waiting_rows.last() else { return };
        let rows: [usize; ROWS] =
            std::array::from_fn(|k| self.waiting_rows.get(k).copied().unwrap_or(last + 1));
        // Past the last row no target has weight, so any bytes do for the rows that are missing.
        let mut block = std::mem::take(&mut self.waiting);
        block.resize(ROWS * self.stride, 0);
        self.add(&block, rows);
        block.clear();
        self.waiting = block;
        self.waiting_rows.clear();
    }

    /// Adds a block of rows, which are the given ones of the picture, to the targets on them.
    fn add(&mut self, block: &[u8], rows: [usize; ROWS]) {
        // Short stretches, so that a stretch of each row stays in cache while each target reads it.
        const STRETCH: usize = 2048;
        self.sets.iter_mut().for_each(|targets| targets.begin(&rows, self.stride));
        for start in (0..self.stride).step_by(STRETCH) {
            let end = (start + STRETCH).min(self.stride);
            let rows: [&[u8]; ROWS] = std::array::from_fn(|k| &block[k * self.stride..][start..end]);
            for line in self.sets.iter_mut().flat_map(|targets| &mut targets.active) {
                line.add(start, rows);
            }
        }
        self.sets.iter_mut().for_each(|targets| targets.end(rows[ROWS - 1] + 1, &mut self.columns));
    }
}

/// The rows of A, upright or upside down, and the planes that they make.
struct Targets {
    /// Those that begin further down, each with its row of the plane; the next one first.
    coming: VecDeque<(usize, Sample)>,
    /// Those on the rows at hand, the one that ends first in front.
    active: VecDeque<Line>,
    /// Sums of those that ended, for others.
    spare: Vec<Vec<f32>>,
    plane: Box<Plane>,
    mirrored: Option<Box<Plane>>,
}

/// A target on the rows at hand.
struct Line {
    sample: Sample,
    /// Rows of the plane: several in a picture of less than 64 rows, where samples are the same.
    places: RangeInclusive<usize>,
    sums: Vec<f32>,
    /// Its weights of the rows of the block at hand.
    shares: [f32; ROWS],
}

impl Targets {
    fn new(samples: impl Iterator<Item = (usize, Sample)>, mirrored: bool) -> Self {
        let empty = || Box::new([[0.0; SIDE]; SIDE]);
        Self {
            coming: samples.collect(),
            active: VecDeque::new(),
            spare: Vec::new(),
            plane: empty(),
            mirrored: mirrored.then(empty),
        }
    }

    /// Begins the targets on `rows`, and gives all that are on them their shares.
    fn begin(&mut self, rows: &[usize; ROWS], stride: usize) {
        while let Some((place, sample)) = self.coming.pop_front_if(|(_, s)| s.start <= rows[ROWS - 1]) {
            if let Some(line) = self.active.back_mut()
                && line.sample == sample
            {
                let (first, last) = (*line.places.start(), *line.places.end());
                line.places = first.min(place)..=last.max(place);
                continue;
            }
            let mut sums = self.spare.pop().unwrap_or_default();
            sums.clear();
            sums.resize(stride, 0.0);
            self.active.push_back(Line { sample, places: place..=place, sums, shares: [0.0; ROWS] });
        }
        for line in &mut self.active {
            line.shares = rows.map(|row| line.sample.weight(row));
        }
    }

    /// Finishes the targets that end before row `next`.
    fn end(&mut self, next: usize, columns: &mut Columns) {
        while let Some(line) = self.active.pop_front_if(|line| line.sample.end() <= next) {
            let (across, back) = columns.across(&line.sums);
            for place in line.places {
                self.plane[place] = across;
                if let Some(mirrored) = &mut self.mirrored {
                    mirrored[place] = back;
                }
            }
            self.spare.push(line.sums);
        }
    }
}

impl Line {
    /// Adds a stretch of each row of a block, `start` bytes from the left.
    fn add(&mut self, start: usize, [a, b, c, d, e, f, g, h]: [&[u8]; ROWS]) {
        let sums = &mut self.sums[start..][..a.len()];
        let [s, t, u, v, w, x, y, z] = self.shares;
        let (upper, lower) = ([s, t, u, v], [w, x, y, z]);
        match (upper == [0.0; HALF], lower == [0.0; HALF]) {
            (true, true) => {}
            (false, true) => add_four(sums, [a, b, c, d], upper),
            (true, false) => add_four(sums, [e, f, g, h], lower),
            (false, false) => add_eight(sums, [a, b, c, d, e, f, g, h], self.shares),
        }
    }
}

/// Adds four rows.
fn add_four(sums: &mut [f32], [a, b, c, d]: [&[u8]; HALF], w: [f32; HALF]) {
    for ((((sum, &a), &b), &c), &d) in sums.iter_mut().zip(a).zip(b).zip(c).zip(d) {
        let low = w[0] * f32::from(a) + w[1] * f32::from(b);
        let high = w[2] * f32::from(c) + w[3] * f32::from(d);
        *sum += low + high;
    }
}

/// Adds eight rows.
fn add_eight(sums: &mut [f32], [a, b, c, d, e, f, g, h]: [&[u8]; ROWS], w: [f32; ROWS]) {
    let upper = sums.iter_mut().zip(a).zip(b).zip(c).zip(d);
    for ((((((((sum, &a), &b), &c), &d), &e), &f), &g), &h) in upper.zip(e).zip(f).zip(g).zip(h) {
        let first = w[0] * f32::from(a) + w[1] * f32::from(b);
        let second = w[2] * f32::from(c) + w[3] * f32::from(d);
        let third = w[4] * f32::from(e) + w[5] * f32::from(f);
        let fourth = w[6] * f32::from(g) + w[7] * f32::from(h);
        *sum += (first + second) + (third + fourth);
    }
}

/// The rows of B, and B mirrored, if asked for.
struct Columns {
    columns: Vec<Sample>,
    back: Vec<Sample>,
    /// Room for the luma of a line of RGB; empty for grey.
    luma: Vec<f32>,
}

impl Columns {
    /// A row of the plane, and of the mirrored plane, from a line of sums.
    fn across(&mut self, sums: &[f32]) -> ([f32; SIDE], [f32; SIDE]) {
        let line = if self.luma.is_empty() {
            sums
        } else {
            // Step 3 of the definition.
            for ([r, g, b], y) in sums.as_chunks::<3>().0.iter().zip(&mut self.luma) {
                *y = (0.299 * r + 0.587 * g) + 0.114 * b;
            }
            &self.luma
        };
        (samples(line, &self.columns), samples(line, &self.back))
    }
}

/// Each sample of a line.
fn samples(line: &[f32], columns: &[Sample]) -> [f32; SIDE] {
    let mut out = [0.0; SIDE];
    for (sample, out) in columns.iter().zip(&mut out) {
        *out = dot(&sample.weights, &line[sample.start..][..sample.weights.len()]);
    }
    out
}

/// The sum of products, in eight parts that advance together.
pub(super) fn dot(weights: &[f32], values: &[f32]) -> f32 {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn planes(
        dimensions: Dimensions,
        mode: Mode,
        mirrored: bool,
        pixels: &[u8],
        rows: &[usize],
    ) -> Option<Planes> {
        let mut sampler =
            RowSampler::new(dimensions, Channels::Rgb, Rectangle::whole(dimensions), mode, mirrored);
        let (mut rest, stride) = (pixels, 3 * dimensions.width as usize);
        for rows in rows.iter().cycle() {
            let (next, after) = rest.split_at((rows * stride).min(rest.len()));
            sampler.push(next);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        sampler.finish()
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_many_rows_come_at_a_time(
            (width, height) in (1u32..80, 1u32..600),
            rows in prop::collection::vec(1usize..30, 1..5),
            shrunk in any::<bool>(),
        ) {
            let dimensions = Dimensions { width, height };
            let mode = if shrunk { Mode::Cli512 } else { Mode::Full };
            let pixels: Vec<u8> = (0..3 * width * height).map(|i| (i.wrapping_mul(i) / 7 + i) as u8).collect();
            let all = planes(dimensions, mode, true, &pixels, &[height as usize]).expect("all rows");
            let some = planes(dimensions, mode, true, &pixels, &rows).expect("all rows");
            prop_assert!(all.upright == some.upright && all.variants() == some.variants());
            let upright = planes(dimensions, mode, false, &pixels, &rows).expect("all rows").upright;
            prop_assert!(upright == all.upright, "mirror images change nothing");
        }
    }

    #[test]
    fn rows_that_are_missing_or_too_many_make_no_plane() {
        let dimensions = Dimensions { width: 20, height: 30 };
        for (rows, is_right) in [(0, false), (29, false), (30, true), (31, false), (40, false)] {
            let mut sampler =
                RowSampler::new(dimensions, Channels::Grey, Rectangle::whole(dimensions), Mode::Full, true);
            sampler.push(&vec![7; 20 * rows]);
            assert_eq!(sampler.finish().is_some(), is_right, "{rows} rows");
        }
    }
}
