//! Building the tables of multi-index hashing: one counting sort a slot, in bounded memory.

use std::ops::Range;

use rayon::prelude::*;

use super::design::Shares;
use super::slots::{NewSlot, id_bits};
use crate::error::Error;
use crate::format::{IN_KEY_ORDER, MihSlot};
use crate::hamming::Key;
use crate::map::huge_memory;

/// The content of MIH_SLOTS.
pub(crate) fn slot_records(keys: &[Key], slots: &[NewSlot]) -> Vec<MihSlot> {
    let shares = Shares::of(&super::design::sample(keys), slots);
    let mut next = 0;
    let mut records = Vec::with_capacity(slots.len());
    for (i, (slot, shares)) in slots.iter().zip(shares).enumerate() {
        let mut bits = [0; 32];
        bits[..slot.bits.len()].copy_from_slice(&slot.bits);
        let first_id = next + slot.offsets() as u64;
        let in_units = |share: f64| ((share * 2f64.powi(32)) as u32).into();
        records.push(MihSlot {
            width: slot.width().into(),
            directory_bits: slot.directory_bits.into(),
            first_offset: next.into(),
            first_id: if i == 0 { IN_KEY_ORDER } else { first_id }.into(),
            bits,
            pairs_by_width: shares.by_width.map(in_units),
            pairs_by_directory: shares.by_directory.map(in_units),
        });
        next = if i == 0 { first_id } else { first_id + keys.len() as u64 };
    }
    records
}

/// Writes the content of MIH_TABLES through `put`, front to back.
///
/// Takes at most about `memory` bytes, at the price of reading the keys more often, and in any case
/// 8 bytes for each bucket of a slot. The bytes do not depend on it, nor on the number of threads.
/// Reads the keys at least twice for each slot.
pub(crate) fn write_tables(
    keys: &[Key],
    slots: &[NewSlot],
    memory: u64,
    put: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let Some((first, others)) = slots.split_first() else { return Ok(()) };
    put_numbers(&offsets(keys, first), put)?;
    let room = |slot: &NewSlot| 8 * (slot.offsets() + keys.len() / 2) as u64;
    let largest = others.iter().map(room).max().unwrap_or(1);
    let at_once = (memory / largest).clamp(1, rayon::current_num_threads() as u64) as usize;
    for group in others.chunks(at_once) {
        if at_once == 1 {
            group.iter().try_for_each(|slot| put_slot(keys, slot, memory, put))?;
            continue;
        }
        let tables: Vec<Result<(Vec<u32>, Ids), Error>> = group
            .par_iter()
            .map(|slot| {
                let offsets = offsets(keys, slot);
                let ids = Ids::of(keys, slot, &offsets, 0..slot.offsets() - 1)?;
                Ok((offsets, ids))
            })
            .collect();
        for table in tables {
            let (offsets, ids) = table?;
            put_numbers(&offsets, put)?;
            put(ids.bytes())?;
        }
    }
    Ok(())
}

/// Writes one slot whose ids may not fit in memory: some buckets at a time.
fn put_slot(
    keys: &[Key],
    slot: &NewSlot,
    memory: u64,
    put: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let offsets = offsets(keys, slot);
    put_numbers(&offsets, put)?;
    let left = memory.saturating_sub(8 * offsets.len() as u64);
    let most = u32::try_from(left / size_of::<u32>() as u64).unwrap_or(u32::MAX).max(1 << 16);
    let mut start = 0;
    while start + 1 < offsets.len() {
        let limit = offsets[start].saturating_add(most);
        // At least one bucket, even if it is larger than the memory granted.
        let end = (start + 1).max(offsets.partition_point(|offset| *offset <= limit) - 1);
        put(Ids::of(keys, slot, &offsets, start..end)?.bytes())?;
        start = end;
    }
    Ok(())
}

/// The value of a slot, byte by byte of the key: several times as fast as bit by bit.
struct Values<'s> {
    slot: &'s NewSlot,
    /// Each byte that has bits of the slot, and what each content of it adds to the value.
    bytes: Vec<(usize, [u32; 256])>,
}

impl<'s> Values<'s> {
    fn of(slot: &'s NewSlot) -> Self {
        let at = |bit: &u8| 31 - usize::from(bit / 8);
        let mut places: Vec<usize> = slot.bits.iter().map(at).collect();
        places.sort_unstable();
        places.dedup();
        let adds = |place: usize| {
            std::array::from_fn(|content| {
                let mut key: Key = [0; 32];
                key[place] = content as u8;
                slot.value(&key)
            })
        };
        Self { slot, bytes: places.into_iter().map(|place| (place, adds(place))).collect() }
    }

    /// The bucket and the tag of a key.
    fn split(&self, key: &Key) -> (usize, u32) {
        let value = self.bytes.iter().fold(0, |value, (place, adds)| value | adds[usize::from(key[*place])]);
        self.slot.split(value)
    }
}

/// Where each bucket of a slot starts, and the end of the last.
fn offsets(keys: &[Key], slot: &NewSlot) -> Vec<u32> {
    let values = Values::of(slot);
    let mut offsets = vec![0; slot.offsets()];
    for key in keys {
        offsets[values.split(key).0 + 1] += 1;
    }
    let mut sum = 0;
    for offset in &mut offsets {
        sum += *offset;
        *offset = sum;
    }
    offsets
}

/// The ids of some of a slot's buckets, each bucket in ascending order of position, as bytes.
struct Ids {
    memory: memmap2::MmapMut,
    length: usize,
}

impl Ids {
    fn of(keys: &[Key], slot: &NewSlot, offsets: &[u32], buckets: Range<usize>) -> Result<Self, Error> {
        let (id_bits, values) = (id_bits(keys.len()), Values::of(slot));
        let first = offsets[buckets.start];
        let mut next = offsets[buckets.clone()].to_vec();
        // Ids go to places all over it, one after the other.
        let length = (offsets[buckets.end] - first) as usize * size_of::<u32>();
        let mut memory = huge_memory(length)?;
        let (ids, _) = memory.as_chunks_mut::<4>();
        for (position, key) in (0u32..).zip(keys) {
            let (bucket, tag) = values.split(key);
            if !buckets.contains(&bucket) {
                continue;
            }
            let place = &mut next[bucket - buckets.start];
            // A tag of no bits is 0; a shift by all 32 bits is not allowed.
            let id = position | tag.checked_shl(id_bits).unwrap_or(0);
            ids[(*place - first) as usize] = id.to_le_bytes();
            *place += 1;
        }
        Ok(Self { memory, length })
    }

    fn bytes(&self) -> &[u8] {
        self.memory.get(..self.length).unwrap_or_default()
    }
}

/// Numbers turned into bytes at once.
const PIECE: usize = 1 << 16;

fn put_numbers(numbers: &[u32], put: &mut dyn FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
    let mut bytes = Vec::with_capacity(PIECE * size_of::<u32>());
    for piece in numbers.chunks(PIECE) {
        bytes.clear();
        bytes.extend(piece.iter().flat_map(|number| number.to_le_bytes()));
        put(&bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(count: u32) -> Vec<Key> {
        let mut keys: Vec<Key> =
            (0..count).map(|i| *blake3::hash(&(i / 3 * 2).to_le_bytes()).as_bytes()).collect();
        // Some crowded buckets.
        keys.iter_mut().take(count as usize / 4).for_each(|key| key[..20].fill(7));
        keys
    }

    #[test]
    fn the_bytes_do_not_depend_on_memory_nor_threads() {
        let keys = keys(300_000);
        let slots: Vec<NewSlot> = (0..6)
            .map(|slot| NewSlot {
                bits: (slot * 20..slot * 20 + 20).collect(),
                directory_bits: 11 + u32::from(slot),
            })
            .collect();
        let written = |memory, threads| {
            let mut bytes = Vec::new();
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                write_tables(&keys, &slots, memory, &mut |more| {
                    bytes.extend_from_slice(more);
                    Ok(())
                })
            })
            .unwrap();
            bytes
        };
        let expected = written(1 << 30, 1);
        let offsets: usize = slots.iter().map(NewSlot::offsets).sum();
        assert_eq!(expected.len(), 4 * (offsets + 5 * keys.len()));
        for (memory, threads) in [(1 << 30, 3), (2 << 20, 2), (0, 1), (700_000, 2)] {
            assert!(written(memory, threads) == expected, "{memory} bytes, {threads} threads");
        }
    }
}
