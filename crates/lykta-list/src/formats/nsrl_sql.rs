//! A delta of NSRL RDS version 3: statements of SQL that bring a database of the last full release up to date.
//!
//! NIST writes `BEGIN TRANSACTION;`, then `INSERT INTO FILE(sha256,sha1,...) VALUES('...','...',...);` and such,
//! and `COMMIT;`. Nothing is executed: what is written in one of the few shapes that occur is understood, and any
//! other statement about the files refuses the list, since what it would change is not known. Statements about
//! other tables are passed over.

mod statement;
mod statements;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use crate::entry::{Deletion, Row};
use crate::error::Error;
use crate::format::Format;
use crate::formats::Rows;
use crate::formats::nsrl_sqlite::record::{Cell, FILE_COLUMNS, Relation, Shape};
use crate::input::{Head, Input};
use crate::position::Position;
use statement::{Change, Statement};
use statements::Statements;

pub(crate) fn is_meant(head: &Head<'_>) -> bool {
    let text = statements::without_comments(head.text());
    let mut words = text.split(|byte| byte.is_ascii_whitespace()).filter(|word| !word.is_empty());
    let mut word = || words.next().unwrap_or_default().to_ascii_uppercase();
    match (word().as_slice(), word().as_slice()) {
        (b"BEGIN;", _) | (b"INSERT", b"INTO" | b"OR") | (b"DELETE", b"FROM") | (b"REPLACE", b"INTO") => true,
        (b"BEGIN", second) => [&b"TRANSACTION"[..], b"IMMEDIATE", b"EXCLUSIVE", b"DEFERRED", b";"]
            .iter()
            .any(|known| second.starts_with(known)),
        (b"UPDATE", second) => {
            [&b"FILE"[..], b"METADATA", b"VERSION", b"PKG", b"OS", b"MFG"].contains(&second)
        }
        _ => false,
    }
}

pub(crate) fn open<'r>(input: Input<'r>) -> Result<Box<dyn Rows + 'r>, Error> {
    let statements = Statements::new(input.stream);
    Ok(Box::new(Delta {
        statements,
        rows: VecDeque::new(),
        inserted: [None, None],
        number: 0,
        is_open: false,
        is_about_files: false,
    }))
}

struct Delta<R> {
    statements: Statements<R>,
    /// Rows of the statement read last.
    rows: VecDeque<Row>,
    /// The columns that rows were last inserted with, of FILE and METADATA, in order of their names.
    inserted: [Option<Vec<String>>; 2],
    number: u64,
    /// Whether a transaction was begun and not committed.
    is_open: bool,
    /// Whether some statement was about FILE or METADATA.
    is_about_files: bool,
}

impl<R: std::io::Read> Rows for Delta<R> {
    fn next_row(&mut self) -> Result<Option<Row>, Error> {
        loop {
            if let Some(row) = self.rows.pop_front() {
                return Ok(Some(row));
            }
            let Some((line, text)) = self.statements.next()? else {
                return self.end().map(|()| None);
            };
            let statement = statement::parse(text)
                .map_err(|(at, detail)| malformed(line + newlines(&text[..at.min(text.len())]), detail))?;
            let (mut counted, mut line_there) = (0, line);
            let lines = statement.places().iter().map(|at| {
                line_there += newlines(&text[counted..*at]);
                counted = *at;
                line_there
            });
            let lines: Vec<u64> = lines.collect();
            self.take(statement, line, &lines)?;
        }
    }
}

impl<R: std::io::Read> Delta<R> {
    fn take(&mut self, statement: Statement, line: u64, lines: &[u64]) -> Result<(), Error> {
        match statement {
            Statement::Begin if self.is_open => Err(malformed(line, "BEGIN within a transaction".to_owned())),
            Statement::Begin => {
                self.is_open = true;
                Ok(())
            }
            Statement::Commit if !self.is_open => Err(malformed(line, "COMMIT without BEGIN".to_owned())),
            Statement::Commit => {
                self.is_open = false;
                Ok(())
            }
            Statement::Other => Ok(()),
            Statement::Change(relation, change) => {
                self.is_about_files = true;
                self.change(relation, change, line, lines)
            }
        }
    }

    fn change(&mut self, relation: Relation, change: Change, line: u64, lines: &[u64]) -> Result<(), Error> {
        match change {
            Change::Insert { columns, groups } => {
                let columns = match (columns, relation) {
                    (Some(columns), _) => columns,
                    (None, Relation::File) => FILE_COLUMNS.map(str::to_owned).to_vec(),
                    (None, Relation::Metadata) => {
                        return Err(malformed(line, "INSERT does not name the columns".to_owned()));
                    }
                };
                let shape = shape(relation, columns, line)?;
                for (cells, line) in groups.into_iter().zip(lines) {
                    if cells.len() != shape.columns() {
                        let detail = format!("{} values for {} columns", cells.len(), shape.columns());
                        return Err(malformed(*line, detail));
                    }
                    self.row(&shape, cells, relation, *line);
                }
                self.inserted[relation as usize] = Some(sorted(shape.names()));
            }
            Change::Delete { conditions } => {
                let (shape, cells) = self.key(relation, conditions, line)?;
                self.deletion(&shape, cells, relation, line);
            }
            Change::Update { values, conditions } => {
                let (shape, cells) = self.key(relation, conditions, line)?;
                let mut new = cells.clone();
                for (column, value) in values {
                    let at = shape.names().iter().position(|name| *name == column);
                    let at = at.ok_or_else(|| malformed(line, format!("UPDATE of a column {column:?}")))?;
                    new[at] = value;
                }
                self.deletion(&shape, cells, relation, line);
                self.row(&shape, new, relation, line);
            }
        }
        Ok(())
    }

    /// The row that conditions name. They must name all of the key: which rows others mean is not known here.
    fn key(
        &self,
        relation: Relation,
        conditions: Vec<(String, Cell)>,
        line: u64,
    ) -> Result<(Shape, Vec<Cell>), Error> {
        let (columns, cells): (Vec<String>, Vec<Cell>) = conditions.into_iter().unzip();
        let named = sorted(&columns);
        let is_all = relation == Relation::File && named == sorted(&FILE_COLUMNS.map(str::to_owned));
        if !is_all && self.inserted[relation as usize].as_ref() != Some(&named) {
            let detail = format!(
                "it changes rows of {} without naming all of their columns, so which rows is not known: apply the \
                 delta to the database with sqlite3, and take the database",
                relation.name()
            );
            return Err(malformed(line, detail));
        }
        Ok((shape(relation, columns, line)?, cells))
    }

    fn row(&mut self, shape: &Shape, cells: Vec<Cell>, relation: Relation, line: u64) {
        self.number += 1;
        let cells = as_stored(shape, cells, relation);
        self.rows.push_back(shape.row(&cells, self.number, Position::Line(line)));
    }

    fn deletion(&mut self, shape: &Shape, cells: Vec<Cell>, relation: Relation, line: u64) {
        self.number += 1;
        let key = shape.key(&as_stored(shape, cells, relation));
        let position = Position::Line(line);
        self.rows.push_back(Row::Deleted(Deletion { row: self.number, position, key, changed: None }));
    }

    /// The end is one only when all that was begun is committed: otherwise nothing of it holds.
    fn end(&self) -> Result<(), Error> {
        if self.is_open {
            let position = Position::Line(self.statements.line());
            return Err(Error::Truncated { position, detail: "COMMIT is missing".to_owned() });
        }
        if self.statements.is_empty() {
            return Err(Error::Empty);
        }
        if !self.is_about_files {
            let detail =
                "none of its statements is about FILE or METADATA, so it is no delta of NSRL".to_owned();
            return Err(malformed(self.statements.line(), detail));
        }
        Ok(())
    }
}

fn malformed(line: u64, detail: String) -> Error {
    Error::Malformed { format: Format::NsrlSql, position: Position::Line(line), detail }
}

fn shape(relation: Relation, columns: Vec<String>, line: u64) -> Result<Shape, Error> {
    let names = sorted(&columns);
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(malformed(line, "a column is named twice".to_owned()));
    }
    let no_hash = || malformed(line, "none of the columns is sha256, sha1 or md5".to_owned());
    Shape::new(relation, columns).ok_or_else(no_hash)
}

/// Values as the columns of FILE would keep them: numbers in columns of text become texts.
fn as_stored(shape: &Shape, mut cells: Vec<Cell>, relation: Relation) -> Vec<Cell> {
    if relation == Relation::File {
        for (cell, name) in cells.iter_mut().zip(shape.names()) {
            if let Cell::Integer(number) = cell
                && !matches!(name.as_str(), "file_size" | "package_id")
            {
                *cell = Cell::Text(number.to_string().into_bytes());
            }
        }
    }
    cells
}

fn sorted(columns: &[String]) -> Vec<String> {
    let mut columns = columns.to_vec();
    columns.sort();
    columns
}

/// How many lines end in a part of a statement.
fn newlines(text: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', text).count() as u64
}
