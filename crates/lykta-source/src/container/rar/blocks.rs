//! What a RAR is made of: headers, each with data behind it.

use std::ops::Range;

use super::{SIGNATURE, Source, damaged};
use crate::container::ContainerError;

/// Longest header of RAR 5, in bytes: what other readers take at the most. Those before can have no more than 64 KiB.
const LONGEST: u64 = 2 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Main,
    File,
    End,
    /// All headers behind it are encrypted.
    Encrypted,
    Other,
}

/// A header, and where its data is.
#[derive(Clone)]
pub(super) struct Block {
    pub(super) kind: Kind,
    pub(super) at: u64,
    pub(super) header: Vec<u8>,
    /// May end behind the end of the file.
    pub(super) data: Range<u64>,
}

#[derive(Clone, Copy)]
enum Version {
    Old,
    New,
}

/// The headers, one after the other.
pub(super) struct Blocks {
    version: Version,
    /// Where the next one is.
    at: u64,
    /// Whether members lean on those before them.
    pub(super) is_solid: bool,
    /// Whether it is a volume behind others.
    pub(super) goes_on: bool,
}

impl Blocks {
    /// Whether members may bring programs that filter them.
    pub(super) fn has_programs(&self) -> bool {
        matches!(self.version, Version::Old)
    }

    /// A signature and a main header, as short as they can be: they are read anew for each member, and those that the
    /// archive has may be long.
    pub(super) fn start(&self) -> Vec<u8> {
        let solid = u8::from(self.is_solid);
        let mut start = SIGNATURE.to_vec();
        match self.version {
            Version::Old => {
                let header = [0x73, solid << 3, 0, 13, 0, 0, 0, 0, 0, 0, 0];
                start.push(0);
                start.extend(&crc(&header).to_le_bytes()[..2]);
                start.extend(header);
            }
            Version::New => {
                let header = [3, 1, 0, solid << 2];
                start.extend([1, 0]);
                start.extend(crc(&header).to_le_bytes());
                start.extend(header);
            }
        }
        start
    }
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

impl Blocks {
    /// # Errors
    /// [`ContainerError::Encrypted`] when no header can be read.
    pub(super) fn open(source: &mut Source<'_>) -> Result<Self, ContainerError> {
        let mut signature = [0; SIGNATURE.len() + 2];
        source.read_at(0, &mut signature)?;
        let (version, len) = match signature[SIGNATURE.len()..] {
            [0, _] => (Version::Old, SIGNATURE.len() + 1),
            [1, 0] => (Version::New, SIGNATURE.len() + 2),
            _ => return Err(ContainerError::Unsupported("this kind of RAR".into())),
        };
        let mut blocks = Self { version, at: len as u64, is_solid: false, goes_on: false };
        match blocks.next(source)? {
            Some(main) if main.kind == Kind::Main => {
                (blocks.is_solid, blocks.goes_on) = match version {
                    Version::Old => old_flags(&main.header),
                    Version::New => new_flags(&main.header),
                }
                // Flags that are not there are not set.
                .unwrap_or_default();
                Ok(blocks)
            }
            Some(block) if block.kind == Kind::Encrypted => Err(ContainerError::Encrypted),
            _ => Err(damaged("its first header is of another kind")),
        }
    }

    /// The next header, if there is one.
    pub(super) fn next(&mut self, source: &mut Source<'_>) -> Result<Option<Block>, ContainerError> {
        if self.at > source.len {
            return Err(ContainerError::CutShort);
        }
        let block = match self.version {
            // Until 3.0 nothing marked the end.
            Version::Old if self.at == source.len => return Ok(None),
            Version::Old => self.next_before_5(source)?,
            Version::New => self.next_since_5(source)?,
        };
        self.at = block.data.end;
        Ok((block.kind != Kind::End).then_some(block))
    }

    fn block(&self, kind: Kind, header: Vec<u8>, data: u64) -> Result<Block, ContainerError> {
        let from = self.at + header.len() as u64;
        // The crate counts in what the machine can address.
        let to = from.checked_add(data).filter(|to| isize::try_from(*to).is_ok());
        let to = to.ok_or_else(|| damaged(format!("the size in the header at byte {}", self.at)))?;
        Ok(Block { kind, at: self.at, header, data: from..to })
    }

    fn spoiled(&self) -> ContainerError {
        damaged(format!("its header at byte {} is spoiled", self.at))
    }

    /// A header of RAR 1.5 to 4: checksum, kind, flags, length, and so on.
    fn next_before_5(&self, source: &mut Source<'_>) -> Result<Block, ContainerError> {
        const FIXED: usize = 7;
        const MAIN: u8 = 0x73;
        const FILE: u8 = 0x74;
        const SERVICE: u8 = 0x7a;
        const END: u8 = 0x7b;
        /// Of the main header.
        const COMMENT: u16 = 2;
        const ENCRYPTED: u16 = 0x80;
        /// Of a file.
        const FILE_COMMENT: u16 = 8;
        const LARGE: u16 = 0x100;
        /// Of any other.
        const HAS_DATA: u16 = 0x8000;
        let mut fixed = [0; FIXED];
        source.read_at(self.at, &mut fixed)?;
        let [c0, c1, kind, f0, f1, l0, l1] = fixed;
        let flags = u16::from_le_bytes([f0, f1]);
        let len = usize::from(u16::from_le_bytes([l0, l1]));
        if !(MAIN..=END).contains(&kind) || len < FIXED {
            return Err(self.spoiled());
        }
        let mut header = vec![0; len];
        source.read_at(self.at, &mut header)?;
        // Comments of old lie in headers whose checksum does not go over them: of these the crate knows more.
        let has_comment = kind == MAIN && flags & COMMENT != 0 || kind == FILE && flags & FILE_COMMENT != 0;
        let is_checked = matches!(kind, MAIN | FILE | SERVICE | END) && !has_comment;
        if is_checked && crc(&header[2..]) & 0xffff != u32::from(u16::from_le_bytes([c0, c1])) {
            return Err(self.spoiled());
        }
        let number = |at: usize| {
            let bytes = header.get(at..).and_then(|rest| rest.first_chunk());
            bytes.map(|bytes| u64::from(u32::from_le_bytes(*bytes))).ok_or_else(|| self.spoiled())
        };
        let is_file = matches!(kind, FILE | SERVICE);
        let mut data = if is_file || kind != MAIN && flags & HAS_DATA != 0 { number(7)? } else { 0 };
        if is_file && flags & LARGE != 0 {
            data |= number(32)? << 32;
        }
        let kind = match kind {
            MAIN if flags & ENCRYPTED != 0 => Kind::Encrypted,
            MAIN => Kind::Main,
            FILE => Kind::File,
            END => Kind::End,
            _ => Kind::Other,
        };
        self.block(kind, header, data)
    }

    /// A header of RAR 5: checksum, length, kind, flags, lengths of what is added and of the data, and so on.
    fn next_since_5(&self, source: &mut Source<'_>) -> Result<Block, ContainerError> {
        const CHECKSUM: usize = 4;
        const HAS_EXTRA: u64 = 1;
        const HAS_DATA: u64 = 2;
        let mut checksum = [0; CHECKSUM];
        source.read_at(self.at, &mut checksum)?;
        let mut len = Vec::new();
        loop {
            let mut byte = [0];
            source.read_at(self.at + (CHECKSUM + len.len()) as u64, &mut byte)?;
            len.push(byte[0]);
            if byte[0] & 0x80 == 0 {
                break;
            }
            // More than 2 MiB cannot be said in other ways.
            if len.len() == 4 {
                return Err(self.spoiled());
            }
        }
        let size = number(&mut &len[..]).filter(|size| *size <= LONGEST).ok_or_else(|| self.spoiled())?;
        let fixed = CHECKSUM + len.len();
        let mut header = vec![0; fixed + size as usize];
        source.read_at(self.at, &mut header)?;
        if crc(&header[CHECKSUM..]) != u32::from_le_bytes(checksum) {
            return Err(self.spoiled());
        }
        let mut rest = &header[fixed..];
        let mut next = || number(&mut rest);
        let mut lengths = || {
            let (kind, flags) = (next()?, next()?);
            if flags & HAS_EXTRA != 0 {
                next()?;
            }
            let data = if flags & HAS_DATA != 0 { next()? } else { 0 };
            Some((kind, data))
        };
        let (kind, data) = lengths().ok_or_else(|| self.spoiled())?;
        let kind = match kind {
            1 => Kind::Main,
            2 => Kind::File,
            4 => Kind::Encrypted,
            5 => Kind::End,
            _ => Kind::Other,
        };
        self.block(kind, header, data)
    }
}

/// Whether an archive is solid, and whether it is a volume behind others, as its main header says.
fn old_flags(header: &[u8]) -> Option<(bool, bool)> {
    const VOLUME: u16 = 1;
    const SOLID: u16 = 8;
    /// Since 3.0, which also numbers volumes in another way.
    const NUMBERED: u16 = 0x10;
    const FIRST: u16 = 0x100;
    let flags = u16::from_le_bytes(*header.get(3..)?.first_chunk()?);
    Some((flags & SOLID != 0, flags & (VOLUME | NUMBERED | FIRST) == VOLUME | NUMBERED))
}

fn new_flags(header: &[u8]) -> Option<(bool, bool)> {
    const HAS_EXTRA: u64 = 1;
    const HAS_DATA: u64 = 2;
    const HAS_NUMBER: u64 = 2;
    const SOLID: u64 = 4;
    let mut rest = header.get(4..)?;
    let mut next = || number(&mut rest);
    let (_len, _kind, flags) = (next()?, next()?, next()?);
    for has_field in [HAS_EXTRA, HAS_DATA] {
        if flags & has_field != 0 {
            next()?;
        }
    }
    let flags = next()?;
    Some((flags & SOLID != 0, flags & HAS_NUMBER != 0))
}

/// Seven bits in each byte, the lowest first, as long as the highest bit is set.
fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(first & 0x7f);
        let shifted = bits << shift;
        if shifted >> shift != bits {
            return None;
        }
        number |= shifted;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}
