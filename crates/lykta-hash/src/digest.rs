//! Digests: hashes that identify a file byte by byte.

use std::fmt;

use crate::kind::{Kind, KindSet};
use crate::text::{self, ParseError};

// The digests of no bytes, of which everybody has files.
const EMPTY_MD5: [u8; 16] =
    [0xd4, 0x1d, 0x8c, 0xd9, 0x8f, 0x00, 0xb2, 0x04, 0xe9, 0x80, 0x09, 0x98, 0xec, 0xf8, 0x42, 0x7e];
const EMPTY_SHA1: [u8; 20] = [
    0xda, 0x39, 0xa3, 0xee, 0x5e, 0x6b, 0x4b, 0x0d, 0x32, 0x55, 0xbf, 0xef, 0x95, 0x60, 0x18, 0x90, 0xaf,
    0xd8, 0x07, 0x09,
];
const EMPTY_SHA256: [u8; 32] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
    0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];
const EMPTY_BLAKE3: [u8; 32] = [
    0xaf, 0x13, 0x49, 0xb9, 0xf5, 0xf9, 0xa1, 0xa6, 0xa0, 0x40, 0x4d, 0xea, 0x36, 0xdc, 0xc9, 0x49, 0x9b,
    0xcb, 0x25, 0xc9, 0xad, 0xc1, 0x12, 0xb7, 0xcc, 0x9a, 0x93, 0xca, 0xe4, 0x1f, 0x32, 0x62,
];

/// A digest of all bytes of a file, typed by its kind.
///
/// Order: by kind, then by bytes. `Display` is lower-case hexadecimal without the kind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Digest {
    /// MD5.
    Md5([u8; 16]),
    /// SHA-1.
    Sha1([u8; 20]),
    /// SHA-256.
    Sha256([u8; 32]),
    /// BLAKE3 with its default output length.
    Blake3([u8; 32]),
}

impl Digest {
    /// The kind.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Md5(_) => Kind::Md5,
            Self::Sha1(_) => Kind::Sha1,
            Self::Sha256(_) => Kind::Sha256,
            Self::Blake3(_) => Kind::Blake3,
        }
    }

    /// The bytes: as many as [`Kind::byte_len`] says.
    pub const fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Md5(bytes) => bytes,
            Self::Sha1(bytes) => bytes,
            Self::Sha256(bytes) | Self::Blake3(bytes) => bytes,
        }
    }

    /// Takes bytes as a digest of `kind`; `None` when `kind` is perceptual or has another length.
    pub fn from_bytes(kind: Kind, bytes: &[u8]) -> Option<Self> {
        match kind {
            Kind::Md5 => bytes.try_into().ok().map(Self::Md5),
            Kind::Sha1 => bytes.try_into().ok().map(Self::Sha1),
            Kind::Sha256 => bytes.try_into().ok().map(Self::Sha256),
            Kind::Blake3 => bytes.try_into().ok().map(Self::Blake3),
            Kind::Pdq | Kind::Phash | Kind::Dhash => None,
        }
    }

    /// Reads hexadecimal digits of either case as a digest of `kind`.
    ///
    /// # Errors
    /// [`ParseError`]; [`ParseError::Kind`] when `kind` is perceptual.
    pub fn from_hex(kind: Kind, text: &[u8]) -> Result<Self, ParseError> {
        match kind {
            Kind::Md5 => text::hex(text).map(Self::Md5),
            Kind::Sha1 => text::hex(text).map(Self::Sha1),
            Kind::Sha256 => text::hex(text).map(Self::Sha256),
            Kind::Blake3 => text::hex(text).map(Self::Blake3),
            Kind::Pdq | Kind::Phash | Kind::Dhash => Err(ParseError::Kind),
        }
    }

    /// Whether this is the digest of no bytes at all.
    ///
    /// Every empty file has it, so an entry with it in a list would match all of them.
    pub fn is_of_empty_file(&self) -> bool {
        match self {
            Self::Md5(bytes) => *bytes == EMPTY_MD5,
            Self::Sha1(bytes) => *bytes == EMPTY_SHA1,
            Self::Sha256(bytes) => *bytes == EMPTY_SHA256,
            Self::Blake3(bytes) => *bytes == EMPTY_BLAKE3,
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::to_hex(self.as_bytes()))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{self}", self.kind())
    }
}

/// The digests of one file: at most one of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digests([Option<Digest>; 4]);

impl Digests {
    /// Sets the digest of its kind, in place of an earlier one.
    pub fn insert(&mut self, digest: Digest) {
        self.0[digest.kind() as usize] = Some(digest);
    }

    /// The digest of `kind`, if it is there; never one for a perceptual kind.
    pub fn get(&self, kind: Kind) -> Option<Digest> {
        self.0.get(kind as usize).copied().flatten()
    }

    /// The digests that are there, in order of their kinds.
    pub fn iter(&self) -> impl Iterator<Item = Digest> {
        self.0.into_iter().flatten()
    }

    /// The kinds that are there.
    pub fn kinds(&self) -> KindSet {
        self.iter().map(|digest| digest.kind()).collect()
    }
}

impl FromIterator<Digest> for Digests {
    fn from_iter<I: IntoIterator<Item = Digest>>(digests: I) -> Self {
        let mut all = Self::default();
        digests.into_iter().for_each(|digest| all.insert(digest));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_each_kind_is_kept() {
        let old = Digest::Sha1([1; 20]);
        let new = Digest::Sha1([2; 20]);
        let digests: Digests = [Digest::Blake3([3; 32]), old, new].into_iter().collect();
        assert_eq!(digests.get(Kind::Sha1), Some(new));
        assert_eq!(digests.get(Kind::Md5), None);
        assert_eq!(digests.get(Kind::Pdq), None);
        assert_eq!(digests.iter().collect::<Vec<_>>(), [new, Digest::Blake3([3; 32])]);
    }

    #[test]
    fn bytes_of_the_right_length_are_a_digest() {
        for kind in Kind::DIGESTS {
            let bytes = vec![7; kind.byte_len()];
            let digest = Digest::from_bytes(kind, &bytes).unwrap();
            assert_eq!((digest.kind(), digest.as_bytes()), (kind, &bytes[..]));
            assert_eq!(Digest::from_bytes(kind, &bytes[1..]), None);
        }
        assert_eq!(Digest::from_bytes(Kind::Pdq, &[7; 32]), None);
    }

    #[test]
    fn only_the_digest_of_nothing_is_that_of_an_empty_file() {
        for (kind, text) in [
            (Kind::Md5, "d41d8cd98f00b204e9800998ecf8427e"),
            (Kind::Sha1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            (Kind::Sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (Kind::Blake3, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
        ] {
            assert!(Digest::from_hex(kind, text.as_bytes()).unwrap().is_of_empty_file());
            let other = text.replace('9', "8");
            assert!(!Digest::from_hex(kind, other.as_bytes()).unwrap().is_of_empty_file());
        }
    }
}
