//! Taking files into a store.
//!
//! ```text
//! an entry comes    not known            it is new
//!                   known, newer         nothing
//!                   known, the same      nothing, but that its time is the one that was said last
//!                   known, or deleted    the old state ends, the new one is an entry of this file and row
//! a deletion comes  known, newer         nothing
//!                   otherwise            the entry ends; the deletion is remembered if it says when
//! ```
//!
//! What ends goes to `retired` if the base has it. What comes leaves `retired` if the base has that very entry.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use lykta_list::{Deletion, Entry, Label, Row, Tally};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use crate::content;
use crate::entries::display_name;
use crate::error::Error;
use crate::file::{FileDescription, FileId, ListDescription};
use crate::{place, store};

/// Labels whose numbers are kept in memory.
const LABELS: usize = 1 << 16;

/// Files being taken into a store, all or none. Dropped without [`Transaction::commit`], nothing has happened.
pub struct Transaction<'s> {
    sql: rusqlite::Transaction<'s>,
    is_unfinished: &'s mut bool,
    has_base: bool,
    /// Whether its files are the whole list.
    is_whole: bool,
    files: BTreeSet<FileId>,
    labels: HashMap<Arc<Label>, i64>,
    committed: Committed,
    /// A change that was half done when an error came.
    has_failed: bool,
    content: Vec<u8>,
    scratch: Vec<u8>,
}

/// What a transaction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Entries that were deleted, or that the whole list does not name.
    pub ended: u64,
    /// Deletions of entries that were not there.
    pub deleted_nothing: u64,
}

/// What is known under an identity.
struct Known {
    /// The entry; `None` when it is deleted.
    living: Option<Living>,
    changed: Option<i64>,
}

struct Living {
    number: i64,
    shown: String,
    is_same: bool,
}

impl<'s> Transaction<'s> {
    pub(crate) fn begin(
        connection: &'s mut Connection,
        is_unfinished: &'s mut bool,
        has_base: bool,
        is_whole: bool,
    ) -> Result<Self, Error> {
        let sql = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
        Ok(Self {
            sql,
            is_unfinished,
            has_base,
            is_whole,
            files: BTreeSet::new(),
            labels: HashMap::new(),
            committed: Committed::default(),
            has_failed: false,
            content: Vec::new(),
            scratch: Vec::new(),
        })
    }

    /// Says what the list is: once, but that a list without entries may still become an ignore list or another,
    /// and an ignore list may become one that classifies entries.
    ///
    /// # Errors
    /// [`Error::Named`] and [`Error::Role`], when it is another list; and when the store cannot be written.
    pub fn describe_list(&mut self, list: &ListDescription) -> Result<(), Error> {
        if let Some(before) = store::list_of(&self.sql)? {
            if before.name != list.name {
                return Err(Error::Named { name: before.name });
            }
            let has_entries: bool =
                self.sql.query_row("SELECT EXISTS (SELECT 1 FROM entry)", [], |row| row.get(0))?;
            if has_entries && before.is_ignore != list.is_ignore {
                return Err(Error::Role { is_ignore: before.is_ignore });
            }
        }
        let update = "UPDATE state SET list = ?1, is_ignore = ?2, ignore_classified = ?3";
        self.sql.execute(update, (&list.name, list.is_ignore, list.ignore_classified))?;
        Ok(())
    }

    /// Says from which file the next rows are. One of the same name, format and SHA-256 as a file before is
    /// that file.
    ///
    /// # Errors
    /// [`Error::TooManyFiles`], and when the store cannot be written.
    pub fn add_file(&mut self, file: &FileDescription) -> Result<FileId, Error> {
        let known = "SELECT id FROM file WHERE sha256 = ?1 AND name = ?2 AND format = ?3";
        let format = file.format.name();
        let mut statement = self.sql.prepare_cached(known)?;
        let before = statement.query_row((&file.sha256, &file.name, format), |row| row.get(0)).optional()?;
        let id = match before {
            Some(id) => id,
            None => {
                let next: i64 =
                    self.sql.query_row("SELECT coalesce(max(id), 0) + 1 FROM file", [], |row| row.get(0))?;
                if next > place::MOST_FILES {
                    return Err(Error::TooManyFiles(place::MOST_FILES));
                }
                let insert = "INSERT INTO file (id, name, format, version, sha256, bytes)
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
                let bytes = file.bytes.cast_signed();
                self.sql.execute(insert, (next, &file.name, format, &file.version, &file.sha256, bytes))?;
                next
            }
        };
        self.files.insert(FileId(id));
        Ok(FileId(id))
    }

    /// Takes a row of a file. A rejected one says nothing.
    ///
    /// # Errors
    /// [`Error::NoSuchFile`], when the file was not added to this transaction; [`Error::Row`], when the row's
    /// number cannot be kept; and when the store cannot be written. After the last two this transaction cannot be
    /// committed.
    pub fn apply(&mut self, file: FileId, row: &Row) -> Result<(), Error> {
        if !self.files.contains(&file) {
            return Err(Error::NoSuchFile);
        }
        let applied = match row {
            Row::Accepted(entry) => self.accept(file, entry),
            Row::Deleted(deletion) => self.delete(deletion),
            Row::Rejected(_) => return Ok(()),
        };
        self.has_failed |= applied.is_err();
        applied
    }

    /// Keeps what became of the rows of a file, its version if that was known only after reading it, and why it
    /// is not complete if it is not.
    ///
    /// # Errors
    /// [`Error::NoSuchFile`], and when the store cannot be written.
    pub fn finish_file(
        &mut self,
        file: FileId,
        version: Option<&str>,
        cut_short: Option<&str>,
        tally: &Tally,
    ) -> Result<(), Error> {
        if !self.files.contains(&file) {
            return Err(Error::NoSuchFile);
        }
        let update =
            "UPDATE file SET version = coalesce(?2, version), rows = ?3, accepted = ?4, deleted = ?5,
            photodna = ?6, cut_short = ?7 WHERE id = ?1";
        let counts = [tally.rows, tally.accepted, tally.deleted, tally.photodna].map(u64::cast_signed);
        let [rows, accepted, deleted, photodna] = counts;
        self.sql.execute(update, (file.0, version, rows, accepted, deleted, photodna, cut_short))?;
        self.sql.execute("DELETE FROM reason WHERE file = ?1", [file.0])?;
        for (is_rejected, counts) in [(true, &tally.rejected), (false, &tally.dropped)] {
            for (reason, count) in counts {
                let insert = "INSERT INTO reason VALUES (?1, ?2, ?3, ?4)";
                self.sql.execute(insert, (file.0, is_rejected, reason.name(), count.cast_signed()))?;
            }
        }
        Ok(())
    }

    /// Makes it happen: when this returns it is on the disk. After a whole list no file from before counts as cut
    /// short.
    ///
    /// # Errors
    /// When the store cannot be written; [`Error::Unfinished`], when a row before could not be. Nothing has
    /// happened then.
    pub fn commit(mut self) -> Result<Committed, Error> {
        if self.has_failed {
            return Err(Error::Unfinished);
        }
        if self.is_whole {
            self.end_unseen()?;
            self.complete_others()?;
        }
        self.sql.commit()?;
        *self.is_unfinished = false;
        Ok(self.committed)
    }

    fn accept(&mut self, file: FileId, entry: &Entry) -> Result<(), Error> {
        let number = place::number(file, entry.row)?;
        let mut content = std::mem::take(&mut self.content);
        content.clear();
        content::encode(entry, &mut content);
        let identity = match &entry.key {
            Some(key) => content::identity_of_key(key),
            None => {
                let (name, label) = (entry.name.as_deref(), entry.label.as_deref());
                content::identity_of_content(&content, name, label, &mut self.scratch)
            }
        };
        let accepted = self.accept_as(&identity, number, entry, &content);
        self.content = content;
        accepted
    }

    fn accept_as(
        &mut self,
        identity: &[u8; 32],
        number: i64,
        entry: &Entry,
        content: &[u8],
    ) -> Result<(), Error> {
        // Most rows of most lists are new: one way down the tree for them.
        let new = "INSERT INTO known (identity, entry) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        if self.change(new, (identity, number))? == 1 {
            let placed = self.put(number, entry, content)?;
            if placed != number {
                self.change("UPDATE known SET entry = ?2 WHERE identity = ?1", (identity, placed))?;
            }
            return self.see(placed);
        }
        let label = self.label(entry)?;
        let known = self.known(identity, Some((entry, content, label)))?;
        let is_older = entry.key.is_some() && is_older(entry.changed, known.changed);
        let number = match known.living {
            Some(living) if is_older => living.number,
            None if is_older => return Ok(()),
            Some(living) if !living.is_same && entry.key.is_none() => {
                return Err(Error::damaged(format!("entry {} is not what it was", living.number)));
            }
            None if entry.key.is_none() => return Err(Error::damaged("an entry without a key is deleted")),
            Some(living) if living.is_same => {
                if entry.key.is_some() && entry.changed != known.changed {
                    self.change_time(living.number, entry, content)?;
                }
                living.number
            }
            living => {
                if let Some(living) = living {
                    self.end(&living)?;
                }
                let placed = self.put(number, entry, content)?;
                let update = "UPDATE known SET entry = ?2, changed = NULL WHERE identity = ?1";
                self.change(update, (identity, placed))?;
                placed
            }
        };
        self.see(number)
    }

    fn delete(&mut self, deletion: &Deletion) -> Result<(), Error> {
        let identity = content::identity_of_key(&deletion.key);
        if let Some(changed) = deletion.changed {
            let new = "INSERT INTO known (identity, changed) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
            if self.change(new, (&identity, changed))? == 1 {
                self.committed.deleted_nothing += 1;
                return Ok(());
            }
        } else if !self.is_known(&identity)? {
            self.committed.deleted_nothing += 1;
            return Ok(());
        }
        let known = self.known(&identity, None)?;
        self.committed.deleted_nothing += u64::from(known.living.is_none());
        if is_older(deletion.changed, known.changed) {
            return Ok(());
        }
        if let Some(living) = known.living {
            self.end(&living)?;
            self.committed.ended += 1;
        }
        match deletion.changed {
            Some(changed) => {
                let update = "UPDATE known SET entry = NULL, changed = ?2 WHERE identity = ?1";
                self.change(update, (&identity, changed))?;
            }
            None => {
                self.change("DELETE FROM known WHERE identity = ?1", [&identity])?;
            }
        }
        Ok(())
    }

    /// Puts an entry at its number, or one of the next when another of the same row is there, and returns which.
    fn put(&mut self, number: i64, entry: &Entry, content: &[u8]) -> Result<i64, Error> {
        let label = self.label(entry)?;
        let (unit, position) = content::position_parts(entry.position);
        for placed in number..number + place::TWINS {
            let insert = "INSERT INTO entry VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                ON CONFLICT DO NOTHING";
            let checksum = content::checksum(placed, entry, content);
            let values = (placed, &entry.name, content, label, unit, position, entry.changed, checksum);
            if self.change(insert, values)? == 1 {
                self.came(placed, entry, content, label)?;
                return Ok(placed);
            }
        }
        Err(Error::Row { row: entry.row })
    }

    /// Keeps in mind that the base has not this entry, unless it has.
    fn came(&self, number: i64, entry: &Entry, content: &[u8], label: Option<i64>) -> Result<(), Error> {
        if !self.has_base {
            return Ok(());
        }
        let same = "DELETE FROM retired WHERE id = ?1 AND shown = ?2 AND content = ?3 AND label IS ?4";
        if self.change(same, (number, display_name(entry), content, label))? == 0 {
            self.change("INSERT INTO added VALUES (?1)", [number])?;
        }
        Ok(())
    }

    /// Keeps when an entry that says the same as `entry` was said last.
    fn change_time(&self, number: i64, entry: &Entry, content: &[u8]) -> Result<(), Error> {
        let sql = "SELECT unit, position FROM entry WHERE id = ?1";
        let (unit, position) =
            self.sql.prepare_cached(sql)?.query_row([number], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let entry = Entry { position: content::position(unit, position)?, ..entry.clone() };
        let checksum = content::checksum(number, &entry, content);
        let update = "UPDATE entry SET changed = ?2, checksum = ?3 WHERE id = ?1";
        self.change(update, (number, entry.changed, checksum))?;
        Ok(())
    }

    /// Ends an entry.
    fn end(&self, living: &Living) -> Result<(), Error> {
        if self.has_base && self.change("DELETE FROM added WHERE id = ?1", [living.number])? == 0 {
            let retire = "INSERT INTO retired SELECT id, ?2, content, label FROM entry WHERE id = ?1";
            self.change(retire, (living.number, &living.shown))?;
        }
        self.change("DELETE FROM entry WHERE id = ?1", [living.number])?;
        Ok(())
    }

    /// Ends what the whole list does not name. What is remembered of deletions stays.
    fn end_unseen(&mut self) -> Result<(), Error> {
        if self.has_base {
            let retire = format!(
                "INSERT INTO retired SELECT id, coalesce(name, 'row ' || {}), content, label FROM entry
                 WHERE id NOT IN (SELECT id FROM seen) AND id NOT IN (SELECT id FROM added)",
                place::ROW_IN_SQL
            );
            self.sql.execute(&retire, [])?;
            self.sql.execute("DELETE FROM added WHERE id NOT IN (SELECT id FROM seen)", [])?;
        }
        let ended = self.sql.execute("DELETE FROM entry WHERE id NOT IN (SELECT id FROM seen)", [])?;
        self.committed.ended += ended as u64;
        let forget = "DELETE FROM known WHERE entry IS NOT NULL AND entry NOT IN (SELECT id FROM seen)";
        self.sql.execute(forget, [])?;
        self.sql.execute("DELETE FROM seen", [])?;
        Ok(())
    }

    /// What files before lacked does not matter to a whole list.
    fn complete_others(&self) -> Result<(), Error> {
        let mut statement = self.sql.prepare("SELECT id FROM file WHERE cut_short IS NOT NULL")?;
        let cut = statement.query_map([], |row| row.get(0).map(FileId))?.collect::<Result<Vec<_>, _>>()?;
        for file in cut.into_iter().filter(|file| !self.files.contains(file)) {
            self.change("UPDATE file SET cut_short = NULL WHERE id = ?1", [file.0])?;
        }
        Ok(())
    }

    /// Keeps in mind that the whole list names this entry.
    fn see(&self, number: i64) -> Result<(), Error> {
        if self.is_whole {
            self.change("INSERT INTO seen VALUES (?1) ON CONFLICT DO NOTHING", [number])?;
        }
        Ok(())
    }

    fn is_known(&self, identity: &[u8; 32]) -> Result<bool, Error> {
        let mut statement = self.sql.prepare_cached("SELECT 1 FROM known WHERE identity = ?1")?;
        Ok(statement.exists([identity])?)
    }

    /// What is known under an identity that is there, and whether the entry says the same as `other`.
    fn known(
        &self,
        identity: &[u8; 32],
        other: Option<(&Entry, &[u8], Option<i64>)>,
    ) -> Result<Known, Error> {
        let sql = "SELECT k.entry, k.changed, e.changed, e.name, e.content, e.label
            FROM known k LEFT JOIN entry e ON e.id = k.entry WHERE k.identity = ?1";
        let mut statement = self.sql.prepare_cached(sql)?;
        let mut rows = statement.query([identity])?;
        let row = rows.next()?.ok_or_else(|| Error::damaged("what was known is not"))?;
        let Some(number) = row.get::<_, Option<i64>>(0)? else {
            return Ok(Known { living: None, changed: row.get(1)? });
        };
        let name: Option<String> = row.get(3)?;
        let content = row.get_ref(4)?.as_blob().map_err(|_| Error::damaged("an entry is missing"))?;
        let label: Option<i64> = row.get(5)?;
        let is_same = other.is_some_and(|(entry, other_content, other_label)| {
            name == entry.name && content == other_content && label == other_label
        });
        let shown = name.unwrap_or_else(|| format!("row {}", place::parts(number).1));
        Ok(Known { living: Some(Living { number, shown, is_same }), changed: row.get(2)? })
    }

    /// The number of an entry's label.
    fn label(&mut self, entry: &Entry) -> Result<Option<i64>, Error> {
        let Some(label) = &entry.label else { return Ok(None) };
        if let Some(number) = self.labels.get(label) {
            return Ok(Some(*number));
        }
        let Label { scheme, version, code, series, victim_identified } = &**label;
        let values = (scheme, version, code, series, victim_identified);
        let insert = "INSERT INTO label (scheme, version, code, series, victim_identified)
            VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
        self.change(insert, values)?;
        let find = "SELECT id FROM label WHERE scheme = ?1 AND version = ?2 AND code = ?3 AND series = ?4
            AND victim_identified = ?5";
        let number = self.sql.prepare_cached(find)?.query_row(values, |row| row.get(0))?;
        if self.labels.len() >= LABELS {
            self.labels.clear();
        }
        self.labels.insert(Arc::clone(label), number);
        Ok(Some(number))
    }

    /// Runs a statement that is run again and again, and returns how many rows it changed.
    fn change(&self, sql: &str, values: impl rusqlite::Params) -> Result<usize, Error> {
        Ok(self.sql.prepare_cached(sql)?.execute(values)?)
    }
}

/// Whether a state that comes is older than the one that is there, as far as both say when they were made.
fn is_older(coming: Option<i64>, present: Option<i64>) -> bool {
    matches!((coming, present), (Some(coming), Some(present)) if coming < present)
}
