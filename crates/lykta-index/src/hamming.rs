//! Distances of one hash from many: one definition, several instruction sets.
//!
//! [`Kernel::best`] picks at run time. Every kernel gives what `lykta_hash::Pdq::distance` gives.
//! This is one of the two modules with `unsafe`: loads from memory that a slice guarantees, and
//! calls that a look at the processor has allowed.
#![expect(unsafe_code, reason = "vector loads and calls of functions for one instruction set")]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod scalar;
pub(crate) mod words;

use words::Key64;
use zerocopy::little_endian::U32;

/// A hash as it lies in a file: 32 bytes in the order of its text.
pub type Key = [u8; 32];

/// A key within the radius. Order: distance, then position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// Bits in which it differs, 0..=256.
    pub distance: u32,
    /// Its position among the keys.
    pub id: u32,
}

/// Some of a slot's ids: those from `start` up to `end`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdRange {
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Bits in which a tag may differ from the wanted one.
    pub(crate) allowed: u8,
}

impl IdRange {
    /// The ids of the range; none when it is not within `ids`.
    #[inline(always)]
    fn of(self, ids: &[U32]) -> &[U32] {
        ids.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// The tag that ids are compared with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// The bits of an id that are its position; the others are its tag.
    pub(crate) position_bits: u32,
    /// The tag, at its place in an id.
    pub(crate) tag: u32,
}

/// An implementation for one instruction set that this processor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel(InstructionSet);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InstructionSet {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Kernel {
    /// The kernels that this processor can run, slowest first. Never empty.
    pub fn available() -> Vec<Self> {
        let mut kernels = vec![Self(InstructionSet::Scalar)];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt") {
                kernels.push(Self(InstructionSet::Avx2));
            }
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vpopcntdq")
                && is_x86_feature_detected!("popcnt")
            {
                kernels.push(Self(InstructionSet::Avx512));
            }
        }
        kernels
    }

    /// The fastest kernel that this processor can run.
    pub fn best() -> Self {
        static BEST: std::sync::OnceLock<Kernel> = std::sync::OnceLock::new();
        *BEST.get_or_init(|| Self::available().last().copied().unwrap_or(Self(InstructionSet::Scalar)))
    }

    /// The name of the instruction set.
    pub const fn name(self) -> &'static str {
        match self.0 {
            InstructionSet::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => "AVX2",
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => "AVX-512 VPOPCNTDQ",
        }
    }

    /// Appends every key within `radius` bits of `query`, in order; ids count from `base`.
    ///
    /// Reads all keys once. A radius of 256 or more finds every key.
    pub fn scan(self, keys: &[Key], base: u32, query: &Key, radius: u32, hits: &mut Vec<Hit>) {
        match self.0 {
            InstructionSet::Scalar => scalar::scan(keys, base, query, radius, hits),
            // SAFETY: only `available` makes this value, after the processor said that it has the set.
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => unsafe { avx2::scan(keys, base, query, radius, hits) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => unsafe { avx512::scan(keys, base, query, radius, hits) },
        }
    }

    /// Appends the positions of those ids in `ranges` whose tag is near to the wanted one, in order.
    /// A range that is not within `ids` is passed over. Calls `before_each` with 0, 1, 2... before the
    /// ranges: other work, for the time that ids take to arrive.
    pub(crate) fn filter(
        self,
        ids: &[U32],
        wanted: &Wanted,
        ranges: &[IdRange],
        before_each: &mut impl FnMut(usize),
        positions: &mut Vec<u32>,
    ) {
        match self.0 {
            InstructionSet::Scalar => scalar::filter(ids, wanted, ranges, before_each, positions),
            // SAFETY: as in `scan`.
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => unsafe { avx2::filter(ids, wanted, ranges, before_each, positions) },
            // SAFETY: as in `scan`.
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => unsafe { avx512::filter(ids, wanted, ranges, before_each, positions) },
        }
    }

    /// Appends those of the keys at `positions` that lie within `radius` bits of `query`, in order.
    ///
    /// A position given twice is a hit twice. Positions beyond the keys, which only a damaged file
    /// has, are passed over.
    pub(crate) fn compare(
        self,
        keys: &[Key],
        positions: &[u32],
        query: &Key,
        radius: u32,
        hits: &mut Vec<Hit>,
    ) {
        match self.0 {
            InstructionSet::Scalar => scalar::compare(keys, positions, query, radius, hits),
            // SAFETY: as in `scan`.
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => unsafe { avx2::compare(keys, positions, query, radius, hits) },
            // SAFETY: as in `scan`.
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => unsafe { avx512::compare(keys, positions, query, radius, hits) },
        }
    }

    /// Which groups of 64-bit keys have one within `radius` bits of `query`: bit `i` for group `i` of
    /// `block`, which is at most [`words::BLOCK`] keys long.
    pub(crate) fn near_groups(self, block: &[Key64], query: &Key64, radius: u32) -> u32 {
        match self.0 {
            InstructionSet::Scalar => words::near_groups(block, query, radius),
            // SAFETY: as in `scan`.
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => unsafe { words::near_groups_avx2(block, query, radius) },
            // SAFETY: as in `scan`.
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => unsafe { words::near_groups_avx512(block, query, radius) },
        }
    }
}

/// Asks the processor to fetch the cache line of `value`; without effect elsewhere than on x86-64.
#[inline(always)]
pub(crate) fn prefetch<T>(value: Option<&T>) {
    #[cfg(target_arch = "x86_64")]
    if let Some(value) = value {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every x86-64 processor has SSE, and a prefetch of a valid reference reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

#[cfg(test)]
mod tests {
    use super::*;
    use lykta_hash::Pdq;
    use proptest::prelude::*;

    /// The definition, key by key.
    fn definition(keys: &[Key], base: u32, query: &Key, radius: u32) -> Vec<Hit> {
        let distance = |key: &Key| Pdq(*key).distance(&Pdq(*query));
        (base..)
            .zip(keys)
            .map(|(id, key)| Hit { id, distance: distance(key) })
            .filter(|hit| hit.distance <= radius)
            .collect()
    }

    /// Keys near `query`: each with up to 255 of its bits turned.
    fn keys_around() -> impl Strategy<Value = (Key, Vec<Key>)> {
        let turned = prop::collection::vec((any::<[u8; 32]>(), any::<[u8; 32]>(), 0u8..4), 0..70);
        (any::<[u8; 32]>(), turned).prop_map(|(query, masks)| {
            let turn = |(a, b, how): ([u8; 32], [u8; 32], u8)| {
                std::array::from_fn(|i| match how {
                    0 => query[i],
                    1 => query[i] ^ (a[i] & b[i] & a[31 - i] & b[31 - i]),
                    2 => !query[i],
                    _ => a[i],
                })
            };
            (query, masks.into_iter().map(turn).collect())
        })
    }

    proptest! {
        #[test]
        fn every_kernel_gives_the_definition(
            (query, keys) in keys_around(), radius in 0u32..=257, base in 0u32..1000
        ) {
            let expected = definition(&keys, base, &query, radius);
            for kernel in Kernel::available() {
                let mut hits = Vec::new();
                kernel.scan(&keys, base, &query, radius, &mut hits);
                prop_assert_eq!(&hits, &expected, "scan, {}", kernel.name());
            }
        }

        #[test]
        fn chosen_positions_are_compared_and_no_others(
            (query, keys) in keys_around(), radius in 0u32..=257, positions in prop::collection::vec(0u32..80, 0..60)
        ) {
            let all = definition(&keys, 0, &query, 256);
            let expected: Vec<Hit> = positions
                .iter()
                .filter_map(|position| all.get(*position as usize).copied())
                .filter(|hit| hit.distance <= radius)
                .collect();
            for kernel in Kernel::available() {
                let mut hits = Vec::new();
                kernel.compare(&keys, &positions, &query, radius, &mut hits);
                prop_assert_eq!(&hits, &expected, "compare, {}", kernel.name());
            }
        }

        #[test]
        fn groups_with_a_near_key_are_told(
            query in any::<Key64>(), masks in prop::collection::vec(any::<[Key64; 4]>(), 0..300),
            radius in 0u32..=65, repeat in 1usize..8
        ) {
            // Few of the bits turned, so that small radii have hits as well.
            let turn = |[a, b, c, d]: &[Key64; 4]| std::array::from_fn(|i| query[i] ^ (a[i] & b[i] & c[i] & d[i]));
            let keys: Vec<Key64> = masks.iter().map(turn).collect::<Vec<_>>().repeat(repeat);
            let keys = &keys[..keys.len().min(words::BLOCK)];
            let near = |key: &Key64| (u64::from_le_bytes(*key) ^ u64::from_le_bytes(query)).count_ones() <= radius;
            let expected = (0..).zip(keys.chunks(words::GROUP)).fold(0, |groups, (number, group)| {
                groups | u32::from(group.iter().any(near)) << number
            });
            for kernel in Kernel::available() {
                prop_assert_eq!(kernel.near_groups(keys, &query, radius), expected, "{}", kernel.name());
            }
        }

        #[test]
        fn tags_that_are_near_pass_the_filter(
            ids in prop::collection::vec(any::<u32>(), 0..70),
            tag in any::<u32>(),
            id_bits in 1u32..=32,
            ranges in prop::collection::vec((0u32..80, 0u32..80, 0u8..6), 0..9),
        ) {
            let position_bits = u32::MAX >> (32 - id_bits);
            let wanted = Wanted { position_bits, tag: tag & !position_bits };
            let ranges: Vec<IdRange> =
                ranges.into_iter().map(|(start, end, allowed)| IdRange { start, end, allowed }).collect();
            let near = |id: u32, range: &IdRange| (id & !position_bits ^ wanted.tag).count_ones() <= range.allowed.into();
            let expected: Vec<u32> = ranges
                .iter()
                .flat_map(|range| {
                    let ids = ids.get(range.start as usize..range.end as usize).unwrap_or_default();
                    ids.iter().filter(|id| near(**id, range)).map(|id| id & position_bits)
                })
                .collect();
            let ids: Vec<U32> = ids.into_iter().map(U32::new).collect();
            for kernel in Kernel::available() {
                let mut positions = vec![7];
                let mut called = Vec::new();
                kernel.filter(&ids, &wanted, &ranges, &mut |i| called.push(i), &mut positions);
                prop_assert_eq!(called, (0..ranges.len()).collect::<Vec<_>>());
                prop_assert_eq!(&positions[1..], &expected, "filter, {}", kernel.name());
            }
        }
    }

    #[test]
    fn the_kernels_of_this_processor_are_named() {
        let names: Vec<_> = Kernel::available().iter().map(|kernel| kernel.name()).collect();
        println!("distance kernels tested here: {}", names.join(", "));
        assert_eq!(names.first(), Some(&"scalar"));
        // A machine that is known to have a set must not pass without having run it.
        if let Ok(expected) = std::env::var("LYKTA_EXPECT_KERNEL") {
            assert!(names.contains(&expected.as_str()), "no {expected} kernel on this processor: {names:?}");
        }
    }
}
