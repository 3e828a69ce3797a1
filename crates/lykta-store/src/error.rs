//! Why a store cannot be used.

use std::io;

use thiserror::Error;

/// A store that cannot be opened, read or changed. What was not committed has changed nothing.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The file, or a folder for it, cannot be used.
    #[error("cannot open the store: {0}")]
    Io(#[from] io::Error),
    /// Another process has it open.
    #[error("the store is in use by another process: wait until that has finished")]
    Busy,
    /// The file is something else.
    #[error("the file is no store of Lykta: give the path of one, or of a file that is not there yet")]
    NotAStore,
    /// Another version of Lykta made it.
    #[error("the store has version {found} and this program reads {expected}: use the program that made it")]
    Version {
        /// What the store says.
        found: i64,
        /// What this program reads.
        expected: i64,
    },
    /// Something in it cannot be.
    #[error("the store is damaged ({what}): make it anew from the files of the list")]
    Damaged {
        /// What cannot be.
        what: String,
    },
    /// The most files that a store can hold.
    #[error("the store has {0} files, which is the most it can hold: make it anew from a whole list")]
    TooManyFiles(i64),
    /// A row with a number that cannot be kept, or one number given to too many rows.
    #[error("row {row} cannot be kept: rows of a file count from 1 up to 2^40, each number once")]
    Row {
        /// Its number.
        row: u64,
    },
    /// A file that this store does not have.
    #[error("the store has no such file")]
    NoSuchFile,
    /// A temporary store whose transaction was given up: what it holds then is not known.
    #[error("the temporary store was left in the middle of a change")]
    Unfinished,
    /// The list has another name.
    #[error("the list in this store is called {name}: retractions name it so, it cannot be changed")]
    Named {
        /// Its name.
        name: String,
    },
    /// The list acts otherwise.
    #[error(
        "the store holds {}: what it holds cannot become the other, make another store",
        if *is_ignore { "an ignore list" } else { "a list of what is to be found, which --ignore contradicts" }
    )]
    Role {
        /// Whether it is an ignore list.
        is_ignore: bool,
    },
    /// SQLite says no.
    #[error("the store cannot be read or written: {0}")]
    Database(#[source] rusqlite::Error),
}

impl Error {
    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error as Sql;
        use rusqlite::ErrorCode;
        match (&error, error.sqlite_error_code()) {
            (_, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)) => Self::Busy,
            (_, Some(ErrorCode::NotADatabase)) => Self::NotAStore,
            (_, Some(ErrorCode::DatabaseCorrupt | ErrorCode::ConstraintViolation)) => {
                Self::damaged(error.to_string())
            }
            (
                Sql::FromSqlConversionFailure(..)
                | Sql::IntegralValueOutOfRange(..)
                | Sql::InvalidColumnType(..)
                | Sql::QueryReturnedNoRows
                | Sql::Utf8Error(..),
                _,
            ) => Self::damaged(error.to_string()),
            _ => Self::Database(error),
        }
    }
}
