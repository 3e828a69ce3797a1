//! AVX2: bits counted by looking up nibbles, as Muła, Kurz and Lemire describe ("Faster population
//! counts using AVX2 instructions", 2018).

use std::arch::x86_64::*;

use zerocopy::little_endian::U32;

use super::{Hit, IdRange, Key, Wanted, scalar};

#[target_feature(enable = "avx2,popcnt")]
pub(super) fn scan(keys: &[Key], base: u32, query: &Key, radius: u32, hits: &mut Vec<Hit>) {
    let query = load(query);
    let nibble = _mm256_set1_epi8(0x0f);
    let counts = _mm256_setr_epi8(
        0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,
    );
    for (id, key) in (base..).zip(keys) {
        let differing = _mm256_xor_si256(load(key), query);
        let low = _mm256_shuffle_epi8(counts, _mm256_and_si256(differing, nibble));
        let high = _mm256_shuffle_epi8(counts, _mm256_and_si256(_mm256_srli_epi16::<4>(differing), nibble));
        let sums = _mm256_sad_epu8(_mm256_add_epi8(low, high), _mm256_setzero_si256());
        let half = _mm_add_epi64(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
        let total = _mm_add_epi64(half, _mm_unpackhi_epi64(half, half));
        let distance = _mm_cvtsi128_si32(total).cast_unsigned();
        if distance <= radius {
            hits.push(Hit { distance, id });
        }
    }
}

#[target_feature(enable = "avx2,popcnt")]
pub(super) fn filter(
    ids: &[U32],
    wanted: &Wanted,
    ranges: &[IdRange],
    before_each: &mut impl FnMut(usize),
    positions: &mut Vec<u32>,
) {
    scalar::filter(ids, wanted, ranges, before_each, positions);
}

#[target_feature(enable = "avx2,popcnt")]
pub(super) fn compare(keys: &[Key], positions: &[u32], query: &Key, radius: u32, hits: &mut Vec<Hit>) {
    scalar::compare(keys, positions, query, radius, hits);
}

#[target_feature(enable = "avx2")]
fn load(key: &Key) -> __m256i {
    // SAFETY: a key is 32 bytes, and the load asks for no alignment.
    unsafe { _mm256_loadu_si256(key.as_ptr().cast()) }
}
