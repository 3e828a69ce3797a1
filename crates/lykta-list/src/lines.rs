//! Bounded reading: the only place that takes bytes from the input.

use std::io::{self, BufRead, BufReader, Read};

use memchr::memchr;

use crate::error::Error;

/// The longest row, in bytes with its line ends: a longer one refuses the list. The longest path
/// of common systems is a fraction of it, and memory stays bounded whatever the input.
pub const MAX_RECORD: usize = 1 << 20;

const BUFFER: usize = 64 << 10;

/// Physical lines of the input, appended to a buffer that the caller reuses.
pub(crate) struct Lines<R> {
    input: BufReader<R>,
    line: u64,
    offset: u64,
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input: BufReader::with_capacity(BUFFER, input), line: 0, offset: 0 }
    }

    pub(crate) fn input(&self) -> &R {
        self.input.get_ref()
    }

    /// The line read last, from 1; 0 before the first.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// Replaces `row` by the next line that is not blank, with its end. Returns whether there is one.
    pub(crate) fn next_filled(&mut self, row: &mut Vec<u8>) -> Result<bool, Error> {
        loop {
            row.clear();
            if !self.append(row, self.line + 1)? {
                return Ok(false);
            }
            if !trim(&row[..content_len(row)]).is_empty() {
                return Ok(true);
            }
        }
    }

    /// Appends the next line with its end to `row`, which began on line `start`. Returns whether
    /// there is one.
    pub(crate) fn append(&mut self, row: &mut Vec<u8>, start: u64) -> Result<bool, Error> {
        let before = row.len();
        self.line += 1;
        // One byte more than allowed tells a row that is too long from one that just fits.
        let read =
            self.take_line(row, MAX_RECORD + 1 - before).map_err(|source| Error::io(self.line, source))?;
        if read == 0 {
            self.line -= 1;
            return Ok(false);
        }
        if self.offset == 0 {
            // Spreadsheets write the byte order mark of UTF-8; it is no part of the first name.
            if row.starts_with(b"\xef\xbb\xbf") {
                row.drain(..3);
            }
        }
        if let Some(at) = memchr(0, &row[before..]) {
            let skipped = (before + read - row.len()) as u64;
            return Err(Error::Binary { line: self.line, offset: self.offset + skipped + at as u64 });
        }
        self.offset += read as u64;
        if before + read > MAX_RECORD {
            return Err(Error::TooLong { line: start });
        }
        Ok(true)
    }

    /// Appends bytes to `row` up to the next line end, or `room` of them. Returns how many.
    fn take_line(&mut self, row: &mut Vec<u8>, room: usize) -> io::Result<usize> {
        let mut taken = 0;
        while taken < room {
            let buffer = match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                buffer => buffer?,
            };
            let buffer = &buffer[..buffer.len().min(room - taken)];
            let end = memchr(b'\n', buffer);
            let part = end.map_or(buffer, |end| &buffer[..=end]);
            row.extend_from_slice(part);
            let len = part.len();
            self.input.consume(len);
            taken += len;
            if end.is_some() || len == 0 {
                break;
            }
        }
        Ok(taken)
    }
}

/// Length of a line without its end, LF or CRLF.
pub(crate) fn content_len(line: &[u8]) -> usize {
    let rest = line.strip_suffix(b"\n").unwrap_or(line);
    rest.strip_suffix(b"\r").unwrap_or(rest).len()
}

/// The text without the spaces and tabs around it.
pub(crate) fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}
