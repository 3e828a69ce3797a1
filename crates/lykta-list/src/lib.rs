//! Hash lists read into entries: one row at a time, in constant memory, nothing guessed or lost.
//!
//! Three types to know: [`Reader`] (iterates over the rows of a list), [`Entry`] (what one row
//! says: its hashes, its name, its label) and [`Tally`] (how many rows were accepted, and why the
//! others were not). A list whose shape cannot be relied on is refused with an [`Error`]; a single
//! bad row is a [`Rejection`] and reading goes on.
//!
//! Two formats are read: CSV whose header row names its columns ([`COLUMNS`]), and plain text with
//! one hash a line. [`Reader::new`] tells them apart by the first line.
//!
//! ```
//! use lykta_list::{Reader, Row, Tally};
//!
//! let list = "id,md5,sha1\n\
//!     case-7,0cc175b9c0f1b6a831c399e269772661,86f7e437faa5a7fce15d1ddcb9eaeaea377667b8\n\
//!     case-8,not a hash,\n";
//!
//! let mut tally = Tally::default();
//! for row in Reader::new(list.as_bytes(), None)? {
//!     let row = row?;
//!     tally.add(&row);
//!     match row {
//!         Row::Accepted(entry) => assert_eq!(entry.name.as_deref(), Some("case-7")),
//!         Row::Rejected(rejection) => assert_eq!(rejection.line, 3),
//!     }
//! }
//! assert_eq!((tally.rows, tally.accepted), (2, 1));
//! # Ok::<(), lykta_list::Error>(())
//! ```
#![forbid(unsafe_code)]

mod csv;
mod entry;
mod error;
mod format;
#[doc(hidden)]
pub mod fuzz;
mod lines;
mod plain;
mod reader;
mod reason;
mod tally;

pub use csv::COLUMNS;
pub use csv::table::{Table, TableRow};
pub use entry::{Entry, Label, Rejection, Row};
pub use error::Error;
pub use format::{Format, UnknownFormat};
pub use lines::MAX_RECORD;
pub use reader::Reader;
pub use reason::{Cause, Problem, Reason};
pub use tally::{Example, Tally};
