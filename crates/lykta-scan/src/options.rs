//! What a scan may do and cost.

use std::num::NonZeroUsize;
use std::sync::Arc;

use lykta_media::Limits;
use lykta_source::container;

use crate::bands::Band;
use crate::entry_set::EntrySet;

/// Bytes that pictures may take at once when nobody says otherwise.
pub const DEFAULT_MEMORY: u64 = 192 << 20;

/// What a scan may do and cost. The defaults are those of the command line.
#[derive(Clone, Debug)]
pub struct Options {
    /// Threads that examine items.
    pub jobs: NonZeroUsize,
    /// Whether pictures are compared by likeness, as far as the index holds PDQ.
    pub near: bool,
    /// Largest distance of a near match, in bits, 0..=256, for any list: where a list has a smaller
    /// radius of its own, that holds for its entries. None by default: the lists' own, and 31 for a
    /// list that has none.
    pub radius: Option<u32>,
    /// Largest distance of pHashes, in bits, 0..=64, where hashes are looked up. None by default: they
    /// are not compared. A scan computes none. What matches only supports other matches.
    pub phash_radius: Option<u32>,
    /// The same of dHashes.
    pub dhash_radius: Option<u32>,
    /// Least quality of the item's picture and, where the list gives one, of the entry's, 0..=100.
    /// 50 by default; where a list asks for more, that holds for its entries. An item's picture may be
    /// 20 below it where the list gives the entry's quality and that is not: copies lose some. A picture
    /// of quality 0 never matches, whatever this says.
    pub min_quality: u8,
    /// The weakest band that counts: a match by likeness in a weaker one is reported all the same, marked
    /// as below it. [`Band::Weak`] by default: all count.
    pub band: Band,
    /// Entries whose matches are reported as ever and marked as disputed. None by default.
    pub disputed: Arc<EntrySet>,
    /// An entry with more hits than this in one scan is pointed out: a blank or very common picture
    /// in a list floods everything. 1000 by default; 0 is never.
    pub warn_hits: u64,
    /// Items longer than this many bytes are skipped.
    pub max_item_bytes: Option<u64>,
    /// The first item that would bring the bytes of the scan above this is skipped, and all after
    /// it are.
    pub max_total_bytes: Option<u64>,
    /// Bytes that pictures may take at once, of all threads together: their files and what decoding
    /// takes. 192 MiB by default. A picture that needs more is compared by digests only and fails
    /// as over the limits. A buffer of 64 KiB a thread is not counted.
    pub memory: u64,
    /// What decoding one picture may cost.
    pub limits: Limits,
    /// What containers may give: archives, crawls, mail, documents, and previews within pictures are looked
    /// into, whatever lies in whatever. None: they are compared as whole files only.
    pub containers: Option<container::Limits>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            jobs: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            near: true,
            radius: None,
            phash_radius: None,
            dhash_radius: None,
            min_quality: 50,
            band: Band::Weak,
            disputed: Arc::default(),
            warn_hits: 1000,
            max_item_bytes: None,
            max_total_bytes: None,
            memory: DEFAULT_MEMORY,
            limits: Limits::default(),
            containers: Some(container::Limits::default()),
        }
    }
}
