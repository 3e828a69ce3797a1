//! CSV whose header row names the columns, as RFC 4180 has it: commas, quotation marks doubled
//! inside quoted cells, line breaks allowed in them.
//!
//! The `csv` crate is not used for reading, only as an oracle in tests: it takes a list that was
//! cut inside a quoted cell for complete, goes on after a closing quotation mark as if nothing
//! were, so that a missing mark swallows rows in silence, and sets no bound to a record.
//!
//! ```text
//! a line whose quoted cells hold neither marks nor line ends:  split where it stands
//! otherwise, for each cell:
//!     begins with a mark:  copy up to the closing mark, reading on over line ends;
//!                          then a comma or the line's end must follow
//!     else:                copy up to the comma; a mark in the middle is a character like others
//! ```
//!
//! Text after a closing mark spoils only its row while the row is still on its first line. Later
//! than that, whole rows may have been taken for text, so the list is refused.
//!
//! Other formats have other separators, so a [`Record`] is told which.
//!
//! Whether an entry is categorised, the column `categorised` says: `yes` or `no` in it is the last word. Where it is
//! empty or missing, an entry is categorised when its scheme is a published one; and, once an entry of the list was of
//! a published scheme, when it names no scheme at all, since lists leave cells of uncategorised entries empty. Such an
//! entry without a code gets the published scheme that was named last. One with a code keeps an empty scheme: its row
//! does not say whose code it is, so only a rule for any scheme decides on it.

pub(crate) mod table;

use std::io::Read;
use std::ops::Range;
use std::sync::Arc;

use lykta_hash::{Hash, Kind, PhotoDna};
use memchr::memchr;

use crate::entry::{Entry, Label, Rejection, Row};
use crate::error::Error;
use crate::formats::fields::{Charset, read_text, whole_number};
use crate::formats::plain::{kind_of, usable};
use crate::lines::{Lines, content_len, trim};
use crate::position::Position;
use crate::reason::{Cause, Problem};
use crate::schemes;

/// The columns that a header can name, lower case, in any order. The last four say who decided what on
/// an entry, and when; they stay in the list.
pub const COLUMNS: [&str; 23] = [
    "id",
    "path",
    "md5",
    "sha1",
    "sha256",
    "blake3",
    "pdq",
    "pdq_quality",
    "phash",
    "dhash",
    "size",
    "view",
    "label_scheme",
    "label_version",
    "label_code",
    "series",
    "victim_identified",
    "photodna",
    "categorised",
    "decision",
    "by",
    "at",
    "viewed",
];

/// The columns on which it depends what a match means.
const CODES: [&str; 4] = ["label_scheme", "label_version", "label_code", "categorised"];

/// A column by its position in [`COLUMNS`].
#[derive(Clone, Copy)]
enum Column {
    Id,
    Path,
    Md5,
    Sha1,
    Sha256,
    Blake3,
    Pdq,
    PdqQuality,
    Phash,
    Dhash,
    Size,
    View,
    LabelScheme,
    LabelVersion,
    LabelCode,
    Series,
    VictimIdentified,
    Photodna,
    Categorised,
}

impl Column {
    const fn of(kind: Kind) -> Self {
        match kind {
            Kind::Md5 => Self::Md5,
            Kind::Sha1 => Self::Sha1,
            Kind::Sha256 => Self::Sha256,
            Kind::Blake3 => Self::Blake3,
            Kind::Pdq => Self::Pdq,
            Kind::Phash => Self::Phash,
            Kind::Dhash => Self::Dhash,
        }
    }

    const fn name(self) -> &'static str {
        COLUMNS[self as usize]
    }
}

/// The cells of one row. Buffers are reused from row to row.
pub(crate) struct Record {
    separator: u8,
    text: Vec<u8>,
    /// Where the end of the last line read begins in `text`.
    end: usize,
    cells: Vec<Range<usize>>,
    line: u64,
    /// Text follows a closing mark: the cells are not to be relied on.
    spoiled: bool,
}

impl Default for Record {
    fn default() -> Self {
        Self::separated_by(b',')
    }
}

impl Record {
    /// A record of cells with `separator` between them.
    pub(crate) fn separated_by(separator: u8) -> Self {
        Self { separator, text: Vec::new(), end: 0, cells: Vec::new(), line: 0, spoiled: false }
    }

    /// Sets what stands between cells, from the next split on.
    pub(crate) fn set_separator(&mut self, separator: u8) {
        self.separator = separator;
    }

    /// Reads the next row that is not blank. Returns whether there is one.
    pub(crate) fn read(&mut self, lines: &mut Lines<impl Read>) -> Result<bool, Error> {
        let more = self.read_line(lines)?;
        if more {
            self.split(lines)?;
        }
        Ok(more)
    }

    /// Reads the next line that is not blank as one cell, whatever is in it.
    pub(crate) fn read_line(&mut self, lines: &mut Lines<impl Read>) -> Result<bool, Error> {
        self.spoiled = false;
        self.cells.clear();
        let more = lines.next_filled(&mut self.text)?;
        self.end = content_len(&self.text);
        self.line = lines.line();
        Ok(more)
    }

    /// The line that was read last, before it is split.
    pub(crate) fn content(&self) -> &[u8] {
        &self.text[..self.end]
    }

    /// The line on which the row begins, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// Whether there are several cells and one of them looks like a digest.
    pub(crate) fn has_hash_among_cells(&self) -> bool {
        self.cells.len() > 1 && self.cells().any(|cell| kind_of(cell).is_some())
    }

    /// The cells, without the quotation marks.
    pub(crate) fn cells(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.cells.iter().map(|cell| &self.text[cell.clone()])
    }

    /// How many cells there are.
    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    /// One cell, without the quotation marks.
    pub(crate) fn cell(&self, at: usize) -> Option<&[u8]> {
        self.cells.get(at).map(|cell| &self.text[cell.clone()])
    }

    /// Whether text follows a closing quotation mark: the cells are not to be relied on.
    pub(crate) fn is_spoiled(&self) -> bool {
        self.spoiled
    }

    /// Splits the line that was read last into cells, reading on where a quoted cell does.
    pub(crate) fn split(&mut self, lines: &mut Lines<impl Read>) -> Result<(), Error> {
        if self.split_where_it_stands() {
            return Ok(());
        }
        self.cells.clear();
        self.split_quoted(lines)
    }

    /// Splits a line whose quoted cells hold no mark and no line end, which is nearly every line: nothing has
    /// to move. Returns whether it is such a line.
    fn split_where_it_stands(&mut self) -> bool {
        let text = &self.text[..self.end];
        let mut at = 0;
        loop {
            let rest = &text[at..];
            if let [b'"', rest @ ..] = rest {
                let Some(len) = memchr(b'"', rest) else { return false };
                let close = at + 1 + len;
                self.cells.push(at + 1..close);
                match text.get(close + 1) {
                    None => return true,
                    Some(byte) if *byte == self.separator => at = close + 2,
                    Some(_) => return false,
                }
            } else if let Some(len) = memchr(self.separator, rest) {
                self.cells.push(at..at + len);
                at += len + 1;
            } else {
                self.cells.push(at..self.end);
                return true;
            }
        }
    }

    /// Removes quotation marks in place: what is written never overtakes what is read.
    fn split_quoted(&mut self, lines: &mut Lines<impl Read>) -> Result<(), Error> {
        let (mut read, mut written) = (0, 0);
        loop {
            let cell = written;
            if read < self.end && self.text[read] == b'"' {
                read += 1;
                loop {
                    match &self.text[read..] {
                        [b'"', b'"', ..] => read += 1,
                        [b'"', ..] => break,
                        [_, ..] => {}
                        [] => {
                            if !lines.append(&mut self.text, self.line)? {
                                return Err(Error::OpenQuote { line: self.line });
                            }
                            self.end = content_len(&self.text);
                            continue;
                        }
                    }
                    self.text[written] = self.text[read];
                    written += 1;
                    read += 1;
                }
                read += 1;
                if read < self.end && self.text[read] != self.separator {
                    self.spoiled = true;
                    return match lines.line() {
                        line if line == self.line => Ok(()),
                        line => Err(Error::StrayQuote { start: self.line, line }),
                    };
                }
            } else {
                while read < self.end && self.text[read] != self.separator {
                    self.text[written] = self.text[read];
                    written += 1;
                    read += 1;
                }
            }
            self.cells.push(cell..written);
            if read >= self.end {
                return Ok(());
            }
            read += 1;
        }
    }
}

/// Which cell of a row holds which column.
#[derive(Debug)]
pub(crate) struct Header {
    place: [Option<usize>; COLUMNS.len()],
    columns: usize,
    /// The kinds that have a column. Together with the next flag it keeps lists of one column fast.
    kinds: Vec<Kind>,
    has_more_than_hashes: bool,
    /// The published scheme that an entry named last; empty before the first.
    published: String,
    /// The scheme that an entry named last which is not published: most entries name the one before.
    own: String,
}

impl Header {
    /// Whether a cell of the row is a name of a column: then it is meant as a header.
    pub(crate) fn is_meant(record: &Record) -> bool {
        record.cells().any(|cell| COLUMNS.iter().any(|name| trim(cell) == name.as_bytes()))
    }

    /// Whether a cell is a name of a column but for its case: worth a refusal that names it.
    pub(crate) fn is_nearly(record: &Record) -> bool {
        record.cells().any(|cell| COLUMNS.iter().any(|name| trim(cell).eq_ignore_ascii_case(name.as_bytes())))
    }

    pub(crate) fn parse(record: &Record) -> Result<Self, Error> {
        let line = record.line;
        if record.spoiled {
            return Err(Error::StrayQuote { start: line, line });
        }
        let mut place = [None; COLUMNS.len()];
        for (at, cell) in record.cells().enumerate() {
            let known = COLUMNS.iter().position(|name| trim(cell) == name.as_bytes());
            let Some(column) = known else {
                return Err(Error::UnknownColumn { line, column: at + 1, name: excerpt(cell) });
            };
            if place[column].replace(at).is_some() {
                return Err(Error::DuplicateColumn { line, name: COLUMNS[column] });
            }
        }
        let kinds: Vec<Kind> =
            Kind::ALL.into_iter().filter(|kind| place[Column::of(*kind) as usize].is_some()).collect();
        if kinds.is_empty() && place[Column::Photodna as usize].is_none() {
            return Err(Error::NoHashColumn { line });
        }
        let columns = record.cells.len();
        Ok(Self {
            place,
            columns,
            has_more_than_hashes: columns > kinds.len(),
            kinds,
            published: String::new(),
            own: String::new(),
        })
    }

    /// What the cells of one row say.
    pub(crate) fn row(&mut self, record: &Record, row: u64) -> Row {
        let position = Position::Line(record.line);
        let reject = |problems| Row::Rejected(Rejection::new(row, position, problems));
        if record.spoiled {
            return reject(vec![Problem::row(Cause::Quote)]);
        }
        if record.cells.len() != self.columns {
            let cause = Cause::Columns { expected: self.columns, got: record.cells.len() };
            return reject(vec![Problem::row(cause)]);
        }

        let mut entry = Entry { row, position, ..Entry::default() };
        let mut problems = Vec::new();
        if self.has_more_than_hashes {
            let quality = self.number(record, Column::PdqQuality, 100, &mut problems);
            entry.pdq_quality = quality.and_then(|quality| u8::try_from(quality).ok());
            entry.size = self.number(record, Column::Size, u64::MAX, &mut problems);
        }
        for kind in &self.kinds {
            match self.hash(record, *kind, entry.pdq_quality) {
                None => {}
                Some(Ok(hash)) => entry.hashes.push(hash),
                Some(Err(cause)) => entry.dropped.push(Problem::cell(kind.name(), cause)),
            }
        }
        if self.has_more_than_hashes {
            entry.photodna = self.photodna(record, &mut entry.dropped);
        }
        let is_empty = entry.hashes.is_empty() && entry.photodna.is_none();
        if is_empty && entry.dropped.is_empty() {
            entry.dropped.push(Problem::row(Cause::NoHash));
        }
        entry.dropped.append(&mut problems);
        if is_empty {
            return reject(entry.dropped);
        }
        if self.has_more_than_hashes {
            self.words(record, &mut entry);
            // What cannot be read cannot be decided on.
            let is_of_codes = |problem: &Problem| problem.column.is_some_and(|name| CODES.contains(&name));
            if let Some(at) = entry.dropped.iter().position(is_of_codes) {
                entry.dropped[..=at].rotate_right(1);
                return reject(entry.dropped);
            }
        }
        Row::Accepted(entry)
    }

    /// The cells of a row that are text.
    fn words(&mut self, record: &Record, entry: &mut Entry) {
        let mut text = |column| self.text(record, column, &mut entry.dropped);
        let (id, path) = (text(Column::Id), text(Column::Path));
        entry.name = id.or(path);
        entry.view = text(Column::View);
        let parts = [
            Column::LabelScheme,
            Column::LabelVersion,
            Column::LabelCode,
            Column::Series,
            Column::VictimIdentified,
        ];
        let label = parts.map(text);
        let has_label = label.iter().any(Option::is_some);
        let [mut scheme, version, code, series, victim_identified] = label.map(Option::unwrap_or_default);
        entry.categorised = match self.said_of_categories(record, &mut entry.dropped) {
            Some(said) => {
                if said {
                    // The rows after it may be of its scheme.
                    self.is_published(&scheme);
                }
                said
            }
            None if self.is_published(&scheme) => true,
            None if scheme.is_empty() && !self.published.is_empty() => {
                // A code is not said to be of a scheme that its row does not name.
                if code.is_empty() {
                    scheme.clone_from(&self.published);
                }
                true
            }
            None => false,
        };
        if has_label || entry.categorised {
            let label = Label { scheme, version, code, series, victim_identified };
            entry.label = Some(Arc::new(label));
        }
    }

    /// What the column `categorised` says of a row, when it says something.
    fn said_of_categories(&self, record: &Record, bad: &mut Vec<Problem>) -> Option<bool> {
        match self.cell(record, Column::Categorised).map(trim) {
            Some(b"yes") => Some(true),
            Some(b"no") => Some(false),
            None | Some(b"") => None,
            Some(_) => {
                let cause = Cause::Type { expected: "yes or no" };
                bad.push(Problem::cell(Column::Categorised.name(), cause));
                None
            }
        }
    }

    /// Whether a scheme is a published one.
    fn is_published(&mut self, scheme: &str) -> bool {
        if scheme.is_empty() || scheme == self.own {
            return false;
        }
        let is_published = scheme == self.published || schemes::is_published(scheme);
        let last = if is_published { &mut self.published } else { &mut self.own };
        if last != scheme {
            scheme.clone_into(last);
        }
        is_published
    }

    /// The cell of a column; `None` when there is no such column or the cell is empty.
    fn cell<'a>(&self, record: &'a Record, column: Column) -> Option<&'a [u8]> {
        let cell = record.cells.get(self.place[column as usize]?)?;
        let cell = &record.text[cell.clone()];
        (!cell.is_empty()).then_some(cell)
    }

    fn hash(&self, record: &Record, kind: Kind, quality: Option<u8>) -> Option<Result<Hash, Cause>> {
        let cell = self.cell(record, Column::of(kind)).filter(|cell| !trim(cell).is_empty())?;
        Some(match usable(kind, cell) {
            Ok(_) if kind == Kind::Pdq && quality == Some(0) => Err(Cause::ZeroQuality),
            result => result,
        })
    }

    fn photodna(&self, record: &Record, bad: &mut Vec<Problem>) -> Option<PhotoDna> {
        let cell = self.cell(record, Column::Photodna).map(trim).filter(|cell| !cell.is_empty())?;
        usable_or(PhotoDna::from_text(cell).map_err(Cause::Hash), Column::Photodna, bad)
    }

    /// A whole number up to `max` in decimal digits.
    fn number(&self, record: &Record, column: Column, max: u64, bad: &mut Vec<Problem>) -> Option<u64> {
        let cell = self.cell(record, column).filter(|cell| !trim(cell).is_empty())?;
        usable_or(whole_number(cell, max), column, bad)
    }

    fn text(&self, record: &Record, column: Column, bad: &mut Vec<Problem>) -> Option<String> {
        usable_or(read_text(self.cell(record, column)?, Charset::Utf8), column, bad)
    }
}

/// What a cell says; what is wrong with it goes to `bad`.
fn usable_or<T>(read: Result<T, Cause>, column: Column, bad: &mut Vec<Problem>) -> Option<T> {
    read.map_err(|cause| bad.push(Problem::cell(column.name(), cause))).ok()
}

/// The start of a cell for a message: what is not UTF-8 is left out, the message says where it is.
fn excerpt(cell: &[u8]) -> String {
    const CHARACTERS: usize = 40;
    String::from_utf8_lossy(&cell[..cell.len().min(4 * CHARACTERS)]).chars().take(CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The cells of every row; `None` for a row that is spoiled.
    fn split(text: &[u8]) -> Result<Vec<Option<Vec<Vec<u8>>>>, Error> {
        let (mut lines, mut record, mut rows) = (Lines::new(text), Record::default(), Vec::new());
        while record.read(&mut lines)? {
            rows.push((!record.spoiled).then(|| record.cells().map(<[u8]>::to_vec).collect()));
        }
        Ok(rows)
    }

    fn oracle(text: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let reader = ::csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
        let rows = reader.into_byte_records();
        rows.map(|row| row.unwrap().iter().map(<[u8]>::to_vec).collect()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        /// What is taken here is what the csv crate takes. It takes more: see the top of the file.
        #[test]
        fn cells_are_those_of_the_csv_crate(text in r#"([ab]|,|"|""|\n|\r\n){0,24}"#) {
            if let Ok(rows) = split(text.as_bytes())
                && rows.iter().all(Option::is_some)
            {
                let rows: Vec<_> = rows.into_iter().flatten().collect();
                prop_assert_eq!(rows, oracle(text.as_bytes()));
            }
        }

        #[test]
        fn what_a_writer_quotes_is_read_back(
            rows in prop::collection::vec(prop::collection::vec("[ab, \"\n\r]{0,6}", 2..4), 0..5),
            always in any::<bool>(),
            crlf in any::<bool>(),
        ) {
            let style = if always { ::csv::QuoteStyle::Always } else { ::csv::QuoteStyle::Necessary };
            let end = if crlf { ::csv::Terminator::CRLF } else { ::csv::Terminator::Any(b'\n') };
            let mut writer = ::csv::WriterBuilder::new()
                .quote_style(style)
                .terminator(end)
                .flexible(true)
                .from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let text = writer.into_inner().unwrap();
            let expected: Vec<_> = rows
                .iter()
                .map(|row| Some(row.iter().map(|cell| cell.clone().into_bytes()).collect::<Vec<_>>()))
                .collect();
            prop_assert_eq!(split(&text).unwrap(), expected);
        }
    }

    /// Two missing marks made one row of three: the rows between would never have been looked for.
    /// Reading stops and says where.
    #[test]
    fn rows_that_a_missing_mark_swallows_are_not_lost_in_silence() {
        let text = b"\"a,1\nb,2\n\"c,3\nd,4\n";
        assert_eq!(oracle(text).len(), 2, "the csv crate reads three rows as one");
        assert!(matches!(split(text), Err(Error::StrayQuote { start: 1, line: 3 })), "{:?}", split(text));
    }

    #[test]
    fn text_after_a_mark_spoils_its_row_only() {
        let rows = split(b"\"a\"b,1\nc,2\n").unwrap();
        assert_eq!(rows, [None, Some(vec![b"c".to_vec(), b"2".to_vec()])]);
    }

    #[test]
    fn a_list_cut_inside_a_quoted_cell_is_refused() {
        assert_eq!(oracle(b"a,\"b\nc").len(), 1, "the csv crate takes it for complete");
        assert!(matches!(split(b"a,\"b\nc"), Err(Error::OpenQuote { line: 1 })));
        assert!(matches!(split(b"x\na,\""), Err(Error::OpenQuote { line: 2 })));
    }
}
