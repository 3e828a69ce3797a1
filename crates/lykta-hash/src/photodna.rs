//! PhotoDNA: 144 bytes that describe what a picture looks like.

use std::fmt;

use crate::text::{self, ParseError};

/// A PhotoDNA as lists bring it. Lykta computes none: the method is not public. It is kept with its entry.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhotoDna(Box<[u8; Self::BYTES]>);

impl PhotoDna {
    /// Length in bytes.
    pub const BYTES: usize = 144;

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// Reads 192 characters of base64 or 288 hexadecimal digits: lists have either.
    ///
    /// # Errors
    /// [`ParseError`]; of any other length the one that says that base64 has 192 characters.
    pub fn from_text(text: &[u8]) -> Result<Self, ParseError> {
        let bytes = if text.len() == 2 * Self::BYTES { text::hex(text) } else { text::base64(text) };
        bytes.map(|bytes| Self(Box::new(bytes)))
    }
}

impl From<[u8; PhotoDna::BYTES]> for PhotoDna {
    fn from(bytes: [u8; Self::BYTES]) -> Self {
        Self(Box::new(bytes))
    }
}

impl fmt::Display for PhotoDna {
    /// Base64, as most lists have it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::to_base64(self.as_bytes()))
    }
}

impl fmt::Debug for PhotoDna {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "photodna:{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_and_hexadecimal_are_read_and_other_lengths_refused() {
        let bytes: [u8; 144] = std::array::from_fn(|at| at as u8);
        let hash = PhotoDna::from(bytes);
        let (base64, hex) = (hash.to_string(), text::to_hex(&bytes));
        assert_eq!((base64.len(), hex.len()), (192, 288));
        assert_eq!(PhotoDna::from_text(base64.as_bytes()), Ok(hash.clone()));
        assert_eq!(PhotoDna::from_text(hex.to_uppercase().as_bytes()), Ok(hash));
        let error = PhotoDna::from_text(&base64.as_bytes()[4..]);
        assert_eq!(error, Err(ParseError::Length { expected: 192, got: 188 }));
    }
}
