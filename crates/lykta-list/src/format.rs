//! The formats that can be read, by name.

use std::fmt;
use std::str::FromStr;

use lykta_hash::Kind;
use thiserror::Error;

/// A format of hash lists: what a caller can force, and what a reader found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// CSV with a header row.
    Csv,
    /// Plain text, one MD5 a line.
    Md5,
    /// Plain text, one SHA-1 a line.
    Sha1,
    /// Plain text, one SHA-256 a line.
    Sha256,
    /// Plain text, one BLAKE3 a line.
    Blake3,
    /// Plain text, one PDQ a line.
    Pdq,
    /// Plain text, one pHash of 64 bits a line.
    Phash,
    /// Plain text, one dHash of 64 bits a line.
    Dhash,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 8] =
        [Self::Csv, Self::Md5, Self::Sha1, Self::Sha256, Self::Blake3, Self::Pdq, Self::Phash, Self::Dhash];

    /// The name in arguments and results, lower case.
    pub const fn name(self) -> &'static str {
        match self.kind() {
            None => "csv",
            Some(kind) => kind.name(),
        }
    }

    /// The kind of every hash of a plain list; `None` for CSV, whose header says it.
    pub const fn kind(self) -> Option<Kind> {
        match self {
            Self::Csv => None,
            Self::Md5 => Some(Kind::Md5),
            Self::Sha1 => Some(Kind::Sha1),
            Self::Sha256 => Some(Kind::Sha256),
            Self::Blake3 => Some(Kind::Blake3),
            Self::Pdq => Some(Kind::Pdq),
            Self::Phash => Some(Kind::Phash),
            Self::Dhash => Some(Kind::Dhash),
        }
    }

    pub(crate) const fn plain(kind: Kind) -> Self {
        match kind {
            Kind::Md5 => Self::Md5,
            Kind::Sha1 => Self::Sha1,
            Kind::Sha256 => Self::Sha256,
            Kind::Blake3 => Self::Blake3,
            Kind::Pdq => Self::Pdq,
            Kind::Phash => Self::Phash,
            Kind::Dhash => Self::Dhash,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No format has that name.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("no such format of hash lists: use csv, md5, sha1, sha256, blake3, pdq, phash or dhash")]
pub struct UnknownFormat;

impl FromStr for Format {
    type Err = UnknownFormat;

    /// The exact name, lower case.
    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or(UnknownFormat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_others_refused() {
        for format in Format::ALL {
            assert_eq!(format.name().parse(), Ok(format));
        }
        assert_eq!("CSV".parse::<Format>(), Err(UnknownFormat));
    }
}
