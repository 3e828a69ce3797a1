//! What an analyst decided, as a CSV file: one row an item, columns in any order.
//!
//! ```csv
//! id,decision,scheme,code,by,at,viewed
//! dump/a.jpg,match,site,a,kim,2026-03-01T09:30:00Z,yes
//! dump/b.jpg,none,,,,,
//! ```
//!
//! Further columns are allowed, such as those of `lykta cluster --csv`, whose output becomes such a file
//! by being filled in.

use std::collections::BTreeMap;
use std::io::Read;

use lykta_list::{Table, TableRow};
use lykta_scan::restore_formula;
use thiserror::Error;

/// What was decided on an item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ruling {
    /// Nothing yet.
    #[default]
    None,
    /// It is to be found.
    Match,
    /// It is worth reporting.
    Note,
    /// It is of no interest.
    Ignore,
}

impl Ruling {
    /// Each, in order.
    pub const ALL: [Self; 4] = [Self::None, Self::Match, Self::Note, Self::Ignore];

    /// The word in files: `none`, `match`, `note`, `ignore`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Match => "match",
            Self::Note => "note",
            Self::Ignore => "ignore",
        }
    }
}

/// A decision, with who made it. What is not known is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// What was decided.
    pub ruling: Ruling,
    /// The scheme of `code`.
    pub scheme: String,
    /// The category within the scheme.
    pub code: String,
    /// Who decided.
    pub by: String,
    /// When, in RFC 3339.
    pub at: String,
    /// Whether the item itself was looked at: `yes` or `no`.
    pub viewed: String,
}

impl Decision {
    /// Whether both say the same of an item, whoever said it.
    pub fn agrees(&self, other: &Self) -> bool {
        (self.ruling, &self.scheme, &self.code) == (other.ruling, &other.scheme, &other.code)
    }
}

/// A row: an item, what was decided, and what else the row says by columns of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecidedRow {
    /// The line of the file, from 1.
    pub line: u64,
    /// The item, as `lykta cluster` named it.
    pub id: String,
    /// The decision.
    pub decision: Decision,
    /// SHA-1, SHA-256, PDQ, PDQ quality and size, as they stand there; see [`HASH_COLUMNS`].
    pub hashes: [String; 5],
}

/// The columns of [`DecidedRow::hashes`].
pub const HASH_COLUMNS: [&str; 5] = ["sha1", "sha256", "pdq", "pdq_quality", "size"];

/// Why a file of decisions cannot be taken. Lines count from 1.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DecisionError {
    /// It cannot be read, or is no CSV.
    #[error(transparent)]
    Csv(#[from] lykta_list::Error),
    /// No header, or one without a column that is needed.
    #[error(
        "line {line}: the header names no column {column}; the first row must name id, decision, scheme, \
         code, by, at and viewed, separated by commas"
    )]
    Header {
        /// The line of the first row.
        line: u64,
        /// The column that is missing.
        column: &'static str,
    },
    /// Two columns of one name.
    #[error("line {line}: the header names {column} twice; remove one of the columns")]
    Twice {
        /// The line of the header.
        line: u64,
        /// The column.
        column: &'static str,
    },
    /// More or fewer cells than columns.
    #[error("line {line} has {got} cells where the header has {expected}; quote cells that hold commas")]
    Cells {
        /// The line.
        line: u64,
        /// Columns of the header.
        expected: usize,
        /// Cells of the row.
        got: usize,
    },
    /// A cell that is not UTF-8.
    #[error("line {line}: {column} is not text in UTF-8; save the file as UTF-8")]
    NotUtf8 {
        /// The line.
        line: u64,
        /// The column.
        column: &'static str,
    },
    /// A cell that must be filled in.
    #[error("line {line}: {column} is empty; a row that is decided needs id, by, at and viewed")]
    Empty {
        /// The line.
        line: u64,
        /// The column.
        column: &'static str,
    },
    /// A decision of another word.
    #[error("line {line}: {word:?} is no decision; write match, note, ignore or none")]
    Ruling {
        /// The line.
        line: u64,
        /// What stands there.
        word: String,
    },
    /// A time that is not in RFC 3339.
    #[error(
        "line {line}: {text:?} is no time; write it as 2026-03-01T09:30:00Z or 2026-03-01T10:30:00+01:00"
    )]
    Time {
        /// The line.
        line: u64,
        /// What stands there.
        text: String,
    },
    /// Neither yes nor no.
    #[error("line {line}: viewed is {text:?}; write yes when the item itself was looked at, else no")]
    Viewed {
        /// The line.
        line: u64,
        /// What stands there.
        text: String,
    },
    /// Two rows decide differently on one item.
    #[error("line {line}: {id} was decided differently on line {earlier}; settle it and keep one")]
    Contradiction {
        /// The line.
        line: u64,
        /// The line of the other decision.
        earlier: u64,
        /// The item.
        id: String,
    },
}

/// The rows of a file of decisions, all of them sound.
#[derive(Clone, Debug, Default)]
pub struct Decisions {
    rows: Vec<DecidedRow>,
    decided: BTreeMap<String, usize>,
}

impl Decisions {
    /// Reads a file to its end; its rows are held in memory.
    ///
    /// # Errors
    /// Everything that is wrong with its rows, up to 20; or the one thing that ended the reading.
    pub fn read(input: impl Read) -> Result<Self, Vec<DecisionError>> {
        const MOST: usize = 20;
        let mut table = Table::new(input);
        let one = |error: lykta_list::Error| vec![error.into()];
        let header = match table.next_row().map_err(one)? {
            Some(row) => Header::parse(&row).map_err(|error| vec![error])?,
            None => return Err(vec![DecisionError::Header { line: 1, column: "id" }]),
        };
        let (mut all, mut errors) = (Self::default(), Vec::new());
        while errors.len() < MOST {
            let row = match table.next_row() {
                Ok(Some(row)) => header.row(&row).and_then(|row| all.add(row)),
                Ok(None) => break,
                Err(error) => {
                    errors.push(error.into());
                    break;
                }
            };
            errors.extend(row.err());
        }
        if errors.is_empty() { Ok(all) } else { Err(errors) }
    }

    /// All rows, in order.
    pub fn rows(&self) -> &[DecidedRow] {
        &self.rows
    }

    /// The decision on an item; none when there is no row, or only undecided ones. O(log rows).
    pub fn of(&self, id: &str) -> Option<&Decision> {
        self.decided.get(id).map(|at| &self.rows[*at].decision)
    }

    fn add(&mut self, row: DecidedRow) -> Result<(), DecisionError> {
        if row.decision.ruling != Ruling::None {
            let at = *self.decided.entry(row.id.clone()).or_insert(self.rows.len());
            if let Some(first) = self.rows.get(at).filter(|first| !first.decision.agrees(&row.decision)) {
                let DecidedRow { line, id, .. } = row;
                return Err(DecisionError::Contradiction { line, earlier: first.line, id });
            }
        }
        self.rows.push(row);
        Ok(())
    }
}

const COLUMNS: [&str; 12] = [
    "id",
    "decision",
    "scheme",
    "code",
    "by",
    "at",
    "viewed",
    "sha1",
    "sha256",
    "pdq",
    "pdq_quality",
    "size",
];

/// Columns that must be there.
const NEEDED: usize = 7;

struct Header {
    places: [Option<usize>; COLUMNS.len()],
    columns: usize,
}

impl Header {
    fn parse(row: &TableRow<'_>) -> Result<Self, DecisionError> {
        let (line, mut places) = (row.line(), [None; COLUMNS.len()]);
        for (at, cell) in row.cells().enumerate() {
            let known = COLUMNS.iter().position(|name| cell.trim_ascii() == name.as_bytes());
            if let Some(column) = known
                && places[column].replace(at).is_some()
            {
                return Err(DecisionError::Twice { line, column: COLUMNS[column] });
            }
        }
        match places[..NEEDED].iter().position(Option::is_none) {
            Some(missing) => Err(DecisionError::Header { line, column: COLUMNS[missing] }),
            None => Ok(Self { places, columns: row.cells().len() }),
        }
    }

    fn row(&self, row: &TableRow<'_>) -> Result<DecidedRow, DecisionError> {
        let line = row.line();
        let cells: Vec<&[u8]> = row.cells().collect();
        if cells.len() != self.columns {
            return Err(DecisionError::Cells { line, expected: self.columns, got: cells.len() });
        }
        let cell = |column: usize| -> Result<String, DecisionError> {
            let cell = self.places[column].and_then(|at| cells.get(at)).copied().unwrap_or_default();
            let text = std::str::from_utf8(cell);
            let text = text.map_err(|_| DecisionError::NotUtf8 { line, column: COLUMNS[column] })?;
            Ok(restore_formula(text).to_owned())
        };
        let word = |column: usize| cell(column).map(|text| text.trim().to_owned());
        let decision = Decision {
            ruling: ruling(line, &word(1)?)?,
            scheme: word(2)?,
            code: word(3)?,
            by: word(4)?,
            at: word(5)?,
            viewed: word(6)?,
        };
        let row = DecidedRow {
            line,
            id: cell(0)?,
            decision,
            hashes: [word(7)?, word(8)?, word(9)?, word(10)?, word(11)?],
        };
        check(&row)?;
        Ok(row)
    }
}

fn ruling(line: u64, word: &str) -> Result<Ruling, DecisionError> {
    if word.is_empty() {
        return Ok(Ruling::None);
    }
    let known = Ruling::ALL.into_iter().find(|ruling| ruling.name() == word);
    known.ok_or_else(|| DecisionError::Ruling { line, word: word.to_owned() })
}

/// A row that is decided says on what, by whom, when, and whether it was looked at.
fn check(row: &DecidedRow) -> Result<(), DecisionError> {
    let (line, decision) = (row.line, &row.decision);
    if decision.ruling == Ruling::None {
        return Ok(());
    }
    let filled = [("id", &row.id), ("by", &decision.by), ("at", &decision.at), ("viewed", &decision.viewed)];
    if let Some((column, _)) = filled.into_iter().find(|(_, text)| text.is_empty()) {
        return Err(DecisionError::Empty { line, column });
    }
    if !is_rfc3339(&decision.at) {
        return Err(DecisionError::Time { line, text: decision.at.clone() });
    }
    if !matches!(decision.viewed.as_str(), "yes" | "no") {
        return Err(DecisionError::Viewed { line, text: decision.viewed.clone() });
    }
    Ok(())
}

/// `2026-03-01T09:30:00Z`, with a fraction of a second or another offset when wanted.
fn is_rfc3339(text: &str) -> bool {
    let shape = |text: &str, pattern: &str| {
        text.len() == pattern.len()
            && text.bytes().zip(pattern.bytes()).all(|(byte, wanted)| match wanted {
                b'0' => byte.is_ascii_digit(),
                wanted => byte == wanted,
            })
    };
    let Some((begin, rest)) = text.split_at_checked(19) else { return false };
    let (fraction, offset) = rest.split_at(rest.find(['Z', '+', '-']).unwrap_or(rest.len()));
    let digits = fraction.strip_prefix('.').unwrap_or("0");
    shape(begin, "0000-00-00T00:00:00")
        && (1..=9).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (fraction.is_empty() || fraction.starts_with('.'))
        && (offset == "Z" || shape(offset, "+00:00") || shape(offset, "-00:00"))
        && text.parse::<jiff::Timestamp>().is_ok()
}

#[cfg(test)]
mod tests;
