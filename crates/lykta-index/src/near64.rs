//! Near search over perceptual hashes of 64 bits: a scan of all of them.
//!
//! They serve to support another match, so their search has no structure of its own: a key is 8
//! bytes, read in order.

use lykta_hash::{Bits64, Kind};
use zerocopy::little_endian::U32;

use crate::entry::EntryId;
use crate::format::SectionKind;
use crate::hamming::Kernel;
use crate::hamming::words::{BLOCK, GROUP, Key64};
use crate::layout::View;

/// An entry whose 64-bit hash lies within the radius. Order: distance, then entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Near64 {
    /// Bits in which the hashes differ, 0..=64.
    pub distance: u32,
    /// The entry.
    pub entry: EntryId,
    /// The hash that the list has.
    pub hash: Bits64,
}

impl<'a> View<'a> {
    /// The keys of a 64-bit kind; none for any other.
    pub(crate) fn keys64(self, kind: Kind) -> &'a [Key64] {
        table(kind).map_or(&[], |(keys, _)| self.bytes(keys).as_chunks().0)
    }

    pub(crate) fn near64_batch(self, kind: Kind, hashes: &[Bits64], radius: u32) -> Vec<Vec<Near64>> {
        let keys = self.keys64(kind);
        let mut positions = vec![Vec::new(); hashes.len()];
        scan(Kernel::best(), keys, hashes, radius, |query, position| positions[query].push(position));
        let refs = table(kind).map_or(&[][..], |(_, refs)| self.u32s(refs));
        hashes
            .iter()
            .zip(positions)
            .map(|(hash, found)| self.entries_near(hash, &found, keys, refs))
            .collect()
    }

    /// The entries behind the keys at `positions`, in the order of the answer.
    fn entries_near(self, hash: &Bits64, positions: &[usize], keys: &[Key64], refs: &[U32]) -> Vec<Near64> {
        let mut near = Vec::with_capacity(positions.len());
        // Runs of POSTINGS belong to one hash each; a made-up file in which many share one would
        // give many times its own length.
        let most = positions.len() + self.u32s(SectionKind::Postings).len();
        for &position in positions {
            if let (Some(key), Some(reference)) = (keys.get(position), refs.get(position)) {
                let (found, room) = (Bits64(*key), most - near.len());
                let distance = found.distance(hash);
                let entries = self.entry_ids(reference.get()).take(room);
                near.extend(entries.map(|entry| Near64 { distance, entry, hash: found }));
            }
        }
        near.sort_unstable();
        near
    }
}

/// The keys of a 64-bit kind and their references.
fn table(kind: Kind) -> Option<(SectionKind, SectionKind)> {
    SectionKind::near_table(kind).filter(|(keys, _)| keys.record_len() == size_of::<Key64>())
}

/// Calls `hit` with the number of each query and the position of each key within `radius` bits of
/// it, for each query in the order of the keys. All queries are compared with a block of keys before
/// the next block is read.
fn scan(kernel: Kernel, keys: &[Key64], queries: &[Bits64], radius: u32, mut hit: impl FnMut(usize, usize)) {
    for (block, first) in keys.chunks(BLOCK).zip((0..).step_by(BLOCK)) {
        for (number, query) in queries.iter().enumerate() {
            let mut groups = kernel.near_groups(block, &query.0, radius);
            while groups != 0 {
                let start = groups.trailing_zeros() as usize * GROUP;
                groups &= groups - 1;
                for (key, position) in block.iter().zip(first..).skip(start).take(GROUP) {
                    if Bits64(*key).distance(query) <= radius {
                        hit(number, position);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Keys and queries close to one another, so that every radius has hits.
        #[test]
        fn the_scan_gives_what_a_look_at_every_key_gives(
            keys in prop::collection::vec(any::<u64>().prop_map(|key| key & 0x0303_0000_0000_c0c1), 0..3 * GROUP),
            repeat in 1usize..40,
            queries in prop::collection::vec(any::<u64>().prop_map(|key| key & 0xff00_0000_0000_00ff), 0..4),
            radius in 0u32..=65,
        ) {
            // Several blocks, and a last one that is not full.
            let keys: Vec<Key64> = keys.iter().map(|key| key.to_be_bytes()).collect::<Vec<_>>().repeat(repeat);
            let queries: Vec<Bits64> = queries.iter().map(|query| Bits64(query.to_be_bytes())).collect();
            for kernel in Kernel::available() {
                let mut found = vec![Vec::new(); queries.len()];
                scan(kernel, &keys, &queries, radius, |query, position| found[query].push(position));
                for (query, found) in queries.iter().zip(found) {
                    let near = |position: &usize| Bits64(keys[*position]).distance(query) <= radius;
                    prop_assert_eq!(found, (0..keys.len()).filter(near).collect::<Vec<_>>());
                }
            }
        }
    }
}
