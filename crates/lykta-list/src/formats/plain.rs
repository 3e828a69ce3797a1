//! Plain text: one hash a line, all of one kind; or CSV of known columns, told by the first line. Blanks around
//! a hash are not part of it.

use std::io::Read;

use lykta_hash::{Digest, Hash, Kind, text};

use crate::entry::{Entry, Rejection, Row};
use crate::error::Error;
use crate::format::Format;
use crate::formats::Rows;
use crate::formats::csv::{Header, Record};
use crate::input::Input;
use crate::lines::{Lines, trim};
use crate::position::Position;
use crate::reason::{Cause, Problem};

/// The rows of a list that is plain or has a header of known columns, and which of these it is.
pub(crate) fn open<'r>(
    format: Option<Format>,
    input: Input<'r>,
) -> Result<(Format, Box<dyn Rows + 'r>), Error> {
    let mut lines = Lines::new(input.stream);
    let mut record = Record::default();
    if !record.read_line(&mut lines)? {
        return Err(Error::Empty);
    }
    let (shape, pending) = match format.map(|format| (format, format.kind())) {
        Some((format, Some(kind))) => plain_shape(&mut lines, &mut record, format, kind)?,
        Some((_, None)) => csv_shape(&mut lines, &mut record)?,
        None => match kind_of(record.content()) {
            Some(kind) => (Shape::Plain(kind), true),
            None => csv_shape(&mut lines, &mut record)?,
        },
    };
    let format = match &shape {
        Shape::Csv(_) => Format::Csv,
        Shape::Plain(kind) => Format::plain(*kind),
    };
    Ok((format, Box::new(PlainRows { lines, record, shape, pending, row: 0 })))
}

struct PlainRows<R> {
    lines: Lines<R>,
    record: Record,
    shape: Shape,
    /// The first line is a row and has been read already.
    pending: bool,
    row: u64,
}

enum Shape {
    Csv(Box<Header>),
    Plain(Kind),
}

impl<R: Read> Rows for PlainRows<R> {
    fn next_row(&mut self) -> Result<Option<Row>, Error> {
        let more = match &self.shape {
            _ if std::mem::take(&mut self.pending) => true,
            Shape::Csv(_) => self.record.read(&mut self.lines)?,
            Shape::Plain(_) => self.record.read_line(&mut self.lines)?,
        };
        if !more {
            return Ok(None);
        }
        self.row += 1;
        Ok(Some(match &mut self.shape {
            Shape::Csv(header) => header.row(&self.record, self.row),
            Shape::Plain(kind) => row(*kind, self.record.content(), self.row, self.record.line()),
        }))
    }
}

/// A plain list of `kind`, because the caller says so.
fn plain_shape(
    lines: &mut Lines<impl Read>,
    record: &mut Record,
    format: Format,
    kind: Kind,
) -> Result<(Shape, bool), Error> {
    if trim(record.content()) == kind.name().as_bytes() {
        return Ok((Shape::Plain(kind), false));
    }
    // Splitting a quoted header could read on; a plain list has no quotation marks to begin with.
    if !record.content().contains(&b'"') {
        record.split(lines)?;
        if Header::is_meant(record) {
            return Err(Error::UnexpectedHeader { line: record.line(), format });
        }
    }
    Ok((Shape::Plain(kind), true))
}

/// A list with a header, or a refusal that says what is missing.
fn csv_shape(lines: &mut Lines<impl Read>, record: &mut Record) -> Result<(Shape, bool), Error> {
    let line = record.line();
    record.split(lines)?;
    if Header::is_meant(record) || Header::is_nearly(record) {
        return Ok((Shape::Csv(Box::new(Header::parse(record)?)), false));
    }
    Err(match record.content() {
        _ if record.has_hash_among_cells() => Error::Headerless { line },
        text if is_of_64_bits(text) => Error::Which64Bits { line },
        _ => Error::FirstLine { line },
    })
}

/// The kind that digits without a header mean by their number: 64 are SHA-256.
pub(crate) fn kind_of(line: &[u8]) -> Option<Kind> {
    let text = trim(line);
    let kind = match text.len() {
        32 => Kind::Md5,
        40 => Kind::Sha1,
        64 => Kind::Sha256,
        _ => return None,
    };
    text.iter().all(u8::is_ascii_hexdigit).then_some(kind)
}

/// Whether a line is a 64-bit hash: of which kind, 16 digits do not tell.
fn is_of_64_bits(line: &[u8]) -> bool {
    let text = trim(line);
    text.len() == 16 && text.iter().all(u8::is_ascii_hexdigit)
}

fn row(kind: Kind, text: &[u8], row: u64, line: u64) -> Row {
    let position = Position::Line(line);
    match usable(kind, text) {
        Ok(hash) => Row::Accepted(Entry { row, position, hashes: vec![hash], ..Entry::default() }),
        Err(cause) => Row::Rejected(Rejection::new(row, position, vec![Problem::cell(kind.name(), cause)])),
    }
}

/// Reads a hash and refuses the ones that would match what nobody listed.
pub(crate) fn usable(kind: Kind, text: &[u8]) -> Result<Hash, Cause> {
    let text = trim(text);
    let digest = match kind {
        Kind::Md5 => text::hex(text).map(Digest::Md5),
        Kind::Sha1 => text::hex(text).map(Digest::Sha1),
        Kind::Sha256 => text::hex(text).map(Digest::Sha256),
        Kind::Blake3 => text::hex(text).map(Digest::Blake3),
        Kind::Pdq | Kind::Phash | Kind::Dhash => {
            return match Hash::from_hex(kind, text) {
                Ok(Hash::Pdq(pdq)) if pdq.is_blank() => Err(Cause::BlankPdq),
                Ok(hash) if hash.is_blank() => Err(Cause::BlankHash),
                Ok(hash) => Ok(hash),
                Err(error) => Err(Cause::Hash(error)),
            };
        }
    };
    match digest {
        Ok(digest) if digest.is_of_empty_file() => Err(Cause::EmptyFileHash),
        Ok(digest) => Ok(Hash::Digest(digest)),
        Err(error) => Err(Cause::Hash(error)),
    }
}
