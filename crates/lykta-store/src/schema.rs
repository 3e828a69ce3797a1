//! The database of a store: made, told from others, and set up.
//!
//! The journal is a rollback journal, not a write-ahead log: most of what a store does is to take a long list
//! into new pages, and those are then written once, where a log would have them written twice. It also leaves no
//! files beside the store when nobody has it open.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::error::Error;

/// Says that a database is a store: `LySt`.
const APPLICATION: i64 = 0x4c79_5374;
/// The version of the tables.
const VERSION: i64 = 2;
/// Pages kept in memory, in KiB.
const CACHE: i64 = 64 << 10;

/// - `known`: what the store has heard of, by the digest of its key or else of its content. Without an entry it is
///   a deletion that is remembered with its time.
/// - `added`: entries that the base index does not have. Kept only when there is a base.
/// - `retired`: entries that the base index has and that count no longer, as they are there.
/// - `state`: one row. `rules` is the digest of what codes meant when the base was written.
/// - `seen`: entries that a whole list has named so far; empty but in such a transaction.
const TABLES: &str = "
CREATE TABLE file (id INTEGER PRIMARY KEY, name TEXT NOT NULL, format TEXT NOT NULL, version TEXT,
    sha256 BLOB NOT NULL, bytes INTEGER NOT NULL,
    cut_short TEXT, rows INTEGER, accepted INTEGER, deleted INTEGER, photodna INTEGER, UNIQUE (sha256, name, format)) STRICT;
CREATE TABLE reason (file INTEGER NOT NULL, is_rejected INTEGER NOT NULL, reason TEXT NOT NULL,
    count INTEGER NOT NULL, PRIMARY KEY (file, is_rejected, reason)) STRICT, WITHOUT ROWID;
CREATE TABLE label (id INTEGER PRIMARY KEY, scheme TEXT NOT NULL, version TEXT NOT NULL, code TEXT NOT NULL,
    series TEXT NOT NULL, victim_identified TEXT NOT NULL,
    UNIQUE (scheme, version, code, series, victim_identified)) STRICT;
CREATE TABLE entry (id INTEGER PRIMARY KEY, name TEXT, content BLOB NOT NULL, label INTEGER,
    unit INTEGER NOT NULL, position INTEGER NOT NULL, changed INTEGER, checksum INTEGER NOT NULL) STRICT;
CREATE TABLE known (identity BLOB PRIMARY KEY, entry INTEGER, changed INTEGER) STRICT, WITHOUT ROWID;
CREATE TABLE added (id INTEGER PRIMARY KEY) STRICT;
CREATE TABLE retired (id INTEGER PRIMARY KEY, shown TEXT NOT NULL, content BLOB NOT NULL, label INTEGER) STRICT;
CREATE TABLE seen (id INTEGER PRIMARY KEY) STRICT;
CREATE TABLE state (has_base INTEGER NOT NULL, rules BLOB, list TEXT, is_ignore INTEGER NOT NULL,
    ignore_classified INTEGER NOT NULL) STRICT;
INSERT INTO state VALUES (0, NULL, NULL, 0, 0);
";

/// Opens the store at `path`, or makes it, and locks it until the connection is closed.
pub(crate) fn open_or_create(path: &Path) -> Result<Connection, Error> {
    create_private(path)?;
    let connection = connect(path)?;
    // Nor may the journal be switched off, as in a temporary store it must.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.busy_timeout(std::time::Duration::ZERO)?;
    connection.execute_batch("PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=FULL;")?;
    // The lock stays after the transaction; with it nobody else can read or write.
    connection.execute_batch("BEGIN EXCLUSIVE")?;
    // What a kill left half made is empty again by now.
    if std::fs::metadata(path)?.len() == 0 {
        create(&connection)?;
    } else {
        check(&connection)?;
    }
    connection.execute_batch("COMMIT")?;
    settle(&connection)?;
    Ok(connection)
}

/// A store of no name in `folder`, which nobody will ever open again.
pub(crate) fn temporary(folder: &Path) -> Result<(Connection, Option<tempfile::TempPath>), Error> {
    let path = tempfile::NamedTempFile::new_in(folder)?.into_temp_path();
    let connection = connect(&path)?;
    connection.execute_batch(
        "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN EXCLUSIVE;",
    )?;
    create(&connection)?;
    connection.execute_batch("COMMIT")?;
    settle(&connection)?;
    // Without its name nothing is left of it, even by a kill. Windows keeps names of open files.
    let path = if cfg!(unix) {
        path.close()?;
        None
    } else {
        Some(path)
    };
    Ok((connection, path))
}

fn connect(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // A path that begins with `file:` would be taken for a URI.
    let path = std::path::absolute(path)?;
    let connection = Connection::open_with_flags(path, flags)?;
    for (setting, value) in [
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
    ] {
        connection.set_db_config(setting, value)?;
    }
    Ok(connection)
}

/// What holds for every store once it is open.
fn settle(connection: &Connection) -> Result<(), Error> {
    connection.set_prepared_statement_cache_capacity(32);
    connection.execute_batch(&format!(
        "PRAGMA cache_size=-{CACHE}; PRAGMA temp_store=FILE; PRAGMA mmap_size=0; PRAGMA cell_size_check=ON;
         CREATE TEMP TABLE again (id INTEGER PRIMARY KEY);
         CREATE TEMP TABLE retraction (shown TEXT PRIMARY KEY) WITHOUT ROWID;"
    ))?;
    Ok(())
}

/// Makes an empty file that the owner alone may read, unless there is one.
fn create_private(path: &Path) -> Result<(), Error> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(()),
    }
}

fn create(connection: &Connection) -> Result<(), Error> {
    connection.execute_batch(TABLES)?;
    connection
        .execute_batch(&format!("PRAGMA application_id={APPLICATION}; PRAGMA user_version={VERSION};"))?;
    Ok(())
}

fn check(connection: &Connection) -> Result<(), Error> {
    if number(connection, "PRAGMA application_id")? != APPLICATION {
        return Err(Error::NotAStore);
    }
    let found = number(connection, "PRAGMA user_version")?;
    if found != VERSION {
        return Err(Error::Version { found, expected: VERSION });
    }
    // Whatever else is in the schema, nobody put it there for good.
    if number(connection, "SELECT count(*) FROM sqlite_schema WHERE type IN ('view', 'trigger')")? != 0 {
        return Err(Error::damaged("it has views or triggers"));
    }
    Ok(())
}

fn number(connection: &Connection, sql: &str) -> Result<i64, Error> {
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}
