//! Who asked how many of what: a line a minute and client, chained as the log of a scan is, and no hash in it.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use lykta::scan::{Altered, ChainedLog, CheckedLog};
use serde::{Deserialize, Serialize};

use crate::auth::{Asked, Client};
use crate::error::StartError;

/// What the first line stands on, beside the name of the program.
const OPERATOR: &str = "serve";

/// The log, open.
pub(crate) struct Audit {
    log: ChainedLog,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event<'e> {
    Started { tool: &'e str, operator: &'e str, version: &'e str },
    Resumed { version: &'e str, torn_bytes: u64 },
    Asked(AskedLine<'e>),
    Index { index: &'e str, entries: u64 },
    Stopped {},
}

#[derive(Serialize)]
struct AskedLine<'e> {
    client: &'e str,
    #[serde(flatten)]
    totals: ClientTotals,
}

const TOOL: &str = "lykta";
const VERSION: &str = env!("CARGO_PKG_VERSION");

impl Audit {
    /// Begins the log, or goes on with it.
    pub(crate) fn open(path: &Path) -> Result<Self, StartError> {
        // The fact; what to do about it is another thing than after a scan.
        let failed = |error: &dyn std::fmt::Display| {
            let text = error.to_string();
            StartError::Audit(text.split("; ").next().unwrap_or_default().to_owned())
        };
        let (log, event) = match path.exists() {
            false => {
                let log =
                    ChainedLog::create(path, TOOL, None, Some(OPERATOR)).map_err(|error| failed(&error))?;
                (log, Event::Started { tool: TOOL, operator: OPERATOR, version: VERSION })
            }
            true => {
                let (log, torn_bytes) = ChainedLog::append_to(path).map_err(|error| failed(&error))?;
                (log, Event::Resumed { version: VERSION, torn_bytes })
            }
        };
        let mut audit = Self { log };
        audit.log.tell(&event).map_err(|error| failed(&error))?;
        Ok(audit)
    }

    /// Tells what clients asked since the last time.
    pub(crate) fn asked(&mut self, clients: &[Arc<Client>]) -> io::Result<()> {
        for client in clients {
            let Asked { requests, refused, hashes, files, hashed, matched } = &client.asked;
            let counters = [requests, refused, hashes, files, hashed, matched];
            let counts = counters.map(|counter| counter.swap(0, Relaxed));
            let [requests, refused, hashes, compared_files, hashed_files, matched] = counts;
            if requests == 0 {
                continue;
            }
            let totals = ClientTotals { requests, refused, hashes, compared_files, hashed_files, matched };
            if let Err(error) = self.log.tell(&Event::Asked(AskedLine { client: &client.name, totals })) {
                // They are for the next line.
                counters
                    .iter()
                    .zip(counts)
                    .for_each(|(counter, count)| _ = counter.fetch_add(count, Relaxed));
                return Err(error);
            }
        }
        self.log.sync()
    }

    /// Tells that other indexes are in use.
    pub(crate) fn index(&mut self, index: &str, entries: u64) -> io::Result<()> {
        self.log.tell(&Event::Index { index, entries })
    }

    /// Tells of the rest, and that the service ends.
    pub(crate) fn stop(&mut self, clients: &[Arc<Client>]) -> io::Result<()> {
        self.asked(clients)?;
        self.log.tell(&Event::Stopped {})?;
        self.log.sync()
    }
}

/// What an audit log turned out to be, and what it tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedAudit {
    /// Whole lines.
    pub lines: u64,
    /// SHA-256 of the last one; empty when there is none.
    pub last_sha256: String,
    /// Bytes after them: a line whose end is missing, as after a kill.
    pub torn: u64,
    /// The first line that is not as it was written, and how that shows.
    pub altered: Option<(u64, Altered)>,
    /// When its first and its last line were written, as they say.
    pub times: Option<[String; 2]>,
    /// What each client asked, by the lines as they are.
    pub clients: BTreeMap<String, ClientTotals>,
}

/// What a client asked, all in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct ClientTotals {
    /// Requests of all kinds, those that were refused included.
    pub requests: u64,
    /// Requests that were refused: scope, rate, limits, load.
    pub refused: u64,
    /// Hashes that were looked up.
    pub hashes: u64,
    /// Files that were compared.
    pub compared_files: u64,
    /// Files that were only hashed.
    pub hashed_files: u64,
    /// Hashes and files that matched.
    pub matched: u64,
}

/// What is read back of a line.
#[derive(Deserialize)]
struct ReadLine {
    at: serde_json::Value,
    client: Option<String>,
    #[serde(flatten)]
    totals: ClientTotals,
}

/// Checks the audit log at `path`, and adds up what it tells. `noted` is what was written down elsewhere of the digest of
/// its last line: without, somebody who rewrote all of it is not noticed.
///
/// # Errors
/// When it cannot be read.
pub fn check_audit(path: &Path, noted: Option<&str>) -> Result<CheckedAudit, lykta::scan::Error> {
    let mut times: Option<[String; 2]> = None;
    let mut clients = BTreeMap::<String, ClientTotals>::new();
    let checked = ChainedLog::check(path, noted, |line| {
        // What is no line of an audit log shows in the chain.
        let Ok(ReadLine { at, client, totals }) = serde_json::from_slice(line) else { return };
        let at = at["utc"].as_str().unwrap_or_default().to_owned();
        times = Some([times.take().map_or_else(|| at.clone(), |[first, _]| first), at]);
        if let Some(client) = client {
            clients.entry(client).or_default().add(&totals);
        }
    });
    let CheckedLog { lines, last_sha256, torn, altered } = checked?;
    Ok(CheckedAudit { lines, last_sha256, torn, altered, times, clients })
}

impl ClientTotals {
    fn add(&mut self, more: &Self) {
        let pairs = [
            (&mut self.requests, more.requests),
            (&mut self.refused, more.refused),
            (&mut self.hashes, more.hashes),
            (&mut self.compared_files, more.compared_files),
            (&mut self.hashed_files, more.hashed_files),
            (&mut self.matched, more.matched),
        ];
        // An altered line may say anything.
        pairs.into_iter().for_each(|(sum, more)| *sum = sum.saturating_add(more));
    }
}
