//! Scans of progressive frames: T.81, annex G.
//!
//! Coefficients arrive in bands and bit by bit, so those of luma are held until the last scan was read,
//! beside a mask of those that are not 0: a refinement asks for little else, and where no coefficient
//! has come yet it has nothing to do. Scans of chroma alone are not read at all.
//!
//! A scan that refines what is not there, or brings again what is, is refused: decoders differ there.

use memmap2::MmapMut;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::Refusal;
use super::bits::BitReader;
use super::block::{Coefficients, LARGEST_DC, LumaBlocks, OutOfRange, ZIGZAG};
use super::frame::{Frame, NO_TABLE, Scan, Tables};
use super::huffman::{AcTable, DcTable, END, Next, REFILLED_LOOKUPS, TOO_MANY};
use super::sequential::Intervals;
use crate::vector::{Processor, Work};

/// The coefficients of luma as far as they have come.
pub(super) struct Progress {
    blocks: Blocks,
    /// Blocks from one row to the next.
    across: usize,
    /// The bit that each coefficient has come down to, in zigzag order; [`NOT_YET`] before its first
    /// scan.
    lows: [u32; 64],
}

const NOT_YET: u32 = u32::MAX;

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
struct Block {
    /// In natural order.
    coefficients: [i16; 64],
    /// Bit k is set if the coefficient k of the zigzag order is not 0.
    nonzero: u64,
}

/// All blocks, zero at first. Fresh memory in pages of 4 KiB is a fifth of the time of a large picture;
/// the system is asked for huge ones.
struct Blocks {
    memory: MmapMut,
    count: usize,
}

/// Bytes.
const HUGE_PAGE: usize = 2 << 20;

impl Blocks {
    fn new(count: usize) -> Result<Self, Refusal> {
        // Whole huge pages, or a small picture gets none.
        let length = (count * size_of::<Block>()).next_multiple_of(HUGE_PAGE);
        let memory = MmapMut::map_anon(length)
            .map_err(|_| Refusal::Unusual("its coefficients do not fit into memory"))?;
        #[cfg(target_os = "linux")]
        // Where there are none, nothing is lost but time.
        let _ = memory.advise(memmap2::Advice::HugePage);
        Ok(Self { memory, count })
    }

    /// Empty only if the memory were not aligned to pages.
    fn all(&self) -> &[Block] {
        <[Block]>::ref_from_prefix_with_elems(&self.memory, self.count).map_or(&[], |(blocks, _)| blocks)
    }

    fn all_mut(&mut self) -> &mut [Block] {
        <[Block]>::mut_from_prefix_with_elems(&mut self.memory, self.count)
            .map_or(&mut [], |(blocks, _)| blocks)
    }
}

impl Progress {
    /// Bytes that a frame takes.
    pub(super) fn memory(frame: &Frame) -> u64 {
        let (across, down) = frame.blocks();
        (across * down * size_of::<Block>()).next_multiple_of(HUGE_PAGE) as u64
    }

    pub(super) fn new(frame: &Frame) -> Result<Self, Refusal> {
        let (across, down) = frame.blocks();
        Ok(Self { blocks: Blocks::new(across * down)?, across, lows: [NOT_YET; 64] })
    }

    /// Whether every coefficient has come, down to its last bit.
    pub(super) fn is_complete(&self) -> bool {
        self.lows == [0; 64]
    }

    /// Notes what a scan brings, and refuses one that is out of turn.
    fn turn(&mut self, scan: &Scan) -> Result<(), Refusal> {
        let expected = if scan.high == 0 { NOT_YET } else { scan.high };
        let band = &mut self.lows[scan.first..=scan.last];
        if band.iter().any(|&low| low != expected) {
            return Err(Refusal::Unusual("the order of its scans"));
        }
        band.fill(scan.low);
        Ok(())
    }
}

/// The reading of a scan that has luma; gives the byte of the file behind it.
pub(super) struct Reading<'r> {
    pub(super) file: &'r [u8],
    pub(super) frame: &'r Frame,
    pub(super) tables: &'r Tables,
    pub(super) scan: &'r Scan,
    pub(super) progress: &'r mut Progress,
}

impl Work for Reading<'_> {
    type Result = Result<usize, Refusal>;

    #[inline(always)]
    fn run(self, _: impl Processor) -> Self::Result {
        self.progress.turn(self.scan)?;
        let reader = BitReader::new(self.file, self.scan.data);
        let intervals = Intervals::new(self.tables);
        match (self.scan.first, self.scan.high) {
            (0, 0) => self.first_dc(reader, intervals),
            (0, _) => self.refine_dc(reader, intervals),
            (_, 0) => self.ac::<false>(reader, intervals),
            _ => self.ac::<true>(reader, intervals),
        }
    }
}

impl Reading<'_> {
    #[inline(always)]
    fn first_dc(self, mut reader: BitReader<'_>, mut intervals: Intervals) -> Result<usize, Refusal> {
        let mut tables = Vec::new();
        for part in &self.scan.components {
            tables.push(DcTable::new(self.tables.dc[part.dc].as_ref().ok_or(NO_TABLE)?));
        }
        let mut last = 0i32;
        let low = self.scan.low;
        let layout = Layout::new(self.frame, self.scan);
        let blocks = self.progress.blocks.all_mut();
        for unit in 0..layout.units() {
            if unit % layout.across == 0 {
                reader.check()?;
            }
            if intervals.next(&mut reader)? {
                last = 0;
            }
            for (table, part) in tables.iter().zip(&layout.parts) {
                for block in part.blocks(unit) {
                    reader.refill();
                    let difference = table.difference(&mut reader)?;
                    if let Some(block) = block {
                        last += difference;
                        let value = last << low;
                        if value.unsigned_abs() > LARGEST_DC {
                            return Err(OutOfRange.into());
                        }
                        blocks[block].coefficients[0] = value as i16;
                    }
                }
            }
        }
        reader.finish()
    }

    #[inline(always)]
    fn refine_dc(self, mut reader: BitReader<'_>, mut intervals: Intervals) -> Result<usize, Refusal> {
        let layout = Layout::new(self.frame, self.scan);
        let blocks = self.progress.blocks.all_mut();
        for unit in 0..layout.units() {
            if unit % layout.across == 0 {
                reader.check()?;
            }
            intervals.next(&mut reader)?;
            for part in &layout.parts {
                for block in part.blocks(unit) {
                    reader.refill();
                    let bit = reader.take(1);
                    if let Some(block) = block {
                        blocks[block].coefficients[0] |= (bit << self.scan.low) as i16;
                    }
                }
            }
        }
        reader.finish()
    }

    #[inline(always)]
    fn ac<const REFINES: bool>(
        self,
        mut reader: BitReader<'_>,
        mut intervals: Intervals,
    ) -> Result<usize, Refusal> {
        let Self { frame, tables, scan, progress, .. } = self;
        let table = AcTable::new(tables.ac[scan.components[0].ac].as_ref().ok_or(NO_TABLE)?);
        let mut band = Band { first: scan.first, last: scan.last, low: scan.low, ended: 0 };
        let across = frame.width.div_ceil(8);
        for row in progress.blocks.all_mut().chunks_mut(progress.across).take(frame.height.div_ceil(8)) {
            reader.check()?;
            for block in &mut row[..across] {
                if intervals.next(&mut reader)? {
                    band.restart()?;
                }
                if REFINES {
                    band.refine(&mut reader, &table, block)?;
                } else if band.ended > 0 {
                    band.ended -= 1;
                } else {
                    band.read(&mut reader, &table, block)?;
                }
            }
        }
        band.restart()?;
        reader.finish()
    }
}

/// A band of AC coefficients on its way through the blocks.
struct Band {
    first: usize,
    last: usize,
    low: u32,
    /// Blocks to come that have nothing more in this band.
    ended: u32,
}

impl Band {
    /// An end of band must not reach beyond the interval or the scan.
    fn restart(&self) -> Result<(), Refusal> {
        if self.ended == 0 { Ok(()) } else { Err(Refusal::Unusual("an end of band goes on beyond its scan")) }
    }

    /// The band of a block, all of it new: G.1.2.2.
    #[inline(always)]
    fn read(
        &mut self,
        reader: &mut BitReader<'_>,
        table: &AcTable,
        block: &mut Block,
    ) -> Result<(), Refusal> {
        // The coefficient that was placed last.
        let mut k = self.first - 1;
        while k < self.last {
            reader.refill();
            for _ in 0..REFILLED_LOOKUPS {
                let found = table.look_up(reader);
                if found.is_nothing() {
                    reader.refill();
                    let next = table.read(reader, found)?;
                    k = self.place(k, next, reader, block)?;
                    break;
                }
                let first = found.first();
                if k + first.step >= self.last {
                    // A second symbol, if there is one, is the next block's.
                    reader.skip(found.used_by_first());
                    k = self.place(k, first, reader, block)?;
                    break;
                }
                k = self.place(k, first, reader, block)?;
                reader.skip(found.used());
                // Among seconds, only an end of one block's band.
                k = self.place(k, found.second(), reader, block)?;
                if k >= self.last {
                    break;
                }
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn place(
        &mut self,
        k: usize,
        next: Next,
        reader: &mut BitReader<'_>,
        block: &mut Block,
    ) -> Result<usize, Refusal> {
        let k = k + next.step;
        if k > self.last {
            if next.step != END {
                return Err(TOO_MANY);
            }
            self.ended = self.end(next, reader);
            return Ok(k);
        }
        block.coefficients[usize::from(ZIGZAG[k])] = (next.value << self.low) as i16;
        block.nonzero |= u64::from(next.value != 0) << k;
        Ok(k)
    }

    /// Blocks behind this one whose band ends at once.
    #[inline(always)]
    fn end(&self, next: Next, reader: &mut BitReader<'_>) -> u32 {
        if next.value == 0 {
            return 0;
        }
        reader.refill();
        let bits = next.value as u32;
        (1 << bits) + reader.take(bits) - 1
    }

    /// One bit more of the band of a block: G.1.2.3.
    #[inline(always)]
    fn refine(
        &mut self,
        reader: &mut BitReader<'_>,
        table: &AcTable,
        block: &mut Block,
    ) -> Result<(), Refusal> {
        let mut k = self.first;
        if self.ended > 0 {
            self.ended -= 1;
        } else {
            // What is new in this scan is not refined in it.
            let old = block.nonzero;
            while k <= self.last {
                reader.refill();
                let found = table.look_up(reader);
                let next = if found.is_nothing() {
                    table.read(reader, found)?
                } else {
                    reader.skip(found.used_by_first());
                    found.first()
                };
                if next.step == END {
                    self.ended = self.end(next, reader);
                    break;
                }
                if next.value.abs() > 1 {
                    return Err(Refusal::Damaged("a refinement brings more than one bit"));
                }
                // To the zero behind as many zeros; what is not 0 on the way gets its bit.
                let mut zeros = next.step as u32 - 1;
                while k <= self.last {
                    let until = (old >> k).trailing_zeros();
                    if zeros < until {
                        k += zeros as usize;
                        break;
                    }
                    zeros -= until;
                    k += until as usize;
                    if k <= self.last {
                        reader.refill();
                        let bit = reader.take(1);
                        self.correct(k, bit, block);
                        k += 1;
                    }
                }
                if k > self.last {
                    return Err(TOO_MANY);
                }
                block.coefficients[usize::from(ZIGZAG[k])] = (next.value << self.low) as i16;
                block.nonzero |= u64::from(next.value != 0) << k;
                k += 1;
            }
            if k > self.last {
                return Ok(());
            }
        }
        self.correct_rest(k, reader, block);
        Ok(())
    }

    /// The bits of all that is not 0 from coefficient `k` on.
    #[inline(always)]
    fn correct_rest(&self, k: usize, reader: &mut BitReader<'_>, block: &mut Block) {
        let mut left = block.nonzero & (u64::MAX >> (63 - self.last)) & (u64::MAX << k);
        while left != 0 {
            reader.refill();
            let count = left.count_ones().min(32);
            let bits = reader.peek(count) as u32;
            reader.skip(count);
            for place in (0..count).rev() {
                self.correct(left.trailing_zeros() as usize, bits >> place & 1, block);
                left &= left - 1;
            }
        }
    }

    /// Adds a bit to a coefficient that is not 0, away from 0.
    #[inline(always)]
    fn correct(&self, k: usize, bit: u32, block: &mut Block) {
        let coefficient = &mut block.coefficients[usize::from(ZIGZAG[k & 63])];
        let bit = (bit << self.low) as i16;
        *coefficient += if *coefficient < 0 { -bit } else { bit };
    }
}

/// Which blocks the units of a scan with DC coefficients have.
struct Layout {
    across: usize,
    down: usize,
    parts: Vec<Part>,
}

/// One component's blocks in each unit.
struct Part {
    across: usize,
    down: usize,
    units_across: usize,
    /// Blocks from one row to the next; none for chroma, whose blocks only need to be passed over.
    stride: Option<usize>,
}

impl Layout {
    fn new(frame: &Frame, scan: &Scan) -> Self {
        let interleaved = scan.components.len() > 1;
        let (across, down) = if interleaved {
            frame.units()
        } else {
            // Alone in its scan, a component has the blocks that its samples fill, and no units: A.2.3.
            (frame.width.div_ceil(8), frame.height.div_ceil(8))
        };
        let part = |index: usize| {
            let component = frame.components[index];
            let (x, y) = if interleaved { (component.across, component.down) } else { (1, 1) };
            Part { across: x, down: y, units_across: across, stride: (index == 0).then(|| frame.blocks().0) }
        };
        Self { across, down, parts: scan.components.iter().map(|in_scan| part(in_scan.component)).collect() }
    }

    fn units(&self) -> usize {
        self.across * self.down
    }
}

impl Part {
    /// The blocks of a unit: their numbers for luma.
    #[inline(always)]
    fn blocks(&self, unit: usize) -> impl Iterator<Item = Option<usize>> {
        let (row, column) = (unit / self.units_across * self.down, unit % self.units_across * self.across);
        (0..self.down).flat_map(move |y| {
            (0..self.across).map(move |x| self.stride.map(|stride| (row + y) * stride + column + x))
        })
    }
}

/// Hands the blocks on, row by row.
pub(super) struct HandingOn<'r, B> {
    pub(super) frame: &'r Frame,
    pub(super) progress: &'r Progress,
    pub(super) out: &'r mut B,
}

impl<B: LumaBlocks> Work for HandingOn<'_, B> {
    type Result = Result<(), Refusal>;

    #[inline(always)]
    fn run(self, processor: impl Processor) -> Self::Result {
        let Self { frame, progress, out } = self;
        let down = frame.luma().down;
        for (row, blocks) in progress.blocks.all().chunks(progress.across * down).enumerate() {
            out.start_row(row);
            for (y, blocks) in blocks.chunks(progress.across).enumerate() {
                for (x, block) in blocks.iter().enumerate() {
                    let others = &block.coefficients[1..];
                    // More than 12 bits with the sign.
                    if others.iter().fold(0, |all, &c| all | (c ^ (c >> 15))) > 2047 {
                        return Err(OutOfRange.into());
                    }
                    let mut taker = out.block(x, y);
                    taker.set_all(&block.coefficients);
                    taker.finish(processor)?;
                }
            }
            out.end_row(row);
        }
        Ok(())
    }
}
