//! hashdeep's own format: two lines of header that begin with `%%%%`, then unquoted cells with commas.
//!
//! The file name is the last column and takes every comma that is left. Lines that begin with `#` are
//! comments. Lists that were written one behind the other to one file have the header again, perhaps of other
//! columns: from there on it holds.

use std::io::Read;

use lykta_hash::Kind;
use memchr::memchr;

use crate::entry::{Rejection, Row};
use crate::error::Error;
use crate::format::Format;
use crate::formats::Rows;
use crate::formats::csv::Record;
use crate::formats::fields::{Charset, Field, Layout, Place, Width};
use crate::input::{Head, Input};
use crate::lines::{Lines, trim};
use crate::position::Position;
use crate::reason::{Cause, Problem};

const MARK: &[u8] = b"%%%% ";
const VERSION: &[u8] = b"HASHDEEP-1.0";

/// The names of columns. Kinds that hashdeep has and that are not matched are told when a cell is filled.
const COLUMNS: [(&str, Field); 14] = [
    ("size", Field::Size),
    ("md5", Field::hex(Kind::Md5)),
    ("sha1", Field::hex(Kind::Sha1)),
    ("sha-1", Field::hex(Kind::Sha1)),
    ("sha256", Field::hex(Kind::Sha256)),
    ("sha-256", Field::hex(Kind::Sha256)),
    ("filename", Field::Name(0)),
    ("tiger", Field::Unmatched),
    ("whirlpool", Field::Unmatched),
    ("sha224", Field::Unmatched),
    ("sha384", Field::Unmatched),
    ("sha512", Field::Unmatched),
    ("sha3", Field::Unmatched),
    ("crc32", Field::Unmatched),
];

/// What a column of any other name is told under.
const OTHER: &str = "other column";

pub(crate) fn is_meant(head: &Head<'_>) -> bool {
    head.first_line().starts_with(b"%%%% HASHDEEP-")
}

pub(crate) fn open<'r>(input: Input<'r>) -> Result<Box<dyn Rows + 'r>, Error> {
    let mut lines = Lines::new(input.stream);
    let mut record = Record::default();
    if !record.read_line(&mut lines)? {
        return Err(Error::Empty);
    }
    let layout = header(&mut lines, &mut record)?;
    Ok(Box::new(HashdeepRows { lines, record, layout, row: 0 }))
}

struct HashdeepRows<R> {
    lines: Lines<R>,
    record: Record,
    layout: Header,
    row: u64,
}

struct Header {
    layout: Layout,
    columns: usize,
}

impl<R: Read> Rows for HashdeepRows<R> {
    fn next_row(&mut self) -> Result<Option<Row>, Error> {
        loop {
            if !self.record.read_line(&mut self.lines)? {
                return Ok(None);
            }
            match self.record.content() {
                [b'#', ..] => {}
                line if line.starts_with(MARK) => {
                    self.layout = header(&mut self.lines, &mut self.record)?;
                }
                _ => break,
            }
        }
        self.row += 1;
        Ok(Some(self.layout.row(&self.record, self.row)))
    }
}

impl Header {
    fn row(&self, record: &Record, row: u64) -> Row {
        let position = Position::Line(record.line());
        let mut cells = Vec::with_capacity(self.columns);
        let mut rest = record.content();
        while cells.len() + 1 < self.columns
            && let Some(len) = memchr(b',', rest)
        {
            cells.push(&rest[..len]);
            rest = &rest[len + 1..];
        }
        cells.push(rest);
        if cells.len() < self.columns {
            let cause = Cause::Columns { expected: self.columns, got: cells.len() };
            return Row::Rejected(Rejection::new(row, position, vec![Problem::row(cause)]));
        }
        self.layout.row(row, position, |at| cells.get(at).copied())
    }
}

/// Reads the two lines of the header, of which the first is in `record`.
fn header(lines: &mut Lines<impl Read>, record: &mut Record) -> Result<Header, Error> {
    let malformed = |line, detail: String| Error::Malformed {
        format: Format::Hashdeep,
        position: Position::Line(line),
        detail,
    };
    let line = record.line();
    if record.content().strip_prefix(MARK).map(trim) != Some(VERSION) {
        let detail = "this line is not `%%%% HASHDEEP-1.0`, the only version that is known";
        return Err(malformed(line, detail.into()));
    }
    let more = record.read_line(lines)?;
    let Some(names) = record.content().strip_prefix(MARK).filter(|_| more) else {
        let detail = "after this line comes none that begins with `%%%%` and names the columns";
        return Err(malformed(line, detail.into()));
    };
    let line = record.line();
    let names: Vec<_> = names.split(|byte| *byte == b',').map(trim).collect();
    let mut places: Vec<Place> = Vec::new();
    for (cell, name) in names.iter().enumerate() {
        let known = COLUMNS.iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()));
        let (column, field) = known.copied().unwrap_or((OTHER, Field::Unmatched));
        if field != Field::Unmatched && places.iter().any(|place| place.field == field) {
            return Err(Error::DuplicateColumn { line, name: column });
        }
        places.push(Place { field, column, cell });
    }
    if places.last().is_none_or(|place| place.field != Field::Name(0)) {
        return Err(malformed(line, "the last column is not `filename`, which takes all commas left".into()));
    }
    let layout = Layout::new(places, names.len(), Width::AsHeader, Charset::Utf8);
    if !layout.has_hashes() {
        return Err(malformed(line, "it names none of md5, sha1, sha256".into()));
    }
    Ok(Header { layout, columns: names.len() })
}
