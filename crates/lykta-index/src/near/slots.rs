//! Slots: which bits of a hash choose a bucket, and which ones are kept beside each id.

use std::sync::OnceLock;

use lykta_hash::Pdq;

use super::cost::Allocation;
use crate::error::{Error, Problem};
use crate::format::{IN_KEY_ORDER, MAX_DIRECTORY_BITS, MAX_SLOT_WIDTH, MihSlot, SectionKind};
use crate::hamming::Key;
use crate::near::order::{ORDER, bit_of};

/// Most bits turned in one slot; a radius that needs more is left to the scan.
pub(crate) const MAX_FLIPS: usize = 4;

/// The slots of a file, with what a query needs of them.
pub(crate) struct Slots {
    pub(crate) slots: Vec<Slot>,
    /// Bits of an id that are a position; the others are its tag.
    pub(crate) id_bits: u32,
    /// Number of keys.
    pub(crate) keys: usize,
    /// How to use the slots at each radius, found out when it is first asked for.
    pub(crate) allocations: Vec<OnceLock<Option<Allocation>>>,
}

/// One slot.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) shape: NewSlot,
    /// Position in MIH_TABLES of the offsets.
    pub(crate) first_offset: usize,
    /// Position in MIH_TABLES of the ids; `None` for the slot in whose order the keys lie.
    pub(crate) first_id: Option<usize>,
    /// The slot's bits as a mask over a key's four words.
    pub(crate) mask: [u64; 4],
    /// Share of pairs that differ in exactly 0, 1, 2... bits of the slot.
    pub(crate) pairs_by_width: [f64; MAX_FLIPS + 1],
    /// The same of the bits that choose the bucket.
    pub(crate) pairs_by_directory: [f64; MAX_FLIPS + 1],
}

/// A slot that is to be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewSlot {
    /// The bits of the hash, most significant of the slot's value first.
    pub(crate) bits: Vec<u8>,
    /// How many of them choose the bucket.
    pub(crate) directory_bits: u32,
}

impl NewSlot {
    /// Number of bits.
    pub(crate) fn width(&self) -> u32 {
        self.bits.len() as u32
    }

    /// Number of bits that are kept beside each id.
    pub(crate) fn tag_bits(&self) -> u32 {
        self.width() - self.directory_bits
    }

    /// Number of offsets: one for each bucket, and the end of the last.
    pub(crate) fn offsets(&self) -> usize {
        (1 << self.directory_bits) + 1
    }

    /// The bits of a key that belong to the slot, as a number.
    pub(crate) fn value(&self, key: &Key) -> u32 {
        self.bits.iter().fold(0, |value, bit| value << 1 | bit_of(key, *bit))
    }

    /// The number of a value's bucket, and its tag.
    pub(crate) fn split(&self, value: u32) -> (usize, u32) {
        let bucket = u64::from(value) >> self.tag_bits();
        (bucket as usize, value & low_bits(self.tag_bits()))
    }
}

/// Bits of a position among `keys` keys.
pub(crate) fn id_bits(keys: usize) -> u32 {
    (keys.saturating_sub(1) as u64).checked_ilog2().unwrap_or(0) + 1
}

/// A number whose lowest `count` bits are set; `count` is 0..=32.
pub(crate) fn low_bits(count: u32) -> u32 {
    u32::MAX.checked_shr(32 - count).unwrap_or(0)
}

/// The bits as a mask over the key's words, in the order of its bytes.
fn mask(bits: &[u8]) -> [u64; 4] {
    let mut key: Key = [0; 32];
    for bit in bits {
        key[31 - usize::from(bit / 8)] |= 1 << (bit % 8);
    }
    words(&key)
}

/// A key as four words. Their bytes are in the order of the key, so that masks and differences
/// agree; as numbers they mean nothing.
pub(crate) fn words(key: &Key) -> [u64; 4] {
    let (words, _) = key.as_chunks::<8>();
    std::array::from_fn(|i| words.get(i).map_or(0, |word| u64::from_le_bytes(*word)))
}

impl Slots {
    /// Reads and checks the slots of a list of `keys` hashes; `tables` is the length of MIH_TABLES.
    /// O(slots).
    pub(crate) fn new(records: &[MihSlot], keys: usize, tables: usize) -> Result<Self, Error> {
        let wrong = |record: usize, what| -> Error {
            Problem::Record { section: SectionKind::MihSlots, record: record as u64, what }.into()
        };
        let id_bits = id_bits(keys);
        let mut taken = [false; 256];
        let mut next: usize = 0;
        if records.len() > taken.len() {
            return Err(wrong(taken.len(), "a slot too many"));
        }
        let mut slots = Vec::with_capacity(records.len());
        for (i, record) in records.iter().enumerate() {
            let (width, directory_bits) = (record.width.get(), record.directory_bits.get());
            if !(1..=MAX_SLOT_WIDTH).contains(&width) {
                return Err(wrong(i, "a width that no slot has"));
            }
            if !(1..=MAX_DIRECTORY_BITS.min(width)).contains(&directory_bits) {
                return Err(wrong(i, "a directory that no slot has"));
            }
            let (bits, unused) = record.bits.split_at(width as usize);
            if unused.iter().any(|bit| *bit != 0) {
                return Err(wrong(i, "bits beyond the width"));
            }
            // Pigeonhole needs disjoint slots: a bit counted twice would lose matches.
            if bits.iter().any(|&bit| std::mem::replace(&mut taken[usize::from(bit)], true)) {
                return Err(wrong(i, "a bit that another slot has"));
            }
            let in_key_order = record.first_id.get() == IN_KEY_ORDER;
            if in_key_order != (i == 0) {
                return Err(wrong(i, "ids where there are none, or none where there are some"));
            }
            if in_key_order && (directory_bits != width || !ORDER.starts_with(bits)) {
                return Err(wrong(i, "bits that are not those of the order of the hashes"));
            }
            if !in_key_order && width - directory_bits + id_bits > u32::BITS {
                return Err(wrong(i, "a tag that leaves no room for the position"));
            }
            let shape = NewSlot { bits: bits.to_vec(), directory_bits };
            let starts = |at: usize, field: u64| usize::try_from(field).is_ok_and(|field| field == at);
            if !starts(next, record.first_offset.get()) {
                return Err(wrong(i, "offsets at the wrong place"));
            }
            let first_offset = next;
            let after = |next: usize, count| next.checked_add(count).filter(|end| *end <= tables);
            next = after(next, shape.offsets()).ok_or_else(|| wrong(i, "offsets beyond the end"))?;
            let first_id = (!in_key_order).then_some(next);
            if let Some(first_id) = first_id {
                if !starts(first_id, record.first_id.get()) {
                    return Err(wrong(i, "ids at the wrong place"));
                }
                next = after(next, keys).ok_or_else(|| wrong(i, "ids beyond the end"))?;
            }
            let share = |shares: &[zerocopy::little_endian::U32; MAX_FLIPS + 1]| {
                shares.map(|share| f64::from(share.get()) / 2f64.powi(32))
            };
            slots.push(Slot {
                mask: mask(bits),
                shape,
                first_offset,
                first_id,
                pairs_by_width: share(&record.pairs_by_width),
                pairs_by_directory: share(&record.pairs_by_directory),
            });
        }
        if next != tables {
            return Err(Problem::Content(SectionKind::MihTables).into());
        }
        let allocations = (0..=Pdq::BITS).map(|_| OnceLock::new()).collect();
        Ok(Self { slots, id_bits, keys, allocations })
    }
}

/// One way to turn bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mask {
    /// The bits.
    pub(crate) bits: u32,
    /// How many they are. Kept, since counting them takes longer than reading it.
    pub(crate) turned: u8,
}

/// Every way to turn up to `flips` of the lowest `width` bits, in ascending order of the bits:
/// neighbours lie in one cache line of offsets.
pub(crate) fn masks(width: u32, flips: usize) -> Vec<Mask> {
    let mut masks = vec![Mask { bits: 0, turned: 0 }];
    let mut shorter = 0..1;
    for _ in 0..flips {
        let end = masks.len();
        for i in shorter {
            let Mask { bits, turned } = masks[i];
            // One more bit, above the highest that is set, gives each combination once.
            let above = u32::BITS - bits.leading_zeros()..width;
            masks.extend(above.map(|bit| Mask { bits: bits | 1 << bit, turned: turned + 1 }));
        }
        shorter = end..masks.len();
    }
    masks.sort_unstable();
    masks
}

/// Ways to turn at most `flips` of `width` bits.
pub(crate) fn ball(width: u32, flips: usize) -> f64 {
    shell(width).take(flips + 1).sum()
}

/// Ways to turn exactly 0, 1, 2... of `width` bits; 0 for more than there are.
pub(crate) fn shell(width: u32) -> impl Iterator<Item = f64> {
    let mut ways = 1.0;
    (0..).map(move |flips: u32| {
        let now = ways;
        ways *= f64::from(width.saturating_sub(flips)) / f64::from(flips + 1);
        now
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_all_combinations_in_ascending_order() {
        for width in [1, 2, 5, 21] {
            for flips in 0..=MAX_FLIPS {
                let masks = masks(width, flips);
                assert!(masks.is_sorted_by(|a, b| a < b), "each once");
                for mask in &masks {
                    assert!(mask.bits < 1 << width && usize::from(mask.turned) <= flips);
                    assert_eq!(mask.bits.count_ones(), mask.turned.into());
                }
                assert_eq!(masks.len() as f64, ball(width, flips), "width {width}, {flips} flips");
            }
        }
    }

    #[test]
    fn a_ball_counts_combinations() {
        assert_eq!(ball(16, 0), 1.0);
        assert_eq!(ball(16, 1), 17.0);
        assert_eq!(ball(21, 2), 232.0);
        assert_eq!(ball(2, 4), 4.0);
    }

    #[test]
    fn a_value_splits_into_bucket_and_tag() {
        let slot = NewSlot { bits: vec![255, 0, 7, 9], directory_bits: 3 };
        let mut key = [0; 32];
        key[0] = 0x80;
        key[31] = 0x80;
        assert_eq!(slot.value(&key), 0b1010);
        assert_eq!(slot.split(0b1011), (0b101, 1));
        let wide = NewSlot { bits: (0..32).collect(), directory_bits: 28 };
        assert_eq!(wide.split(u32::MAX), ((1 << 28) - 1, 15));
        let full = NewSlot { bits: (0..8).collect(), directory_bits: 8 };
        assert_eq!(full.split(0xab), (0xab, 0));
    }

    #[test]
    fn ids_have_room_for_every_position() {
        assert_eq!([0, 1, 2, 3, 4, 5, 1 << 27, (1 << 27) + 1].map(id_bits), [1, 1, 1, 2, 2, 3, 27, 28]);
        assert_eq!([0, 1, 31, 32].map(low_bits), [0, 1, u32::MAX >> 1, u32::MAX]);
    }
}
