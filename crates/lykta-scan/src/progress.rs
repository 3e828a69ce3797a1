//! How far a scan is, for whoever watches it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::record::Record;
use crate::summary::Summary;

/// Counters that a scan raises while it runs and that other threads may read at any time.
///
/// The numbers are each exact but not from one moment; [`Summary`](crate::Summary) has those that
/// add up.
#[derive(Debug, Default)]
pub struct Progress {
    items: AtomicU64,
    bytes: AtomicU64,
    findings: AtomicU64,
    errors: AtomicU64,
    total_items: AtomicU64,
    total_bytes: AtomicU64,
}

impl Progress {
    /// Items done with.
    pub fn items(&self) -> u64 {
        self.items.load(Relaxed)
    }

    /// Bytes read, also of items not yet done with; a second read of an item does not count.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// Findings so far.
    pub fn findings(&self) -> u64 {
        self.findings.load(Relaxed)
    }

    /// Items so far that could not be examined; see
    /// [`Outcome::is_unexamined`](crate::Outcome::is_unexamined).
    pub fn errors(&self) -> u64 {
        self.errors.load(Relaxed)
    }

    /// Items and bytes to expect, 0 while not known. A hint of whoever made the items.
    pub fn totals(&self) -> (u64, u64) {
        (self.total_items.load(Relaxed), self.total_bytes.load(Relaxed))
    }

    /// Says how many items and bytes to expect.
    pub fn set_totals(&self, items: u64, bytes: u64) {
        self.total_items.store(items, Relaxed);
        self.total_bytes.store(bytes, Relaxed);
    }

    pub(crate) fn add_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Relaxed);
    }

    /// Counts what was done before the scan was interrupted.
    pub(crate) fn add_past(&self, summary: &Summary) {
        let listed = summary.levels().next();
        let bytes: u64 = listed.into_iter().flatten().map(|(_, count)| count.bytes).sum();
        self.bytes.fetch_add(bytes, Relaxed);
        self.items.fetch_add(summary.seen().items, Relaxed);
        self.findings.fetch_add(summary.findings(), Relaxed);
        self.errors.fetch_add(summary.unexamined(), Relaxed);
    }

    pub(crate) fn add(&self, record: &Record) {
        self.items.fetch_add(1, Relaxed);
        self.findings.fetch_add(u64::from(record.is_finding()), Relaxed);
        self.errors.fetch_add(u64::from(record.is_unexamined()), Relaxed);
    }
}
