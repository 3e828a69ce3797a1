//! AVX-512 with VPOPCNTDQ: eight keys at a time.
//!
//! Two keys fill a register. Four registers give 4 x 8 counts of 64 bits each; two rounds of adding
//! neighbours leave the eight distances in one register, compared with the radius at once. Hits are
//! rare, so only then are distances taken out.

use std::arch::x86_64::*;

use zerocopy::little_endian::U32;

use super::{Hit, IdRange, Key, Wanted, scalar};

/// Keys handled at once.
const GROUP: usize = 8;

/// Where the distance of each key of a group ends up in the sums: see `distances`.
const LANE: [usize; GROUP] = [0, 2, 1, 3, 4, 6, 5, 7];

#[target_feature(enable = "avx512f,avx512vl,avx512vpopcntdq,popcnt")]
pub(super) fn scan(keys: &[Key], base: u32, query: &Key, radius: u32, hits: &mut Vec<Hit>) {
    // SAFETY: a key is 32 bytes, and the load asks for no alignment.
    let query_pair = _mm512_broadcast_i64x4(unsafe { _mm256_loadu_si256(query.as_ptr().cast()) });
    let limit = _mm512_set1_epi64(i64::from(radius));
    let (groups, rest) = keys.as_chunks::<GROUP>();
    let mut id = base;
    for group in groups {
        let sums = distances(group, query_pair);
        if _mm512_cmple_epi64_mask(sums, limit) != 0 {
            let mut lanes = [0u64; GROUP];
            // SAFETY: the array is 64 bytes, and the store asks for no alignment.
            unsafe { _mm512_storeu_si512(lanes.as_mut_ptr().cast(), sums) };
            for (id, lane) in (id..).zip(LANE) {
                // At most 256, so nothing is lost.
                let distance = lanes[lane] as u32;
                if distance <= radius {
                    hits.push(Hit { distance, id });
                }
            }
        }
        id = id.wrapping_add(GROUP as u32);
    }
    scalar::scan(rest, id, query, radius, hits);
}

/// Distances of the eight keys of a group; key `i` is in lane `LANE[i]`.
#[target_feature(enable = "avx512f,avx512vl,avx512vpopcntdq")]
fn distances(group: &[Key; GROUP], query_pair: __m512i) -> __m512i {
    let pairs = group.as_ptr().cast::<__m512i>();
    let counts = |pair: usize| {
        // SAFETY: a group is four registers long, `pair` is 0..=3, the load asks for no alignment.
        let keys = unsafe { _mm512_loadu_si512(pairs.add(pair)) };
        _mm512_popcnt_epi64(_mm512_xor_si512(keys, query_pair))
    };
    let (first, second, third, fourth) = (counts(0), counts(1), counts(2), counts(3));
    // In every 128 bits: half a key of the one register, half a key of the other.
    let front = _mm512_add_epi64(_mm512_unpacklo_epi64(first, second), _mm512_unpackhi_epi64(first, second));
    let back = _mm512_add_epi64(_mm512_unpacklo_epi64(third, fourth), _mm512_unpackhi_epi64(third, fourth));
    // Halves of a key are neighbouring 128-bit lanes: the even lanes plus the odd ones.
    let even = _mm512_shuffle_i64x2::<0b10_00_10_00>(front, back);
    let odd = _mm512_shuffle_i64x2::<0b11_01_11_01>(front, back);
    _mm512_add_epi64(even, odd)
}

/// Ids handled at once.
const IDS: usize = 16;

#[target_feature(enable = "avx512f,avx512vl,avx512vpopcntdq,popcnt")]
pub(super) fn filter(
    ids: &[U32],
    wanted: &Wanted,
    ranges: &[IdRange],
    before_each: &mut impl FnMut(usize),
    positions: &mut Vec<u32>,
) {
    let tag = _mm512_set1_epi32(wanted.tag.cast_signed());
    let position_mask = _mm512_set1_epi32(wanted.position_bits.cast_signed());
    positions.reserve(ranges.iter().map(|range| range.of(ids).len()).sum::<usize>() + IDS);
    let (room, mut length) = (positions.as_mut_ptr(), positions.len());
    for (i, range) in ranges.iter().enumerate() {
        before_each(i);
        let limit = _mm512_set1_epi32(i32::from(range.allowed));
        // Up to 16 ids at once: mostly all there are.
        for ids in range.of(ids).chunks(IDS) {
            // A load across two cache lines waits for both, also where its mask leaves the second one
            // out, which then nobody has asked for: it begins where the line does, unless the ids
            // themselves go on into the second.
            let before = ids.as_ptr().addr() % (IDS * size_of::<U32>()) / size_of::<U32>();
            let before = if before + ids.len() <= IDS { before } else { 0 };
            // A shift by 16 leaves nothing, so 16 lanes are all.
            let lanes = (((1u32 << ids.len()) - 1) << before) as u16;
            // SAFETY: the lanes are these ids, and an id is 4 bytes.
            let ids = unsafe { _mm512_maskz_loadu_epi32(lanes, ids.as_ptr().wrapping_sub(before).cast()) };
            let differing = _mm512_andnot_si512(position_mask, _mm512_xor_si512(ids, tag));
            let near = _mm512_mask_cmple_epu32_mask(lanes, _mm512_popcnt_epi32(differing), limit);
            let found = _mm512_maskz_compress_epi32(near, _mm512_and_si512(ids, position_mask));
            // SAFETY: there is room for all ranges and 16 more, and no more is kept than they have.
            unsafe { _mm512_storeu_epi32(room.add(length).cast(), found) };
            length += near.count_ones() as usize;
        }
    }
    // SAFETY: as many were written, within what was reserved.
    unsafe { positions.set_len(length) };
}

/// Positions handled at once.
const POSITIONS: usize = 4;

#[target_feature(enable = "avx512f,avx512vl,avx512vpopcntdq,popcnt")]
pub(super) fn compare(keys: &[Key], positions: &[u32], query: &Key, radius: u32, hits: &mut Vec<Hit>) {
    // SAFETY: a key is 32 bytes, and the load asks for no alignment.
    let load = |key: &Key| unsafe { _mm256_loadu_si256(key.as_ptr().cast()) };
    let query_key = load(query);
    let limit = _mm256_set1_epi64x(i64::from(radius));
    let (groups, rest) = positions.as_chunks::<POSITIONS>();
    for group in groups {
        let [Some(first), Some(second), Some(third), Some(fourth)] = group.map(|at| keys.get(at as usize))
        else {
            scalar::compare(keys, group, query, radius, hits);
            continue;
        };
        let counts = |key: &Key| _mm256_popcnt_epi64(_mm256_xor_si256(load(key), query_key));
        let (first, second, third, fourth) = (counts(first), counts(second), counts(third), counts(fourth));
        // In every 128 bits: half a key of the one register, half a key of the other.
        let front =
            _mm256_add_epi64(_mm256_unpacklo_epi64(first, second), _mm256_unpackhi_epi64(first, second));
        let back =
            _mm256_add_epi64(_mm256_unpacklo_epi64(third, fourth), _mm256_unpackhi_epi64(third, fourth));
        let sums = _mm256_add_epi64(
            _mm256_permute2x128_si256::<0x20>(front, back),
            _mm256_permute2x128_si256::<0x31>(front, back),
        );
        if _mm256_cmple_epi64_mask(sums, limit) != 0 {
            scalar::compare(keys, group, query, radius, hits);
        }
    }
    scalar::compare(keys, rest, query, radius, hits);
}
