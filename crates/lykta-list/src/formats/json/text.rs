//! The bytes of JSON documents, one value at a time.

use std::io::{ErrorKind, Read};

use memchr::memchr_iter;

use super::scan::{Scan, Step};
use crate::error::Error;
use crate::format::Format;
use crate::position::Position;

/// The longest record in bytes: a longer one refuses the list. A case lists every place where a file was found,
/// so a record may be much longer than a line of text.
const MAX_RECORD: usize = 16 << 20;

/// Bytes that are there to begin with; doubled for a record that is longer.
const BUFFER: usize = 256 << 10;

/// A buffered text.
pub(super) struct Text<'r> {
    input: Box<dyn Read + 'r>,
    format: Format,
    buffer: Vec<u8>,
    /// What is there and not taken yet: `buffer[start..filled]`.
    start: usize,
    filled: usize,
    /// Bytes of the input before those in the buffer.
    passed: u64,
    /// Line ends in all that was read: where reading failed.
    lines: u64,
}

/// What the next value is.
pub(super) enum Next {
    /// A value of this length.
    Whole(usize),
    /// An object with an array to be opened: where its key begins, and where its bracket is.
    Opens { key: usize, bracket: usize },
}

impl<'r> Text<'r> {
    /// A text without its byte order mark.
    pub(super) fn new(input: Box<dyn Read + 'r>, format: Format) -> Result<Self, Error> {
        let buffer = vec![0; BUFFER];
        let mut text = Self { input, format, buffer, start: 0, filled: 0, passed: 0, lines: 0 };
        while text.rest().len() < 3 && text.fill()? {}
        if text.rest().starts_with(b"\xef\xbb\xbf") {
            text.skip(3);
        }
        Ok(text)
    }

    /// What is there and not taken.
    pub(super) fn rest(&self) -> &[u8] {
        &self.buffer[self.start..self.filled]
    }

    /// Takes bytes that are there.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.start += bytes;
    }

    /// Where the next byte is, from the start of the input.
    pub(super) fn offset(&self) -> u64 {
        self.passed + self.start as u64
    }

    /// Takes white space. Returns the byte behind it, which is not taken.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, Error> {
        loop {
            while let Some(byte) = self.rest().first().copied() {
                if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                    return Ok(Some(byte));
                }
                self.skip(1);
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// What the value is that begins at the next byte: it is then there as a whole, up to an array `list`.
    pub(super) fn value(&mut self, list: Option<&str>) -> Result<Next, Error> {
        self.run(Scan::new(), list)
    }

    /// The length of what is left of the object of which a member has just been taken.
    pub(super) fn rest_of_object(&mut self) -> Result<usize, Error> {
        match self.run(Scan::within_object(), None)? {
            Next::Whole(length) => Ok(length),
            Next::Opens { .. } => Err(self.malformed("a value is missing")),
        }
    }

    fn run(&mut self, mut scan: Scan, list: Option<&str>) -> Result<Next, Error> {
        loop {
            let step = scan.run(self.rest(), list);
            if scan.at > MAX_RECORD {
                return Err(self.malformed(format!("a record is longer than {MAX_RECORD} bytes")));
            }
            match step {
                Step::Whole => return Ok(Next::Whole(scan.at)),
                Step::Opens { key } => return Ok(Next::Opens { key, bracket: scan.at }),
                Step::Bad(detail) => {
                    self.skip(scan.at);
                    return Err(self.malformed(detail));
                }
                Step::More => {
                    if !self.fill()? {
                        return Err(self.truncated());
                    }
                }
            }
        }
    }

    /// Reads more. Returns whether there was any.
    fn fill(&mut self) -> Result<bool, Error> {
        if self.filled == self.buffer.len() {
            self.buffer.copy_within(self.start..self.filled, 0);
            self.passed += self.start as u64;
            self.filled -= self.start;
            self.start = 0;
            if self.filled > self.buffer.len() / 2 {
                self.buffer.resize(2 * self.buffer.len(), 0);
            }
        }
        let read = loop {
            match self.input.read(&mut self.buffer[self.filled..]) {
                Ok(read) => break read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => return Err(Error::io(self.lines + 1, source)),
            }
        };
        let fresh = &self.buffer[self.filled..self.filled + read];
        self.lines += memchr_iter(b'\n', fresh).count() as u64;
        self.filled += read;
        Ok(read > 0)
    }

    /// The input has ended within a document.
    pub(super) fn truncated(&self) -> Error {
        let position = Position::Byte(self.passed + self.filled as u64);
        Error::Truncated { position, detail: "a document of JSON has no end".to_owned() }
    }

    /// What comes next is not what the format asks for.
    pub(super) fn malformed(&self, detail: impl Into<String>) -> Error {
        let position = Position::Byte(self.offset());
        Error::Malformed { format: self.format, position, detail: detail.into() }
    }
}
