//! The store as a whole.

use std::path::Path;

use lykta_list::{Reason, Tally};
use rusqlite::{Connection, Row};
use tempfile::TempPath;

use crate::entries::{Additions, Entries};
use crate::error::Error;
use crate::file::{FileDescription, FileId, ListDescription, StoredFile};
use crate::schema;
use crate::transaction::Transaction;

/// The entries of one list, kept across its deliveries. Memory is bounded, some 64 MiB, whatever its size.
pub struct Store {
    connection: Connection,
    /// Whether there is no way back: a temporary store keeps no journal.
    is_temporary: bool,
    /// Whether a transaction without a way back was begun and not committed.
    is_unfinished: bool,
    /// The file of a temporary store, where a file that is open cannot be without a name.
    _path: Option<TempPath>,
}

impl Store {
    /// Opens the store at `path`, or makes one there, readable for its owner alone. It is locked until dropped:
    /// two processes cannot mix what they do. What a killed one has left half done is undone here.
    ///
    /// # Errors
    /// [`Error::Busy`], when another has it open; [`Error::NotAStore`], when the file is something else;
    /// [`Error::Version`]; and when it cannot be read or made.
    pub fn open_or_create(path: &Path) -> Result<Self, Error> {
        let connection = schema::open_or_create(path)?;
        Ok(Self { connection, is_temporary: false, is_unfinished: false, _path: None })
    }

    /// A store that ends with this value, in a file in `folder`: for a list that deletes and changes its own
    /// entries and is made into an index at once. It is faster, since nothing need outlive a kill; but when a
    /// transaction fails or is dropped, the store is of no more use.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn temporary(folder: &Path) -> Result<Self, Error> {
        let (connection, path) = schema::temporary(folder)?;
        Ok(Self { connection, is_temporary: true, is_unfinished: false, _path: path })
    }

    /// Begins to take files that say what is new, what has changed, and what counts no longer.
    ///
    /// # Errors
    /// When the store cannot be read; [`Error::Unfinished`].
    pub fn begin(&mut self) -> Result<Transaction<'_>, Error> {
        self.transaction(false)
    }

    /// Begins to take files that are the whole list: what none of them names counts no longer when they are
    /// committed. An older state of an entry than the one in the store does not hold here either, but keeps the
    /// newer one in the list.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub fn begin_whole(&mut self) -> Result<Transaction<'_>, Error> {
        self.transaction(true)
    }

    fn transaction(&mut self, is_whole: bool) -> Result<Transaction<'_>, Error> {
        self.check()?;
        let has_base = self.has_base()?;
        self.is_unfinished = self.is_temporary;
        Transaction::begin(&mut self.connection, &mut self.is_unfinished, has_base, is_whole)
    }

    /// Every entry that counts, in order of files (as they were added first) and rows.
    ///
    /// # Errors
    /// [`Error::Unfinished`]. Errors of reading come with the entries.
    pub fn all(&self) -> Result<Entries<'_>, Error> {
        self.check()?;
        Ok(Entries::all(&self.connection))
    }

    /// How many entries count. O(entries).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn count(&self) -> Result<u64, Error> {
        self.check()?;
        let count: i64 = self.connection.query_row("SELECT count(*) FROM entry", [], |row| row.get(0))?;
        Ok(count.cast_unsigned())
    }

    /// Compares the number of entries with what is known of them otherwise. Damage may take entries away without
    /// a trace where they are read, and what is gone would count no longer, so this comes before indexes are
    /// written. O(entries), in some third or sixth of the time that reading them takes.
    ///
    /// # Errors
    /// [`Error::Damaged`], when they differ; and when the store cannot be read.
    pub fn check_count(&self) -> Result<(), Error> {
        let there = self.count()?;
        let sql = "SELECT count(entry) FROM known";
        let known: i64 = self.connection.query_row(sql, [], |row| row.get(0))?;
        if there == known.cast_unsigned() {
            Ok(())
        } else {
            Err(Error::damaged(format!("it has {there} entries and knows of {known}")))
        }
    }

    /// What is to be added to the base index, and taken from it. Without a base that is everything, and nothing.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn additions(&mut self) -> Result<Additions<'_>, Error> {
        self.check()?;
        let has_base = self.has_base()?;
        Additions::find(&self.connection, has_base)
    }

    /// Whether there is a base.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn has_base(&self) -> Result<bool, Error> {
        match self.connection.query_row("SELECT has_base FROM state", [], |row| row.get::<_, i64>(0))? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Error::damaged("whether there is a base is neither yes nor no")),
        }
    }

    /// Says that an index of [`Store::all`] was written and is in its place: it is the base from now on. Whoever
    /// is killed between the two may say it again, or go on: additions to the old base are right for the new one,
    /// too, if only longer than they need be. `rules` is a digest of what codes mean in that index.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn mark_base(&mut self, rules: &[u8; 32]) -> Result<(), Error> {
        self.check()?;
        self.is_unfinished = self.is_temporary;
        let transaction = self.connection.transaction()?;
        transaction.execute_batch("DELETE FROM added; DELETE FROM retired;")?;
        transaction.execute("UPDATE state SET has_base = 1, rules = ?1", [rules])?;
        transaction.commit()?;
        self.is_unfinished = false;
        Ok(())
    }

    /// What the list is; `None` until [`Transaction::describe_list`].
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn list(&self) -> Result<Option<ListDescription>, Error> {
        list_of(&self.connection)
    }

    /// The digest of what codes mean in the base, as [`Store::mark_base`] was given it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn base_rules(&self) -> Result<Option<[u8; 32]>, Error> {
        Ok(self.connection.query_row("SELECT rules FROM state", [], |row| row.get(0))?)
    }

    /// The files that were added, in that order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn files(&self) -> Result<Vec<StoredFile>, Error> {
        self.check()?;
        let mut statement = self.connection.prepare(
            "SELECT id, name, format, version, sha256, bytes, rows, accepted, deleted, photodna, cut_short FROM file
             ORDER BY id",
        )?;
        let mut rows = statement.query([])?;
        let mut files = Vec::new();
        while let Some(row) = rows.next()? {
            files.push(self.file(row)?);
        }
        Ok(files)
    }

    fn file(&self, row: &Row<'_>) -> Result<StoredFile, Error> {
        let id: i64 = row.get(0)?;
        let format: String = row.get(2)?;
        let description = FileDescription {
            name: row.get(1)?,
            format: format.parse().map_err(|_| Error::damaged("a format of no known name"))?,
            version: row.get(3)?,
            sha256: row.get(4)?,
            bytes: row.get::<_, i64>(5)?.cast_unsigned(),
        };
        let tally = match row.get::<_, Option<i64>>(6)? {
            None => None,
            Some(rows) => {
                let mut tally = Tally {
                    rows: rows.cast_unsigned(),
                    accepted: row.get::<_, i64>(7)?.cast_unsigned(),
                    deleted: row.get::<_, i64>(8)?.cast_unsigned(),
                    photodna: row.get::<_, i64>(9)?.cast_unsigned(),
                    ..Tally::default()
                };
                self.read_reasons(id, &mut tally)?;
                Some(tally)
            }
        };
        Ok(StoredFile { id: FileId(id), description, cut_short: row.get(10)?, tally })
    }

    fn read_reasons(&self, file: i64, tally: &mut Tally) -> Result<(), Error> {
        let sql = "SELECT is_rejected, reason, count FROM reason WHERE file = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([file])?;
        while let Some(row) = rows.next()? {
            let name: String = row.get(1)?;
            let reason = Reason::ALL.into_iter().find(|reason| reason.name() == name);
            let reason = reason.ok_or_else(|| Error::damaged("a reason of no known name"))?;
            let counts = if row.get(0)? { &mut tally.rejected } else { &mut tally.dropped };
            counts.insert(reason, row.get::<_, i64>(2)?.cast_unsigned());
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Error> {
        if self.is_unfinished { Err(Error::Unfinished) } else { Ok(()) }
    }
}

pub(crate) fn list_of(connection: &Connection) -> Result<Option<ListDescription>, Error> {
    let sql = "SELECT list, is_ignore, ignore_classified FROM state";
    let (name, is_ignore, ignore_classified) = connection
        .query_row(sql, [], |row| Ok((row.get::<_, Option<String>>(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(name.map(|name| ListDescription { name, is_ignore, ignore_classified }))
}
