//! A folder with everything that a scan says: findings, errors, counts, a page for people, and a
//! manifest that pins all of it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use lykta_source::escape;

use crate::error::Error;
use crate::profile::Profile;
use crate::record::Record;
use crate::report::clock::Moment;
use crate::report::html::{Page, PageOptions};
use crate::report::log::{LOG, RunLog};
use crate::report::manifest::{Manifest, OutputFile, RunInfo};
use crate::report::output::{Output, create_private};
use crate::report::rows::{ErrorRow, FindingRow, parse};
use crate::report::sorted::{Sorter, key};
use crate::report::texts::Language;
use crate::report::{csv, place};
use crate::sink::Sink;
use crate::summary::Summary;

/// Findings in the order in which they come, while a scan runs.
const PARTIAL: &str = "findings.partial.jsonl";

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
    /// The paths that are scanned, escaped.
    scanned: Vec<String>,
    started: Moment,
    log: RunLog,
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
        let dir = place::prepare(dir, scanned)?;
        let started = Moment::now();
        let log = RunLog::create(&dir.join(LOG), &run)?;
        let partial = dir.join(PARTIAL);
        let sorter = || Sorter::new(&dir, options.sort_memory);
        Ok(Self {
            partial: create_private(&partial).map_err(Error::write(&partial, "created"))?,
            findings: sorter(),
            errors: sorter(),
            items: options.items.then(sorter),
            run,
            scanned: scanned
                .iter()
                .map(|path| escape(path.as_os_str().as_encoded_bytes()).into_owned())
                .collect(),
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
        let manifest = Manifest::new(run, summary, &files, &log_end, &self.started).to_json();
        let manifest = write_whole(dir, "manifest.json", manifest.as_bytes())?;
        let partial = dir.join(PARTIAL);
        fs::remove_file(&partial).map_err(Error::write(&partial, "removed"))?;
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
        let finding = record.is_finding().then(|| record.finding_json());
        self.log.record(record, finding.as_deref())?;
        if let Some(line) = finding {
            // One write, so that a reader never sees half a line of a run that goes on.
            self.partial.write_all(format!("{line}\n").as_bytes())?;
            self.findings.push(key(&record.locator), line.into_bytes())?;
        }
        if let Some(line) = record.error_json() {
            self.errors.push(key(&record.locator), line.into_bytes())?;
        }
        if let Some(items) = &mut self.items {
            items.push(key(&record.locator), record.item_json().into_bytes())?;
        }
        Ok(())
    }
}

const HTML: &str = "report.html";

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
