//! Matches as clients see them: those of a finding, less what leads to an entry's hash.
//!
//! A distance is a direction: whoever may ask often and is told it can turn bit after bit of a hash and walk to the
//! entry. So it is shown to tokens with the scope for it only, with all else that says how near something is: the order
//! of matches too, and those that are too far away to count.

use lykta::Record;
use lykta::scan::Match;
use serde::Serialize;
use serde_json::{Map, Value};

/// Keys of a match that say how near it is, or in which view.
const DETAILS: [&str; 8] =
    ["distance", "view", "rectangle", "entry_view", "coarse_distance", "band", "plain", "below_band"];

/// What a client may see.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sight {
    /// Whether it may see distances and views.
    pub(crate) details: bool,
    /// Matches of one hash or file.
    pub(crate) matches: usize,
}

/// Hexadecimal digits in a row that may be a hash.
const HASH_DIGITS: usize = 16;

impl Sight {
    /// Matches as JSON, and how many were left out because they are too many.
    fn matches(self, matches: &[Match]) -> (Vec<Value>, usize) {
        let matches = self.in_order(matches.iter());
        let shown = matches.iter().take(self.matches).map(|found| self.one(found)).collect();
        (shown, matches.len().saturating_sub(self.matches))
    }

    /// Those that may be seen, in an order that may be.
    pub(crate) fn in_order<'m>(self, matches: impl Iterator<Item = &'m Match>) -> Vec<&'m Match> {
        let mut seen: Vec<&Match> = matches.filter(|found| self.details || !found.below_band).collect();
        if !self.details {
            seen.sort_by_key(|found| (&found.list, found.list_sha256, found.row, found.kind));
        }
        seen
    }

    fn one(self, found: &Match) -> Value {
        let mut value = to_value(found);
        if let Value::Object(keys) = &mut value {
            if !self.details {
                DETAILS.iter().for_each(|key| _ = keys.remove(*key));
            }
            // Some lists call an entry by its hash.
            if has_hash(&found.entry) {
                keys.insert("entry".into(), format!("row {}", found.row).into());
            }
        }
        value
    }

    /// The answer about a file.
    pub(crate) fn record(self, record: &Record, index: &str) -> Value {
        let mut keys = object(&record.item_json());
        let problem = record.error_json().map(|line| object(&line)).unwrap_or_default();
        keys.remove("locator");
        for key in ["reason", "detail", "compared"] {
            if let Some(value) = problem.get(key) {
                keys.insert(key.into(), value.clone());
            }
        }
        let (matches, left_out) = self.matches(&record.matches);
        keys.insert("matches".into(), matches.into());
        if left_out > 0 {
            keys.insert("matches_left_out".into(), left_out.into());
        }
        keys.insert("index".into(), index.into());
        Value::Object(keys)
    }

    /// The answer about a hash.
    pub(crate) fn hash(self, hash: &str, matches: &[Match]) -> HashAnswer {
        let (matches, left_out) = self.matches(matches);
        let matches_left_out = (left_out > 0).then_some(left_out);
        HashAnswer { hash: hash.to_owned(), error: None, matches, matches_left_out }
    }
}

/// As `lykta query` answers: the hash that was asked, and its matches.
#[derive(Debug, Serialize)]
pub(crate) struct HashAnswer {
    hash: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    matches: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    matches_left_out: Option<usize>,
}

impl HashAnswer {
    /// Of something that is no hash, or cannot be compared.
    pub(crate) fn error(asked: &str, error: String) -> Self {
        Self { hash: asked.to_owned(), error: Some(error), matches: Vec::new(), matches_left_out: None }
    }
}

/// The answers to a batch.
#[derive(Debug, Serialize)]
pub(crate) struct BatchAnswer {
    pub(crate) v: u32,
    pub(crate) index: String,
    pub(crate) answers: Vec<HashAnswer>,
}

/// What a hash is that must not be asked about: it is near to much, and says nothing.
pub(crate) const BLANK: &str = "all bits equal: such a hash is never compared";

/// Whether a name may be a hash, or have one in it.
fn has_hash(name: &str) -> bool {
    let mut in_a_row = 0;
    name.bytes().any(|byte| {
        in_a_row = if byte.is_ascii_hexdigit() { in_a_row + 1 } else { 0 };
        in_a_row >= HASH_DIGITS
    })
}

fn object(json: &str) -> Map<String, Value> {
    match serde_json::from_str(json) {
        Ok(Value::Object(keys)) => keys,
        _ => Map::new(),
    }
}

#[expect(clippy::unwrap_used, reason = "texts and numbers always serialise")]
fn to_value(found: &Match) -> Value {
    serde_json::to_value(found).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_a_hash_is_seen() {
        assert!(has_hash("c3d1e0f0a5b49687"));
        assert!(has_hash("photo-d41d8cd98f00b204e9800998ecf8427e.jpg"));
        assert!(!has_hash("case-2024-117") && !has_hash("6f1c9a0e-7d4b-4c1e-9f55-0a1b2c3d4e5f"));
    }
}
