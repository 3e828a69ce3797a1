//! Hashes as text: strict parsing of hexadecimal, base32 and base64.
//!
//! Strict means: the whole text and nothing but the text, no blanks, no separators, exact length,
//! padding where the encoding has it, unused bits zero. What is refused is named by its offset.

use data_encoding::{BASE32, BASE32_NOPAD, BASE64, BASE64_NOPAD, DecodeKind, Encoding, HEXLOWER_PERMISSIVE};
use thiserror::Error;

/// Why a text is not the hash it should be. Offsets are in bytes from the start of the text.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ParseError {
    /// The text is too short or too long.
    #[error("{got} characters where {expected} are needed")]
    Length {
        /// Characters that a hash of this kind has in this encoding.
        expected: usize,
        /// Characters found.
        got: usize,
    },
    /// A character that the encoding does not have.
    #[error("character {:?} at offset {offset} is not {alphabet}", char::from(*byte))]
    Character {
        /// Where the first such character is.
        offset: usize,
        /// Its (first) byte.
        byte: u8,
        /// What was expected, for the message.
        alphabet: &'static str,
    },
    /// The last character carries bits that no encoder writes, or the padding is wrong.
    #[error("the encoding does not end as it should at offset {offset}")]
    Ending {
        /// Where the ending goes wrong.
        offset: usize,
    },
    /// No kind of that name, or no `kind:` before the hash.
    #[error(
        "no kind of hash: write md5:, sha1:, sha256:, blake3:, pdq:, phash: or dhash: and then hexadecimal digits"
    )]
    Kind,
}

/// Reads `2 * N` hexadecimal digits of either case.
///
/// # Errors
/// [`ParseError::Length`], or [`ParseError::Character`] with the offset of the first bad one.
pub fn hex<const N: usize>(text: &[u8]) -> Result<[u8; N], ParseError> {
    match hex_digits(text) {
        Some(bytes) => Ok(bytes),
        None => decode(text, 2 * N, &HEXLOWER_PERMISSIVE, "a hexadecimal digit"),
    }
}

/// What [`hex`] reads of text without a fault: lists have hundreds of millions of them, and it takes a third of
/// the time that the general decoder needs.
fn hex_digits<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    let mut all = 0;
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let (high, low) = (DIGITS[usize::from(pair[0])], DIGITS[usize::from(pair[1])]);
        all |= high | low;
        *byte = high << 4 | low;
    }
    (all < NO_DIGIT).then_some(bytes)
}

const NO_DIGIT: u8 = 0x10;

/// The value of every character as a hexadecimal digit.
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value] as usize] = value as u8;
        digits[b"0123456789ABCDEF"[value] as usize] = value as u8;
        value += 1;
    }
    digits
};

/// Reads the base32 of RFC 4648 (upper case, padded) of `N` bytes.
///
/// # Errors
/// As [`hex`], and [`ParseError::Ending`].
pub fn base32<const N: usize>(text: &[u8]) -> Result<[u8; N], ParseError> {
    decode(text, BASE32.encode_len(N), &BASE32_NOPAD, "a base32 digit (A-Z, 2-7)")
}

/// Reads the base64 of RFC 4648 (`+/`, padded) of `N` bytes.
///
/// # Errors
/// As [`hex`], and [`ParseError::Ending`].
pub fn base64<const N: usize>(text: &[u8]) -> Result<[u8; N], ParseError> {
    decode(text, BASE64.encode_len(N), &BASE64_NOPAD, "a base64 digit (A-Z, a-z, 0-9, +, /)")
}

/// Padded base64 of `bytes`.
pub fn to_base64(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// Lower-case hexadecimal digits of `bytes`.
pub fn to_hex(bytes: &[u8]) -> String {
    HEXLOWER_PERMISSIVE.encode(bytes)
}

/// `expected` is the length with padding; `encoding` has none, because a decoder of a padded
/// encoding takes padded pieces one behind the other, and a hash is one piece.
fn decode<const N: usize>(
    text: &[u8],
    expected: usize,
    encoding: &Encoding,
    alphabet: &'static str,
) -> Result<[u8; N], ParseError> {
    if text.len() != expected {
        return Err(ParseError::Length { expected, got: text.len() });
    }
    let (digits, padding) = text.split_at(encoding.encode_len(N));
    let mut bytes = [0; N];
    encoding.decode_mut(digits, &mut bytes).map_err(|partial| match partial.error.kind {
        DecodeKind::Symbol => {
            let offset = partial.error.position;
            ParseError::Character { offset, byte: text.get(offset).copied().unwrap_or(0), alphabet }
        }
        DecodeKind::Length | DecodeKind::Trailing | DecodeKind::Padding => {
            ParseError::Ending { offset: partial.error.position }
        }
    })?;
    match padding.iter().position(|byte| *byte != b'=') {
        Some(at) => Err(ParseError::Ending { offset: digits.len() + at }),
        None => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An independent reading of hexadecimal, digit by digit, as the oracle.
    fn slow_hex(text: &[u8]) -> Result<Vec<u8>, usize> {
        let digits: Vec<u8> = text
            .iter()
            .enumerate()
            .map(|(at, byte)| char::from(*byte).to_digit(16).map(|d| d as u8).ok_or(at))
            .collect::<Result<_, _>>()?;
        Ok(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
    }

    proptest! {
        #[test]
        fn hex_agrees_with_the_slow_reading(text in prop::collection::vec(any::<u8>(), 32)) {
            match (hex::<16>(&text), slow_hex(&text)) {
                (Ok(fast), Ok(slow)) => prop_assert_eq!(&fast[..], &slow[..]),
                (Err(ParseError::Character { offset, byte, .. }), Err(at)) => {
                    prop_assert_eq!(offset, at);
                    prop_assert_eq!(byte, text[at]);
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }

        #[test]
        fn one_spoiled_digit_is_named(bytes in any::<[u8; 20]>(), at in 0usize..40, bad in "[^0-9a-fA-F]") {
            let mut text = to_hex(&bytes).into_bytes();
            text[at] = bad.as_bytes()[0];
            let found = hex::<20>(&text);
            let named = matches!(found, Err(ParseError::Character { offset, .. }) if offset == at);
            prop_assert!(named, "{:?}", found);
        }

        #[test]
        fn every_encoding_reads_what_an_encoder_wrote(bytes in any::<[u8; 20]>(), long in any::<[u8; 32]>()) {
            prop_assert_eq!(hex(to_hex(&bytes).to_uppercase().as_bytes()), Ok(bytes));
            prop_assert_eq!(base32(BASE32.encode(&bytes).as_bytes()), Ok(bytes));
            prop_assert_eq!(base32(BASE32.encode(&long).as_bytes()), Ok(long));
            prop_assert_eq!(base64(BASE64.encode(&bytes).as_bytes()), Ok(bytes));
            prop_assert_eq!(base64(BASE64.encode(&long).as_bytes()), Ok(long));
        }
    }

    #[test]
    fn lengths_and_endings_are_checked() {
        assert_eq!(hex::<16>(b"ab"), Err(ParseError::Length { expected: 32, got: 2 }));
        assert_eq!(
            hex::<2>(b"ab c"),
            Err(ParseError::Character { offset: 2, byte: b' ', alphabet: "a hexadecimal digit" })
        );
        // "QQ==" is one byte 0x41; "QR==" would carry four bits that are dropped in silence.
        assert_eq!(base64::<1>(b"QQ=="), Ok([0x41]));
        assert!(matches!(base64::<1>(b"QR=="), Err(ParseError::Ending { .. })));
        assert!(base64::<1>(b"QUFB").is_err(), "three bytes are not one");
        assert!(base32::<1>(b"IE======").is_ok());
        assert!(base32::<1>(b"IF======").is_err());
        assert!(base32::<1>(b"ie======").is_err());
        // Two padded pieces, each of two bytes, have the length of four bytes in one.
        let pieces = b"QUE=QQ==";
        assert!(matches!(base64::<4>(pieces), Err(ParseError::Character { offset: 3, byte: b'=', .. })));
    }
}
