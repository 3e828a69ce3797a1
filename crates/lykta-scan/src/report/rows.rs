//! Lines of results read back, for the reports that are made of them.
//!
//! Reports are made from the sorted lines and not from records in memory, so their size does not
//! matter, and what they show is what the lines say.

use std::collections::BTreeMap;
use std::io;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::record::Label;

/// A line of `findings.jsonl`.
#[derive(Debug, Deserialize)]
pub(crate) struct FindingRow {
    pub(crate) locator: Vec<String>,
    pub(crate) size: Option<u64>,
    pub(crate) digests: BTreeMap<String, String>,
    pub(crate) pdq: Option<String>,
    pub(crate) pdq_quality: Option<u8>,
    pub(crate) matches: Vec<MatchRow>,
}

/// A match in it.
#[derive(Debug, Deserialize)]
pub(crate) struct MatchRow {
    pub(crate) kind: String,
    pub(crate) distance: u32,
    pub(crate) view: Option<String>,
    pub(crate) rectangle: Option<[u32; 4]>,
    pub(crate) entry_view: Option<String>,
    pub(crate) coarse_distance: Option<u32>,
    pub(crate) band: Option<String>,
    #[serde(default)]
    pub(crate) plain: bool,
    #[serde(default)]
    pub(crate) below_band: bool,
    pub(crate) list: String,
    #[serde(default)]
    pub(crate) list_version: String,
    pub(crate) list_sha256: String,
    pub(crate) entry: String,
    pub(crate) row: u64,
    pub(crate) label: Option<Label>,
    pub(crate) role: String,
    pub(crate) weak: bool,
    pub(crate) disputed: bool,
}

/// A line of `errors.jsonl`.
#[derive(Debug, Deserialize)]
pub(crate) struct ErrorRow {
    pub(crate) locator: Vec<String>,
    pub(crate) size: Option<u64>,
    pub(crate) outcome: String,
    pub(crate) reason: String,
    pub(crate) detail: String,
    pub(crate) compared: String,
}

impl MatchRow {
    /// The rectangle as left, top, width and height, with spaces.
    pub(crate) fn place(&self) -> Option<String> {
        self.rectangle.map(|corners| corners.map(|number| number.to_string()).join(" "))
    }
}

impl FindingRow {
    /// The locator for people: steps joined with `!`.
    pub(crate) fn place(&self) -> String {
        self.locator.join("!")
    }
}

impl ErrorRow {
    /// As [`FindingRow::place`].
    pub(crate) fn place(&self) -> String {
        self.locator.join("!")
    }
}

pub(crate) fn parse<T: DeserializeOwned>(line: &[u8]) -> io::Result<T> {
    serde_json::from_slice(line).map_err(io::Error::from)
}
