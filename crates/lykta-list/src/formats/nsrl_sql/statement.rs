//! One statement of a delta, understood or refused.

use crate::formats::nsrl_sqlite::record::{Cell, Relation};

/// What a statement does.
#[derive(Debug, PartialEq)]
pub(crate) enum Statement {
    Begin,
    Commit,
    /// Nothing that says something of files.
    Other,
    Change(Relation, Change),
}

/// What a statement says of files. Names of columns are in lower case.
#[derive(Debug, PartialEq)]
pub(crate) enum Change {
    Insert { columns: Option<Vec<String>>, groups: Groups },
    Delete { conditions: Vec<(String, Cell)> },
    Update { values: Vec<(String, Cell)>, conditions: Vec<(String, Cell)> },
}

/// Rows of values, and where in the statement each begins.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Groups {
    cells: Vec<Vec<Cell>>,
    places: Vec<usize>,
}

impl IntoIterator for Groups {
    type Item = Vec<Cell>;
    type IntoIter = std::vec::IntoIter<Vec<Cell>>;

    fn into_iter(self) -> Self::IntoIter {
        self.cells.into_iter()
    }
}

impl Statement {
    /// Where in the statement its rows begin.
    pub(crate) fn places(&self) -> &[usize] {
        match self {
            Self::Change(_, Change::Insert { groups, .. }) => &groups.places,
            _ => &[],
        }
    }
}

/// What is wrong, and where in the statement.
type Refusal = (usize, String);

pub(crate) fn parse(text: &[u8]) -> Result<Statement, Refusal> {
    let mut words = Words { text, at: 0 };
    let verb = words.keyword().to_ascii_uppercase();
    match verb.as_slice() {
        b"BEGIN" => {
            words.rest_is(&[b"TRANSACTION", b"DEFERRED", b"IMMEDIATE", b"EXCLUSIVE"], Statement::Begin)
        }
        b"COMMIT" | b"END" => words.rest_is(&[b"TRANSACTION"], Statement::Commit),
        b"PRAGMA" | b"ANALYZE" => Ok(Statement::Other),
        b"INSERT" => insert(&mut words),
        b"DELETE" => {
            words.expect("FROM")?;
            let Some(relation) = words.relation()? else { return Ok(Statement::Other) };
            let conditions = words.conditions()?;
            Ok(Statement::Change(relation, Change::Delete { conditions }))
        }
        b"UPDATE" => {
            let Some(relation) = words.relation()? else { return Ok(Statement::Other) };
            words.expect("SET")?;
            let mut values = Vec::new();
            loop {
                let column = words.name()?;
                words.mark(b'=')?;
                values.push((column, words.value()?));
                if !words.has(b',') {
                    break;
                }
            }
            let conditions = words.conditions()?;
            Ok(Statement::Change(relation, Change::Update { values, conditions }))
        }
        _ => Err((0, "a statement that deltas do not have".to_owned())),
    }
}

fn insert(words: &mut Words<'_>) -> Result<Statement, Refusal> {
    let is_conditional = words.has_keyword("OR");
    if is_conditional && !words.has_keyword("IGNORE") && !words.has_keyword("REPLACE") {
        return words.refuse("IGNORE or REPLACE is expected");
    }
    words.expect("INTO")?;
    let at = words.at;
    let Some(relation) = words.relation()? else { return Ok(Statement::Other) };
    if is_conditional && relation == Relation::Metadata {
        return Err((at, "INSERT OR into METADATA, whose key is not known".to_owned()));
    }
    let mut columns = None;
    if words.has(b'(') {
        let mut names = Vec::new();
        loop {
            names.push(words.name()?);
            if !words.has(b',') {
                break;
            }
        }
        words.mark(b')')?;
        columns = Some(names);
    }
    words.expect("VALUES")?;
    let mut groups = Groups::default();
    loop {
        words.blanks();
        groups.places.push(words.at);
        words.mark(b'(')?;
        let mut cells = Vec::new();
        loop {
            cells.push(words.value()?);
            if !words.has(b',') {
                break;
            }
        }
        words.mark(b')')?;
        groups.cells.push(cells);
        if !words.has(b',') {
            break;
        }
    }
    words.end()?;
    Ok(Statement::Change(relation, Change::Insert { columns, groups }))
}

/// A statement being read, front to back.
struct Words<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Words<'t> {
    fn refuse<T>(&self, detail: &str) -> Result<T, Refusal> {
        Err((self.at, detail.to_owned()))
    }

    fn blanks(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_ascii_start().len();
    }

    fn peek(&mut self) -> Option<u8> {
        self.blanks();
        self.text.get(self.at).copied()
    }

    /// A run of letters, digits and underscores, maybe none.
    fn keyword(&mut self) -> &'t [u8] {
        self.blanks();
        let rest = &self.text[self.at..];
        let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        self.at += length;
        &rest[..length]
    }

    fn has_keyword(&mut self, keyword: &str) -> bool {
        let before = self.at;
        let is_there = self.keyword().eq_ignore_ascii_case(keyword.as_bytes());
        if !is_there {
            self.at = before;
        }
        is_there
    }

    fn expect(&mut self, keyword: &str) -> Result<(), Refusal> {
        if self.has_keyword(keyword) { Ok(()) } else { self.refuse(&format!("{keyword} is expected")) }
    }

    fn has(&mut self, mark: u8) -> bool {
        let is_there = self.peek() == Some(mark);
        self.at += usize::from(is_there);
        is_there
    }

    fn mark(&mut self, mark: u8) -> Result<(), Refusal> {
        if self.has(mark) { Ok(()) } else { self.refuse(&format!("{:?} is expected", char::from(mark))) }
    }

    fn end(&mut self) -> Result<(), Refusal> {
        if self.peek().is_none() { Ok(()) } else { self.refuse("the statement goes on as deltas do not") }
    }

    fn rest_is(&mut self, allowed: &[&[u8]], statement: Statement) -> Result<Statement, Refusal> {
        while self.peek().is_some() {
            let word = self.keyword().to_ascii_uppercase();
            if !allowed.contains(&word.as_slice()) {
                return self.refuse("the statement goes on as deltas do not");
            }
        }
        Ok(statement)
    }

    /// A name, bare or in quotation marks, in lower case.
    fn name(&mut self) -> Result<String, Refusal> {
        let name = match self.peek() {
            Some(b'"') => self.quoted(b'"')?,
            Some(b'`') => self.quoted(b'`')?,
            Some(b'[') => self.quoted(b']')?,
            _ => self.keyword().to_vec(),
        };
        match String::from_utf8(name) {
            Ok(name) if !name.is_empty() => Ok(name.to_ascii_lowercase()),
            _ => self.refuse("a name is expected"),
        }
    }

    /// A table; `None` when it is not one that has files.
    fn relation(&mut self) -> Result<Option<Relation>, Refusal> {
        let mut name = self.name()?;
        if self.has(b'.') {
            if name != "main" {
                return self.refuse("a table of another database");
            }
            name = self.name()?;
        }
        Ok(Relation::of(name.as_bytes()))
    }

    /// `WHERE column = value AND ...`, to the end of the statement.
    fn conditions(&mut self) -> Result<Vec<(String, Cell)>, Refusal> {
        self.expect("WHERE")?;
        let mut conditions = Vec::new();
        loop {
            let column = self.name()?;
            let is = self.has_keyword("IS");
            if !is {
                self.mark(b'=')?;
                // SQL has `==`, too.
                self.has(b'=');
            }
            let value = self.value()?;
            if value == Cell::Null && !is {
                return self.refuse("= NULL is never true");
            }
            conditions.push((column, value));
            if !self.has_keyword("AND") {
                break;
            }
        }
        self.end()?;
        Ok(conditions)
    }

    fn value(&mut self) -> Result<Cell, Refusal> {
        match self.peek() {
            Some(b'\'') => Ok(Cell::Text(self.quoted(b'\'')?)),
            Some(b'x' | b'X') if self.text.get(self.at + 1) == Some(&b'\'') => {
                self.at += 1;
                let digits = self.quoted(b'\'')?;
                bytes(&digits)
                    .map_or_else(|| self.refuse("a blob has bad digits"), |bytes| Ok(Cell::Blob(bytes)))
            }
            Some(b'0'..=b'9' | b'-' | b'+' | b'.') => self.number(),
            _ if self.has_keyword("NULL") => Ok(Cell::Null),
            _ => self.refuse("a text in quotation marks, a number or NULL is expected"),
        }
    }

    fn number(&mut self) -> Result<Cell, Refusal> {
        let rest = &self.text[self.at..];
        let is_part = |byte: &&u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
        let length = rest.iter().take_while(is_part).count();
        let text = std::str::from_utf8(&rest[..length]).unwrap_or_default();
        let cell = text.parse().map(Cell::Integer).or_else(|_| text.parse().map(Cell::Real));
        match cell {
            Ok(cell) => {
                self.at += length;
                Ok(cell)
            }
            Err(_) => self.refuse("a number is expected"),
        }
    }

    /// What stands in quotation marks, where a doubled closing mark is one.
    fn quoted(&mut self, end: u8) -> Result<Vec<u8>, Refusal> {
        let mut quoted = Vec::new();
        let mut at = self.at + 1;
        loop {
            let Some(length) = memchr::memchr(end, &self.text[at..]) else {
                return self.refuse("a quotation mark is missing");
            };
            quoted.extend_from_slice(&self.text[at..at + length]);
            at += length + 1;
            if end == b']' || self.text.get(at) != Some(&end) {
                break;
            }
            quoted.push(end);
            at += 1;
        }
        self.at = at;
        Ok(quoted)
    }
}

/// The bytes of hexadecimal digits.
fn bytes(digits: &[u8]) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    pairs.iter().map(|pair| Some((digit(pair[0])? * 16 + digit(pair[1])?) as u8)).collect()
}
