//! The number of an entry in its store: its file and row, so that numbers ascend as entries should come.
//!
//! ```text
//! 19 bits  file, from 1
//! 40 bits  row, from 1
//!  4 bits  which of several entries of that row; only a file read in two ways has more than one
//! ```

use crate::error::Error;
use crate::file::FileId;

const ROW_BITS: u32 = 40;
const TWIN_BITS: u32 = 4;

/// The most files of a store.
pub(crate) const MOST_FILES: i64 = (1 << (63 - ROW_BITS - TWIN_BITS)) - 1;

/// How many entries of one file may have the same row.
pub(crate) const TWINS: i64 = 1 << TWIN_BITS;

/// What finds the row in a number, in SQL.
pub(crate) const ROW_IN_SQL: &str = "((id >> 4) & 1099511627775)";

/// The number of the first entry of a row.
pub(crate) fn number(file: FileId, row: u64) -> Result<i64, Error> {
    match i64::try_from(row) {
        Ok(place) if place < 1 << ROW_BITS => Ok((file.0 << ROW_BITS | place) << TWIN_BITS),
        _ => Err(Error::Row { row }),
    }
}

/// The file and row of a number.
pub(crate) fn parts(number: i64) -> (FileId, u64) {
    let place = number >> TWIN_BITS;
    (FileId(place >> ROW_BITS), (place & ((1 << ROW_BITS) - 1)) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_taken_apart_and_ascend() {
        let last = (1 << ROW_BITS) - 1;
        let places = [(1, 0), (1, 1), (1, last), (2, 1), (MOST_FILES, last)];
        let numbers = places.map(|(file, row)| number(FileId(file), row).unwrap());
        assert!(numbers.is_sorted() && numbers[0] > 0);
        assert_eq!(numbers.map(parts), places.map(|(file, row)| (FileId(file), row)));
        assert!(matches!(number(FileId(1), last + 1), Err(Error::Row { .. })));
        assert_eq!(ROW_IN_SQL, format!("((id >> {TWIN_BITS}) & {last})"));
    }
}
