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

use super::cost;
use crate::error::{Error, Problem};
use crate::format::{MAX_SLOT_WIDTH, MihSlot, SectionKind};
use crate::hamming::{Hit, Kernel, Key, prefetch};
use crate::open::View;

/// Most bits turned in one slot; a radius that needs more is left to the scan.
pub(crate) const MAX_FLIPS: u32 = 3;

/// Buckets fetched ahead.
const AHEAD: usize = 32;

/// A query that finds more candidates than this share of the list is left to the scan, which reads
/// memory in order: hashes of one family can fill a bucket.
const WORTHWHILE_SHARE: usize = 8;

/// The slots of a file, with what a query needs of them.
pub(crate) struct Slots(Vec<Slot>);

struct Slot {
    bits: Vec<u8>,
    offsets: Range<usize>,
    /// Every way to turn up to [`MAX_FLIPS`] bits, fewest first.
    masks: Vec<u32>,
    /// How many of the masks turn at most 0, 1, 2... bits.
    masks_up_to: Vec<usize>,
}

impl Slots {
    /// Reads and checks the slots of a list of `keys` hashes. O(slots).
    pub(crate) fn new(records: &[MihSlot], keys: usize, offsets: usize, ids: usize) -> Result<Self, Error> {
        let wrong = |record: usize, what| -> Error {
            Problem::Record { section: SectionKind::MihSlots, record: record as u64, what }.into()
        };
        let mut taken = [false; 256];
        let mut next_offset = 0;
        let mut slots = Vec::with_capacity(records.len());
        for (i, record) in records.iter().enumerate() {
            let width = record.width.get();
            if !(1..=MAX_SLOT_WIDTH).contains(&width) || record.reserved.get() != 0 {
                return Err(wrong(i, "a width that no slot has"));
            }
            let (bits, unused) = record.bits.split_at(width as usize);
            if unused.iter().any(|bit| *bit != 0) {
                return Err(wrong(i, "bits beyond the width"));
            }
            // Pigeonhole needs disjoint slots: a bit counted twice would lose matches.
            if bits.iter().any(|&bit| std::mem::replace(&mut taken[usize::from(bit)], true)) {
                return Err(wrong(i, "a bit that another slot has"));
            }
            if record.first_offset.get() != next_offset as u64 {
                return Err(wrong(i, "offsets at the wrong place"));
            }
            let range = next_offset..next_offset + (1 << width) + 1;
            next_offset = range.end;
            let (masks, masks_up_to) = masks(width);
            slots.push(Slot { bits: bits.to_vec(), offsets: range, masks, masks_up_to });
        }
        if next_offset != offsets {
            return Err(Problem::Content(SectionKind::MihOffsets).into());
        }
        if keys.checked_mul(slots.len()) != Some(ids) {
            return Err(Problem::Content(SectionKind::MihIds).into());
        }
        Ok(Self(slots))
    }

    /// The widths of the slots, in bits.
    pub(crate) fn widths(&self) -> impl Iterator<Item = u32> + Clone {
        self.0.iter().map(|slot| slot.bits.len() as u32)
    }

    /// Whether a search is expected to cost less than a scan of `keys` hashes.
    pub(crate) fn pays(&self, keys: u64, radius: u32) -> bool {
        cost::mih(self.widths(), keys, radius) < cost::flat(keys)
    }
}

impl Slot {
    /// The bucket of a hash.
    fn bucket(&self, key: &Key) -> u32 {
        bucket(&self.bits, key)
    }
}

fn bucket(bits: &[u8], key: &Key) -> u32 {
    let bit = |k: u8| u32::from(key[31 - usize::from(k / 8)] >> (k % 8) & 1);
    bits.iter().enumerate().fold(0, |bucket, (i, &k)| bucket | bit(k) << i)
}

/// How many bits to turn in each slot so that no hash within `radius` is missed; `None` for slots
/// that need not be looked at.
pub(crate) fn flips(slots: usize, radius: u32) -> impl Iterator<Item = Option<u32>> {
    let shares = radius.saturating_add(1);
    let (each, more) = (shares / slots as u32, shares as usize % slots);
    (0..slots).map(move |i| (each + u32::from(i < more)).checked_sub(1))
}

fn masks(width: u32) -> (Vec<u32>, Vec<usize>) {
    let mut masks = vec![0u32];
    let mut counts = vec![1];
    for _ in 0..MAX_FLIPS {
        let shorter = counts.len().checked_sub(2).map_or(0, |i| counts[i])..masks.len();
        for i in shorter {
            // One more bit, above the highest that is set, gives each combination once.
            let lowest = u32::BITS - masks[i].leading_zeros();
            masks.extend((lowest..width).map(|bit| masks[i] | 1 << bit).collect::<Vec<_>>());
        }
        counts.push(masks.len());
    }
    (masks, counts)
}

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
            let (Some((offsets, ids)), Some(&masks)) = (self.tables(i), slot.masks_up_to.get(flips as usize))
            else {
                return false;
            };
            let masks = &slot.masks[..masks];
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

/// Deals the bits of a hash out to `slots` slots: neighbouring coefficients of the DCT, whose bits
/// are alike in photographs, go to different slots.
pub(crate) fn deal(slots: usize) -> Vec<Vec<u8>> {
    (0..slots).map(|slot| (0..=u8::MAX).skip(slot).step_by(slots).collect()).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_all_combinations_fewest_bits_first() {
        for width in [1, 2, 5, 21] {
            let (masks, up_to) = masks(width);
            let mut sorted = masks.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), masks.len(), "each mask once");
            assert!(masks.iter().all(|mask| *mask < 1 << width));
            for (flips, &count) in up_to.iter().enumerate() {
                assert!(masks[..count].iter().all(|mask| mask.count_ones() as usize <= flips));
                assert_eq!(count as f64, cost::ball(width, flips as u32), "width {width}, {flips} flips");
            }
        }
    }

    #[test]
    fn flips_satisfy_the_pigeonhole_for_every_radius() {
        for slots in 1..=64 {
            for radius in 0..=256 {
                let shares: u32 = flips(slots, radius).map(|flips| flips.map_or(0, |flips| flips + 1)).sum();
                assert_eq!(shares, radius + 1);
            }
        }
    }

    #[test]
    fn every_bit_is_dealt_once() {
        for slots in 10..=64 {
            let mut bits = deal(slots).concat();
            bits.sort_unstable();
            assert_eq!(bits, (0..=u8::MAX).collect::<Vec<_>>());
        }
    }
}
