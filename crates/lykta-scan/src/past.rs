//! What an interrupted scan has done: so that going on repeats nothing and changes nothing.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use lykta_source::{Item, ItemKind};

use crate::account::Account;
use crate::error::{Cause, Error};
use crate::record::Unit;
use crate::summary::Summary;

/// What a scan did before it was interrupted, without its results: these are with whoever kept them.
///
/// Some 16 bytes of memory for each file that was done.
#[derive(Debug)]
pub struct Past {
    pub(crate) summary: Summary,
    files: Vec<File>,
    /// Files that were begun, and what in them is done.
    begun: HashMap<u64, Begun>,
}

#[derive(Clone, Copy, Debug, Default)]
struct File {
    /// [`state`] of it; 0 when nothing of it is known.
    state: u64,
    is_done: bool,
}

#[derive(Debug, Default)]
struct Begun {
    /// The numbers of the items that are done, each with how many items there are in it.
    members: HashMap<u64, u64>,
    /// How many items there are in the file, once that is known.
    items: Option<u64>,
}

impl Past {
    /// Nothing is done; `summary` is an empty one.
    pub fn new(summary: Summary) -> Self {
        Self { summary, files: Vec::new(), begun: HashMap::new() }
    }

    /// An item that is done. `items` is how many items there are in it.
    pub(crate) fn add(&mut self, unit: Unit, items: u64, account: &Account) {
        let Ok(at) = usize::try_from(unit.file) else { return };
        if self.files.len() <= at {
            self.files.resize(at + 1, File::default());
        }
        self.files[at].state = unit.state;
        self.summary.add(account);
        let begun = self.begun.entry(unit.file).or_default();
        match unit.member {
            0 => begun.items = Some(items),
            member => _ = begun.members.insert(member, items),
        }
        // More than that of a file whose examination panicked: what it held is not known in the end.
        if begun.items.is_some_and(|items| begun.members.len() as u64 >= items) {
            self.files[at].is_done = true;
            self.begun.remove(&unit.file);
        }
    }

    /// Whether an item is done: a file with all that is in it, or something in a file.
    pub(crate) fn is_done(&self, unit: Unit) -> bool {
        let file = usize::try_from(unit.file).ok().and_then(|at| self.files.get(at));
        file.is_some_and(|file| file.is_done)
            || self.begun.get(&unit.file).is_some_and(|begun| match unit.member {
                0 => begun.items.is_some(),
                member => begun.members.contains_key(&member),
            })
    }

    /// How many items there are in an item of which nothing is left to do, nor of those: what comes behind it has the
    /// same number as before.
    pub(crate) fn items_if_done(&self, unit: Unit) -> Option<u64> {
        let members = &self.begun.get(&unit.file)?.members;
        let items = *members.get(&unit.member)?;
        (1..=items).all(|item| members.contains_key(&(unit.member + item))).then_some(items)
    }

    /// The items of a file that are done: their numbers within it, each with how many items there are in it.
    pub(crate) fn done_in(&self, file: u64) -> Vec<(u64, u64)> {
        let Some(begun) = self.begun.get(&file) else { return Vec::new() };
        let members = begun.members.iter().map(|(member, items)| (*member, *items));
        members.chain(begun.items.map(|items| (0, items))).collect()
    }

    /// Whether nothing is left to do of a file.
    pub(crate) fn is_file_done(&self, file: u64) -> bool {
        usize::try_from(file).ok().and_then(|at| self.files.get(at)).is_some_and(|file| file.is_done)
    }

    /// Checks that what was done is still there and as it was. `items` are those of the scan, which are listed and not
    /// opened.
    ///
    /// # Errors
    /// When something that was examined is another now, or gone.
    pub fn check(&self, items: impl Iterator<Item = Item>) -> Result<(), Error> {
        let mut left = self.files.iter();
        for item in items {
            match left.next() {
                None => return Ok(()),
                Some(file) if file.state == 0 || file.state == state(&item) => {}
                Some(_) => return Err(Cause::ChangedSince(item.locator.to_string()).into()),
            }
        }
        match left.any(|file| file.state != 0) {
            true => Err(Cause::GoneSince.into()),
            false => Ok(()),
        }
    }
}

/// What tells whether an item is the same and in the same state: never 0.
pub(crate) fn state(item: &Item) -> u64 {
    // Of this program and none else: another may not go on.
    let mut hasher = DefaultHasher::new();
    item.locator.hash(&mut hasher);
    match &item.kind {
        ItemKind::File(file) => file.state().hash(&mut hasher),
        ItemKind::Skipped { reason, size } => (reason.name(), size).hash(&mut hasher),
        ItemKind::Failed(error) => error.name().hash(&mut hasher),
    }
    hasher.finish().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Outcome;
    use crate::record::Record;
    use crate::summary::NearMatching;
    use lykta_source::{WalkOptions, walk};

    fn past(done: &[(u64, u64, u64)]) -> Past {
        let mut past = Past::new(Summary::new(NearMatching::Off, 0));
        let mut record = Record::new(vec![], None);
        record.outcome = Outcome::Ignored;
        for &(file, member, items) in done {
            past.add(Unit { file, member, state: 7 }, items, &Account::new(&record));
        }
        past
    }

    #[test]
    fn a_file_is_done_when_it_and_all_in_it_are() {
        let unit = |file, member| Unit { file, member, state: 0 };
        let begun = past(&[(0, 0, 0), (1, 2, 0), (3, 1, 0), (3, 0, 2)]);
        assert_eq!([0, 1, 2, 3, 9].map(|file| begun.is_file_done(file)), [true, false, false, false, false]);
        assert!(begun.is_done(unit(1, 2)) && begun.is_done(unit(3, 0)) && begun.is_done(unit(0, 5)));
        assert!(!begun.is_done(unit(1, 0)) && !begun.is_done(unit(1, 1)) && !begun.is_done(unit(3, 2)));
        assert!(past(&[(3, 1, 0), (3, 0, 2), (3, 2, 0)]).is_file_done(3));
        assert_eq!(begun.summary.seen().items, 4);
    }

    /// Pictures within a picture that is passed over have numbers, too: else what comes behind it would be taken for
    /// others that are done, and be lost.
    #[test]
    fn an_item_is_passed_over_with_all_in_it() {
        let begun = past(&[(0, 1, 0), (0, 2, 2), (0, 3, 0), (0, 5, 1), (0, 6, 0)]);
        let items = |member| begun.items_if_done(Unit { file: 0, member, state: 0 });
        assert_eq!([1, 2, 3, 4, 5].map(items), [Some(0), None, Some(0), None, Some(1)]);
    }

    #[test]
    fn what_is_another_or_gone_since_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str| dir.path().join(name);
        for name in ["a", "b", "c"] {
            std::fs::write(file(name), name).unwrap();
        }
        let items = || walk(&[dir.path().to_owned()], &WalkOptions::default());
        let states: Vec<u64> = items().map(|item| state(&item)).collect();
        let known = |known: &[u64]| {
            let mut past = past(&[(known.len() as u64 - 1, 1, 0)]);
            past.files.iter_mut().zip(known).for_each(|(file, state)| file.state = *state);
            past
        };
        known(&states).check(items()).unwrap();
        known(&[states[0], 0]).check(items()).unwrap();
        std::fs::write(file("d"), "new ones may come behind").unwrap();
        known(&states).check(items()).unwrap();
        std::fs::write(file("b"), "other").unwrap();
        let error = known(&states).check(items()).unwrap_err().to_string();
        assert!(error.contains("/b is not what it was"), "{error}");
        known(&[states[0], 0, states[2]]).check(items()).unwrap();
        for name in ["b", "c", "d"] {
            std::fs::remove_file(file(name)).unwrap();
        }
        let error = known(&[states[0], 0, states[2]]).check(items()).unwrap_err().to_string();
        assert!(error.contains("is gone"), "{error}");
    }
}
