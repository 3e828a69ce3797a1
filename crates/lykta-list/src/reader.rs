//! From the first line to the rows.

use std::io::Read;

use lykta_hash::Kind;

use crate::csv::{Header, Record};
use crate::entry::Row;
use crate::error::Error;
use crate::format::Format;
use crate::lines::{Lines, trim};
use crate::plain;

/// The rows of a hash list, in their order. Memory is constant: a row is at most
/// [`MAX_RECORD`](crate::MAX_RECORD) bytes. The input is buffered here; a bare file will do.
///
/// UTF-8 with or without byte order mark, lines end with LF or CRLF. Blank lines are no rows.
///
/// After an error there are no more rows: what an unreadable list says from there on is not known.
pub struct Reader<R> {
    lines: Lines<R>,
    record: Record,
    shape: Shape,
    /// The first line is a row and has been read already.
    pending: bool,
    done: bool,
    row: u64,
}

enum Shape {
    Csv(Box<Header>),
    Plain(Kind),
}

impl<R: Read> Reader<R> {
    /// Reads the first line that is not blank and decides what the list is.
    ///
    /// Without `format`: a line with a name out of [`COLUMNS`](crate::COLUMNS) is a header, and
    /// 32, 40 or 64 hexadecimal digits are a plain list of MD5, SHA-1 or SHA-256; 16 digits could
    /// be several kinds and are refused. With
    /// [`Format::Csv`] there must be a header. With a kind of hash every line is such a hash; a
    /// first line that is the bare name of the kind is passed over.
    ///
    /// # Errors
    /// Any [`Error`]: the list is empty or not text, or its first line is none of these.
    pub fn new(input: R, format: Option<Format>) -> Result<Self, Error> {
        let mut lines = Lines::new(input);
        let mut record = Record::default();
        if !record.read_line(&mut lines)? {
            return Err(Error::Empty);
        }
        let (shape, pending) = match format.map(|format| (format, format.kind())) {
            Some((format, Some(kind))) => plain_shape(&mut lines, &mut record, format, kind)?,
            Some((_, None)) => csv_shape(&mut lines, &mut record)?,
            None => match plain::kind_of(record.content()) {
                Some(kind) => (Shape::Plain(kind), true),
                None => csv_shape(&mut lines, &mut record)?,
            },
        };
        Ok(Self { lines, record, shape, pending, done: false, row: 0 })
    }

    /// The format that was found or forced: [`Format::Csv`] whenever there is a header.
    pub fn format(&self) -> Format {
        match &self.shape {
            Shape::Csv(_) => Format::Csv,
            Shape::Plain(kind) => Format::plain(*kind),
        }
    }

    fn read_row(&mut self) -> Result<Option<Row>, Error> {
        let more = match &self.shape {
            _ if std::mem::take(&mut self.pending) => true,
            Shape::Csv(_) => self.record.read(&mut self.lines)?,
            Shape::Plain(_) => self.record.read_line(&mut self.lines)?,
        };
        if !more {
            return Ok(None);
        }
        self.row += 1;
        Ok(Some(match &self.shape {
            Shape::Csv(header) => header.row(&self.record, self.row),
            Shape::Plain(kind) => plain::row(*kind, self.record.content(), self.row, self.record.line()),
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
        text if plain::is_of_64_bits(text) => Error::Which64Bits { line },
        _ => Error::FirstLine { line },
    })
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Row, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let row = self.read_row().transpose();
        self.done = !matches!(row, Some(Ok(_)));
        row
    }
}
