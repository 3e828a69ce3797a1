//! Matches as clients see them: those of a finding, less what leads to an entry's hash.
//!
//! A distance is a direction: whoever may ask often and is told it can turn bit after bit of a hash and walk to the
//! entry. So it is shown to tokens with the scope for it only, with all else that says how near something is: the order
//! of matches too, and those that are too far away to count.

use lykta::Record;
use lykta::scan::{Match, Outcome};
use serde::Serialize;
use serde_json::value::RawValue;
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

/// Letters, without `=` at the end, that hashes of 16, 20 and 32 bytes have in base64.
const BASE64_LETTERS: [usize; 3] = [22, 27, 43];

impl Sight {
    /// Matches as JSON, and how many were left out because they are too many.
    pub(crate) fn matches(self, matches: &[Match]) -> (Vec<Value>, usize) {
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
        // That it was too far away to count is a distance, too.
        let is_noted = record.outcome == Outcome::Noted;
        if is_noted && !self.details && self.in_order(record.matches.iter()).is_empty() {
            keys.insert("outcome".into(), Outcome::UnmatchedExactAndNear.name().into());
        }
        keys.insert("matches".into(), matches.into());
        if left_out > 0 {
            keys.insert("matches_left_out".into(), left_out.into());
        }
        keys.insert("index".into(), index.into());
        Value::Object(keys)
    }
}

/// As `lykta query` answers: the hash that was asked, and its matches.
#[derive(Debug, Serialize)]
pub(crate) struct HashAnswer<'t> {
    pub(crate) hash: &'t str,
    /// Of something that is no hash, or cannot be compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<&'t str>,
    pub(crate) matches: &'t RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) matches_left_out: Option<usize>,
}

/// The answers to a batch.
#[derive(Debug, Serialize)]
pub(crate) struct BatchAnswer<'t> {
    pub(crate) v: u32,
    pub(crate) index: &'t str,
    pub(crate) answers: Vec<HashAnswer<'t>>,
}

/// What a hash is that must not be asked about: it is near to much, and says nothing.
pub(crate) const BLANK: &str = "all bits equal: such a hash is never compared";

/// What is said of a hash that is near to nothing else.
pub(crate) const KEPT_BACK: &str =
    "near only to entries whose quality is below the gate: it is not compared with these";

/// Whether a name may be a hash, or have one in it: so many hexadecimal digits, whatever lies between them, or base64 of
/// the length of one. A UUID is none.
fn has_hash(name: &str) -> bool {
    if is_uuid(name) {
        return false;
    }
    let mut in_a_row = 0;
    let is_hex = name.bytes().filter(|byte| !b":-_. ".contains(byte)).any(|byte| {
        in_a_row = if byte.is_ascii_hexdigit() { in_a_row + 1 } else { 0 };
        in_a_row >= HASH_DIGITS
    });
    let is_base64 = |letter: char| letter.is_ascii_alphanumeric() || "+/-_".contains(letter);
    // A stroke is a letter of base64, and what parts the steps of a path.
    let words = name.split(|letter| !is_base64(letter));
    let mut words = words.chain(name.split(|letter| !is_base64(letter) || letter == '/'));
    is_hex || words.any(|word| BASE64_LETTERS.contains(&word.len()) && is_mixed(word))
}

/// Whether a word has letters of both kinds and digits, as base64 of a hash has and hardly any other.
fn is_mixed(word: &str) -> bool {
    let has = |is: fn(&u8) -> bool| word.as_bytes().iter().any(is);
    has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit)
}

/// Version and variant are where a UUID has them: digests written in its form have them rarely.
fn is_uuid(name: &str) -> bool {
    let bytes = name.as_bytes();
    let is_dash = |at: usize| [8, 13, 18, 23].contains(&at);
    let is_digit =
        |(at, byte): (usize, &u8)| if is_dash(at) { *byte == b'-' } else { byte.is_ascii_hexdigit() };
    bytes.len() == 36
        && bytes.iter().enumerate().all(is_digit)
        && b"1457".contains(&bytes[14])
        && b"89abAB".contains(&bytes[19])
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
        for name in [
            "c3d1e0f0a5b49687",
            "photo-d41d8cd98f00b204e9800998ecf8427e.jpg",
            "d4:1d:8c:d9:8f:00:b2:04:e9:80:09:98:ec:f8:42:7e",
            "D41D8CD9-8F00-B204-E980-0998ECF8427E",
            "klzmYoByxX/KK7ODzHS+1Q==",
            "a/klzmYoByxX_KK7ODzHS-1Q.jpg",
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        ] {
            assert!(has_hash(name), "{name}");
        }
        for name in [
            "case-2024-117",
            "6f1c9a0e-7d4b-4c1e-9f55-0a1b2c3d4e5f",
            "photos/2024/holiday/IMG_0001.jpg",
            "an-ordinary-long-name-of-a-file-that-is-none.png",
        ] {
            assert!(!has_hash(name), "{name}");
        }
    }
}
