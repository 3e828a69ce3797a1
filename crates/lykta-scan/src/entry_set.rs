//! Entries of lists, by name.

use std::collections::{BTreeMap, BTreeSet};

/// A set of entries of lists, by the names that results have for both. Held in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntrySet {
    lists: BTreeMap<String, BTreeSet<String>>,
}

impl EntrySet {
    /// Adds an entry; false when it was there.
    pub fn insert(&mut self, list: String, entry: String) -> bool {
        self.lists.entry(list).or_default().insert(entry)
    }

    /// Whether the entry is in the set. O(log n), no allocation.
    pub fn contains(&self, list: &str, entry: &str) -> bool {
        self.lists.get(list).is_some_and(|entries| entries.contains(entry))
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.lists.values().map(BTreeSet::len).sum()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// The names of the lists, each once, sorted.
    pub fn lists(&self) -> impl Iterator<Item = &str> {
        self.lists.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_told_apart_by_both_names() {
        let mut set = EntrySet::default();
        assert!(set.is_empty());
        for (list, entry, new) in [("a", "1", true), ("b", "2", true), ("a", "1", false), ("a", "3", true)] {
            assert_eq!(set.insert(list.into(), entry.into()), new);
        }
        assert!(set.contains("a", "1") && set.contains("b", "2") && set.contains("a", "3"));
        assert!(!set.contains("a", "2") && !set.contains("b", "1") && !set.contains("c", "1"));
        assert_eq!((set.len(), set.lists().collect::<Vec<_>>()), (3, vec!["a", "b"]));
    }
}
