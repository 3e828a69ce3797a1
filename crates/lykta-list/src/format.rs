//! The formats that can be read, by name.

use std::fmt;
use std::str::FromStr;

use lykta_hash::Kind;
use thiserror::Error;

/// A format of hash lists: what a caller can force, and what a reader found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Format {
    /// CSV with a header row of [`COLUMNS`](crate::COLUMNS).
    Csv,
    /// CSV of any other columns, with a [`Mapping`](crate::Mapping) that says what they are.
    Mapped,
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
    /// Project VIC's JSON, VICS 1.x and 2.0: hash sets and cases; CAID's is of the same family.
    Vics,
    /// CSV of INTERPOL's ICSE database.
    Icse,
    /// NSRL RDS v2: `NSRLFile.txt`.
    NsrlText,
    /// NSRL RDS v3: an SQLite database.
    NsrlSqlite,
    /// A delta of NSRL RDS v3: SQL statements.
    NsrlSql,
    /// hashdeep's own format.
    Hashdeep,
    /// What md5sum, sha1sum, sha256sum, md5deep and the like print, in GNU or BSD style.
    Sums,
    /// What b3sum prints: 64 digits are BLAKE3.
    B3sum,
    /// HashKeeper `.hsh`, with the `.hke` beside it.
    HashKeeper,
    /// iLook `.hsh`, versions 1, 3 and 4.
    Ilook,
    /// EnCase `.hash`.
    EnCase,
    /// XML of NCMEC's Hash Sharing API, version 2.
    Ncmec,
    /// Meta's ThreatExchange: JSON, the CSV of its command line, or lines of its local files.
    ThreatExchange,
    /// StopNCII's JSON.
    StopNcii,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 23] = [
        Self::Csv,
        Self::Mapped,
        Self::Md5,
        Self::Sha1,
        Self::Sha256,
        Self::Blake3,
        Self::Pdq,
        Self::Phash,
        Self::Dhash,
        Self::Vics,
        Self::Icse,
        Self::NsrlText,
        Self::NsrlSqlite,
        Self::NsrlSql,
        Self::Hashdeep,
        Self::Sums,
        Self::B3sum,
        Self::HashKeeper,
        Self::Ilook,
        Self::EnCase,
        Self::Ncmec,
        Self::ThreatExchange,
        Self::StopNcii,
    ];

    /// The name in arguments and results, lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Mapped => "mapped-csv",
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Blake3 => "blake3",
            Self::Pdq => "pdq",
            Self::Phash => "phash",
            Self::Dhash => "dhash",
            Self::Vics => "vics",
            Self::Icse => "icse",
            Self::NsrlText => "nsrl",
            Self::NsrlSqlite => "nsrl-sqlite",
            Self::NsrlSql => "nsrl-sql",
            Self::Hashdeep => "hashdeep",
            Self::Sums => "sums",
            Self::B3sum => "b3sum",
            Self::HashKeeper => "hashkeeper",
            Self::Ilook => "ilook",
            Self::EnCase => "encase",
            Self::Ncmec => "ncmec",
            Self::ThreatExchange => "threatexchange",
            Self::StopNcii => "stopncii",
        }
    }

    /// What it is, for a person.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Csv => "CSV with a header of Lykta's columns",
            Self::Mapped => "CSV whose columns a mapping names",
            Self::Md5 => "one MD5 a line",
            Self::Sha1 => "one SHA-1 a line",
            Self::Sha256 => "one SHA-256 a line",
            Self::Blake3 => "one BLAKE3 a line",
            Self::Pdq => "one PDQ a line",
            Self::Phash => "one pHash a line",
            Self::Dhash => "one dHash a line",
            Self::Vics => "Project VIC or CAID JSON (VICS)",
            Self::Icse => "INTERPOL ICSE CSV",
            Self::NsrlText => "NSRL RDS v2 text",
            Self::NsrlSqlite => "NSRL RDS v3 SQLite database",
            Self::NsrlSql => "NSRL RDS v3 delta in SQL",
            Self::Hashdeep => "hashdeep",
            Self::Sums => "md5sum, sha1sum, sha256sum, md5deep and the like",
            Self::B3sum => "b3sum",
            Self::HashKeeper => "HashKeeper",
            Self::Ilook => "iLook",
            Self::EnCase => "EnCase .hash",
            Self::Ncmec => "NCMEC Hash Sharing v2 XML",
            Self::ThreatExchange => "ThreatExchange JSON, CSV or local file",
            Self::StopNcii => "StopNCII JSON",
        }
    }

    /// The kind of every hash of a plain list; `None` for formats that say it themselves.
    pub const fn kind(self) -> Option<Kind> {
        match self {
            Self::Md5 => Some(Kind::Md5),
            Self::Sha1 => Some(Kind::Sha1),
            Self::Sha256 => Some(Kind::Sha256),
            Self::Blake3 => Some(Kind::Blake3),
            Self::Pdq => Some(Kind::Pdq),
            Self::Phash => Some(Kind::Phash),
            Self::Dhash => Some(Kind::Dhash),
            _ => None,
        }
    }

    /// Whether its entries have keys, so that one list may say several things of one entry: the last
    /// word holds. Other lists are what they say, row by row.
    pub const fn has_keys(self) -> bool {
        matches!(self, Self::NsrlSql | Self::Ncmec | Self::ThreatExchange | Self::StopNcii)
    }

    /// The plain format of a kind.
    pub(crate) fn plain(kind: Kind) -> Self {
        // Every kind has one.
        Self::ALL.into_iter().find(|format| format.kind() == Some(kind)).unwrap_or(Self::Csv)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No format has that name.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("no such format of hash lists: use one of {}", Format::ALL.map(Format::name).join(", "))]
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
        for kind in Kind::ALL {
            assert_eq!(Format::plain(kind).kind(), Some(kind));
        }
        assert_eq!("CSV".parse::<Format>(), Err(UnknownFormat));
    }
}
