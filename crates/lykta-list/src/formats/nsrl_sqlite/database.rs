//! A database that somebody else made, opened so that it can do nothing but give rows.
//!
//! - It is opened read-only, is not mapped into memory, and its schema may call harmless functions only.
//! - An authorizer refuses whatever is not reading: a view is SQL of whoever made the file.
//! - A statement that works too long without giving a row is broken off.
//! - The length that its header gives is compared with that of the file, so that one cut short is told at once;
//!   other damage is found by SQLite when it reads the page.
//!
//! One kind of damage nobody finds: a page that counts fewer rows than it has gives fewer, without an error. The index
//! of the primary key has every row once more and could be counted, but it holds all columns and is as large as the
//! table: that would read half of a hundred gigabytes again, as `PRAGMA quick_check` would. In its zip archive a release
//! has a checksum, which finds this and all else, so docs/limits.md says that instead.

use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags, Statement};
use tempfile::TempPath;

use crate::error::Error;
use crate::format::Format;
use crate::input::Input;
use crate::lines::MAX_RECORD;
use crate::position::Position;

/// What every SQLite database begins with.
pub(crate) const MAGIC: &[u8] = b"SQLite format 3\0";
const HEADER: usize = 100;

/// Steps of SQLite's machine between looks at how many there were.
const STEPS_BETWEEN_LOOKS: i32 = 10_000;
/// Steps that a statement may take without giving a row, and how many more for each page of the database. A table
/// gives a row in a few dozen; an honest view may have to read the whole database first.
const STEPS: u64 = 100_000_000;
const STEPS_A_PAGE: u64 = 10_000;

/// Functions that a view may call: those that work on their arguments alone and cannot make them long.
const FUNCTIONS: [&str; 20] = [
    "abs",
    "coalesce",
    "count",
    "hex",
    "ifnull",
    "iif",
    "instr",
    "length",
    "like",
    "lower",
    "ltrim",
    "max",
    "min",
    "nullif",
    "rtrim",
    "substr",
    "substring",
    "trim",
    "typeof",
    "upper",
];

pub(crate) struct Database {
    connection: Connection,
    /// Bytes of the file.
    length: u64,
    /// Steps since the last row.
    steps: Arc<AtomicU64>,
    /// The copy, when it was not read where it is.
    _copy: Option<TempPath>,
}

impl Database {
    /// Opens the database that `input` is: where it is, when it is not compressed, and else a copy of it.
    /// `cancelled` breaks off what it does.
    pub(crate) fn open(mut input: Input<'_>, cancelled: Arc<AtomicBool>) -> Result<Self, Error> {
        let (path, copy) = match input.options.path.take() {
            Some(path) if !input.is_unpacked => (path, None),
            _ => {
                let copy = copy(&mut input).map_err(|source| Error::io(1, source))?;
                (copy.to_path_buf(), Some(copy))
            }
        };
        let header = Header::read(&path)?;
        header.check()?;
        if header.has_log && is_filled(&beside(&path, "-wal")) {
            let detail =
                "what was written last lies in the file beside it that ends in -wal: open it once with \
                          sqlite3 and say PRAGMA journal_mode=DELETE"
                    .to_owned();
            return Err(malformed(Position::Byte(18), detail));
        }
        // With a log SQLite would want to write files beside the database. Nobody else knows of a copy.
        let is_immutable = header.has_log || copy.is_some();
        let steps = Arc::new(AtomicU64::new(0));
        let most = STEPS.saturating_add(STEPS_A_PAGE.saturating_mul(header.pages()));
        let connection = connect(&path, is_immutable)
            .and_then(|connection| {
                guard(&connection)?;
                watch(&connection, Arc::clone(&steps), most, cancelled)?;
                Ok(connection)
            })
            .map_err(|error| refusal(Position::Byte(0), &error))?;
        Ok(Self { connection, length: header.length, steps, _copy: copy })
    }

    pub(crate) fn prepare(&self, sql: &str) -> Result<Statement<'_>, Error> {
        self.connection.prepare(sql).map_err(|error| refusal(Position::Record(0), &error))
    }

    /// Says that the statement has given a row.
    pub(crate) fn a_row_came(&self) {
        self.steps.store(0, Ordering::Relaxed);
    }

    /// More rows than this the file cannot have, since each takes more than a byte.
    pub(crate) fn most_rows(&self) -> u64 {
        self.length
    }
}

pub(crate) fn malformed(position: Position, detail: String) -> Error {
    Error::Malformed { format: Format::NsrlSqlite, position, detail }
}

/// The error of a list for one of SQLite.
pub(crate) fn refusal(position: Position, error: &rusqlite::Error) -> Error {
    let detail = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            format!("the database is damaged, get it again: {error}")
        }
        Some(ErrorCode::OperationInterrupted) => "it works and works and gives no row".to_owned(),
        Some(ErrorCode::AuthorizationForStatementDenied) => {
            format!("a view or table of it wants more than to be read: {error}")
        }
        Some(ErrorCode::TooBig) => format!("a value is longer than {MAX_RECORD} bytes"),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::DatabaseBusy) => {
            format!("it is open elsewhere or in the middle of a change: {error}")
        }
        _ => error.to_string(),
    };
    malformed(position, detail)
}

/// The bytes of the stream as a file of its own.
fn copy(input: &mut Input<'_>) -> Result<TempPath, std::io::Error> {
    let mut file = match &input.options.folder {
        Some(folder) => tempfile::NamedTempFile::new_in(folder)?,
        None => tempfile::NamedTempFile::new()?,
    };
    std::io::copy(&mut input.stream, file.as_file_mut())?;
    file.as_file_mut().flush()?;
    Ok(file.into_temp_path())
}

/// What the first bytes of the file say.
struct Header {
    bytes: Vec<u8>,
    /// Bytes of the file.
    length: u64,
    /// Whether changes go to a log beside the file.
    has_log: bool,
}

impl Header {
    fn read(path: &Path) -> Result<Self, Error> {
        let read = || {
            let mut file = std::fs::File::open(path)?;
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut std::io::Read::take(&mut file, HEADER as u64), &mut bytes)?;
            Ok((bytes, file.seek(SeekFrom::End(0))?))
        };
        let (bytes, length) = read().map_err(|source| Error::io(1, source))?;
        let has_log = bytes.get(18..20).is_some_and(|versions| versions.contains(&2));
        Ok(Self { bytes, length, has_log })
    }

    fn check(&self) -> Result<(), Error> {
        if self.length == 0 {
            return Err(Error::Empty);
        }
        if !self.bytes.starts_with(&MAGIC[..MAGIC.len().min(self.bytes.len())]) {
            return Err(malformed(Position::Byte(0), "it is no SQLite database".to_owned()));
        }
        let expected = match self.bytes.len() {
            HEADER => self.page_size() * self.pages(),
            _ => HEADER as u64,
        };
        if self.length < expected {
            let detail = format!("{} bytes are there of {expected}", self.length);
            return Err(Error::Truncated { position: Position::Byte(self.length), detail });
        }
        Ok(())
    }

    fn number(&self, at: usize) -> u64 {
        self.bytes
            .get(at..at + 4)
            .map_or(0, |bytes| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn page_size(&self) -> u64 {
        match self.number(16) >> 16 {
            1 => 65_536,
            size => size.max(512),
        }
    }

    /// How many pages there should be. Very old writers do not say; then as many as begin in the file.
    fn pages(&self) -> u64 {
        let said = self.number(28);
        if said > 0 && self.number(24) == self.number(92) {
            said
        } else {
            self.length.div_ceil(self.page_size())
        }
    }
}

fn connect(path: &Path, is_immutable: bool) -> rusqlite::Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(uri(path, is_immutable), flags)
}

/// The path as a URI, since SQLite would take one that begins with `file:` for a URI anyway.
fn uri(path: &Path, is_immutable: bool) -> String {
    let mut uri = String::from("file:");
    if cfg!(windows) && path.is_absolute() {
        uri.push('/');
    }
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'\\' if cfg!(windows) => uri.push('/'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(char::from(*byte))
            }
            b':' if cfg!(windows) => uri.push(':'),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    if is_immutable {
        uri.push_str("?immutable=1");
    }
    uri
}

/// Takes from the database what it could do beside giving rows.
fn guard(connection: &Connection) -> rusqlite::Result<()> {
    for (setting, value) in [
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
    ] {
        connection.set_db_config(setting, value)?;
    }
    for (limit, value) in [
        (Limit::SQLITE_LIMIT_LENGTH, MAX_RECORD as i32),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, 100_000),
        (Limit::SQLITE_LIMIT_COLUMN, 200),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 50),
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 10),
        (Limit::SQLITE_LIMIT_VDBE_OP, 25_000),
        (Limit::SQLITE_LIMIT_FUNCTION_ARG, 8),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 100),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 1),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    ] {
        connection.set_limit(limit, value)?;
    }
    connection.execute_batch("PRAGMA mmap_size=0; PRAGMA cell_size_check=ON; PRAGMA query_only=ON;")?;
    connection.authorizer(Some(|context: AuthContext<'_>| match context.action {
        AuthAction::Select | AuthAction::Read { .. } => Authorization::Allow,
        AuthAction::Function { function_name } if is_harmless(function_name) => Authorization::Allow,
        AuthAction::Pragma { pragma_name: "table_list" | "table_xinfo", .. }
            if context.accessor.is_none() =>
        {
            Authorization::Allow
        }
        _ => Authorization::Deny,
    }))
}

fn is_harmless(function: &str) -> bool {
    FUNCTIONS.iter().any(|harmless| function.eq_ignore_ascii_case(harmless))
}

fn watch(
    connection: &Connection,
    steps: Arc<AtomicU64>,
    most: u64,
    cancelled: Arc<AtomicBool>,
) -> rusqlite::Result<()> {
    let look = move || {
        let before = steps.fetch_add(STEPS_BETWEEN_LOOKS as u64, Ordering::Relaxed);
        before > most || cancelled.load(Ordering::Relaxed)
    };
    connection.progress_handler(STEPS_BETWEEN_LOOKS, Some(look))
}

/// The path with something behind the file's name.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

fn is_filled(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.len() > 0)
}
