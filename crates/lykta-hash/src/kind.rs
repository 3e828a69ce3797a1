//! The kinds of hash that lists hold and files are given.

use std::fmt;
use std::str::FromStr;

use crate::text::ParseError;

/// A kind of hash. The order is the one in which kinds are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// MD5, 16 bytes. Collisions can be made at will: a match by it alone is weak.
    Md5,
    /// SHA-1, 20 bytes. Collisions have been made: a match by it alone is weak.
    Sha1,
    /// SHA-256, 32 bytes.
    Sha256,
    /// BLAKE3, 32 bytes.
    Blake3,
    /// PDQ, 32 bytes, perceptual: near-identical pictures differ in few bits.
    Pdq,
    /// pHash, 8 bytes, perceptual, as whoever made the list computed it. Lykta computes none, and a
    /// match only supports another: 64 bits are few, so in a long list something is always near.
    Phash,
    /// dHash, 8 bytes, perceptual; as [`Kind::Phash`].
    Dhash,
}

impl Kind {
    /// Every kind, in order.
    pub const ALL: [Self; 7] =
        [Self::Md5, Self::Sha1, Self::Sha256, Self::Blake3, Self::Pdq, Self::Phash, Self::Dhash];

    /// The kinds that Lykta computes from files, in order. The others come with lists only.
    pub const COMPUTED: [Self; 5] = [Self::Md5, Self::Sha1, Self::Sha256, Self::Blake3, Self::Pdq];

    /// The kinds that identify a file byte by byte.
    pub const DIGESTS: [Self; 4] = [Self::Md5, Self::Sha1, Self::Sha256, Self::Blake3];

    /// The name in lists, arguments and results, lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Blake3 => "blake3",
            Self::Pdq => "pdq",
            Self::Phash => "phash",
            Self::Dhash => "dhash",
        }
    }

    /// Length of a hash of this kind, in bytes.
    pub const fn byte_len(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 | Self::Blake3 | Self::Pdq => 32,
            Self::Phash | Self::Dhash => 8,
        }
    }

    /// Whether hashes of this kind are compared by distance, since they say what a picture looks
    /// like.
    pub const fn is_perceptual(self) -> bool {
        matches!(self, Self::Pdq | Self::Phash | Self::Dhash)
    }

    /// Whether a match of this kind only supports another and is no finding by itself.
    pub const fn is_support(self) -> bool {
        matches!(self, Self::Phash | Self::Dhash)
    }

    /// Whether different contents with an equal hash of this kind can be made today.
    pub const fn is_weak(self) -> bool {
        matches!(self, Self::Md5 | Self::Sha1)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = ParseError;

    /// The exact name, lower case.
    fn from_str(name: &str) -> Result<Self, ParseError> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or(ParseError::Kind)
    }
}

/// A set of [`Kind`]s: which hashes to compute, which an index holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindSet(u8);

impl KindSet {
    /// No kind.
    pub const EMPTY: Self = Self(0);

    /// [`Kind::DIGESTS`] as a set.
    pub const DIGESTS: Self =
        Self::EMPTY.with(Kind::Md5).with(Kind::Sha1).with(Kind::Sha256).with(Kind::Blake3);

    /// Whether `kind` is in the set.
    pub const fn contains(self, kind: Kind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }

    /// The set with `kind` in it.
    #[must_use]
    pub const fn with(self, kind: Kind) -> Self {
        Self(self.0 | 1 << kind as u8)
    }

    /// The set without `kind`.
    #[must_use]
    pub const fn without(self, kind: Kind) -> Self {
        Self(self.0 & !(1 << kind as u8))
    }

    /// The kinds in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The kinds in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether no kind is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The kinds in the set, in order.
    pub fn iter(self) -> impl Iterator<Item = Kind> {
        Kind::ALL.into_iter().filter(move |kind| self.contains(*kind))
    }
}

impl FromIterator<Kind> for KindSet {
    fn from_iter<I: IntoIterator<Item = Kind>>(kinds: I) -> Self {
        kinds.into_iter().fold(Self::EMPTY, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_nothing_else() {
        let set: KindSet = [Kind::Pdq, Kind::Sha1].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [Kind::Sha1, Kind::Pdq]);
        assert!(!set.without(Kind::Pdq).contains(Kind::Pdq));
        assert!(set.without(Kind::Pdq).without(Kind::Sha1).is_empty());
        assert_eq!(set.intersection(KindSet::DIGESTS).iter().collect::<Vec<_>>(), [Kind::Sha1]);
        assert_eq!(set.union(KindSet::EMPTY.with(Kind::Dhash)).iter().last(), Some(Kind::Dhash));
    }

    #[test]
    fn a_kind_is_a_digest_or_perceptual() {
        for kind in Kind::ALL {
            assert_ne!(Kind::DIGESTS.contains(&kind), kind.is_perceptual(), "{kind}");
            assert_eq!(KindSet::DIGESTS.contains(kind), Kind::DIGESTS.contains(&kind), "{kind}");
            assert_ne!(Kind::COMPUTED.contains(&kind), kind.is_support(), "{kind}");
        }
        assert!(Kind::ALL.is_sorted() && Kind::COMPUTED.is_sorted());
    }

    #[test]
    fn names_are_read_back_and_others_refused() {
        for kind in Kind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        assert_eq!("SHA1".parse::<Kind>(), Err(ParseError::Kind));
    }
}
