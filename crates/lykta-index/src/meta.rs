//! What an index says of itself: where its entries came from, and what was refused.
//!
//! Stored in the META section in bincode's wire format (docs/format.md, "META").

use wincode::{SchemaRead, SchemaWrite, config::Configuration};

use crate::error::{Error, Problem};
use crate::format::SectionKind;

/// What a match with an entry means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, SchemaRead, SchemaWrite)]
pub enum Role {
    /// Found: the reason why a scan is made.
    #[default]
    Match,
    /// Worth reporting, but never counted as found.
    Note,
    /// Known and of no interest, such as files of an operating system. Acts on exact digests only.
    Ignore,
}

impl Role {
    /// Every role, in order.
    pub const ALL: [Self; 3] = [Self::Match, Self::Note, Self::Ignore];

    /// The word in results: `match`, `note` or `ignore`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Note => "note",
            Self::Ignore => "ignore",
        }
    }
}

/// A list that went into the index.
#[derive(Clone, Debug, Default, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub struct Source {
    /// The list's file name, as results show it.
    pub name: String,
    /// What a match with its entries means, unless an entry says otherwise.
    pub role: Role,
    /// The format it was read as.
    pub format: String,
    /// The version that the list gives itself, or its region; empty when it gives none.
    pub version: String,
    /// SHA-256 of the list file.
    pub sha256: [u8; 32],
    /// Length of the list file in bytes.
    pub bytes: u64,
    /// Whether the list was cut short, and what there was of it was taken all the same.
    pub is_partial: bool,
    /// Rows of the list: `accepted`, `deleted` and all of `rejected` add up to it.
    pub rows: u64,
    /// Rows that became an entry.
    pub accepted: u64,
    /// Rows that say that an entry counts no longer.
    pub deleted: u64,
    /// Rows that did not, by reason.
    pub rejected: Vec<(String, u64)>,
    /// Single values of accepted rows that could not be used, by reason.
    pub dropped: Vec<(String, u64)>,
    /// Hashes that this list had given before, each counted as often as it came again.
    pub duplicates: u64,
    /// Largest distance, in bits, at which its entries match by likeness, when it has its own.
    pub near_radius: Option<u32>,
    /// Least PDQ quality, 0..=100, at which its entries match by likeness, when it has its own.
    pub min_quality: Option<u8>,
}

/// The content of the META section.
#[derive(Clone, Debug, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub(crate) struct Meta {
    /// Name and version of the program that wrote the file.
    pub(crate) written_by: String,
    /// The number of entries.
    pub(crate) entries: u64,
    /// The radius that the near structure was laid out for, in bits.
    pub(crate) near_radius: u32,
    /// The lists, in the order in which they were given.
    pub(crate) sources: Vec<Source>,
    /// Names of views that entries refer to by number.
    pub(crate) views: Vec<String>,
}

/// Bytes that META may take: room for some ten thousand lists.
pub(crate) const META_LIMIT: usize = 16 << 20;

// Fixed-width little-endian integers, lengths as u64, enum tags as u32: bincode's default layout.
const WIRE: wincode::config::Configuration<
    true,
    META_LIMIT,
    wincode::len::BincodeLen,
    wincode::int_encoding::LittleEndian,
    wincode::int_encoding::FixInt,
    u32,
    META_LIMIT,
> = Configuration::default()
    .with_preallocation_size_limit::<META_LIMIT>()
    .with_deserialization_size_limit::<META_LIMIT>();

impl Meta {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let bytes =
            wincode::config::serialize(self, WIRE).map_err(|_| Problem::TooLarge("list descriptions"))?;
        if bytes.len() > META_LIMIT {
            return Err(Problem::TooLarge("list descriptions").into());
        }
        Ok(bytes)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        wincode::config::deserialize_exact(bytes, WIRE)
            .map_err(|_| Problem::Content(SectionKind::Meta).into())
    }
}
