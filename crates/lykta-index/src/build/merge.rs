//! One index out of several: an index added to another one under construction.

use lykta_hash::{Bits64, Digest, Hash, Kind, Pdq};

use super::{Builder, NewEntry};
use crate::entry::{Entry, EntryId};
use crate::error::{Error, Problem};
use crate::format::SectionKind;
use crate::layout::View;
use crate::open::Index;

impl Builder {
    /// Adds an index: its lists with their counts, the entries for which `keep` is true with their
    /// hashes, and its retractions. Entries come behind those that were added before, in their order.
    ///
    /// Takes the memory allowed and two bits an entry of the index. Indexes that were given one after
    /// the other answer as one when `keep` leaves out what a later one retracts.
    ///
    /// # Errors
    /// As [`Builder::add`], and when an entry of the index cannot be read, since its file is damaged.
    pub fn add_index<D: AsRef<[u8]>>(
        &mut self,
        index: &Index<D>,
        keep: impl FnMut(&Entry<'_>) -> bool,
    ) -> Result<(), Error> {
        let kept = self.add_entries(index.view(), keep)?;
        for kind in Kind::ALL {
            self.add_hashes(index.view(), kind, &kept)?;
        }
        index.retractions().try_for_each(|(list, entry)| self.retract(list, entry))
    }

    /// Adds the entries to be kept, without their hashes.
    fn add_entries(
        &mut self,
        from: View<'_>,
        mut keep: impl FnMut(&Entry<'_>) -> bool,
    ) -> Result<Kept, Error> {
        let first_source = self.sources.len() as u32;
        for source in &from.layout.meta.sources {
            self.add_source(source.clone());
        }
        // Their duplicates are counted already.
        self.counted.extend(first_source..self.sources.len() as u32);
        let mut kept = Kept::new(self.entries.count());
        for id in (0..from.layout.meta.entries as u32).map(EntryId) {
            let damaged = || Problem::Content(SectionKind::EntryRuns);
            let entry = from.entry(id).ok_or_else(damaged)?;
            let source = from.run_of_entry(id).ok_or_else(damaged)?.source.get();
            let keeps = keep(&entry);
            kept.push(keeps);
            if keeps {
                self.make_room()?;
                let Entry { row, name, label, view, pdq_quality, role, .. } = entry;
                let photodna = from.photodna(id);
                let entry =
                    NewEntry { row, name, hashes: &[], label, view, pdq_quality, photodna, role: Some(role) };
                self.entries.add(first_source + source, role, &entry)?;
            }
        }
        Ok(kept)
    }

    /// Adds the hashes of a kind, each for those of its entries that are kept.
    fn add_hashes(&mut self, view: View<'_>, kind: Kind, kept: &Kept) -> Result<(), Error> {
        // Runs of POSTINGS belong to one hash each; a made-up file in which many share one would
        // give many times its own length.
        let mut left = view.u32s(SectionKind::Postings).len();
        for (hash, reference) in hashes(view, kind) {
            let more = view.entry_ids(reference).size_hint().1.unwrap_or_default().saturating_sub(1);
            left = left.checked_sub(more).ok_or(Problem::Content(SectionKind::Postings))?;
            for id in view.entry_ids(reference).filter_map(|id| kept.number(id)) {
                self.make_room()?;
                self.pairs.push(&hash, id);
            }
        }
        Ok(())
    }
}

/// The hashes of a kind with their references, in the order of the file.
fn hashes(view: View<'_>, kind: Kind) -> impl Iterator<Item = (Hash, u32)> {
    let exact = SectionKind::exact_table(kind).map(|(keys, _)| {
        view.bytes(keys).chunks_exact(keys.record_len()).filter_map(move |record| {
            let (key, reference) = record.split_at(kind.byte_len());
            let reference = u32::from_le_bytes(*reference.first_chunk()?);
            Some((Hash::Digest(Digest::from_bytes(kind, key)?), reference))
        })
    });
    let near = SectionKind::near_table(kind).map(|(keys, refs)| {
        let keys = view.bytes(keys).chunks_exact(keys.record_len());
        keys.zip(view.u32s(refs)).filter_map(move |(key, reference)| {
            let hash = match kind {
                Kind::Phash => Hash::Phash(Bits64(*key.first_chunk()?)),
                Kind::Dhash => Hash::Dhash(Bits64(*key.first_chunk()?)),
                _ => Hash::Pdq(Pdq(*key.first_chunk()?)),
            };
            Some((hash, reference.get()))
        })
    });
    exact.into_iter().flatten().chain(near.into_iter().flatten())
}

/// Which entries of an index are kept, and what number each gets.
struct Kept {
    /// A bit for each entry.
    bits: Vec<u64>,
    /// The number that the first kept one of each word gets.
    numbers: Vec<u32>,
    entries: u32,
    next: u32,
}

impl Kept {
    fn new(first_number: u32) -> Self {
        Self { bits: Vec::new(), numbers: Vec::new(), entries: 0, next: first_number }
    }

    fn push(&mut self, keeps: bool) {
        let bit = self.entries % u64::BITS;
        if bit == 0 {
            self.bits.push(0);
            self.numbers.push(self.next);
        }
        if let (true, Some(word)) = (keeps, self.bits.last_mut()) {
            *word |= 1 << bit;
            self.next += 1;
        }
        self.entries += 1;
    }

    /// The new number of an entry; `None` when it is not kept.
    fn number(&self, id: EntryId) -> Option<u32> {
        let (at, bit) = ((id.get() / u64::BITS) as usize, id.get() % u64::BITS);
        let word = *self.bits.get(at)?;
        let before = (word & ((1 << bit) - 1)).count_ones();
        (word >> bit & 1 == 1).then(|| self.numbers[at] + before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn kept_entries_are_numbered_without_gaps(keeps in prop::collection::vec(any::<bool>(), 0..300)) {
            let mut kept = Kept::new(7);
            keeps.iter().for_each(|keeps| kept.push(*keeps));
            let mut next = 7;
            for (id, keeps) in (0..).zip(&keeps) {
                prop_assert_eq!(kept.number(EntryId(id)), keeps.then_some(next));
                next += u32::from(*keeps);
            }
            prop_assert_eq!(kept.number(EntryId(keeps.len() as u32)), None);
            prop_assert_eq!(kept.number(EntryId(u32::MAX)), None);
        }
    }
}
