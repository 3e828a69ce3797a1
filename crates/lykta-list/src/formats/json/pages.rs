//! Pages of records, as the interfaces of exchanges give them: in one file one behind the other, in an array, or
//! without anything around the records.

use std::marker::PhantomData;

use serde::Deserialize;

use super::parse::{self, Flaw};
use super::records::{Record, Records, Shape};
use super::value::Value;
use crate::entry::{Entry, Rejection, Row};
use crate::error::Error;
use crate::format::Format;
use crate::formats::Rows;
use crate::input::Input;
use crate::position::Position;
use crate::reason::Problem;

/// A format of such pages.
pub(crate) trait Paged {
    /// The format.
    const FORMAT: Format;
    /// The member of a page that holds its records.
    const LISTS: &'static [&'static str];
    /// A member that only records have: beside a page's records it would be passed over in silence.
    const OWN: &'static str;
    /// What is read of a record.
    type Record<'a>: Deserialize<'a>;

    /// What a record says, begun as `entry`. `has_gaps` says that some text of it was not UTF-8.
    ///
    /// # Errors
    /// Why it is rejected.
    fn row(record: &Self::Record<'_>, entry: Entry, has_gaps: bool) -> Result<Row, Problem>;
}

/// The rows of pages.
pub(crate) struct PageRows<'r, P> {
    records: Records<'r, Pages<P>>,
    row: u64,
}

struct Pages<P>(PhantomData<P>);

impl<'r, P: Paged> PageRows<'r, P> {
    pub(crate) fn new(input: Input<'r>) -> Result<Self, Error> {
        Ok(Self { records: Records::new(input, Pages(PhantomData))?, row: 0 })
    }
}

impl<P: Paged> Rows for PageRows<'_, P> {
    fn next_row(&mut self) -> Result<Option<Row>, Error> {
        let Some((_, record)) = self.records.next()? else { return Ok(None) };
        self.row += 1;
        match row::<P>(&record, self.row) {
            Ok(row) => Ok(Some(row)),
            Err(detail) => Err(self.records.malformed(detail)),
        }
    }
}

/// What a record says; an error when it is no JSON.
fn row<P: Paged>(record: &Record<'_>, row: u64) -> Result<Row, String> {
    let position = Position::Byte(record.offset);
    let reject = |problem| Row::Rejected(Rejection::new(row, position, vec![problem]));
    let mut mended = String::new();
    match parse::object::<P::Record<'_>>(record.bytes, &mut mended) {
        Ok(parsed) => {
            let entry = Entry { row, position, ..Entry::default() };
            Ok(P::row(&parsed.value, entry, parsed.not_utf8.is_some()).unwrap_or_else(reject))
        }
        Err(Flaw::Content(cause)) => Ok(reject(Problem::row(cause))),
        Err(Flaw::Syntax(detail)) => Err(detail),
    }
}

impl<P: Paged> Shape for Pages<P> {
    const FORMAT: Format = P::FORMAT;
    const LISTS: &'static [&'static str] = P::LISTS;
    const BARE: bool = true;

    fn member(&mut self, _: usize, key: &str, _: &Value<'_>) -> Result<(), String> {
        if key == P::OWN { Err(format!("{key:?} stands beside the records of a page")) } else { Ok(()) }
    }
}
