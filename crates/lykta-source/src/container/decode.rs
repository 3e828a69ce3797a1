//! Decompression, with one answer to how it ends: bytes that end too early are [`ContainerError::CutShort`], other
//! faults [`ContainerError::Damaged`], and what the input itself reports stays what it is. What was decoded before is
//! given first, however the input arrives and however much is asked for.

use std::cell::{Cell, RefCell};
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use deflate64::InflaterManaged;
use flate2::{Crc, FlushDecompress};
use lzma_rust2::{LzmaReader, XzReader};
use ppmd_rust::{Ppmd8Decoder, RestoreMethod};
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::{Container, ContainerError, Exceeded, Limits};

/// What a zstd frame may need to look back at, in bytes: 8 MiB is what decoders must take, 128 MiB what
/// `zstd --long` makes.
const ZSTD_WINDOW: u64 = 128 << 20;

/// What `input` holds, compressed as `container` says: all streams that lie behind one another, checked against
/// their checksums. A container that is no compressed file gives its own bytes.
///
/// An error carries a [`ContainerError`], see [`ContainerError::from`], and comes again when read again.
pub fn decoder<'r>(container: Container, input: Box<dyn Read + 'r>, limits: &Limits) -> Box<dyn Read + 'r> {
    told(input, limits, |input| match container {
        Container::Gzip => Box::new(Gzip::new(input)),
        // A step that finds a fault keeps for itself what it gave.
        Container::Bzip2 => Box::new(Even::new(Bzip2::new(input))),
        Container::Xz => Box::new(xz(input, limits)),
        Container::Zstd => Box::new(ZstdFrames::new(input, limits)),
        _ => Box::new(input),
    })
}

/// The bytes that a decoder is fed with.
pub(super) type Fed<'r> = BufReader<Watched<'r>>;

/// Decodes `input` and tells errors apart.
pub(super) fn told<'r>(
    input: Box<dyn Read + 'r>,
    limits: &Limits,
    decoder: impl FnOnce(Fed<'r>) -> Box<dyn Read + 'r>,
) -> Box<dyn Read + 'r> {
    let seen = Rc::new(Seen::default());
    let input = BufReader::new(Watched { input, seen: Rc::clone(&seen) });
    Box::new(Told { input: decoder(input), seen, memory: limits.memory, ended: None })
}

/// What became of the input.
#[derive(Default)]
struct Seen {
    ended: Cell<bool>,
    error: RefCell<Option<io::Error>>,
}

/// Remembers how the input ended: decoders say it in many ways, or not at all.
pub(super) struct Watched<'r> {
    input: Box<dyn Read + 'r>,
    seen: Rc<Seen>,
}

impl Read for Watched<'_> {
    /// Reads as much as there is: what a decoder drops when it finds a fault depends on what it is given at once.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() && self.seen.error.borrow().is_none() {
            match self.input.read(&mut buffer[filled..]) {
                Ok(0) => {
                    self.seen.ended.set(filled == 0);
                    return Ok(filled);
                }
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => drop(self.seen.error.replace(Some(error))),
            }
        }
        match &*self.seen.error.borrow() {
            Some(error) if filled == 0 => Err(error.kind().into()),
            _ => Ok(filled),
        }
    }
}

struct Told<'r> {
    input: Box<dyn Read + 'r>,
    seen: Rc<Seen>,
    /// Bytes.
    memory: u64,
    ended: Option<Ending>,
}

/// What is said when a stream is read beyond its end.
#[derive(Clone)]
enum Ending {
    Complete,
    CutShort,
    Damaged(String),
}

impl Told<'_> {
    fn told(&self, error: io::Error) -> ContainerError {
        if let Some(error) = self.seen.error.take() {
            return error.into();
        }
        // Ours are exact. Of others, a fault that is found at the end of the input is that there is no more of it.
        let error = match error.downcast::<ContainerError>() {
            Ok(ours) => return ours,
            Err(error) => error,
        };
        match error.kind() {
            io::ErrorKind::OutOfMemory => {
                // Decoders do not say how much.
                let needed = self.memory.saturating_add(1);
                Exceeded::Memory { needed, most: self.memory }.into()
            }
            io::ErrorKind::Unsupported => ContainerError::Unsupported(error.to_string()),
            _ => match ContainerError::from(error) {
                ContainerError::Damaged(_) if self.seen.ended.get() => ContainerError::CutShort,
                // It is not the input's, which is known.
                ContainerError::Read(error) => ContainerError::Damaged(error.to_string()),
                error => error,
            },
        }
    }
}

impl Read for Told<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        match &self.ended {
            Some(Ending::Complete) => return Ok(0),
            Some(Ending::CutShort) => return Err(ContainerError::CutShort.into()),
            Some(Ending::Damaged(detail)) => return Err(ContainerError::Damaged(detail.clone()).into()),
            None => {}
        }
        match self.input.read(buffer) {
            // A decoder may take the end of its input, or an error of it, for its own end.
            Ok(0) if self.seen.error.borrow().is_none() => {
                self.ended = Some(Ending::Complete);
                Ok(0)
            }
            Ok(count) if count > 0 => Ok(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            result => {
                let error = self.told(result.err().unwrap_or(io::ErrorKind::UnexpectedEof.into()));
                self.ended = Some(match &error {
                    ContainerError::CutShort => Ending::CutShort,
                    ContainerError::Damaged(detail) => Ending::Damaged(detail.clone()),
                    other => Ending::Damaged(format!("not read further: it {other}")),
                });
                Err(error.into())
            }
        }
    }
}

fn damaged(detail: &str) -> io::Error {
    ContainerError::Damaged(detail.into()).into()
}

/// A decompressor that is given bytes and gives bytes.
pub(super) trait Step {
    /// How many bytes were taken and given, and whether the stream is at its end.
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> (usize, usize, Result<bool, &'static str>);
}

impl Step for flate2::Decompress {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> (usize, usize, Result<bool, &'static str>) {
        let (taken, given) = (self.total_in(), self.total_out());
        let status = self.decompress(input, output, FlushDecompress::None);
        let status = status.map(|status| status == flate2::Status::StreamEnd);
        let count = |now: u64, before: u64| (now - before) as usize;
        // What zlib says of it depends on how the bytes arrive.
        let status = status.map_err(|_| "a stream of deflate is spoiled");
        (count(self.total_in(), taken), count(self.total_out(), given), status)
    }
}

impl Step for bzip2::Decompress {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> (usize, usize, Result<bool, &'static str>) {
        let (taken, given) = (self.total_in(), self.total_out());
        let status = self.decompress(input, output);
        let status = status.map(|status| status == bzip2::Status::StreamEnd);
        let count = |now: u64, before: u64| (now - before) as usize;
        let status = status.map_err(|_| "a stream of bzip2 is spoiled");
        (count(self.total_in(), taken), count(self.total_out(), given), status)
    }
}

/// One stream, stepped through. The crates' own readers drop what a step gave when the same step finds a fault.
pub(super) struct Stepped<D> {
    decoder: D,
    is_over: bool,
    fault: Option<&'static str>,
}

impl<D: Step> Stepped<D> {
    fn new(decoder: D) -> Self {
        Self { decoder, is_over: false, fault: None }
    }

    /// 0 at the end of the stream.
    fn read(&mut self, input: &mut impl BufRead, output: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(fault) = self.fault.take() {
                return Err(damaged(fault));
            }
            if self.is_over || output.is_empty() {
                return Ok(0);
            }
            // What was taken before may give something yet.
            let (bytes, error) = match input.fill_buf() {
                Ok(bytes) => (bytes, None),
                Err(error) => (&[][..], Some(error)),
            };
            let is_at_end = bytes.is_empty();
            let (taken, given, status) = self.decoder.step(bytes, output);
            input.consume(taken);
            match status {
                Ok(is_over) => self.is_over = is_over,
                Err(fault) => self.fault = Some(fault),
            }
            if given > 0 {
                return Ok(given);
            }
            if !self.is_over && self.fault.is_none() && taken == 0 {
                return Err(if let Some(error) = error {
                    error
                } else if is_at_end {
                    ContainerError::CutShort.into()
                } else {
                    damaged("no progress")
                });
            }
        }
    }
}

/// A stream of deflate without a header. What follows its end stays in the input.
pub(super) struct Deflate<R, D = flate2::Decompress> {
    input: R,
    stream: Stepped<D>,
}

impl<R: BufRead> Deflate<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, stream: Stepped::new(flate2::Decompress::new(false)) }
    }
}

impl<R: BufRead, D: Step> Read for Deflate<R, D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(&mut self.input, buffer)
    }
}

/// The same with a window of 64 KiB.
pub(super) fn deflate64<'r>(input: impl BufRead + 'r) -> Box<dyn Read + 'r> {
    Box::new(Deflate { input, stream: Stepped::new(Box::new(InflaterManaged::new())) })
}

impl Step for Box<InflaterManaged> {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> (usize, usize, Result<bool, &'static str>) {
        // What comes out of a stream that is cut short depends on how many bytes this is given at a time: so always on one.
        let result = self.inflate(&input[..input.len().min(1)], output);
        let is_over = self.finished() && self.available_output() == 0;
        let status = if result.data_error { Err("a stream of deflate64 is spoiled") } else { Ok(is_over) };
        (result.bytes_consumed, result.bytes_written, status)
    }
}

/// Counts down the bytes that a decoder leaves of its input, of which more may have been read than it took.
pub(super) struct Counted<R> {
    pub(super) input: R,
    pub(super) left: Rc<Cell<u64>>,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.left.update(|left| left.saturating_sub(count as u64));
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.left.update(|left| left.saturating_sub(count as u64));
        self.input.consume(count);
    }
}

/// LZMA as zip has it, with its properties in front: `size` bytes, or up to a mark.
pub(super) fn lzma<'r>(mut input: Fed<'r>, size: Option<u64>, limits: &Limits) -> Box<dyn Read + 'r> {
    let decoder = || -> io::Result<_> {
        // The version of the program, and the length of the properties.
        let mut header = [0; 9];
        input.read_exact(&mut header)?;
        if header[2..4] != [5, 0] {
            return Err(damaged("properties of lzma"));
        }
        let window = u32::from_le_bytes([header[5], header[6], header[7], header[8]]);
        let needed = u64::from(lzma_rust2::lzma_get_memory_usage_by_props(window, header[4])?) << 10;
        check_memory(needed, limits)?;
        let size = size.unwrap_or(u64::MAX);
        let mut decoder = LzmaReader::new_with_props(input, size, header[4], window, None)?;
        decoder.set_defer_errors(true);
        Ok(decoder)
    };
    match decoder() {
        Ok(decoder) => Box::new(Even::new(decoder)),
        Err(error) => Box::new(Failing(Some(error))),
    }
}

/// PPMd, variant I, with its parameters in front. The end is not marked.
pub(super) fn ppmd<'r>(mut input: Fed<'r>, size: Option<u64>, limits: &Limits) -> Box<dyn Read + 'r> {
    let decoder = || {
        let mut header = [0; 2];
        input.read_exact(&mut header)?;
        let header = u16::from_le_bytes(header);
        let memory = u32::from((header >> 4 & 0xff) + 1) << 20;
        check_memory(memory.into(), limits)?;
        Ppmd8Decoder::new(input, u32::from(header & 15) + 1, memory, RestoreMethod::from(header >> 12))
            .map_err(|error| damaged(&format!("properties of ppmd: {error}")))
    };
    match decoder() {
        Ok(decoder) => Box::new(Even::new(decoder.take(size.unwrap_or(u64::MAX)))),
        Err(error) => Box::new(Failing(Some(error))),
    }
}

pub(super) fn check_memory(needed: u64, limits: &Limits) -> Result<(), ContainerError> {
    if needed > limits.memory {
        return Err(Exceeded::Memory { needed, most: limits.memory }.into());
    }
    Ok(())
}

/// Bytes that cannot be read.
struct Failing(Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Members of gzip, one behind the other, and zeros behind them.
struct Gzip<R> {
    input: R,
    is_first: bool,
    member: Option<(Stepped<flate2::Decompress>, Crc)>,
}

impl<R: BufRead> Gzip<R> {
    fn new(input: R) -> Self {
        Self { input, is_first: true, member: None }
    }

    /// Whether there is another member, whose header is passed over.
    fn next_member(&mut self) -> io::Result<bool> {
        /// Flags of a header.
        const CHECKSUM: u8 = 2;
        const EXTRA: u8 = 4;
        const NAME: u8 = 8;
        const COMMENT: u8 = 16;
        const RESERVED: u8 = 0xe0;
        if !self.is_first && !pass_zeros(&mut self.input)? {
            return Ok(false);
        }
        let mut header = [0; 10];
        self.input.read_exact(&mut header[..3])?;
        if header[..3] != [0x1f, 0x8b, 8] {
            let what = if self.is_first { "not gzip" } else { "other bytes behind the last member of gzip" };
            return Err(damaged(what));
        }
        self.is_first = false;
        self.input.read_exact(&mut header[3..])?;
        let flags = header[3];
        if flags & RESERVED != 0 {
            return Err(damaged("flags of a gzip header"));
        }
        if flags & EXTRA != 0 {
            let mut len = [0; 2];
            self.input.read_exact(&mut len)?;
            pass(&mut self.input, u16::from_le_bytes(len).into())?;
        }
        for text in [NAME, COMMENT] {
            if flags & text != 0 && !pass_text(&mut self.input)? {
                return Err(ContainerError::CutShort.into());
            }
        }
        if flags & CHECKSUM != 0 {
            pass(&mut self.input, 2)?;
        }
        self.member = Some((Stepped::new(flate2::Decompress::new(false)), Crc::new()));
        Ok(true)
    }
}

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some((stream, crc)) = &mut self.member else {
                if self.next_member()? {
                    continue;
                }
                return Ok(0);
            };
            let count = stream.read(&mut self.input, buffer)?;
            crc.update(&buffer[..count]);
            if count > 0 {
                return Ok(count);
            }
            let mut trailer = [0; 8];
            self.input.read_exact(&mut trailer)?;
            let ours = [crc.sum().to_le_bytes(), crc.amount().to_le_bytes()].concat();
            self.member = None;
            if ours != trailer {
                return Err(damaged("a member of gzip does not fit its checksum and length"));
            }
        }
    }
}

/// Whether there is anything behind the zeros.
fn pass_zeros(input: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let bytes = input.fill_buf()?;
        if bytes.is_empty() {
            return Ok(false);
        }
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let is_other = zeros < bytes.len();
        input.consume(zeros);
        if is_other {
            return Ok(true);
        }
    }
}

fn pass(input: &mut impl BufRead, count: u64) -> io::Result<()> {
    match io::copy(&mut input.take(count), &mut io::sink())? {
        passed if passed == count => Ok(()),
        _ => Err(ContainerError::CutShort.into()),
    }
}

/// Passes over a text and the zero that ends it. Returns whether there was one.
fn pass_text(input: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let bytes = input.fill_buf()?;
        if bytes.is_empty() {
            return Ok(false);
        }
        let end = bytes.iter().position(|byte| *byte == 0);
        let len = bytes.len();
        input.consume(end.map_or(len, |end| end + 1));
        if end.is_some() {
            return Ok(true);
        }
    }
}

/// Streams of bzip2, one behind the other.
struct Bzip2<R> {
    input: R,
    stream: Stepped<bzip2::Decompress>,
}

impl<R: BufRead> Bzip2<R> {
    fn new(input: R) -> Self {
        Self { input, stream: Stepped::new(bzip2::Decompress::new(false)) }
    }
}

impl<R: BufRead> Read for Bzip2<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.stream.read(&mut self.input, buffer)?;
            if count > 0 || self.input.fill_buf()?.is_empty() {
                return Ok(count);
            }
            self.stream = Stepped::new(bzip2::Decompress::new(false));
        }
    }
}

/// Streams of xz, one behind the other.
fn xz<'r>(input: impl Read + 'r, limits: &Limits) -> impl Read + 'r {
    Even::new(XzReader::new_mem_limit(input, true, kibibytes(limits.memory)))
}

/// Memory as lzma-rust2 counts it.
pub(super) fn kibibytes(bytes: u64) -> u32 {
    // The largest number means no limit.
    u32::try_from(bytes >> 10).unwrap_or(u32::MAX).min(u32::MAX - 1)
}

/// Asks for the same number of bytes each time: a decoder that drops what it has when it finds a fault then drops
/// the same few, however much its reader asks for.
pub(super) struct Even<R> {
    input: R,
    buffer: Box<[u8; 1024]>,
    from: usize,
    to: usize,
}

impl<R: Read> Even<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, buffer: Box::new([0; 1024]), from: 0, to: 0 }
    }
}

impl<R: Read> Read for Even<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.from == self.to {
            (self.from, self.to) = (0, 0);
            self.to = self.input.read(&mut self.buffer[..])?;
        }
        let count = buffer.len().min(self.to - self.from);
        buffer[..count].copy_from_slice(&self.buffer[self.from..][..count]);
        self.from += count;
        Ok(count)
    }
}

/// Frames of zstd, one behind the other, each checked against its checksum when it has one.
struct ZstdFrames<R> {
    input: R,
    decoder: FrameDecoder,
    /// Bytes.
    memory: u64,
    within: bool,
    /// What ended a frame, to be told after what was decoded of it.
    error: Option<io::Error>,
}

impl<R: BufRead> ZstdFrames<R> {
    fn new(input: R, limits: &Limits) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(limits.memory.min(ZSTD_WINDOW));
        Self { input, decoder, memory: limits.memory, within: false, error: None }
    }

    /// Begins the next frame that holds something. Returns whether there is one.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.input.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.input) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => pass(&mut self.input, length.into())?,
                Err(FrameDecoderError::WindowSizeTooBig { requested, .. }) => {
                    return Err(if requested > self.memory {
                        ContainerError::from(Exceeded::Memory { needed: requested, most: self.memory })
                    } else {
                        ContainerError::Unsupported(format!("a window of {requested} bytes in zstd"))
                    }
                    .into());
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        Ok(false)
    }

    /// Decodes a block. When that fails, the frame is closed with an empty one: until its end a decoder keeps
    /// back what may still be referred to.
    fn decode_block(&mut self) {
        // A last block of no bytes, and a checksum.
        const LAST: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];
        let one = || BlockDecodingStrategy::UptoBlocks(1);
        if let Err(error) = self.decoder.decode_blocks(&mut self.input, one()) {
            self.error = Some(io::Error::other(error));
            if !self.decoder.is_finished() {
                // An error here says nothing new.
                let _ = self.decoder.decode_blocks(&LAST[..], one());
            }
        }
    }

    fn check(&self) -> io::Result<()> {
        let expected = self.decoder.get_checksum_from_data();
        if expected.is_some() && expected != self.decoder.get_calculated_checksum() {
            return Err(damaged("a zstd frame does not fit its checksum"));
        }
        Ok(())
    }
}

impl<R: BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.within {
                self.within = self.next_frame()?;
                if !self.within {
                    return Ok(0);
                }
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() && self.error.is_none() {
                self.decode_block();
            }
            let count = self.decoder.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            self.within = false;
            match self.error.take() {
                Some(error) => return Err(error),
                None => self.check()?,
            }
        }
    }
}
