//! Hash lists read into entries: one row at a time, in constant memory, nothing guessed or lost.
//!
//! Three types to know: [`Reader`] (iterates over the rows of a list), [`Entry`] (what one row
//! says: its hashes, its name, its label) and [`Tally`] (how many rows were accepted, and why the
//! others were not). A list whose shape cannot be relied on is refused with an [`Error`]; a single
//! bad row is a [`Rejection`] and reading goes on.
//!
//! [`Format`] names the formats that are read; [`Reader::new`] tells them apart by content.
//!
//! ```
//! use lykta_list::{Position, ReadOptions, Reader, Row, Tally};
//!
//! let list = "id,md5,sha1\n\
//!     case-7,0cc175b9c0f1b6a831c399e269772661,86f7e437faa5a7fce15d1ddcb9eaeaea377667b8\n\
//!     case-8,not a hash,\n";
//!
//! let mut tally = Tally::default();
//! for row in Reader::new(list.as_bytes(), &ReadOptions::default())? {
//!     let row = row?;
//!     tally.add(&row);
//!     match row {
//!         Row::Accepted(entry) => assert_eq!(entry.name.as_deref(), Some("case-7")),
//!         Row::Rejected(rejection) => assert_eq!(rejection.position, Position::Line(3)),
//!         Row::Deleted(_) => unreachable!("CSV deletes nothing"),
//!     }
//! }
//! assert_eq!((tally.rows, tally.accepted), (2, 1));
//! # Ok::<(), lykta_list::Error>(())
//! ```
#![forbid(unsafe_code)]

mod entry;
mod error;
mod format;
mod formats;
#[doc(hidden)]
pub mod fuzz;
mod input;
mod lines;
mod position;
mod reader;
mod reason;
pub mod schemes;
mod tally;

pub use entry::{Deletion, Entry, Label, Rejection, Row};
pub use error::Error;
pub use format::{Format, UnknownFormat};
pub use formats::csv::COLUMNS;
pub use formats::csv::table::{Table, TableRow};
pub use formats::mapped::{Mapping, MappingError, Proposal, TARGETS, propose};
pub use input::ReadOptions;
pub use lines::MAX_RECORD;
pub use position::Position;
pub use reader::{Reader, UpToCut};
pub use reason::{Cause, Problem, Reason};
pub use tally::{Example, Tally};
