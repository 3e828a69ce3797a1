//! 7z: decoded by the crate `sevenz-rust2`, block by block, each once and in order.
//!
//! What an archive is about stands in a header at its end, mostly compressed. The crate takes a structure of some 200
//! bytes for each file that this header tells of, which may be one for each of its bytes. So the header is looked
//! through first ([`Look`]), for how many files and blocks it tells of, before the crate may read it.

use std::cell::RefCell;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::rc::Rc;

use lzma_rust2::{Lzma2Reader, LzmaReader, lzma_get_memory_usage_by_props, lzma2_get_memory_usage};
use sevenz_rust2::{Archive, ArchiveEntry, Block, BlockDecoder, EncoderMethod, Error, Password};

use super::decode::{Even, check_memory, kibibytes};
use super::link::Said;
use super::{ContainerError, Content, Exceeded, Input, Limits, Member, MemberSkip, ReadSeek, with_random};

const SIGNATURE: &[u8] = b"7z\xbc\xaf\x27\x1c";
const SIGNATURE_HEADER: u64 = 32;

pub(super) fn sniff(head: &[u8]) -> bool {
    head.starts_with(SIGNATURE)
}

type Each<'e> = &'e mut dyn FnMut(Member<'_>) -> ControlFlow<()>;

pub(super) fn members(input: Input<'_>, limits: &Limits, each: Each<'_>) -> Result<(), ContainerError> {
    with_random(input, |file, len| {
        let mut source = Source { file, error: Rc::default() };
        let error = Rc::clone(&source.error);
        look_through(&mut source, len, limits).map_err(|found| own(&error, found))?;
        let memory = kibibytes(limits.memory) as usize;
        let archive = Archive::read_with_memory_limit(&mut source, &Password::empty(), memory)
            .map_err(|found| told(&error, found))?;
        let mut reading = Reading { archive: &archive, source, error, limits, len, given: 0 };
        let mut at = 0;
        while let Some(file) = archive.files.get(at) {
            let block = archive.stream_map.file_block_index.get(at).copied().flatten();
            let flow = match block {
                None => {
                    at += 1;
                    hand_over(file, Content::Bytes(&mut io::empty(), Some(0)), each)
                }
                Some(block) => {
                    let of_block = &archive.stream_map.file_block_index[at..];
                    let count = of_block.iter().take_while(|index| **index == Some(block)).count();
                    let files = &archive.files[at..at + count];
                    at += count;
                    reading.block(block, files, each)?
                }
            };
            if flow.is_break() {
                return Ok(());
            }
        }
        Ok(())
    })
}

/// Hands a member over, if it is one: folders and what an update takes away are none.
fn hand_over(file: &ArchiveEntry, content: Content<'_>, each: Each<'_>) -> ControlFlow<()> {
    if file.is_directory || file.is_anti_item {
        return ControlFlow::Continue(());
    }
    let name = file.name.clone().into_bytes();
    each(Member { name, offset: None, capture: None, known: None, content })
}

fn damaged(detail: impl Into<String>) -> ContainerError {
    ContainerError::Damaged(detail.into())
}

/// What the archive lies in, and what was wrong with it, which the crate words in its own way.
struct Source<'f> {
    file: &'f mut dyn ReadSeek,
    error: Rc<RefCell<Option<io::Error>>>,
}

impl Source<'_> {
    fn keep<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            let kind = error.kind();
            if kind != io::ErrorKind::Interrupted {
                self.error.replace(Some(error));
            }
            kind.into()
        })
    }
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // As much as there is: what a decoder drops when it finds a fault depends on what it is given at once.
        let mut filled = 0;
        while filled < buffer.len() {
            match self.file.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) if filled > 0 => break,
                Err(error) => return self.keep(Err(error)),
            }
        }
        Ok(filled)
    }
}

impl Seek for Source<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let result = self.file.seek(to);
        self.keep(result)
    }
}

/// What was wrong with the source, or what was found.
fn own(source: &RefCell<Option<io::Error>>, found: ContainerError) -> ContainerError {
    source.take().map_or(found, ContainerError::from)
}

fn told(source: &RefCell<Option<io::Error>>, error: Error) -> ContainerError {
    let found = match error {
        Error::Io(error, _) | Error::MaybeBadPassword(error) => return told_io(source, error),
        Error::MaxMemLimited { max_kb, actaul_kb } => {
            Exceeded::Memory { needed: (actaul_kb as u64) << 10, most: (max_kb as u64) << 10 }.into()
        }
        Error::PasswordRequired => ContainerError::Encrypted,
        Error::UnsupportedCompressionMethod(method) => {
            ContainerError::Unsupported(format!("method {method} of 7z"))
        }
        Error::Unsupported(what) => ContainerError::Unsupported(what.into_owned()),
        Error::ExternalUnsupported => ContainerError::Unsupported("a header in several parts".into()),
        Error::ChecksumVerificationFailed => damaged("a file in it does not fit its checksum"),
        other => damaged(other.to_string()),
    };
    own(source, found)
}

/// An archive that was cut has no header, so an early end is damage.
fn told_io(source: &RefCell<Option<io::Error>>, error: io::Error) -> ContainerError {
    let found = match error.downcast::<Error>() {
        Ok(error) => return told(source, error),
        Err(error) => match ContainerError::from(error) {
            ContainerError::Read(error) => damaged(error.to_string()),
            ContainerError::CutShort => damaged("a block gives less than it should"),
            error => error,
        },
    };
    own(source, found)
}

struct Reading<'r, 'f> {
    archive: &'r Archive,
    source: Source<'f>,
    error: Rc<RefCell<Option<io::Error>>>,
    limits: &'r Limits,
    len: u64,
    /// Bytes out of all blocks.
    given: u64,
}

impl Reading<'_, '_> {
    /// Hands over the files of a block.
    fn block(
        &mut self,
        block: usize,
        files: &[ArchiveEntry],
        each: Each<'_>,
    ) -> Result<ControlFlow<()>, ContainerError> {
        let coders = &self.archive.blocks[block].coders;
        if coders.iter().any(|coder| coder.encoder_method_id() == EncoderMethod::ID_AES256_SHA256) {
            for file in files {
                let content = match file.has_stream {
                    true => Content::Skipped(MemberSkip::Encrypted, file.size),
                    false => Content::Bytes(&mut io::empty(), Some(0)),
                };
                if hand_over(file, content, each).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            return Ok(ControlFlow::Continue(()));
        }
        let mut seen = 0;
        let mut flow = ControlFlow::Continue(());
        let mut exceeded = None;
        let result = match check_memory(memory(&self.archive.blocks[block]), self.limits) {
            Ok(()) => {
                let (password, memory) = (Password::empty(), kibibytes(self.limits.memory) as usize);
                let decoder = BlockDecoder::new_with_memory_limit(
                    1,
                    memory,
                    block,
                    self.archive,
                    &password,
                    &mut self.source,
                );
                let (error, given, limits, len) = (&self.error, &mut self.given, self.limits, self.len);
                let result = decoder.for_each_entries(&mut |file, reader| {
                    seen += 1;
                    let stream = Even::new(Checked { input: reader, left: file.size, error: None });
                    let mut stream =
                        Counted { stream, given: &mut *given, limits, len, source: error, failed: None };
                    let size = Some(file.size);
                    flow = match is_link(file).then(|| Said::of(&mut stream, file.size)) {
                        None => hand_over(file, Content::Bytes(&mut stream, size), each),
                        Some(Said::Target(target)) => {
                            hand_over(file, Content::Skipped(MemberSkip::Link(target), 0), each)
                        }
                        Some(Said::Bytes(bytes)) => {
                            let mut chain = Cursor::new(bytes).chain(&mut stream);
                            hand_over(file, Content::Bytes(&mut chain, size), each)
                        }
                    };
                    if flow.is_continue() {
                        // What is not read is decoded all the same, and counts.
                        exceeded = stream.drain();
                    }
                    Ok(flow.is_continue() && exceeded.is_none())
                });
                result.map(drop).map_err(|error| told(&self.error, error))
            }
            Err(error) => Err(error),
        };
        if let Some(exceeded) = exceeded {
            return Err(exceeded.into());
        }
        match result {
            Ok(()) => Ok(flow),
            Err(error @ ContainerError::Read(_)) => Err(error),
            Err(error) => {
                // One that could not be read takes all behind it in the same block along.
                for file in files.get(seen..).unwrap_or_default() {
                    let content = match &error {
                        _ if !file.has_stream => Content::Bytes(&mut io::empty(), Some(0)),
                        ContainerError::Exceeded(exceeded) => Content::Failed((*exceeded).into()),
                        ContainerError::Unsupported(what) => {
                            Content::Failed(ContainerError::Unsupported(what.clone()))
                        }
                        error => Content::Failed(damaged(format!("what lies in front of it {error}"))),
                    };
                    if hand_over(file, content, each).is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                Ok(flow)
            }
        }
    }
}

/// Bytes that the decoders of a block hold, all of them at once.
fn memory(block: &Block) -> u64 {
    let needed = |coder: &sevenz_rust2::Coder| {
        let properties = coder.properties();
        let number = properties.get(1..5).and_then(|bytes| bytes.first_chunk());
        let number = number.map_or(0, |bytes| u32::from_le_bytes(*bytes));
        match coder.encoder_method_id() {
            EncoderMethod::ID_LZMA => {
                let first = properties.first().copied().unwrap_or_default();
                u64::from(lzma_get_memory_usage_by_props(number, first).unwrap_or(0)) << 10
            }
            EncoderMethod::ID_LZMA2 => {
                let window = properties.first().map_or(0, |bits| window(*bits));
                u64::from(lzma2_get_memory_usage(window)) << 10
            }
            EncoderMethod::ID_PPMD => number.into(),
            EncoderMethod::ID_BZIP2 => 4 << 20,
            _ => 1 << 16,
        }
    };
    block.coders.iter().map(needed).sum()
}

/// The window of LZMA2: 2 or 3 times a power of 2, or all there is.
fn window(bits: u8) -> u32 {
    match bits {
        0..40 => (2 | u32::from(bits & 1)) << (bits / 2 + 11),
        _ => u32::MAX,
    }
}

/// Whether it says that it is a link.
fn is_link(file: &ArchiveEntry) -> bool {
    const HAS_MODE: u32 = 0x8000;
    let mode = file.windows_attributes >> 16;
    file.has_windows_attributes && file.windows_attributes & HAS_MODE != 0 && mode & 0o170_000 == 0o120_000
}

/// Gives the bytes of a file that does not fit its checksum, and then says so: what checks it drops what it read last,
/// which can be all. So the last byte is asked for alone.
struct Checked<'s> {
    input: &'s mut dyn Read,
    left: u64,
    error: Option<io::Error>,
}

impl Read for Checked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let most = usize::try_from(self.left.saturating_sub(1)).unwrap_or(usize::MAX).max(1);
        let len = buffer.len().min(most);
        match self.input.read(&mut buffer[..len]) {
            Ok(count) => {
                self.left = self.left.saturating_sub(count as u64);
                Ok(count)
            }
            Err(error) if self.left == 1 && len == 1 && is_checksum(&error) => {
                self.left = 0;
                self.error = Some(error);
                Ok(1)
            }
            Err(error) => Err(error),
        }
    }
}

fn is_checksum(error: &io::Error) -> bool {
    let error = error.get_ref().and_then(|error| error.downcast_ref());
    matches!(error, Some(Error::ChecksumVerificationFailed))
}

/// The bytes of a file, counted, and what went wrong told in our words.
struct Counted<'s, R> {
    stream: R,
    given: &'s mut u64,
    limits: &'s Limits,
    len: u64,
    source: &'s RefCell<Option<io::Error>>,
    failed: Option<String>,
}

impl<R: Read> Counted<'_, R> {
    /// Reads what is left. Returns what it exceeds; what is wrong with it was said, or will be.
    fn drain(&mut self) -> Option<Exceeded> {
        match io::copy(self, &mut io::sink()).err().map(ContainerError::from) {
            Some(ContainerError::Exceeded(exceeded)) => Some(exceeded),
            _ => None,
        }
    }
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(detail) = &self.failed {
            return Err(damaged(detail.clone()).into());
        }
        let count = self.stream.read(buffer).map_err(|error| {
            let error = told_io(self.source, error);
            self.failed = Some(error.to_string());
            io::Error::from(error)
        })?;
        *self.given = self.given.saturating_add(count as u64);
        if self.limits.is_ratio_over(*self.given, self.len) {
            return Err(ContainerError::from(Exceeded::Ratio(self.limits.ratio)).into());
        }
        Ok(count)
    }
}

/// Checks that the archive can be read within the limits.
fn look_through(source: &mut Source<'_>, len: u64, limits: &Limits) -> Result<(), ContainerError> {
    let mut start = [0; SIGNATURE_HEADER as usize];
    read_at(source, 0, &mut start)?;
    let [major, minor] = [start[6], start[7]];
    if major != 0 {
        return Err(ContainerError::Unsupported(format!("version {major}.{minor} of 7z")));
    }
    let numbers = &start[12..];
    let number = |at: usize| numbers[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let checksum = |at: usize| start[at..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
    if crc(numbers) != checksum(8) {
        return Err(damaged("its first bytes do not fit their checksum"));
    }
    let (offset, size) = (number(0).saturating_add(SIGNATURE_HEADER), number(8));
    if offset.saturating_add(size) > len {
        return Err(ContainerError::CutShort);
    }
    let mut header = read_all(source, offset, size, limits)?;
    if crc(&header) != checksum(28) {
        return Err(damaged("its header does not fit its checksum"));
    }
    let fault = || damaged("its header is spoiled");
    if header.first() == Some(&Look::ENCODED) {
        let streams = Look(&header[1..]).streams().ok_or_else(fault)?;
        header = streams.decode(source, limits)?;
    }
    let (files, blocks) = Look(&header).counts().ok_or_else(fault)?;
    // Names are held beside what is taken for each file, and some numbers for each byte at the most.
    let file = (size_of::<ArchiveEntry>() + 64) as u64;
    let needed = files.saturating_mul(file).saturating_add(blocks.saturating_mul(1024));
    check_memory(needed.saturating_add(8 * header.len() as u64), limits)
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

fn read_at(source: &mut Source<'_>, at: u64, buffer: &mut [u8]) -> Result<(), ContainerError> {
    source.seek(SeekFrom::Start(at)).and_then(|_| source.read_exact(buffer)).map_err(|error| {
        match source.error.take() {
            Some(error) => ContainerError::Read(error),
            None => error.into(),
        }
    })
}

fn read_all(source: &mut Source<'_>, at: u64, size: u64, limits: &Limits) -> Result<Vec<u8>, ContainerError> {
    check_memory(size, limits)?;
    let mut bytes = vec![0; size as usize];
    read_at(source, at, &mut bytes)?;
    Ok(bytes)
}

/// A header, looked through.
struct Look<'h>(&'h [u8]);

/// A method and its properties.
type Coder = (Vec<u8>, Vec<u8>);

/// What is told of packed streams, and of the first block.
#[derive(Default)]
struct Streams {
    start: u64,
    packed: Vec<u64>,
    blocks: u64,
    coders: Vec<Coder>,
    size: u64,
}

impl Streams {
    /// The header that is packed, in the way that all programs have: by one method.
    fn decode(&self, source: &mut Source<'_>, limits: &Limits) -> Result<Vec<u8>, ContainerError> {
        if self.coders.iter().any(|(method, _)| method == EncoderMethod::ID_AES256_SHA256) {
            return Err(ContainerError::Encrypted);
        }
        let (method, properties) = match &self.coders[..] {
            [coder] if self.blocks == 1 => (&coder.0[..], &coder.1[..]),
            _ => return Err(ContainerError::Unsupported("its header, packed in several steps,".into())),
        };
        check_memory(self.size, limits)?;
        let packed = self.packed.first().copied().unwrap_or_default();
        let packed = read_all(source, self.start.saturating_add(SIGNATURE_HEADER), packed, limits)?;
        let window = properties.get(1..5).and_then(|bytes| bytes.first_chunk());
        let window = window.map_or(0, |bytes| u32::from_le_bytes(*bytes));
        let first = properties.first().copied().unwrap_or_default();
        let stream: Box<dyn Read> = match method {
            EncoderMethod::ID_COPY => Box::new(&packed[..]),
            EncoderMethod::ID_LZMA => {
                let fault = |error: io::Error| damaged(error.to_string());
                let needed = lzma_get_memory_usage_by_props(window, first).map_err(fault)?;
                check_memory(u64::from(needed) << 10, limits)?;
                Box::new(
                    LzmaReader::new_with_props(&packed[..], self.size, first, window, None).map_err(fault)?,
                )
            }
            EncoderMethod::ID_LZMA2 => {
                let window = self::window(first);
                check_memory(u64::from(lzma2_get_memory_usage(window)) << 10, limits)?;
                Box::new(Lzma2Reader::new(&packed[..], window, None))
            }
            _ => return Err(ContainerError::Unsupported("its header, packed in an unusual way,".into())),
        };
        let mut header = Vec::new();
        let count = stream.take(self.size).read_to_end(&mut header);
        match count {
            Ok(count) if count as u64 == self.size => Ok(header),
            _ => Err(damaged("its header is spoiled")),
        }
    }
}

impl Look<'_> {
    const ENCODED: u8 = 0x17;
    const END: u8 = 0;
    const SIZES: u8 = 9;
    const CHECKSUMS: u8 = 10;

    /// Files and blocks that it tells of.
    fn counts(mut self) -> Option<(u64, u64)> {
        const HEADER: u8 = 1;
        const PROPERTIES: u8 = 2;
        const MAIN_STREAMS: u8 = 4;
        const FILES: u8 = 5;
        if self.0.is_empty() {
            return Some((0, 0));
        }
        (self.byte()? == HEADER).then_some(())?;
        let (mut files, mut blocks) = (0, 0);
        loop {
            match self.byte()? {
                PROPERTIES => {
                    while self.byte()? != Self::END {
                        let size = self.number()?;
                        self.pass(size)?;
                    }
                }
                MAIN_STREAMS => blocks = self.streams()?.blocks,
                FILES => {
                    files = self.number()?;
                    return Some((files, blocks));
                }
                Self::END => return Some((files, blocks)),
                _ => return None,
            }
        }
    }

    fn streams(&mut self) -> Option<Streams> {
        const PACKED: u8 = 6;
        const BLOCKS: u8 = 7;
        const FILES_OF_BLOCKS: u8 = 8;
        let mut streams = Streams::default();
        let mut have_checksums = Vec::new();
        loop {
            match self.byte()? {
                PACKED => {
                    streams.start = self.number()?;
                    let count = self.number()?;
                    loop {
                        match self.byte()? {
                            Self::SIZES => {
                                for _ in 0..count {
                                    streams.packed.push(self.number()?);
                                }
                            }
                            Self::CHECKSUMS => drop(self.checksums(count)?),
                            Self::END => break,
                            _ => return None,
                        }
                    }
                }
                BLOCKS => have_checksums = self.blocks(&mut streams)?,
                FILES_OF_BLOCKS => self.files_of_blocks(&have_checksums)?,
                Self::END => return Some(streams),
                _ => return None,
            }
        }
    }

    /// Returns of each block whether there is a checksum.
    fn blocks(&mut self, streams: &mut Streams) -> Option<Vec<bool>> {
        const BLOCKS: u8 = 11;
        const SIZES: u8 = 12;
        (self.byte()? == BLOCKS).then_some(())?;
        streams.blocks = self.number()?;
        (self.byte()? == 0).then_some(())?;
        let mut outputs = Vec::new();
        for block in 0..streams.blocks {
            let (coders, count) = self.block()?;
            outputs.push(count);
            if block == 0 {
                streams.coders = coders;
            }
        }
        (self.byte()? == SIZES).then_some(())?;
        for (block, outputs) in outputs.iter().enumerate() {
            for _ in 0..*outputs {
                let size = self.number()?;
                if block == 0 {
                    streams.size = size;
                }
            }
        }
        let mut have_checksums = vec![false; outputs.len()];
        loop {
            match self.byte()? {
                Self::CHECKSUMS => have_checksums = self.checksums(streams.blocks)?,
                Self::END => return Some(have_checksums),
                _ => return None,
            }
        }
    }

    /// Methods with their properties, and how many streams come out of them.
    fn block(&mut self) -> Option<(Vec<Coder>, u64)> {
        /// What other readers take at the most.
        const MOST: u64 = 64;
        let mut coders = Vec::new();
        let (mut inputs, mut outputs) = (0u64, 0u64);
        let count = self.number().filter(|count| *count <= MOST)?;
        for _ in 0..count {
            let flags = self.byte()?;
            let method = self.bytes(u64::from(flags & 15))?.to_vec();
            let (mut ins, mut outs) = (1, 1);
            if flags & 0x10 != 0 {
                (ins, outs) = (self.number()?, self.number()?);
            }
            let len = if flags & 0x20 != 0 { self.number()? } else { 0 };
            coders.push((method, self.bytes(len)?.to_vec()));
            inputs = inputs.checked_add(ins).filter(|inputs| *inputs <= MOST)?;
            outputs = outputs.checked_add(outs).filter(|outputs| *outputs <= MOST)?;
        }
        let bound = outputs.checked_sub(1)?;
        for _ in 0..2 * bound {
            self.number()?;
        }
        let packed = inputs.checked_sub(bound)?;
        for _ in 0..if packed > 1 { packed } else { 0 } {
            self.number()?;
        }
        Some((coders, outputs))
    }

    fn files_of_blocks(&mut self, have_checksums: &[bool]) -> Option<()> {
        const COUNTS: u8 = 13;
        let mut counts = vec![1u64; have_checksums.len()];
        loop {
            match self.byte()? {
                COUNTS => {
                    for count in &mut counts {
                        *count = self.number()?;
                    }
                }
                Self::SIZES => {
                    for count in &counts {
                        for _ in 1..*count {
                            self.number()?;
                        }
                    }
                }
                Self::CHECKSUMS => {
                    let of_block = |(count, has): (&u64, &bool)| if *count == 1 && *has { 0 } else { *count };
                    let counts = counts.iter().zip(have_checksums).map(of_block);
                    let unknown = counts.fold(0u64, u64::saturating_add);
                    self.checksums(unknown)?;
                }
                Self::END => return Some(()),
                _ => return None,
            }
        }
    }

    /// Returns of each of `count` whether it has one.
    fn checksums(&mut self, count: u64) -> Option<Vec<bool>> {
        // Each has a bit at least, or a checksum.
        let count = usize::try_from(count).ok().filter(|count| count / 8 <= self.0.len())?;
        let have = if self.byte()? != 0 {
            vec![true; count]
        } else {
            let bits = self.bytes(count.div_ceil(8) as u64)?;
            (0..count).map(|at| bits[at / 8] & (0x80 >> (at % 8)) != 0).collect()
        };
        self.pass(4 * have.iter().filter(|has| **has).count() as u64)?;
        Some(have)
    }

    fn bytes(&mut self, count: u64) -> Option<&[u8]> {
        let (bytes, rest) = self.0.split_at_checked(usize::try_from(count).ok()?)?;
        self.0 = rest;
        Some(bytes)
    }

    fn pass(&mut self, count: u64) -> Option<()> {
        self.bytes(count).map(drop)
    }

    fn byte(&mut self) -> Option<u8> {
        self.bytes(1)?.first().copied()
    }

    /// The upper bits of the first byte say how many follow, and the rest of it are the upper bits of the number.
    fn number(&mut self) -> Option<u64> {
        let first = self.byte()?;
        let mut number = 0;
        for at in 0..8 {
            let mask = 0x80u8 >> at;
            if first & mask == 0 {
                return Some(number | u64::from(first & (mask - 1)) << (8 * at));
            }
            number |= u64::from(self.byte()?) << (8 * at);
        }
        Some(number)
    }
}
