//! Why a scan or its report could not be made.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::report::Altered;

/// Why a scan could not start, or was ended by something that is not the fault of an item.
#[derive(Debug, Error)]
#[error(transparent)]
pub struct Error(#[from] Cause);

#[derive(Debug, Error)]
pub(crate) enum Cause {
    #[error("the threads for the scan cannot be started: {0}; try fewer with --jobs")]
    Threads(String),
    #[error("worker processes cannot be started: {}; without isolation none are needed", lykta_source::visible(.0))]
    Workers(String),
    #[error("a result cannot be written: {0}; free some space or choose another place and scan again")]
    Sink(#[source] io::Error),
    #[error(
        "the source of the items failed by a fault of this program; scan again without the path it was in"
    )]
    Source,
    #[error("the hashes to be grouped cannot be searched: {0}; group fewer at a time")]
    Index(#[source] lykta_index::Error),
    #[error("{} is not empty: choose a new folder for the report", path(.0))]
    NotEmpty(PathBuf),
    #[error(
        "{0} is not what it was when the scan was interrupted: what was found cannot be put together with what would be \
         found now; scan again into a new folder"
    )]
    ChangedSince(String),
    #[error(
        "something that was examined before the scan was interrupted is gone: scan again into a new folder"
    )]
    GoneSince,
    #[error(
        "this scan differs from the one that was interrupted in {0}: give the same, or scan again into a new folder"
    )]
    AskedOtherwise(String),
    #[error(
        "{} has results of a scan and no journal, so it cannot be gone on with: scan into a new folder",
        path(.0)
    )]
    NoJournal(PathBuf),
    #[error("{} is in use: another process writes to it", path(.0))]
    Running(PathBuf),
    #[error(
        "line {line} of {} is not as it was written: the scan cannot be gone on with; what was found is in \
         findings.partial.jsonl and log.jsonl, scan again into a new folder",
        path(.journal)
    )]
    SpoiledJournal { journal: PathBuf, line: u64 },
    #[error("{} is inside {}, which is to be scanned: choose a folder elsewhere", path(.dir), path(.scanned))]
    InsideScanned { dir: PathBuf, scanned: PathBuf },
    #[error("line {line} of {} is not as it was written: {altered}; keep the folder as it is and scan again into a new one", path(.log))]
    AlteredLog { log: PathBuf, line: u64, altered: Altered },
    #[error("{} holds no line: there is nothing to go on with; scan again into a new folder", path(.0))]
    EmptyLog(PathBuf),
    #[error("{} is not a folder with a report of a scan: it holds neither manifest.json nor log.jsonl; check the path", path(.0))]
    NoReport(PathBuf),
    #[error("{} cannot be checked: {source}; check that it is there and can be read", path(.at))]
    Check { at: PathBuf, source: io::Error },
    #[error("{} has more lines than can be compared; check that it is a report of a scan", path(.0))]
    TooManyLines(PathBuf),
    #[error("{} cannot be {doing}: {source}; check that the folder is writable and has space", path(.at))]
    Write { at: PathBuf, doing: &'static str, source: io::Error },
}

impl Error {
    /// The file or folder that the error is about, if it is about one.
    pub fn path(&self) -> Option<&Path> {
        match &self.0 {
            Cause::NotEmpty(path)
            | Cause::InsideScanned { dir: path, .. }
            | Cause::AlteredLog { log: path, .. }
            | Cause::EmptyLog(path)
            | Cause::NoReport(path)
            | Cause::Check { at: path, .. }
            | Cause::TooManyLines(path)
            | Cause::Running(path)
            | Cause::NoJournal(path)
            | Cause::SpoiledJournal { journal: path, .. }
            | Cause::Write { at: path, .. } => Some(path),
            Cause::Threads(_)
            | Cause::Workers(_)
            | Cause::Sink(_)
            | Cause::Source
            | Cause::Index(_)
            | Cause::ChangedSince(_)
            | Cause::GoneSince
            | Cause::AskedOtherwise(_) => None,
        }
    }

    /// Names the file or folder and what was being done to it.
    pub(crate) fn write<'p>(at: &'p Path, doing: &'static str) -> impl FnOnce(io::Error) -> Self + 'p {
        move |source| Cause::Write { at: at.to_owned(), doing, source }.into()
    }
}

fn path(path: &Path) -> String {
    lykta_source::Locator::from_path(path).to_string()
}
