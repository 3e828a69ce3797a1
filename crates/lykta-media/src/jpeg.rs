//! JPEG: the luma of the files that the world has, as pixels or straight into the plane of PDQ.
//!
//! Taken are baseline, extended and progressive frames of 8 bits with Huffman coding, grey or YCbCr
//! with luma sampled finest, with or without restart markers, in any order of scans that the standard
//! allows. Chroma is passed over, code by code where it is interleaved with luma, else altogether.
//! Everything else is [`Refusal::Unusual`] and goes to the general decoders. Damage in the data is
//! [`Refusal::Damaged`] and does not, since they would fill it with grey: nothing here fills a gap or
//! guesses what a writer meant.
//!
//! ```text
//! file -> frame: segments, tables -> bits: entropy-coded data, unstuffed -> huffman: symbols
//!      -> sequential, or progressive with all coefficients held -> block: coefficients
//!      -> strips: transformed to rows of pixels, or pdq::blocks: summed up as they are
//! ```

mod bits;
mod block;
mod frame;
mod huffman;
mod idct;
mod progressive;
mod sequential;
mod strips;

pub(crate) use block::{Coefficients, LumaBlocks, OutOfRange, Quantized};

use std::fmt;

use frame::{Frame, Scan, Segment, Segments};
use progressive::Progress;
use strips::Strips;

use crate::decode::Sink;
use crate::pdq::{BlockSampler, Mode, Planes, blocks};
use crate::picture::{Channels, Dimensions, Picture, Pixels, Rectangle};
use crate::vector::widest;

/// Why a file was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It may be sound, but is none of those read here.
    Unusual(&'static str),
    /// It is not what the standard asks for.
    Damaged(&'static str),
}

impl From<OutOfRange> for Refusal {
    fn from(_: OutOfRange) -> Self {
        Self::Unusual("coefficients that no picture of 8 bits has")
    }
}

/// A file that was not read to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failure {
    pub(crate) refusal: Refusal,
    /// What had been read until then.
    pub(crate) usable: Usable,
}

/// How much of a picture was sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usable {
    /// Rows of pixels of a sequential picture, and how many it has.
    Rows(usize, usize),
    /// Whole scans of luma of a progressive picture, from the first on.
    Scans(usize),
}

impl fmt::Display for Usable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows(rows, all) => write!(f, "{rows} of {all} rows of pixels were usable"),
            Self::Scans(1) => f.write_str("one scan was usable"),
            Self::Scans(scans) => write!(f, "{scans} scans were usable"),
        }
    }
}

/// Cannot happen: every row of units is handed on, or there is an error.
const MISSING: Failure = Failure { refusal: Refusal::Unusual("rows are missing"), usable: Usable::Scans(0) };

/// Pixels times scans of a progressive picture, at most: each scan is a walk over all blocks. Writers
/// make about ten scans.
const MOST_PIXELS_OF_SCANS: u64 = 10_000_000_000;

/// A file whose segments before the first scan with luma were read.
pub(crate) struct Opened<'f> {
    file: &'f [u8],
    segments: Segments<'f>,
    frame: Frame,
    /// Quantization factors of luma, in zigzag order.
    factors: [u16; 64],
    scan: Scan,
    seen: Seen,
}

/// Which scans have come.
#[derive(Clone, Copy, Default)]
struct Seen {
    /// Of each component, whether one had it.
    components: [bool; 3],
    /// Those of chroma alone, whose data was not looked at.
    unread: usize,
}

impl Seen {
    fn note(&mut self, scan: &Scan) {
        scan.components.iter().for_each(|part| self.components[part.component] = true);
        self.unread += usize::from(scan.luma().is_none());
    }
}

impl<'f> Opened<'f> {
    pub(crate) fn new(file: &'f [u8]) -> Result<Self, Refusal> {
        let mut segments = Segments::new(file);
        let mut seen = Seen::default();
        let scan = match segments.next()? {
            Segment::Scan(scan) if scan.luma().is_some() => scan,
            Segment::Scan(_) => return Err(Refusal::Unusual("its first scan has no luma")),
            Segment::End { .. } => return Err(Refusal::Unusual("it ends before its first scan")),
        };
        seen.note(&scan);
        let frame = segments.frame().cloned().ok_or(Refusal::Damaged("it has no frame"))?;
        let factors = segments.tables.quantization(frame.luma())?;
        Ok(Self { file, segments, frame, factors, scan, seen })
    }

    pub(crate) fn dimensions(&self) -> Dimensions {
        // Both were 16 bits.
        Dimensions { width: self.frame.width as u32, height: self.frame.height as u32 }
    }

    /// Quantization factors of luma, in zigzag order.
    pub(crate) fn factors(&self) -> &[u16; 64] {
        &self.factors
    }

    /// Rows of pixels in a row of units.
    pub(crate) fn unit_rows(&self) -> usize {
        8 * self.frame.luma().down
    }

    /// Bytes that reading takes at most, without what takes the rows.
    pub(crate) fn memory(&self) -> u64 {
        let strip = (self.frame.blocks().0 * 8 * self.frame.luma().down * 8) as u64;
        let held = if self.frame.progressive { Progress::memory(&self.frame) } else { 0 };
        held + strip + (256 << 10)
    }

    /// Gives all rows of luma to what `start` makes.
    pub(crate) fn read_rows<S: Sink>(
        self,
        start: impl FnOnce(Dimensions, Channels) -> S,
    ) -> Result<(S, usize), Failure> {
        let sink = start(self.dimensions(), Channels::Grey);
        let strips = Strips::new(&self.frame, &self.factors, sink);
        self.read(strips).map(|(strips, unread)| (strips.into_sink(), unread))
    }

    /// The luma of the picture, and how many scans were not read.
    pub(crate) fn picture(self) -> Result<(Picture, usize), Failure> {
        let dimensions = self.dimensions();
        let (pixels, unread) = self.read_rows(|_, _| Vec::with_capacity(dimensions.pixels() as usize))?;
        let picture = Picture::new(dimensions.width, dimensions.height, Pixels::Grey(pixels));
        Ok((picture.ok_or(MISSING)?, unread))
    }

    /// The planes of a picture for which [`blocks::is_precise`], without its pixels, those of mirror
    /// images too with `mirrored`; the parts within borders; and how many scans were not read.
    pub(crate) fn planes_of_blocks(
        self,
        mode: Mode,
        mirrored: bool,
    ) -> Result<(Planes, Vec<Rectangle>, usize), Failure> {
        if mirrored {
            self.read_blocks::<{ blocks::LANES_MIRRORED }>(mode, true)
        } else {
            self.read_blocks::<{ blocks::LANES }>(mode, false)
        }
    }

    fn read_blocks<const LANES: usize>(
        self,
        mode: Mode,
        mirrored: bool,
    ) -> Result<(Planes, Vec<Rectangle>, usize), Failure> {
        let (across, unit_rows) = (self.frame.blocks().0, self.unit_rows());
        let sampler =
            BlockSampler::<LANES>::new(self.dimensions(), across, unit_rows, &self.factors, mode, mirrored);
        let (sampler, unread) = self.read(sampler.ok_or(MISSING)?)?;
        let (planes, borders) = sampler.finish();
        Ok((planes, borders, unread))
    }

    /// All planes from coefficients, whatever the size and however little precise that is.
    pub(crate) fn planes_of_coefficients(self, mode: Mode) -> Result<Planes, Failure> {
        // As many lanes as there are rows in all planes: of a small picture, one block feeds them all.
        self.read_blocks::<128>(mode, true).map(|(planes, _, _)| planes)
    }

    /// Reads all of the picture; its blocks go to `out`. Gives the number of scans not read, too.
    pub(crate) fn read<B: LumaBlocks>(mut self, mut out: B) -> Result<(B, usize), Failure> {
        if !self.frame.progressive {
            let (rows, unit_rows, height) = (&mut 0, self.unit_rows(), self.frame.height);
            let result = self.read_sequential(&mut out, rows);
            let usable = Usable::Rows((*rows * unit_rows).min(height), height);
            result.map_err(|refusal| Failure { refusal, usable })?;
        } else {
            let mut scans = 0;
            let result = self.read_progressive(&mut out, &mut scans);
            result.map_err(|refusal| Failure { refusal, usable: Usable::Scans(scans) })?;
        }
        Ok((out, self.seen.unread))
    }

    fn read_sequential(&mut self, out: &mut impl LumaBlocks, rows: &mut usize) -> Result<(), Refusal> {
        let Self { file, segments, frame, scan, .. } = self;
        let end = widest(sequential::Reading { file, frame, tables: &segments.tables, scan, out, rows })?;
        segments.go_to(end);
        match self.next_scan()? {
            None => Ok(()),
            Some(_) => Err(Refusal::Unusual("luma in more than one scan")),
        }
    }

    fn read_progressive(&mut self, out: &mut impl LumaBlocks, scans: &mut usize) -> Result<(), Refusal> {
        // What is a marker within chroma or beyond the picture counts as well: there are few.
        let markers = memchr::memmem::find_iter(&self.file[self.scan.data..], b"\xff\xda").count() as u64;
        if self.dimensions().pixels().saturating_mul(1 + markers) > MOST_PIXELS_OF_SCANS {
            return Err(Refusal::Unusual("the number of its scans"));
        }
        let mut progress = Progress::new(&self.frame)?;
        loop {
            let Self { file, segments, frame, scan, .. } = self;
            let progress = &mut progress;
            let end = widest(progressive::Reading { file, frame, tables: &segments.tables, scan, progress })?;
            *scans += 1;
            segments.go_to(end);
            match self.next_scan()? {
                None => break,
                Some(next) => self.scan = next,
            }
        }
        if !progress.is_complete() {
            return Err(Refusal::Unusual("scans are missing"));
        }
        widest(progressive::HandingOn { frame: &self.frame, progress: &progress, out })
    }

    /// The next scan that has luma; none at the end of the picture.
    fn next_scan(&mut self) -> Result<Option<Scan>, Refusal> {
        loop {
            let next = self.segments.next()?;
            // Decoders differ in when they look at them.
            if self.segments.tables.quantization(self.frame.luma())? != self.factors {
                return Err(Refusal::Unusual("quantization factors that change"));
            }
            match next {
                Segment::Scan(scan) => {
                    self.seen.note(&scan);
                    if scan.luma().is_some() {
                        return Ok(Some(scan));
                    }
                    self.segments.skip_data(&scan)?;
                }
                // Some writers leave the marker out; then it must be known that all data has come.
                Segment::End { marked } if marked || self.seen.unread == 0 => break,
                Segment::End { .. } => return Err(Refusal::Unusual("it has no end")),
            }
        }
        if self.seen.components[..self.frame.components.len()].contains(&false) {
            return Err(Refusal::Unusual("a component has no scan"));
        }
        Ok(None)
    }
}
