//! The bytes of an index file: header, section table, records.
//!
//! docs/format.md is the normative description; names here are the names there. Everything is
//! little-endian and unaligned, so a file can be read from any buffer.

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use lykta_hash::{Kind, PhotoDna};

/// First bytes of a file. The high bit catches a 7-bit transfer, CR LF and LF catch text modes.
pub(crate) const MAGIC: [u8; 8] = *b"\x89LYK\r\n\x1a\n";

/// The version that this program writes, and the only one that it reads.
pub(crate) const VERSION: u32 = 3;

/// Sections start at multiples of this: a cache line, and one AVX-512 register.
pub(crate) const SECTION_ALIGNMENT: u64 = 64;

/// Offset of the section table: right behind the header.
pub(crate) const TABLE_OFFSET: usize = size_of::<Header>();

/// Where the first section starts: behind the longest section table, so that a writer need not know
/// beforehand how many sections there will be.
pub(crate) const FIRST_SECTION: u64 = 4096;

/// Most entries: their numbers leave a bit for [`MANY`].
pub(crate) const MAX_ENTRIES: u64 = 1 << 31;

/// Bits of a number in ENTRY_NAMES that are an offset in STRINGS; the others are the length.
pub(crate) const NAME_OFFSET_BITS: u32 = 40;

/// Bytes of a PDQ hash.
pub(crate) const PDQ_LEN: usize = 32;

/// In an entry reference: the other bits are a position in POSTINGS, not an entry.
pub(crate) const MANY: u32 = 1 << 31;

/// In [`Attributes::label`]: the list gave no label.
pub(crate) const NO_LABEL: u32 = u32::MAX;

/// In [`Attributes::view`]: the list named no view.
pub(crate) const NO_VIEW: u16 = u16::MAX;

/// In [`Attributes::pdq_quality`]: the list gave no quality.
pub(crate) const NO_QUALITY: u8 = u8::MAX;

/// The start of a file.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Header {
    pub(crate) magic: [u8; 8],
    pub(crate) version: U32,
    pub(crate) section_count: U32,
    pub(crate) file_length: U64,
    pub(crate) reserved: U64,
    /// BLAKE3 of the 32 bytes above and of the section table.
    pub(crate) checksum: [u8; 32],
}

/// One row of the section table.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct SectionRecord {
    pub(crate) kind: U32,
    /// Directories: the number of leading key bits that choose a bucket. ENTRY_ATTRIBUTES: bytes an
    /// entry. Others: 0.
    pub(crate) parameter: U32,
    pub(crate) offset: U64,
    pub(crate) length: U64,
    /// Records in the section; their size follows from the kind.
    pub(crate) count: U64,
    /// BLAKE3 of the section's bytes.
    pub(crate) checksum: [u8; 32],
}

/// A text in STRINGS.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub(crate) struct TextRef {
    pub(crate) offset: U64,
    pub(crate) length: U32,
}

/// What a list says of a picture's category.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct LabelRecord {
    pub(crate) scheme: TextRef,
    pub(crate) version: TextRef,
    pub(crate) code: TextRef,
    pub(crate) series: TextRef,
    pub(crate) victim_identified: TextRef,
    pub(crate) site: TextRef,
}

/// Entries that are rows of one list, one row behind the other: up to where the next run starts.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct EntryRun {
    /// Number of the run's first entry.
    pub(crate) first_entry: U32,
    /// Position in the list of sources of META.
    pub(crate) source: U32,
    /// Row of the first entry, counted from 1; the next entry is of the next row.
    pub(crate) first_row: U64,
}

/// What many entries have in common. Each combination is stored once.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub(crate) struct Attributes {
    /// Position in LABELS, or [`NO_LABEL`].
    pub(crate) label: U32,
    /// Position in the views of META, or [`NO_VIEW`].
    pub(crate) view: U16,
    /// 0..=100, or [`NO_QUALITY`].
    pub(crate) pdq_quality: u8,
    /// 0 match, 1 note, 2 ignore.
    pub(crate) role: u8,
}

/// An entry of an earlier index that counts no longer.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct RetractionRecord {
    /// Name of the list.
    pub(crate) list: TextRef,
    /// Name of the entry in results.
    pub(crate) entry: TextRef,
}

/// A PhotoDNA and the entry that has it.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct PhotoDnaRecord {
    /// The number of the entry.
    pub(crate) entry: U32,
    pub(crate) photodna: [u8; PhotoDna::BYTES],
}

/// A node of the BK-tree: a run of PDQ_KEYS, as an inner node or as a flat leaf.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct BkNode {
    /// First key of the run; the pivot of an inner node.
    pub(crate) start: U32,
    /// Keys in the run, pivot and all descendants included.
    pub(crate) length: U32,
    /// Position of the first child; children are neighbours, in ascending distance.
    pub(crate) first_child: U32,
    /// Number of children; 0 for a leaf.
    pub(crate) children: U16,
    /// Distance of every key of the run from the parent's pivot, in bits; 0 for the root.
    pub(crate) distance: U16,
}

/// A slot of multi-index hashing: some bits of the hash, and where its buckets are.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct MihSlot {
    /// Bits of the slot, 1..=[`MAX_SLOT_WIDTH`].
    pub(crate) width: U32,
    /// How many of them, from the first, choose the bucket: 1..=[`MAX_DIRECTORY_BITS`].
    pub(crate) directory_bits: U32,
    /// Position in MIH_TABLES of the slot's 2^directory_bits + 1 offsets.
    pub(crate) first_offset: U64,
    /// Position in MIH_TABLES of its ids; [`IN_KEY_ORDER`] when they are the positions themselves.
    pub(crate) first_id: U64,
    /// The bits of the hash, most significant of the slot's value first; then zeros.
    pub(crate) bits: [u8; 32],
    /// Share of pairs of the list's hashes, in 2^-32, that differ in exactly 0, 1, 2, 3, 4 of the
    /// slot's bits; estimated from a sample.
    pub(crate) pairs_by_width: [U32; 5],
    /// The same of the bits that choose the bucket.
    pub(crate) pairs_by_directory: [U32; 5],
}

/// In [`MihSlot::first_id`]: the keys lie in the order of this slot's buckets.
pub(crate) const IN_KEY_ORDER: u64 = u64::MAX;

/// Widest directory: 2^28 buckets take 1 GiB and serve a billion keys.
pub(crate) const MAX_DIRECTORY_BITS: u32 = 28;

/// Widest slot: its value is a `u32`.
pub(crate) const MAX_SLOT_WIDTH: u32 = 32;

macro_rules! sections {
    ($($variant:ident = $code:literal, $name:literal, $record:expr;)*) => {
        /// What a section holds. The codes and names are those of docs/format.md.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum SectionKind { $($variant = $code),* }

        impl SectionKind {
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),*];

            pub(crate) fn from_code(code: u32) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }

            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// Bytes of one record.
            pub(crate) const fn record_len(self) -> usize {
                match self { $(Self::$variant => $record),* }
            }
        }
    };
}

sections! {
    Md5Keys = 16, "MD5_KEYS", Kind::Md5.byte_len() + size_of::<U32>();
    Md5Directory = 17, "MD5_DIRECTORY", size_of::<U32>();
    Sha1Keys = 18, "SHA1_KEYS", Kind::Sha1.byte_len() + size_of::<U32>();
    Sha1Directory = 19, "SHA1_DIRECTORY", size_of::<U32>();
    Sha256Keys = 20, "SHA256_KEYS", Kind::Sha256.byte_len() + size_of::<U32>();
    Sha256Directory = 21, "SHA256_DIRECTORY", size_of::<U32>();
    Blake3Keys = 22, "BLAKE3_KEYS", Kind::Blake3.byte_len() + size_of::<U32>();
    Blake3Directory = 23, "BLAKE3_DIRECTORY", size_of::<U32>();
    PdqKeys = 32, "PDQ_KEYS", PDQ_LEN;
    PdqRefs = 33, "PDQ_REFS", size_of::<U32>();
    PhashKeys = 34, "PHASH_KEYS", 8;
    PhashRefs = 35, "PHASH_REFS", size_of::<U32>();
    DhashKeys = 36, "DHASH_KEYS", 8;
    DhashRefs = 37, "DHASH_REFS", size_of::<U32>();
    BkNodes = 48, "BK_NODES", size_of::<BkNode>();
    MihSlots = 49, "MIH_SLOTS", size_of::<MihSlot>();
    MihTables = 50, "MIH_TABLES", size_of::<U32>();
    Postings = 64, "POSTINGS", size_of::<U32>();
    EntryRuns = 65, "ENTRY_RUNS", size_of::<EntryRun>();
    EntryAttributes = 66, "ENTRY_ATTRIBUTES", 1;
    EntryNames = 67, "ENTRY_NAMES", size_of::<U64>();
    Attributes = 68, "ATTRIBUTES", size_of::<Attributes>();
    Labels = 69, "LABELS", size_of::<LabelRecord>();
    Retractions = 70, "RETRACTIONS", size_of::<RetractionRecord>();
    Strings = 71, "STRINGS", 1;
    PhotoDna = 72, "PHOTODNA", size_of::<PhotoDnaRecord>();
    Meta = 80, "META", 1;
}

impl SectionKind {
    /// The keys and the directory of the exact table of a digest kind; none for a perceptual kind.
    pub(crate) const fn exact_table(kind: Kind) -> Option<(Self, Self)> {
        match kind {
            Kind::Md5 => Some((Self::Md5Keys, Self::Md5Directory)),
            Kind::Sha1 => Some((Self::Sha1Keys, Self::Sha1Directory)),
            Kind::Sha256 => Some((Self::Sha256Keys, Self::Sha256Directory)),
            Kind::Blake3 => Some((Self::Blake3Keys, Self::Blake3Directory)),
            Kind::Pdq | Kind::Phash | Kind::Dhash => None,
        }
    }

    /// The keys and the references of a perceptual kind; none for a digest.
    pub(crate) const fn near_table(kind: Kind) -> Option<(Self, Self)> {
        match kind {
            Kind::Pdq => Some((Self::PdqKeys, Self::PdqRefs)),
            Kind::Phash => Some((Self::PhashKeys, Self::PhashRefs)),
            Kind::Dhash => Some((Self::DhashKeys, Self::DhashRefs)),
            Kind::Md5 | Kind::Sha1 | Kind::Sha256 | Kind::Blake3 => None,
        }
    }
}

/// Where a section table of `section_count` rows ends.
pub(crate) fn table_end(section_count: u32) -> u64 {
    TABLE_OFFSET as u64 + u64::from(section_count) * size_of::<SectionRecord>() as u64
}

/// Where the section after one that ends at `end` starts.
pub(crate) fn align(end: u64) -> Option<u64> {
    end.checked_next_multiple_of(SECTION_ALIGNMENT)
}

/// The first `bits` bits of a key, as the number of its directory bucket. `bits` is 0..=32.
pub(crate) fn bucket(key: &[u8], bits: u32) -> usize {
    let head = key.first_chunk::<4>().map_or(0, |head| u32::from_be_bytes(*head));
    if bits == 0 { 0 } else { (head >> (32 - bits)) as usize }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_have_the_sizes_of_the_format_document() {
        assert_eq!(size_of::<Header>(), 64);
        assert_eq!(size_of::<SectionRecord>(), 64);
        assert_eq!(size_of::<LabelRecord>(), 72);
        assert_eq!(size_of::<EntryRun>(), 16);
        assert_eq!(size_of::<Attributes>(), 8);
        assert_eq!(size_of::<RetractionRecord>(), 24);
        assert_eq!(size_of::<PhotoDnaRecord>(), 148);
        assert_eq!(size_of::<BkNode>(), 16);
        assert_eq!(size_of::<MihSlot>(), 96);
        assert!(table_end(SectionKind::ALL.len() as u32) <= FIRST_SECTION);
    }

    #[test]
    fn sections_are_listed_in_ascending_order_and_read_back() {
        assert!(SectionKind::ALL.is_sorted());
        for &kind in SectionKind::ALL {
            assert_eq!(SectionKind::from_code(kind as u32), Some(kind));
        }
        assert_eq!(SectionKind::from_code(0), None);
    }

    #[test]
    fn a_bucket_is_the_leading_bits() {
        let key = [0b1010_0000, 0, 0, 1, 0xff];
        assert_eq!(bucket(&key, 0), 0);
        assert_eq!(bucket(&key, 3), 0b101);
        assert_eq!(bucket(&key, 32), 0xa000_0001);
    }
}
