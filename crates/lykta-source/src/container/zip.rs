//! Zip: by its directory, and where that is missing or spoiled by the headers of the members themselves.
//!
//! ```text
//! (anything) [header name data (descriptor)]... [directory entry]... (zip64) end (comment)
//! ```
//!
//! Read by our own code, with rawzip as the oracle: members are handed over as the directory is read, so that nothing
//! but the ranges of those out of order grows with it, and each is read on its own, so one that lies spoils no other.
//!
//! What the directory does not list is looked for by the headers of the members wherever nothing else is: between those
//! that it lists and in front of them, behind the end of the stream that a member is, between the directory and its end,
//! and behind that. Other bytes there that are not zero are told of, but for those in front of the first header, which
//! are the program of an archive that unpacks itself, and the signatures of an APK.

use std::cell::{Cell, RefCell};
use std::io::{self, BufRead, BufReader, Cursor, Read, SeekFrom};
use std::ops::{ControlFlow, Range};
use std::rc::Rc;

use flate2::Crc;

use super::decode::{Counted, Deflate, deflate64, lzma, ppmd, told};
use super::link::Said;
use super::{
    Container, ContainerError, Content, Exceeded, Input, Limits, Member, MemberSkip, ReadSeek, decoder,
    with_random,
};

const LOCAL: [u8; 4] = *b"PK\x03\x04";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";
const END: [u8; 4] = *b"PK\x05\x06";
const END_64: [u8; 4] = *b"PK\x06\x06";
const LOCATOR_64: [u8; 4] = *b"PK\x06\x07";
const SIGNATURE: [u8; 4] = *b"PK\x05\x05";

const LOCAL_LEN: usize = 30;
const CENTRAL_LEN: usize = 46;
const END_LEN: usize = 22;
const END_64_LEN: usize = 56;
const LOCATOR_64_LEN: u64 = 20;
const SIGNATURE_LEN: usize = 6;

pub(super) fn sniff(head: &[u8]) -> bool {
    // The first volume of several, or the only one after all, has a mark in front.
    let spanned = [*b"PK\x07\x08PK\x03\x04", *b"PK00PK\x03\x04"];
    let begins = |mark: &[u8]| head.starts_with(mark);
    begins(&LOCAL) || begins(&END) || spanned.iter().any(|mark| begins(mark))
}

pub(super) fn members(
    input: Input<'_>,
    limits: &Limits,
    each: &mut dyn FnMut(Member<'_>) -> ControlFlow<()>,
) -> Result<(), ContainerError> {
    with_random(input, |file, len| {
        let file = File { file: RefCell::new(file), len };
        let Some(directory) = file.directory()? else {
            // Without an end it was cut, or what is at its end is spoiled.
            return match walk(&file, 0..len, limits, &mut |_, _| {}, each)? {
                ControlFlow::Continue(()) => Err(ContainerError::CutShort),
                ControlFlow::Break(()) => Ok(()),
            };
        };
        let is_good = directory.entries(&file, &mut |_| Ok(ControlFlow::Continue(())));
        match is_good {
            Ok(directory_end) => {
                let mut covered = Covered::new(limits);
                let mut is_over = false;
                directory.entries(&file, &mut |entry| {
                    let extent = file.extent(&entry)?;
                    let (flow, unused) = file.hand_over(entry, limits, each)?;
                    if let Some(extent) = extent {
                        let is_in_front = extent.start < directory.start;
                        covered.add_member(&extent, unused, if is_in_front { directory.start } else { len });
                    }
                    is_over = flow.is_break();
                    Ok(flow)
                })?;
                if is_over {
                    return Ok(());
                }
                covered.add(directory.start, file.behind_signature(directory_end, directory.limit)?);
                for (start, end) in &directory.ends {
                    covered.add(*start, *end);
                }
                unlisted(&file, &mut covered, limits, each)
            }
            Err(error @ ContainerError::Read(_)) => Err(error),
            Err(error) => match walk(&file, 0..len, limits, &mut |_, _| {}, each)? {
                ControlFlow::Continue(()) => Err(error),
                ControlFlow::Break(()) => Ok(()),
            },
        }
    })
}

/// Bytes of the comment behind an end. It is text: one with zeros, which pictures and archives have, counts as none.
fn comment_len(end: &[u8]) -> usize {
    let comment = end[END_LEN..].iter().take(u16_at(end, 20).into());
    if comment.clone().any(|byte| *byte == 0) { 0 } else { comment.len() }
}

fn damaged(detail: impl Into<String>) -> ContainerError {
    ContainerError::Damaged(detail.into())
}

/// What an archive says of a member.
struct Entry {
    name: Vec<u8>,
    flags: u16,
    method: u16,
    /// Packed bytes.
    packed: u64,
    /// Length and checksum, if they are known.
    whole: Option<(u64, u32)>,
    /// Where its own header is.
    offset: u64,
    is_link: bool,
    /// On which other volume it is.
    volume: Option<u32>,
}

impl Entry {
    /// What holds bytes is no folder, whatever its name.
    fn is_folder(&self) -> bool {
        self.name.ends_with(b"/") && self.whole.is_none_or(|(size, _)| size == 0) && self.packed < 3
    }

    fn is_encrypted(&self) -> bool {
        const ENCRYPTED: u16 = 1 | 1 << 6;
        const AES: u16 = 99;
        self.flags & ENCRYPTED != 0 || self.method == AES
    }

    /// Larger numbers than fit are in an extra field, in order.
    fn read_zip64(&mut self, mut extra: &[u8], has_offset: bool) {
        const ZIP64: u16 = 1;
        const IS_ELSEWHERE: u64 = u32::MAX as u64;
        while let Some((id, len)) = extra.get(..4).map(|field| (u16_at(field, 0), u16_at(field, 2))) {
            let end = extra.len().min(4 + usize::from(len));
            let mut field = &extra[4..end];
            extra = &extra[end..];
            if id != ZIP64 {
                continue;
            }
            let size = self.whole.as_mut().map(|(size, _)| size);
            let offset = has_offset.then_some(&mut self.offset);
            for number in [size, Some(&mut self.packed), offset].into_iter().flatten() {
                if *number == IS_ELSEWHERE
                    && let Some((value, rest)) = field.split_first_chunk()
                {
                    *number = u64::from_le_bytes(*value);
                    field = rest;
                }
            }
            return;
        }
    }
}

/// Where the directory is.
struct Directory {
    start: u64,
    /// What it says itself, and where it ends at the latest.
    len: u64,
    limit: u64,
    count: u64,
    /// Bytes in front of the archive, which it does not know of.
    base: u64,
    volume: u32,
    /// Where the records are that tell of it.
    ends: Vec<(u64, u64)>,
}

impl Directory {
    /// The entries, in order, and where they end.
    fn entries(
        &self,
        file: &File<'_>,
        each: &mut dyn FnMut(Entry) -> Result<ControlFlow<()>, ContainerError>,
    ) -> Result<u64, ContainerError> {
        let mut input = BufReader::new(file.section(self.start, self.limit));
        let (mut at, mut count) = (self.start, 0u64);
        let mut fixed = [0; CENTRAL_LEN];
        let mut text = Vec::new();
        loop {
            let is_there = read_exact(&mut input, &mut fixed[..4])? && fixed[..4] == CENTRAL;
            if !is_there {
                break;
            }
            let cut = || damaged("its directory is spoiled");
            read_exact(&mut input, &mut fixed[4..])?.then_some(()).ok_or_else(cut)?;
            let [name, extra, comment] = [28, 30, 32].map(|at| usize::from(u16_at(&fixed, at)));
            text.resize(name + extra + comment, 0);
            read_exact(&mut input, &mut text)?.then_some(()).ok_or_else(cut)?;
            at += (CENTRAL_LEN + text.len()) as u64;
            count += 1;
            let made_by_unix = fixed[5] == 3;
            let mode = u32_at(&fixed, 38) >> 16;
            let volume = u32::from(u16_at(&fixed, 34));
            let is_here = [self.volume, u16::MAX.into()].contains(&volume);
            let mut entry = Entry {
                name: text[..name].to_vec(),
                flags: u16_at(&fixed, 8),
                method: u16_at(&fixed, 10),
                packed: u32_at(&fixed, 20).into(),
                whole: Some((u32_at(&fixed, 24).into(), u32_at(&fixed, 16))),
                offset: u32_at(&fixed, 42).into(),
                is_link: made_by_unix && mode & 0o170_000 == 0o120_000,
                volume: (!is_here).then_some(volume),
            };
            entry.read_zip64(&text[name..name + extra], true);
            entry.offset = entry.offset.saturating_add(self.base);
            if each(entry)?.is_break() {
                return Ok(at);
            }
        }
        // A count of 16 bits is too small for many archives of more.
        if at - self.start == self.len || count & 0xffff == self.count & 0xffff {
            Ok(at)
        } else {
            Err(damaged("its directory is spoiled"))
        }
    }
}

/// The archive.
struct File<'f> {
    file: RefCell<&'f mut dyn ReadSeek>,
    len: u64,
}

impl<'f> File<'f> {
    fn section(&self, at: u64, end: u64) -> Section<'_, 'f> {
        Section { file: self, at, end }
    }

    /// Fills the buffer as far as there are bytes.
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> Result<usize, ContainerError> {
        let mut filled = 0;
        let mut section = self.section(at, self.len);
        while filled < buffer.len() {
            match section.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(filled)
    }

    fn array<const N: usize>(&self, at: u64) -> Result<Option<[u8; N]>, ContainerError> {
        let mut bytes = [0; N];
        Ok((self.read_at(at, &mut bytes)? == N).then_some(bytes))
    }

    fn begins_with(&self, at: u64, signature: [u8; 4]) -> Result<bool, ContainerError> {
        Ok(self.array(at)? == Some(signature))
    }

    /// The last directory that there is, as far back as a comment can reach.
    fn directory(&self) -> Result<Option<Directory>, ContainerError> {
        const REACH: u64 = END_LEN as u64 + u16::MAX as u64;
        let from = self.len.saturating_sub(REACH);
        let mut tail = vec![0; (self.len - from) as usize];
        let filled = self.read_at(from, &mut tail)?;
        tail.truncate(filled);
        for at in (0..(tail.len() + 1).saturating_sub(END_LEN)).rev() {
            if tail[at..].starts_with(&END)
                && let Some(mut found) = self.directory_at(from + at as u64, &tail[at..][..END_LEN])?
            {
                let end = from + (at + END_LEN + comment_len(&tail[at..])) as u64;
                found.ends.push((from + at as u64, end));
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The directory that the end at `at` tells of, if it is where it says, or right in front of its end.
    fn directory_at(&self, at: u64, end: &[u8]) -> Result<Option<Directory>, ContainerError> {
        let mut volume = u32::from(u16_at(end, 4));
        let (mut count, mut len) = (u64::from(u16_at(end, 10)), u64::from(u32_at(end, 12)));
        let (mut start, mut limit) = (u64::from(u32_at(end, 16)), at);
        let mut ends = Vec::new();
        let locator = at.checked_sub(LOCATOR_64_LEN);
        if let Some(locator_at) = locator
            && let Some(locator) = self.array::<{ LOCATOR_64_LEN as usize }>(locator_at)?
            && locator[..4] == LOCATOR_64
        {
            let stated = u64::from_le_bytes(*locator[8..].first_chunk().unwrap_or(&[0; 8]));
            let usual = locator_at.checked_sub(END_64_LEN as u64);
            for end_at in [Some(stated), usual].into_iter().flatten() {
                if let Some(end) = self.array::<END_64_LEN>(end_at)?
                    && end[..4] == END_64
                {
                    volume = u32_at(&end, 16);
                    (count, len, start) = (u64_at(&end, 32), u64_at(&end, 40), u64_at(&end, 48));
                    limit = end_at;
                    ends.extend([(end_at, end_at + END_64_LEN as u64), (locator_at, at)]);
                    break;
                }
            }
        }
        let found = |start: u64, base: u64| Directory { start, len, limit, count, base, volume, ends };
        if let Some(before) = limit.checked_sub(len)
            && let Some(base) = before.checked_sub(start)
            && (len == 0 && count == 0 || self.begins_with(before, CENTRAL)?)
        {
            return Ok(Some(found(before, base)));
        }
        Ok((start < limit && self.begins_with(start, CENTRAL)?).then(|| found(start, 0)))
    }

    /// Hands a member over, and says how many of its packed bytes, the last, are of no use to it. Folders are none.
    fn hand_over(
        &self,
        entry: Entry,
        limits: &Limits,
        each: &mut dyn FnMut(Member<'_>) -> ControlFlow<()>,
    ) -> Result<(ControlFlow<()>, u64), ContainerError> {
        if entry.is_folder() {
            return Ok((ControlFlow::Continue(()), 0));
        }
        let size = entry.whole.map(|(size, _)| size);
        let offset = Some(entry.offset);
        let (mut opened, mut chain) = (None, None);
        let content = if let Some(volume) = entry.volume
            && !self.is_here(&entry)?
        {
            let volume = format!("it is on volume {}", u64::from(volume) + 1);
            Content::Skipped(MemberSkip::Elsewhere(volume), size.unwrap_or(0))
        } else if entry.is_encrypted() {
            Content::Skipped(MemberSkip::Encrypted, size.unwrap_or(0))
        } else {
            match self.content(&entry, limits) {
                Ok(stream) => {
                    let stream = opened.insert(stream);
                    let stated = size.unwrap_or(0);
                    match entry.is_link.then(|| Said::of(stream, stated)) {
                        None => Content::Bytes(stream, size),
                        Some(Said::Target(target)) => Content::Skipped(MemberSkip::Link(target), 0),
                        Some(Said::Bytes(bytes)) => {
                            Content::Bytes(chain.insert(Cursor::new(bytes).chain(stream)), size)
                        }
                    }
                }
                Err(error @ ContainerError::Read(_)) => return Err(error),
                Err(error) => Content::Failed(error),
            }
        };
        let flow = each(Member { name: entry.name, offset, capture: None, known: None, content });
        Ok((flow, opened.map_or(0, |stream| stream.unused())))
    }

    /// Whether the header of a member is where it is said to be, on whichever volume.
    fn is_here(&self, entry: &Entry) -> Result<bool, ContainerError> {
        let mut name = vec![0; entry.name.len()];
        let count = self.read_at(entry.offset.saturating_add(LOCAL_LEN as u64), &mut name)?;
        Ok(self.begins_with(entry.offset, LOCAL)? && name[..count] == entry.name)
    }

    /// Where a member is, if it is here.
    fn extent(&self, entry: &Entry) -> Result<Option<Extent>, ContainerError> {
        let header = self.array::<LOCAL_LEN>(entry.offset)?.filter(|header| header[..4] == LOCAL);
        let Some(header) = header else { return Ok(None) };
        if entry.volume.is_some() && !self.is_here(entry)? {
            return Ok(None);
        }
        let lens = u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28));
        let data = entry.offset + LOCAL_LEN as u64 + lens;
        self.extent_of(entry, data).map(Some)
    }

    /// Where a member is whose packed bytes begin at `data`.
    fn extent_of(&self, entry: &Entry, data: u64) -> Result<Extent, ContainerError> {
        let data_end = data.saturating_add(entry.packed);
        Ok(Extent { start: entry.offset, data_end, end: self.behind(entry, data_end)? })
    }

    /// Where what is behind the packed bytes of a member ends: a descriptor with or without a signature and of short or
    /// long numbers, if there is one.
    fn behind(&self, entry: &Entry, end: u64) -> Result<u64, ContainerError> {
        let Some((size, crc)) = entry.whole else { return Ok(end) };
        let mut bytes = [0; 24];
        let filled = self.read_at(end, &mut bytes)?;
        let signature = if bytes.starts_with(&DESCRIPTOR) { 4 } else { 0 };
        let rest = &bytes[signature..];
        let is_long = u64_at(rest, 4) == entry.packed && u64_at(rest, 12) == size;
        let is_short = u64::from(u32_at(rest, 4)) == entry.packed && u64::from(u32_at(rest, 8)) == size;
        let len = match () {
            () if u32_at(rest, 0) != crc => 0,
            () if is_long && filled >= signature + 20 => signature + 20,
            () if is_short && filled >= signature + 12 => signature + 12,
            () => 0,
        };
        // The member may be empty, and so all of it is zeros, of which nothing is told.
        Ok(end.saturating_add(len as u64))
    }

    /// Where the signature ends that a directory may have behind it.
    fn behind_signature(&self, directory_end: u64, limit: u64) -> Result<u64, ContainerError> {
        let bytes = self.array::<SIGNATURE_LEN>(directory_end)?.filter(|bytes| bytes[..4] == SIGNATURE);
        let end = bytes.map(|bytes| directory_end + SIGNATURE_LEN as u64 + u64::from(u16_at(&bytes, 4)));
        Ok(end.filter(|end| *end <= limit).unwrap_or(directory_end))
    }

    /// Whether there are only zeros.
    fn is_blank(&self, mut at: u64, end: u64) -> Result<bool, ContainerError> {
        let mut buffer = vec![0; 16 << 10];
        while at < end {
            let len = usize::try_from(end - at).unwrap_or(usize::MAX).min(buffer.len());
            let count = self.read_at(at, &mut buffer[..len])?;
            if count == 0 {
                break;
            }
            if buffer[..count].iter().any(|byte| *byte != 0) {
                return Ok(false);
            }
            at += count as u64;
        }
        Ok(true)
    }

    /// Whether these are the signatures of an APK: a length, entries, the same length and a mark.
    fn is_signature(&self, at: u64, end: u64) -> Result<bool, ContainerError> {
        const MARK: &[u8; 16] = b"APK Sig Block 42";
        let Some(tail) = end.checked_sub(24).filter(|tail| *tail >= at) else { return Ok(false) };
        let Some(bytes) = self.array::<24>(tail)? else { return Ok(false) };
        let start = end.checked_sub(u64_at(&bytes, 0).saturating_add(8));
        // It may be aligned, by zeros.
        Ok(bytes[8..] == *MARK && matches!(start, Some(start) if start >= at && self.is_blank(at, start)?))
    }

    /// The bytes of a member, checked.
    fn content<'s>(&'s self, entry: &Entry, limits: &Limits) -> Result<Checked<'s>, ContainerError> {
        let header = self.array::<LOCAL_LEN>(entry.offset)?.filter(|header| header[..4] == LOCAL);
        let header = header.ok_or_else(|| {
            damaged(format!("the directory says that a member is at byte {}, where none is", entry.offset))
        })?;
        let lens = u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28));
        let start = entry.offset + LOCAL_LEN as u64 + lens;
        let end = start.saturating_add(entry.packed);
        let packed: Box<dyn Read> = Box::new(self.section(start, end));
        let size = entry.whole.map(|(size, _)| size);
        let left = Rc::new(Cell::new(0));
        let counted = |input| {
            left.set(end - start);
            Counted { input, left: Rc::clone(&left) }
        };
        let input = match entry.method {
            0 => packed,
            8 => told(packed, limits, |input| Box::new(Deflate::new(counted(input)))),
            9 => told(packed, limits, |input| deflate64(counted(input))),
            12 => decoder(Container::Bzip2, packed, limits),
            14 => {
                const HAS_END: u16 = 2;
                let size = size.filter(|_| entry.flags & HAS_END == 0);
                told(packed, limits, |input| lzma(input, size, limits))
            }
            20 | 93 => decoder(Container::Zstd, packed, limits),
            95 => decoder(Container::Xz, packed, limits),
            98 => told(packed, limits, |input| ppmd(input, size, limits)),
            other => return Err(ContainerError::Unsupported(format!("method {other} of zip"))),
        };
        // The decoder of deflate64 holds up to three bytes that it does not need in the end.
        let ahead = if entry.method == 9 { 3 } else { 0 };
        Ok(Checked { input, crc: Crc::new(), len: 0, expected: entry.whole, left, ahead, is_complete: false })
    }

    /// The next signature of a header or descriptor at `from` or behind it.
    fn next_signature(&self, mut from: u64) -> Result<Option<(u64, [u8; 4])>, ContainerError> {
        // Most lie where they are looked for.
        let mut buffer = vec![0; 256];
        loop {
            let filled = self.read_at(from, &mut buffer)?;
            let bytes = &buffer[..filled];
            let mut at = 0;
            while let Some(found) = bytes[at..].iter().position(|byte| *byte == b'P') {
                at += found;
                match bytes[at..].first_chunk() {
                    Some(four) if [LOCAL, CENTRAL, DESCRIPTOR].contains(four) => {
                        return Ok(Some((from + at as u64, *four)));
                    }
                    Some(_) => at += 1,
                    None => break,
                }
            }
            if filled < buffer.len() {
                return Ok(None);
            }
            from += filled as u64 - 3;
            buffer.resize((4 * buffer.len()).min(1 << 16), 0);
        }
    }

    /// Where the packed bytes from `start` on end, and the length and checksum that the descriptor behind them has, if
    /// there is one. Without one they end at the next header.
    fn end_of_data(&self, start: u64) -> Result<(u64, Option<(u64, u32)>), ContainerError> {
        let mut from = start;
        while let Some((at, signature)) = self.next_signature(from)? {
            if signature != DESCRIPTOR {
                return Ok((at, None));
            }
            let mut bytes = [0; 24];
            self.read_at(at, &mut bytes)?;
            let crc = u32_at(&bytes, 4);
            // A length of 0 looks like the upper half of a large number, but for what follows.
            if u64_at(&bytes, 8) == at - start && !bytes[16..].starts_with(b"PK") {
                return Ok((at, Some((u64_at(&bytes, 16), crc))));
            }
            if u64::from(u32_at(&bytes, 8)) == at - start {
                return Ok((at, Some((u32_at(&bytes, 12).into(), crc))));
            }
            from = at + 1;
        }
        Ok((self.len, None))
    }
}

/// Where a member is, with its header and its descriptor.
struct Extent {
    start: u64,
    /// Where its packed bytes end.
    data_end: u64,
    end: u64,
}

/// Ranges of the archive that members take.
struct Covered {
    ranges: Vec<(u64, u64)>,
    /// How many may be held.
    most: usize,
    is_over: bool,
}

impl Covered {
    fn new(limits: &Limits) -> Self {
        let most = usize::try_from(limits.memory / 32).unwrap_or(usize::MAX).max(1 << 10);
        Self { ranges: Vec::new(), most, is_over: false }
    }

    fn add(&mut self, start: u64, end: u64) {
        match self.ranges.last_mut() {
            // Most lie behind one another.
            Some(last) if last.0 <= start && start <= last.1 => last.1 = last.1.max(end),
            _ if self.is_over || start >= end => {}
            _ => self.ranges.push((start, end)),
        }
        if self.ranges.len() > self.most {
            self.merge();
            self.is_over = self.ranges.len() > self.most / 2;
        }
    }

    /// What a member takes in front of `most`, but for the last of its packed bytes that are of no use to it.
    fn add_member(&mut self, extent: &Extent, unused: u64, most: u64) {
        self.add(extent.start, (extent.data_end - unused).min(most));
        self.add(extent.data_end.min(most), extent.end.min(most));
    }

    fn merge(&mut self) {
        self.ranges.sort_unstable();
        self.ranges.dedup_by(|next, last| {
            let is_within = next.0 <= last.1;
            last.1 = if is_within { last.1.max(next.1) } else { last.1 };
            is_within
        });
    }

    /// What lies between them in a range, in order.
    fn gaps(&mut self, mut from: u64, end: u64) -> Vec<(u64, u64)> {
        self.merge();
        let mut gaps = Vec::new();
        for (start, next) in self.ranges.iter().copied().chain([(end, end)]) {
            if from < start {
                gaps.push((from, start));
            }
            from = from.max(next);
        }
        gaps
    }
}

/// Hands over the members that the directory does not list.
///
/// # Errors
/// [`ContainerError::Damaged`], if there are other bytes.
fn unlisted(
    file: &File<'_>,
    covered: &mut Covered,
    limits: &Limits,
    each: &mut dyn FnMut(Member<'_>) -> ControlFlow<()>,
) -> Result<(), ContainerError> {
    if covered.is_over {
        let needed = 32 * covered.most as u64 + 1;
        return Err(Exceeded::Memory { needed, most: limits.memory }.into());
    }
    let mut told = None;
    for (from, to) in covered.gaps(0, file.len) {
        let mut found = Covered::new(limits);
        let mut add = |extent: &Extent, unused: u64| found.add_member(extent, unused, to);
        let flow = walk(file, from..to, limits, &mut add, each)?;
        if flow.is_break() {
            return Ok(());
        }
        for (at, end) in found.gaps(from, to) {
            let is_front = at == 0;
            if told.is_none() && !is_front && !file.is_blank(at, end)? && !file.is_signature(at, end)? {
                told = Some(format!("{} bytes at byte {at} are of no member of it", end - at));
            }
        }
    }
    told.map_or(Ok(()), |told| Err(damaged(told)))
}

/// Hands over what has a header of its own in a range, from the first to the last, and tells `found` where it is and how
/// many of its packed bytes are of no use to it.
fn walk(
    file: &File<'_>,
    range: Range<u64>,
    limits: &Limits,
    found: &mut dyn FnMut(&Extent, u64),
    each: &mut dyn FnMut(Member<'_>) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, ContainerError> {
    const HAS_DESCRIPTOR: u16 = 8;
    let mut from = range.start;
    while from < range.end
        && let Some((offset, signature)) = file.next_signature(from)?
        && offset < range.end
    {
        from = offset + 4;
        if signature != LOCAL {
            continue;
        }
        let Some(header) = file.array::<LOCAL_LEN>(offset)? else { break };
        let [name_len, extra_len] = [26, 28].map(|at| usize::from(u16_at(&header, at)));
        // The version that is needed is 1 to 6.3, with the system in the upper byte.
        if name_len == 0 || header[4] > 63 {
            continue;
        }
        let mut text = vec![0; name_len + extra_len];
        if file.read_at(offset + LOCAL_LEN as u64, &mut text)? < text.len() {
            continue;
        }
        let start = offset + (LOCAL_LEN + text.len()) as u64;
        let mut entry = Entry {
            name: text[..name_len].to_vec(),
            flags: u16_at(&header, 6),
            method: u16_at(&header, 8),
            packed: u32_at(&header, 18).into(),
            whole: Some((u32_at(&header, 22).into(), u32_at(&header, 14))),
            offset,
            is_link: false,
            volume: None,
        };
        entry.read_zip64(&text[name_len..], false);
        if entry.flags & HAS_DESCRIPTOR != 0 && u32_at(&header, 14) == 0 {
            let (end, whole) = file.end_of_data(start)?;
            (entry.packed, entry.whole) = (end - start, whole);
        }
        let extent = file.extent_of(&entry, start)?;
        let (flow, unused) = file.hand_over(entry, limits, each)?;
        if flow.is_break() {
            return Ok(flow);
        }
        found(&extent, unused);
        // A length that lies must not hide what follows.
        let next = file.array(extent.data_end)?;
        let is_followed = next.is_some_and(|next| [LOCAL, CENTRAL, DESCRIPTOR].contains(&next));
        from = if is_followed { extent.data_end - unused } else { start };
    }
    Ok(ControlFlow::Continue(()))
}

/// A part of the archive. One that ends behind the archive is cut short.
struct Section<'s, 'f> {
    file: &'s File<'f>,
    at: u64,
    end: u64,
}

impl Read for Section<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let len = left.min(buffer.len());
        if len == 0 {
            return Ok(0);
        }
        if self.at >= self.file.len {
            return if self.end > self.file.len { Err(ContainerError::CutShort.into()) } else { Ok(0) };
        }
        let mut file = self.file.file.borrow_mut();
        let count = file.seek(SeekFrom::Start(self.at)).and_then(|_| file.read(&mut buffer[..len]));
        let count = count.map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ => ContainerError::from(error).into(),
        })?;
        if count == 0 {
            return Err(ContainerError::CutShort.into());
        }
        self.at += count as u64;
        Ok(count)
    }
}

/// Compares length and checksum at the end.
struct Checked<'s> {
    input: Box<dyn Read + 's>,
    crc: Crc,
    len: u64,
    expected: Option<(u64, u32)>,
    /// Packed bytes that its decoder did not take, where that is counted.
    left: Rc<Cell<u64>>,
    /// How many it may have taken and not needed.
    ahead: u64,
    is_complete: bool,
}

impl Checked<'_> {
    /// Packed bytes that are of no use to it. None are known before it was read to its end.
    fn unused(&self) -> u64 {
        match self.left.get() {
            left if left > 0 && self.is_complete => left + self.ahead,
            _ => 0,
        }
    }
}

impl Read for Checked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.crc.update(&buffer[..count]);
        self.len += count as u64;
        let is_over = count == 0 && !buffer.is_empty();
        match self.expected {
            Some(expected) if is_over && expected != (self.len, self.crc.sum()) => {
                Err(damaged("a member of zip does not fit its length and checksum").into())
            }
            _ => {
                self.is_complete |= is_over;
                Ok(count)
            }
        }
    }
}

/// Whether there was as much.
fn read_exact(input: &mut impl BufRead, buffer: &mut [u8]) -> Result<bool, ContainerError> {
    match input.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) => match error.into() {
            ContainerError::CutShort => Ok(false),
            error => Err(error),
        },
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
