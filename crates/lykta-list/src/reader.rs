//! From a list to its rows, whatever its format.

use std::io::Read;

use crate::entry::Row;
use crate::error::Error;
use crate::format::Format;
use crate::formats::{self, Rows, plain};
use crate::input::{Head, Input, ReadOptions};

/// The rows of a hash list, in their order. Memory is constant: a row is bounded, at most
/// [`MAX_RECORD`](crate::MAX_RECORD) bytes of text. The input is buffered here; a bare file will do.
///
/// Text is UTF-8 with or without byte order mark, lines end with LF or CRLF. Blank lines are no rows.
///
/// After an error there are no more rows: what an unreadable list says from there on is not known.
pub struct Reader<'r> {
    rows: Box<dyn Rows + 'r>,
    format: Format,
    done: bool,
}

impl<'r> Reader<'r> {
    /// Reads the start and decides what the list is.
    ///
    /// Without a format in `options` it is told by content: a sign that only one format has; else a header
    /// row with a name out of [`COLUMNS`](crate::COLUMNS); else 32, 40 or 64 hexadecimal digits, which are a
    /// plain list of MD5, SHA-1 or SHA-256. 16 digits could be several kinds and are refused. A format that is
    /// a kind of hash means that every line is such a hash; a first line that is the bare name of the kind
    /// is passed over.
    ///
    /// # Errors
    /// Any [`Error`]: the list is empty, or is none of these.
    pub fn new(input: impl Read + 'r, options: &ReadOptions) -> Result<Self, Error> {
        let (input, head) = Input::new(input, options.clone())?;
        let mapped = options.mapping.is_some().then_some(Format::Mapped);
        let known = options.format.or(mapped).or_else(|| formats::recognise(&Head { bytes: &head }));
        let (format, rows) = match known {
            Some(format) if format.kind().is_none() && format != Format::Csv => {
                (format, formats::open(format, input)?)
            }
            given => plain::open(given, input)?,
        };
        Ok(Self { rows, format, done: false })
    }

    /// The format that was found or forced: [`Format::Csv`] whenever there is a header of known columns.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The rows; with `keep_partial` the place where a list was cut short is their end and no error.
    pub fn up_to_cut(&mut self, keep_partial: bool) -> UpToCut<'_, 'r> {
        UpToCut { rows: self, keep_partial, cut_short: None }
    }

    /// The version that the list gives itself, as far as it was read.
    pub fn version(&self) -> Option<String> {
        self.rows.version()
    }
}

/// Rows of a list that may have been cut short: see [`Reader::up_to_cut`].
pub struct UpToCut<'a, 'r> {
    rows: &'a mut Reader<'r>,
    keep_partial: bool,
    cut_short: Option<String>,
}

impl UpToCut<'_, '_> {
    /// Why the list is not complete, when it was cut short and the rows ended there.
    pub fn cut_short(self) -> Option<String> {
        self.cut_short
    }
}

impl Iterator for UpToCut<'_, '_> {
    type Item = Result<Row, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.rows.next() {
            Some(Err(error)) if self.keep_partial && error.is_truncated() => {
                self.cut_short = Some(error.to_string());
                None
            }
            row => row,
        }
    }
}

impl Iterator for Reader<'_> {
    type Item = Result<Row, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let row = self.rows.next_row().transpose();
        self.done = !matches!(row, Some(Ok(_)));
        row
    }
}
