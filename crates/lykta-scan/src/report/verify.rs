//! Whether a report folder is as it was written.
//!
//! ```text
//! digest noted elsewhere -> manifest.json -> every other file, log.jsonl among them
//! log.jsonl: header <- line <- ... <- last line    (chain.rs)
//! log.jsonl `finished` -> the same files;  `found` <-> lines of findings.jsonl
//! ```
//!
//! The folder may have been made by an enemy. Nothing but regular files is opened, names that lead
//! elsewhere are not followed, a file is read no further than the manifest says that it is long, and what
//! is held in memory has a bound.

mod unmatched;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read};
use std::mem::{Discriminant, discriminant};
use std::path::Path;

use lykta_hash::text::to_hex;
use lykta_source::escape;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::error::{Cause, Error};
use crate::report::chain::{Altered, ChainEnd, ListedFile, read_chain, sha256};
use crate::report::dir::PARTIAL;
use crate::report::journal::JOURNAL;
use crate::report::log::LOG;
use crate::report::output::open_regular;
use crate::report::sorted::Sorter;
use unmatched::{Side, Unmatched, place};

const MANIFEST: &str = "manifest.json";
const FINDINGS: &str = "findings.jsonl";

/// Bytes of a manifest that are read; a longer one was not written by a scan.
const MOST_MANIFEST: u64 = 64 << 20;

/// Bytes of a line of findings; only its digest is kept. A longer one was not written by a scan.
const MOST_FINDING: u64 = 256 << 20;

/// Lines of findings and of the log that are compared; beyond that temporary files would fill a disk.
const MOST_LINES: u64 = 1 << 27;

/// Bytes of digests in memory before temporary files take them.
const SORT_MEMORY: usize = 64 << 20;

/// Hexadecimal digits of a SHA-256.
const DIGITS: usize = 64;

/// Characters that are told of a text which somebody else wrote; no name of a file is longer.
const MOST_CHARACTERS: usize = 1024;

/// Differences of one kind that are told one by one.
const MOST_TOLD: u64 = 100;

/// Digests that were noted elsewhere when the scan ended, in hexadecimal.
#[derive(Clone, Debug, Default)]
pub struct Noted {
    /// SHA-256 of `manifest.json`.
    pub manifest_sha256: Option<String>,
    /// SHA-256 of the last line of `log.jsonl`.
    pub log_sha256: Option<String>,
}

/// What a check of a report folder found.
#[derive(Clone, Debug, Default)]
pub struct Verification {
    /// What is not as it was written, in the order of the check; none when all is.
    pub differences: Vec<Difference>,
    /// Differences beyond those: of each kind the first hundred are told.
    pub more: u64,
    /// Files that were compared with the manifest.
    pub files: u64,
    /// Lines of `findings.jsonl` that were compared with the log.
    pub findings: u64,
    /// Lines of the log.
    pub log_lines: u64,
    /// SHA-256 of the last line of the log, if there is one.
    pub log_sha256: Option<String>,
    /// SHA-256 of the manifest, if there is one that could be read.
    pub manifest_sha256: Option<String>,
    told: HashMap<Discriminant<What>, u64>,
}

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Name of the file, escaped where it is not UTF-8.
    pub file: String,
    /// The line in it, counted from 1, where it is about one.
    pub line: Option<u64>,
    /// What it is.
    pub what: What,
}

/// What can differ.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// The file is not there.
    #[error("it is missing")]
    Missing,
    /// Something else than a file stands there.
    #[error("it is not a file but {0}")]
    NotAFile(&'static str),
    /// The manifest does not tell of it.
    #[error("manifest.json does not list it")]
    NotListed,
    /// The manifest tells of a file that no report has.
    #[error("manifest.json lists it, and it is no name of a file in a report")]
    NotAName,
    /// The manifest tells of it more than once.
    #[error("manifest.json lists it twice")]
    ListedTwice,
    /// It is longer or shorter.
    #[error("it has {found} bytes, written were {expected}")]
    Size {
        /// Bytes when it was written.
        expected: u64,
        /// Bytes now.
        found: u64,
    },
    /// Its bytes are others.
    #[error("its SHA-256 is {found}, written was {expected}")]
    Sha256 {
        /// What it was, or is said to have been.
        expected: String,
        /// What it is.
        found: String,
    },
    /// It is no manifest.
    #[error("it is unreadable: {0}")]
    Unreadable(String),
    /// The first line of the log that was altered.
    #[error("the first altered line: {0}")]
    Altered(Altered),
    /// The last line of the log has no end.
    #[error("the end of the line is missing")]
    Torn,
    /// The log does not end as a finished one does.
    #[error("lines are missing at the end: the last one is not the event finished")]
    Unfinished,
    /// The log has more or fewer lines.
    #[error("it has {found} lines, written were {expected}")]
    Lines {
        /// Lines when it was written.
        expected: u64,
        /// Lines now.
        found: u64,
    },
    /// Log and manifest do not agree on a file.
    #[error("log.jsonl and manifest.json tell different things of it")]
    Disagreement,
    /// A finding without a line in the log.
    #[error("log.jsonl tells of no such finding")]
    NotTold,
    /// A line in the log whose finding is not there.
    #[error("it tells of a finding that findings.jsonl does not have")]
    NotFound,
    /// A line that is longer than any that a scan writes.
    #[error("it is longer than any line of findings")]
    TooLong,
}

#[derive(Deserialize)]
struct ManifestFacts {
    #[serde(default)]
    complete: Option<bool>,
    files: Vec<ListedFile>,
    log: LogFacts,
}

impl ManifestFacts {
    /// Files that are there beside those listed: what a scan that was stopped needs to be gone on with. Nothing is
    /// read of them here.
    fn kept(&self) -> &'static [&'static str] {
        if self.complete == Some(false) { &[PARTIAL, JOURNAL] } else { &[] }
    }
}

#[derive(Deserialize)]
struct LogFacts {
    lines: u64,
    last_sha256: String,
}

/// Checks the report in `dir`: its manifest and its log against what was noted of them, and everything
/// else against the manifest and the log. Without a noted digest somebody who altered all files alike is
/// not noticed. Writes nothing there; temporary files for more findings than fit in memory go to
/// `temporary`.
///
/// # Errors
/// When `dir` holds no report, something in it cannot be read, or there are too many lines to compare.
pub fn verify_report(dir: &Path, noted: &Noted, temporary: &Path) -> Result<Verification, Error> {
    // That it is a folder at all, before anything is said of what it lacks.
    fs::read_dir(dir).map_err(checking(dir))?;
    if [MANIFEST, LOG].iter().all(|name| fs::symlink_metadata(dir.join(name)).is_err()) {
        return Err(Cause::NoReport(dir.to_owned()).into());
    }
    let mut check = Check { dir, found: Verification::default(), finished: None };
    let manifest = check.manifest(noted.manifest_sha256.as_deref())?;
    let listed = match &manifest {
        Some(manifest) => check.files(&manifest.files)?,
        None => BTreeMap::new(),
    };
    let mut findings = Sorter::new(temporary, SORT_MEMORY);
    let told = check.log(noted.log_sha256.as_deref(), manifest.as_ref(), &listed, &mut findings)?;
    if let (None, Some(files)) = (&manifest, check.finished.take()) {
        // Without a manifest the log still tells of the files.
        check.files(&files)?;
    }
    check.findings(told, listed.get(FINDINGS).map(|file| file.bytes), findings, temporary)?;
    if let Some(manifest) = &manifest {
        check.unlisted(&listed, manifest.kept())?;
    }
    Ok(check.found)
}

fn checking(at: &Path) -> impl FnOnce(io::Error) -> Error + '_ {
    move |source| Cause::Check { at: at.to_owned(), source }.into()
}

impl Verification {
    fn differ(&mut self, file: &str, line: Option<u64>, what: What) {
        let told = self.told.entry(discriminant(&what)).or_default();
        *told += 1;
        match *told <= MOST_TOLD {
            true => self.differences.push(Difference { file: bounded(file), line, what }),
            false => self.more += 1,
        }
    }
}

struct Check<'d> {
    dir: &'d Path,
    found: Verification,
    /// The files that the end of the log tells of, if it has its end.
    finished: Option<Vec<ListedFile>>,
}

impl Check<'_> {
    /// Opens a file of the report; says what is wrong when there is none.
    fn open(&mut self, name: &str) -> Result<Option<(File, u64)>, Error> {
        let path = self.dir.join(name);
        let now = match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.found.differ(name, None, What::Missing);
                return Ok(None);
            }
            now => now.map_err(checking(&path))?.file_type(),
        };
        if !now.is_file() {
            self.found.differ(name, None, What::NotAFile(kind(now)));
            return Ok(None);
        }
        let file = open_regular(&path, OpenOptions::new().read(true)).map_err(checking(&path))?;
        let bytes = file.metadata().map_err(checking(&path))?.len();
        Ok(Some((file, bytes)))
    }

    fn manifest(&mut self, expected: Option<&str>) -> Result<Option<ManifestFacts>, Error> {
        let Some((file, bytes)) = self.open(MANIFEST)? else { return Ok(None) };
        if bytes > MOST_MANIFEST {
            let why = format!("it is longer than {MOST_MANIFEST} bytes");
            self.found.differ(MANIFEST, None, What::Unreadable(why));
            return Ok(None);
        }
        let mut text = Vec::new();
        let read = file.take(MOST_MANIFEST).read_to_end(&mut text);
        read.map_err(checking(&self.dir.join(MANIFEST)))?;
        let found = sha256(&text);
        if let Some(expected) = expected.filter(|expected| !expected.eq_ignore_ascii_case(&found)) {
            let expected = expected.to_ascii_lowercase();
            self.found.differ(MANIFEST, None, What::Sha256 { expected, found: found.clone() });
        }
        self.found.manifest_sha256 = Some(found);
        match serde_json::from_slice(&text) {
            Ok(facts) => Ok(Some(facts)),
            Err(error) => {
                // Where, and not what: the words of the error may repeat any amount of it.
                let why = format!("line {}, column {} is not as in a manifest", error.line(), error.column());
                self.found.differ(MANIFEST, None, What::Unreadable(why));
                Ok(None)
            }
        }
    }

    /// Compares the files that the manifest lists. Returns them by name.
    fn files<'m>(&mut self, files: &'m [ListedFile]) -> Result<BTreeMap<&'m str, &'m ListedFile>, Error> {
        let mut listed = BTreeMap::new();
        for file in files {
            if file.name == MANIFEST || !is_file_name(&file.name) {
                self.found.differ(&file.name, None, What::NotAName);
            } else if listed.insert(file.name.as_str(), file).is_some() {
                self.found.differ(&file.name, None, What::ListedTwice);
            }
        }
        for (name, file) in &listed {
            self.file(name, file)?;
        }
        Ok(listed)
    }

    fn file(&mut self, name: &str, listed: &ListedFile) -> Result<(), Error> {
        let Some((file, bytes)) = self.open(name)? else { return Ok(()) };
        self.found.files += 1;
        if bytes != listed.bytes {
            self.found.differ(name, None, What::Size { expected: listed.bytes, found: bytes });
            return Ok(());
        }
        let mut sha256 = Sha256::new();
        // Not to its end: it may grow while it is read.
        let mut input = BufReader::with_capacity(1 << 16, file.take(bytes));
        consume(&mut input, |piece| sha256.update(piece)).map_err(checking(&self.dir.join(name)))?;
        let found = to_hex(&sha256.finalize());
        if found != listed.sha256 {
            self.found.differ(name, None, What::Sha256 { expected: bounded(&listed.sha256), found });
        }
        Ok(())
    }

    /// Checks the chain of the log and gathers the digests of findings that it tells of. Returns how
    /// many, none when there is no log or it is not all read.
    fn log(
        &mut self,
        noted: Option<&str>,
        manifest: Option<&ManifestFacts>,
        listed: &BTreeMap<&str, &ListedFile>,
        findings: &mut Sorter,
    ) -> Result<Option<u64>, Error> {
        // A missing log that the manifest lists is told of already.
        if listed.contains_key(LOG)
            && !fs::symlink_metadata(self.dir.join(LOG)).is_ok_and(|now| now.is_file())
        {
            return Ok(None);
        }
        let Some((file, bytes)) = self.open(LOG)? else { return Ok(None) };
        let (mut told, mut number, mut files) = (0, 0, None);
        let expected = manifest.map(|manifest| &manifest.log);
        let noted = noted.map(str::to_ascii_lowercase);
        let last = noted.as_deref().or(expected.map(|log| log.last_sha256.as_str()));
        let end = read_chain(BufReader::new(file.take(bytes)), last, |line, _| {
            number += 1;
            if let Some(digest) = &line.line_sha256 {
                told += 1;
                if told <= MOST_LINES {
                    // Of whatever length it is: what is no digest is that of no finding.
                    let digest = if digest.len() == DIGITS { digest } else { "" };
                    findings.push(Vec::new(), place(digest, Side::Log, number))?;
                }
            }
            files = (line.event == "finished").then(|| line.files.clone());
            Ok(())
        })
        .map_err(checking(&self.dir.join(LOG)))?;
        self.log_end(&end, expected.map(|log| log.lines), last);
        if let (Some(files), true) = (&files, manifest.is_some()) {
            self.agreement(files, listed);
        }
        self.finished = files;
        Ok((!end.given_up).then_some(told))
    }

    fn log_end(&mut self, end: &ChainEnd, expected_lines: Option<u64>, expected_last: Option<&str>) {
        let found = &mut self.found;
        found.log_lines = end.lines;
        found.log_sha256 = (end.lines > 0).then(|| end.last_sha256.clone());
        if let Some((line, altered)) = end.altered {
            found.differ(LOG, Some(line), What::Altered(altered));
        }
        if end.torn > 0 {
            found.differ(LOG, Some(end.lines + 1), What::Torn);
        }
        if end.last_event != "finished" && !end.given_up {
            found.differ(LOG, Some(end.lines), What::Unfinished);
        }
        if end.given_up {
            return;
        }
        match expected_lines {
            Some(expected) if expected != end.lines => {
                found.differ(LOG, None, What::Lines { expected, found: end.lines });
            }
            _ if expected_last.is_some_and(|last| last != end.last_sha256) && end.altered.is_none() => {
                found.differ(LOG, Some(end.lines), What::Altered(Altered::Digest));
            }
            _ => {}
        }
    }

    /// Compares what the end of the log tells of the files with what the manifest does.
    fn agreement(&mut self, told: &[ListedFile], listed: &BTreeMap<&str, &ListedFile>) {
        let told: BTreeMap<&str, &ListedFile> = told.iter().map(|file| (file.name.as_str(), file)).collect();
        let names: BTreeSet<&str> = told.keys().chain(listed.keys()).copied().collect();
        for name in names.into_iter().filter(|name| *name != LOG) {
            if told.get(name) != listed.get(name) {
                self.found.differ(name, None, What::Disagreement);
            }
        }
    }

    /// Compares the lines of `findings.jsonl` with those that the log tells of.
    fn findings(
        &mut self,
        told: Option<u64>,
        expected: Option<u64>,
        mut digests: Sorter,
        temporary: &Path,
    ) -> Result<(), Error> {
        let (Some(told), path) = (told, self.dir.join(FINDINGS)) else { return Ok(()) };
        let is_file = fs::symlink_metadata(&path).is_ok_and(|now| now.is_file());
        if !is_file {
            // Told of where the manifest lists it.
            if expected.is_none() && told > 0 {
                self.found.differ(FINDINGS, None, What::Missing);
            }
            return Ok(());
        }
        let Some((file, bytes)) = self.open(FINDINGS)? else { return Ok(()) };
        // Far beyond what was written there is nothing to compare; that it is longer is told already.
        let most = expected.map_or(bytes, |expected| expected.saturating_mul(2).saturating_add(1 << 20));
        let mut input = BufReader::new(file.take(bytes.min(most)));
        let mut line = 0;
        loop {
            match digest_line(&mut input).map_err(checking(&path))? {
                Digested::End => break,
                Digested::TooLong => {
                    self.found.differ(FINDINGS, Some(line + 1), What::TooLong);
                    return Ok(());
                }
                Digested::Line(digest) => {
                    line += 1;
                    if line > MOST_LINES || told > MOST_LINES {
                        return Err(Cause::TooManyLines(self.dir.to_owned()).into());
                    }
                    let place = place(&digest, Side::Findings, line);
                    digests.push(Vec::new(), place).map_err(checking(temporary))?;
                }
            }
        }
        self.found.findings = line;
        let mut differing = Unmatched::default();
        let sorted = digests.finish(|place| {
            differing.take(place);
            Ok(())
        });
        sorted.map_err(checking(temporary))?;
        differing.end_group();
        for line in differing.findings {
            self.found.differ(FINDINGS, Some(line), What::NotTold);
        }
        for line in differing.log {
            self.found.differ(LOG, Some(line), What::NotFound);
        }
        self.found.more += differing.more;
        Ok(())
    }

    /// Tells of what the manifest does not list.
    fn unlisted(&mut self, listed: &BTreeMap<&str, &ListedFile>, kept: &[&str]) -> Result<(), Error> {
        let mut first = BTreeSet::new();
        for entry in fs::read_dir(self.dir).map_err(checking(self.dir))? {
            let entry = entry.map_err(checking(self.dir))?;
            let name = entry.file_name();
            let name = escape(name.as_encoded_bytes()).into_owned();
            if kept.contains(&name.as_str()) && entry.file_type().is_ok_and(|kind| kind.is_file()) {
                continue;
            }
            if name == MANIFEST || listed.contains_key(name.as_str()) {
                continue;
            }
            first.insert(name);
            // The first by name, whatever the order in which the system lists them.
            if first.len() as u64 > MOST_TOLD {
                first.pop_last();
                self.found.more += 1;
            }
        }
        for name in first {
            self.found.differ(&name, None, What::NotListed);
        }
        Ok(())
    }
}

enum Digested {
    Line(String),
    TooLong,
    End,
}

/// The digest of the next line, of which only a piece is in memory at a time.
fn digest_line(input: &mut impl BufRead) -> io::Result<Digested> {
    let (mut sha256, mut bytes) = (Sha256::new(), 0);
    loop {
        let piece = input.fill_buf()?;
        let end = piece.iter().position(|byte| *byte == b'\n');
        let length = end.unwrap_or(piece.len());
        sha256.update(&piece[..length]);
        bytes += length as u64;
        let ended = end.is_some() || piece.is_empty();
        let is_none = end.is_none() && piece.is_empty() && bytes == 0;
        input.consume(length + usize::from(end.is_some()));
        match ended {
            _ if bytes > MOST_FINDING => return Ok(Digested::TooLong),
            true if is_none => return Ok(Digested::End),
            true => return Ok(Digested::Line(to_hex(&sha256.finalize()))),
            false => {}
        }
    }
}

/// Hands everything to `each`, piece by piece.
fn consume(input: &mut impl BufRead, mut each: impl FnMut(&[u8])) -> io::Result<()> {
    loop {
        let piece = input.fill_buf()?;
        if piece.is_empty() {
            return Ok(());
        }
        each(piece);
        let length = piece.len();
        input.consume(length);
    }
}

fn bounded(text: &str) -> String {
    text.chars().take(MOST_CHARACTERS).collect()
}

/// Whether a manifest may list such a name: nothing that leads out of the folder, and nothing hidden.
fn is_file_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !name.is_empty() && name.len() <= 255 && !name.starts_with('.') && name.bytes().all(is_plain)
}

fn kind(of: fs::FileType) -> &'static str {
    match of {
        _ if of.is_symlink() => "a link",
        _ if of.is_dir() => "a folder",
        _ => "a pipe, a socket or a device",
    }
}
