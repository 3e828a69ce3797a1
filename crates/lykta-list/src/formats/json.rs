//! JSON in constant memory: what the formats that are JSON have in common.
//!
//! ```text
//! text     the bytes, with their offsets; the extent of the next value is found without parsing it
//! records  the records of documents whose lists are opened, not read whole
//! pages    rows of documents that are pages of records
//! parse    one record, whatever is wrong with its text
//! time     seconds since 1970
//! value    one field, of whatever type it is
//! list     an array within a record
//! ```
//!
//! The extent of a record is found by its quotation marks and brackets alone; serde_json then reads each record
//! from memory, so a record is scanned twice. That is still faster than a parser that takes an event at a time,
//! and a field of the wrong type spoils only itself.

mod list;
mod pages;
pub(crate) mod parse;
mod records;
mod scan;
mod text;
mod time;
mod value;

pub(crate) use list::List;
pub(crate) use pages::{PageRows, Paged};
pub(crate) use parse::Flaw;
pub(crate) use records::{Record, Records, Shape};
pub(crate) use time::seconds;
pub(crate) use value::Value;
