//! Perceptual hashes of 64 bits, and their distance.

use std::fmt;

use crate::text::{self, ParseError};

/// A perceptual hash of 64 bits, such as pHash or dHash, stored in the order of its hexadecimal
/// text.
///
/// Lykta computes none: programs define these hashes each in its own way, and only hashes from the
/// same program can be compared. Byte 0 holds bits 63 to 56, so order and equality are those of the
/// text. `Display` is 16 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bits64(pub [u8; 8]);

impl Bits64 {
    /// Bits in a hash, and the largest distance.
    pub const BITS: u32 = 64;

    /// Reads 16 hexadecimal digits of either case.
    ///
    /// # Errors
    /// [`ParseError::Length`] or [`ParseError::Character`].
    pub fn from_hex(text: impl AsRef<[u8]>) -> Result<Self, ParseError> {
        text::hex(text.as_ref()).map(Self)
    }

    /// Bits in which the hashes differ (Hamming distance), 0..=64.
    pub const fn distance(&self, other: &Self) -> u32 {
        (self.word() ^ other.word()).count_ones()
    }

    /// Whether the hash says nothing about a picture: all bits clear, or all set.
    ///
    /// Such a hash must never match: every flat picture would.
    pub const fn is_blank(&self) -> bool {
        matches!(self.word(), 0 | u64::MAX)
    }

    /// The hash as one number, whose order is that of the hashes.
    pub const fn word(&self) -> u64 {
        u64::from_be_bytes(self.0)
    }
}

impl fmt::Display for Bits64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::to_hex(&self.0))
    }
}

impl fmt::Debug for Bits64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bits64:{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn distance_is_the_number_of_differing_bits(a in any::<[u8; 8]>(), b in any::<[u8; 8]>()) {
            let bit = |hash: &[u8; 8], i: usize| hash[i / 8] >> (i % 8) & 1;
            let differing = (0..64).filter(|&i| bit(&a, i) != bit(&b, i)).count();
            prop_assert_eq!(Bits64(a).distance(&Bits64(b)) as usize, differing);
        }

        #[test]
        fn text_order_is_hash_order(a in any::<[u8; 8]>(), b in any::<[u8; 8]>()) {
            let order = Bits64(a).to_string().cmp(&Bits64(b).to_string());
            prop_assert_eq!(Bits64(a).cmp(&Bits64(b)), order);
            prop_assert_eq!(Bits64(a).word().cmp(&Bits64(b).word()), order);
        }
    }

    #[test]
    fn blank_is_all_clear_or_all_set() {
        assert!(Bits64([0; 8]).is_blank());
        assert!(Bits64([0xff; 8]).is_blank());
        assert!(!Bits64([0x0f; 8]).is_blank());
    }

    #[test]
    fn sixteen_digits_are_read_and_nothing_else() {
        assert_eq!(Bits64::from_hex("0123456789ABCDEF").unwrap().to_string(), "0123456789abcdef");
        assert_eq!(Bits64::from_hex("0123"), Err(ParseError::Length { expected: 16, got: 4 }));
        assert!(matches!(
            Bits64::from_hex("0x23456789abcdef"),
            Err(ParseError::Character { offset: 1, byte: b'x', .. })
        ));
    }
}
