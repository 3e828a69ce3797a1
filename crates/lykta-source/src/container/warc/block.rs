//! The block of one record: as many bytes of the crawl as its head says.

use std::io::{self, Read};

use super::super::ContainerError;
use super::feed::{Fault, Feed};

pub(super) struct Block<'f, 'i> {
    feed: &'f mut Feed<'i>,
    left: u64,
    pub(super) is_request: bool,
    state: State,
}

enum State {
    /// The reader has not come to the end.
    Open,
    /// An error that the reader is to be told.
    Fault(Fault),
    Told,
}

impl<'f, 'i> Block<'f, 'i> {
    pub(super) fn new(feed: &'f mut Feed<'i>, len: u64, is_request: bool) -> Self {
        Self { feed, left: len, is_request, state: State::Open }
    }

    /// At least `least` bytes, if as many are there before the block ends or is broken.
    pub(super) fn peek(&mut self, least: usize) -> &[u8] {
        if !matches!(self.state, State::Open) || self.left == 0 {
            return &[];
        }
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        match self.feed.peek(least.min(left)) {
            Ok(bytes) => &bytes[..bytes.len().min(left)],
            Err(fault) => {
                self.state = State::Fault(fault);
                &[]
            }
        }
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.feed.consume(count);
        self.left -= count as u64;
    }

    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// Looks for damage that shows behind the block only: the checksum of what is compressed record by record.
    fn look_behind(&mut self) -> Option<Fault> {
        while let State::Open = self.state {
            match self.feed.peek(1) {
                Ok([b'\r' | b'\n', ..]) => self.feed.consume(1),
                Ok(_) => self.state = State::Told,
                Err(fault) => self.state = State::Fault(fault),
            }
        }
        match std::mem::replace(&mut self.state, State::Told) {
            State::Fault(fault) => Some(fault),
            State::Open | State::Told => None,
        }
    }

    /// Passes over the rest: what is wrong with it, unless that was told.
    pub(super) fn finish(&mut self) -> Option<Fault> {
        loop {
            match self.peek(1).len() {
                0 if self.left > 0 && matches!(self.state, State::Open) => {
                    self.state = State::Told;
                    return Some(Fault { error: ContainerError::CutShort, is_last: false });
                }
                0 => return self.look_behind(),
                count => self.consume(count),
            }
        }
    }
}

impl Read for Block<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let bytes = self.peek(1);
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        if count == 0 {
            return self.finish().map_or(Ok(0), |fault| Err(fault.error.into()));
        }
        self.consume(count);
        Ok(count)
    }
}
