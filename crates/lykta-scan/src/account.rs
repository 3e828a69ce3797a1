//! What counts of an item: all that a summary needs of it, so that a scan that was interrupted can be gone on with.

use std::borrow::Cow;

use lykta_index::Role;
use serde::{Deserialize, Serialize};

use crate::death::Death;
use crate::hits::Hit;
use crate::outcome::Outcome;
use crate::record::Record;

/// What counts of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Account {
    /// Where the outcome stands in [`Outcome::NAMES`].
    pub(crate) outcome: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<Cow<'static, str>>,
    /// Containers that it lies in.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) level: usize,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) bytes: u64,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) is_finding: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) is_found: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) has_problem: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) is_unexamined: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) access_time_at_risk: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) is_not_all_read: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) is_worker_silent: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) is_below_band: bool,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) disputed: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) retracted: u64,
    /// The entries that it hit, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) hits: Vec<Hit>,
}

impl Account {
    pub(crate) fn new(record: &Record) -> Self {
        let is_found = record.is_found();
        Self {
            outcome: record.outcome.index(),
            reason: record.outcome.reason().map(Cow::Borrowed),
            level: record.locator.len().saturating_sub(1),
            bytes: record.size.unwrap_or(0),
            is_finding: record.is_finding(),
            is_found,
            has_problem: record.problem.is_some(),
            is_unexamined: record.is_unexamined(),
            access_time_at_risk: record.access_time_at_risk,
            is_not_all_read: record.unread_scans > 0,
            is_worker_silent: record
                .problem
                .as_ref()
                .is_some_and(|problem| problem.reason == Death::Silent.name()),
            is_below_band: record.matches.iter().any(|found| found.below_band) && !is_found,
            disputed: record.matches.iter().filter(|found| found.disputed).count() as u64,
            retracted: record.retracted,
            hits: Hit::of(record.matches.iter().filter(|found| found.role != Role::Ignore)),
        }
    }

    /// Whether it could be of this program.
    pub(crate) fn is_sound(&self) -> bool {
        self.outcome < Outcome::NAMES.len()
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
