//! The entries of indexes as items.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use lykta_hash::{Digest, Kind, Pdq};
use lykta_index::{Entry, EntryId, Index, Role};

use super::{Face, FamilyItems};

/// What indexes hold, as items to be grouped.
///
/// Rows of one list with one name are views of one picture, and so one item, also when they are in
/// several indexes: it is a member by whichever hash is near, and reaches by all. A row without a name
/// is an item. Items are numbered in the order of indexes and rows.
pub struct EntryItems<'i> {
    /// The faces of each item; the first is that of its first row.
    pub items: FamilyItems,
    entries: Vec<EntryItem<'i>>,
    /// What is not among them.
    pub left_out: LeftOut,
}

/// An item and the list that it comes from.
#[derive(Clone, Debug)]
pub struct EntryItem<'i> {
    /// The name of the list.
    pub list: &'i str,
    /// The name that tells it from all others: the entry's, as results have it, behind the list's and a
    /// `!` when there are several lists. An entry without a name in a list whose name an earlier index
    /// has, too, also gets the number of its index; and where that still is the same, the later ones the number of the
    /// item.
    pub id: String,
    /// Its first SHA-1, where a row has one beside the PDQ hash.
    pub sha1: Option<Digest>,
    /// Its first SHA-256, likewise.
    pub sha256: Option<Digest>,
}

/// Entries that are not grouped, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Of role ignore.
    pub ignored: u64,
    /// Retracted by a later index.
    pub retracted: u64,
    /// Without a PDQ hash.
    pub without_pdq: u64,
}

/// What is made of the entries of an index.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// No PDQ hash was seen.
    Unseen,
    LeftOut,
    Item(u32),
}

/// A hash of an item.
struct Row<'i> {
    item: u32,
    pdq: Pdq,
    view: &'i str,
    quality: Option<u8>,
}

impl<'i> EntryItems<'i> {
    /// Reads all entries and their PDQ, SHA-1 and SHA-256 hashes: some 200 bytes of memory an item.
    pub fn new<D: AsRef<[u8]>>(indexes: &'i [Index<D>]) -> Self {
        let mut reading = Reading { several_lists: has_several_lists(indexes), ..Reading::default() };
        for at in 0..indexes.len() {
            reading.index(indexes, at);
        }
        let Reading { mut rows, mut entries, left_out, .. } = reading;
        tell_apart(&mut entries);
        rows.sort_by_key(|row| row.item);
        let mut items = FamilyItems::default();
        for rows in rows.chunk_by(|a, b| a.item == b.item) {
            let faces = rows.iter().map(|row| Face {
                view: row.view,
                pdq: row.pdq,
                quality: row.quality,
                reaches: true,
            });
            items.push(faces, None);
        }
        Self { items, entries, left_out }
    }

    /// The item with this number.
    pub fn entry(&self, item: usize) -> &EntryItem<'i> {
        &self.entries[item]
    }
}

#[derive(Default)]
struct Reading<'i> {
    several_lists: bool,
    /// Items by list and name.
    named: HashMap<(&'i str, &'i str), u32>,
    rows: Vec<Row<'i>>,
    entries: Vec<EntryItem<'i>>,
    left_out: LeftOut,
}

impl<'i> Reading<'i> {
    fn index<D: AsRef<[u8]>>(&mut self, indexes: &'i [Index<D>], at: usize) {
        let (index, later) = (&indexes[at], &indexes[at + 1..]);
        let mut uses = vec![Use::Unseen; index.entry_count() as usize];
        let mut hashes: Vec<(EntryId, Pdq)> = index.pdqs().map(|(pdq, entry)| (entry, pdq)).collect();
        hashes.sort_unstable();
        let earlier: BTreeSet<&str> = indexes[..at].iter().flat_map(lists_of).collect();
        for (id, pdq) in hashes {
            let Some(entry) = index.entry(id) else { continue };
            let Some(used) = uses.get_mut(id.get() as usize) else { continue };
            if *used == Use::Unseen {
                *used =
                    self.take(&entry, later, earlier.contains(entry.source.name.as_str()).then_some(at + 1));
            }
            if let Use::Item(item) = *used {
                let (view, quality) = (entry.view.unwrap_or(""), entry.pdq_quality);
                self.rows.push(Row { item, pdq, view, quality });
            }
        }
        self.count_without_pdq(index, later, &uses);
        self.add_digests(index, &uses);
    }

    /// The item that an entry belongs to, unless it is left out.
    fn take<D: AsRef<[u8]>>(&mut self, entry: &Entry<'i>, later: &[Index<D>], number: Option<usize>) -> Use {
        if !self.counts(entry, later) {
            return Use::LeftOut;
        }
        let list = entry.source.name.as_str();
        let new = self.entries.len() as u32;
        if let Some(name) = entry.name {
            let item = *self.named.entry((list, name)).or_insert(new);
            if item != new {
                return Use::Item(item);
            }
        }
        let own: Cow<'_, str> = entry.name_or_row();
        let number = number.filter(|_| entry.name.is_none());
        let id = match (number, self.several_lists) {
            (Some(number), _) => format!("{number}!{list}!{own}"),
            (None, true) => format!("{list}!{own}"),
            (None, false) => own.into_owned(),
        };
        self.entries.push(EntryItem { list, id, sha1: None, sha256: None });
        Use::Item(new)
    }

    /// Whether an entry is to be grouped; counts it when it is not.
    fn counts<D: AsRef<[u8]>>(&mut self, entry: &Entry<'i>, later: &[Index<D>]) -> bool {
        if entry.role == Role::Ignore {
            self.left_out.ignored += 1;
            return false;
        }
        let retracted = later.iter().any(|later| later.retracts(&entry.source.name, &entry.name_or_row()));
        self.left_out.retracted += u64::from(retracted);
        !retracted
    }

    fn count_without_pdq<D: AsRef<[u8]>>(&mut self, index: &'i Index<D>, later: &[Index<D>], uses: &[Use]) {
        for entry in index.entries() {
            let unseen = uses.get(entry.id.get() as usize) == Some(&Use::Unseen);
            if unseen && self.counts(&entry, later) {
                self.left_out.without_pdq += 1;
            }
        }
    }

    fn add_digests<D: AsRef<[u8]>>(&mut self, index: &Index<D>, uses: &[Use]) {
        for kind in [Kind::Sha1, Kind::Sha256] {
            let mut digests: Vec<(EntryId, Digest)> = index
                .digests(kind)
                .filter(|(_, id)| matches!(uses.get(id.get() as usize), Some(Use::Item(_))))
                .map(|(digest, id)| (id, digest))
                .collect();
            digests.sort_by_key(|(id, _)| *id);
            for (id, digest) in digests {
                let Some(Use::Item(item)) = uses.get(id.get() as usize) else { continue };
                let entry = &mut self.entries[*item as usize];
                let place = if kind == Kind::Sha1 { &mut entry.sha1 } else { &mut entry.sha256 };
                place.get_or_insert(digest);
            }
        }
    }
}

/// An entry may be called `row 2` by its list and not be row 2, and names may hold a `!`: of items with
/// the same id, all but the first get their number behind it.
fn tell_apart(entries: &mut [EntryItem<'_>]) {
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by(|a, b| entries[*a].id.cmp(&entries[*b].id).then(a.cmp(b)));
    let again: Vec<usize> =
        order.windows(2).filter(|two| entries[two[0]].id == entries[two[1]].id).map(|two| two[1]).collect();
    for item in again {
        entries[item].id += &format!(" (item {item})");
    }
}

fn lists_of<D: AsRef<[u8]>>(index: &Index<D>) -> impl Iterator<Item = &str> {
    index.sources().iter().map(|source| source.name.as_str())
}

fn has_several_lists<D: AsRef<[u8]>>(indexes: &[Index<D>]) -> bool {
    indexes.iter().flat_map(lists_of).collect::<BTreeSet<_>>().len() > 1
}
