//! The hashes of items, from what `lykta cluster` wrote.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};

use lykta_list::Table;
use lykta_scan::restore_formula;
use serde_json::Value;
use thiserror::Error;

use crate::decisions::HASH_COLUMNS;

/// Hashes by the name of the item. Held in memory.
#[derive(Clone, Debug, Default)]
pub struct FamilyHashes(HashMap<String, [String; 5]>);

/// Why a file of families cannot be taken. Lines count from 1.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FamilyHashesError {
    /// It cannot be read, or is no CSV.
    #[error(transparent)]
    Csv(#[from] lykta_list::Error),
    /// It cannot be read, or a line is no JSON.
    #[error("line {line}: {detail}; give the whole output of `lykta cluster`")]
    Json {
        /// The line.
        line: u64,
        /// What is wrong.
        detail: String,
    },
    /// A table without a column for names.
    #[error("line {line}: the header names no column id; give the output of `lykta cluster --csv`")]
    Header {
        /// The line.
        line: u64,
    },
    /// A row with more or fewer cells than the header.
    #[error(
        "line {line} has {got} cells where the header has {expected}; give the whole output of `lykta cluster`"
    )]
    Cells {
        /// The line.
        line: u64,
        /// Columns of the header.
        expected: usize,
        /// Cells of the row.
        got: usize,
    },
    /// Two items of one name with different hashes: it cannot be told which is meant.
    #[error(
        "line {line}: {id:?} was there already with other hashes; give the output of one `lykta cluster`"
    )]
    Repeated {
        /// The line.
        line: u64,
        /// The item.
        id: String,
    },
}

impl FamilyHashes {
    /// Reads JSON lines or CSV, told apart by the first byte.
    ///
    /// # Errors
    /// [`FamilyHashesError`].
    pub fn read(input: impl Read) -> Result<Self, FamilyHashesError> {
        let mut input = BufReader::new(input);
        let begins = input.fill_buf().map_err(|error| json_error(1, &error))?;
        if begins.trim_ascii_start().starts_with(b"{") { Self::of_json(input) } else { Self::of_csv(input) }
    }

    /// SHA-1, SHA-256, PDQ, PDQ quality and size of an item, as written; empty where there is none.
    pub fn of(&self, id: &str) -> Option<&[String; 5]> {
        self.0.get(id)
    }

    fn insert(&mut self, line: u64, id: &str, hashes: [String; 5]) -> Result<(), FamilyHashesError> {
        match self.0.insert(id.to_owned(), hashes.clone()) {
            Some(before) if before != hashes => Err(FamilyHashesError::Repeated { line, id: id.to_owned() }),
            _ => Ok(()),
        }
    }

    fn of_json(input: impl BufRead) -> Result<Self, FamilyHashesError> {
        let mut all = Self::default();
        for (number, line) in (1..).zip(input.lines()) {
            let line = line.map_err(|error| json_error(number, &error))?;
            if line.trim().is_empty() {
                continue;
            }
            let value: Value = serde_json::from_str(&line).map_err(|error| json_error(number, &error))?;
            // Errors and the summary have no id.
            if let Some(id) = value.get("id").and_then(Value::as_str) {
                let hashes = HASH_COLUMNS.map(|column| match value.get(column) {
                    Some(Value::String(text)) => text.clone(),
                    Some(Value::Number(number)) => number.to_string(),
                    _ => String::new(),
                });
                all.insert(number, id, hashes)?;
            }
        }
        Ok(all)
    }

    fn of_csv(input: impl Read) -> Result<Self, FamilyHashesError> {
        let (mut table, mut all) = (Table::new(input), Self::default());
        let mut places: Option<(usize, [Option<usize>; 5], usize)> = None;
        while let Some(row) = table.next_row()? {
            let line = row.line();
            let cells: Vec<String> =
                row.cells().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect();
            let Some((id, hashes, expected)) = &places else {
                let place = |column: &str| cells.iter().position(|cell| cell.trim() == column);
                let id = place("id").ok_or(FamilyHashesError::Header { line })?;
                places = Some((id, HASH_COLUMNS.map(place), cells.len()));
                continue;
            };
            if cells.len() != *expected {
                return Err(FamilyHashesError::Cells { line, expected: *expected, got: cells.len() });
            }
            let cell =
                |place: &Option<usize>| place.map_or_else(String::new, |at| cells[at].trim().to_owned());
            all.insert(line, restore_formula(&cells[*id]), hashes.each_ref().map(cell))?;
        }
        Ok(all)
    }
}

fn json_error(line: u64, error: &dyn std::error::Error) -> FamilyHashesError {
    FamilyHashesError::Json { line, detail: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_give_the_same() {
        let json = "{\"v\":1,\"id\":\"=a\",\"size\":3,\"sha1\":\"aa\",\"pdq\":\"bb\",\"pdq_quality\":9}\n\
            {\"v\":1,\"path\":\"x\",\"error\":\"y\"}\n{\"v\":1,\"summary\":{}}\n";
        let csv = "family,id,pdq_quality,pdq,size,sha1,sha256\n1,'=a,9,bb,3,aa,\n";
        for text in [json, csv] {
            let families = FamilyHashes::read(text.as_bytes()).unwrap();
            assert_eq!(families.of("=a").unwrap(), &["aa", "", "bb", "9", "3"]);
            assert!(families.of("x").is_none());
        }
    }

    #[test]
    fn what_is_cut_short_is_named() {
        let of = |text: &str| FamilyHashes::read(text.as_bytes()).unwrap_err();
        assert!(matches!(of("{\"id\":\"a\"}\n{\"id\":"), FamilyHashesError::Json { line: 2, .. }));
        assert!(matches!(of("family,pdq\n"), FamilyHashesError::Header { line: 1 }));
        assert!(matches!(of("id,pdq\na\n"), FamilyHashesError::Cells { line: 2, expected: 2, got: 1 }));
        assert!(matches!(of("id,pdq\n\"a"), FamilyHashesError::Csv(_)));
        assert!(matches!(of("id,pdq\na,bb\na,cc\n"), FamilyHashesError::Repeated { line: 3, .. }));
        assert!(FamilyHashes::read("id,pdq\na,bb\na,bb\n".as_bytes()).is_ok());
    }
}
