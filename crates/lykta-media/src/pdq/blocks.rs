//! The plane from the coefficients of a JPEG, without pixels.
//!
//! Samples of the plane are weighted sums of pixels, and pixels are weighted sums of the coefficients
//! of their block. So a coefficient adds to a sample what its cosine adds to the weights:
//!
//! ```text
//! sample(i, j) = sum over blocks, v, u of  down(i, v) * factor(v, u) * coefficient(v, u) * across(j, u)
//! ```
//!
//! `down` and `across` are the rows of A and B of the module's essay, projected on the eight cosines of
//! each block. The vertical sum is made block by block: a line of sums, eight for each column of blocks,
//! for each row of the plane that the blocks feed; the horizontal sum when a row of the plane has got
//! all its blocks. The rows of the plane that are fed at the same time are few in a large picture:
//! `LANES` of them, mirrored ones included.
//!
//! Two things are lost with the pixels. They are whole numbers, and what rounding adds to a
//! sample is noise, the smaller the more pixels the sample has: [`is_precise`] tells where it does not
//! matter. And they are clamped to 0..=255: a block that could leave that range is
//! transformed to see what clamping changes, and the change is added.

use std::sync::LazyLock;

use crate::jpeg::{Coefficients, LumaBlocks, OutOfRange, Quantized};
use crate::pdq::borders::BorderFinder;
use crate::pdq::hash::SIDE;
use crate::pdq::plane::{Mirrors, Planes, dot};
use crate::pdq::weights::{self, Sample};
use crate::pdq::{Mode, SMALLEST_SIDE};
use crate::picture::{Channels, Dimensions, Rectangle};
use crate::vector::Processor;

/// A row of coefficients of a block, or what belongs to it.
type Row = [f32; 8];

/// The largest standard deviation, in the frequencies that are compared with their median, of the
/// noise that rounding of pixels would add. Among the frequencies of photographs the next to the
/// median is 1 away on average, so that one picture in thirty has a bit that the noise turns.
const LARGEST_NOISE: f32 = 0.01;

/// The cosines of a block: sample x of the wave u. T.81, A.3.3.
static COSINES: LazyLock<[[f32; 8]; 8]> = LazyLock::new(|| {
    std::array::from_fn(|u| {
        let scale = if u == 0 { (1f64 / 8.0).sqrt() } else { 0.5 };
        let angle = |x: usize| std::f64::consts::PI / 16.0 * (u * (2 * x + 1)) as f64;
        std::array::from_fn(|x| (scale * angle(x).cos()) as f32)
    })
});

/// Lanes that [`is_precise`] pictures need, without mirror images and with them.
pub(crate) const LANES: usize = 2;
pub(crate) const LANES_MIRRORED: usize = 4;

/// Whether the hash from coefficients is that of the pixels, but for a bit or two of one picture in
/// thirty. Not so in smaller pictures, and in [`Mode::Cli512`], which takes few pixels of a large one. The
/// answer is the same with mirror images and without, so that a picture has one hash.
pub(crate) fn is_precise(dimensions: Dimensions, unit_rows: usize, mode: Mode) -> bool {
    // At the least; the noise says more, but takes longer.
    if dimensions.pixels() <= 1 << 22 {
        return false;
    }
    let Dimensions { width, height } = dimensions;
    let shrunk = weights::is_shrunk(width, height, mode);
    let (columns, rows) = (weights::of_line(width, shrunk), weights::of_line(height, shrunk));
    width.min(height) >= SMALLEST_SIDE
        && noise(&columns, &rows) <= LARGEST_NOISE
        && most_at_once(&targets(&rows, None), unit_rows) <= LANES
        && most_at_once(&targets(&rows, Some(height)), unit_rows) <= LANES_MIRRORED
}

/// One row of the plane, upright or upside down, and the rows of pixels that make it.
struct Target {
    row: usize,
    upside_down: bool,
    sample: Sample,
}

/// The rows of the plane, and those of the plane upside down of a picture `mirrored_height` high.
fn targets(rows: &[Sample], mirrored_height: Option<u32>) -> Vec<Target> {
    let back = mirrored_height.map_or_else(Vec::new, |height| weights::reversed(rows, height));
    let target = |upside_down| {
        move |(row, sample): (usize, &Sample)| Target { row, upside_down, sample: sample.clone() }
    };
    rows.iter().enumerate().map(target(false)).chain(back.iter().enumerate().map(target(true))).collect()
}

/// The weights of the blocks in one row of blocks, by vertical wave.
#[derive(Clone)]
struct Weights<const LANES: usize> {
    down: [[f32; 8]; LANES],
    /// The same times the quantization factors: by lane, vertical wave, horizontal wave.
    quantized: [[Row; 8]; LANES],
}

/// Takes blocks and has the planes at the end.
pub(crate) struct BlockSampler<const LANES: usize> {
    quantized: Quantized,
    /// Rows of pixels in a row of units.
    unit_rows: usize,
    /// Not yet begun; the next one last.
    waiting: Vec<Target>,
    lanes: [Option<Target>; LANES],
    weights: Vec<Weights<LANES>>,
    /// By column of blocks: sums by lane and horizontal wave.
    line: Vec<[Row; LANES]>,
    across: Vec<Sample>,
    /// Empty unless mirror images are wanted.
    across_back: Vec<Sample>,
    planes: Planes,
    /// The picture in eighths: the means of the blocks in the row of units at hand, row by row, and
    /// where that picture has borders.
    means: Vec<u8>,
    borders: BorderFinder,
    dimensions: Dimensions,
}

impl<const LANES: usize> BlockSampler<LANES> {
    /// A sampler for a picture with `blocks` columns of blocks and `unit_rows` rows of pixels (8 times
    /// the vertical sampling factor) a row of units. None if `LANES` are too few for it.
    pub(crate) fn new(
        Dimensions { width, height }: Dimensions,
        blocks: usize,
        unit_rows: usize,
        factors: &[u16; 64],
        mode: Mode,
        mirrored: bool,
    ) -> Option<Self> {
        let shrunk = weights::is_shrunk(width, height, mode);
        let (columns, rows) = (weights::of_line(width, shrunk), weights::of_line(height, shrunk));
        let columns_back = if mirrored { weights::reversed(&columns, width) } else { Vec::new() };
        let mut waiting = targets(&rows, mirrored.then_some(height));
        waiting.sort_by_key(|target| std::cmp::Reverse((target.sample.start, target.sample.end())));
        if most_at_once(&waiting, unit_rows) > LANES {
            return None;
        }
        Some(Self {
            quantized: Quantized::new(factors),
            unit_rows,
            waiting,
            lanes: [const { None }; LANES],
            weights: vec![
                Weights { down: [[0.0; 8]; LANES], quantized: [[[0.0; 8]; 8]; LANES] };
                unit_rows / 8
            ],
            line: vec![[[0.0; 8]; LANES]; blocks],
            across: columns.iter().map(projected).collect(),
            across_back: columns_back.iter().map(projected).collect(),
            planes: Planes { upright: Box::new([[0.0; SIDE]; SIDE]), mirrors: mirrored.then(Mirrors::empty) },
            means: vec![0; blocks * (unit_rows / 8)],
            borders: BorderFinder::new(
                Dimensions { width: width.div_ceil(8), height: height.div_ceil(8) },
                Channels::Grey,
            ),
            dimensions: Dimensions { width, height },
        })
    }

    /// The planes, once all rows were taken, and the parts of the picture that are within borders, to
    /// the next block outwards.
    pub(crate) fn finish(self) -> (Planes, Vec<Rectangle>) {
        let Dimensions { width, height } = self.dimensions;
        let of_blocks = |Rectangle { left, top, width: across, height: down }| {
            let (left, top) = (8 * left, 8 * top);
            Rectangle {
                left,
                top,
                width: (8 * across).min(width - left),
                height: (8 * down).min(height - top),
            }
        };
        (self.planes, self.borders.finish().into_iter().map(of_blocks).collect())
    }

    /// The horizontal sums of a row of the plane that has got all its blocks.
    fn finish_lane(&mut self, lane: usize, target: &Target) {
        let line: Vec<f32> = self.line.iter_mut().flat_map(|sums| std::mem::take(&mut sums[lane])).collect();
        let across = |samples: &[Sample], out: &mut [f32; SIDE]| {
            for (sample, out) in samples.iter().zip(out) {
                // Samples of the transform are less 128.
                *out = 128.0 + dot(&sample.weights, &line[sample.start..][..sample.weights.len()]);
            }
        };
        let Planes { upright, mirrors } = &mut self.planes;
        match (target.upside_down, mirrors) {
            (false, None) => across(&self.across, &mut upright[target.row]),
            (false, Some(mirrors)) => {
                across(&self.across, &mut upright[target.row]);
                across(&self.across_back, &mut mirrors.mirrored[target.row]);
            }
            (true, None) => {}
            (true, Some(mirrors)) => {
                across(&self.across, &mut mirrors.upside_down[target.row]);
                across(&self.across_back, &mut mirrors.rotated[target.row]);
            }
        }
    }
}

impl<const LANES: usize> LumaBlocks for BlockSampler<LANES> {
    type Block<'b> = SampledBlock<'b, LANES>;

    fn start_row(&mut self, row: usize) {
        let (start, end) = (row * self.unit_rows, (row + 1) * self.unit_rows);
        for lane in &mut self.lanes {
            if lane.is_none() && self.waiting.last().is_some_and(|target| target.sample.start < end) {
                *lane = self.waiting.pop();
            }
        }
        for (weights, first) in self.weights.iter_mut().zip((start..).step_by(8)) {
            for (lane, target) in self.lanes.iter().enumerate() {
                weights.down[lane] = target.as_ref().map_or([0.0; 8], |target| waves(&target.sample, first));
                let (factors, _) = self.quantized.factors().as_chunks::<8>();
                for (v, row) in weights.quantized[lane].iter_mut().enumerate() {
                    let down = weights.down[lane][v];
                    *row = std::array::from_fn(|u| down * f32::from(factors[v][u]));
                }
            }
        }
    }

    #[inline(always)]
    fn block(&mut self, x: usize, y: usize) -> SampledBlock<'_, LANES> {
        let at = y * self.line.len() + x;
        SampledBlock {
            quantized: &mut self.quantized,
            weights: &self.weights[y],
            sums: &mut self.line[x],
            mean: &mut self.means[at],
        }
    }

    fn end_row(&mut self, row: usize) {
        let Dimensions { width, height } = self.dimensions;
        let (columns, rows) = (width.div_ceil(8) as usize, height.div_ceil(8) as usize);
        // Blocks past the edge have no pixels of the picture.
        for (means, _) in self.means.chunks(self.line.len()).zip(row * self.unit_rows / 8..rows) {
            self.borders.push(&means[..columns]);
        }
        for lane in 0..LANES {
            if self.lanes[lane]
                .as_ref()
                .is_some_and(|target| target.sample.end() <= (row + 1) * self.unit_rows)
                && let Some(target) = self.lanes[lane].take()
            {
                self.finish_lane(lane, &target);
            }
        }
    }
}

/// One block on its way to the sums.
pub(crate) struct SampledBlock<'b, const LANES: usize> {
    quantized: &'b mut Quantized,
    weights: &'b Weights<LANES>,
    sums: &'b mut [Row; LANES],
    mean: &'b mut u8,
}

impl<const LANES: usize> Coefficients for SampledBlock<'_, LANES> {
    #[inline(always)]
    fn set(&mut self, place: usize, value: i32) {
        self.quantized.set(place, value);
    }

    #[inline(always)]
    fn set_all(&mut self, values: &[i16; 64]) {
        self.quantized.set_all(values);
    }

    #[inline(always)]
    fn finish(self, processor: impl Processor) -> Result<(), OutOfRange> {
        let Self { quantized, weights, sums, mean } = self;
        let reach = quantized.reach()?;
        *mean = quantized.mean();
        if let Some(sample) = quantized.flat(reach) {
            // All its pixels are rounded alike, which does not average out, and costs nothing to know.
            for (sums, weights) in sums.iter_mut().zip(&weights.down) {
                sums[0] += weights[0] * (8 * sample) as f32;
            }
            quantized.clear();
            return Ok(());
        }
        if reach > 16 * 127 {
            clamp(quantized, weights, sums, processor);
        }
        let mut total = *sums;
        for (v, row) in quantized.coefficients().as_chunks::<8>().0.iter().enumerate() {
            let row = row.map(f32::from);
            for (total, weights) in total.iter_mut().zip(&weights.quantized) {
                add(total, &weights[v], &row);
            }
        }
        *sums = total;
        quantized.clear();
        Ok(())
    }
}

/// Adds what clamping of samples changes.
#[inline(always)]
fn clamp<const LANES: usize>(
    quantized: &Quantized,
    weights: &Weights<LANES>,
    sums: &mut [Row; LANES],
    processor: impl Processor,
) {
    let samples = quantized.samples(processor);
    let mut change = [[0f32; 8]; 8];
    let mut any = 0;
    for (change, samples) in change.iter_mut().zip(&samples) {
        for (change, &sample) in change.iter_mut().zip(samples) {
            let beyond = sample.clamp(-128, 127) - sample;
            any |= beyond;
            *change = beyond as f32;
        }
    }
    if any == 0 {
        return;
    }
    let cosines = &*COSINES;
    for (v, cosines_down) in cosines.iter().enumerate() {
        let mut column = [0f32; 8];
        for (cosine, change) in cosines_down.iter().zip(&change) {
            add(&mut column, &[*cosine; 8], change);
        }
        let row =
            cosines.map(|cosines| cosines.iter().zip(&column).map(|(cosine, change)| cosine * change).sum());
        for (sums, weights) in sums.iter_mut().zip(&weights.down) {
            add(sums, &[weights[v]; 8], &row);
        }
    }
}

#[inline(always)]
fn add(sums: &mut Row, weights: &Row, values: &Row) {
    for ((sum, weight), value) in sums.iter_mut().zip(weights).zip(values) {
        *sum += weight * value;
    }
}

/// The weights of the eight pixels from `first` on, projected on the waves.
fn waves(sample: &Sample, first: usize) -> [f32; 8] {
    let weight =
        |x: usize| (first + x).checked_sub(sample.start).and_then(|at| sample.weights.get(at)).copied();
    let weights: [f32; 8] = std::array::from_fn(|x| weight(x).unwrap_or(0.0));
    COSINES.map(|wave| wave.iter().zip(weights).map(|(cosine, weight)| cosine * weight).sum())
}

/// The sample in terms of waves, eight for each block, in place of pixels.
fn projected(sample: &Sample) -> Sample {
    let (first, end) = (sample.start / 8, (sample.start + sample.weights.len()).div_ceil(8));
    let weights = (first..end).flat_map(|block| waves(sample, 8 * block)).collect();
    Sample { start: 8 * first, weights }
}

/// The standard deviation that rounding adds to a frequency: each pixel's is 1 / sqrt(12), and the
/// cosine transform of the plane keeps it as it is.
fn noise(columns: &[Sample], rows: &[Sample]) -> f32 {
    let squares = |samples: &[Sample]| {
        let all = samples.iter().flat_map(|sample| &sample.weights);
        all.map(|weight| weight * weight).sum::<f32>() / SIDE as f32
    };
    (squares(columns) * squares(rows) / 12.0).sqrt()
}

/// The most targets that one row of units feeds.
fn most_at_once(targets: &[Target], unit_rows: usize) -> usize {
    let units = |target: &Target| (target.sample.start / unit_rows, (target.sample.end() - 1) / unit_rows);
    let last = targets.iter().map(|target| units(target).1).max().unwrap_or(0);
    let mut counts = vec![0; last + 1];
    for target in targets {
        let (first, last) = units(target);
        counts[first..=last].iter_mut().for_each(|count| *count += 1);
    }
    counts.into_iter().max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::Any;

    /// Planes of 8 x `rows` blocks, made up, with as many lanes.
    fn planes<const LANES: usize>(rows: usize, mirrored: bool) -> Option<Planes> {
        let dimensions = Dimensions { width: 64, height: rows as u32 * 8 };
        let mut sampler = BlockSampler::<LANES>::new(dimensions, 8, 8, &[3; 64], Mode::Full, mirrored)?;
        for row in 0..rows {
            sampler.start_row(row);
            for x in 0..8 {
                let mut block = sampler.block(x, 0);
                (0..64)
                    .for_each(|place| block.set(place, ((row * 31 + x * 7 + place * 13) % 41) as i32 - 20));
                block.finish(Any).expect("in range");
            }
            sampler.end_row(row);
        }
        Some(sampler.finish().0)
    }

    #[test]
    fn lanes_that_are_used_again_give_the_same_planes() {
        let all = planes::<128>(400, true).expect("lanes for every row of every plane");
        let few = planes::<LANES_MIRRORED>(400, true).expect("enough for a tall picture");
        assert!(all.all() == few.all());
        let upright = planes::<LANES>(400, false).expect("enough for a tall picture");
        assert!(upright.all()[0] == all.all()[0]);
        assert!(planes::<LANES>(8, false).is_none(), "a row of blocks feeds eight rows of the plane");
    }
}
