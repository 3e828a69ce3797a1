//! Frame, tables and scans: what the segments say, as far as this decoder takes part.
//!
//! Stricter than the standard and than every other decoder: whatever could be read in two ways is
//! [`Refusal::Unusual`] and goes to the general decoder. Sections are those of ITU-T T.81.

use super::Refusal;
use super::huffman::Codes;

/// One component of the picture, B.2.2.
#[derive(Clone, Copy, Debug)]
pub(super) struct Component {
    name: u8,
    /// Blocks of a minimum coded unit across and down: the sampling factors, 1..=4.
    pub(super) across: usize,
    pub(super) down: usize,
    quantization: usize,
}

/// The frame: one component (grey), or three of which the first is luma.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) progressive: bool,
    /// Pixels, at least 1.
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) components: Vec<Component>,
}

impl Frame {
    fn read(marker: u8, segment: &[u8]) -> Result<Self, Refusal> {
        let progressive = match marker {
            0xc0 | 0xc1 => false,
            0xc2 => true,
            _ => return Err(Refusal::Unusual("neither baseline nor progressive Huffman coding")),
        };
        let (fields, rest) = segment.split_first_chunk::<6>().ok_or(SHORT)?;
        let [precision, h0, h1, w0, w1, count] = *fields;
        let side = |bytes| usize::from(u16::from_be_bytes(bytes));
        let (width, height) = (side([w0, w1]), side([h0, h1]));
        if precision != 8 || width == 0 || height == 0 || !matches!(count, 1 | 3) {
            return Err(Refusal::Unusual("its precision, size or number of components"));
        }
        let (chunks, []) = rest.as_chunks::<3>() else { return Err(SHORT) };
        if chunks.len() != usize::from(count) {
            return Err(SHORT);
        }
        let component = |&[name, factors, table]: &[u8; 3]| Component {
            name,
            across: usize::from(factors >> 4),
            down: usize::from(factors & 15),
            quantization: usize::from(table),
        };
        let mut components: Vec<Component> = chunks.iter().map(component).collect();
        let odd = |c: &Component| !matches!(c.across, 1 | 2 | 4) || !matches!(c.down, 1 | 2 | 4);
        let luma = components[0];
        let larger = |c: &Component| {
            c.across > luma.across || c.down > luma.down || c.quantization > 3 || c.name == luma.name
        };
        if components.iter().any(odd) || luma.quantization > 3 || components[1..].iter().any(larger) {
            return Err(Refusal::Unusual("its components or their sampling"));
        }
        // Without a segment that says so, these names are how some writers say RGB.
        if let [r, g, b] = &components[..]
            && [r.name, g.name, b.name] == *b"RGB"
        {
            return Err(Refusal::Unusual("its colours are not YCbCr"));
        }
        // A scan of one component has no units, so its factors say nothing.
        if let [only] = &mut components[..] {
            (only.across, only.down) = (1, 1);
        }
        Ok(Self { progressive, width, height, components })
    }

    pub(super) fn luma(&self) -> Component {
        self.components[0]
    }

    /// Minimum coded units across and down.
    pub(super) fn units(&self) -> (usize, usize) {
        let luma = self.luma();
        (self.width.div_ceil(8 * luma.across), self.height.div_ceil(8 * luma.down))
    }

    /// Units of a scan. Alone in it, a component has the blocks that its samples fill: A.2.3.
    fn units_of(&self, scan: &Scan) -> usize {
        let (across, down) = match &scan.components[..] {
            [only] => {
                let (component, luma) = (self.components[only.component], self.luma());
                let blocks =
                    |length: usize, factor: usize, most: usize| (length * factor).div_ceil(most).div_ceil(8);
                (
                    blocks(self.width, component.across, luma.across),
                    blocks(self.height, component.down, luma.down),
                )
            }
            _ => self.units(),
        };
        across * down
    }

    /// Blocks of luma across and down, those of whole units beyond the edges included.
    pub(super) fn blocks(&self) -> (usize, usize) {
        let (across, down) = self.units();
        (across * self.luma().across, down * self.luma().down)
    }
}

/// The largest quantization factor that is taken.
const LARGEST_FACTOR: u16 = 6500;

/// The tables in force, each replaced by the next of its number.
#[derive(Default)]
pub(super) struct Tables {
    /// In zigzag order.
    quantization: [Option<[u16; 64]>; 4],
    pub(super) dc: [Option<Codes>; 4],
    pub(super) ac: [Option<Codes>; 4],
    /// Units between restart markers; 0 for none.
    pub(super) restart_interval: usize,
}

impl Tables {
    /// The factors of `component`, in zigzag order, each 1..=[`LARGEST_FACTOR`].
    pub(super) fn quantization(&self, component: Component) -> Result<[u16; 64], Refusal> {
        let table = self.quantization[component.quantization].ok_or(NO_TABLE)?;
        // Those of libjpeg's quality 1 go up to 6,050; larger ones would not fit the arithmetic.
        if table.iter().any(|&factor| factor == 0 || factor > LARGEST_FACTOR) {
            return Err(Refusal::Unusual("its quantization factors"));
        }
        Ok(table)
    }

    /// B.2.4.1
    fn read_quantization(&mut self, mut segment: &[u8]) -> Result<(), Refusal> {
        while let Some((&kind, rest)) = segment.split_first() {
            let (precision, number) = (kind >> 4, usize::from(kind & 15));
            let place = self.quantization.get_mut(number).ok_or(Refusal::Unusual("a table's number"))?;
            let mut table = [0; 64];
            segment = match precision {
                0 => {
                    let (bytes, rest) = rest.split_first_chunk::<64>().ok_or(SHORT)?;
                    table.iter_mut().zip(bytes).for_each(|(factor, &byte)| *factor = byte.into());
                    rest
                }
                1 => {
                    let (bytes, rest) = rest.split_first_chunk::<128>().ok_or(SHORT)?;
                    let (pairs, _) = bytes.as_chunks::<2>();
                    table.iter_mut().zip(pairs).for_each(|(f, pair)| *f = u16::from_be_bytes(*pair));
                    rest
                }
                _ => return Err(Refusal::Unusual("a table's precision")),
            };
            *place = Some(table);
        }
        Ok(())
    }

    /// B.2.4.2
    fn read_huffman(&mut self, mut segment: &[u8]) -> Result<(), Refusal> {
        while let Some((&kind, rest)) = segment.split_first() {
            let tables = match kind >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return Err(Refusal::Unusual("a table's class")),
            };
            let number = usize::from(kind & 15);
            let place = tables.get_mut(number).ok_or(Refusal::Unusual("a table's number"))?;
            let (counts, rest) = rest.split_first_chunk::<16>().ok_or(SHORT)?;
            let total = counts.iter().map(|&count| usize::from(count)).sum();
            let (symbols, rest) = rest.split_at_checked(total).ok_or(SHORT)?;
            // F.1.2.1.1: sizes of DC differences.
            if kind >> 4 == 0 && symbols.iter().any(|&size| size > 15) {
                return Err(Refusal::Unusual("a table's symbols"));
            }
            *place = Some(Codes::new(counts, symbols)?);
            segment = rest;
        }
        Ok(())
    }
}

/// A component's part in a scan: its place in the frame and its tables.
#[derive(Clone, Copy, Debug)]
pub(super) struct InScan {
    pub(super) component: usize,
    pub(super) dc: usize,
    pub(super) ac: usize,
}

/// The bit that the first scan of a band may stop at; the standard allows 13, which 8-bit pictures do not
/// have. What 10 bits and as many behind them make fits 16 bits.
const LARGEST_LOW: u32 = 5;

/// A scan's header, B.2.3.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    pub(super) components: Vec<InScan>,
    /// The first and last coefficient in it, in zigzag order.
    pub(super) first: usize,
    pub(super) last: usize,
    /// The bit of coefficients that came before and the one that this scan goes down to.
    pub(super) high: u32,
    pub(super) low: u32,
    /// Where its data begins, in bytes from the start of the file.
    pub(super) data: usize,
}

impl Scan {
    fn read(frame: &Frame, segment: &[u8], data: usize) -> Result<Self, Refusal> {
        let (&count, rest) = segment.split_first().ok_or(SHORT)?;
        let (chunks, parameters) = rest.as_chunks::<2>();
        let (Some(chunks), &[second]) = (chunks.split_at_checked(count.into()), parameters) else {
            return Err(SHORT);
        };
        let (chunks, [[first, last]]) = chunks else { return Err(SHORT) };
        let mut components = Vec::with_capacity(chunks.len());
        for &[name, tables] in chunks {
            let component = frame.components.iter().position(|c| c.name == name).ok_or(ORDER)?;
            // In the order of the frame, none twice.
            if components.last().is_some_and(|last: &InScan| last.component >= component) {
                return Err(ORDER);
            }
            let (dc, ac) = (usize::from(tables >> 4), usize::from(tables & 15));
            if dc > 3 || ac > 3 {
                return Err(Refusal::Unusual("a table's number"));
            }
            components.push(InScan { component, dc, ac });
        }
        // B.2.3: blocks of a unit.
        let blocks =
            |part: &InScan| frame.components[part.component].across * frame.components[part.component].down;
        if components.len() > 1 && components.iter().map(blocks).sum::<usize>() > 10 {
            return Err(Refusal::Unusual("the size of its units"));
        }
        let (first, last) = (usize::from(*first), usize::from(*last));
        let (high, low) = (u32::from(second >> 4), u32::from(second & 15));
        let valid = if frame.progressive {
            let band =
                if first == 0 { last == 0 } else { first <= last && last < 64 && components.len() == 1 };
            band && low <= LARGEST_LOW && (high == 0 || high == low + 1)
        } else {
            (first, last, high, low) == (0, 63, 0, 0)
        };
        if components.is_empty() || !valid {
            return Err(Refusal::Unusual("the parameters of a scan"));
        }
        Ok(Self { components, first, last, high, low, data })
    }

    /// Luma's part in it, if it has one.
    pub(super) fn luma(&self) -> Option<InScan> {
        self.components.iter().copied().find(|part| part.component == 0)
    }
}

/// What comes next in a file.
pub(super) enum Segment {
    Scan(Scan),
    /// The end of the picture: its marker, or the end of the file.
    End {
        marked: bool,
    },
}

/// Walks through the segments of a file.
pub(super) struct Segments<'f> {
    file: &'f [u8],
    at: usize,
    frame: Option<Frame>,
    pub(super) tables: Tables,
}

impl<'f> Segments<'f> {
    pub(super) fn new(file: &'f [u8]) -> Self {
        Self { file, at: 2, frame: None, tables: Tables::default() }
    }

    pub(super) fn frame(&self) -> Option<&Frame> {
        self.frame.as_ref()
    }

    /// Goes on at byte `at`, where a marker must be.
    pub(super) fn go_to(&mut self, at: usize) {
        self.at = at;
    }

    /// Passes over the data of a scan: to the next marker that is none of its own. That restart markers
    /// are there and in order is all that is checked.
    pub(super) fn skip_data(&mut self, scan: &Scan) -> Result<(), Refusal> {
        self.at = scan.data;
        let (mut restarts, mut numbers) = (0, (0xd0..=0xd7).cycle());
        while let Some(found) = memchr::memchr(0xff, self.file.get(self.at..).unwrap_or_default()) {
            self.at += found;
            match self.file.get(self.at + 1) {
                Some(0) => self.at += 2,
                Some(0xff) => self.at += 1,
                Some(marker @ 0xd0..=0xd7) if numbers.next() == Some(*marker) => {
                    restarts += 1;
                    self.at += 2;
                }
                Some(0xd0..=0xd7) => return Err(RESTART),
                _ => break,
            }
        }
        let units = self.frame.as_ref().map_or(0, |frame| frame.units_of(scan));
        let expected = (units.max(1) - 1).checked_div(self.tables.restart_interval).unwrap_or(0);
        if restarts == expected { Ok(()) } else { Err(RESTART) }
    }

    /// Reads up to the next scan or the end of the picture.
    pub(super) fn next(&mut self) -> Result<Segment, Refusal> {
        loop {
            let Some(marker) = self.marker()? else { return Ok(Segment::End { marked: false }) };
            if marker == END {
                return Ok(Segment::End { marked: true });
            }
            let length = self.file.get(self.at..).and_then(<[u8]>::first_chunk).ok_or(CUT)?;
            let end = self.at + usize::from(u16::from_be_bytes(*length));
            let segment = self.file.get(self.at + 2..end).ok_or(CUT)?;
            self.at = end;
            match marker {
                0xc4 => self.tables.read_huffman(segment)?,
                0xdb => self.tables.read_quantization(segment)?,
                0xdd => {
                    let &[a, b] = segment else { return Err(SHORT) };
                    self.tables.restart_interval = usize::from(u16::from_be_bytes([a, b]));
                }
                0xda => {
                    let frame = self.frame.as_ref().ok_or(ORDER)?;
                    let scan = Scan::read(frame, segment, end)?;
                    for part in &scan.components {
                        self.tables.quantization(frame.components[part.component])?;
                    }
                    return Ok(Segment::Scan(scan));
                }
                0xc0..=0xcf if self.frame.is_none() => self.frame = Some(Frame::read(marker, segment)?),
                // The colour transform that Adobe's segment names; 1 is YCbCr, which is what three
                // components are without it, too.
                0xee if segment.starts_with(b"Adobe") => {
                    if segment.get(11) != Some(&1) {
                        return Err(Refusal::Unusual("its colours are not YCbCr"));
                    }
                }
                0xe0..=0xef | 0xfe => {}
                _ => return Err(Refusal::Unusual("a segment that few pictures have")),
            }
        }
    }

    /// The marker at hand, fill bytes before it passed over; none at the end of the file.
    fn marker(&mut self) -> Result<Option<u8>, Refusal> {
        let rest = self.file.get(self.at..).unwrap_or_default();
        let fill = rest.iter().take_while(|&&byte| byte == 0xff).count();
        match rest.get(fill) {
            Some(_) if fill == 0 => Err(Refusal::Unusual("stray bytes are between its segments")),
            Some(&marker) => {
                self.at += fill + 1;
                Ok(Some(marker))
            }
            None => Ok(None),
        }
    }
}

pub(super) const RESTART: Refusal = Refusal::Damaged("a restart marker is missing or out of order");
pub(super) const NO_TABLE: Refusal = Refusal::Damaged("a table that it uses is missing");
const ORDER: Refusal = Refusal::Unusual("the order of its parts");
const SHORT: Refusal = Refusal::Damaged("a segment has not the length that it needs");
/// The end-of-image marker.
const END: u8 = 0xd9;
const CUT: Refusal = Refusal::Unusual("the file ends before the picture does");
