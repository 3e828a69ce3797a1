//! A text of SQL cut into statements: at semicolons that are in no quotation marks, without comments.

use std::io::{BufRead, BufReader, Read};

use crate::error::Error;
use crate::format::Format;
use crate::lines::MAX_RECORD;
use crate::position::Position;

/// What the next byte is part of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Statement,
    /// A quoted text or name, which this byte ends.
    Quotes(u8),
    LineComment,
    BlockComment,
}

pub(crate) struct Statements<R> {
    input: BufReader<R>,
    /// The line that is being read, from 1.
    line: u64,
    text: Vec<u8>,
    is_empty: bool,
}

impl<R: Read> Statements<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input: BufReader::with_capacity(64 << 10, input), line: 1, text: Vec::new(), is_empty: true }
    }

    /// The next statement that is not blank, with the line it begins on; its lines are as in the file.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, &[u8])>, Error> {
        let mut within = Within::Statement;
        let mut start = self.line;
        self.text.clear();
        while let Some(byte) = self.byte()? {
            if self.text.is_empty() && within == Within::Statement {
                start = self.line;
                if byte.is_ascii_whitespace() || byte == b';' {
                    self.line += u64::from(byte == b'\n');
                    continue;
                }
            }
            self.line += u64::from(byte == b'\n');
            match (within, byte) {
                (Within::Statement, b';') => {
                    self.is_empty = false;
                    return Ok(Some((start, &self.text)));
                }
                (Within::Statement, b'\'' | b'"' | b'`') => within = Within::Quotes(byte),
                (Within::Statement, b'[') => within = Within::Quotes(b']'),
                (Within::Statement, b'-') if self.peek()? == Some(b'-') => within = Within::LineComment,
                (Within::Statement, b'/') if self.peek()? == Some(b'*') => {
                    self.input.consume(1);
                    within = Within::BlockComment;
                }
                // A doubled mark ends the quotes and begins them again.
                (Within::Quotes(end), byte) if byte == end => within = Within::Statement,
                (Within::LineComment, b'\n') => within = Within::Statement,
                (Within::BlockComment, b'*') if self.peek()? == Some(b'/') => {
                    self.input.consume(1);
                    within = Within::Statement;
                    self.separate();
                    continue;
                }
                _ => {}
            }
            match within {
                Within::LineComment | Within::BlockComment if byte == b'\n' => self.separate_by(b'\n'),
                Within::LineComment | Within::BlockComment => {}
                Within::Statement if byte == b'\n' => self.separate_by(b'\n'),
                Within::Statement | Within::Quotes(_) => self.text.push(byte),
            }
            if self.text.len() > MAX_RECORD {
                return Err(Error::TooLong { line: start });
            }
        }
        let is_comment_open = within == Within::BlockComment;
        if self.text.is_empty() && !is_comment_open {
            return Ok(None);
        }
        let detail = "it ends within a statement that begins there".to_owned();
        if !is_comment_open && self.text.trim_ascii().is_empty() {
            return Ok(None);
        }
        Err(Error::Truncated { position: Position::Line(start), detail })
    }

    /// The line that is being read, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// Whether there was no statement.
    pub(crate) fn is_empty(&self) -> bool {
        self.is_empty
    }

    fn separate(&mut self) {
        self.separate_by(b' ');
    }

    /// White space within a statement.
    fn separate_by(&mut self, byte: u8) {
        if !self.text.is_empty() {
            self.text.push(byte);
        }
    }

    fn byte(&mut self) -> Result<Option<u8>, Error> {
        let byte = self.peek()?;
        if byte.is_some() {
            self.input.consume(1);
        }
        match byte {
            Some(0) => Err(Error::Malformed {
                format: Format::NsrlSql,
                position: Position::Line(self.line),
                detail: "it has a byte of value 0, so it is no text in UTF-8".to_owned(),
            }),
            byte => Ok(byte),
        }
    }

    fn peek(&mut self) -> Result<Option<u8>, Error> {
        let line = self.line;
        let buffer = self.input.fill_buf().map_err(|source| Error::io(line, source))?;
        Ok(buffer.first().copied())
    }
}

/// The text after the comments and blanks that it begins with.
pub(crate) fn without_comments(mut text: &[u8]) -> &[u8] {
    loop {
        text = text.trim_ascii_start();
        let end: &[u8] = match text {
            [b'-', b'-', ..] => b"\n",
            [b'/', b'*', ..] => b"*/",
            _ => return text,
        };
        let at = text[2..].windows(end.len()).position(|window| window == end);
        text = at.map_or(&[], |at| &text[2 + at + end.len()..]);
    }
}
