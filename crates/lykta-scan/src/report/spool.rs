//! Findings sorted without a report folder: for a pipe or a terminal.

use std::io::{self, Write};
use std::path::Path;

use crate::record::Record;
use crate::report::sorted::{Sorter, key};
use crate::sink::Sink;

/// Collects findings and writes them sorted by locator: the lines of `findings.jsonl`.
///
/// Errors and counts are not kept: a caller that wants them wraps this in a sink of its own.
#[derive(Debug)]
pub struct FindingSpool(Sorter);

impl FindingSpool {
    /// A spool that holds about `memory` bytes and writes what is beyond to unnamed temporary
    /// files in `temporary`, which must not be inside anything that is scanned.
    pub fn new(temporary: &Path, memory: usize) -> Self {
        Self(Sorter::new(temporary, memory))
    }

    /// Writes all findings, a line each.
    ///
    /// # Errors
    /// When a temporary file cannot be read or `out` fails.
    pub fn write_to(self, out: &mut dyn Write) -> io::Result<()> {
        self.0.finish(|line| {
            out.write_all(line)?;
            out.write_all(b"\n")
        })
    }
}

impl Sink for FindingSpool {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        match record.is_finding() {
            true => self.0.push(key(&record.locator), record.finding_json().into_bytes()),
            false => Ok(()),
        }
    }
}
