//! Why an item could not be examined, or roots cannot be walked.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::locator::Locator;

/// What went wrong. Errors of an item leave out which item: its locator stands beside them.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A folder could not be listed, or not completely.
    #[error(
        "the folder cannot be listed, what is in it was not seen: {0}; check its permissions and the disk"
    )]
    List(#[source] io::Error),
    /// Size and kind of an object could not be read.
    #[error("cannot be looked up: {0}; check whether it still exists and may be accessed")]
    Stat(#[source] io::Error),
    /// The target of a link could not be read.
    #[error("the target of the link cannot be read: {0}; check the disk")]
    ReadLink(#[source] io::Error),
    /// A file could not be opened.
    #[error("cannot be opened: {0}; check its permissions")]
    Open(#[source] io::Error),
    /// A file could not be read to its end.
    #[error("cannot be read: {0}; check the disk")]
    Read(#[source] io::Error),
    /// Something else stands where the file was listed.
    #[error("was replaced by {now} after it was listed; scan it again when nothing writes to it")]
    Replaced {
        /// What is there now, with its article.
        now: &'static str,
    },
    /// The file changed while it was read: what was read is not what is there.
    #[error("changed while it was read ({0}); scan it again when nothing writes to it")]
    Changed(Change),
    /// [`OpenFile::finish`](crate::OpenFile::finish) was called before the end was reached.
    #[error("only {read} of {size} bytes were read")]
    NotReadToEnd {
        /// Bytes read since the start or the last rewind.
        read: u64,
        /// Bytes of the file.
        size: u64,
    },
    /// A root cannot be found.
    #[error("cannot scan {}: {source}; check the path and its permissions", Locator::from_path(path))]
    Root {
        /// The root, as given.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Two roots are the same place.
    #[error(
        "{} and {} are the same place, and would be counted twice: give it once",
        Locator::from_path(first),
        Locator::from_path(second)
    )]
    RootTwice {
        /// One root, as given.
        first: PathBuf,
        /// The other, as given.
        second: PathBuf,
    },
    /// A root lies inside another one.
    #[error(
        "{} lies inside {}, and would be counted twice: give only {}",
        Locator::from_path(inner),
        Locator::from_path(outer),
        Locator::from_path(outer)
    )]
    RootInside {
        /// The root inside, as given.
        inner: PathBuf,
        /// The root around it, as given.
        outer: PathBuf,
    },
}

impl Error {
    /// A short name to count failures under, which stays as it is.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::List(_) => "folder not listed",
            Self::Stat(_) => "not looked up",
            Self::ReadLink(_) => "link not read",
            Self::Open(_) => "not opened",
            Self::Read(_) => "not read",
            Self::Replaced { .. } => "replaced",
            Self::Changed(_) => "changed while read",
            Self::NotReadToEnd { .. } => "not read to the end",
            Self::Root { .. } | Self::RootTwice { .. } | Self::RootInside { .. } => "root",
        }
    }
}

/// How a file changed while it was read.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Its size is another one.
    #[error("from {before} to {after} bytes")]
    Size {
        /// Bytes when it was opened.
        before: u64,
        /// Bytes when it had been read.
        after: u64,
    },
    /// It ended before the size that the system states.
    #[error("it ended after {read} of {size} bytes")]
    Short {
        /// Bytes that could be read.
        read: u64,
        /// Bytes stated.
        size: u64,
    },
    /// It goes on after the size that the system states, as files of `/proc` do.
    #[error("it goes on after the {size} bytes that the system states")]
    Long {
        /// Bytes stated.
        size: u64,
    },
    /// Its size is the same, its time of change is another one: contents, name or permissions.
    #[error("its time of change is another one")]
    Time,
}
