//! PDQ hashes and their distance.

use std::fmt;

use crate::text::{self, ParseError};

/// A PDQ hash: 256 bits, stored in the order of its hexadecimal text.
///
/// Byte 0 holds bits 255 to 248, byte 31 holds bits 7 to 0, so order and equality are those of
/// the text. `Display` is 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pdq(pub [u8; 32]);

impl Pdq {
    /// Bits in a hash, and the largest distance.
    pub const BITS: u32 = 256;

    /// Reads 64 hexadecimal digits of either case.
    ///
    /// # Errors
    /// [`ParseError::Length`] or [`ParseError::Character`].
    pub fn from_hex(text: impl AsRef<[u8]>) -> Result<Self, ParseError> {
        text::hex(text.as_ref()).map(Self)
    }

    /// Bits in which the hashes differ (Hamming distance), 0..=256. The definition that every
    /// vectorised kernel is tested against.
    pub fn distance(&self, other: &Self) -> u32 {
        let (left, right) = (self.words(), other.words());
        (0..4).map(|i| (left[i] ^ right[i]).count_ones()).sum()
    }

    /// Whether the hash says nothing about a picture: all bits clear, or all set.
    ///
    /// Such a hash must never match: every flat picture would.
    pub fn is_blank(&self) -> bool {
        self.0 == [0; 32] || self.0 == [0xff; 32]
    }

    /// The number of bits in which the hashes differ among those of the 8 x 8 lowest frequencies, 0..=64:
    /// how alike the coarse structure of the pictures is. Part of [`Pdq::distance`], not beside it.
    pub fn coarse_distance(&self, other: &Self) -> u32 {
        // Bit 16 * i + j belongs to the frequency in row i and column j, and byte 31 holds bits 0 to 7.
        (0..8).map(|i| 31 - 2 * i).map(|at| (self.0[at] ^ other.0[at]).count_ones()).sum()
    }

    /// The hash as four words; word 0 holds bits 255 to 192.
    pub fn words(&self) -> [u64; 4] {
        let (words, _) = self.0.as_chunks::<8>();
        std::array::from_fn(|i| u64::from_be_bytes(words[i]))
    }
}

impl fmt::Display for Pdq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::to_hex(&self.0))
    }
}

impl fmt::Debug for Pdq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pdq:{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn distance_is_the_number_of_differing_bits(a in any::<[u8; 32]>(), b in any::<[u8; 32]>()) {
            let bit = |hash: &[u8; 32], i: usize| hash[i / 8] >> (i % 8) & 1;
            let differing = (0..256).filter(|&i| bit(&a, i) != bit(&b, i)).count();
            prop_assert_eq!(Pdq(a).distance(&Pdq(b)) as usize, differing);
        }

        #[test]
        fn the_coarse_distance_is_that_of_the_lowest_frequencies(a in any::<[u8; 32]>(), b in any::<[u8; 32]>()) {
            // Bit 255 comes first.
            let bit = |hash: &[u8; 32], k: usize| hash[31 - k / 8] >> (k % 8) & 1;
            let lowest = (0..8).flat_map(|i| (0..8).map(move |j| 16 * i + j));
            let differing = lowest.filter(|&k| bit(&a, k) != bit(&b, k)).count();
            prop_assert_eq!(Pdq(a).coarse_distance(&Pdq(b)) as usize, differing);
        }

        #[test]
        fn text_order_is_hash_order(a in any::<[u8; 32]>(), b in any::<[u8; 32]>()) {
            prop_assert_eq!(Pdq(a).cmp(&Pdq(b)), Pdq(a).to_string().cmp(&Pdq(b).to_string()));
        }
    }

    #[test]
    fn blank_is_all_clear_or_all_set() {
        assert!(Pdq([0; 32]).is_blank());
        assert!(Pdq([0xff; 32]).is_blank());
        assert!(!Pdq([0x0f; 32]).is_blank());
    }
}
