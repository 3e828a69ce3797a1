//! Slots: which bits of a hash go where, and how many of them to turn.

use std::ops::Range;

use crate::error::{Error, Problem};
use crate::format::{MAX_SLOT_WIDTH, MihSlot, SectionKind};
use crate::hamming::Key;

/// Most bits turned in one slot; a radius that needs more is left to the scan.
pub(crate) const MAX_FLIPS: u32 = 3;

/// The slots of a file, with what a query needs of them.
pub(crate) struct Slots(pub(crate) Vec<Slot>);

/// One slot.
pub(crate) struct Slot {
    bits: Vec<u8>,
    /// Where its offsets are in MIH_OFFSETS.
    pub(crate) offsets: Range<usize>,
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
        if records.len() > taken.len() {
            return Err(wrong(taken.len(), "a slot too many"));
        }
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
}

impl Slot {
    /// Every way to turn up to `flips` bits, fewest first; `None` above [`MAX_FLIPS`].
    pub(crate) fn masks(&self, flips: u32) -> Option<&[u32]> {
        self.masks.get(..*self.masks_up_to.get(flips as usize)?)
    }

    /// The bucket of a hash.
    pub(crate) fn bucket(&self, key: &Key) -> u32 {
        bucket(&self.bits, key)
    }
}

/// The bucket of a hash in a slot of these bits.
pub(crate) fn bucket(bits: &[u8], key: &Key) -> u32 {
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

/// Ways to turn at most `flips` of `width` bits.
pub(crate) fn ball(width: u32, flips: u32) -> f64 {
    let mut ways = 1.0;
    let mut sum = 1.0;
    for i in 0..flips.min(width) {
        ways *= f64::from(width - i) / f64::from(i + 1);
        sum += ways;
    }
    sum
}

/// Deals the bits of a hash out to `slots` slots: neighbouring coefficients of the DCT, whose bits
/// are alike in photographs, go to different slots.
pub(crate) fn deal(slots: usize) -> Vec<Vec<u8>> {
    (0..slots).map(|slot| (0..=u8::MAX).skip(slot).step_by(slots).collect()).collect()
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
                assert_eq!(count as f64, ball(width, flips as u32), "width {width}, {flips} flips");
            }
        }
    }

    #[test]
    fn a_ball_counts_combinations() {
        assert_eq!(ball(16, 0), 1.0);
        assert_eq!(ball(16, 1), 17.0);
        assert_eq!(ball(21, 2), 232.0);
        assert_eq!(ball(2, 5), 4.0);
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
