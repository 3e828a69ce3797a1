//! A folder with everything that a scan says: findings, errors, counts, a page for people, and a
//! manifest that pins all of it.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use lykta_hash::text::to_hex;
use lykta_source::escape;
use sha2::{Digest, Sha256};

use crate::account::Account;
use crate::error::{Cause, Error};
use crate::past::Past;
use crate::profile::Profile;
use crate::record::Record;
use crate::report::clock::Moment;
use crate::report::html::{Page, PageOptions};
use crate::report::journal::{Asked, JOURNAL, Journal, Lines};
use crate::report::log::{LOG, LogEnd, OfItem, RunLog};
use crate::report::manifest::{Manifest, OutputFile, RunInfo};
use crate::report::output::{Output, create_private, open_regular};
use crate::report::rows::{ErrorRow, FindingRow, parse};
use crate::report::sorted::{Sorter, key};
use crate::report::texts::Language;
use crate::report::{csv, place};
use crate::sink::Sink;
use crate::summary::{Summary, exit_code};

/// Findings in the order in which they come, while a scan runs.
pub(crate) const PARTIAL: &str = "findings.partial.jsonl";

/// What a report has besides what every report has.
#[derive(Clone, Copy, Debug)]
pub struct ReportOptions {
    /// `findings.csv`. Off by default.
    pub csv: bool,
    /// `report.html`. On by default.
    pub html: bool,
    /// `items.jsonl`, with every item. Off by default.
    pub items: bool,
    /// Bytes of lines held in memory for sorting, for each of findings, errors and items. 64 MiB
    /// by default; what is beyond goes to temporary files in the folder.
    pub sort_memory: usize,
    /// The language of `report.html`. English by default.
    pub language: Language,
    /// No file name and no path of what is scanned in `report.html` and `findings.csv`: items are told by
    /// their SHA-256 and size, entries by their row. Off by default. The other files have the names.
    pub redact_names: bool,
}

impl Default for ReportOptions {
    fn default() -> Self {
        Self {
            csv: false,
            html: true,
            items: false,
            sort_memory: 64 << 20,
            language: Language::English,
            redact_names: false,
        }
    }
}

/// A report under way: a [`Sink`], and [`ReportDir::finish`] when the scan has ended.
///
/// While the scan runs, each finding is written to `findings.partial.jsonl` and `log.jsonl` before the
/// next item is taken. Without `finish`, as after an error, these files are what is left.
#[derive(Debug)]
pub struct ReportDir {
    dir: PathBuf,
    options: ReportOptions,
    run: RunInfo,
    asked: Asked,
    /// The paths that are scanned, escaped.
    scanned: Vec<String>,
    started: Moment,
    log: RunLog,
    journal: Journal,
    partial: File,
    findings: Sorter,
    errors: Sorter,
    items: Option<Sorter>,
}

/// A finished report.
#[derive(Clone, Debug)]
pub struct Written {
    /// The folder, links resolved.
    pub dir: PathBuf,
    /// SHA-256 of `manifest.json`, in hexadecimal: whoever notes it down can later tell whether
    /// anything in the report was changed.
    pub manifest_sha256: String,
    /// SHA-256 of the last line of `log.jsonl`, in hexadecimal: to be noted down for the same reason.
    pub log_sha256: String,
}

impl ReportDir {
    /// Makes the folder `dir`, private to its owner, or takes an empty one, and begins the log.
    /// `scanned` are the paths that will be scanned, `run` says by what.
    ///
    /// # Errors
    /// When it is not empty, lies inside one of `scanned`, or cannot be made or written to.
    pub fn create(
        dir: &Path,
        scanned: &[PathBuf],
        options: ReportOptions,
        run: RunInfo,
    ) -> Result<Self, Error> {
        let dir = place::prepare(dir, scanned, &[])?;
        Self::begin(dir, scanned, options, run)
    }

    /// Goes on with a report that was interrupted, however that happened, or begins one where there is none yet.
    /// `summary` is an empty one, and the other arguments are those of [`ReportDir::create`].
    ///
    /// # Errors
    /// When something was asked for otherwise, the folder is no report folder or in use, or what is in it is not as it
    /// was written.
    pub fn resume(
        dir: &Path,
        scanned: &[PathBuf],
        options: ReportOptions,
        run: RunInfo,
        summary: Summary,
    ) -> Result<Going, Error> {
        let dir = place::prepare(dir, scanned, &FILES)?;
        let asked = asked(scanned, options, &run);
        let sorter = || Sorter::new(&dir, options.sort_memory);
        let (mut findings, mut errors, mut items) = (sorter(), sorter(), options.items.then(sorter));
        let mut past = Past::new(summary);
        let (mut told, begun) = RunLog::told(&dir.join(LOG))?;
        let mut untold = Vec::new();
        let journal = Journal::go_on(&dir, &asked, |done| {
            let key = key(&done.locator);
            if let Some(line) = done.finding {
                let found = OfItem::found(&done.locator, line.get());
                if !told.take(&found) {
                    untold.push(found);
                }
                findings.push(key.clone(), line.get().into())?;
            }
            if let Some(line) = done.error {
                let ErrorRow { outcome, reason, .. } = parse(line.get().as_bytes())?;
                let problem = OfItem::problem(&done.locator, &outcome, &reason);
                if !told.take(&problem) {
                    untold.push(problem);
                }
                errors.push(key.clone(), line.get().into())?;
            }
            if let (Some(line), Some(items)) = (done.item, &mut items) {
                items.push(key, line.get().into())?;
            }
            past.add(done.unit, done.items, &done.account);
            Ok(())
        })?;
        let Some(journal) = journal else {
            if let Some(finished) = finished(&dir, &asked)? {
                return Ok(finished);
            }
            check_nothing_found(&dir)?;
            remove(&dir, &FILES)?;
            return Ok(Going::On(Box::new((Self::begin(dir, scanned, options, run)?, past))));
        };
        // What was told and not noted is told of items that are left to do, as a container that matched when the scan
        // was stopped.
        let mut log = RunLog::append_to(&dir.join(LOG), &run, told)?;
        // What the run was killed between noting and telling.
        let telling = untold.iter().try_for_each(|untold| log.tell_of(untold));
        telling.map_err(Error::write(&dir.join(LOG), "written"))?;
        remove(&dir, &FILES[..OUTPUTS])?;
        let partial = dir.join(PARTIAL);
        let report = Self {
            partial: go_on(&partial).map_err(Error::write(&partial, "opened"))?,
            findings,
            errors,
            items,
            journal,
            run,
            asked,
            scanned: shown(scanned),
            started: begun.unwrap_or_else(Moment::now),
            log,
            options,
            dir,
        };
        Ok(Going::On(Box::new((report, past))))
    }

    fn begin(dir: PathBuf, scanned: &[PathBuf], options: ReportOptions, run: RunInfo) -> Result<Self, Error> {
        let started = Moment::now();
        let log = RunLog::create(&dir.join(LOG), &run)?;
        let asked = asked(scanned, options, &run);
        let journal = Journal::create(&dir, &asked)?;
        let partial = dir.join(PARTIAL);
        let sorter = || Sorter::new(&dir, options.sort_memory);
        Ok(Self {
            partial: create_private(&partial).map_err(Error::write(&partial, "created"))?,
            journal,
            findings: sorter(),
            errors: sorter(),
            items: options.items.then(sorter),
            run,
            asked,
            scanned: shown(scanned),
            started,
            log,
            options,
            dir,
        })
    }

    /// Writes everything but the manifest, sorted, then the manifest, and waits for the disk.
    ///
    /// Also right for a scan that was stopped: `summary` says so. `profile` says where the time went, if
    /// that was measured.
    ///
    /// # Errors
    /// When something cannot be written. `findings.partial.jsonl` is then still there.
    pub fn finish(mut self, summary: &Summary, profile: Option<&Profile>) -> Result<Written, Error> {
        let (dir, run) = (&self.dir, &self.run);
        self.journal.flush().map_err(Error::write(dir, "written"))?;
        if !summary.complete {
            self.log.stopped().map_err(Error::write(&dir.join(LOG), "written"))?;
        }
        let mut files = Vec::new();
        let mut page = match self.options.html {
            true => Some(self.begin_page(summary)?),
            false => None,
        };
        let table = match self.options.csv {
            true => Some(begin_table(dir)?),
            false => None,
        };
        files.extend(write_findings(dir, self.findings, table, page.as_mut(), self.options)?);
        files.push(write_errors(dir, self.errors, page.as_mut())?);
        if let Some(items) = self.items {
            files.push(write_sorted(dir, "items.jsonl", items, |_| Ok(()))?);
        }
        if let Some(profile) = profile {
            files.push(write_whole(dir, "profile.json", profile.to_json().as_bytes())?);
        }
        files.push(write_whole(dir, "summary.json", summary.to_json().as_bytes())?);
        if let Some(page) = page {
            let page = page.end().map_err(Error::write(&dir.join(HTML), "written"))?;
            files.push(page.finish()?);
        }
        files.sort_by_key(|file| file.name);
        let (log, log_end) = self.log.finish(summary.complete, &files)?;
        files.push(log);
        files.sort_by_key(|file| file.name);
        let manifest = Manifest::new(run, &self.asked, summary, &files, &log_end, &self.started).to_json();
        let manifest = write_whole(dir, MANIFEST, manifest.as_bytes())?;
        sync_dir(dir).map_err(Error::write(dir, "written"))?;
        // What was stopped can be gone on with.
        if summary.complete {
            // In this order: without a journal it is finished.
            remove(dir, &[PARTIAL, JOURNAL])?;
        }
        sync_dir(dir).map_err(Error::write(dir, "written"))?;
        Ok(Written { manifest_sha256: manifest.sha256, log_sha256: log_end.last_sha256, dir: self.dir })
    }

    fn begin_page(&self, summary: &Summary) -> Result<Page<Output>, Error> {
        let output = Output::create(&self.dir, HTML)?;
        let named = output.named();
        let ReportOptions { language, redact_names, .. } = self.options;
        let options = PageOptions { language, redact_names };
        Page::begin(output, summary, &self.run, &self.scanned, options).map_err(named)
    }
}

impl Sink for ReportDir {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        let lines = Lines {
            finding: record.is_finding().then(|| record.finding_json()),
            error: record.error_json(),
            item: self.items.is_some().then(|| record.item_json()),
        };
        if let Some(line) = &lines.finding {
            // One write, so that a reader never sees half a line of a run that goes on.
            self.partial.write_all(format!("{line}\n").as_bytes())?;
        }
        // What was left out since the scan is stopped is for the next time.
        if !record.is_left_for_next_time() {
            self.journal.done(record, Account::new(record), &lines)?;
        }
        // What the log tells of is never lost to whoever goes on: what the journal has and the log has not is told then.
        if lines.finding.is_some() || lines.error.is_some() {
            self.journal.flush()?;
        }
        self.log.record(record, lines.finding.as_deref())?;
        if self.journal.is_sync_due() {
            self.journal.sync()?;
            self.log.sync()?;
        }
        let key = || key(&record.locator);
        if let Some(line) = lines.finding {
            self.findings.push(key(), line.into_bytes())?;
        }
        if let Some(line) = lines.error {
            self.errors.push(key(), line.into_bytes())?;
        }
        if let (Some(line), Some(items)) = (lines.item, &mut self.items) {
            items.push(key(), line.into_bytes())?;
        }
        Ok(())
    }
}

const HTML: &str = "report.html";

const MANIFEST: &str = "manifest.json";

/// Every file of a report folder: those that a finished one has, then those of a run.
const FILES: [&str; 11] = [
    MANIFEST,
    HTML,
    "findings.jsonl",
    "findings.csv",
    "errors.jsonl",
    "items.jsonl",
    "profile.json",
    "summary.json",
    PARTIAL,
    LOG,
    JOURNAL,
];

/// Bytes that a second line of a log is looked for in.
const MOST_FIRST_LINE: u64 = 16 << 20;

/// How many of [`FILES`] are written at the end.
const OUTPUTS: usize = 8;

/// How a report goes on.
#[derive(Debug)]
pub enum Going {
    /// There is something left to do.
    On(Box<(ReportDir, Past)>),
    /// It was finished before: with this exit code. The files that were scanned are not compared with what they were.
    Finished {
        /// That of the scan.
        exit_code: u8,
        /// The report.
        written: Written,
    },
}

/// What is left to say of a report in `dir` that was finished; none where there is none.
fn finished(dir: &Path, asked: &Asked) -> Result<Option<Going>, Error> {
    #[derive(serde::Deserialize)]
    struct Counts {
        complete: bool,
        unexamined: u64,
        found: u64,
    }
    #[derive(serde::Deserialize)]
    struct Finished {
        asked: Asked,
        log: LogEnd,
    }
    let read = |name: &str| {
        let path = dir.join(name);
        fs::read(&path).map_err(Error::write(&path, "read")).map(|text| (path, text))
    };
    if !dir.join(MANIFEST).exists() {
        return Ok(None);
    }
    let (path, manifest) = read(MANIFEST)?;
    let before: Finished = parse(&manifest).map_err(Error::write(&path, "read"))?;
    if let Some(what) = asked.difference(&before.asked) {
        return Err(Cause::AskedOtherwise(what).into());
    }
    let (path, summary) = read("summary.json")?;
    let Counts { complete, unexamined, found } = parse(&summary).map_err(Error::write(&path, "read"))?;
    let written = Written {
        dir: dir.to_owned(),
        manifest_sha256: to_hex(&Sha256::digest(&manifest)),
        log_sha256: before.log.last_sha256,
    };
    Ok(Some(Going::Finished { exit_code: exit_code(complete, unexamined, found), written }))
}

/// Checks that a folder without a journal holds nothing that was found: then it can be begun anew.
fn check_nothing_found(dir: &Path) -> Result<(), Error> {
    let len = |name: &str| fs::metadata(dir.join(name)).map_or(0, |file| file.len());
    let (log, partial) = (dir.join(LOG), len(PARTIAL));
    let read = File::open(&log).and_then(|file| {
        let mut begin = Vec::new();
        file.take(MOST_FIRST_LINE).read_to_end(&mut begin).map(|_| begin)
    });
    let lines = match read {
        Ok(log) => log.iter().filter(|byte| **byte == b'\n').take(2).count(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(Error::write(&log, "read")(error)),
    };
    match partial > 0 || lines > 1 || FILES[..OUTPUTS].iter().any(|name| len(name) > 0) {
        true => Err(Cause::NoJournal(dir.to_owned()).into()),
        false => Ok(()),
    }
}

/// Removes those files that are there.
fn remove(dir: &Path, names: &[&str]) -> Result<(), Error> {
    for path in names.iter().map(|name| dir.join(name)) {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::write(&path, "removed")(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The partial findings, to be added to; a line whose end is missing gets one.
fn go_on(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).append(true).create(true);
    let mut file = open_regular(path, &mut options)?;
    if file.metadata()?.len() > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    Ok(file)
}

/// How the scan was asked for.
fn asked(scanned: &[PathBuf], options: ReportOptions, run: &RunInfo) -> Asked {
    let ReportOptions { csv, html, items, language, redact_names, .. } = options;
    Asked {
        v: Asked::VERSION,
        program: vec![run.tool.clone(), run.version.clone(), run.commit.clone(), run.target.clone()],
        scanned: shown(scanned),
        folder: std::env::current_dir().map_or_else(|_| String::new(), |folder| shown(&[folder]).concat()),
        settings: run.settings.clone(),
        indexes: run.indexes.iter().map(|index| index.sha256.clone()).collect(),
        disputes: run.disputes.as_ref().map(|disputes| disputes.sha256.clone()),
        case: run.case.clone(),
        operator: run.operator.clone(),
        report: vec![format!("csv {csv}, html {html}, items {items}, {language:?}, redacted {redact_names}")],
    }
}

fn shown(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|path| escape(path.as_os_str().as_encoded_bytes()).into_owned()).collect()
}

fn begin_table(dir: &Path) -> Result<Output, Error> {
    let mut output = Output::create(dir, "findings.csv")?;
    csv::write_header(&mut output).map_err(output.named())?;
    Ok(output)
}

fn write_findings(
    dir: &Path,
    findings: Sorter,
    mut table: Option<Output>,
    mut page: Option<&mut Page<Output>>,
    options: ReportOptions,
) -> Result<Vec<OutputFile>, Error> {
    let wanted = table.is_some() || page.is_some();
    let lines = write_sorted(dir, "findings.jsonl", findings, |line| {
        if wanted {
            let finding: FindingRow = parse(line)?;
            if let Some(table) = &mut table {
                csv::write_finding(table, &finding, options.redact_names)?;
            }
            if let Some(page) = &mut page {
                page.finding(&finding)?;
            }
        }
        Ok(())
    })?;
    let table = table.map(Output::finish).transpose()?;
    Ok([lines].into_iter().chain(table).collect())
}

fn write_errors(
    dir: &Path,
    errors: Sorter,
    mut page: Option<&mut Page<Output>>,
) -> Result<OutputFile, Error> {
    if let Some(page) = &mut page {
        page.begin_errors().map_err(Error::write(&dir.join(HTML), "written"))?;
    }
    write_sorted(dir, "errors.jsonl", errors, |line| match &mut page {
        Some(page) => page.error(&parse::<ErrorRow>(line)?),
        None => Ok(()),
    })
}

fn write_sorted(
    dir: &Path,
    name: &'static str,
    lines: Sorter,
    mut also: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<OutputFile, Error> {
    let mut output = Output::create(dir, name)?;
    let named = output.named();
    lines
        .finish(|line| {
            output.write_all(line)?;
            output.write_all(b"\n")?;
            also(line)
        })
        .map_err(named)?;
    output.finish()
}

fn write_whole(dir: &Path, name: &'static str, bytes: &[u8]) -> Result<OutputFile, Error> {
    let mut output = Output::create(dir, name)?;
    output.write_all(bytes).map_err(output.named())?;
    output.finish()
}

/// Makes the names of new files last. Other systems than Unix do not open folders.
fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}
