//! CSV of other shapes than a hash list: cells, row by row, by the same strict rules.

use std::io::Read;

use crate::error::Error;
use crate::formats::csv::Record;
use crate::lines::Lines;

/// Reads the rows of a CSV file whose meaning is the caller's, in constant memory.
///
/// Blank lines are passed over. Unlike a hash list, of which single rows may be unusable, no row
/// with text behind a closing quotation mark is passed on: the file is refused.
pub struct Table<R> {
    lines: Lines<R>,
    record: Record,
}

/// A row of a [`Table`].
pub struct TableRow<'t>(&'t Record);

impl<R: Read> Table<R> {
    /// A table; nothing is read yet.
    pub fn new(input: R) -> Self {
        Self { lines: Lines::new(input), record: Record::default() }
    }

    /// What is read from. It has been read further than the row, up to a buffer's length.
    pub fn input(&self) -> &R {
        self.lines.input()
    }

    /// The next row, the header included; `None` at the end.
    ///
    /// # Errors
    /// When reading fails, or the input is no CSV in UTF-8 with rows of at most
    /// [`MAX_RECORD`](crate::MAX_RECORD) bytes. Nothing should be read after one.
    pub fn next_row(&mut self) -> Result<Option<TableRow<'_>>, Error> {
        if !self.record.read(&mut self.lines)? {
            return Ok(None);
        }
        if self.record.spoiled {
            let line = self.record.line;
            return Err(Error::StrayQuote { start: line, line });
        }
        Ok(Some(TableRow(&self.record)))
    }
}

impl<'t> TableRow<'t> {
    /// The line on which the row begins, from 1.
    pub fn line(&self) -> u64 {
        self.0.line
    }

    /// The cells, without quotation marks; at least one.
    pub fn cells(&self) -> impl ExactSizeIterator<Item = &'t [u8]> {
        self.0.cells()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_with_their_lines_and_a_spoiled_one_ends_it() {
        let mut table = Table::new(&b"a,b\n\n\"x,\ny\",\"\"\"z\"\n\"p\"q,1\nr,2\n"[..]);
        let mut next = || {
            let row = table.next_row()?;
            Ok(row.map(|row| (row.line(), row.cells().map(<[u8]>::to_vec).collect::<Vec<_>>())))
        };
        assert!(matches!(next(), Ok(Some((1, cells))) if cells == [b"a", b"b"]));
        assert!(matches!(next(), Ok(Some((3, cells))) if cells == [&b"x,\ny"[..], b"\"z"]));
        assert!(matches!(next(), Err(Error::StrayQuote { start: 5, line: 5 })));
    }
}
