//! What a run did, as it did it: a line an event, each with the digest of the line before.
//!
//! Altering, removing or inserting a line shows in the next one. Whoever can write the file can
//! rewrite all of it, though: the digest of the last line belongs into the notes of the case.

use std::collections::HashSet;
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
pub struct RunLog {
    log: ChainedLog,
    items: u64,
    item_bytes: u64,
    told: Instant,
    every: Duration,
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
    Found { locator: &'e [String], line_sha256: &'e str },
    Problem { locator: &'e [String], outcome: &'e str, reason: &'e str },
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
    pub fn create(path: &Path, run: &RunInfo) -> Result<Self, Error> {
        let (case, operator) = (run.case.as_deref(), run.operator.as_deref());
        let mut log = Self::new(ChainedLog::create(path, &run.tool, case, operator)?);
        log.tell(Event::Started(Box::new(Started::new(run)))).map_err(Error::write(path, "written"))?;
        Ok(log)
    }

    /// Goes on with the log at `path`: checks all of it, drops a last line whose end is missing, as a
    /// run that was killed may leave one, and adds the event `resumed`, which says how many bytes were
    /// dropped, and by what command and on what computer `run` goes on.
    ///
    /// # Errors
    /// When it cannot be read or written, holds no whole line, or a line is not as it was written.
    pub fn append_to(path: &Path, run: &RunInfo) -> Result<Self, Error> {
        let (log, torn_bytes) = ChainedLog::append_to(path)?;
        let mut log = Self::new(log);
        let resumed = Event::Resumed {
            torn_bytes,
            arguments: &run.arguments,
            host: Box::new(Host::new()),
            clock_synchronised: synchronised(),
        };
        log.tell(resumed).map_err(Error::write(path, "written"))?;
        Ok(log)
    }

    /// The digests of lines in `findings.jsonl` that the log at `path` tells of, if there is one, and when it was begun;
    /// whether it is as it was written is not looked at.
    pub(crate) fn told(path: &Path) -> Result<(HashSet<String>, Option<Moment>), Error> {
        #[derive(Deserialize)]
        struct Begun {
            at: Moment,
        }
        let file = match open_regular(path, OpenOptions::new().read(true)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((HashSet::new(), None)),
            Err(error) => return Err(Error::write(path, "opened")(error)),
        };
        let (mut told, mut begun) = (HashSet::new(), None);
        let read = read_chain(BufReader::new(file), None, |line, bytes| {
            told.extend(line.line_sha256.clone());
            if begun.is_none() {
                begun = serde_json::from_slice(bytes).ok().map(|Begun { at }| at);
            }
            Ok(())
        });
        read.map_err(Error::write(path, "read"))?;
        Ok((told, begun))
    }

    /// Tells that an item is a finding, by the digest of its line in `findings.jsonl`.
    pub(crate) fn found(&mut self, locator: &[String], line_sha256: &str) -> io::Result<()> {
        self.tell(Event::Found { locator, line_sha256 })
    }

    fn new(log: ChainedLog) -> Self {
        Self { log, items: 0, item_bytes: 0, told: Instant::now(), every: PROGRESS_EVERY }
    }

    /// Tells of an item: that it is a finding, and of `finding`, its line in `findings.jsonl`; that it
    /// has a problem; and now and then how far the run is.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn record(&mut self, record: &Record, finding: Option<&str>) -> io::Result<()> {
        self.items += 1;
        self.item_bytes = self.item_bytes.saturating_add(record.size.unwrap_or(0));
        if let Some(line) = finding {
            self.found(&record.locator, &sha256(line.as_bytes()))?;
        }
        if let Some(problem) = &record.problem {
            let (outcome, reason) = (record.outcome.name(), problem.reason);
            self.tell(Event::Problem { locator: &record.locator, outcome, reason })?;
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
    pub fn stopped(&mut self) -> io::Result<()> {
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
}
