//! From the cells of a row to an entry, for every format with a header of columns of its own: which column
//! holds what is a [`Layout`], worked out once; a [`Sheet`] reads the rows.

use std::io::Read;
use std::sync::Arc;

use lykta_hash::{Hash, Kind, ParseError, PhotoDna, text};

use crate::entry::{Entry, Rejection, Row};
use crate::error::Error;
use crate::format::Format;
use crate::formats::csv::Record;
use crate::formats::plain::usable;
use crate::input::Input;
use crate::lines::{Lines, trim};
use crate::position::Position;
use crate::reason::{Cause, Problem};

/// What a cell holds. The order is that in which cells are read: hashes first, by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    Hash(Kind, Encoding),
    /// A hash of a kind that is not matched.
    Unmatched,
    PhotoDna,
    PdqQuality,
    Size,
    /// What the entry is called; of several the first that is filled.
    Name(u8),
    View,
    Scheme,
    SchemeVersion,
    Code,
    Series,
    Victim,
}

/// How a hash is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Encoding {
    #[default]
    Hex,
    Base32,
    Base64,
}

impl Field {
    /// Hexadecimal digits of `kind`, as nearly every list has them.
    pub(crate) const fn hex(kind: Kind) -> Self {
        Self::Hash(kind, Encoding::Hex)
    }

    /// Whether a row can be accepted for it, or must say why not.
    pub(crate) const fn is_of_hashes(self) -> bool {
        matches!(self, Self::Hash(..) | Self::Unmatched | Self::PhotoDna)
    }

    /// Whether what a match means depends on it: a row is rejected when it cannot be read.
    const fn is_of_codes(self) -> bool {
        matches!(self, Self::Scheme | Self::SchemeVersion | Self::Code)
    }
}

/// What bytes of a text mean that are not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charset {
    /// Nothing: the text is left out and counted.
    Utf8,
    /// ISO-8859-1, where the format is known for it.
    OrLatin1,
}

/// How many cells a row must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    AsHeader,
    AtMostHeader,
}

/// A cell that means something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) field: Field,
    /// What problems with it are told under.
    pub(crate) column: &'static str,
    /// The cell, from 0.
    pub(crate) cell: usize,
}

/// Which cells of a row hold what.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// In order of fields.
    places: Vec<Place>,
    /// How many of them can hold a hash; they come first.
    hashes: usize,
    quality: Option<Place>,
    columns: usize,
    width: Width,
    charset: Charset,
}

impl Layout {
    pub(crate) fn new(mut places: Vec<Place>, columns: usize, width: Width, charset: Charset) -> Self {
        places.sort_by_key(|place| place.field);
        let hashes = places.iter().take_while(|place| place.field.is_of_hashes()).count();
        let quality = places.iter().find(|place| place.field == Field::PdqQuality).copied();
        Self { places, hashes, quality, columns, width, charset }
    }

    /// The layout that a header has when `columns` are the names known; others are passed over. Case and
    /// blanks around names do not count.
    pub(crate) fn of_header(
        header: &Record,
        columns: &[(&'static str, Field)],
        width: Width,
        charset: Charset,
    ) -> Result<Self, Error> {
        let line = header.line();
        if header.is_spoiled() {
            return Err(Error::StrayQuote { start: line, line });
        }
        let mut places: Vec<Place> = Vec::new();
        for (cell, name) in header.cells().enumerate() {
            let known = columns.iter().find(|(known, _)| trim(name).eq_ignore_ascii_case(known.as_bytes()));
            let Some((column, field)) = known.copied() else { continue };
            let is_hash = matches!(field, Field::Hash(..) | Field::PhotoDna);
            if places.iter().any(|place| place.column == column || (is_hash && place.field == field)) {
                return Err(Error::DuplicateColumn { line, name: column });
            }
            places.push(Place { field, column, cell });
        }
        Ok(Self::new(places, header.len(), width, charset))
    }

    /// Whether a cell holds such a field.
    pub(crate) fn has(&self, field: Field) -> bool {
        self.places.iter().any(|place| place.field == field)
    }

    /// Says anew which hash a column holds, where that may differ from row to row.
    pub(crate) fn set(&mut self, column: &str, field: Field) {
        for place in self.places.iter_mut().filter(|place| place.column == column) {
            place.field = field;
        }
        self.places.sort_by_key(|place| place.field);
    }

    /// Whether a cell holds hashes that are matched, or PhotoDNA.
    pub(crate) fn has_hashes(&self) -> bool {
        self.places[..self.hashes].iter().any(|place| place.field != Field::Unmatched)
    }

    /// What a record says.
    pub(crate) fn record(&self, record: &Record, row: u64) -> Row {
        let position = Position::Line(record.line());
        let reject = |cause| Row::Rejected(Rejection::new(row, position, vec![Problem::row(cause)]));
        if record.is_spoiled() {
            return reject(Cause::Quote);
        }
        let is_right = match self.width {
            Width::AsHeader => record.len() == self.columns,
            Width::AtMostHeader => record.len() <= self.columns,
        };
        if !is_right {
            return reject(Cause::Columns { expected: self.columns, got: record.len() });
        }
        self.row(row, position, |cell| record.cell(cell))
    }

    /// What cells say; a cell that is not there is empty.
    pub(crate) fn row<'c>(
        &self,
        row: u64,
        position: Position,
        cell: impl Fn(usize) -> Option<&'c [u8]>,
    ) -> Row {
        let filled = |place: &Place| cell(place.cell).filter(|cell| !trim(cell).is_empty());
        let mut entry = Entry { row, position, ..Entry::default() };
        let quality = self.quality.and_then(|place| filled(&place)).map(|cell| whole_number(cell, 100));
        entry.pdq_quality = quality.and_then(|q| q.ok()).and_then(|q| u8::try_from(q).ok());
        let (hashes, others) = self.places.split_at(self.hashes);
        entry.hashes.reserve_exact(hashes.len());
        for place in hashes {
            if let Some(cell) = filled(place)
                && let Err(cause) = entry.take_hash(place.field, cell)
            {
                entry.dropped.push(Problem::cell(place.column, cause));
            }
        }
        let mut is_usable = !entry.hashes.is_empty() || entry.photodna.is_some();
        if !is_usable && entry.dropped.is_empty() {
            entry.dropped.push(Problem::row(Cause::NoHash));
        }
        for place in others {
            if let Some(cell) = filled(place)
                && let Err(cause) = entry.take_word(place.field, cell, self.charset)
            {
                let is_decisive = is_usable && place.field.is_of_codes();
                let at = if is_decisive { 0 } else { entry.dropped.len() };
                entry.dropped.insert(at, Problem::cell(place.column, cause));
                is_usable &= !is_decisive;
            }
        }
        if is_usable {
            Row::Accepted(entry)
        } else {
            Row::Rejected(Rejection::new(row, position, entry.dropped))
        }
    }
}

impl Entry {
    fn take_hash(&mut self, field: Field, cell: &[u8]) -> Result<(), Cause> {
        match field {
            Field::Hash(kind, encoding) => match read_hash(kind, encoding, trim(cell))? {
                Hash::Pdq(_) if self.pdq_quality == Some(0) => return Err(Cause::ZeroQuality),
                hash if self.hashes.iter().any(|other| other.kind() == hash.kind()) => {
                    return Err(Cause::Type { expected: "the only hash of its kind in the row" });
                }
                hash => self.hashes.push(hash),
            },
            Field::PhotoDna => {
                self.photodna = Some(PhotoDna::from_text(trim(cell)).map_err(Cause::Hash)?);
            }
            _ => return Err(Cause::UnsupportedKind),
        }
        Ok(())
    }

    fn take_word(&mut self, field: Field, cell: &[u8], charset: Charset) -> Result<(), Cause> {
        match field {
            Field::PdqQuality => {
                whole_number(cell, 100)?;
            }
            Field::Size => self.size = Some(whole_number(cell, u64::MAX)?),
            Field::Name(_) if self.name.is_some() => {}
            Field::Name(_) => self.name = Some(read_text(cell, charset)?),
            Field::View => self.view = Some(read_text(cell, charset)?),
            _ => {
                let word = read_text(cell, charset)?;
                let label = Arc::make_mut(self.label.get_or_insert_default());
                match field {
                    Field::Scheme => label.scheme = word,
                    Field::SchemeVersion => label.version = word,
                    Field::Code => label.code = word,
                    Field::Series => label.series = word,
                    _ => label.victim_identified = word,
                }
            }
        }
        Ok(())
    }
}

/// A hash as `encoding` has it; none that would match what nobody listed.
pub(crate) fn read_hash(kind: Kind, encoding: Encoding, cell: &[u8]) -> Result<Hash, Cause> {
    fn bytes<const N: usize>(encoding: Encoding, cell: &[u8]) -> Result<Vec<u8>, ParseError> {
        let bytes: [u8; N] = match encoding {
            Encoding::Hex => text::hex(cell)?,
            Encoding::Base32 => text::base32(cell)?,
            Encoding::Base64 => text::base64(cell)?,
        };
        Ok(bytes.to_vec())
    }
    if encoding == Encoding::Hex {
        return usable(kind, cell);
    }
    let bytes = match kind.byte_len() {
        8 => bytes::<8>(encoding, cell),
        16 => bytes::<16>(encoding, cell),
        20 => bytes::<20>(encoding, cell),
        _ => bytes::<32>(encoding, cell),
    };
    usable(kind, text::to_hex(&bytes.map_err(Cause::Hash)?).as_bytes())
}

/// A whole number up to `max` in decimal digits.
pub(crate) fn whole_number(cell: &[u8], max: u64) -> Result<u64, Cause> {
    let mut number: u64 = 0;
    let digits = trim(cell);
    for byte in digits {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
        let next = digit.and_then(|digit| number.checked_mul(10)?.checked_add(digit));
        number = next.ok_or(Cause::Number { max })?;
    }
    if digits.is_empty() || number > max { Err(Cause::Number { max }) } else { Ok(number) }
}

/// A text as it stands in the list.
pub(crate) fn read_text(cell: &[u8], charset: Charset) -> Result<String, Cause> {
    match (str::from_utf8(cell), charset) {
        (Ok(text), _) => Ok(text.to_owned()),
        (Err(_), Charset::OrLatin1) => Ok(cell.iter().copied().map(char::from).collect()),
        (Err(error), Charset::Utf8) => Err(Cause::NotUtf8 { offset: error.valid_up_to() }),
    }
}

/// The columns of a format with a header.
pub(crate) struct Columns {
    pub(crate) format: Format,
    pub(crate) separator: u8,
    /// The names that mean something.
    pub(crate) known: &'static [(&'static str, Field)],
    pub(crate) width: Width,
    pub(crate) charset: Charset,
}

/// The rows of a list with a header.
pub(crate) struct Sheet<'r> {
    lines: Lines<Box<dyn Read + 'r>>,
    pub(crate) record: Record,
    pub(crate) layout: Layout,
    row: u64,
}

impl<'r> Sheet<'r> {
    /// Reads the header, which must name hashes.
    pub(crate) fn open(input: Input<'r>, columns: &Columns) -> Result<Self, Error> {
        let mut lines = Lines::new(input.stream);
        let mut record = Record::separated_by(columns.separator);
        if !record.read(&mut lines)? {
            return Err(Error::Empty);
        }
        let layout = Layout::of_header(&record, columns.known, columns.width, columns.charset)?;
        if !layout.has_hashes() {
            let named = columns.known.iter().filter(|(_, field)| field.is_of_hashes());
            let named: Vec<_> = named.map(|(name, _)| *name).collect();
            return Err(Error::Malformed {
                format: columns.format,
                position: Position::Line(record.line()),
                detail: format!("its header names none of {}", named.join(", ")),
            });
        }
        Ok(Self::with_layout(lines, record, layout))
    }

    /// The rows after a header that has been read.
    pub(crate) fn with_layout(lines: Lines<Box<dyn Read + 'r>>, record: Record, layout: Layout) -> Self {
        Self { lines, record, layout, row: 0 }
    }

    /// The next row.
    pub(crate) fn next(&mut self) -> Result<Option<Row>, Error> {
        Ok(if self.read()? { Some(self.current()) } else { None })
    }

    /// Reads the cells of the next row into `record`. Returns whether there is one.
    pub(crate) fn read(&mut self) -> Result<bool, Error> {
        self.record.read(&mut self.lines)
    }

    /// Reads the line with which the next row begins, to be looked at or [`split`](Self::split).
    pub(crate) fn read_line(&mut self) -> Result<bool, Error> {
        self.record.read_line(&mut self.lines)
    }

    /// Splits that line, reading on where a quoted cell does.
    pub(crate) fn split(&mut self) -> Result<(), Error> {
        self.record.split(&mut self.lines)
    }

    /// Counts the row that is in `record`: its number and where it begins.
    pub(crate) fn count(&mut self) -> (u64, Position) {
        self.row += 1;
        (self.row, Position::Line(self.record.line()))
    }

    /// The row that is in `record`.
    pub(crate) fn current(&mut self) -> Row {
        let (row, _) = self.count();
        self.layout.record(&self.record, row)
    }
}

/// The cells of a line that is looked at to recognise a format: without marks around them, and without the
/// rules for marks within.
pub(crate) fn names(line: &[u8], separator: u8) -> Vec<&[u8]> {
    let cells = line.split(|byte| *byte == separator).map(trim);
    let bare = |cell: &'_ [u8]| cell.len() >= 2 && cell.starts_with(b"\"") && cell.ends_with(b"\"");
    cells.map(|cell| if bare(cell) { &cell[1..cell.len() - 1] } else { cell }).collect()
}

/// Whether all of `wanted` are among `names`, whatever their case.
pub(crate) fn has_all(names: &[&[u8]], wanted: &[&str]) -> bool {
    wanted.iter().all(|wanted| names.iter().any(|name| name.eq_ignore_ascii_case(wanted.as_bytes())))
}
