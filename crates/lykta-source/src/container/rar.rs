//! RAR of the kinds 1.5 to 7: walked by our own code, unpacked by the crate `rars`.
//!
//! ```text
//! signature  main header  { header, data }...  end
//! ```
//!
//! The crate wants a source of its own, reads all headers before it unpacks anything, and gives nothing of an archive
//! that is cut. So it never sees the archive, but excerpts of it ([`Excerpt`]): a main header and one member, or, in a
//! solid archive, those that lean on one another. It keeps within the memory that it is told, whatever dictionary a
//! header asks for; what comes out of a member is held until all of it is there, since the crate pushes bytes and a
//! [`Member`] has them pulled. What is stored needs no crate, and may have any size.

mod blocks;
mod excerpt;
mod watchdog;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Cursor, Read, SeekFrom, Write};
use std::ops::{ControlFlow, Range};
use std::rc::Rc;
use std::time::Duration;

use flate2::Crc;
use rars::{ArchiveMemberRef, ArchiveReadOptions, ErrorKind, ExtractionDecision, rar15_40, rar50};

use super::decode::check_memory;
use super::link::Said;
use super::{
    ContainerError, Content, Exceeded, Input, Limits, Member, MemberSkip, ReadSeek, guarded, with_random,
};
use blocks::{Block, Blocks, Kind};
use excerpt::{Contents, Excerpt};
use watchdog::Watchdog;

/// With which every kind since 1.5 begins.
const SIGNATURE: &[u8] = b"Rar!\x1a\x07";

/// How long a member of a kind that brings programs may take: so long, and a second for each so many of its bytes.
const TIME: Duration = Duration::from_secs(20);
const BYTES_A_SECOND: u64 = 1 << 20;

/// What the crate takes for each header that it reads, at the most and beside its bytes.
const DESCRIBED: u64 = 2 * size_of::<rar50::Block>() as u64;

pub(super) fn sniff(head: &[u8]) -> bool {
    head.starts_with(SIGNATURE)
}

type Each<'e> = &'e mut dyn FnMut(Member<'_>) -> ControlFlow<()>;

pub(super) fn members(input: Input<'_>, limits: &Limits, each: Each<'_>) -> Result<(), ContainerError> {
    with_random(input, |file, len| {
        let mut source = Source { file, len };
        let mut blocks = Blocks::open(&mut source)?;
        let is_solid = blocks.is_solid;
        let missing = (is_solid && blocks.goes_on).then_some("it leans on what is in another volume");
        let (start, has_programs) = (blocks.start(), blocks.has_programs());
        let mut reading = Reading { source, start, limits, missing, has_programs, given: 0 };
        // Members that are handed over together, and the bytes that it takes to tell of them.
        let (mut together, mut described) = (Vec::new(), 0);
        let ending = loop {
            let block = match blocks.next(&mut reading.source) {
                Ok(Some(block)) => block,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            };
            if block.kind != Kind::File {
                continue;
            }
            let taken = 3 * block.header.len() as u64 + DESCRIBED;
            let Some((item, leans)) = reading.describe(block, is_solid) else { continue };
            let is_between = is_solid && matches!(item.what, What::Stored { .. } | What::Skipped(_));
            if !leans && !is_between {
                if reading.hand_over(std::mem::take(&mut together), each)?.is_break() {
                    return Ok(());
                }
                described = 0;
            }
            described += taken;
            together.push(item);
            if let Err(error) = check_memory(described, limits) {
                break Err(error);
            }
        };
        match reading.hand_over(together, each)? {
            ControlFlow::Continue(()) => ending,
            ControlFlow::Break(()) => Ok(()),
        }
    })
}

fn damaged(detail: impl Into<String>) -> ContainerError {
    ContainerError::Damaged(detail.into())
}

/// What the archive lies in.
struct Source<'f> {
    file: &'f mut dyn ReadSeek,
    /// Bytes of it.
    len: u64,
}

impl Source<'_> {
    /// # Errors
    /// [`ContainerError::CutShort`] when there are not as many.
    fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), ContainerError> {
        self.file.seek(SeekFrom::Start(at)).and_then(|_| self.file.read_exact(buffer)).map_err(|error| {
            match error.kind() {
                io::ErrorKind::UnexpectedEof => ContainerError::CutShort,
                _ => ContainerError::Read(error),
            }
        })
    }
}

/// A member.
struct Item {
    name: Vec<u8>,
    /// Where its header is.
    at: u64,
    size: u64,
    is_link: bool,
    what: What,
}

enum What {
    Skipped(MemberSkip),
    Failed(ContainerError),
    Stored { data: Range<u64>, checksum: Option<u32> },
    Packed(Block),
}

/// Hands a member over.
fn give(item: Item, content: Content<'_>, each: Each<'_>) -> ControlFlow<()> {
    each(Member { name: item.name, offset: Some(item.at), capture: None, known: None, content })
}

/// Hands the bytes of a member over, or the link that they are the target of.
fn give_bytes(item: Item, stream: &mut dyn Read, each: Each<'_>) -> ControlFlow<()> {
    let (mut stream, size) = (stream, Some(item.size));
    match item.is_link.then(|| Said::of(&mut stream, item.size)) {
        None => give(item, Content::Bytes(stream, size), each),
        Some(Said::Target(target)) => give(item, Content::Skipped(MemberSkip::Link(target), 0), each),
        Some(Said::Bytes(bytes)) => {
            give(item, Content::Bytes(&mut Cursor::new(bytes).chain(stream), size), each)
        }
    }
}

struct Reading<'f, 'l> {
    source: Source<'f>,
    /// What an excerpt begins with.
    start: Vec<u8>,
    limits: &'l Limits,
    /// Why what leans on members before it cannot be unpacked.
    missing: Option<&'static str>,
    /// Whether members may bring programs.
    has_programs: bool,
    /// Bytes that were unpacked.
    given: u64,
}

impl Reading<'_, '_> {
    /// The member of a header, if it tells of one, and whether it leans on those before it.
    fn describe(&mut self, block: Block, is_solid: bool) -> Option<(Item, bool)> {
        let mut excerpt = Excerpt::new(self.start.clone());
        let at = block.at;
        excerpt.push(&block);
        let archive = match guarded(|| excerpt.open()) {
            Ok(Ok(archive)) => archive,
            Ok(Err(error)) => return Some((self.unnamed(at, error_of(&error, 0, self.limits)), false)),
            Err(error) => return Some((self.unnamed(at, error), false)),
        };
        let (mut item, leans) = match archive.member_refs().next() {
            Some(ArchiveMemberRef::Rar15To40(file)) if !file.is_directory() => {
                described_before_5(file, block)
            }
            Some(ArchiveMemberRef::Rar50Plus(file)) if !file.is_directory() || file.is_redirection() => {
                described(file, block)
            }
            _ => return None,
        };
        let leans = leans && is_solid;
        match &item.what {
            What::Packed(_) if leans => {
                if let Some(missing) = self.missing {
                    item.what = What::Failed(damaged(missing));
                }
            }
            What::Packed(_) => self.missing = None,
            What::Skipped(MemberSkip::Link(_)) | What::Stored { .. } => {}
            What::Skipped(_) | What::Failed(_) => {
                self.missing = Some("it leans on what cannot be unpacked");
            }
        }
        Some((item, leans))
    }

    /// What a header that says nothing else tells of.
    fn unnamed(&mut self, at: u64, error: ContainerError) -> Item {
        self.missing = Some("it leans on what cannot be unpacked");
        let name = format!("member at byte {at}").into_bytes();
        Item { name, at, size: 0, is_link: false, what: What::Failed(error) }
    }

    /// Hands members over, those that are packed out of one excerpt.
    fn hand_over(&mut self, items: Vec<Item>, each: Each<'_>) -> Result<ControlFlow<()>, ContainerError> {
        let mut excerpt = Excerpt::new(self.start.clone());
        for item in &items {
            if let What::Packed(block) = &item.what {
                excerpt.push(block);
            }
        }
        let mut turns = Turns {
            reading: self,
            contents: excerpt.contents(),
            items: items.into(),
            each,
            turn: None,
            watchdog: None,
            flow: ControlFlow::Continue(()),
            ended: None,
            fault: None,
        };
        if excerpt.has_members() {
            turns.unpack(&excerpt);
        }
        while turns.flow.is_continue() && turns.ended.is_none() {
            let Some(mut item) = turns.items.pop_front() else { break };
            if matches!(item.what, What::Packed(_)) {
                item.what = What::Failed(match &turns.fault {
                    Some(ContainerError::Exceeded(exceeded)) => (*exceeded).into(),
                    Some(error) => damaged(format!("what lies in front of it {error}")),
                    None => damaged("it was left out when the others were unpacked"),
                });
            }
            turns.pass(item);
        }
        match turns.ended.take() {
            Some(error) => Err(error),
            None => Ok(turns.flow),
        }
    }
}

/// A member of RAR 1.5 to 4, and whether it leans on those before it.
fn described_before_5(file: &rar15_40::FileHeader, block: Block) -> (Item, bool) {
    /// The system that says what a file is by its mode.
    const UNIX: u8 = 3;
    const KIND: u32 = 0xf000;
    const LINK: u32 = 0xa000;
    let what = if let Some(skip) = elsewhere(file.is_split_before(), file.is_split_after()) {
        What::Skipped(skip)
    } else if file.is_encrypted() {
        What::Skipped(MemberSkip::Encrypted)
    } else if file.is_stored() {
        What::Stored { data: block.data.clone(), checksum: Some(file.file_crc) }
    } else {
        What::Packed(block.clone())
    };
    let is_link = file.host_os == UNIX && file.attr & KIND == LINK;
    let item = Item { name: file.name.clone(), at: block.at, size: file.unp_size, is_link, what };
    // Before 2.0 only the main header says so.
    (item, file.is_solid() || file.unp_ver < 20)
}

/// A member of RAR 5 and 7, and whether it leans on those before it.
fn described(file: &rar50::FileHeader, block: Block) -> (Item, bool) {
    const SOLID: u64 = 0x40;
    let mut size = file.unpacked_size;
    let what = if let Some(link) = &file.redirection {
        size = 0;
        What::Skipped(MemberSkip::Link(link.target_name.clone()))
    } else if let Some(skip) = elsewhere(file.is_split_before(), file.is_split_after()) {
        What::Skipped(skip)
    } else if file.encrypted {
        What::Skipped(MemberSkip::Encrypted)
    } else if file.is_stored() && file.hash.is_none() {
        What::Stored { data: block.data.clone(), checksum: file.data_crc32 }
    } else if file.known_unpacked_size().is_none() {
        What::Failed(ContainerError::Unsupported("RAR that does not say how long its members are".into()))
    } else if file.decoded_compression_info().is_ok_and(|info| info.rar5_compat) {
        // The crate takes it for packed as RAR 7 does.
        What::Failed(ContainerError::Unsupported("a member of RAR 5 with a dictionary of RAR 7".into()))
    } else {
        // Also what is stored with a digest that only the crate computes.
        What::Packed(block.clone())
    };
    let item = Item { name: file.name.clone(), at: block.at, size, is_link: false, what };
    (item, file.compression_info & SOLID != 0)
}

/// Why a member that is not all in this volume is not read.
fn elsewhere(is_end: bool, is_beginning: bool) -> Option<MemberSkip> {
    let what = match (is_end, is_beginning) {
        (false, false) => return None,
        (true, false) => "it begins in another volume",
        (false, true) => "it goes on in another volume",
        (true, true) => "it begins and goes on in other volumes",
    };
    Some(MemberSkip::Elsewhere(what.into()))
}

/// The members of an excerpt, one after the other.
struct Turns<'t, 'f, 'l> {
    reading: &'t mut Reading<'f, 'l>,
    contents: Contents,
    /// Those that were not handed over.
    items: VecDeque<Item>,
    each: Each<'t>,
    /// What is being unpacked, and what came out of it.
    turn: Option<(Item, Unpacked)>,
    /// Looks after members that may bring programs.
    watchdog: Option<Watchdog>,
    flow: ControlFlow<()>,
    /// What ended the archive.
    ended: Option<ContainerError>,
    /// What ended the excerpt.
    fault: Option<ContainerError>,
}

impl Turns<'_, '_, '_> {
    fn unpack(&mut self, excerpt: &Excerpt) {
        let limits = self.reading.limits;
        // What is loaded is taken from it.
        let largest = self.items.iter().map(|item| match &item.what {
            What::Packed(block) => held(block, &self.reading.source),
            _ => 0,
        });
        let loaded = largest.max().unwrap_or(0).min(limits.memory);
        let options = ArchiveReadOptions::new()
            .with_max_reader_workspace_bytes(limits.memory - loaded)
            // Front to back: what was sound is given, of what is not.
            .with_rar50_buffered_decode_limit(0);
        let token = self.reading.has_programs.then(|| self.watchdog.insert(Watchdog::new()).token().clone());
        let error = match guarded(|| {
            let archive = excerpt.open()?;
            let options = match &token {
                Some(token) => options.with_cancellation(token),
                None => options,
            };
            archive.extract_with_control(options, |_| {
                Ok(match self.next() {
                    Some(output) => ExtractionDecision::Extract(Box::new(output)),
                    None => ExtractionDecision::Stop,
                })
            })
        }) {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(error_of(&error, loaded, limits)),
            Err(panic) => Some(panic),
        };
        if error.is_none() || self.turn.is_some() {
            self.finish(error);
        } else {
            self.fault = self.fault.take().or(error);
        }
    }

    /// Hands over the member whose turn it was and those behind it that are not packed, and makes the next one ready.
    /// None ends it.
    fn next(&mut self) -> Option<Unpacked> {
        // What is handed over takes its own time.
        self.watchdog.iter().for_each(|watchdog| watchdog.set(None));
        self.finish(None);
        let item = loop {
            if self.flow.is_break() || self.ended.is_some() {
                return None;
            }
            let item = self.items.pop_front()?;
            match &item.what {
                What::Packed(_) => break item,
                _ => self.pass(item),
            }
        };
        let loaded = self.load(&item);
        if let (Some(watchdog), What::Packed(block)) = (&self.watchdog, &item.what) {
            let bytes = item.size.saturating_add(held(block, &self.reading.source));
            watchdog.set(Some(TIME + Duration::from_secs(bytes / BYTES_A_SECOND)));
        }
        let output = Unpacked::default();
        self.turn = Some((item, output.clone()));
        match loaded {
            Ok(()) => Some(output),
            Err(error) => {
                self.finish(Some(error));
                None
            }
        }
    }

    /// Puts the data of a member where the crate will read it.
    fn load(&mut self, item: &Item) -> Result<(), ContainerError> {
        let What::Packed(block) = &item.what else { return Ok(()) };
        let limits = self.reading.limits;
        let packed = held(block, &self.reading.source);
        check_memory(packed, limits)?;
        check_memory(item.size, limits)?;
        let mut bytes = vec![0; packed as usize];
        self.reading.source.read_at(block.data.start, &mut bytes)?;
        self.contents.load(bytes);
        Ok(())
    }

    /// Hands over what was unpacked, and what went wrong with it.
    fn finish(&mut self, error: Option<ContainerError>) {
        let Some((item, output)) = self.turn.take() else { return };
        let bytes = output.0.take();
        self.fault = error.as_ref().map(again);
        let Reading { source, limits, given, .. } = &mut *self.reading;
        *given = given.saturating_add(bytes.len() as u64);
        let is_over = limits.is_ratio_over(*given, source.len);
        self.flow = match error {
            Some(ContainerError::Read(error)) => {
                self.ended = Some(ContainerError::Read(error));
                return;
            }
            Some(error) if bytes.is_empty() => give(item, Content::Failed(error), self.each),
            error => give_bytes(item, &mut Ending { bytes: Cursor::new(bytes), error }, self.each),
        };
        if is_over {
            // What is not read was unpacked all the same, and counts.
            self.ended = Some(Exceeded::Ratio(limits.ratio).into());
        }
    }

    /// Hands over what is not packed.
    fn pass(&mut self, item: Item) {
        self.flow = match &item.what {
            What::Skipped(skip) => {
                let content = Content::Skipped(skip.clone(), item.size);
                give(item, content, self.each)
            }
            What::Failed(error) => {
                let content = Content::Failed(again(error));
                give(item, content, self.each)
            }
            What::Stored { data, checksum } => {
                let mut stream = Stored {
                    source: &mut self.reading.source,
                    data: data.clone(),
                    size: item.size,
                    crc: Crc::new(),
                    checksum: *checksum,
                };
                give_bytes(item, &mut stream, self.each)
            }
            What::Packed(_) => ControlFlow::Continue(()),
        };
    }
}

/// Bytes of a member's data that there are.
fn held(block: &Block, source: &Source<'_>) -> u64 {
    block.data.end.min(source.len).saturating_sub(block.data.start)
}

/// The same error once more, to be told of others.
fn again(error: &ContainerError) -> ContainerError {
    match error {
        ContainerError::Damaged(detail) => damaged(detail.clone()),
        ContainerError::CutShort => ContainerError::CutShort,
        ContainerError::Encrypted => ContainerError::Encrypted,
        ContainerError::Unsupported(what) => ContainerError::Unsupported(what.clone()),
        ContainerError::Exceeded(exceeded) => (*exceeded).into(),
        ContainerError::Read(error) => damaged(error.to_string()),
    }
}

/// What the crate says, in our words. `loaded` bytes were held beside what it took.
fn error_of(error: &rars::Error, loaded: u64, limits: &Limits) -> ContainerError {
    let root = error.root_cause();
    match error.kind() {
        ErrorKind::ResourceLimit => {
            let needed = match root {
                rars::Error::Codec(rars::codec::Error::WorkspaceLimitExceeded(over)) => {
                    over.used.saturating_add(over.required)
                }
                rars::Error::Rar50BufferedDecodeLimitExceeded { .. } => {
                    return ContainerError::Unsupported("a filter of RAR over more than 4 MiB".into());
                }
                _ => 0,
            };
            let needed = needed.max(limits.memory - loaded + 1).saturating_add(loaded);
            Exceeded::Memory { needed, most: limits.memory }.into()
        }
        ErrorKind::UnsupportedFeature | ErrorKind::UnsupportedFormat => {
            ContainerError::Unsupported(root.to_string())
        }
        ErrorKind::Cancelled => ContainerError::Unsupported(
            "a member that takes too long to unpack, as by programs that it brings".into(),
        ),
        ErrorKind::ChecksumMismatch => damaged("does not fit its checksum"),
        ErrorKind::Io => match root {
            rars::Error::Io(error) if error.kind == io::ErrorKind::UnexpectedEof => ContainerError::CutShort,
            _ => damaged(root.to_string()),
        },
        _ => damaged(root.to_string()),
    }
}

/// Where the crate puts what it unpacks.
#[derive(Clone, Default)]
struct Unpacked(Rc<RefCell<Vec<u8>>>);

impl Write for Unpacked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes, and what is wrong behind them.
struct Ending {
    bytes: Cursor<Vec<u8>>,
    error: Option<ContainerError>,
}

impl Read for Ending {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.bytes.read(buffer)? {
            0 if !buffer.is_empty() => self.error.take().map_or(Ok(0), |error| Err(error.into())),
            count => Ok(count),
        }
    }
}

/// What is stored as it is.
struct Stored<'s, 'f> {
    source: &'s mut Source<'f>,
    /// What was not read.
    data: Range<u64>,
    /// Bytes that there should have been.
    size: u64,
    crc: Crc,
    checksum: Option<u32>,
}

impl Read for Stored<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.data.end - self.data.start;
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        if left == 0 {
            let sum = u64::from(self.crc.amount());
            if self.size & u64::from(u32::MAX) != sum {
                return Err(damaged("is not as long as it says").into());
            }
            if self.checksum.is_some_and(|checksum| checksum != self.crc.sum()) {
                return Err(damaged("does not fit its checksum").into());
            }
            return Ok(0);
        }
        let source = &mut *self.source;
        let count = source
            .file
            .seek(SeekFrom::Start(self.data.start))
            .and_then(|_| source.file.read(&mut buffer[..most]))
            .map_err(|error| match error.kind() {
                io::ErrorKind::Interrupted => error,
                _ => ContainerError::Read(error).into(),
            })?;
        if count == 0 && most > 0 {
            return Err(ContainerError::CutShort.into());
        }
        self.crc.update(&buffer[..count]);
        self.data.start += count as u64;
        Ok(count)
    }
}
