//! Files that name entries of lists: those that are disputed, those that are retracted.
//!
//! ```csv
//! list,entry
//! known.csv,case-7
//! known.csv,row 12
//! ```
//!
//! The words are those of results: the name of a list, and its entry's id, path or `row N`.

use std::io::Read;

use lykta_list::{Table, TableRow};
use thiserror::Error;

use crate::digesting::Digesting;

/// An entry of a list, by the names that results have for both.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryPair {
    /// Name of the list.
    pub list: String,
    /// The entry's id or path in the list, else `row N`.
    pub entry: String,
}

/// Why a file does not name entries. Lines count from 1.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EntryPairsError {
    /// It cannot be read, or is no CSV.
    #[error(transparent)]
    Csv(#[from] lykta_list::Error),
    /// No header, or another one.
    #[error(
        "line {line}: the first row must be the header `list,entry`; add it, or check that this is the file meant"
    )]
    Header {
        /// The line of the first row.
        line: u64,
    },
    /// A row that has not two cells.
    #[error("line {line} has {got} cells, not 2: put quotation marks around a name with a comma in it")]
    Cells {
        /// The line.
        line: u64,
        /// The cells that it has.
        got: usize,
    },
    /// A cell without text.
    #[error("line {line}: {column} is empty; give the name that results have, or remove the row")]
    Unnamed {
        /// The line.
        line: u64,
        /// The column.
        column: &'static str,
    },
    /// A cell that is not UTF-8.
    #[error("line {line}: {column} is not text in UTF-8 (offset {offset} in it); save the file as UTF-8")]
    NotUtf8 {
        /// The line.
        line: u64,
        /// The column.
        column: &'static str,
        /// Where in the cell, in bytes.
        offset: usize,
    },
}

/// Reads a file of entries, row by row in constant memory: an iterator over them.
///
/// Strict: whatever is wrong ends it with an error, since an entry that is passed over in silence
/// is one that goes on matching, or one that does not. Rows may repeat.
pub struct EntryPairs<R> {
    rows: Table<Digesting<R>>,
    ended: bool,
}

impl<R: Read> EntryPairs<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// When the first row is not `list,entry`, or there is none.
    pub fn new(input: R) -> Result<Self, EntryPairsError> {
        let mut rows = Table::new(Digesting::new(input));
        let line = match rows.next_row()? {
            Some(row) if row.cells().eq(COLUMNS.map(str::as_bytes)) => {
                return Ok(Self { rows, ended: false });
            }
            Some(row) => row.line(),
            None => 1,
        };
        Err(EntryPairsError::Header { line })
    }

    /// SHA-256 of what was read so far: of the whole file once the iterator has ended.
    pub fn sha256(&self) -> [u8; 32] {
        self.rows.input().sha256()
    }

    /// Bytes read so far.
    pub fn bytes(&self) -> u64 {
        self.rows.input().bytes()
    }

    fn read(&mut self) -> Result<Option<EntryPair>, EntryPairsError> {
        self.rows.next_row()?.map(|row| pair(&row)).transpose()
    }
}

impl<R: Read> Iterator for EntryPairs<R> {
    type Item = Result<EntryPair, EntryPairsError>;

    /// The next entry. Nothing comes after an error.
    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.read().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

const COLUMNS: [&str; 2] = ["list", "entry"];

fn pair(row: &TableRow<'_>) -> Result<EntryPair, EntryPairsError> {
    let (line, mut cells) = (row.line(), row.cells());
    let got = cells.len();
    let (Some(list), Some(entry), None) = (cells.next(), cells.next(), cells.next()) else {
        return Err(EntryPairsError::Cells { line, got });
    };
    Ok(EntryPair { list: name(line, COLUMNS[0], list)?, entry: name(line, COLUMNS[1], entry)? })
}

fn name(line: u64, column: &'static str, cell: &[u8]) -> Result<String, EntryPairsError> {
    match std::str::from_utf8(cell) {
        Ok("") => Err(EntryPairsError::Unnamed { line, column }),
        Ok(name) => Ok(name.to_owned()),
        Err(error) => Err(EntryPairsError::NotUtf8 { line, column, offset: error.valid_up_to() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest as _, Sha256};

    fn read(text: &[u8]) -> Result<Vec<(String, String)>, EntryPairsError> {
        EntryPairs::new(text)?.map(|pair| pair.map(|pair| (pair.list, pair.entry))).collect()
    }

    #[test]
    fn entries_are_named_as_results_name_them() {
        let text = b"\xef\xbb\xbflist,entry\r\nknown.csv,row 12\r\n\r\n\"a,b\",\" \"\"x\"\"\ny \"\r\n";
        let pair = |list: &str, entry: &str| (list.to_owned(), entry.to_owned());
        assert_eq!(read(text).unwrap(), [pair("known.csv", "row 12"), pair("a,b", " \"x\"\ny ")]);
        assert_eq!(read(b"list,entry\n").unwrap(), []);
    }

    #[test]
    fn the_digest_is_that_of_the_whole_file() {
        let text = "list,entry\n".to_owned() + &"l,e\n".repeat(50_000);
        let mut pairs = EntryPairs::new(text.as_bytes()).unwrap();
        assert_eq!(pairs.by_ref().filter(Result::is_ok).count(), 50_000);
        assert_eq!(pairs.sha256(), <[u8; 32]>::from(Sha256::digest(&text)));
        assert_eq!(pairs.bytes(), text.len() as u64);
    }

    #[test]
    fn whatever_is_wrong_is_named_with_its_line() {
        use EntryPairsError::{Cells, Csv, Header, NotUtf8, Unnamed};
        for text in [&b"entry,list\n"[..], b"l,e\n", b"list\n", b"", b"list,entry,why\n"] {
            assert!(matches!(read(text), Err(Header { line: 1 })), "{text:?}");
        }
        assert!(matches!(read(b"list,entry\nl\n"), Err(Cells { line: 2, got: 1 })));
        assert!(matches!(read(b"list,entry\n\nl,e,\n"), Err(Cells { line: 3, got: 3 })));
        assert!(matches!(read(b"list,entry\nl,\n"), Err(Unnamed { line: 2, column: "entry" })));
        assert!(matches!(read(b"list,entry\n,e\n"), Err(Unnamed { line: 2, column: "list" })));
        let spoiled = read(b"list,entry\nl,ab\xff\n");
        assert!(matches!(spoiled, Err(NotUtf8 { line: 2, column: "entry", offset: 2 })));
        assert!(matches!(read(b"list,entry\n\"l,e\n"), Err(Csv(_))));
        assert!(matches!(read(b"list,entry\n\"l\"x,e\n"), Err(Csv(_))));
    }

    #[test]
    fn nothing_comes_after_an_error() {
        let mut pairs = EntryPairs::new(&b"list,entry\nl\nl,e\n"[..]).unwrap();
        assert!(pairs.next().is_some_and(|pair| pair.is_err()));
        assert!(pairs.next().is_none());
    }
}
