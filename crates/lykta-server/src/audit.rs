//! Who asked how many of what: a line a minute and client, chained as the log of a scan is, and no hash in it.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use lykta::scan::ChainedLog;
use serde::Serialize;

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
    /// Of all kinds, those that were refused included.
    requests: u64,
    /// Requests that were refused: scope, rate, limits, load.
    refused: u64,
    /// Hashes that were looked up.
    hashes: u64,
    /// Files that were compared.
    compared_files: u64,
    /// Files that were only hashed.
    hashed_files: u64,
    /// Hashes and files that matched.
    matched: u64,
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
            let take = |counter: &AtomicU64| counter.swap(0, Relaxed);
            let line = AskedLine {
                client: &client.name,
                requests: take(requests),
                refused: take(refused),
                hashes: take(hashes),
                compared_files: take(files),
                hashed_files: take(hashed),
                matched: take(matched),
            };
            if line.requests > 0 {
                self.log.tell(&Event::Asked(line))?;
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
