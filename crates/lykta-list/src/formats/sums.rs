//! What md5sum, sha1sum, sha256sum, b3sum and md5deep print, line by line; styles may change from line to line.
//!
//! ```text
//! hex  name      hex *name     GNU; also with one blank or tab, as `md5 -r` has it
//! \hex  name                   GNU: in the name `\n`, `\r` and `\\` are escapes
//! MD5 (name) = hex             BSD; also MD5(name)= hex, as OpenSSL has it, and with the backslash of GNU
//!       1234  hex  name        md5deep -z: the size in front
//! hex                          what is left of them without a name
//! # text                       a comment, no row
//! ```
//!
//! The digits' number tells the kind: 64 are SHA-256, unless the caller knows that b3sum printed them. A second
//! column that looks like a hash is the name: files are called by their hashes often enough. Any other line is a
//! rejected row.

use std::io::Read;

use lykta_hash::{Hash, Kind, ParseError};
use memchr::{memchr, memchr2, memrchr};

use crate::entry::{Entry, Rejection, Row};
use crate::error::Error;
use crate::formats::Rows;
use crate::formats::csv::Record;
use crate::formats::fields::{Charset, read_text, whole_number};
use crate::formats::plain::usable;
use crate::input::{Head, Input};
use crate::lines::Lines;
use crate::position::Position;
use crate::reason::{Cause, Problem};

/// What 64 hexadecimal digits without a word on their kind are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LongMeans {
    Sha256,
    Blake3,
}

/// The words of BSD style for kinds that are matched, upper case.
const TAGS: [(&str, Kind); 7] = [
    ("MD5", Kind::Md5),
    ("SHA1", Kind::Sha1),
    ("SHA-1", Kind::Sha1),
    ("SHA256", Kind::Sha256),
    ("SHA-256", Kind::Sha256),
    ("SHA2-256", Kind::Sha256),
    ("BLAKE3", Kind::Blake3),
];

/// The beginnings of words for kinds that are not.
const UNMATCHED: [&str; 11] =
    ["SHA", "BLAKE2", "MD2", "MD4", "RMD", "RIPEMD", "SM3", "CRC", "CKSUM", "TIGER", "WHIRLPOOL"];

/// Digits of kinds that are not matched: SHA-224, SHA-384, SHA-512.
const UNMATCHED_DIGITS: [usize; 3] = [56, 96, 128];

/// Fewer digits than these are a word that happens to be hexadecimal, not a hash that was cut.
const SHORTEST: usize = 16;

/// The first line that is not a comment is such a line, and not a bare hash: that is a plain list.
pub(crate) fn is_meant(head: &Head<'_>) -> bool {
    let line = head.lines().find(|line| !line.trim_ascii().is_empty() && !line.starts_with(b"#"));
    let Some(parts) = line.and_then(Parts::of) else { return false };
    let is_hash = match parts.kind {
        Said::ByDigits => kind_by_digits(parts.hash, LongMeans::Sha256).is_some_and(|kind| kind.is_ok()),
        Said::Kind(kind) => parts.hash.len() == 2 * kind.byte_len(),
        Said::Unmatched => true,
    };
    let is_unmatched = UNMATCHED_DIGITS.contains(&parts.hash.len());
    !parts.name.is_empty() && (is_hash || is_unmatched) && parts.hash.iter().all(u8::is_ascii_hexdigit)
}

pub(crate) fn open<'r>(input: Input<'r>, long: LongMeans) -> Result<Box<dyn Rows + 'r>, Error> {
    let mut lines = Lines::new(input.stream);
    let mut record = Record::default();
    if !record.read_line(&mut lines)? {
        return Err(Error::Empty);
    }
    Ok(Box::new(SumsRows { lines, record, long, is_pending: true, row: 0 }))
}

struct SumsRows<R> {
    lines: Lines<R>,
    record: Record,
    long: LongMeans,
    /// The first line has been read already.
    is_pending: bool,
    row: u64,
}

impl<R: Read> Rows for SumsRows<R> {
    fn next_row(&mut self) -> Result<Option<Row>, Error> {
        loop {
            if !std::mem::take(&mut self.is_pending) && !self.record.read_line(&mut self.lines)? {
                return Ok(None);
            }
            if !self.record.content().starts_with(b"#") {
                break;
            }
        }
        self.row += 1;
        Ok(Some(row(self.record.content(), self.long, self.row, Position::Line(self.record.line()))))
    }
}

/// What a line is made of.
struct Parts<'l> {
    size: Option<&'l [u8]>,
    kind: Said,
    hash: &'l [u8],
    /// Empty when there is none.
    name: &'l [u8],
    is_escaped: bool,
}

/// What a line says of the kind of its hash.
#[derive(Clone, Copy)]
enum Said {
    ByDigits,
    Kind(Kind),
    Unmatched,
}

impl<'l> Parts<'l> {
    fn of(line: &'l [u8]) -> Option<Self> {
        let line = line.trim_ascii_start();
        let (is_escaped, line) = match line {
            [b'\\', rest @ ..] => (true, rest),
            _ => (false, line),
        };
        Self::bsd(line, is_escaped).or_else(|| Self::sized(line)).or_else(|| Self::gnu(line, is_escaped))
    }

    /// `hash  name`, or a hash alone.
    fn gnu(line: &'l [u8], is_escaped: bool) -> Option<Self> {
        let (hash, name) = match memchr2(b' ', b'\t', line) {
            None => (line, &line[line.len()..]),
            Some(end) => match &line[end + 1..] {
                [b' ' | b'*', name @ ..] => (&line[..end], name),
                name => (&line[..end], name),
            },
        };
        // Blanks at the end of a line without a name are no name.
        let name = if name.trim_ascii().is_empty() { &name[..0] } else { name };
        Some(Self { size: None, kind: Said::ByDigits, hash, name, is_escaped })
    }

    /// `size  hash  name`.
    fn sized(line: &'l [u8]) -> Option<Self> {
        const LONGEST: usize = 20;
        let end = line.iter().position(|byte| *byte == b' ').filter(|end| *end <= LONGEST)?;
        let (size, rest) = line.split_at(end);
        let rest = rest.strip_prefix(b"  ")?;
        let parts = Self::gnu(rest, false)?;
        let is_size = !size.is_empty() && size.iter().all(u8::is_ascii_digit);
        (is_size && looks_like_a_hash(parts.hash)).then_some(Self { size: Some(size), ..parts })
    }

    /// `TAG (name) = hash`.
    fn bsd(line: &'l [u8], is_escaped: bool) -> Option<Self> {
        let open = memchr(b'(', line)?;
        let tag = line[..open].strip_suffix(b" ").unwrap_or(&line[..open]);
        let kind = said_by_tag(tag)?;
        let equals = memrchr(b'=', line).filter(|equals| *equals > open)?;
        let hash = line[equals + 1..].trim_ascii();
        let name = line[open + 1..equals].trim_ascii_end().strip_suffix(b")")?;
        Some(Self { size: None, kind, hash, name, is_escaped })
    }

    /// The name as it was before it was escaped.
    fn name(&self) -> Result<Option<String>, Cause> {
        if self.name.is_empty() {
            return Ok(None);
        }
        if !self.is_escaped {
            return read_text(self.name, Charset::Utf8).map(Some);
        }
        let mut name = Vec::with_capacity(self.name.len());
        let mut bytes = self.name.iter();
        while let Some(byte) = bytes.next() {
            name.push(match byte {
                b'\\' => match bytes.next() {
                    Some(b'n') => b'\n',
                    Some(b'r') => b'\r',
                    Some(b'\\') => b'\\',
                    _ => return Err(Cause::Type { expected: "a name with the escapes \\n, \\r and \\\\" }),
                },
                byte => *byte,
            });
        }
        read_text(&name, Charset::Utf8).map(Some)
    }

    fn hash(&self, long: LongMeans) -> Result<Hash, Problem> {
        let kind = match self.kind {
            Said::Kind(kind) => Ok(kind),
            Said::Unmatched => Err(Problem::cell("hash", Cause::UnsupportedKind)),
            Said::ByDigits => kind_by_digits(self.hash, long).unwrap_or(Err(Problem::row(Cause::NoHash))),
        }?;
        usable(kind, self.hash).map_err(|cause| Problem::cell(kind.name(), cause))
    }
}

fn row(line: &[u8], long: LongMeans, row: u64, position: Position) -> Row {
    let reject = |problem| Row::Rejected(Rejection::new(row, position, vec![problem]));
    let Some(parts) = Parts::of(line) else { return reject(Problem::row(Cause::NoHash)) };
    let hash = match parts.hash(long) {
        Ok(hash) => hash,
        Err(problem) => return reject(problem),
    };
    let mut entry = Entry { row, position, hashes: vec![hash], ..Entry::default() };
    let mut take = |column, cause| entry.dropped.push(Problem::cell(column, cause));
    let size = parts.size.map(|size| whole_number(size, u64::MAX)).transpose();
    let size = size.unwrap_or_else(|cause| {
        take("size", cause);
        None
    });
    let name = parts.name().unwrap_or_else(|cause| {
        take("name", cause);
        None
    });
    Row::Accepted(Entry { size, name, ..entry })
}

/// The kind of a hash of so many digits; an error for one that is not matched or was cut; `None` for what is
/// no hash at all.
fn kind_by_digits(hash: &[u8], long: LongMeans) -> Option<Result<Kind, Problem>> {
    let is_hex = || hash.iter().all(u8::is_ascii_hexdigit);
    let kind = match (hash.len(), long) {
        (32, LongMeans::Sha256) => Kind::Md5,
        (40, LongMeans::Sha256) => Kind::Sha1,
        (64, LongMeans::Blake3) => Kind::Blake3,
        (64, LongMeans::Sha256) => Kind::Sha256,
        (len, _) if is_hex() && UNMATCHED_DIGITS.contains(&len) => {
            return Some(Err(Problem::cell("hash", Cause::UnsupportedKind)));
        }
        // b3sum prints as many digits as it is asked for: these are neither MD5 nor SHA-1.
        (len, LongMeans::Blake3) if is_hex() && len >= SHORTEST => Kind::Blake3,
        (got, LongMeans::Sha256) if is_hex() && got >= SHORTEST => {
            let kinds = [Kind::Md5, Kind::Sha1, Kind::Sha256];
            let kind = kinds.into_iter().min_by_key(|kind| got.abs_diff(2 * kind.byte_len()))?;
            let expected = 2 * kind.byte_len();
            let cause = Cause::Hash(ParseError::Length { expected, got });
            return Some(Err(Problem::cell(kind.name(), cause)));
        }
        _ => return None,
    };
    Some(Ok(kind))
}

fn looks_like_a_hash(text: &[u8]) -> bool {
    text.len() >= SHORTEST && text.iter().all(u8::is_ascii_hexdigit)
}

/// What a word of BSD style says; `None` when it is no such word.
fn said_by_tag(tag: &[u8]) -> Option<Said> {
    let known = TAGS.iter().find(|(word, _)| tag.eq_ignore_ascii_case(word.as_bytes()));
    if let Some((_, kind)) = known {
        return Some(Said::Kind(*kind));
    }
    let starts = |word: &&str| tag.get(..word.len()).is_some_and(|t| t.eq_ignore_ascii_case(word.as_bytes()));
    let is_word = tag.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'/' | b'_'));
    (is_word && UNMATCHED.iter().any(starts)).then_some(Said::Unmatched)
}
