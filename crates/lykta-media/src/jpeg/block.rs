//! One block: its coefficients out of the entropy-coded data, and the ways to take them.

use super::Refusal;
use super::bits::BitReader;
use super::huffman::{AcTable, DcTable, END, Next, REFILLED_LOOKUPS, SEVERAL, TOO_MANY};
use super::idct;
use crate::vector::{Processor, Rows};

/// Natural place (8 times the row, plus the column) of each coefficient in zigzag order, T.81, A.6.
pub(crate) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
    14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39,
    46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// Takes the blocks of luma, unit row by unit row.
pub(crate) trait LumaBlocks {
    /// What takes one block.
    type Block<'b>: Coefficients
    where
        Self: 'b;

    /// The row of units that the next blocks belong to; each once, in order.
    fn start_row(&mut self, row: usize);

    /// The block at column `x` of all, in row `y` of the unit.
    fn block(&mut self, x: usize, y: usize) -> Self::Block<'_>;

    /// All blocks of the row were taken.
    fn end_row(&mut self, row: usize);
}

/// Takes the coefficients of one block.
pub(crate) trait Coefficients {
    /// The coefficient at `place`, natural order, before it is multiplied by its quantization factor: of
    /// 16 bits at place 0, of 12 elsewhere, signs included. Those not named are 0.
    fn set(&mut self, place: usize, value: i32);

    /// All coefficients of the block, in natural order, in place of [`Coefficients::set`].
    fn set_all(&mut self, values: &[i16; 64]);

    /// All were named.
    fn finish(self, processor: impl Processor) -> Result<(), OutOfRange>;
}

/// Coefficients that no picture of 8 bits has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutOfRange;

/// The quantized coefficients of a block and their factors, in natural order.
#[derive(Clone)]
pub(crate) struct Quantized {
    coefficients: [i16; 64],
    factors: [i16; 64],
    /// Four times the factors, and the largest cosine of each: see [`Quantized::reach`].
    reaches: [i16; 64],
}

impl Quantized {
    /// An empty block; `factors` in zigzag order, each 1..=6500.
    pub(crate) fn new(factors: &[u16; 64]) -> Self {
        let mut natural = [0; 64];
        ZIGZAG.iter().zip(factors).for_each(|(&place, &factor)| natural[usize::from(place)] = factor as i16);
        // Rounded up.
        let reach = |place: usize| match (place / 8, place % 8) {
            (0, 0) => 2 * natural[place],
            (0, _) | (_, 0) => ((i32::from(natural[place]) * 2897 + 1023) / 1024) as i16,
            _ => 4 * natural[place],
        };
        Self { coefficients: [0; 64], factors: natural, reaches: std::array::from_fn(reach) }
    }

    pub(crate) fn factors(&self) -> &[i16; 64] {
        &self.factors
    }

    pub(crate) fn coefficients(&self) -> &[i16; 64] {
        &self.coefficients
    }

    #[inline(always)]
    pub(crate) fn set(&mut self, place: usize, value: i32) {
        self.coefficients[place & 63] = value as i16;
    }

    #[inline(always)]
    pub(crate) fn set_all(&mut self, values: &[i16; 64]) {
        self.coefficients = *values;
    }

    /// No sample is further than this from the middle, in sixteenths: a coefficient reaches a quarter of
    /// itself, one without waves in one direction that times the square root of a half, the mean an
    /// eighth.
    #[inline(always)]
    pub(crate) fn reach(&self) -> Result<u32, OutOfRange> {
        let product = |(&c, &reach): (&i16, &i16)| i32::from(c.wrapping_abs()) * i32::from(reach);
        // 63 of at most 11 bits times 26,000, and one of 15 times 13,000, fit 32 bits.
        let products = self.coefficients.iter().zip(&self.reaches).map(product);
        let sum = products.fold(0u32, |sum, product| sum.wrapping_add(product as u32));
        if sum > 16 * idct::LARGEST_SAMPLE { Err(OutOfRange) } else { Ok(sum) }
    }

    /// The one value of all samples, less 128 and clamped, if the block has nothing but a mean: if that
    /// is all of its `reach`.
    #[inline(always)]
    pub(crate) fn flat(&self, reach: u32) -> Option<i32> {
        let first = i32::from(self.coefficients[0]);
        let is_flat = reach == (first * i32::from(self.reaches[0])).unsigned_abs();
        is_flat.then(|| idct::flat(first * i32::from(self.factors[0])).clamp(-128, 127))
    }

    /// The mean of the samples.
    #[inline(always)]
    pub(crate) fn mean(&self) -> u8 {
        let sum = i32::from(self.coefficients[0]) * i32::from(self.factors[0]);
        ((sum >> 3) + 128).clamp(0, 255) as u8
    }

    /// The samples, less 128 and not clamped. [`Quantized::reach`] must have been checked.
    #[inline(always)]
    pub(crate) fn samples(&self, processor: impl Processor) -> Rows {
        let mut products = [[0; 8]; 8];
        let flat = products.as_flattened_mut();
        for ((product, &c), &factor) in flat.iter_mut().zip(&self.coefficients).zip(&self.factors) {
            *product = i32::from(c) * i32::from(factor);
        }
        idct::inverse(&products, processor)
    }

    #[inline(always)]
    pub(crate) fn clear(&mut self) {
        self.coefficients = [0; 64];
    }
}

/// Reads a whole block: F.2.2. `last_dc` is the first coefficient of the block before.
#[inline(always)]
pub(super) fn read(
    reader: &mut BitReader<'_>,
    dc: &DcTable,
    ac: &AcTable,
    last_dc: &mut i32,
    mut block: impl Coefficients,
    processor: impl Processor,
) -> Result<(), Refusal> {
    reader.refill();
    // Cannot overflow: it was 16 bits before.
    *last_dc += dc.difference(reader)?;
    if last_dc.unsigned_abs() > LARGEST_DC {
        return Err(OutOfRange.into());
    }
    block.set(0, *last_dc);
    // The coefficient that was placed last.
    let mut k = 0;
    while k < LAST {
        reader.refill();
        for _ in 0..REFILLED_LOOKUPS {
            let found = ac.look_up(reader);
            if found.is_nothing() {
                reader.refill();
                let next = ac.read(reader, found)?;
                k = place(k, next, &mut block)?;
                break;
            }
            let first = found.first();
            if k + first.step >= LAST {
                // A second symbol, if there is one, is the next block's.
                reader.skip(found.used_by_first());
                k = place(k, first, &mut block)?;
                break;
            }
            k = place(k, first, &mut block)?;
            k = place(k, found.second(), &mut block)?;
            reader.skip(found.used());
            if k >= LAST {
                break;
            }
        }
    }
    Ok(block.finish(processor)?)
}

/// A DC coefficient above this cannot be in range whatever its factor, and fits 16 bits.
pub(super) const LARGEST_DC: u32 = 8 * idct::LARGEST_SAMPLE - 1;

/// The last coefficient of a block.
const LAST: usize = 63;

/// Puts the next coefficient behind `k` in its place, and gives its number, or one above all at the end
/// of the block.
#[inline(always)]
fn place(k: usize, next: Next, block: &mut impl Coefficients) -> Result<usize, Refusal> {
    let k = k + next.step;
    if k > LAST {
        return match next.step {
            END if next.value == 0 => Ok(k),
            END => Err(SEVERAL),
            _ => Err(TOO_MANY),
        };
    }
    block.set(ZIGZAG[k].into(), next.value);
    Ok(k)
}
