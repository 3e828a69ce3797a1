//! Entries as they come out of a store, in order and a page at a time, so that memory stays bounded.

use std::borrow::Cow;
use std::sync::Arc;

use lykta_list::{Entry, Label};
use rusqlite::{Connection, Row};

use crate::content;
use crate::error::Error;
use crate::file::FileId;
use crate::place;

/// Entries or names that are read at a time.
const PAGE: usize = 256;

/// An entry, and the file whose row it is.
///
/// It is as the list had it, apart from `key` and `dropped`, which are empty: of a key only its digest is kept,
/// and what was dropped is a matter of the report that came with the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// The file.
    pub file: FileId,
    /// The entry.
    pub entry: Entry,
}

/// What results call an entry: its name, else `row N`.
pub fn display_name(entry: &Entry) -> Cow<'_, str> {
    match &entry.name {
        Some(name) => Cow::Borrowed(name),
        None => Cow::Owned(format!("row {}", entry.row)),
    }
}

/// Entries in order of files, and within a file of rows. After an error there are no more.
pub struct Entries<'s> {
    pages: Pages<'s, i64, StoredEntry>,
}

impl<'s> Entries<'s> {
    /// Every entry that counts.
    pub(crate) fn all(connection: &'s Connection) -> Self {
        const SQL: &str = "SELECT e.id, e.name, e.content, e.unit, e.position, e.changed, e.label,
                l.scheme, l.version, l.code, l.series, l.victim_identified, e.checksum
            FROM entry e LEFT JOIN label l ON l.id = e.label WHERE e.id > ?1 ORDER BY e.id LIMIT ?2";
        Self { pages: Pages::new(connection, SQL, i64::MIN, entry) }
    }

    /// Those whose numbers are in the table `again`.
    fn again(connection: &'s Connection) -> Self {
        const SQL: &str = "SELECT a.id, e.name, e.content, e.unit, e.position, e.changed, e.label,
                l.scheme, l.version, l.code, l.series, l.victim_identified, e.checksum
            FROM temp.again a LEFT JOIN entry e ON e.id = a.id LEFT JOIN label l ON l.id = e.label
            WHERE a.id > ?1 ORDER BY a.id LIMIT ?2";
        Self { pages: Pages::new(connection, SQL, i64::MIN, entry) }
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<StoredEntry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.pages.next()
    }
}

/// What has to be added to the base index, and what has to be taken from it, to have what counts now.
pub struct Additions<'s> {
    connection: &'s Connection,
    has_base: bool,
}

impl<'s> Additions<'s> {
    /// Finds the entries to give again. O(additions), and O(entries) when there are retractions: some other
    /// entry may have the same name.
    pub(crate) fn find(connection: &'s Connection, has_base: bool) -> Result<Self, Error> {
        connection.execute_batch("DELETE FROM temp.again; DELETE FROM temp.retraction;")?;
        if has_base {
            connection.execute("INSERT INTO temp.again SELECT id FROM added", [])?;
            // Sorted once here: an index kept with every change costs more than all else of a change.
            let sort = "INSERT INTO temp.retraction SELECT DISTINCT shown FROM retired ORDER BY shown";
            if connection.execute(sort, [])? > 0 {
                let row = place::ROW_IN_SQL;
                let sql = format!(
                    "INSERT OR IGNORE INTO temp.again SELECT id FROM entry
                     WHERE coalesce(name, 'row ' || {row}) IN (SELECT shown FROM temp.retraction)"
                );
                connection.execute(&sql, [])?;
            }
        }
        Ok(Self { connection, has_base })
    }

    /// The names of entries of the base index that count no longer as they are there, each once, in order of
    /// their bytes. Such a name takes every entry of the list that has it.
    pub fn retractions(&self) -> Retractions<'s> {
        const SQL: &str = "SELECT shown FROM temp.retraction WHERE shown > ?1 ORDER BY shown LIMIT ?2";
        // No name comes before the empty one, which is a name, too.
        const FIRST: &str = "SELECT shown FROM temp.retraction WHERE shown >= ?1 ORDER BY shown LIMIT ?2";
        let name = |row: &Row<'_>| {
            let name: String = row.get(0)?;
            Ok((name.clone(), name))
        };
        let pages = Pages { sql: FIRST, ..Pages::new(self.connection, SQL, String::new(), name) };
        Retractions { pages }
    }

    /// The entries to add, in order of files and rows: those that the base has not, and those that it has and
    /// whose name is among the retractions.
    pub fn entries(&self) -> Entries<'s> {
        if self.has_base { Entries::again(self.connection) } else { Entries::all(self.connection) }
    }
}

/// Names, in order. After an error there are no more.
pub struct Retractions<'s> {
    pages: Pages<'s, String, String>,
}

impl Iterator for Retractions<'_> {
    type Item = Result<String, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.pages.next()
    }
}

/// What a statement gives, read in pages, each beginning after the last key of the one before.
struct Pages<'s, K, T> {
    connection: &'s Connection,
    /// The statement for the next page.
    sql: &'static str,
    /// The one for those after it.
    sql_then: &'static str,
    last: K,
    read: fn(&Row<'_>) -> Result<(K, T), Error>,
    page: std::vec::IntoIter<T>,
    is_at_end: bool,
}

impl<'s, K: rusqlite::ToSql, T> Pages<'s, K, T> {
    fn new(
        connection: &'s Connection,
        sql: &'static str,
        last: K,
        read: fn(&Row<'_>) -> Result<(K, T), Error>,
    ) -> Self {
        Self { connection, sql, sql_then: sql, last, read, page: Vec::new().into_iter(), is_at_end: false }
    }

    fn next(&mut self) -> Option<Result<T, Error>> {
        if self.page.as_slice().is_empty() && !self.is_at_end {
            match self.next_page() {
                Ok(page) => {
                    self.is_at_end = page.len() < PAGE;
                    self.page = page.into_iter();
                }
                Err(error) => {
                    self.is_at_end = true;
                    return Some(Err(error));
                }
            }
        }
        self.page.next().map(Ok)
    }

    fn next_page(&mut self) -> Result<Vec<T>, Error> {
        let mut statement = self.connection.prepare_cached(self.sql)?;
        self.sql = self.sql_then;
        let mut rows = statement.query((&self.last, PAGE as i64))?;
        let mut page = Vec::with_capacity(PAGE);
        while let Some(row) = rows.next()? {
            let (key, item) = (self.read)(row)?;
            page.push(item);
            self.last = key;
        }
        Ok(page)
    }
}

fn entry(row: &Row<'_>) -> Result<(i64, StoredEntry), Error> {
    let number: i64 = row.get(0)?;
    let (file, line) = place::parts(number);
    let mut entry = Entry {
        row: line,
        name: row.get(1)?,
        position: content::position(row.get(3)?, row.get(4)?)?,
        changed: row.get(5)?,
        ..Entry::default()
    };
    let content = row.get_ref(2)?.as_blob().map_err(|error| Error::damaged(error.to_string()))?;
    content::decode(content, &mut entry)?;
    if row.get::<_, Option<i64>>(6)?.is_some() {
        entry.label = Some(Arc::new(Label {
            scheme: row.get(7)?,
            version: row.get(8)?,
            code: row.get(9)?,
            series: row.get(10)?,
            victim_identified: row.get(11)?,
        }));
    }
    if content::checksum(number, &entry, content) != row.get::<_, i64>(12)? {
        return Err(Error::damaged("an entry is not what it was"));
    }
    Ok((number, StoredEntry { file, entry }))
}
