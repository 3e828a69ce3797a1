//! CSV of any columns, with a mapping that says what they are. No layout is guessed: bodies that do not publish
//! theirs can be read all the same.

mod parse;
mod profile;
mod propose;

use std::sync::Arc;

use lykta_hash::Kind;
use thiserror::Error;

pub use self::propose::{Proposal, propose};

use crate::entry::{Entry, Label, Row};
use crate::error::Error;
use crate::format::Format;
use crate::formats::Rows;
use crate::formats::csv::{COLUMNS, Record};
use crate::formats::fields::{Charset, Encoding, Field, Layout, Place, Sheet, Width};
use crate::input::Input;
use crate::lines::{Lines, trim};
use crate::position::Position;
use crate::schemes;

/// What a column can be mapped to: the first of [`COLUMNS`], apart from those that say who decided what, of which
/// nothing is made, and `categorised`, which follows from whether `label_code` is mapped.
pub const TARGETS: &[&str] = COLUMNS.split_at(18).0;

/// What the columns of a CSV file are, for [`ReadOptions::mapping`](crate::ReadOptions).
///
/// As text: parts with commas between them, each `target=column`, where the target is one of [`TARGETS`] and the
/// column is its name in the header, or `#3` for the third. A name with commas or other marks stands in
/// quotation marks, doubled where it has one itself. `target:=text` gives a text that every row has.
/// `sha1/base32=column` and `sha1/base64=column` are for hashes that are not hexadecimal. `separator=;` (or
/// `comma`, `semicolon`, `tab`, `pipe`) says what stands between cells, when the header does not tell.
/// `header=no` is for a file without one, as is a mapping with numbers only; `header=yes` says that there is one.
///
/// ```
/// use lykta_list::{Mapping, ReadOptions, Reader, Row};
///
/// let mapping: Mapping = "sha1=Hash,label_code=Severity,label_scheme:=IWF".parse()?;
/// let list = "Severity;Hash\nB;86f7e437faa5a7fce15d1ddcb9eaeaea377667b8\n";
/// let options = ReadOptions { mapping: Some(mapping), ..ReadOptions::default() };
/// let Some(Ok(Row::Accepted(entry))) = Reader::new(list.as_bytes(), &options)?.next() else { panic!() };
/// assert_eq!(entry.label.map(|label| label.code.clone()), Some("B".into()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    columns: Vec<Mapped>,
    /// A text for every row.
    constants: Vec<(Target, String)>,
    separator: Option<u8>,
    header: Option<bool>,
}

/// A column and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mapped {
    target: Target,
    encoding: Encoding,
    source: Source,
}

/// What a column can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Target {
    name: &'static str,
    field: Field,
}

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Name(String),
    /// The column, from 1.
    Number(usize),
}

/// Why a text is no mapping.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum MappingError {
    /// A part is not `target=column`.
    #[error("{part:?} is not target=column, target:=text, separator=… or header=…")]
    Part {
        /// The part.
        part: String,
    },
    /// No such target.
    #[error("{name:?} is nothing that a column can be: use one of {}", TARGETS.join(", "))]
    Target {
        /// The name.
        name: String,
    },
    /// A target is given twice.
    #[error("{name} is given twice")]
    Twice {
        /// The target.
        name: &'static str,
    },
    /// An encoding that the target does not have.
    #[error(
        "{name} cannot be {encoding:?}: hashes are hex, base32 or base64, and other columns have no encoding"
    )]
    Encoding {
        /// The target.
        name: &'static str,
        /// What was given.
        encoding: String,
    },
    /// A target that differs from row to row.
    #[error(
        "{name} cannot be the same for every row: that is for label_scheme, label_version, label_code, series, view and victim_identified"
    )]
    Constant {
        /// The target.
        name: &'static str,
    },
    /// A column without a name, or number 0.
    #[error("{name}: give the name of the column, or #1 for the first")]
    Source {
        /// The target.
        name: &'static str,
    },
    /// No such separator.
    #[error("{given:?} is no separator: use comma, semicolon, tab, pipe, or the character itself")]
    Separator {
        /// What was given.
        given: String,
    },
    /// Neither yes nor no.
    #[error("header is yes or no, not {given:?}")]
    Header {
        /// What was given.
        given: String,
    },
    /// A named column in a file without a header.
    #[error("without a header columns have no names: give {name} as a number, such as #1")]
    NameWithoutHeader {
        /// The target.
        name: &'static str,
    },
    /// Nothing to find files by.
    #[error("no column is a hash: map one of md5, sha1, sha256, blake3, pdq, phash, dhash, photodna")]
    NoHash,
    /// A quotation mark that is not closed.
    #[error("a quotation mark is not closed")]
    OpenQuote,
    /// No TOML, or keys that a profile does not have.
    #[error("the profile cannot be read: {detail}")]
    Profile {
        /// What is wrong.
        detail: String,
    },
}

impl Target {
    fn of(name: &str) -> Option<Self> {
        let name = TARGETS.iter().copied().find(|target| *target == name)?;
        let field = match name {
            "id" => Field::Name(0),
            "path" => Field::Name(1),
            "pdq_quality" => Field::PdqQuality,
            "photodna" => Field::PhotoDna,
            "size" => Field::Size,
            "view" => Field::View,
            "label_scheme" => Field::Scheme,
            "label_version" => Field::SchemeVersion,
            "label_code" => Field::Code,
            "series" => Field::Series,
            "victim_identified" => Field::Victim,
            kind => Field::hex(kind.parse::<Kind>().ok()?),
        };
        Some(Self { name, field })
    }

    /// Whether it can be the same for every row.
    fn can_be_constant(self) -> bool {
        matches!(
            self.field,
            Field::View | Field::Scheme | Field::SchemeVersion | Field::Code | Field::Series | Field::Victim
        )
    }
}

impl Mapping {
    /// Whether the first row of the file is a header: when nothing is said, if a column is given by name.
    fn has_header(&self) -> bool {
        let is_named = |column: &Mapped| matches!(column.source, Source::Name(_));
        self.header.unwrap_or_else(|| self.columns.iter().any(is_named))
    }

    /// What is wrong with the mapping as a whole.
    fn check(self) -> Result<Self, MappingError> {
        let targets =
            self.columns.iter().map(|column| column.target).chain(self.constants.iter().map(|c| c.0));
        let targets: Vec<_> = targets.collect();
        for (at, target) in targets.iter().enumerate() {
            if targets[..at].contains(target) {
                return Err(MappingError::Twice { name: target.name });
            }
        }
        let named = self.columns.iter().find(|column| matches!(column.source, Source::Name(_)));
        match named {
            Some(column) if !self.has_header() => {
                Err(MappingError::NameWithoutHeader { name: column.target.name })
            }
            _ if !targets.iter().any(|target| target.field.is_of_hashes()) => Err(MappingError::NoHash),
            _ => Ok(self),
        }
    }

    /// The cell of every mapped column, or what is wrong with the names.
    fn places(&self, header: &[&[u8]]) -> Result<Vec<Place>, Mistake> {
        self.columns.iter().map(|column| column.place(header)).collect()
    }
}

/// Why a column is not found in a header.
enum Mistake {
    Unknown(String),
    Ambiguous(String),
    Beyond(usize),
}

impl Mapped {
    fn place(&self, header: &[&[u8]]) -> Result<Place, Mistake> {
        let cell = match &self.source {
            Source::Number(number) if *number > header.len() => return Err(Mistake::Beyond(*number)),
            Source::Number(number) => number - 1,
            Source::Name(name) => Self::find(name, header)?,
        };
        let field = match self.target.field {
            Field::Hash(kind, _) => Field::Hash(kind, self.encoding),
            other => other,
        };
        Ok(Place { field, column: self.target.name, cell })
    }

    /// The column of exactly that name, else of that name but for its case; there must be one only.
    fn find(name: &str, header: &[&[u8]]) -> Result<usize, Mistake> {
        let wanted = trim(name.as_bytes());
        let exact = |cell: &[u8]| cell == wanted;
        let nearly = |cell: &[u8]| match (str::from_utf8(cell), str::from_utf8(wanted)) {
            (Ok(cell), Ok(wanted)) => cell.to_lowercase() == wanted.to_lowercase(),
            _ => false,
        };
        for is_it in [&exact as &dyn Fn(&[u8]) -> bool, &nearly] {
            let mut found = header.iter().enumerate().filter(|(_, cell)| is_it(trim(cell)));
            match (found.next(), found.next()) {
                (Some((at, _)), None) => return Ok(at),
                (Some(_), Some(_)) => return Err(Mistake::Ambiguous(name.to_owned())),
                (None, _) => {}
            }
        }
        Err(Mistake::Unknown(name.to_owned()))
    }
}

impl Mistake {
    fn tell(&self, header: &[&[u8]]) -> String {
        const SHOWN: usize = 80;
        let names: Vec<String> = header
            .iter()
            .take(SHOWN)
            .map(|name| String::from_utf8_lossy(trim(name)).chars().take(40).collect())
            .collect();
        let names = format!("{names:?}");
        match self {
            Self::Unknown(name) => format!("no column is named {name:?}; the columns are {names}"),
            Self::Ambiguous(name) => {
                format!("several columns are named {name:?}, give its number as #1; the columns are {names}")
            }
            Self::Beyond(number) => format!("there is no column {number}; the columns are {names}"),
        }
    }
}

/// What can stand between cells, and how it is told.
const SEPARATORS: [(u8, &str); 4] = [(b',', "comma"), (b';', "semicolon"), (b'\t', "tab"), (b'|', "pipe")];

pub(crate) fn open<'r>(input: Input<'r>) -> Result<Box<dyn Rows + 'r>, Error> {
    let Some(mapping) = input.options.mapping else {
        return Err(malformed(1, "nothing says what its columns are: give a mapping".into()));
    };
    let mut lines = Lines::new(input.stream);
    let mut record = Record::default();
    if !record.read_line(&mut lines)? {
        return Err(Error::Empty);
    }
    let line = record.line();
    let separator = match mapping.separator {
        Some(separator) => separator,
        None => mapping.guess_separator(record.content()).map_err(|detail| malformed(line, detail))?,
    };
    record.set_separator(separator);
    record.split(&mut lines)?;
    if record.is_spoiled() && mapping.has_header() {
        return Err(Error::StrayQuote { start: line, line });
    }
    let first: Vec<_> = record.cells().collect();
    let places = mapping.places(&first).map_err(|mistake| malformed(line, mistake.tell(&first)))?;
    let layout = Layout::new(places, first.len(), Width::AsHeader, Charset::Utf8);
    let is_pending = !mapping.has_header();
    let has_codes = layout.has(Field::Code);
    let constants = Constants::of(&mapping, has_codes);
    let sheet = Sheet::with_layout(lines, record, layout);
    Ok(Box::new(MappedRows { sheet, is_pending, has_codes, constants }))
}

fn malformed(line: u64, detail: String) -> Error {
    Error::Malformed { format: Format::Mapped, position: Position::Line(line), detail }
}

impl Mapping {
    /// Whether the columns are there when a line is split at `separator`.
    fn fits(&self, line: &[u8], separator: u8) -> bool {
        split(line, separator).is_some_and(|cells| self.places(&cells.cells().collect::<Vec<_>>()).is_ok())
    }

    /// The separator with which the columns are there, when it is one only.
    fn guess_separator(&self, line: &[u8]) -> Result<u8, String> {
        let fitting: Vec<_> = SEPARATORS
            .into_iter()
            .filter(|(separator, _)| line.contains(separator))
            .filter(|(separator, _)| self.fits(line, *separator))
            .collect();
        match fitting[..] {
            [(separator, _)] => Ok(separator),
            // One column has no separator.
            [] if self.fits(line, b',') => Ok(b','),
            [] => {
                let widest = SEPARATORS
                    .into_iter()
                    .max_by_key(|(separator, _)| line.iter().filter(|byte| *byte == separator).count());
                let record = split(line, widest.map_or(b',', |(separator, _)| separator));
                let cells: Vec<_> = record.iter().flat_map(Record::cells).collect();
                Err(match self.places(&cells) {
                    Err(mistake) => mistake.tell(&cells),
                    Ok(_) => "give the separator".into(),
                })
            }
            _ => {
                let words: Vec<_> = fitting.iter().map(|(_, word)| *word).collect();
                Err(format!(
                    "its columns could be separated by {}: say which with separator=",
                    words.join(" or ")
                ))
            }
        }
    }
}

/// A line as cells; `None` when it ends inside quotation marks.
fn split(line: &[u8], separator: u8) -> Option<Record> {
    let mut record = Record::separated_by(separator);
    matches!(record.read(&mut Lines::new(line)), Ok(true)).then_some(record)
}

/// What every row has.
struct Constants {
    view: Option<String>,
    label: Arc<Label>,
    /// Whether it is a label by itself: a scheme alone says nothing of a file, unless there is a column of codes.
    is_label: bool,
}

impl Constants {
    fn of(mapping: &Mapping, has_codes: bool) -> Self {
        let mut constants = Self { view: None, label: Arc::default(), is_label: has_codes };
        for (target, text) in mapping.constants.iter().filter(|(_, text)| !text.is_empty()) {
            let label = Arc::make_mut(&mut constants.label);
            match target.field {
                Field::View => constants.view = Some(text.clone()),
                Field::Scheme => label.scheme.clone_from(text),
                Field::SchemeVersion => label.version.clone_from(text),
                Field::Code => label.code.clone_from(text),
                Field::Series => label.series.clone_from(text),
                _ => label.victim_identified.clone_from(text),
            }
            constants.is_label |= matches!(target.field, Field::Code | Field::Series | Field::Victim);
        }
        constants
    }

    /// The label of an entry: what its cells say, and else what every row has.
    fn complete(&self, label: Option<Arc<Label>>) -> Option<Arc<Label>> {
        let Some(label) = label.map(Arc::unwrap_or_clone) else {
            return self.is_label.then(|| Arc::clone(&self.label));
        };
        let or = |own: String, every: &String| if own.is_empty() { every.clone() } else { own };
        Some(Arc::new(Label {
            scheme: or(label.scheme, &self.label.scheme),
            version: or(label.version, &self.label.version),
            code: or(label.code, &self.label.code),
            series: or(label.series, &self.label.series),
            victim_identified: or(label.victim_identified, &self.label.victim_identified),
        }))
    }
}

struct MappedRows<'r> {
    sheet: Sheet<'r>,
    /// The first line is a row and has been read already.
    is_pending: bool,
    /// A column says what the file shows.
    has_codes: bool,
    constants: Constants,
}

impl Rows for MappedRows<'_> {
    fn next_row(&mut self) -> Result<Option<Row>, Error> {
        if !std::mem::take(&mut self.is_pending) && !self.sheet.read()? {
            return Ok(None);
        }
        Ok(Some(match self.sheet.current() {
            Row::Accepted(entry) => Row::Accepted(self.complete(entry)),
            other => other,
        }))
    }
}

impl MappedRows<'_> {
    fn complete(&self, mut entry: Entry) -> Entry {
        if entry.view.is_none() {
            entry.view.clone_from(&self.constants.view);
        }
        entry.label = self.constants.complete(entry.label);
        let is_published = |label: &Arc<Label>| schemes::is_published(&label.scheme);
        entry.categorised = self.has_codes || entry.label.as_ref().is_some_and(is_published);
        entry
    }
}
