//! HashKeeper: a `.hsh` with one row for each file, and beside it a `.hke` that names the hash sets.
//!
//! A `.hsh` can hold files of several sets; each row says by number to which it belongs. The `.hke` only gives
//! the version of the list: without it the list is read all the same.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use lykta_hash::Kind;

use crate::entry::Row;
use crate::error::Error;
use crate::format::Format;
use crate::formats::Rows;
use crate::formats::csv::Record;
use crate::formats::csv::table::Table;
use crate::formats::fields::{Charset, Columns, Field, Sheet, Width, has_all, names};
use crate::input::{Head, Input};
use crate::lines::trim;
use crate::position::Position;

const COLUMNS: Columns = Columns {
    format: Format::HashKeeper,
    separator: b',',
    known: &[("hash", Field::hex(Kind::Md5)), ("file_name", Field::Name(0)), ("file_size", Field::Size)],
    width: Width::AsHeader,
    charset: Charset::Utf8,
};

const SET_ID: &str = "hashset_id";

/// Columns that together tell a `.hsh` and a `.hke` from other lists.
const HSH: [&str; 5] = ["file_id", SET_ID, "file_name", "hash", "file_size"];
const HKE: [&str; 4] = [SET_ID, "name", "vendor", "version"];

pub(crate) fn is_meant(head: &Head<'_>) -> bool {
    let names = names(head.first_line(), b',');
    has_all(&names, &HSH) || has_all(&names, &HKE)
}

pub(crate) fn open<'r>(input: Input<'r>) -> Result<Box<dyn Rows + 'r>, Error> {
    let path = input.options.path.clone();
    let sheet = match Sheet::open(input, &COLUMNS) {
        Err(Error::Malformed { position, detail, .. }) => {
            let detail =
                format!("{detail}; if it is the .hke of a hash set, give the .hsh that belongs to it");
            return Err(malformed(position, detail));
        }
        sheet => sheet?,
    };
    let sets = match path.as_deref().and_then(beside) {
        Some(path) => read_sets(&path)?,
        None => Vec::new(),
    };
    let set = place(sheet.record.cells(), SET_ID);
    Ok(Box::new(HashKeeperRows { sheet, sets, set, seen: Seen::Nothing }))
}

struct HashKeeperRows<'r> {
    sheet: Sheet<'r>,
    sets: Vec<Set>,
    /// The cell that says to which set a row belongs.
    set: Option<usize>,
    seen: Seen,
}

/// A hash set, as its `.hke` has it.
struct Set {
    id: Vec<u8>,
    title: String,
}

/// To which sets the rows so far belong.
enum Seen {
    Nothing,
    One(Vec<u8>),
    Several,
}

impl Rows for HashKeeperRows<'_> {
    fn next_row(&mut self) -> Result<Option<Row>, Error> {
        if !self.sheet.read()? {
            return Ok(None);
        }
        self.seen.add(&self.sheet.record, self.set);
        Ok(Some(self.sheet.current()))
    }

    /// The name of the set and its version, when the rows so far are of exactly one.
    fn version(&self) -> Option<String> {
        let set = match (&self.seen, &self.sets[..]) {
            (Seen::Nothing, [set]) => set,
            (Seen::One(id), sets) => sets.iter().find(|set| set.id == *id)?,
            _ => return None,
        };
        Some(set.title.clone())
    }
}

impl Seen {
    fn add(&mut self, record: &Record, set: Option<usize>) {
        let Some(id) = set.and_then(|at| record.cell(at)).map(trim) else { return };
        match self {
            Self::Nothing => *self = Self::One(id.to_vec()),
            Self::One(seen) if seen == id => {}
            _ => *self = Self::Several,
        }
    }
}

/// The `.hke` of a `.hsh`, whatever the case of its name.
fn beside(list: &Path) -> Option<PathBuf> {
    let name = list.with_extension("hke").file_name()?.to_owned();
    let folder = match list.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .ok()?
        .filter_map(|file| Some(file.ok()?.path()))
        .filter(|path| path.file_name().is_some_and(|other| other.eq_ignore_ascii_case(&name)))
        .collect();
    // Of several that differ in case only, the one of the very name; else always the same.
    found.sort_by_key(|path| (path.file_name() != Some(&name), path.clone()));
    found.into_iter().next()
}

/// The sets that a `.hke` names.
fn read_sets(path: &Path) -> Result<Vec<Set>, Error> {
    let broken = |line: u64, what: &str| {
        let detail = format!(
            "the .hke beside it cannot be used, at its line {line}: {what}; to read the list without the names \
             of its sets, move the .hke away"
        );
        malformed(Position::Line(1), detail)
    };
    let file = File::open(path).map_err(|error| broken(1, &error.to_string()))?;
    let mut table = Table::new(file);
    let (mut sets, mut columns): (Vec<Set>, Option<[Option<usize>; 3]>) = (Vec::new(), None);
    loop {
        let row = match table.next_row() {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(sets),
            Err(error) => {
                let line = error.position().map_or(1, |position| position.number());
                return Err(broken(u64::try_from(line).unwrap_or(1), &error.to_string()));
            }
        };
        let Some([id, name, version]) = columns else {
            let found = [SET_ID, "name", "version"].map(|name| place(row.cells(), name));
            if found[0].is_none() || found[1].is_none() {
                return Err(broken(row.line(), "its header has no hashset_id and name"));
            }
            columns = Some(found);
            continue;
        };
        let cells: Vec<_> = row.cells().collect();
        let cell =
            |at: Option<usize>| at.and_then(|at| cells.get(at)).map(|cell| trim(cell)).unwrap_or_default();
        let text = |at| cell(at).iter().copied().map(char::from).collect::<String>();
        let text = |at| str::from_utf8(cell(at)).map_or_else(|_| text(at), str::to_owned);
        let title = [text(name), text(version)];
        let title =
            title.iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(", ");
        sets.push(Set { id: cell(id).to_vec(), title });
    }
}

fn place<'c>(mut cells: impl Iterator<Item = &'c [u8]>, name: &str) -> Option<usize> {
    cells.position(|cell| trim(cell).eq_ignore_ascii_case(name.as_bytes()))
}

fn malformed(position: Position, detail: String) -> Error {
    Error::Malformed { format: Format::HashKeeper, position, detail }
}
