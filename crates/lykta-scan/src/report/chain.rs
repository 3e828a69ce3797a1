//! Reading a run log back: every line against the digest of it that the next one tells.
//!
//! ```text
//! header <- line 1 <- line 2 <- ... <- line n      (`previous` of each: SHA-256 of the one before)
//! ```
//!
//! The header is made of facts in line 1, so nothing but the log is needed. Where line i tells another
//! digest than line i-1 has, one of the two was altered: line i itself when line i+1 does not agree
//! with it either, else line i-1.
//!
//! A log may be made by an enemy: a line takes at most [`MOST_LINE`] bytes of memory.

use std::io::{self, BufRead, Read};

use lykta_hash::text::to_hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::record::FORMAT_VERSION;

/// Bytes of a line of a log; a longer one was not written by a scan.
pub(crate) const MOST_LINE: usize = 16 << 20;

/// What the first line of a log stands on.
#[derive(Serialize)]
struct CaseHeader<'h> {
    v: u32,
    tool: &'h str,
    case: Option<&'h str>,
    operator: Option<&'h str>,
}

/// The digest that the first line tells as that of the line before.
#[expect(clippy::unwrap_used, reason = "texts always serialise")]
pub(crate) fn header_sha256(tool: &str, case: Option<&str>, operator: Option<&str>) -> String {
    let header = CaseHeader { v: FORMAT_VERSION, tool, case, operator };
    sha256(serde_json::to_string(&header).unwrap().as_bytes())
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    to_hex(&Sha256::digest(bytes))
}

/// What of a line is read back.
#[derive(Deserialize)]
pub(crate) struct LogLine {
    v: u32,
    n: u64,
    pub(crate) event: String,
    previous: String,
    #[serde(default)]
    tool: Option<String>,
    #[serde(default)]
    case: Option<String>,
    #[serde(default)]
    operator: Option<String>,
    #[serde(default)]
    pub(crate) line_sha256: Option<String>,
    #[serde(default)]
    pub(crate) files: Vec<ListedFile>,
}

/// A file that a log or a manifest tells of.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct ListedFile {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

/// How a line of a log shows that it is not as it was written.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Altered {
    /// Its digest is not the one that was written down of it.
    #[error("its digest is not the one that the line after it tells, or that was written down of it")]
    Digest,
    /// It stands on another case than its own facts say.
    #[error("it does not stand on the case that it tells of")]
    Header,
    /// It is another line than the one that belongs here.
    #[error("its number is {found}")]
    Number {
        /// The number that it has.
        found: u64,
    },
    /// It is no line of a log.
    #[error("it is unreadable as a line of a log")]
    Unreadable,
    /// It is longer than any line of a log.
    #[error("it is longer than any line of a log")]
    TooLong,
}

/// What a log turned out to be.
#[derive(Debug, Default)]
pub(crate) struct ChainEnd {
    /// Whole lines.
    pub(crate) lines: u64,
    /// SHA-256 of the last one; empty when there is none.
    pub(crate) last_sha256: String,
    /// The event of the last line that could be read.
    pub(crate) last_event: String,
    /// Bytes of all whole lines.
    pub(crate) bytes: u64,
    /// Bytes after them: a line whose end is missing.
    pub(crate) torn: u64,
    /// The first line that is not as it was written.
    pub(crate) altered: Option<(u64, Altered)>,
    /// Whether reading ended at a line that was too long.
    pub(crate) given_up: bool,
}

/// Reads a log to its end and hands each readable line to `each` with its bytes, altered or not.
///
/// `expected_last` is what is known from elsewhere of the digest of the last line.
pub(crate) fn read_chain(
    mut input: impl BufRead,
    expected_last: Option<&str>,
    mut each: impl FnMut(&LogLine, &[u8]) -> io::Result<()>,
) -> io::Result<ChainEnd> {
    let mut end = ChainEnd::default();
    // The line that does not agree with the one before it, until the next line decides which it was.
    let mut doubtful = None;
    let mut line = Vec::new();
    loop {
        match read_line(&mut input, MOST_LINE, &mut line)? {
            LineEnd::Whole => {}
            LineEnd::TooLong => {
                end.altered.get_or_insert((end.lines + 1, Altered::TooLong));
                end.given_up = true;
                break;
            }
            LineEnd::Torn => {
                end.torn = line.len() as u64;
                break;
            }
            LineEnd::None => break,
        }
        let (number, digest) = (end.lines + 1, sha256(&line));
        match serde_json::from_slice::<LogLine>(&line).ok().filter(|line| line.v == FORMAT_VERSION) {
            None => _ = end.altered.get_or_insert((number, Altered::Unreadable)),
            Some(read) => {
                let agrees = match number {
                    1 => read.previous == read.header_sha256(),
                    _ => read.previous == end.last_sha256,
                };
                if let Some(at) = doubtful.take() {
                    end.altered.get_or_insert(decide(at, agrees));
                }
                if read.n != number {
                    end.altered.get_or_insert((number, Altered::Number { found: read.n }));
                } else if !agrees && end.altered.is_none() {
                    doubtful = Some(number);
                }
                each(&read, &line)?;
                end.last_event = read.event;
            }
        }
        end.lines = number;
        end.bytes += line.len() as u64 + 1;
        end.last_sha256 = digest;
    }
    let last_agrees = expected_last.is_none_or(|expected| expected == end.last_sha256);
    if let Some(at) = doubtful {
        end.altered.get_or_insert(decide(at, last_agrees));
    }
    Ok(end)
}

/// Which line was altered when the line `at` does not agree with the one before it, and the line after
/// it does or does not agree with `at`.
fn decide(at: u64, next_agrees: bool) -> (u64, Altered) {
    match (at, next_agrees) {
        (1, _) => (1, Altered::Header),
        (at, true) => (at - 1, Altered::Digest),
        (at, false) => (at, Altered::Digest),
    }
}

impl LogLine {
    fn header_sha256(&self) -> String {
        let tool = self.tool.as_deref().unwrap_or_default();
        header_sha256(tool, self.case.as_deref(), self.operator.as_deref())
    }
}

/// How a line ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LineEnd {
    /// With a line end, which is not among its bytes.
    Whole,
    /// With the file.
    Torn,
    /// Not within the bytes that it may have.
    TooLong,
    /// There was no line.
    None,
}

/// Reads the next line into `line`, which never grows beyond `most` bytes and one.
pub(crate) fn read_line(input: &mut impl BufRead, most: usize, line: &mut Vec<u8>) -> io::Result<LineEnd> {
    line.clear();
    input.take(most as u64 + 1).read_until(b'\n', line)?;
    Ok(match line.last() {
        None => LineEnd::None,
        Some(b'\n') => {
            line.pop();
            LineEnd::Whole
        }
        Some(_) if line.len() > most => LineEnd::TooLong,
        Some(_) => LineEnd::Torn,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_held_up_to_its_limit_only() {
        let mut input = &b"ab\nabc\nabcd\n"[..];
        let mut line = Vec::new();
        assert_eq!(read_line(&mut input, 3, &mut line).unwrap(), LineEnd::Whole);
        assert_eq!(line, b"ab");
        assert_eq!(read_line(&mut input, 3, &mut line).unwrap(), LineEnd::Whole);
        assert_eq!(line, b"abc");
        assert_eq!(read_line(&mut input, 3, &mut line).unwrap(), LineEnd::TooLong);
        assert_eq!(read_line(&mut &b"ab"[..], 3, &mut line).unwrap(), LineEnd::Torn);
        assert_eq!(read_line(&mut &b""[..], 3, &mut line).unwrap(), LineEnd::None);
    }
}
