//! Counting rows.

use std::collections::BTreeMap;

use crate::entry::Row;
use crate::position::Position;
use crate::reason::Reason;

/// What became of the rows of a list. `rows == accepted + sum of rejected + deleted`, always.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows seen.
    pub rows: u64,
    /// Rows with at least one usable hash, or a PhotoDNA.
    pub accepted: u64,
    /// Rows that say that an entry counts no longer.
    pub deleted: u64,
    /// Entries with a PhotoDNA, which is kept and not matched.
    pub photodna: u64,
    /// Rows without one, each under one reason.
    pub rejected: BTreeMap<Reason, u64>,
    /// Cells of accepted rows that could not be used.
    pub dropped: BTreeMap<Reason, u64>,
    /// The first [`Tally::EXAMPLES`] rejections and dropped cells of each reason, in order of rows.
    pub first: BTreeMap<Reason, Vec<Example>>,
}

/// A rejected row or a dropped cell, to tell a reader of the report where to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The row, from 1.
    pub row: u64,
    /// Where in the list the row begins.
    pub position: Position,
    /// Whether the row was rejected; otherwise only a cell was dropped.
    pub rejected: bool,
    /// What is wrong, as a phrase without the place.
    pub detail: String,
}

impl Tally {
    /// How many examples of each reason are kept.
    pub const EXAMPLES: usize = 10;

    /// Counts one row. Allocates only for an example.
    pub fn add(&mut self, row: &Row) {
        self.rows += 1;
        match row {
            Row::Accepted(entry) => {
                self.accepted += 1;
                self.photodna += u64::from(entry.photodna.is_some());
                for problem in &entry.dropped {
                    *self.dropped.entry(problem.reason()).or_default() += 1;
                    self.keep(problem.reason(), || Example {
                        row: entry.row,
                        position: entry.position,
                        rejected: false,
                        detail: problem.to_string(),
                    });
                }
            }
            Row::Deleted(_) => self.deleted += 1,
            Row::Rejected(rejection) => {
                *self.rejected.entry(rejection.reason).or_default() += 1;
                self.keep(rejection.reason, || Example {
                    row: rejection.row,
                    position: rejection.position,
                    rejected: true,
                    detail: rejection.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
                });
            }
        }
    }

    /// Rows rejected for any reason.
    pub fn rejected_total(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// Cells dropped for any reason.
    pub fn dropped_total(&self) -> u64 {
        self.dropped.values().sum()
    }

    fn keep(&mut self, reason: Reason, example: impl FnOnce() -> Example) {
        let kept = self.first.entry(reason).or_default();
        if kept.len() < Self::EXAMPLES {
            kept.push(example());
        }
    }
}
