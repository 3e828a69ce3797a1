//! The bytes of a crawl, decompressed, with the places where records may begin.
//!
//! A crawl is one piece, or one piece for each record, when every record is compressed for itself: a piece ends where
//! a compressed member begins with a record. So a record whose length lies cannot swallow the next, and what is
//! damaged ends at the next piece. A crawl that was compressed without regard to its records is one piece.

use std::io::Read;

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::super::ContainerError;
use super::super::inflate::{self, MAGIC, Wrapping, damaged};

/// Bytes that can be looked at without taking them.
pub(super) const PEEK: usize = 64 << 10;
/// Room for what is looked at, and for what comes out next.
const OUT: usize = 4 * PEEK;
/// Compressed bytes held, and of those taken already the ones kept to look for the next member after damage.
const RAW: usize = 256 << 10;
const KEPT: usize = 64 << 10;
/// Decompressed bytes of a member by which it is told whether a record begins with it.
const PROBE: usize = 2048;
/// Compressed bytes for as many.
const PROBE_RAW: usize = 4096;

/// Places that look like the beginning of a member, and are none, after which no further are tried: each takes a
/// hundred times as long as other bytes.
const FALSE_MEMBERS: u32 = 1 << 16;

/// Whether a record begins with these bytes, of which there may be fewer than a whole line.
pub(super) type Begins = fn(&[u8]) -> bool;

/// What ended the bytes too early.
pub(super) struct Fault {
    pub(super) error: ContainerError,
    /// There is nothing behind it: the error is not of this container, or the end of it.
    pub(super) is_last: bool,
}

pub(super) struct Feed<'i> {
    input: Box<dyn Read + 'i>,
    begins: Begins,
    gzip: Option<Box<Gzip>>,
    out: Box<[u8]>,
    /// What of `out` is to be taken.
    at: usize,
    len: usize,
    /// Where in `out` the next piece begins, as far as is known, and the member it begins with.
    next: Option<(usize, u64)>,
    /// `next` is not decided yet.
    is_probing: bool,
    /// Where the bytes at `at` are in the file, or the member that this piece begins with.
    offset: u64,
    ended: bool,
    /// What comes behind `out`.
    fault: Option<Fault>,
    /// It was told, and there may be more behind it.
    is_broken: bool,
}

/// Compressed bytes and the state of decompression.
struct Gzip {
    raw: Box<[u8]>,
    at: usize,
    len: usize,
    /// Where in the file `raw` begins.
    base: u64,
    /// Where in the file the member begins.
    member: u64,
    stream: Decompress,
    crc: Crc,
    is_inside: bool,
    is_first: bool,
}

impl<'i> Feed<'i> {
    pub(super) fn new(input: Box<dyn Read + 'i>, is_gzip: bool, begins: Begins) -> Self {
        let gzip = is_gzip.then(|| {
            Box::new(Gzip {
                raw: vec![0; RAW].into(),
                at: 0,
                len: 0,
                base: 0,
                member: 0,
                stream: Decompress::new(false),
                crc: Crc::new(),
                is_inside: false,
                is_first: true,
            })
        });
        let out = vec![0; OUT].into();
        Self {
            input,
            begins,
            gzip,
            out,
            at: 0,
            len: 0,
            next: None,
            is_probing: false,
            offset: 0,
            ended: false,
            fault: None,
            is_broken: false,
        }
    }

    /// Where the next byte is in the file; when compressed, where the member is that the piece begins with.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    fn limit(&self) -> usize {
        self.next.map_or(self.len, |(at, _)| at)
    }

    fn is_stopped(&self) -> bool {
        self.ended || self.is_broken || self.fault.is_some() || (self.next.is_some() && !self.is_probing)
    }

    /// At least `least` bytes, unless the piece ends before. None at the end of the piece.
    ///
    /// # Errors
    /// [`Fault`], once there are no bytes before it.
    pub(super) fn peek(&mut self, least: usize) -> Result<&[u8], Fault> {
        debug_assert!(least <= PEEK);
        while self.limit() - self.at < least && !self.is_stopped() {
            self.more();
        }
        let limit = self.limit();
        if limit == self.at
            && self.next.is_none()
            && let Some(fault) = self.fault.take()
        {
            (self.ended, self.is_broken) = (fault.is_last, !fault.is_last);
            return Err(fault);
        }
        Ok(&self.out[self.at..limit])
    }

    /// Has a fault told again.
    pub(super) fn put_back(&mut self, fault: Fault) {
        (self.ended, self.is_broken) = (false, false);
        self.fault = Some(fault);
    }

    pub(super) fn consume(&mut self, count: usize) {
        debug_assert!(count <= self.limit() - self.at);
        self.at += count;
        if self.gzip.is_none() {
            self.offset += count as u64;
        }
    }

    /// Goes on with the next piece, once this one is used up.
    pub(super) fn advance(&mut self) -> bool {
        match self.next {
            Some((at, offset)) if self.at == at && !self.is_probing => {
                self.next = None;
                self.offset = offset;
                true
            }
            _ => false,
        }
    }

    /// Goes on behind what is damaged, if anything is there.
    ///
    /// # Errors
    /// [`Fault`] when the file cannot be read.
    pub(super) fn mend(&mut self) -> Result<bool, Fault> {
        let Some(gzip) = &mut self.gzip else { return Ok(false) };
        if !self.is_broken {
            return Ok(false);
        }
        self.is_broken = false;
        (self.at, self.len) = (0, 0);
        match gzip.find_member(&mut *self.input, self.begins) {
            Ok(true) => {
                self.offset = gzip.base + gzip.at as u64;
                gzip.is_inside = false;
                gzip.is_first = true;
                Ok(true)
            }
            Ok(false) => {
                self.ended = true;
                Ok(false)
            }
            Err(error) => {
                self.ended = true;
                Err(Fault { error, is_last: true })
            }
        }
    }

    /// Adds bytes to `out`, or sets one of `next`, `ended`, `fault`.
    fn more(&mut self) {
        if self.at == self.len {
            if let Some((at, _)) = &mut self.next {
                *at = 0;
            }
            (self.at, self.len) = (0, 0);
        } else if OUT - self.len < PEEK {
            if let Some((at, _)) = &mut self.next {
                *at -= self.at;
            }
            self.out.copy_within(self.at..self.len, 0);
            (self.at, self.len) = (0, self.len - self.at);
        }
        let room = &mut self.out[self.len..];
        let (step, is_outside) = match &mut self.gzip {
            Some(gzip) => (gzip.step(&mut *self.input, room), !gzip.is_inside),
            None => (read(&mut *self.input, room).map(Step::Bytes), false),
        };
        match step {
            Ok(Step::Bytes(0)) if self.gzip.is_none() => self.ended = true,
            Ok(Step::Bytes(count)) => self.len += count,
            Ok(Step::Begin { member, is_first: true }) => self.offset = member,
            Ok(Step::Begin { member, is_first: false }) => {
                self.next = Some((self.len, member));
                self.is_probing = true;
                return;
            }
            Ok(Step::NoMember { member, fault }) => {
                // Not the fault of the record before.
                if self.len > 0 || self.offset != member {
                    self.next = Some((self.len, member));
                    self.is_probing = false;
                }
                self.fault = Some(fault);
                return;
            }
            Ok(Step::End) => self.ended = true,
            Ok(Step::Fault { count, fault }) => {
                self.len += count;
                self.fault = Some(fault);
            }
            Err(error) => self.fault = Some(Fault { error, is_last: true }),
        }
        if self.is_probing
            && let Some((at, _)) = self.next
        {
            let bytes = &self.out[at..self.len];
            let is_known = is_outside || self.ended || self.fault.is_some();
            if bytes.len() >= PROBE || is_known {
                self.is_probing = false;
                let is_broken = self.fault.is_some() && bytes.len() < PROBE;
                if !is_broken && !(self.begins)(bytes) {
                    self.next = None;
                }
            }
        }
    }
}

enum Step {
    Bytes(usize),
    /// A member begins.
    Begin {
        member: u64,
        is_first: bool,
    },
    /// None does.
    NoMember {
        member: u64,
        fault: Fault,
    },
    End,
    /// Bytes came out, and then this.
    Fault {
        count: usize,
        fault: Fault,
    },
}

impl Gzip {
    fn step(&mut self, input: &mut dyn Read, room: &mut [u8]) -> Result<Step, ContainerError> {
        let fault = |count, error| Ok(Step::Fault { count, fault: Fault { error, is_last: false } });
        let last = |count, error| Ok(Step::Fault { count, fault: Fault { error, is_last: true } });
        if !self.is_inside {
            return self.begin(input);
        }
        if self.at == self.len && self.refill(input)? == 0 {
            return last(0, ContainerError::CutShort);
        }
        let (taken, given) = (self.stream.total_in(), self.stream.total_out());
        let status = self.stream.decompress(&self.raw[self.at..self.len], room, FlushDecompress::None);
        self.at += (self.stream.total_in() - taken) as usize;
        let count = (self.stream.total_out() - given) as usize;
        self.crc.update(&room[..count]);
        match status {
            Err(_) => fault(count, damaged("compressed data is invalid")),
            Ok(Status::StreamEnd) => {
                self.is_inside = false;
                while self.len - self.at < 8 {
                    if self.refill(input)? == 0 {
                        return last(count, ContainerError::CutShort);
                    }
                }
                let number = |at| {
                    let mut bytes = [0; 4];
                    bytes.copy_from_slice(&self.raw[at..at + 4]);
                    u32::from_le_bytes(bytes)
                };
                let is_whole = (number(self.at), number(self.at + 4)) == (self.crc.sum(), self.crc.amount());
                self.at += 8;
                if is_whole {
                    Ok(Step::Bytes(count))
                } else {
                    fault(count, damaged("checksum of compressed data"))
                }
            }
            Ok(_) => Ok(Step::Bytes(count)),
        }
    }

    /// At the beginning of a member.
    fn begin(&mut self, input: &mut dyn Read) -> Result<Step, ContainerError> {
        // Tapes and block devices pad with zeros.
        loop {
            while self.at < self.len && self.raw[self.at] == 0 {
                self.at += 1;
            }
            if self.at < self.len {
                break;
            }
            self.member = self.base + self.at as u64;
            if self.refill(input)? == 0 {
                return Ok(Step::End);
            }
        }
        self.member = self.base + self.at as u64;
        let header = loop {
            let bytes = &self.raw[self.at..self.len];
            if !bytes.starts_with(&MAGIC[..bytes.len().min(MAGIC.len())]) {
                return self.no_member(damaged("a compressed record does not begin where it should"), false);
            }
            if let Some(header) = inflate::gzip_header(bytes) {
                break header;
            }
            if bytes.len() >= RAW / 2 {
                return self.no_member(damaged("the header of a compressed record does not end"), false);
            }
            if self.refill(input)? == 0 {
                return self.no_member(ContainerError::CutShort, true);
            }
        };
        self.at += header;
        self.stream.reset(false);
        self.crc.reset();
        self.is_inside = true;
        let is_first = std::mem::take(&mut self.is_first);
        Ok(Step::Begin { member: self.member, is_first })
    }

    fn no_member(&self, error: ContainerError, is_last: bool) -> Result<Step, ContainerError> {
        Ok(Step::NoMember { member: self.member, fault: Fault { error, is_last } })
    }

    /// Reads more, and keeps what was taken of the member, up to [`KEPT`] bytes.
    fn refill(&mut self, input: &mut dyn Read) -> Result<usize, ContainerError> {
        if self.len == RAW {
            let member = self.member.saturating_sub(self.base) as usize;
            let from = self.at.saturating_sub(KEPT).max(member).min(self.at);
            self.raw.copy_within(from..self.len, 0);
            self.base += from as u64;
            self.at -= from;
            self.len -= from;
        }
        let count = read(input, &mut self.raw[self.len..])?;
        self.len += count;
        Ok(count)
    }

    /// Goes to the next member that begins with a record, behind the beginning of this one.
    fn find_member(&mut self, input: &mut dyn Read, begins: Begins) -> Result<bool, ContainerError> {
        let kept = self.at.saturating_sub(KEPT);
        self.at = kept.max((self.member + 1).saturating_sub(self.base) as usize).min(self.len);
        let mut out = [0; PROBE];
        let mut tries = 0;
        loop {
            // What was passed over need not be kept.
            self.member = self.base + self.at as u64;
            while self.len - self.at < PROBE_RAW {
                if self.refill(input)? == 0 {
                    break;
                }
            }
            let bytes = &self.raw[self.at..self.len];
            let is_end = bytes.len() < PROBE_RAW;
            let seen = if is_end { bytes.len() } else { bytes.len() - PROBE_RAW + 1 };
            let found = memchr::memmem::find_iter(bytes, &MAGIC).take_while(|at| *at < seen).find(|at| {
                tries += 1;
                let bytes = &bytes[*at..];
                let bytes = &bytes[..bytes.len().min(PROBE_RAW)];
                let count = inflate::first_bytes(bytes, Wrapping::Gzip, &mut out);
                begins(&out[..count])
            });
            if let Some(at) = found {
                self.at += at;
                return Ok(true);
            }
            self.at += seen;
            if is_end || tries >= FALSE_MEMBERS {
                return Ok(false);
            }
        }
    }
}

fn read(input: &mut dyn Read, room: &mut [u8]) -> Result<usize, ContainerError> {
    loop {
        match input.read(room) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            result => return result.map_err(ContainerError::from),
        }
    }
}
