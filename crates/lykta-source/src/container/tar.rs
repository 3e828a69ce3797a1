//! Tar: ustar, GNU, pax and the old kind without a magic, front to back.
//!
//! ```text
//! header L? header K? header x? header [sparse maps] data padding   ...   zeros
//! ```
//!
//! Read by our own code: readers at hand hold long names of any length in memory, end at the first block that is no
//! header, and give the files that GNU tar and libarchive write with `--sparse` in pax archives with the map in
//! front and without their holes, so that no hash fits.
//!
//! What follows damage is not lost: the next block that is a header goes on. Archives behind one another
//! (`cat a.tar b.tar`) are one.

use std::io::{self, Read};
use std::ops::ControlFlow;

use super::{ContainerError, Content, Input, Member, MemberSkip};

const BLOCK: u64 = 512;

/// Bytes that may lie in front of an entry to tell its name, its link and its holes. They are held in memory.
const DESCRIPTION: u64 = 1 << 20;

const MAGIC: std::ops::Range<usize> = 257..262;

pub(super) fn sniff(head: &[u8]) -> bool {
    let Some(head) = head.first_chunk::<512>() else { return false };
    let header = Header(head);
    header.has_magic() || header.is_old()
}

pub(super) fn members(
    input: Input<'_>,
    each: &mut dyn FnMut(Member<'_>) -> ControlFlow<()>,
) -> Result<(), ContainerError> {
    let mut stream = input.into_stream()?;
    let mut source = Source { input: &mut stream, at: 0, ahead: Vec::new() };
    let mut fault = None;
    // Whether the last block was one of the zeros that end an archive, and whether headers are searched for.
    let (mut is_over, mut is_lost) = (false, false);
    let mut about = About::default();
    loop {
        let offset = source.at;
        let mut block = [0; BLOCK as usize];
        let count = source.fill(&mut block)?;
        if block[..count] == [0; BLOCK as usize][..count] {
            is_over |= count > 0;
            if count < block.len() {
                let is_complete = is_over && about.is_empty();
                return fault.map_or(if is_complete { Ok(()) } else { Err(ContainerError::CutShort) }, Err);
            }
            continue;
        }
        if count < block.len() {
            return Err(fault.unwrap_or(ContainerError::CutShort));
        }
        let header = Header(&block);
        // Where headers are searched for, a block of a file must not be taken for one.
        if !header.fits_checksum() || is_lost && !header.has_magic() {
            let what = if is_over { "what follows its end" } else { "what should be a header" };
            fault.get_or_insert_with(|| damaged(format!("{what}, at byte {offset}, is not a header of tar")));
            is_lost = true;
            continue;
        }
        (is_over, is_lost) = (false, false);
        match entry(&mut source, &header, offset, &mut about, each) {
            Ok(ControlFlow::Continue(())) => {}
            Ok(ControlFlow::Break(())) => return Ok(()),
            Err(error @ ContainerError::Damaged(_)) => {
                fault.get_or_insert(error);
                about = About::default();
                is_lost = true;
            }
            Err(ContainerError::CutShort) => return Err(fault.unwrap_or(ContainerError::CutShort)),
            Err(error) => return Err(error),
        }
        if !source.align()? {
            return Err(fault.unwrap_or(ContainerError::CutShort));
        }
    }
}

fn damaged(detail: impl Into<String>) -> ContainerError {
    ContainerError::Damaged(detail.into())
}

/// Reads what is behind a header: a description of the next entry, or an entry, which is handed over.
fn entry(
    source: &mut Source<'_>,
    header: &Header<'_>,
    offset: u64,
    about: &mut About,
    each: &mut dyn FnMut(Member<'_>) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, ContainerError> {
    let offset = *about.offset.get_or_insert(offset);
    let mut size = header.size().ok_or_else(|| damaged(format!("the size of the entry at byte {offset}")))?;
    match header.kind() {
        b'L' => about.name = Some(until_zero(&source.description(size, about.used)?).to_vec()),
        b'K' => about.link = Some(until_zero(&source.description(size, about.used)?).to_vec()),
        b'x' | b'X' => about.read_pax(&source.description(size, about.used)?)?,
        // Of all entries that follow, a label, names of an old kind, and what a folder held.
        b'g' | b'V' | b'N' | b'D' => {
            source.skip(size)?;
            // A description goes on behind a global one.
            if header.kind() != b'g' {
                *about = About::default();
            } else if about.is_empty() {
                about.offset = None;
            }
            return Ok(ControlFlow::Continue(()));
        }
        kind => {
            let mut about = std::mem::take(about);
            size = about.size.unwrap_or(size);
            let name = about.take_name(header);
            // Some programs state the size of a link's target. That there are bytes all the same is not what should be, and
            // hides them from those who go by the kind.
            let stated = size.max(number(&header.0[124..136]).unwrap_or(0));
            let has_none = matches!(kind, b'1'..=b'6') && !(kind == b'1' && about.has_pax);
            if has_none && stated > 0 {
                let block = source.peek()?;
                let is_header = block.first_chunk().is_some_and(|block| Header(block).fits_checksum());
                if !is_header && block.iter().any(|byte| *byte != 0) {
                    let mut bytes = Unexpected { source, left: stated, block: 0 };
                    let content = Content::Bytes(&mut bytes, None);
                    let offset = Some(offset);
                    let flow = each(Member { name, offset, capture: None, known: None, content });
                    if flow.is_continue() {
                        io::copy(&mut bytes, &mut io::sink())?;
                    }
                    return Ok(flow);
                }
            }
            let skip = match kind {
                // Only pax puts bytes behind a hard link.
                b'1' if about.has_pax && size > 0 => None,
                b'1' | b'2' => {
                    Some(MemberSkip::Link(about.link.take().unwrap_or_else(|| header.link().to_vec())))
                }
                b'3' | b'4' | b'6' => Some(MemberSkip::Special),
                b'5' => return Ok(ControlFlow::Continue(())),
                b'M' => Some(MemberSkip::Elsewhere("it begins in another volume".into())),
                // What holds bytes is no folder, whatever its name.
                _ if name.ends_with(b"/") && !about.has_pax && size == 0 => {
                    return Ok(ControlFlow::Continue(()));
                }
                _ => None,
            };
            let hand_over = |content: Content<'_>| {
                each(Member { name, offset: Some(offset), capture: None, known: None, content })
            };
            if let Some(skip) = skip {
                let is_empty = matches!(skip, MemberSkip::Link(_) | MemberSkip::Special);
                let flow = hand_over(Content::Skipped(skip, if is_empty { 0 } else { size }));
                if !is_empty && flow.is_continue() {
                    source.skip(size)?;
                }
                return Ok(flow);
            }
            let (begin, end) = (source.at, |size: u64, begin: u64| begin.saturating_add(size));
            let holes = match kind {
                b'S' => source.gnu_holes(header),
                _ => about.holes(source, size),
            };
            // The map of an old GNU header is not counted in its size, that of a new one is.
            let end = if kind == b'S' { end(size, source.at) } else { end(size, begin) };
            let mut file = match holes.and_then(|holes| File::new(source, holes, size, end)) {
                Ok(file) => file,
                Err(error @ ContainerError::Damaged(_)) => {
                    let flow = hand_over(Content::Failed(error));
                    if flow.is_continue() {
                        source.skip(end.saturating_sub(source.at))?;
                    }
                    return Ok(flow);
                }
                Err(error) => return Err(error),
            };
            let size = file.size;
            let flow = hand_over(Content::Bytes(&mut file, Some(size)));
            if flow.is_continue() {
                source.skip(end.saturating_sub(source.at))?;
            }
            return Ok(flow);
        }
    }
    about.used += size;
    Ok(ControlFlow::Continue(()))
}

/// What descriptions say of the entry that follows them.
#[derive(Default)]
struct About {
    /// Of the first description.
    offset: Option<u64>,
    /// Bytes of descriptions.
    used: u64,
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    has_pax: bool,
    sparse: PaxSparse,
}

/// Holes as GNU tar tells of them in pax headers, in one of three ways.
#[derive(Default)]
struct PaxSparse {
    name: Option<Vec<u8>>,
    size: Option<u64>,
    /// Offsets and lengths in turn.
    map: Vec<u64>,
    /// Whether the map is at the front of the data.
    is_in_data: bool,
}

impl About {
    fn is_empty(&self) -> bool {
        self.used == 0
    }

    fn take_name(&mut self, header: &Header<'_>) -> Vec<u8> {
        self.sparse.name.take().or(self.name.take()).unwrap_or_else(|| header.name())
    }

    /// Records of `length key=value`.
    fn read_pax(&mut self, mut text: &[u8]) -> Result<(), ContainerError> {
        self.has_pax = true;
        while !text.is_empty() && text[0] != 0 {
            let record = || {
                let space = text.iter().position(|byte| *byte == b' ')?;
                let len = usize::try_from(decimal(&text[..space])?).ok()?;
                let record = text.get(space + 1..len)?.strip_suffix(b"\n")?;
                let equals = record.iter().position(|byte| *byte == b'=')?;
                Some((len, &record[..equals], &record[equals + 1..]))
            };
            let (len, key, value) = record().ok_or_else(|| damaged("a pax header is no list of records"))?;
            text = &text[len..];
            let number = || decimal(value).ok_or_else(|| damaged("a number in a pax header is none"));
            match key {
                b"path" => self.name = Some(value.to_vec()),
                b"linkpath" => self.link = Some(value.to_vec()),
                b"size" => self.size = Some(number()?),
                b"GNU.sparse.name" => self.sparse.name = Some(value.to_vec()),
                b"GNU.sparse.realsize" | b"GNU.sparse.size" => self.sparse.size = Some(number()?),
                b"GNU.sparse.major" => self.sparse.is_in_data = number()? == 1,
                b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => self.sparse.map.push(number()?),
                b"GNU.sparse.map" => {
                    let numbers = value.split(|byte| *byte == b',').map(decimal);
                    self.sparse.map =
                        numbers.collect::<Option<_>>().ok_or_else(|| damaged("the map of a sparse file"))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The parts of a file of `size` bytes in the archive.
    fn holes(&mut self, source: &mut Source<'_>, size: u64) -> Result<Holes, ContainerError> {
        let Some(real) = self.sparse.size else { return Ok(Holes { parts: vec![(0, size)], size }) };
        let map =
            if self.sparse.is_in_data { source.map(size)? } else { std::mem::take(&mut self.sparse.map) };
        let pairs = map.chunks_exact(2);
        if !pairs.remainder().is_empty() {
            return Err(damaged("the map of a sparse file"));
        }
        Ok(Holes { parts: pairs.map(|pair| (pair[0], pair[1])).collect(), size: real })
    }
}

/// Where in a file its parts lie, by offset and length. Between them are zeros.
struct Holes {
    parts: Vec<(u64, u64)>,
    size: u64,
}

/// A file's bytes, in parts.
struct File<'s, 'i> {
    source: &'s mut Source<'i>,
    parts: std::vec::IntoIter<(u64, u64)>,
    /// What is left of the part that is being read, or is next.
    part: (u64, u64),
    at: u64,
    size: u64,
}

impl<'s, 'i> File<'s, 'i> {
    /// Parts have to lie behind one another in the file, and to be all that there is in the archive up to `end`.
    fn new(source: &'s mut Source<'i>, holes: Holes, size: u64, end: u64) -> Result<Self, ContainerError> {
        let mut last = 0;
        let mut stored = 0u64;
        for (at, len) in &holes.parts {
            let part_end = at.checked_add(*len).filter(|part_end| *at >= last && *part_end <= holes.size);
            last = part_end.ok_or_else(|| damaged("the parts of a sparse file do not lie in it"))?;
            stored = stored.saturating_add(*len);
        }
        if stored > size || stored > end.saturating_sub(source.at) {
            return Err(damaged("the parts of a sparse file are longer than it is"));
        }
        let size = holes.size;
        Ok(Self { source, parts: holes.parts.into_iter(), part: (0, 0), at: 0, size })
    }
}

impl Read for File<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.part.1 == 0 {
            match self.parts.next() {
                Some(part) => self.part = part,
                None => {
                    self.part = (self.size, 0);
                    break;
                }
            }
        }
        let zeros = self.part.0.saturating_sub(self.at);
        let left = if zeros > 0 { zeros } else { self.part.1 };
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        if zeros > 0 {
            buffer[..len].fill(0);
            self.at += len as u64;
            return Ok(len);
        }
        if len == 0 {
            return Ok(0);
        }
        let count = self.source.read(&mut buffer[..len])?;
        if count == 0 {
            return Err(ContainerError::CutShort.into());
        }
        self.at += count as u64;
        self.part = (self.part.0 + count as u64, self.part.1 - count as u64);
        Ok(count)
    }
}

/// What lies behind an entry that has no bytes and states a size: up to there, or to the next header.
struct Unexpected<'s, 'i> {
    source: &'s mut Source<'i>,
    left: u64,
    /// Bytes that are left of this block.
    block: usize,
}

impl Read for Unexpected<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.left == 0 {
            return Ok(0);
        }
        if self.block == 0 {
            let block = self.source.peek()?;
            let is_header = |block: &[u8; BLOCK as usize]| {
                let header = Header(block);
                header.has_magic() && header.fits_checksum()
            };
            if block.first_chunk().is_some_and(is_header) {
                self.left = 0;
                return Ok(0);
            }
            self.block = block.len();
        }
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let len = buffer.len().min(self.block).min(left);
        let count = self.source.read(&mut buffer[..len])?;
        if count == 0 {
            return Err(ContainerError::CutShort.into());
        }
        self.block -= count;
        self.left -= count as u64;
        Ok(count)
    }
}

/// The bytes of the archive.
struct Source<'i> {
    input: &'i mut dyn Read,
    at: u64,
    /// Bytes that were looked at and are not read yet.
    ahead: Vec<u8>,
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = if self.ahead.is_empty() {
            self.input.read(buffer)?
        } else {
            let count = (&self.ahead[..]).read(buffer)?;
            self.ahead.drain(..count);
            count
        };
        self.at += count as u64;
        Ok(count)
    }
}

impl Source<'_> {
    /// The block that is next, or as much of it as there is, which is read again.
    fn peek(&mut self) -> Result<Vec<u8>, ContainerError> {
        let mut block = vec![0; BLOCK as usize];
        let count = self.fill(&mut block)?;
        block.truncate(count);
        self.at -= count as u64;
        self.ahead.splice(..0, block.iter().copied());
        Ok(block)
    }

    /// Fills the buffer as far as there are bytes.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, ContainerError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(filled)
    }

    fn skip(&mut self, count: u64) -> Result<(), ContainerError> {
        match io::copy(&mut self.by_ref().take(count), &mut io::sink()) {
            Ok(skipped) if skipped == count => Ok(()),
            Ok(_) => Err(ContainerError::CutShort),
            Err(error) => Err(error.into()),
        }
    }

    /// Goes on to the next block. Returns whether there was as much.
    fn align(&mut self) -> Result<bool, ContainerError> {
        match self.skip(self.at.next_multiple_of(BLOCK) - self.at) {
            Err(ContainerError::CutShort) => Ok(false),
            other => other.map(|()| true),
        }
    }

    /// The bytes of a description, of which there were `used` before.
    fn description(&mut self, size: u64, used: u64) -> Result<Vec<u8>, ContainerError> {
        if size > DESCRIPTION - used.min(DESCRIPTION) {
            let detail = format!("names and headers of one entry are longer than {DESCRIPTION} bytes");
            return Err(damaged(detail));
        }
        let mut bytes = vec![0; size as usize];
        if self.fill(&mut bytes)? < bytes.len() {
            return Err(ContainerError::CutShort);
        }
        Ok(bytes)
    }

    /// Holes as the old GNU header and the blocks behind it tell.
    fn gnu_holes(&mut self, header: &Header<'_>) -> Result<Holes, ContainerError> {
        const IN_HEADER: (usize, usize, usize) = (386, 4, 482);
        const IN_BLOCK: (usize, usize, usize) = (0, 21, 504);
        const REAL_SIZE: usize = 483;
        let fault = || damaged("the map of a sparse file");
        let size = number(&header.0[REAL_SIZE..][..12]).ok_or_else(fault)?;
        let mut parts = Vec::new();
        let (mut block, mut place) = (*header.0, IN_HEADER);
        let mut used = 0;
        loop {
            let (at, count, more) = place;
            for pair in block[at..].chunks_exact(24).take(count) {
                if pair[0] == 0 || pair[12] == 0 {
                    break;
                }
                let offset = number(&pair[..12]).ok_or_else(fault)?;
                parts.push((offset, number(&pair[12..]).ok_or_else(fault)?));
            }
            if block[more] == 0 {
                return Ok(Holes { parts, size });
            }
            used += BLOCK;
            let next = self.description(BLOCK, used)?;
            block.copy_from_slice(&next);
            place = IN_BLOCK;
        }
    }

    /// The map at the front of the data, in whole blocks: a count of parts, and their offsets and lengths, a line each.
    fn map(&mut self, size: u64) -> Result<Vec<u64>, ContainerError> {
        let fault = || damaged("the map of a sparse file");
        let (mut numbers, mut count) = (Vec::new(), None);
        let (mut line, mut used) = (Vec::new(), 0);
        loop {
            if used + BLOCK > size {
                return Err(fault());
            }
            used += BLOCK;
            for byte in self.description(BLOCK, used)? {
                if byte != b'\n' {
                    line.push(byte);
                    continue;
                }
                let number = decimal(&line).ok_or_else(fault)?;
                line.clear();
                match count {
                    None => count = Some(number.checked_mul(2).ok_or_else(fault)?),
                    Some(_) => numbers.push(number),
                }
                if count == Some(numbers.len() as u64) {
                    return Ok(numbers);
                }
            }
        }
    }
}

struct Header<'h>(&'h [u8; BLOCK as usize]);

impl Header<'_> {
    fn has_magic(&self) -> bool {
        &self.0[MAGIC] == b"ustar" && matches!(self.0[MAGIC.end], 0 | b' ')
    }

    /// A header from before there was a magic: all numbers are octal, and their sum fits.
    fn is_old(&self) -> bool {
        let numbers = [100..108, 108..116, 116..124, 124..136, 136..148];
        let is_octal = |range: std::ops::Range<usize>| {
            self.0[range].iter().all(|byte| matches!(byte, b'0'..=b'7' | b' ' | 0))
        };
        self.0[0] != 0
            && matches!(self.kind(), b'0'..=b'7')
            && numbers.into_iter().all(is_octal)
            && self.fits_checksum()
    }

    /// Bytes were once added up as signed ones, too.
    fn fits_checksum(&self) -> bool {
        const CHECKSUM: std::ops::Range<usize> = 148..156;
        let Some(expected) = number(&self.0[CHECKSUM]).and_then(|sum| i64::try_from(sum).ok()) else {
            return false;
        };
        let (mut unsigned, mut signed) = (0i64, 0i64);
        for (at, byte) in self.0.iter().enumerate() {
            let byte = if CHECKSUM.contains(&at) { b' ' } else { *byte };
            unsigned += i64::from(byte);
            signed += i64::from(byte.cast_signed());
        }
        expected == unsigned || expected == signed
    }

    /// What it is of: the letter, where the old kind had none that of a file.
    fn kind(&self) -> u8 {
        match self.0[156] {
            0 => b'0',
            kind => kind,
        }
    }

    fn size(&self) -> Option<u64> {
        match self.kind() {
            // A link may tell the size of its target.
            b'2'..=b'6' => Some(0),
            _ => number(&self.0[124..136]),
        }
    }

    fn name(&self) -> Vec<u8> {
        let name = until_zero(&self.0[..100]);
        let prefix = until_zero(&self.0[345..500]);
        let has_prefix = &self.0[257..263] == b"ustar\0" && !prefix.is_empty();
        if has_prefix { [prefix, b"/", name].concat() } else { name.to_vec() }
    }

    fn link(&self) -> &[u8] {
        until_zero(&self.0[157..257])
    }
}

fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// A number: octal, or big-endian behind a first bit that is set.
fn number(field: &[u8]) -> Option<u64> {
    if let [first @ 0x80..=0xff, rest @ ..] = field {
        let (high, low) = rest.split_at(rest.len().saturating_sub(8));
        let is_small = first & 0x7f == 0 && high.iter().all(|byte| *byte == 0);
        return is_small.then(|| low.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)));
    }
    let text = field.trim_ascii_start();
    let end = text.iter().position(|byte| matches!(byte, 0 | b' ')).unwrap_or(text.len());
    text[..end].iter().try_fold(0u64, |number, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 8)?;
        number.checked_mul(8)?.checked_add(digit.into())
    })
}

fn decimal(text: &[u8]) -> Option<u64> {
    let is_number = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    is_number.then(|| str::from_utf8(text).ok()?.parse().ok())?
}
