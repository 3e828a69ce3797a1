//! Families: near-duplicates put together, so that a person looks at each only once.
//!
//! Three types to know: [`FamilyItems`] (what is to be grouped: the [`Face`]s of each item),
//! [`Families`] (the result) and [`Family`]. [`EntryItems`] makes items of the entries of indexes,
//! [`picture_faces`] those of a picture.
//!
//! Every member lies within the radius of its family's *representative*. It is never enough to be near
//! to a member: chains of neighbours would join unrelated pictures.
//!
//! ```text
//! items with the same hashes become one node (`items`)
//! for each node without a family, those of most items, then of best quality, then in order (`cover`):
//!     around = nodes without a family that it reaches
//!     centre = the node of `around` that reaches most of them (`centre`)
//!     the centre founds a family and takes every node without a family that it reaches,
//!     and nodes of earlier families that are nearer to it than to their representative
//! ```
//!
//! Nodes are searched for in batches ahead of their turn, by all threads (`search`). What a batch holds
//! depends on the memory that answers took, but a node's turn looks only at what had a family before
//! it: the result is that of one node at a time, for any number of threads. No neighbours are kept
//! beyond a batch. Searches that mostly meet nodes with families make the index anew without them, so
//! a list in which everything is near to everything takes no quadratic time.

mod centre;
mod cover;
mod entries;
mod items;
mod result;
mod search;
#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;

use lykta_hash::Pdq;
use lykta_media::pdq::{Variant, Viewed};

use crate::compare::Pictured;

use crate::error::{Cause, Error};

pub use entries::{EntryItem, EntryItems, LeftOut};
pub use items::FamilyItems;
pub use result::{Families, Family, Member};

/// One hash that an item is compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Face<'a> {
    /// Which view of the item it is the hash of, such as `original` or `rot90`; empty when that is not
    /// known.
    pub view: &'a str,
    /// The hash.
    pub pdq: Pdq,
    /// Its quality, 0..=100, when it is known.
    pub quality: Option<u8>,
    /// Whether other items are compared with it when this one represents a family: every face asks,
    /// but what a list would hold of the item is its original.
    pub reaches: bool,
}

/// The faces of a picture: the original and its parts, which reach, since a list would hold them; and its
/// other views, which ask.
///
/// The one place that says by which hashes pictures are grouped.
pub fn picture_faces(Pictured { views, crops }: &Pictured) -> Vec<Face<'static>> {
    let original = (Variant::Original.name(), crops.whole);
    let reaching = std::iter::once(original).chain(crops.parts.iter().map(|crop| (crop.name, crop.hash)));
    let mut faces: Vec<Face<'static>> = reaching
        .map(|(view, hash)| Face { view, pdq: hash.pdq, quality: Some(hash.quality), reaches: true })
        .collect();
    for Viewed { view, pdq, quality, .. } in views.iter() {
        // Ends, and what is within borders, are among the parts where there are parts.
        if !faces.iter().any(|face| face.reaches && face.pdq == pdq) {
            faces.push(Face { view: view.name(), pdq, quality: Some(quality), reaches: false });
        }
    }
    faces
}

/// How to group.
#[derive(Clone, Copy, Debug)]
pub struct FamilyOptions {
    /// Largest distance of a member from its representative, in bits, 0..=256.
    pub radius: u32,
    /// Least quality of a face that is compared, 0..=100; one of quality 0 never is. A face without a
    /// quality is.
    pub min_quality: u8,
    /// Threads that search.
    pub jobs: NonZeroUsize,
}

impl Default for FamilyOptions {
    /// As a scan compares: 31 bits, quality 50, all processors.
    fn default() -> Self {
        let jobs = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self { radius: 31, min_quality: 50, jobs }
    }
}

impl FamilyOptions {
    fn compares(&self, face: &items::StoredFace) -> bool {
        face.quality.is_none_or(|quality| quality >= self.min_quality.max(1)) && !face.pdq.is_blank()
    }
}

/// Groups items. `progress` is told how many nodes of how many have a family; setting `stop` ends it
/// soon, and the result is then `None`.
///
/// What holds for the result:
/// - Every item is in one family. A member's distance, the least of one of its faces from one of the
///   representative's that reach, is at most the radius.
/// - No representative is within the reach of one that was chosen before it.
/// - A member is with the nearest representative, the first chosen of several, as long as
///   [`Families::nearest`] says so.
/// - Items without a face that may be compared are families of their own, together with items of
///   equal bytes where those are known.
/// - The result depends on the items, their order, the radius and the least quality, and not on the
///   number of threads.
///
/// The families are not the fewest possible, and pictures that a person would put together may be in
/// several.
///
/// Cost: about one near search an item, and one more a family of several. Memory: an index of the
/// faces (some 150 bytes each while it is made), and some 200 MB for searches ahead of their turn.
///
/// # Errors
/// When threads cannot be started, or there are more than 2^31 different hashes.
pub fn find_families(
    items: &FamilyItems,
    options: &FamilyOptions,
    progress: &(dyn Fn(u64, u64) + Sync),
    stop: &AtomicBool,
) -> Result<Option<Families>, Error> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(options.jobs.get())
        .build()
        .map_err(|error| Cause::Threads(error.to_string()))?;
    let options = FamilyOptions { radius: options.radius.min(Pdq::BITS), ..*options };
    let nodes = items::Nodes::new(items, &options);
    let covered = cover::Cover::new(items, &nodes, &options, &pool)?.run(progress, stop)?;
    Ok(covered.map(|cover| result::Families::new(&nodes, cover)))
}
