//! Multi-index hashing: pieces of a hash looked up exactly, or almost.
//!
//! M. Norouzi, A. Punjani, D. J. Fleet, "Fast exact search in Hamming space with multi-index
//! hashing", 2014. The bits of a hash are dealt out to slots. Two hashes that differ in at most
//! `radius` bits differ in at most `flips(i)` bits of some slot `i`, whenever the sum of
//! `flips(i) + 1` over all slots exceeds `radius` (pigeonhole). So:
//!
//! ```text
//! for each slot: for each way to turn up to flips(slot) of its bits:
//!     candidates += the bucket of the query's turned slot
//! report the candidates whose whole distance is within the radius
//! ```
//!
//! The slots are in the file; the flips follow from the radius of the query, so any radius has an
//! exact answer. Time goes into cache misses: offsets, ids and keys are each fetched ahead.

use std::ops::Range;

use rayon::prelude::*;
use zerocopy::little_endian::U32;

use super::slots::{Slots, bucket, flips};
use crate::error::{Error, Problem};
use crate::format::SectionKind;
use crate::hamming::{Hit, Kernel, Key, prefetch};
use crate::layout::View;

/// Buckets fetched ahead.
const AHEAD: usize = 32;

/// A query that finds more candidates than this share of the list is left to the scan, which reads
/// memory in order: hashes of one family can fill a bucket.
const WORTHWHILE_SHARE: usize = 8;

/// Buffers of a search.
#[derive(Default)]
pub(crate) struct Scratch {
    buckets: Vec<Range<usize>>,
    candidates: Vec<U32>,
}

/// The structure as it lies in a file.
pub(crate) struct Mih<'a> {
    pub(crate) slots: &'a Slots,
    pub(crate) view: View<'a>,
    pub(crate) keys: &'a [Key],
}

impl<'a> Mih<'a> {
    /// The offsets and ids of slot number `i`.
    fn tables(&self, i: usize) -> Option<(&'a [U32], &'a [U32])> {
        let offsets = self.view.u32s(SectionKind::MihOffsets).get(self.slots.0.get(i)?.offsets.clone())?;
        let count = self.keys.len();
        let ids = self.view.u32s(SectionKind::MihIds).get(i * count..(i + 1) * count)?;
        Some((offsets, ids))
    }

    /// Appends the keys within `radius`, in no order and possibly more than once. False when a scan
    /// is the better way; the hits are then incomplete.
    pub(crate) fn search(
        &self,
        kernel: Kernel,
        query: &Key,
        radius: u32,
        scratch: &mut Scratch,
        hits: &mut Vec<Hit>,
    ) -> bool {
        let Scratch { buckets, candidates } = scratch;
        candidates.clear();
        let most = self.keys.len() / WORTHWHILE_SHARE;
        for (i, (slot, flips)) in self.slots.0.iter().zip(flips(self.slots.0.len(), radius)).enumerate() {
            let Some(flips) = flips else { continue };
            let (Some((offsets, ids)), Some(masks)) = (self.tables(i), slot.masks(flips)) else {
                return false;
            };
            let own = slot.bucket(query);
            buckets.clear();
            for (j, mask) in masks.iter().enumerate() {
                prefetch(masks.get(j + AHEAD).and_then(|mask| offsets.get((own ^ mask) as usize)));
                let at = (own ^ mask) as usize;
                let (Some(start), Some(end)) = (offsets.get(at), offsets.get(at + 1)) else { return false };
                let range = start.get() as usize..end.get() as usize;
                if !range.is_empty() {
                    prefetch(ids.get(range.start));
                    buckets.push(range);
                }
            }
            for range in buckets.iter() {
                let Some(ids) = ids.get(range.clone()) else { return false };
                if candidates.len() + ids.len() > most {
                    return false;
                }
                candidates.extend_from_slice(ids);
            }
        }
        kernel.check(self.keys, candidates, query, radius, hits);
        true
    }

    /// Checks that every key is in its bucket of every slot, once. O(slots x keys).
    pub(crate) fn verify(&self) -> Result<(), Error> {
        (0..self.slots.0.len()).into_par_iter().try_for_each(|i| self.verify_slot(i))
    }

    fn verify_slot(&self, i: usize) -> Result<(), Error> {
        let Some((offsets, ids)) = self.tables(i) else {
            return Err(Problem::Content(SectionKind::MihOffsets).into());
        };
        let slot = &self.slots.0[i];
        let wrong_offset = |bucket: usize| Problem::Record {
            section: SectionKind::MihOffsets,
            record: (slot.offsets.start + bucket) as u64,
            what: "buckets that leave out or share hashes",
        };
        let mut next = 0;
        for (bucket, pair) in offsets.windows(2).enumerate() {
            let range = pair[0].get() as usize..pair[1].get() as usize;
            if range.start != next {
                return Err(wrong_offset(bucket).into());
            }
            next = range.end;
            let Some(members) = ids.get(range.clone()) else { return Err(wrong_offset(bucket).into()) };
            let at_home = |id: &U32| {
                self.keys.get(id.get() as usize).is_some_and(|key| slot.bucket(key) as usize == bucket)
            };
            // Ascending and in the one bucket that is theirs: so each hash is there at most once,
            // and there are as many places as hashes.
            if !members.is_sorted_by(|a, b| a.get() < b.get()) || !members.iter().all(at_home) {
                let record = (i * self.keys.len() + range.start) as u64;
                let what = "a hash in a bucket that is not its own";
                return Err(Problem::Record { section: SectionKind::MihIds, record, what }.into());
            }
        }
        if next == self.keys.len() { Ok(()) } else { Err(wrong_offset(offsets.len() - 1).into()) }
    }
}

/// The tables of one slot: 2^width + 1 offsets, then the ids bucket by bucket, ascending.
pub(crate) struct Table {
    pub(crate) offsets: Vec<u32>,
    pub(crate) ids: Vec<u32>,
}

/// Builds the tables of all slots, in order.
pub(crate) fn build(keys: &[Key], slots: &[Vec<u8>]) -> Vec<Table> {
    slots.par_iter().map(|bits| build_slot(keys, bits)).collect()
}

fn build_slot(keys: &[Key], bits: &[u8]) -> Table {
    let mut offsets = vec![0; (1 << bits.len()) + 1];
    for key in keys {
        offsets[bucket(bits, key) as usize + 1] += 1;
    }
    let mut sum = 0;
    for offset in &mut offsets {
        sum += *offset;
        *offset = sum;
    }
    let mut next = offsets.clone();
    let mut ids = vec![0; keys.len()];
    for (id, key) in (0..).zip(keys) {
        let place = &mut next[bucket(bits, key) as usize];
        ids[*place as usize] = id;
        *place += 1;
    }
    Table { offsets, ids }
}
