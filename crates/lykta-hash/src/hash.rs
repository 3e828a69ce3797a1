//! A hash of any kind.

use std::fmt;
use std::str::FromStr;

use crate::bits64::Bits64;
use crate::digest::Digest;
use crate::kind::Kind;
use crate::pdq::Pdq;
use crate::text::ParseError;

/// A hash of any kind. As text it is `kind:hexadecimal`, such as `sha1:da39a3ee…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hash {
    /// A digest of all bytes.
    Digest(Digest),
    /// A perceptual hash of 256 bits.
    Pdq(Pdq),
    /// A perceptual hash of 64 bits.
    Phash(Bits64),
    /// A perceptual hash of 64 bits.
    Dhash(Bits64),
}

impl Hash {
    /// The kind.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Digest(digest) => digest.kind(),
            Self::Pdq(_) => Kind::Pdq,
            Self::Phash(_) => Kind::Phash,
            Self::Dhash(_) => Kind::Dhash,
        }
    }

    /// Whether the hash is one that every flat picture has: perceptual, all bits clear or all set.
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Digest(_) => false,
            Self::Pdq(pdq) => pdq.is_blank(),
            Self::Phash(bits) | Self::Dhash(bits) => bits.is_blank(),
        }
    }

    /// Reads hexadecimal digits of either case as a hash of `kind`.
    ///
    /// # Errors
    /// [`ParseError::Length`] or [`ParseError::Character`].
    pub fn from_hex(kind: Kind, text: &[u8]) -> Result<Self, ParseError> {
        match kind {
            Kind::Pdq => Pdq::from_hex(text).map(Self::Pdq),
            Kind::Phash => Bits64::from_hex(text).map(Self::Phash),
            Kind::Dhash => Bits64::from_hex(text).map(Self::Dhash),
            kind => Digest::from_hex(kind, text).map(Self::Digest),
        }
    }
}

impl From<Digest> for Hash {
    fn from(digest: Digest) -> Self {
        Self::Digest(digest)
    }
}

impl From<Pdq> for Hash {
    fn from(pdq: Pdq) -> Self {
        Self::Pdq(pdq)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.kind())?;
        match self {
            Self::Digest(digest) => digest.fmt(f),
            Self::Pdq(pdq) => pdq.fmt(f),
            Self::Phash(bits) | Self::Dhash(bits) => bits.fmt(f),
        }
    }
}

impl FromStr for Hash {
    type Err = ParseError;

    /// Reads `kind:hexadecimal`. Offsets in errors count from after the colon.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let (kind, digits) = text.split_once(':').ok_or(ParseError::Kind)?;
        Self::from_hex(kind.parse()?, digits.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_for_every_kind() {
        for kind in Kind::ALL {
            let text = format!("{kind}:{}", "5a".repeat(kind.byte_len()));
            let hash: Hash = text.parse().unwrap();
            assert_eq!(hash.kind(), kind);
            assert_eq!(hash.to_string(), text);
        }
    }

    #[test]
    fn only_a_perceptual_hash_can_be_blank() {
        for kind in Kind::ALL {
            for (digits, blank) in [("00", true), ("ff", true), ("0f", false)] {
                let hash = Hash::from_hex(kind, digits.repeat(kind.byte_len()).as_bytes()).unwrap();
                assert_eq!(hash.is_blank(), blank && kind.is_perceptual(), "{hash}");
            }
        }
    }

    #[test]
    fn a_hash_without_kind_or_of_an_unknown_one_is_refused() {
        assert_eq!("d41d8cd98f00b204e9800998ecf8427e".parse::<Hash>(), Err(ParseError::Kind));
        assert_eq!("crc32:d41d8cd9".parse::<Hash>(), Err(ParseError::Kind));
        assert_eq!("md5:d41d".parse::<Hash>(), Err(ParseError::Length { expected: 32, got: 4 }));
    }
}
