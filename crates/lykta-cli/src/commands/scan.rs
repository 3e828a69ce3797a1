//! `lykta scan`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use lykta::scan::{
    Confinement, DisputeInfo, FindingSpool, Going, IndexInfo, Isolation, Past, Profile, Progress, ReportDir,
    ReportOptions, RunInfo,
};
use lykta::source::container::Limits;
use lykta::source::{ItemKind, Locator, WalkOptions, check_roots, escape, visible, walk};
use lykta::{Index, Options, Record, Scanner, Sink, Summary};

use crate::args::{RecordArg, ReportArg, ScanArgs};
use crate::disputes;
use crate::interrupt;
use crate::known::{Load, open_undamaged};
use crate::progress::ScanDisplay;
use crate::say::note;

/// Bytes of findings held in memory for sorting when there is no folder for them.
const SORT_MEMORY: usize = 64 << 20;

pub(crate) fn run(args: &ScanArgs) -> anyhow::Result<u8> {
    check_roots(&args.paths)?;
    let disputes = args.dispute.as_deref().map(disputes::read).transpose()?;
    let load = Load::new(args.preload);
    let indexes = args.index.iter().map(|path| open_undamaged(path, load)).collect::<Result<Vec<_>, _>>()?;
    let mut options = options(args);
    if let Some(disputes) = &disputes {
        options.disputed = Arc::clone(&disputes.entries);
        if !args.quiet {
            disputes::note_unknown_lists(&disputes.entries, &indexes);
        }
    }
    let scan = Scan { indexes: &indexes, disputes: disputes.map(|disputes| disputes.info), options, args };
    match &args.output {
        Some(dir) => scan.report_to(dir),
        None => scan.report_to_stdout(),
    }
}

fn options(args: &ScanArgs) -> Options {
    let defaults = Options::default();
    Options {
        jobs: args.jobs.unwrap_or(defaults.jobs),
        near: !args.no_near,
        radius: args.radius,
        min_quality: args.min_quality,
        band: args.band.into(),
        warn_hits: args.warn_hits,
        memory: args.memory,
        max_item_bytes: args.max_item_bytes,
        max_total_bytes: args.max_total_bytes,
        containers: args.containers.limits(),
        ..defaults
    }
}

/// What of the arguments decides what is found, those not given included: the same for any number of
/// threads and any folder for the results.
fn settings(args: &ScanArgs, options: &Options) -> Vec<String> {
    let mut settings = vec![
        format!("--min-quality {}", options.min_quality),
        format!("--band {}", options.band.name()),
        format!("--memory {}", options.memory),
        format!("--warn-hits {}", options.warn_hits),
    ];
    settings.extend(options.radius.map(|bits| format!("--radius pdq={bits}")));
    settings.extend((!options.near).then(|| "--no-near".to_owned()));
    settings.extend(args.follow_links.then(|| "--follow-links".to_owned()));
    settings.extend(args.max_depth.map(|depth| format!("--max-depth {depth}")));
    settings.extend(options.max_item_bytes.map(|bytes| format!("--max-item-bytes {bytes}")));
    settings.extend(options.max_total_bytes.map(|bytes| format!("--max-total-bytes {bytes}")));
    match &options.containers {
        None => settings.push("--no-containers".to_owned()),
        Some(Limits { nesting, members, bytes, ratio, memory }) => settings.extend([
            format!("--max-nesting {nesting}"),
            format!("--max-members {members}"),
            format!("--max-container-bytes {bytes}"),
            format!("--max-ratio {ratio}"),
            format!("--container-memory {memory}"),
        ]),
    }
    settings
}

struct Scan<'a> {
    indexes: &'a [Index],
    disputes: Option<DisputeInfo>,
    options: Options,
    args: &'a ScanArgs,
}

impl Scan<'_> {
    fn report_to(&self, dir: &Path) -> anyhow::Result<u8> {
        let has = |form| self.args.report.contains(&form);
        let options = ReportOptions {
            csv: has(ReportArg::Csv),
            html: has(ReportArg::Html),
            items: self.args.record == Some(RecordArg::All),
            language: self.args.lang.into(),
            redact_names: self.args.redact_names,
            ..ReportOptions::default()
        };
        let scanner = self.scanner()?;
        let info = RunInfo {
            tool: "lykta".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: env!("LYKTA_COMMIT").to_owned(),
            target: env!("LYKTA_TARGET").to_owned(),
            arguments: std::env::args_os().map(|arg| escape(arg.as_encoded_bytes()).into_owned()).collect(),
            indexes: self.index_infos(),
            disputes: self.disputes.clone(),
            case: self.args.case.clone(),
            operator: self.args.operator.clone(),
            settings: settings(self.args, &self.options),
            workers: scanner.confinement(),
        };
        // Nothing that takes long after this line, and a stop that lets the report be finished: a
        // folder that was made must not be left without its manifest.
        let stop = interrupt::orderly();
        let (mut report, past) = match self.args.resume {
            false => {
                let report = ReportDir::create(dir, &self.args.paths, options, info)?;
                (report, Past::new(scanner.empty_summary()))
            }
            true => match ReportDir::resume(dir, &self.args.paths, options, info, scanner.empty_summary())? {
                Going::On(going) => *going,
                Going::Finished { exit_code, written } => {
                    note(format_args!("{} is finished: nothing was left to do", Locator::from_path(dir)));
                    note(format_args!("sha256 of the last line of log.jsonl: {}", written.log_sha256));
                    note(format_args!("sha256 of manifest.json: {}", written.manifest_sha256));
                    return Ok(exit_code);
                }
            },
        };
        past.check(walk(&self.args.paths, &self.walk_options()))?;
        let (summary, profile) = self.drive(&scanner, past, &mut report, stop)?;
        let written = report.finish(&summary, profile.as_ref())?;
        let mut out = io::stdout().lock();
        // Whoever notes it down can later tell whether the report was changed: said in every case. It pins
        // the log, too, whose own digest is for those who keep the log elsewhere.
        let digest = format!("sha256 of manifest.json: {}", written.manifest_sha256);
        let log_digest = format!("sha256 of the last line of log.jsonl: {}", written.log_sha256);
        if self.args.json {
            writeln!(out, "{}", summary.to_json_line())?;
            if !self.args.quiet {
                note(log_digest);
            }
            note(digest);
            return Ok(summary.exit_code());
        }
        if !self.args.quiet {
            write_table(&mut out, &summary)?;
            writeln!(out, "report: {}", Locator::from_path(&written.dir.join(self.main_file())))?;
            writeln!(out, "{log_digest}")?;
        }
        writeln!(out, "{digest}")?;
        Ok(summary.exit_code())
    }

    fn index_infos(&self) -> Vec<IndexInfo> {
        self.args.index.iter().zip(self.indexes).map(|(path, index)| IndexInfo::new(path, index)).collect()
    }

    fn main_file(&self) -> &'static str {
        if self.args.report.contains(&ReportArg::Html) { "report.html" } else { "findings.jsonl" }
    }

    fn report_to_stdout(&self) -> anyhow::Result<u8> {
        let mut sink = Streams { findings: spool(&self.args.paths) };
        let scanner = self.scanner()?;
        let nothing = Past::new(scanner.empty_summary());
        let (summary, _) = self.drive(&scanner, nothing, &mut sink, interrupt::orderly())?;
        let mut out = io::BufWriter::new(io::stdout().lock());
        sink.findings.write_to(&mut out)?;
        writeln!(out, "{}", summary.to_json_line())?;
        out.flush()?;
        Ok(summary.exit_code())
    }

    fn scanner(&self) -> anyhow::Result<Scanner<'_>> {
        let scanner = Scanner::with_indexes(self.indexes, self.options.clone());
        if !self.args.isolate {
            return Ok(scanner);
        }
        let scanner = scanner.isolated(Isolation::new(self.args.index.clone()))?;
        // Never silently weaker than it sounds, so said even when quiet.
        if let Some(text) = scanner.confinement().and_then(Confinement::note) {
            note(text);
        }
        Ok(scanner)
    }

    fn walk_options(&self) -> WalkOptions {
        WalkOptions { follow_links: self.args.follow_links, max_depth: self.args.max_depth }
    }

    fn drive(
        &self,
        scanner: &Scanner<'_>,
        past: Past,
        sink: &mut dyn Sink,
        stop: &AtomicBool,
    ) -> anyhow::Result<(Summary, Option<Profile>)> {
        if let Some(text) = scanner.near_matching().note().filter(|_| !self.args.quiet) {
            note(text);
        }
        let progress = Arc::new(Progress::default());
        let (paths, counted_options) = (self.args.paths.clone(), self.walk_options());
        let display = ScanDisplay::new(self.args.quiet, Arc::clone(&progress), move |progress, done| {
            count(&paths, &counted_options, progress, done);
        });
        let items = walk(&self.args.paths, &self.walk_options());
        let (summary, profile) = scanner.go_on(past, items, sink, &progress, stop, self.args.profile)?;
        drop(display);
        // Asked for, so said even when quiet; never the reason to fail.
        if let Some(profile) = &profile {
            let _ = write_profile(&mut io::stderr().lock(), profile);
        }
        Ok((summary, profile))
    }
}

/// Walks without opening anything, to say how much there is.
fn count(paths: &[PathBuf], options: &WalkOptions, progress: &Progress, done: &AtomicBool) {
    let (mut items, mut bytes) = (0, 0);
    for item in walk(paths, options) {
        if done.load(Relaxed) {
            return;
        }
        items += 1;
        if let ItemKind::File(file) = item.kind {
            bytes += file.size();
        }
    }
    progress.set_totals(items, bytes);
}

/// Where findings wait to be sorted when there is no report folder.
///
/// Those that do not fit in memory go to a folder for temporary files, unless what is scanned holds
/// it: a scan writes nothing there, and rather takes as much memory as the findings need.
fn spool(scanned: &[PathBuf]) -> FindingSpool {
    match outside(scanned, &[std::env::temp_dir(), "/var/tmp".into()]) {
        Some(dir) => FindingSpool::new(dir, SORT_MEMORY),
        None => FindingSpool::new(Path::new(""), usize::MAX),
    }
}

/// The first of `folders` that exists and is not inside what is scanned, links resolved.
fn outside<'f>(scanned: &[PathBuf], folders: &'f [PathBuf]) -> Option<&'f Path> {
    let roots: Vec<PathBuf> = scanned.iter().filter_map(|root| fs::canonicalize(root).ok()).collect();
    let is_outside = |dir: &&PathBuf| {
        fs::canonicalize(dir).is_ok_and(|dir| !roots.iter().any(|root| dir.starts_with(root)))
    };
    folders.iter().find(is_outside).map(PathBuf::as_path)
}

/// Findings kept for standard output, problems told on standard error at once.
struct Streams {
    findings: FindingSpool,
}

impl Sink for Streams {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        if let Some(line) = record.error_json() {
            writeln!(io::stderr().lock(), "{line}")?;
        }
        self.findings.record(record)
    }
}

/// The counts, for a person.
pub(crate) fn write_table(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    writeln!(out, "{:<28} {:>12} {:>18}", "outcome", "items", "bytes")?;
    for (name, count) in summary.outcomes() {
        writeln!(out, "{name:<28} {:>12} {:>18}", count.items, count.bytes)?;
        for (reason, count) in summary.reasons(name) {
            writeln!(out, "  {reason:<26} {:>12} {:>18}", count.items, count.bytes)?;
        }
    }
    let seen = summary.seen();
    writeln!(out, "{:<28} {:>12} {:>18}", "seen", seen.items, seen.bytes)?;
    for note in summary.notes() {
        writeln!(out, "{}", visible(&note))?;
    }
    writeln!(out, "{}", summary.sentence())
}

/// Where the time went, for a person.
fn write_profile(out: &mut impl Write, profile: &Profile) -> io::Result<()> {
    let (threads, wall, total) = (profile.threads(), profile.wall().as_secs_f64(), profile.total());
    writeln!(out, "time of {threads} threads together, {wall:.2} s by the clock")?;
    writeln!(out, "{:<20} {:>12} {:>8}", "part", "seconds", "percent")?;
    for (name, time) in profile.parts().chain([("all", total)]) {
        writeln!(out, "{name:<20} {:>12.3} {:>8.1}", time.as_secs_f64(), profile.percent(time))?;
    }
    let heads = ["items", "MiB", "seconds", "items/s", "MiB/s"];
    write!(out, "{:<20}", "format")?;
    heads.iter().try_for_each(|head| write!(out, " {head:>12}"))?;
    writeln!(out)?;
    let mib = |bytes: f64| bytes / f64::from(1 << 20);
    for (name, group) in profile.groups() {
        let (items, bytes) = (group.count.items, group.count.bytes);
        write!(out, "{name:<20} {items:>12} {:>12.1} {:>12.3}", mib(bytes as f64), group.time.as_secs_f64())?;
        writeln!(out, " {:>12.1} {:>12.1}", group.per_second(items), mib(group.per_second(bytes)))?;
    }
    let (all, by_clock) = (profile.all(), |amount: f64| if wall > 0.0 { amount / wall } else { 0.0 });
    write!(
        out,
        "{:<20} {:>12} {:>12.1} {wall:>12.3}",
        "all, by the clock",
        all.items,
        mib(all.bytes as f64)
    )?;
    writeln!(out, " {:>12.1} {:>12.1}", by_clock(all.items as f64), mib(by_clock(all.bytes as f64)))?;
    writeln!(
        out,
        "seconds of parts and formats are summed over threads; rates of formats are those of one thread"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_files_are_not_made_inside_what_is_scanned() {
        let top = tempfile::tempdir().unwrap();
        let [dump, inside, beside] = ["dump", "dump/tmp", "beside"].map(|name| top.path().join(name));
        for dir in [&dump, &inside, &beside] {
            fs::create_dir(dir).unwrap();
        }
        let missing = top.path().join("missing");
        let folders = [inside, missing, beside.clone()];
        assert_eq!(outside(&[dump], &folders), Some(beside.as_path()));
        assert_eq!(outside(&[top.path().to_owned()], &folders), None);
    }
}
