//! The bytes of an index file: header, section table, records.
//!
//! docs/format.md is the normative description; names here are the names there. Everything is
//! little-endian and unaligned, so a file can be read from any buffer.

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use lykta_hash::Kind;

/// First bytes of a file. The high bit catches a 7-bit transfer, CR LF and LF catch text modes.
pub(crate) const MAGIC: [u8; 8] = *b"\x89LYK\r\n\x1a\n";

/// The version that this program writes, and the only one that it reads.
pub(crate) const VERSION: u32 = 1;

/// Sections start at multiples of this: a cache line, and one AVX-512 register.
pub(crate) const SECTION_ALIGNMENT: u64 = 64;

/// Offset of the section table: right behind the header.
pub(crate) const TABLE_OFFSET: usize = size_of::<Header>();

/// Bytes of a PDQ hash.
pub(crate) const PDQ_LEN: usize = 32;

/// In an entry reference: the other bits are a position in POSTINGS, not an entry.
pub(crate) const MANY: u32 = 1 << 31;

/// In [`EntryRecord::label`]: the list gave no label.
pub(crate) const NO_LABEL: u32 = u32::MAX;

/// In [`EntryRecord::view`]: the list named no view.
pub(crate) const NO_VIEW: u16 = u16::MAX;

/// In [`EntryRecord::pdq_quality`]: the list gave no quality.
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
    /// Directories: the number of leading key bits that choose a bucket. Others: 0.
    pub(crate) parameter: U32,
    pub(crate) offset: U64,
    pub(crate) length: U64,
    /// Records in the section; their size follows from the kind.
    pub(crate) count: U64,
    /// BLAKE3 of the section's bytes.
    pub(crate) checksum: [u8; 32],
}

/// A text in STRINGS.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
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
}

/// One accepted row of a list.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct EntryRecord {
    /// Row of the list, counted from 1.
    pub(crate) row: U64,
    /// The entry's name; empty when the list gave none.
    pub(crate) name: TextRef,
    /// Position in the list of sources of META.
    pub(crate) source: U32,
    /// Position in LABELS, or [`NO_LABEL`].
    pub(crate) label: U32,
    /// Position in the views of META, or [`NO_VIEW`].
    pub(crate) view: U16,
    /// 0..=100, or [`NO_QUALITY`].
    pub(crate) pdq_quality: u8,
    /// 0 match, 1 note, 2 ignore.
    pub(crate) role: u8,
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
    /// Number of bits, 1..=[`MAX_SLOT_WIDTH`]; there are 2^width buckets.
    pub(crate) width: U32,
    pub(crate) reserved: U32,
    /// Position in MIH_OFFSETS of the first of this slot's 2^width + 1 offsets.
    pub(crate) first_offset: U64,
    /// The bits of the hash, least significant of the bucket number first; then zeros.
    pub(crate) bits: [u8; 32],
}

/// Widest directory: 2^28 buckets take 1 GiB and serve a billion keys.
pub(crate) const MAX_DIRECTORY_BITS: u32 = 28;

/// Widest slot: 2^28 offsets take 1 GiB.
pub(crate) const MAX_SLOT_WIDTH: u32 = 28;

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
    Meta = 1, "META", 1;
    Strings = 2, "STRINGS", 1;
    Labels = 3, "LABELS", size_of::<LabelRecord>();
    Entries = 4, "ENTRIES", size_of::<EntryRecord>();
    Postings = 5, "POSTINGS", size_of::<U32>();
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
    BkNodes = 48, "BK_NODES", size_of::<BkNode>();
    MihSlots = 49, "MIH_SLOTS", size_of::<MihSlot>();
    MihOffsets = 50, "MIH_OFFSETS", size_of::<U32>();
    MihIds = 51, "MIH_IDS", size_of::<U32>();
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
}

/// Where the first section starts: behind the section table, which needs no padding.
pub(crate) fn sections_start(section_count: u32) -> u64 {
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
        assert_eq!(size_of::<LabelRecord>(), 48);
        assert_eq!(size_of::<EntryRecord>(), 32);
        assert_eq!(size_of::<BkNode>(), 16);
        assert_eq!(size_of::<MihSlot>(), 48);
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
