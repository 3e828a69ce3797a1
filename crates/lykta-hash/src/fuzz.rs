//! Properties that hold for any bytes, for fuzzing and for the replay of what fuzzing found.

use crate::text::{base32, base64, hex as read_hex};
use crate::{Hash, Kind, ParseError};

const HEX: Alphabet = Alphabet { digits: "0123456789abcdef", bits: 4, block: 1 };
const BASE32: Alphabet = Alphabet { digits: "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", bits: 5, block: 8 };
const BASE64: Alphabet = Alphabet {
    digits: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    bits: 6,
    block: 4,
};

/// Hashes as text: each encoding gives what a slow reading of it gives, for every length of hash
/// and for nothing else; errors point into the text; what was read is written as it stood.
///
/// # Panics
/// When one of these does not hold.
pub fn hex(data: &[u8]) {
    one_length::<1>(data);
    one_length::<8>(data);
    one_length::<16>(data);
    one_length::<20>(data);
    one_length::<32>(data);
    if let Ok(text) = std::str::from_utf8(data) {
        hash(text);
    }
}

/// The three encodings of `N` bytes.
fn one_length<const N: usize>(text: &[u8]) {
    agrees(text, read_hex::<N>(text), HEX.read(&text.to_ascii_lowercase(), N));
    agrees(text, base32::<N>(text), BASE32.read(text, N));
    agrees(text, base64::<N>(text), BASE64.read(text, N));
}

fn agrees<const N: usize>(text: &[u8], found: Result<[u8; N], ParseError>, expected: Option<Vec<u8>>) {
    assert_eq!(found.ok().map(Vec::from), expected, "{:?}", text.escape_ascii().to_string());
    match found {
        Err(ParseError::Length { expected, got }) => assert!(got == text.len() && got != expected),
        Err(ParseError::Character { offset, byte, .. }) => assert_eq!(text.get(offset), Some(&byte)),
        Err(ParseError::Ending { offset }) => assert!(offset < text.len()),
        Err(ParseError::Kind) => unreachable!("no kind was asked for"),
        Ok(_) => {}
    }
}

/// `kind:hexadecimal` is read when both parts are right, and written again as it stood but for the
/// case of its digits.
fn hash(text: &str) {
    let parts = text.split_once(':');
    let kind = parts.and_then(|(name, _)| Kind::ALL.into_iter().find(|kind| kind.name() == name));
    let digits = parts.map_or("", |(_, digits)| digits).to_ascii_lowercase();
    let bytes = kind.and_then(|kind| HEX.read(digits.as_bytes(), kind.byte_len()));
    let found = text.parse::<Hash>();
    assert_eq!(found.is_ok(), bytes.is_some(), "{text:?}: {found:?}");
    if let Ok(hash) = found {
        assert_eq!(Some(hash.kind()), kind);
        assert_eq!(hash.to_string(), format!("{}:{digits}", hash.kind()));
        assert_eq!(hash.to_string().parse(), Ok(hash));
    }
}

/// An encoding of RFC 4648, for reading bit by bit.
struct Alphabet {
    digits: &'static str,
    /// Bits a digit.
    bits: usize,
    /// Digits that padding fills up to a multiple of.
    block: usize,
}

impl Alphabet {
    /// The `length` bytes that `text` stands for; none unless an encoder would have written it.
    fn read(&self, text: &[u8], length: usize) -> Option<Vec<u8>> {
        let digits = (length * 8).div_ceil(self.bits);
        if text.len() != digits.next_multiple_of(self.block) {
            return None;
        }
        let (digits, padding) = text.split_at(digits);
        let mut bits = Vec::new();
        for digit in digits {
            let value = self.digits.bytes().position(|known| known == *digit)?;
            bits.extend((0..self.bits).rev().map(|bit| value >> bit & 1 == 1));
        }
        let (bits, unused) = bits.split_at(length * 8);
        if unused.contains(&true) || padding.iter().any(|byte| *byte != b'=') {
            return None;
        }
        Some(bits.chunks(8).map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | u8::from(*bit))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slow_reading_reads_the_examples_of_rfc_4648() {
        assert_eq!(BASE64.read(b"Zm9vYmE=", 5), Some(b"fooba".to_vec()));
        assert_eq!(BASE32.read(b"MZXW6YTB", 5), Some(b"fooba".to_vec()));
        assert_eq!(HEX.read(b"666f6f", 3), Some(b"foo".to_vec()));
        assert_eq!(BASE64.read(b"QR==", 1), None, "unused bits");
        assert_eq!(BASE64.read(b"Zm9vYmE", 5), None, "no padding");
    }
}
