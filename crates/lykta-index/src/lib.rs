//! One file that answers: is this digest known, and which known pictures look like this one?
//!
//! Three types to know: [`Builder`] writes an index file from the rows of lists; [`Index`] opens it
//! in the same short time whatever its size and answers exactly; [`Entry`] is what a hash stands
//! for. docs/format.md describes the file byte by byte.
//!
//! ```
//! use lykta_hash::Pdq;
//! use lykta_index::{BuildOptions, Builder, Index, NewEntry, Source};
//!
//! let mut builder = Builder::new(BuildOptions::default());
//! let list = builder.add_source(Source { name: "examples".into(), ..Source::default() });
//! let pdq = Pdq::from_hex("f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22")?;
//! builder.add(list, &NewEntry { row: 1, name: Some("bridge"), hashes: &[pdq.into()], ..NewEntry::default() })?;
//!
//! let index = Index::new(builder.into_bytes()?)?;
//! let other = Pdq::from_hex("f8f8f0cee0f4a84f06370a2a038f63f0b36e26d596621e1d33e6b39c4e9c9b22")?;
//! let found = index.near(&other, 31);
//! assert_eq!(found[0].distance, 2);
//! assert_eq!(index.entry(found[0].entry).and_then(|entry| entry.name), Some("bridge"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![deny(unsafe_code)]

mod build;
mod chance;
mod entry;
mod error;
mod exact;
mod format;
#[doc(hidden)]
pub mod fuzz;
pub mod hamming;
mod layout;
mod map;
mod meta;
mod near;
mod near64;
mod open;
mod verify;
mod write;

pub use build::{BuildOptions, Builder, DiskEstimate, NewEntry, SourceId};
pub use chance::expected_random_hits;
pub use entry::{Entries, Entry, EntryId, Label};
pub use error::Error;
pub use map::Mapped;
pub use meta::{Role, Source};
pub use near::{Explanation, Near, Plan, SlotPlan, Structure};
pub use near64::Near64;
pub use open::Index;
