//! Keys of 64 bits: the same code for every instruction set, as the compiler makes it.

/// A hash of 64 bits as it lies in a file, in the order of its text.
pub(crate) type Key64 = [u8; 8];

/// Keys of which it is asked together whether one is near: few are, and the question has no branch.
pub(crate) const GROUP: usize = 64;

/// Keys in the most groups that an answer has bits for: 16 KiB, which stay in the innermost cache
/// while they are compared with one query after the other.
pub(crate) const BLOCK: usize = GROUP * u32::BITS as usize;

/// The groups of `block` with a key within `radius` bits of `query`: bit `i` for group `i`.
#[inline(always)]
pub(super) fn near_groups(block: &[Key64], query: &Key64, radius: u32) -> u32 {
    let query = u64::from_le_bytes(*query);
    block.chunks(GROUP).zip(0..u32::BITS).fold(0, |groups, (group, number)| {
        // A distance above the radius makes the difference negative, and the highest bit of `far`
        // stays set while all are. Without a comparison this becomes vector instructions.
        let far = group.iter().fold(u64::MAX, |far, key| {
            let distance = (u64::from_le_bytes(*key) ^ query).count_ones();
            far & u64::from(radius).wrapping_sub(distance.into())
        });
        groups | u32::from(far >> 63 == 0) << number
    })
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt")]
pub(super) fn near_groups_avx2(block: &[Key64], query: &Key64, radius: u32) -> u32 {
    near_groups(block, query, radius)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512vpopcntdq,popcnt")]
pub(super) fn near_groups_avx512(block: &[Key64], query: &Key64, radius: u32) -> u32 {
    near_groups(block, query, radius)
}
