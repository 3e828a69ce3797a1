//! Meta's ThreatExchange: what `/threat_updates` answers, what its command line keeps, and local files.
//!
//! Three shapes, told apart by the first character and the first line:
//!
//! - JSON ([`updates`]): pages `{"data": [...]}`, arrays or single records, one behind the other.
//! - CSV of the command line ([`dump`]): `signal,first_descriptor_id,added_on,label label`.
//! - Lines of a local file ([`local`]): `signal_type signal`. Bare signals are a plain list.

mod dump;
mod local;
mod updates;

use std::io::{Cursor, Read};

use crate::error::Error;
use crate::formats::Rows;
use crate::input::{Failing, Head, Input};

/// Bytes of the start that tell the shapes apart.
const START: u64 = 64 << 10;

/// Whether the start is of one of the three shapes.
pub(crate) fn is_meant(head: &Head<'_>) -> bool {
    match head.text().first() {
        Some(b'{' | b'[') => updates::is_meant(head),
        _ => dump::is_meant(head.first_line()) || local::is_meant(head.first_line()),
    }
}

/// The rows of a list of any of the three shapes.
pub(crate) fn open<'r>(mut input: Input<'r>) -> Result<Box<dyn Rows + 'r>, Error> {
    let mut start = Vec::new();
    let error = input.stream.by_ref().take(START).read_to_end(&mut start).err();
    let is_whole = (start.len() as u64) < START && error.is_none();
    let head = Head { bytes: &start };
    let (first, line) = (head.text().first().copied(), head.first_line());
    let is_dump = dump::is_meant(line);
    input.stream = Box::new(Cursor::new(start).chain(Failing(error)).chain(input.stream));
    match first {
        None if is_whole => Err(Error::Empty),
        Some(b'{' | b'[') => updates::open(input),
        _ if is_dump => Ok(dump::open(input)),
        _ => Ok(local::open(input)),
    }
}
