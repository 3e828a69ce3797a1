//! Digests of findings that only the log or only `findings.jsonl` has.

use std::collections::BTreeSet;

use super::MOST_TOLD;

/// Where a digest of a finding is from.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Side {
    Log = 0,
    Findings = 1,
}

/// Bytes that sort by digest, then by side, then by line: those of one digest follow one another.
pub(super) fn place(digest: &str, side: Side, line: u64) -> Vec<u8> {
    [digest.as_bytes(), &[side as u8], &line.to_be_bytes()].concat()
}

/// Digests that are on one side only, from places in their order.
#[derive(Default)]
pub(super) struct Unmatched {
    digest: Vec<u8>,
    /// Lines of the log with this digest, as long as there is no such finding.
    waiting: Vec<u64>,
    in_log: bool,
    pub(super) findings: BTreeSet<u64>,
    pub(super) log: BTreeSet<u64>,
    pub(super) more: u64,
}

impl Unmatched {
    /// Takes the next place.
    pub(super) fn take(&mut self, place: &[u8]) {
        let Some((digest, rest)) = place.split_at_checked(place.len().saturating_sub(9)) else { return };
        let mut number = [0; 8];
        number.copy_from_slice(&rest[1..]);
        let line = u64::from_be_bytes(number);
        if self.digest != digest {
            self.end_group();
            self.digest = digest.to_vec();
        }
        if rest[0] == Side::Log as u8 {
            self.in_log = true;
            // An item that was examined again after a stop is told of twice: one line is enough.
            self.waiting.truncate(MOST_TOLD as usize);
            self.waiting.push(line);
        } else if self.in_log {
            self.waiting.clear();
        } else {
            self.more += keep_first(&mut self.findings, line);
        }
    }

    /// Ends the group of a digest: after the last place, too.
    pub(super) fn end_group(&mut self) {
        for line in std::mem::take(&mut self.waiting) {
            self.more += keep_first(&mut self.log, line);
        }
        self.in_log = false;
    }
}

/// Adds a line and keeps the first ones only; how many went.
fn keep_first(lines: &mut BTreeSet<u64>, line: u64) -> u64 {
    lines.insert(line);
    let is_full = lines.len() as u64 > MOST_TOLD;
    if is_full {
        lines.pop_last();
    }
    u64::from(is_full)
}
