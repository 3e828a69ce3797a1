//! AVX-512 with VPOPCNTDQ: eight keys at a time.
//!
//! Two keys fill a register. Four registers give 4 x 8 counts of 64 bits each; two rounds of adding
//! neighbours leave the eight distances in one register, compared with the radius at once. Hits are
//! rare, so only then are distances taken out.

use std::arch::x86_64::*;

use zerocopy::little_endian::U32;

use super::{Hit, Key, scalar};

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

#[target_feature(enable = "avx512f,avx512vl,avx512vpopcntdq,popcnt")]
pub(super) fn check(keys: &[Key], ids: &[U32], query: &Key, radius: u32, hits: &mut Vec<Hit>) {
    scalar::check(keys, ids, query, radius, hits);
}
