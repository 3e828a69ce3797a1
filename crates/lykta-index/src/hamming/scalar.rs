//! The portable kernel.

use zerocopy::little_endian::U32;

use super::{Hit, Key, prefetch};

/// Keys fetched ahead in [`check`]: enough for some ten misses to overlap.
const AHEAD: usize = 16;

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

// Inlined into the functions for an instruction set, it is compiled with that set's POPCNT.
#[inline(always)]
pub(super) fn check(keys: &[Key], ids: &[U32], query: &Key, radius: u32, hits: &mut Vec<Hit>) {
    for (i, id) in ids.iter().enumerate() {
        prefetch(ids.get(i + AHEAD).and_then(|id| keys.get(id.get() as usize)));
        let Some(key) = keys.get(id.get() as usize) else { continue };
        let distance = distance(key, query);
        if distance <= radius {
            hits.push(Hit { distance, id: id.get() });
        }
    }
}
