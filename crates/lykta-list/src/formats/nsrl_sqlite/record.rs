//! What a row of FILE or METADATA says, whether it comes from a database or from a statement of a delta.

use lykta_hash::text::to_hex;
use lykta_hash::{Hash, Kind};
use rusqlite::types::ValueRef;

use crate::entry::{Entry, Rejection, Row};
use crate::formats::plain::usable;
use crate::position::Position;
use crate::reason::{Cause, Problem};

/// The columns of FILE, which together are its primary key.
pub(crate) const FILE_COLUMNS: [&str; 7] =
    ["sha256", "sha1", "md5", "crc32", "file_name", "file_size", "package_id"];

/// Columns of FILE that hold numbers: a number that a delta writes as a text is one in the database.
const NUMBERS: [&str; 2] = ["file_size", "package_id"];

/// The kinds in their order, with their columns.
const HASHES: [(Kind, &str); 3] = [(Kind::Md5, "md5"), (Kind::Sha1, "sha1"), (Kind::Sha256, "sha256")];

/// A value as SQLite has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(Vec<u8>),
    Blob(Vec<u8>),
}

impl Cell {
    /// How many bytes a text or blob has.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Text(bytes) | Self::Blob(bytes) => bytes.len(),
            Self::Null | Self::Integer(_) | Self::Real(_) => 0,
        }
    }
}

impl From<ValueRef<'_>> for Cell {
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(number) => Self::Integer(number),
            ValueRef::Real(number) => Self::Real(number),
            ValueRef::Text(text) => Self::Text(text.to_vec()),
            ValueRef::Blob(bytes) => Self::Blob(bytes.to_vec()),
        }
    }
}

/// Which of the two tables rows are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    /// FILE: its key is the seven columns of [`FILE_COLUMNS`]. Early releases have no `crc32`; it counts as NULL.
    File,
    /// METADATA: which of its columns are the key is not published, so all of them are.
    Metadata,
}

impl Relation {
    pub(crate) fn of(name: &[u8]) -> Option<Self> {
        match name {
            name if name.eq_ignore_ascii_case(b"FILE") => Some(Self::File),
            name if name.eq_ignore_ascii_case(b"METADATA") => Some(Self::Metadata),
            _ => None,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::File => "FILE",
            Self::Metadata => "METADATA",
        }
    }
}

/// Which columns rows have, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    relation: Relation,
    /// Names in lower case.
    names: Vec<String>,
    hashes: [Option<usize>; 3],
    file_name: Option<usize>,
    size: Option<usize>,
    /// Where each column of the key is, in the order of the key.
    key: Vec<Option<usize>>,
}

impl Shape {
    /// The shape of rows with these columns; `None` when none of them is a hash.
    pub(crate) fn new(relation: Relation, names: Vec<String>) -> Option<Self> {
        let at = |name: &str| names.iter().position(|other| other == name);
        let hashes = HASHES.map(|(_, column)| at(column));
        if hashes.iter().all(Option::is_none) {
            return None;
        }
        let key = match relation {
            Relation::File => FILE_COLUMNS.map(at).to_vec(),
            Relation::Metadata => {
                let mut order: Vec<usize> = (0..names.len()).collect();
                order.sort_by(|a, b| names[*a].cmp(&names[*b]));
                order.into_iter().map(Some).collect()
            }
        };
        let size = at("file_size").or_else(|| at("bytes"));
        Some(Self { relation, hashes, file_name: at("file_name"), size, key, names })
    }

    /// How many cells a row has.
    pub(crate) fn columns(&self) -> usize {
        self.names.len()
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// What the row is known by: the SQL literals of its key, so that no two rows look alike.
    pub(crate) fn key(&self, cells: &[Cell]) -> String {
        let mut key = String::from(self.relation.name());
        for (at, column) in self.key.iter().enumerate() {
            key.push(if at == 0 { '(' } else { ',' });
            let name = column.map_or("", |column| self.names[column].as_str());
            if self.relation == Relation::Metadata {
                key.push_str(name);
                key.push('=');
            }
            let cell = column.map_or(&Cell::Null, |column| &cells[column]);
            let is_number = self.relation == Relation::File && NUMBERS.contains(&name);
            push_literal(&mut key, cell, is_number || is_plain_number(self.relation, cell));
        }
        key.push(')');
        key
    }

    /// The row that these cells are.
    pub(crate) fn row(&self, cells: &[Cell], row: u64, position: Position) -> Row {
        let mut problems = Vec::new();
        let mut entry = Entry { row, position, ..Entry::default() };
        for ((kind, column), at) in HASHES.into_iter().zip(self.hashes) {
            match at.map(|at| hash(kind, &cells[at])) {
                Some(Ok(Some(hash))) => entry.hashes.push(hash),
                Some(Err(cause)) => problems.push(Problem::cell(column, cause)),
                Some(Ok(None)) | None => {}
            }
        }
        match self.file_name.map(|at| name(&cells[at])) {
            Some(Ok(name)) => entry.name = name,
            Some(Err(cause)) => problems.push(Problem::cell("file_name", cause)),
            None => {}
        }
        match self.size.map(|at| size(&cells[at])) {
            Some(Ok(size)) => entry.size = size,
            Some(Err(cause)) => problems.push(Problem::cell("file_size", cause)),
            None => {}
        }
        if entry.hashes.is_empty() {
            return Row::Rejected(Rejection::new(row, position, problems));
        }
        entry.key = Some(self.key(cells));
        entry.dropped = problems;
        Row::Accepted(entry)
    }
}

fn hash(kind: Kind, cell: &Cell) -> Result<Option<Hash>, Cause> {
    match cell {
        Cell::Null => Ok(None),
        Cell::Text(text) if text.is_empty() => Ok(None),
        Cell::Text(text) => usable(kind, text).map(Some),
        _ => Err(Cause::Type { expected: "a text" }),
    }
}

fn name(cell: &Cell) -> Result<Option<String>, Cause> {
    match cell {
        Cell::Null => Ok(None),
        Cell::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Ok((!text.is_empty()).then(|| text.to_owned())),
            Err(error) => Err(Cause::NotUtf8 { offset: error.valid_up_to() }),
        },
        _ => Err(Cause::Type { expected: "a text" }),
    }
}

fn size(cell: &Cell) -> Result<Option<u64>, Cause> {
    let number = match cell {
        Cell::Null => return Ok(None),
        Cell::Integer(number) => *number,
        Cell::Text(text) => whole(text).ok_or(Cause::Type { expected: "a whole number" })?,
        _ => return Err(Cause::Type { expected: "a whole number" }),
    };
    u64::try_from(number).map(Some).map_err(|_| Cause::Number { max: i64::MAX as u64 })
}

/// The number that a text is, as SQLite turns texts of such columns into numbers.
fn whole(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text.trim_ascii()).ok()?.parse().ok()
}

/// Whether a text of METADATA is a number as numbers are written: which columns hold numbers is not published.
fn is_plain_number(relation: Relation, cell: &Cell) -> bool {
    let Cell::Text(text) = cell else { return false };
    relation == Relation::Metadata && whole(text).is_some_and(|number| number.to_string().as_bytes() == text)
}

/// The literal of SQL for a value: a text in quotation marks, which are doubled in it. Bytes that are not UTF-8
/// are written as those of a blob, behind `T`.
fn push_literal(key: &mut String, cell: &Cell, is_number: bool) {
    match cell {
        Cell::Null => key.push_str("NULL"),
        Cell::Integer(number) => key.push_str(&number.to_string()),
        Cell::Real(number) => key.push_str(&format!("{number:?}")),
        Cell::Text(text) => match (std::str::from_utf8(text), whole(text).filter(|_| is_number)) {
            (_, Some(number)) => key.push_str(&number.to_string()),
            (Ok(text), None) => {
                key.push('\'');
                key.push_str(&text.replace('\'', "''"));
                key.push('\'');
            }
            (Err(_), None) => {
                key.push_str("T'");
                key.push_str(&to_hex(text));
                key.push('\'');
            }
        },
        Cell::Blob(bytes) => {
            key.push_str("X'");
            key.push_str(&to_hex(bytes));
            key.push('\'');
        }
    }
}
