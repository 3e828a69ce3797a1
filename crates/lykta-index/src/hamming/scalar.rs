//! The portable kernel.

use zerocopy::little_endian::U32;

use super::{Hit, IdRange, Key, Wanted};

#[inline(always)]
fn distance(left: &Key, right: &Key) -> u32 {
    let ((left, _), (right, _)) = (left.as_chunks::<8>(), right.as_chunks::<8>());
    let differing =
        |(a, b): (&[u8; 8], &[u8; 8])| (u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b)).count_ones();
    left.iter().zip(right).map(differing).sum()
}

#[inline(always)]
pub(super) fn scan(keys: &[Key], base: u32, query: &Key, radius: u32, hits: &mut Vec<Hit>) {
    for (id, key) in (base..).zip(keys) {
        let distance = distance(key, query);
        if distance <= radius {
            hits.push(Hit { distance, id });
        }
    }
}

// Inlined into the functions for an instruction set, these are compiled with that set's POPCNT.
#[inline(always)]
pub(super) fn filter(
    ids: &[U32],
    wanted: &Wanted,
    ranges: &[IdRange],
    before_each: &mut impl FnMut(usize),
    positions: &mut Vec<u32>,
) {
    for (i, range) in ranges.iter().enumerate() {
        before_each(i);
        for id in range.of(ids) {
            let differing = (id.get() ^ wanted.tag) & !wanted.position_bits;
            if differing.count_ones() <= u32::from(range.allowed) {
                positions.push(id.get() & wanted.position_bits);
            }
        }
    }
}

#[inline(always)]
pub(super) fn compare(keys: &[Key], positions: &[u32], query: &Key, radius: u32, hits: &mut Vec<Hit>) {
    for &id in positions {
        let Some(key) = keys.get(id as usize) else { continue };
        let distance = distance(key, query);
        if distance <= radius {
            hits.push(Hit { distance, id });
        }
    }
}
