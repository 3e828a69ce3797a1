//! What can go wrong with an index file, as facts; `Display` makes the sentence.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error as ThisError;

use crate::format::SectionKind;

/// Why an index could not be built, opened or verified.
#[derive(Debug)]
pub struct Error {
    path: Option<PathBuf>,
    problem: Problem,
}

#[derive(Debug, ThisError)]
pub(crate) enum Problem {
    #[error("cannot {action}: {source}")]
    Io { action: &'static str, source: io::Error },
    #[error("not a regular file; give the path of an index file")]
    NotRegular,
    #[error("locked by another program that writes to it; wait, or copy the file")]
    Locked,
    #[error("cut short: {length} bytes, and an index has at least {needed}; copy or build it again")]
    TooShort { length: u64, needed: u64 },
    #[error("not a Lykta index (magic number at offset 0); build one with `lykta index build`")]
    Magic,
    #[error(
        "index format version {got} at offset 8, this program reads version {expected}; build the index again"
    )]
    Version { expected: u32, got: u32 },
    #[error(
        "the header's file length (offset 16) is {header} bytes, the file has {actual}; copy or build it again"
    )]
    FileLength { header: u64, actual: u64 },
    #[error(
        "the header's section count (offset 12) is {got} and does not fit the file; copy or build it again"
    )]
    SectionCount { got: u32 },
    #[error("the header's reserved bytes (offset 24) are not zero; copy or build it again")]
    Reserved,
    #[error(
        "section {number}: its {field} (offset {offset}) is {got}, not {expected}; copy or build it again"
    )]
    SectionField { number: usize, field: &'static str, offset: u64, got: u64, expected: String },
    #[error("section {} is missing; copy or build the index again", .0.name())]
    Missing(SectionKind),
    #[error(
        "the header's checksum (offset 32) does not agree with header and section table; copy or build it again"
    )]
    HeaderChecksum,
    #[error(
        "section {} (offset {offset}): its bytes do not agree with its checksum; copy or build the index again",
        .section.name()
    )]
    Checksum { section: SectionKind, offset: u64 },
    #[error("padding at offset {offset} is not zero; copy or build the index again")]
    Padding { offset: u64 },
    #[error("section {}: {what} in record {record}; build the index again", .section.name())]
    Record { section: SectionKind, record: u64, what: &'static str },
    #[error("section {}: its content cannot be read; build the index again", .0.name())]
    Content(SectionKind),
    #[error(
        "after {entries} entries what must stay in memory takes more than the {limit} bytes allowed; \
         allow more, or split the lists over several index files"
    )]
    Memory { limit: u64, entries: u64 },
    #[error("{limit} bytes of memory are too few for building an index; allow at least {least}")]
    LittleMemory { limit: u64, least: u64 },
    #[error(
        "a BK-tree of so many PDQ hashes takes more than the {limit} bytes of memory allowed; \
         allow more, or choose mih, which needs no more memory for a longer list"
    )]
    TreeMemory { limit: u64 },
    #[error("too many {0} for one index; split the lists over several index files")]
    TooLarge(&'static str),
}

impl Error {
    /// The index file, when there is one.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The section that is damaged, by its name in docs/format.md, when the damage is in one.
    pub fn section(&self) -> Option<&'static str> {
        match &self.problem {
            Problem::Missing(section)
            | Problem::Checksum { section, .. }
            | Problem::Record { section, .. }
            | Problem::Content(section) => Some(section.name()),
            _ => None,
        }
    }

    pub(crate) fn at(self, path: &Path) -> Self {
        Self { path: Some(path.to_owned()), ..self }
    }

    pub(crate) fn io(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Problem::Io { action, source }.into()
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self { path: None, problem }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.path {
            // As the command line writes paths: two different files never look alike.
            for part in path.as_os_str().as_encoded_bytes().utf8_chunks() {
                f.write_str(&part.valid().replace('\\', "\\\\"))?;
                part.invalid().iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
            }
            f.write_str(": ")?;
        }
        self.problem.fmt(f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.problem {
            Problem::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
