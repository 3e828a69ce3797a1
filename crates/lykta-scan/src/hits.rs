//! How often each entry was hit: one that is hit again and again floods every result.
//!
//! A blank thumbnail or an icon in a list matches thousands of items. Such entries are pointed out.
//!
//! Memory is bounded by counting some entries only when there are very many: those whose names have
//! the smallest digests. Which these are depends on the set of entries and not on the order in which
//! they come, so the result is the same for any number of threads, and their counts are exact: an
//! entry that is among the smallest at the end was so from its first hit on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::record::Match;

/// Entries counted at most; 16 MiB of memory.
const MOST_COUNTED: usize = 1 << 18;

/// Entries with too many hits that are named in notes.
pub(crate) const MOST_NAMED: usize = 10;

/// An entry with more hits than [`Options::warn_hits`](crate::Options::warn_hits).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FrequentEntry {
    /// Name of the list.
    pub list: String,
    /// The entry's id or path in the list, else `row N`.
    pub entry: String,
    /// Items that matched it, by whatever kind of hash.
    pub hits: u64,
    /// Whether it is disputed already.
    pub disputed: bool,
}

/// Counts hits of entries that are not of role ignore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hits {
    warn_hits: u64,
    most_counted: usize,
    counts: BTreeMap<NameDigest, u64>,
    frequent: BTreeMap<NameDigest, FrequentEntry>,
    all_counted: bool,
}

/// An entry that an item hit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Hit {
    list: String,
    entry: String,
    disputed: bool,
}

impl Hit {
    /// The entries of matches, each once.
    pub(crate) fn of<'m>(matches: impl Iterator<Item = &'m Match>) -> Vec<Self> {
        let hit = |found: &Match| {
            let Match { list, entry, disputed, .. } = found;
            Self { list: list.clone(), entry: entry.clone(), disputed: *disputed }
        };
        let mut hits: Vec<Self> = matches.map(hit).collect();
        hits.sort();
        hits.dedup();
        hits
    }
}

/// The start of the SHA-256 of list and entry.
type NameDigest = [u8; 16];

impl Hits {
    /// Points out entries with more than `warn_hits` hits; none when that is 0.
    pub(crate) fn new(warn_hits: u64) -> Self {
        Self::with_most(warn_hits, MOST_COUNTED)
    }

    fn with_most(warn_hits: u64, most_counted: usize) -> Self {
        let (counts, frequent) = (BTreeMap::new(), BTreeMap::new());
        Self { warn_hits, most_counted, counts, frequent, all_counted: true }
    }

    /// Counts the entries that one item hit, each once.
    pub(crate) fn add(&mut self, hits: &[Hit]) {
        if self.warn_hits > 0 {
            hits.iter().for_each(|hit| self.count(digest(hit), hit));
        }
    }

    fn count(&mut self, digest: NameDigest, found: &Hit) {
        let hits = self.counts.entry(digest).or_default();
        *hits += 1;
        if *hits > self.warn_hits {
            let (list, entry, disputed) = (&found.list, &found.entry, found.disputed);
            let new = || FrequentEntry { list: list.clone(), entry: entry.clone(), hits: 0, disputed };
            self.frequent.entry(digest).or_insert_with(new).hits = *hits;
        }
        if self.counts.len() > self.most_counted
            && let Some((last, _)) = self.counts.pop_last()
        {
            self.frequent.remove(&last);
            self.all_counted = false;
        }
    }

    /// The entries with too many hits, most hits first, then by list and entry.
    pub(crate) fn frequent(&self) -> Vec<&FrequentEntry> {
        let mut frequent: Vec<_> = self.frequent.values().collect();
        frequent
            .sort_by(|a, b| b.hits.cmp(&a.hits).then_with(|| (&a.list, &a.entry).cmp(&(&b.list, &b.entry))));
        frequent
    }

    /// Whether every entry that was hit was counted.
    pub(crate) fn all_counted(&self) -> bool {
        self.all_counted
    }

    /// What a reader of the result must be told, a sentence each.
    pub(crate) fn notes(&self) -> Vec<String> {
        let frequent = self.frequent();
        let undisputed = || frequent.iter().filter(|entry| !entry.disputed);
        let mut notes: Vec<String> = undisputed().take(MOST_NAMED).map(|entry| entry.note()).collect();
        let more = undisputed().count() - notes.len();
        if more > 0 {
            notes.push(format!(
                "{more} more entries matched more than {} items each: see frequent_entries in the summary",
                self.warn_hits
            ));
        }
        if !self.all_counted {
            notes.push(format!(
                "more than {} entries were matched: only so many were watched for too many matches",
                self.most_counted
            ));
        }
        notes
    }
}

impl FrequentEntry {
    fn note(&self) -> String {
        format!(
            "entry {} of list {} matched {} items: it may be a blank or very common picture; look at it, and \
             have its matches marked with --dispute if it is one",
            shortened(&self.entry),
            shortened(&self.list),
            self.hits
        )
    }
}

/// The start of a name: lists may call an entry by a text of any length.
pub(crate) fn shortened(name: &str) -> String {
    const CHARACTERS: usize = 100;
    match name.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("{}...", &name[..end]),
        None => name.to_owned(),
    }
}

fn digest(found: &Hit) -> NameDigest {
    let mut sha256 = Sha256::new();
    // The length tells where the one name ends and the other begins.
    sha256.update((found.list.len() as u64).to_le_bytes());
    sha256.update(&found.list);
    sha256.update(&found.entry);
    let digest: [u8; 32] = sha256.finalize().into();
    let mut start = [0; 16];
    start.copy_from_slice(&digest[..16]);
    start
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Account;
    use crate::record::Record;
    use lykta_hash::Kind;
    use lykta_index::Role;
    use proptest::prelude::*;

    fn record(entries: &[u16], role: Role) -> Record {
        let mut record = Record::new(vec![], None);
        record.matches = entries
            .iter()
            .map(|entry| Match {
                kind: Kind::Sha256,
                distance: 0,
                view: None,
                entry_view: None,
                coarse_distance: None,
                band: None,
                plain: false,
                below_band: false,
                list: format!("list {}", entry % 2),
                list_version: String::new(),
                list_sha256: [0; 32],
                row: 1,
                entry: entry.to_string(),
                label: None,
                role,
                weak: false,
                disputed: *entry == 3,
            })
            .collect();
        record
    }

    fn hits(warn_hits: u64, most: usize, items: &[Vec<u16>]) -> Hits {
        let mut hits = Hits::with_most(warn_hits, most);
        items.iter().for_each(|entries| hits.add(&Account::new(&record(entries, Role::Match)).hits));
        hits
    }

    fn told(hits: &Hits) -> Vec<(&str, u64)> {
        hits.frequent().into_iter().map(|entry| (entry.entry.as_str(), entry.hits)).collect()
    }

    #[test]
    fn entries_with_more_hits_than_allowed_are_told_with_most_hits_first() {
        // Twice in one item is one hit; the disputed entry 3 is told and not warned of again.
        let items = [vec![1, 3, 3], vec![1, 3, 4], vec![1, 3, 4, 5], vec![3]];
        let found = hits(2, 10, &items);
        assert_eq!(told(&found), [("3", 4), ("1", 3)]);
        assert_eq!(found.notes().len(), 1);
        assert!(found.notes()[0].starts_with("entry 1 of list list 1 matched 3 items: "));
        assert_eq!(told(&hits(0, 10, &items)), [], "switched off");
        assert_eq!(told(&hits(4, 10, &items)), [], "not more than allowed");
        let mut ignored = Hits::new(1);
        (0..5).for_each(|_| ignored.add(&Account::new(&record(&[1], Role::Ignore)).hits));
        assert_eq!(told(&ignored), []);
    }

    #[test]
    fn many_frequent_entries_do_not_flood_the_notes() {
        let items = vec![(100..140).collect::<Vec<u16>>(); 3];
        let found = hits(2, 100, &items);
        assert_eq!((found.frequent().len(), found.notes().len()), (40, 11));
        assert!(found.notes()[10].starts_with("30 more entries matched more than 2 items each"));
        assert_eq!(shortened(&"é".repeat(101)), "é".repeat(100) + "...");
    }

    proptest! {
        /// Counts are right and the same in any order, also when there are too many entries.
        #[test]
        fn the_order_of_the_items_does_not_matter(
            items in prop::collection::vec(prop::collection::vec(0u16..20, 0..6), 0..40),
            warn in 1u64..6,
            most in 1usize..25,
            turn in 0usize..40,
        ) {
            let forwards = hits(warn, most, &items);
            let mut turned = items.clone();
            turned.rotate_left(turn.min(items.len()));
            turned.reverse();
            prop_assert_eq!(&forwards, &hits(warn, most, &turned));

            let mut counts = BTreeMap::<String, u64>::new();
            for item in &items {
                let distinct: std::collections::BTreeSet<_> = item.iter().collect();
                distinct.into_iter().for_each(|entry| *counts.entry(entry.to_string()).or_default() += 1);
            }
            prop_assert_eq!(forwards.all_counted(), counts.len() <= most);
            for entry in forwards.frequent() {
                prop_assert_eq!(entry.hits, counts[&entry.entry]);
            }
            let expected = counts.values().filter(|hits| **hits > warn).count();
            let told = forwards.frequent().len();
            prop_assert!(told == expected || !forwards.all_counted() && told < expected);
        }
    }
}
