//! An archive of some members of another, whose data is there only when it is wanted.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rars::{Archive, ArchiveReader};

use super::blocks::Block;

/// Headers, and places for the data behind them.
pub(super) struct Excerpt(Contents);

/// What is in an excerpt. The crate wants what it reads from to be owned and of no thread.
#[derive(Clone)]
pub(super) struct Contents(Arc<Mutex<Parts>>);

struct Parts {
    /// Headers, each with its place.
    headers: Vec<(u64, Vec<u8>)>,
    /// The places of the data, in their order.
    data: Vec<Range<u64>>,
    /// How many members were loaded, and the data of the last one.
    turn: usize,
    loaded: Vec<u8>,
    len: u64,
}

impl Excerpt {
    /// With the signature and the main header alone.
    pub(super) fn new(start: Vec<u8>) -> Self {
        let len = start.len() as u64;
        let parts = Parts { headers: vec![(0, start)], data: Vec::new(), turn: 0, loaded: Vec::new(), len };
        Self(Contents(Arc::new(Mutex::new(parts))))
    }

    pub(super) fn push(&mut self, block: &Block) {
        let mut parts = self.0.lock();
        let at = parts.len;
        let from = at + block.header.len() as u64;
        // No file has as much, so it cannot be that the sum of many does not fit.
        let to = from.saturating_add(block.data.end - block.data.start);
        parts.headers.push((at, block.header.clone()));
        parts.data.push(from..to);
        parts.len = to;
    }

    pub(super) fn has_members(&self) -> bool {
        !self.0.lock().data.is_empty()
    }

    pub(super) fn contents(&self) -> Contents {
        self.0.clone()
    }

    /// # Errors
    /// As the crate says.
    pub(super) fn open(&self) -> rars::Result<Archive> {
        ArchiveReader::read_reader(Reading { contents: self.contents(), at: 0 })
    }
}

impl Contents {
    fn lock(&self) -> MutexGuard<'_, Parts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the data of the next member in its place, instead of that of the one before.
    pub(super) fn load(&self, bytes: Vec<u8>) {
        let mut parts = self.lock();
        parts.turn += 1;
        parts.loaded = bytes;
    }
}

impl Parts {
    fn read(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let header = self.headers.partition_point(|(from, _)| *from <= at);
        let Some((from, bytes)) = header.checked_sub(1).and_then(|header| self.headers.get(header)) else {
            return Ok(0);
        };
        let (bytes, from) = match usize::try_from(at - from) {
            Ok(within) if within < bytes.len() => (&bytes[..], within),
            _ => {
                let place = self.turn.checked_sub(1).and_then(|turn| self.data.get(turn));
                match place {
                    Some(place) if place.contains(&at) => (&self.loaded[..], (at - place.start) as usize),
                    // The crate reads a little ahead of itself when it looks for a header.
                    _ => {
                        let end = self.headers.get(header).map_or(self.len, |(from, _)| *from);
                        let count = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX);
                        let count = count.min(buffer.len());
                        buffer[..count].fill(0);
                        return Ok(count);
                    }
                }
            }
        };
        // Of a member that was cut.
        let rest = bytes.get(from..).filter(|rest| !rest.is_empty());
        let rest = rest.ok_or(io::ErrorKind::UnexpectedEof)?;
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

struct Reading {
    contents: Contents,
    at: u64,
}

impl Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.contents.lock().read(self.at, buffer)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Reading {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.contents.lock().len.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
