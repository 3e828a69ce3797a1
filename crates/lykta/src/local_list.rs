//! A local list: a CSV list of hashes to which decisions are added.
//!
//! Beside the columns that an index is made of it keeps who decided, when, and whether the item was
//! viewed. It is read and written whole, and replaced in one step.

mod errors;

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use lykta_list::{Format, Problem, ReadOptions, Reader, Reason, Row, Table};
use lykta_scan::{disarm_formula, restore_formula};
use lykta_source::Locator;

use crate::decisions::{DecidedRow, Decisions, HASH_COLUMNS, Ruling};
use crate::family_hashes::FamilyHashes;

pub use errors::{AddError, LocalListError};

/// Columns of a new list, and those that an old one gets where it lacks them.
const COLUMNS: [&str; 12] = [
    "id",
    "sha1",
    "sha256",
    "pdq",
    "pdq_quality",
    "size",
    "label_scheme",
    "label_code",
    "decision",
    "by",
    "at",
    "viewed",
];

/// What an addition did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Added {
    /// Rows of the file of decisions.
    pub rows: usize,
    /// Rows by decision.
    pub decided: BTreeMap<Ruling, usize>,
    /// Rows that the list got.
    pub added: usize,
    /// Rows that were not added since the list has their hashes already.
    pub already: usize,
}

/// The hashes of a row: SHA-1, SHA-256 and PDQ in lower case, empty where there is none.
type Hashes = [String; 3];

/// A local list in memory.
pub struct LocalList {
    path: PathBuf,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl LocalList {
    /// Reads a list; an empty one when there is no such file.
    ///
    /// # Errors
    /// [`LocalListError`].
    pub fn open(path: &Path) -> Result<Self, LocalListError> {
        // A link stays, and what it leads to is replaced.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let shown = Locator::from_path(&path).to_string();
        let columns: Vec<String> = COLUMNS.iter().map(|column| (*column).to_owned()).collect();
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { path, columns, rows: Vec::new() });
            }
            Err(source) => return Err(LocalListError::Io { path: shown, doing: "read", source }),
        };
        let csv = |source| LocalListError::Csv { path: shown.clone(), source };
        let mut table = Table::new(file);
        let mut list = Self { path: path.clone(), columns: Vec::new(), rows: Vec::new() };
        while let Some(row) = table.next_row().map_err(csv)? {
            let (line, got) = (row.line(), row.cells().len());
            let cells = row.cells().map(|cell| str::from_utf8(cell).map(str::to_owned));
            let cells: Result<Vec<String>, _> = cells.collect();
            let cells = cells.map_err(|_| LocalListError::NotUtf8 { path: shown.clone(), line })?;
            match list.columns.len() {
                0 => list.columns = header(cells, &shown)?,
                expected if expected != got => {
                    return Err(LocalListError::Cells { path: shown, line, expected, got });
                }
                _ => list.rows.push(cells),
            }
        }
        list.widen();
        Ok(list)
    }

    /// Gives the list the columns that it lacks.
    fn widen(&mut self) {
        for column in COLUMNS {
            if !self.columns.iter().any(|name| name == column) {
                self.columns.push(column.to_owned());
                self.rows.iter_mut().for_each(|row| row.push(String::new()));
            }
        }
    }

    /// Adds what was decided as `take`, in the order of the decisions. The file is not touched.
    ///
    /// # Errors
    /// Everything that is wrong, and the list should then be dropped.
    pub fn add(
        &mut self,
        decisions: &Decisions,
        families: &FamilyHashes,
        take: Ruling,
    ) -> Result<Added, Vec<AddError>> {
        let mut added = Added { rows: decisions.rows().len(), ..Added::default() };
        let (mut errors, mut adding) = (Vec::new(), Adding::new(self));
        for row in decisions.rows() {
            *added.decided.entry(row.decision.ruling).or_default() += 1;
            match adding.row(row, families, take) {
                Ok(Step::New(cells)) => {
                    added.added += 1;
                    self.rows.push(arranged(&self.columns, &cells));
                }
                Ok(Step::Known) => added.already += 1,
                Ok(Step::NotTaken) => {}
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(added) } else { Err(errors) }
    }

    /// Writes the list: beside its place with access for its owner alone, then in one step into it.
    ///
    /// # Errors
    /// [`LocalListError::Io`]; the old list is then as it was.
    pub fn save(&self) -> Result<(), LocalListError> {
        let failed = |source| LocalListError::Io {
            path: Locator::from_path(&self.path).to_string(),
            doing: "written",
            source,
        };
        self.replace().map_err(failed)
    }

    fn replace(&self) -> io::Result<()> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut file =
            tempfile::Builder::new().prefix(".lykta-list-").tempfile_in(folder.unwrap_or(Path::new(".")))?;
        let mut writer = csv::Writer::from_writer(io::BufWriter::new(&mut file));
        writer.write_record(&self.columns)?;
        for row in &self.rows {
            writer.write_record(row)?;
        }
        writer.flush()?;
        drop(writer);
        file.flush()?;
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
}

fn header(cells: Vec<String>, path: &str) -> Result<Vec<String>, LocalListError> {
    let names: Vec<String> = cells.iter().map(|cell| cell.trim().to_owned()).collect();
    let unknown = names.iter().find(|name| !lykta_list::COLUMNS.contains(&name.as_str()));
    match unknown {
        Some(column) => Err(LocalListError::Header { path: path.to_owned(), column: column.clone() }),
        None if !names.iter().any(|name| name == "id") => {
            Err(LocalListError::Header { path: path.to_owned(), column: String::new() })
        }
        None => Ok(names),
    }
}

/// The cells, which are those of [`COLUMNS`], in the order of a list's columns.
fn arranged(columns: &[String], cells: &[String; COLUMNS.len()]) -> Vec<String> {
    let cell = |column: &String| COLUMNS.iter().position(|name| name == column).map(|at| cells[at].clone());
    columns.iter().map(|column| cell(column).unwrap_or_default()).collect()
}

enum Step {
    New(Box<[String; COLUMNS.len()]>),
    Known,
    NotTaken,
}

/// What a list holds, with what was added so far.
struct Adding {
    /// Names and labels by hashes.
    by_hashes: HashMap<Hashes, (String, String)>,
    /// Labels by name.
    by_id: HashMap<String, String>,
    /// A decision that the list's entries have.
    held: Option<String>,
    /// Line and decision of the rows seen, by hashes.
    decided: HashMap<Hashes, (u64, crate::Decision)>,
}

impl Adding {
    fn new(list: &LocalList) -> Self {
        let place = |column: &str| list.columns.iter().position(|name| name == column);
        let cell = |row: &[String], column: &str| {
            place(column).and_then(|at| row.get(at)).cloned().unwrap_or_default()
        };
        let mut adding =
            Self { by_hashes: HashMap::new(), by_id: HashMap::new(), held: None, decided: HashMap::new() };
        for row in &list.rows {
            let hashes = ["sha1", "sha256", "pdq"].map(|column| cell(row, column).trim().to_lowercase());
            let label = label(&cell(row, "label_scheme"), &cell(row, "label_code"));
            let id = restore_formula(&cell(row, "id")).to_owned();
            let decision = cell(row, "decision");
            if !decision.is_empty() {
                adding.held.get_or_insert(decision);
            }
            adding.by_hashes.entry(hashes).or_insert_with(|| (id.clone(), label.clone()));
            adding.by_id.entry(id).or_insert(label);
        }
        adding
    }

    fn row(&mut self, row: &DecidedRow, families: &FamilyHashes, take: Ruling) -> Result<Step, AddError> {
        let DecidedRow { line, id, decision, .. } = row;
        if decision.ruling == Ruling::None {
            return Ok(Step::NotTaken);
        }
        let own = Some(&row.hashes).filter(|hashes| hashes[..3].iter().any(|hash| !hash.is_empty()));
        let hashes = own.or_else(|| families.of(id));
        let Some([sha1, sha256, pdq, quality, size]) = hashes else {
            // What is not taken needs none.
            return if decision.ruling == take {
                Err(AddError::NoHash { line: *line, id: id.clone() })
            } else {
                Ok(Step::NotTaken)
            };
        };
        let key = [sha1, sha256, pdq].map(|hash| hash.to_lowercase());
        let first = self.decided.entry(key.clone()).or_insert_with(|| (*line, decision.clone()));
        if !first.1.agrees(decision) {
            return Err(AddError::Contradiction { line: *line, earlier: first.0, id: id.clone() });
        }
        if decision.ruling != take {
            return Ok(Step::NotTaken);
        }
        let is_pdq_usable = check(*line, [sha1, sha256, pdq, quality, size])?;
        if let Some(held) = self.held.as_ref().filter(|held| *held != take.name()) {
            let held = held.clone();
            return Err(AddError::OtherDecision { line: *line, held, decided: take.name() });
        }
        let decided = label(&decision.scheme, &decision.code);
        let other = |known: &str, what, listed: &str| AddError::OtherLabel {
            line: *line,
            known: known.to_owned(),
            what,
            listed: listed.to_owned(),
            decided: decided.clone(),
        };
        if let Some(listed) = self.by_id.get(id).filter(|listed| **listed != decided) {
            return Err(other(id, "id", listed));
        }
        if let Some((known, listed)) = self.by_hashes.get(&key) {
            return if *listed == decided { Ok(Step::Known) } else { Err(other(known, "hashes", listed)) };
        }
        self.by_id.insert(id.clone(), decided.clone());
        self.by_hashes.insert(key.clone(), (id.clone(), decided));
        let [sha1, sha256, pdq] = key;
        let text = |text: &str| disarm_formula(text).into_owned();
        let (pdq, quality) = if is_pdq_usable { (pdq, quality.clone()) } else { Default::default() };
        Ok(Step::New(Box::new([
            text(id),
            sha1,
            sha256,
            pdq,
            quality,
            size.clone(),
            text(&decision.scheme),
            text(&decision.code),
            decision.ruling.name().to_owned(),
            text(&decision.by),
            decision.at.clone(),
            decision.viewed.clone(),
        ])))
    }
}

fn label(scheme: &str, code: &str) -> String {
    format!("{}:{}", restore_formula(scheme.trim()), restore_formula(code.trim()))
}

/// Asks the reader of lists, so that what is written here is what an index takes; and says whether the PDQ
/// can be compared. That of a flat picture cannot, and its digests are worth having all the same.
fn check(line: u64, hashes: [&String; 5]) -> Result<bool, AddError> {
    let cells = hashes.map(|cell| cell.replace(['"', ',', '\n', '\r'], "?"));
    let text = format!("{}\n{}\n", HASH_COLUMNS.join(","), cells.join(","));
    let bad = |problem: String| AddError::BadHash { line, problem };
    let options = ReadOptions { format: Some(Format::Csv), ..ReadOptions::default() };
    let rows = Reader::new(text.as_bytes(), &options).map_err(|error| bad(error.to_string()))?;
    let mut is_pdq_usable = true;
    for row in rows {
        let problems = match row.map_err(|error| bad(error.to_string()))? {
            Row::Accepted(entry) => entry.dropped,
            Row::Deleted(_) => return Err(bad("it deletes an entry".to_owned())),
            Row::Rejected(rejection) => {
                return Err(bad(rejection.problems.first().map_or_else(String::new, ToString::to_string)));
            }
        };
        let is_flat = |problem: &Problem| matches!(problem.reason(), Reason::BlankPdq | Reason::ZeroQuality);
        match problems.iter().find(|problem| !is_flat(problem)) {
            Some(problem) => return Err(bad(problem.to_string())),
            None => is_pdq_usable &= problems.is_empty(),
        }
    }
    Ok(is_pdq_usable)
}

#[cfg(test)]
mod tests;
