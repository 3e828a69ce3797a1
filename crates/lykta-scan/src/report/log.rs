//! What a run did, as it did it: a line an event, each with the digest of the line before.
//!
//! Altering, removing or inserting a line shows in the next one. Whoever can write the file can
//! rewrite all of it, though: the digest of the last line belongs into the notes of the case.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::OpenOptions;
use std::io::{self, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::record::Record;
use crate::report::chain::{read_chain, sha256};
use crate::report::chained::ChainedLog;
use crate::report::clock::{Moment, synchronised};
use crate::report::host::Host;
use crate::report::manifest::{DisputeInfo, OutputFile, RunInfo};
use crate::report::output::open_regular;

/// Its name in a report folder.
pub(crate) const LOG: &str = "log.jsonl";

/// Between two lines that say how far the run is.
const PROGRESS_EVERY: Duration = Duration::from_secs(10);

/// The log of a run: JSON lines, chained by their digests, each with the system before the next.
///
/// The first line stands on a header made of the tool, the case and the operator, which it names.
/// Digests of lines are without the line end.
#[derive(Debug)]
pub(crate) struct RunLog {
    log: ChainedLog,
    items: u64,
    item_bytes: u64,
    told: Instant,
    every: Duration,
    /// What was told of items that are examined once more: it is not told again.
    before: Told,
}

/// What a log tells of items: findings and problems, each by a digest, and how often.
#[derive(Debug, Default)]
pub(crate) struct Told(HashMap<String, u64>);

/// Something that a log tells of an item.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum OfItem {
    /// It is a finding.
    Found { locator: Vec<String>, line_sha256: String },
    /// Something went wrong with it.
    Problem { locator: Vec<String>, outcome: String, reason: String },
}

/// Where a log ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LogEnd {
    pub(crate) lines: u64,
    pub(crate) last_sha256: String,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event<'e> {
    Started(Box<Started<'e>>),
    Progress { items: u64, bytes: u64 },
    Resumed { torn_bytes: u64, arguments: &'e [String], host: Box<Host>, clock_synchronised: Option<bool> },
    Stopped { items: u64, bytes: u64 },
    Finished { complete: bool, files: &'e [OutputFile] },
}

#[derive(Serialize)]
struct Started<'e> {
    tool: &'e str,
    version: &'e str,
    commit: &'e str,
    target: &'e str,
    arguments: &'e [String],
    case: Option<&'e str>,
    operator: Option<&'e str>,
    indexes: Vec<Compared<'e>>,
    disputes: Option<&'e DisputeInfo>,
    host: Host,
    clock_synchronised: Option<bool>,
}

/// An index and its lists, by their digests.
#[derive(Serialize)]
struct Compared<'e> {
    path: &'e str,
    sha256: &'e str,
    lists: Vec<ComparedList<'e>>,
}

#[derive(Serialize)]
struct ComparedList<'e> {
    name: &'e str,
    sha256: &'e str,
}

impl RunLog {
    /// Begins a log at `path`, where there must not be a file, with the event `started`.
    ///
    /// # Errors
    /// When it cannot be created or written.
    pub(crate) fn create(path: &Path, run: &RunInfo) -> Result<Self, Error> {
        let (case, operator) = (run.case.as_deref(), run.operator.as_deref());
        let mut log = Self::new(ChainedLog::create(path, &run.tool, case, operator)?);
        log.tell(Event::Started(Box::new(Started::new(run)))).map_err(Error::write(path, "written"))?;
        Ok(log)
    }

    /// Goes on with the log at `path`: checks all of it, drops a last line whose end is missing, as a
    /// run that was killed may leave one, and adds the event `resumed`, which says how many bytes were
    /// dropped, and by what command and on what computer `run` goes on. What is in `before` is not told again.
    ///
    /// # Errors
    /// When it cannot be read or written, holds no whole line, or a line is not as it was written.
    pub(crate) fn append_to(path: &Path, run: &RunInfo, before: Told) -> Result<Self, Error> {
        let (log, torn_bytes) = ChainedLog::append_to(path)?;
        let mut log = Self { before, ..Self::new(log) };
        let resumed = Event::Resumed {
            torn_bytes,
            arguments: &run.arguments,
            host: Box::new(Host::new()),
            clock_synchronised: synchronised(),
        };
        log.tell(resumed).map_err(Error::write(path, "written"))?;
        Ok(log)
    }

    /// What the log at `path` tells of items, if there is one, and when it was begun; whether it is as it was written is
    /// not looked at.
    pub(crate) fn told(path: &Path) -> Result<(Told, Option<Moment>), Error> {
        #[derive(Deserialize)]
        struct Begun {
            at: Moment,
        }
        let file = match open_regular(path, OpenOptions::new().read(true)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Told::default(), None)),
            Err(error) => return Err(Error::write(path, "opened")(error)),
        };
        let (mut told, mut begun) = (Told::default(), None);
        let read = read_chain(BufReader::new(file), None, |_, bytes| {
            if let Ok(of_item) = serde_json::from_slice::<OfItem>(bytes) {
                told.add(&of_item);
            }
            if begun.is_none() {
                begun = serde_json::from_slice(bytes).ok().map(|Begun { at }| at);
            }
            Ok(())
        });
        read.map_err(Error::write(path, "read"))?;
        Ok((told, begun))
    }

    /// Tells something of an item, unless that was told before.
    pub(crate) fn tell_of(&mut self, of_item: &OfItem) -> io::Result<()> {
        if self.before.take(of_item) { Ok(()) } else { self.log.tell(of_item) }
    }

    fn new(log: ChainedLog) -> Self {
        let (told, every) = (Instant::now(), PROGRESS_EVERY);
        Self { log, items: 0, item_bytes: 0, told, every, before: Told::default() }
    }

    /// Tells of an item: that it is a finding, and of `finding`, its line in `findings.jsonl`; that it
    /// has a problem, unless that is only that the scan was stopped; and now and then how far the run is.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn record(&mut self, record: &Record, finding: Option<&str>) -> io::Result<()> {
        self.items += 1;
        self.item_bytes = self.item_bytes.saturating_add(record.size.unwrap_or(0));
        if let Some(line) = finding {
            self.tell_of(&OfItem::found(&record.locator, line))?;
        }
        if let (Some(problem), false) = (&record.problem, record.is_left_for_next_time()) {
            self.tell_of(&OfItem::problem(&record.locator, record.outcome.name(), problem.reason))?;
        }
        if self.told.elapsed() >= self.every {
            self.tell(Event::Progress { items: self.items, bytes: self.item_bytes })?;
            self.told = Instant::now();
            // What a failing computer may lose is no more than this.
            self.log.sync()?;
        }
        Ok(())
    }

    /// Waits for the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.log.sync()
    }

    /// Tells that the run was stopped before its end.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn stopped(&mut self) -> io::Result<()> {
        self.tell(Event::Stopped { items: self.items, bytes: self.item_bytes })
    }

    /// Tells of all other files of the report, waits for the disk, and describes the log itself.
    pub(crate) fn finish(
        mut self,
        complete: bool,
        files: &[OutputFile],
    ) -> Result<(OutputFile, LogEnd), Error> {
        let path = self.log.path().to_owned();
        let told = self.tell(Event::Finished { complete, files }).and_then(|()| self.log.end(LOG));
        told.map_err(Error::write(&path, "written"))
    }

    fn tell(&mut self, event: Event<'_>) -> io::Result<()> {
        self.log.tell(&event)
    }
}

impl Told {
    fn add(&mut self, of_item: &OfItem) {
        *self.0.entry(of_item.digest()).or_default() += 1;
    }

    /// Takes one away. Whether there was one.
    pub(crate) fn take(&mut self, of_item: &OfItem) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let Entry::Occupied(mut left) = self.0.entry(of_item.digest()) else { return false };
        *left.get_mut() -= 1;
        if *left.get() == 0 {
            left.remove();
        }
        true
    }
}

impl OfItem {
    /// `line` is that in `findings.jsonl`.
    pub(crate) fn found(locator: &[String], line: &str) -> Self {
        Self::Found { locator: locator.to_vec(), line_sha256: sha256(line.as_bytes()) }
    }

    pub(crate) fn problem(locator: &[String], outcome: &str, reason: &str) -> Self {
        Self::Problem { locator: locator.to_vec(), outcome: outcome.into(), reason: reason.into() }
    }

    #[expect(clippy::unwrap_used, reason = "texts always serialise")]
    fn digest(&self) -> String {
        sha256(&serde_json::to_vec(self).unwrap())
    }
}

impl<'e> Started<'e> {
    fn new(run: &'e RunInfo) -> Self {
        let indexes = run.indexes.iter().map(|index| {
            let lists = index.lists.iter();
            let lists = lists.map(|list| ComparedList { name: &list.name, sha256: &list.sha256 }).collect();
            Compared { path: &index.path, sha256: &index.sha256, lists }
        });
        Self {
            tool: &run.tool,
            version: &run.version,
            commit: &run.commit,
            target: &run.target,
            arguments: &run.arguments,
            case: run.case.as_deref(),
            operator: run.operator.as_deref(),
            indexes: indexes.collect(),
            disputes: run.disputes.as_ref(),
            host: Host::new(),
            clock_synchronised: synchronised(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn progress_is_told_now_and_then_and_not_for_every_item() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(LOG);
        let mut log = RunLog::create(&path, &RunInfo::default()).unwrap();
        let record = Record::new(vec!["a".into()], Some(7));
        log.record(&record, None).unwrap();
        log.record(&record, None).unwrap();
        log.every = Duration::ZERO;
        log.record(&record, None).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert_eq!(lines[1]["event"], "progress");
        assert_eq!((&lines[1]["items"], &lines[1]["bytes"]), (&json!(3), &json!(21)));
    }

    fn begun(dir: &Path) -> std::path::PathBuf {
        let path = dir.join(LOG);
        let mut log = RunLog::create(&path, &RunInfo::default()).unwrap();
        log.stopped().unwrap();
        log.stopped().unwrap();
        path
    }

    fn go_on(path: &Path) -> Result<RunLog, Error> {
        RunLog::append_to(path, &RunInfo::default(), Told::default())
    }

    #[test]
    fn going_on_drops_a_torn_line_and_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let path = begun(dir.path());
        let whole = std::fs::read(&path).unwrap();
        let last = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
        // Wherever a write was cut off.
        for end in last..=whole.len() {
            std::fs::write(&path, &whole[..end]).unwrap();
            go_on(&path).unwrap().stopped().unwrap();
            let text = std::fs::read(&path).unwrap();
            let mut lines: Vec<Value> = Vec::new();
            let chain = read_chain(&text[..], None, |_, line| {
                lines.push(serde_json::from_slice(line)?);
                Ok(())
            });
            assert_eq!(chain.unwrap().altered, None);
            let is_whole = end == whole.len();
            assert_eq!(lines.len(), if is_whole { 5 } else { 4 });
            let resumed = &lines[lines.len() - 2];
            assert_eq!(resumed["event"], "resumed");
            assert_eq!(resumed["torn_bytes"], if is_whole { 0 } else { end - last });
        }
    }

    #[test]
    fn a_log_that_was_altered_is_not_gone_on_with_and_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = begun(dir.path());
        let text = std::fs::read_to_string(&path).unwrap();
        let altered = text.replacen("\"version\":\"", "\"version\":\"2", 1);
        assert_ne!(text, altered);
        std::fs::write(&path, &altered).unwrap();
        let error = go_on(&path).unwrap_err();
        assert!(error.to_string().starts_with("line 1 of ") && error.path() == Some(&*path), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), altered);
        std::fs::write(&path, "{\"v\":1").unwrap();
        assert!(go_on(&path).unwrap_err().to_string().contains("holds no line"));
        std::fs::remove_file(&path).unwrap();
        assert!(go_on(&path).is_err());
    }
}
