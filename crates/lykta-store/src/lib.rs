//! What a list said last: the entries of one list kept across its deliveries, in one file.
//!
//! Partners deliver a list in pieces: a whole list, then changes and deletions, or a whole list again. A
//! [`Store`] takes the rows of such files in a [`Transaction`] and knows what counts now. From it an index is
//! made: of all entries (the *base*), or, daily, of what is new since the base and the names of what is no
//! longer so ([`Additions`]).
//!
//! Three rules hold whatever comes:
//!
//! - **All or nothing.** The files of one command are one transaction. Whoever is killed before
//!   [`Transaction::commit`] has changed nothing, and the same command can be given again.
//! - **The same again changes nothing.** The state is a matter of the files and their order alone; there are no
//!   clocks and no numbers of runs in it.
//! - **The newer word holds.** Of two states of an entry that both say when they were made, the newer one holds,
//!   in whatever order they come, and a deletion is such a state. Otherwise what comes later holds.
//!
//! ```
//! use lykta_list::{Format, Reader, ReadOptions, Tally};
//! use lykta_store::{FileDescription, Store};
//!
//! let folder = tempfile::tempdir()?;
//! let mut store = Store::open_or_create(&folder.path().join("partner.store"))?;
//! let mut deliver = |name: &str, text: &str| -> Result<(), Box<dyn std::error::Error>> {
//!     let mut transaction = store.begin()?;
//!     let file = transaction.add_file(&FileDescription {
//!         name: name.to_owned(),
//!         format: Format::Csv,
//!         version: None,
//!         sha256: [text.len() as u8; 32], // of the file's bytes, really
//!         bytes: text.len() as u64,
//!     })?;
//!     let mut tally = Tally::default();
//!     for row in Reader::new(text.as_bytes(), &ReadOptions::default())? {
//!         let row = row?;
//!         tally.add(&row);
//!         transaction.apply(file, &row)?;
//!     }
//!     transaction.finish_file(file, None, None, &tally)?;
//!     transaction.commit()?;
//!     Ok(())
//! };
//! deliver("monday.csv", "id,md5\na,0cc175b9c0f1b6a831c399e269772661\n")?;
//! deliver("tuesday.csv", "id,md5\nb,92eb5ffee6ae2fec3ad71c777531578f\na,0cc175b9c0f1b6a831c399e269772661\n")?;
//!
//! let names: Vec<_> = store.all()?.map(|stored| Ok(stored?.entry.name)).collect::<Result<_, lykta_store::Error>>()?;
//! assert_eq!(names, [Some("a".to_owned()), Some("b".to_owned())]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod content;
mod entries;
mod error;
mod file;
mod place;
mod schema;
mod store;
mod transaction;

pub use entries::{Additions, Entries, Retractions, StoredEntry, display_name};
pub use error::Error;
pub use file::{FileDescription, FileId, ListDescription, StoredFile};
pub use store::Store;
pub use transaction::{Committed, Transaction};
