//! Scans of sequential frames: baseline and extended.

use super::Refusal;
use super::bits::BitReader;
use super::block::{self, LumaBlocks};
use super::frame::{Frame, NO_TABLE, Scan, Tables};
use super::huffman::{AcTable, DcTable, SkipTable};
use crate::vector::{Processor, Work};

/// What is done with the blocks of one component.
enum Part {
    /// Read, and given to who takes them.
    Luma { dc: DcTable, ac: AcTable },
    /// Passed over.
    Chroma { dc: DcTable, ac: SkipTable },
}

/// The reading of a scan that has luma; gives the byte of the file behind it.
pub(super) struct Reading<'r, B> {
    pub(super) file: &'r [u8],
    pub(super) frame: &'r Frame,
    pub(super) tables: &'r Tables,
    pub(super) scan: &'r Scan,
    pub(super) out: &'r mut B,
    /// Rows of units that were read completely.
    pub(super) rows: &'r mut usize,
}

impl<B: LumaBlocks> Work for Reading<'_, B> {
    type Result = Result<usize, Refusal>;

    #[inline(always)]
    fn run(self, processor: impl Processor) -> Self::Result {
        let Self { file, frame, tables, scan, out, rows } = self;
        let interleaved = scan.components.len() > 1;
        let mut parts = Vec::new();
        for part in &scan.components {
            let (dc, ac) = (&tables.dc[part.dc], &tables.ac[part.ac]);
            let (dc, ac) = (dc.as_ref().ok_or(NO_TABLE)?, ac.as_ref().ok_or(NO_TABLE)?);
            let component = frame.components[part.component];
            let (across, down) = if interleaved { (component.across, component.down) } else { (1, 1) };
            let dc = DcTable::new(dc);
            parts.push((
                across,
                down,
                match part.component {
                    0 => Part::Luma { dc, ac: AcTable::new(ac) },
                    _ => Part::Chroma { dc, ac: SkipTable::new(ac) },
                },
            ));
        }
        // Alone in its scan, a component has the blocks that its samples fill, and no units: A.2.3.
        let (units_across, units_down) =
            if interleaved { frame.units() } else { (frame.width.div_ceil(8), frame.height.div_ceil(8)) };
        let down = if interleaved { 1 } else { frame.luma().down };
        let mut reader = BitReader::new(file, scan.data);
        let mut last_dc = 0;
        let mut intervals = Intervals::new(tables);
        for row in 0..units_down {
            if row % down == 0 {
                out.start_row(row / down);
            }
            for unit in 0..units_across {
                if intervals.next(&mut reader)? {
                    last_dc = 0;
                }
                for (across, high, part) in &parts {
                    match part {
                        Part::Luma { dc, ac } => {
                            for y in 0..*high {
                                for x in 0..*across {
                                    let block = out.block(unit * across + x, y + row % down);
                                    block::read(&mut reader, dc, ac, &mut last_dc, block, processor)?;
                                }
                            }
                        }
                        Part::Chroma { dc, ac } => {
                            for _ in 0..across * high {
                                reader.refill();
                                dc.difference(&mut reader)?;
                                ac.skip_block(&mut reader)?;
                            }
                        }
                    }
                }
            }
            if (row + 1) % down == 0 || row + 1 == units_down {
                reader.check()?;
                out.end_row(row / down);
                *rows = row / down + 1;
            }
        }
        reader.finish()
    }
}

/// Restart intervals of a scan: E.1.4.
pub(super) struct Intervals {
    length: usize,
    left: usize,
    /// The number of the next restart marker, 0..=7.
    number: u8,
}

impl Intervals {
    pub(super) fn new(tables: &Tables) -> Self {
        let length = if tables.restart_interval == 0 { usize::MAX } else { tables.restart_interval };
        Self { length, left: length, number: 0 }
    }

    /// Before each unit: goes on behind a restart marker where one is due, and says so.
    #[inline(always)]
    pub(super) fn next(&mut self, reader: &mut BitReader<'_>) -> Result<bool, Refusal> {
        let due = self.left == 0;
        if due {
            reader.restart(self.number)?;
            self.number = (self.number + 1) & 7;
            self.left = self.length;
        }
        self.left -= 1;
        Ok(due)
    }
}
