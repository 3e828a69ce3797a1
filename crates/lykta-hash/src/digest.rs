//! Digests: hashes that identify a file byte by byte.

use std::fmt;

use crate::kind::{Kind, KindSet};
use crate::text::{self, ParseError};

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
            Kind::Pdq => Err(ParseError::Kind),
        }
    }

    /// Whether this is the digest of no bytes at all.
    ///
    /// Every empty file has it, so an entry with it in a list would match all of them.
    pub fn is_of_empty_file(&self) -> bool {
        let empty = match self {
            Self::Md5(_) => "d41d8cd98f00b204e9800998ecf8427e",
            Self::Sha1(_) => "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            Self::Sha256(_) => "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            Self::Blake3(_) => "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
        };
        Self::from_hex(self.kind(), empty.as_bytes()) == Ok(*self)
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
    fn only_the_digest_of_nothing_is_that_of_an_empty_file() {
        let md5 = Digest::from_hex(Kind::Md5, b"D41D8CD98F00B204E9800998ECF8427E");
        assert!(md5.is_ok_and(|digest| digest.is_of_empty_file()));
        assert!(!Digest::Md5([0; 16]).is_of_empty_file());
    }
}
