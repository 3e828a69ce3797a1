//! Lykta for embedding: finds known pictures by comparing hashes.
//!
//! Three types to know: [`Builder`] turns lists into an index file, [`Index`] answers whether a
//! hash is known or near to a known one, [`Scanner`] examines bytes or whole folders against it.
//! Each part is a crate of its own, here as a module. The library reads what it is given, writes
//! only where it is told to, and never sends anything anywhere.
//!
//! An upload matched in memory, with a list small enough to be built on the spot:
//!
//! ```
//! use lykta::{BuildOptions, Builder, Index, ListOptions, Options, Scanner, add_list};
//!
//! let list = "id,sha256\nnote,2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\n";
//! let mut builder = Builder::new(BuildOptions::default());
//! add_list(&mut builder, &ListOptions { name: "list.csv".into(), ..ListOptions::default() }, list.as_bytes())?;
//! let index = Index::new(builder.into_bytes()?)?;
//!
//! let scanner = Scanner::new(&index, Options::default());
//! let record = scanner.examine_bytes("upload 17", b"hello");
//! assert_eq!(record.matches[0].entry, "note");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Three programs to begin from are in `examples/`: `match_upload` (the above with pictures),
//! `custom_sink` (a folder, with a [`Sink`] of one's own) and `swap_index` (a newer index taken into
//! use while queries run). An index file is opened with [`Index::open`] in the same short time
//! whatever its size, and one [`Index`] or [`Scanner`] serves any number of threads.
#![forbid(unsafe_code)]

mod codes;
mod decisions;
mod deliveries;
mod digested_aside;
mod digesting;
mod entries;
mod entry_pairs;
mod family_hashes;
mod formats;
mod list_writer;
mod lists;
mod local_list;

pub use lykta_hash as hash;
pub use lykta_index as index;
pub use lykta_list as list;
pub use lykta_media as media;
pub use lykta_scan as scan;
pub use lykta_source as source;
pub use lykta_store as store;

pub use codes::{Breadth, CodeCount, Codes, CodesError, Decided, UNCATEGORISED, is_ambiguous};
pub use decisions::{DecidedRow, Decision, DecisionError, Decisions, HASH_COLUMNS, Ruling};
pub use deliveries::{AddedStore, Delivered, Delivery, DeliveryError, StorePart, Taken, add_store, deliver};
pub use entries::{ReadEntries, ReadList, ReadListError, each_entry};
pub use entry_pairs::{EntryPair, EntryPairs, EntryPairsError};
pub use family_hashes::{FamilyHashes, FamilyHashesError};
pub use formats::{FormatGroup, Supported, supported};
pub use list_writer::{ListForm, ListWriter};
pub use lists::{AddListError, AddedList, ListOptions, add_list};
pub use local_list::{AddError, Added, LocalList, LocalListError};
pub use lykta_hash::{Digest, Hash, Kind, Pdq};
pub use lykta_index::{BuildOptions, Builder, Index, Role};
pub use lykta_scan::{Options, Record, Scanner, Sink, Summary};
