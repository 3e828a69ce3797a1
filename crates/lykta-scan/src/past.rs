//! What an interrupted scan has done: so that going on repeats nothing and changes nothing.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use lykta_source::{Item, ItemKind};

use crate::account::Account;
use crate::error::{Cause, Error};
use crate::record::Unit;
use crate::summary::Summary;

/// What a scan did before it was interrupted, without its results: these are with whoever kept them.
///
/// Some 9 bytes of memory for each file that was done.
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
    /// Numbers of the items that are done.
    members: HashSet<u64>,
    /// How many items there are in it, once that is known.
    items: Option<u64>,
}

impl Past {
    /// Nothing is done; `summary` is an empty one.
    pub fn new(summary: Summary) -> Self {
        Self { summary, files: Vec::new(), begun: HashMap::new() }
    }

    /// An item that is done. `items` is how many items there are in it, if it is a file.
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
            member => _ = begun.members.insert(member),
        }
        if begun.items.is_some_and(|items| begun.members.len() as u64 == items) {
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
                member => begun.members.contains(&member),
            })
    }

    /// The items of a file that are done: the numbers within it.
    pub(crate) fn done_in(&self, file: u64) -> Vec<u64> {
        let Some(begun) = self.begun.get(&file) else { return Vec::new() };
        begun.members.iter().copied().chain(begun.items.map(|_| 0)).collect()
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
