//! Who made a report, of what, when, and the SHA-256 of each of its files.

use std::collections::BTreeMap;
use std::path::Path;

use lykta_hash::text::to_hex;
use lykta_index::{Index, Source};
use lykta_source::escape;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::isolate::Confinement;
use crate::record::FORMAT_VERSION;
use crate::report::clock::{Clock, Moment};
use crate::report::host::Host;
use crate::report::journal::Asked;
use crate::report::log::LogEnd;
use crate::summary::Summary;

/// What only the program that scans knows about a run.
#[derive(Clone, Debug, Default)]
pub struct RunInfo {
    /// Name of the program.
    pub tool: String,
    /// Its version.
    pub version: String,
    /// The commit that it was built from, or that it was not stated.
    pub commit: String,
    /// The target that it was built for.
    pub target: String,
    /// Its arguments, escaped where they are not UTF-8.
    pub arguments: Vec<String>,
    /// The indexes compared with, in the order given.
    pub indexes: Vec<IndexInfo>,
    /// The file of disputed entries, if there was one.
    pub disputes: Option<DisputeInfo>,
    /// What the case is called, if somebody said so.
    pub case: Option<String>,
    /// Who started the scan, in their own words, if somebody said so.
    pub operator: Option<String>,
    /// The settings that decide what is found, without any path: two scans that differ in their other
    /// arguments only give the same page for people, which shows these.
    pub settings: Vec<String>,
    /// What worker processes were kept from, if they did the decoding.
    pub workers: Option<Confinement>,
}

/// Which file of disputed entries.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DisputeInfo {
    /// Its path as given, escaped.
    pub path: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its rows, without the header.
    pub rows: u64,
    /// The different entries in them.
    pub entries: u64,
}

/// Which index, and what is in it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct IndexInfo {
    /// Its path as given, escaped.
    pub path: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// [`Index::checksum`] of the index that was used, in hexadecimal.
    pub checksum: String,
    /// Length in bytes.
    pub bytes: u64,
    /// The program that built it.
    pub written_by: String,
    /// The lists in it.
    pub lists: Vec<ListInfo>,
}

/// A list in an index.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ListInfo {
    /// Its name.
    pub name: String,
    /// What a match with it means.
    pub role: String,
    /// The format it was read as.
    pub format: String,
    /// SHA-256 of the list file.
    pub sha256: String,
    /// Length of the list file in bytes.
    pub bytes: u64,
    /// Its rows: those accepted and rejected add up to them.
    pub rows: u64,
    /// Rows that became an entry.
    pub accepted: u64,
    /// Rows that did not, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Values of accepted rows that could not be used, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// Hashes that the list had given before.
    pub duplicates: u64,
    /// The list's own largest distance of a near match, in bits.
    pub near_radius: Option<u32>,
    /// The list's own least quality of pictures compared by likeness, 0..=100.
    pub min_quality: Option<u8>,
}

impl IndexInfo {
    /// Describes `index`, which was opened from the file at `path`. Reads the whole index for its
    /// digest: that of the bytes that are used, whatever has taken the file's place meanwhile.
    pub fn new<D: AsRef<[u8]>>(path: &Path, index: &Index<D>) -> Self {
        Self {
            path: escape(path.as_os_str().as_encoded_bytes()).into_owned(),
            sha256: to_hex(&Sha256::digest(index.as_bytes())),
            checksum: to_hex(&index.checksum()),
            bytes: index.byte_len(),
            written_by: index.written_by().to_owned(),
            lists: index.sources().iter().map(ListInfo::from).collect(),
        }
    }
}

impl From<&Source> for ListInfo {
    fn from(source: &Source) -> Self {
        Self {
            name: source.name.clone(),
            role: source.role.name().to_owned(),
            format: source.format.clone(),
            sha256: to_hex(&source.sha256),
            bytes: source.bytes,
            rows: source.rows,
            accepted: source.accepted,
            rejected: source.rejected.iter().cloned().collect(),
            dropped: source.dropped.iter().cloned().collect(),
            duplicates: source.duplicates,
            near_radius: source.near_radius,
            min_quality: source.min_quality,
        }
    }
}

/// The digest of one output file.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct OutputFile {
    pub(crate) name: &'static str,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

/// The content of `manifest.json`.
#[derive(Serialize)]
pub(crate) struct Manifest<'r> {
    v: u32,
    complete: bool,
    tool: &'r str,
    version: &'r str,
    commit: &'r str,
    target: &'r str,
    arguments: &'r [String],
    case: Option<&'r str>,
    operator: Option<&'r str>,
    started: &'r str,
    ended: String,
    clock: Clock<'r>,
    host: Host,
    indexes: &'r [IndexInfo],
    disputes: Option<&'r DisputeInfo>,
    workers: Option<Confinement>,
    reproducible: bool,
    /// How the scan was asked for: what must be the same to go on.
    asked: &'r Asked,
    summary: &'r Summary,
    log: &'r LogEnd,
    files: &'r [OutputFile],
}

impl<'r> Manifest<'r> {
    pub(crate) fn new(
        run: &'r RunInfo,
        asked: &'r Asked,
        summary: &'r Summary,
        files: &'r [OutputFile],
        log: &'r LogEnd,
        started: &'r Moment,
    ) -> Self {
        let ended = Moment::now();
        Self {
            v: FORMAT_VERSION,
            complete: summary.complete,
            tool: &run.tool,
            version: &run.version,
            commit: &run.commit,
            target: &run.target,
            arguments: &run.arguments,
            case: run.case.as_deref(),
            operator: run.operator.as_deref(),
            started: &started.local,
            clock: Clock::new(started, &ended),
            ended: ended.local,
            host: Host::new(),
            indexes: &run.indexes,
            disputes: run.disputes.as_ref(),
            workers: run.workers,
            reproducible: summary.silent_workers() == 0,
            asked,
            summary,
            log,
            files,
        }
    }

    #[expect(clippy::unwrap_used, reason = "texts and numbers always serialise")]
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap() + "\n"
    }
}
