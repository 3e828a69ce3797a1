//! The check of multi-index hashing: every hash in its own bucket of every slot, once.

use rayon::prelude::*;
use zerocopy::little_endian::U32;

use crate::error::{Error, Problem};
use crate::format::SectionKind;
use crate::hamming::Key;
use crate::near::slots::{Slot, Slots, low_bits};

/// Checks the tables of all slots. O(slots x keys), all cores.
pub(super) fn verify(slots: &Slots, tables: &[U32], keys: &[Key]) -> Result<(), Error> {
    slots.slots.par_iter().try_for_each(|slot| Check { slot, id_bits: slots.id_bits, tables, keys }.run())
}

struct Check<'a> {
    slot: &'a Slot,
    id_bits: u32,
    tables: &'a [U32],
    keys: &'a [Key],
}

impl Check<'_> {
    fn run(&self) -> Result<(), Error> {
        let (first, count) = (self.slot.first_offset, self.slot.shape.offsets());
        let Some(offsets) = self.tables.get(first..first + count) else {
            return Err(wrong(first, "offsets beyond the last"));
        };
        let mut next = 0;
        for (bucket, pair) in offsets.windows(2).enumerate() {
            let (start, end) = (pair[0].get() as usize, pair[1].get() as usize);
            if start != next || end < start || end > self.keys.len() {
                return Err(wrong(first + bucket, "a bucket that leaves out or shares hashes"));
            }
            next = end;
            self.bucket(bucket, start..end)?;
        }
        if next == self.keys.len() {
            return Ok(());
        }
        Err(wrong(first + count - 1, "a bucket that leaves out hashes"))
    }

    /// Ascending and in the one bucket that is theirs: so each hash is there at most once, and there
    /// are as many places as hashes.
    fn bucket(&self, bucket: usize, places: std::ops::Range<usize>) -> Result<(), Error> {
        let mut before = None;
        for place in places {
            let at = self.slot.first_id.map_or(self.slot.first_offset + bucket, |first| first + place);
            let (position, tag) = self.id(place).ok_or_else(|| wrong(at, "an id beyond the last"))?;
            let Some(key) = self.keys.get(position as usize) else {
                return Err(wrong(at, "a hash that is not there"));
            };
            if self.slot.shape.split(self.slot.shape.value(key)) != (bucket, tag) {
                return Err(wrong(at, "a hash in a bucket that is not its own"));
            }
            if before.replace(position).is_some_and(|before| before >= position) {
                return Err(wrong(at, "a hash out of order"));
            }
        }
        Ok(())
    }

    /// Position and tag of the hash at a place; of the first slot the place is the position.
    fn id(&self, place: usize) -> Option<(u32, u32)> {
        let Some(first) = self.slot.first_id else { return Some((place as u32, 0)) };
        let id = self.tables.get(first.checked_add(place)?)?.get();
        Some((id & low_bits(self.id_bits), id.checked_shr(self.id_bits).unwrap_or(0)))
    }
}

fn wrong(record: usize, what: &'static str) -> Error {
    Problem::Record { section: SectionKind::MihTables, record: record as u64, what }.into()
}
