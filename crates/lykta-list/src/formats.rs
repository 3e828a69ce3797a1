//! One file for each format: how it is told from others, and how its rows become entries.

pub(crate) mod csv;
pub(crate) mod encase;
pub(crate) mod fields;
mod gather;
pub(crate) mod hashdeep;
pub(crate) mod hashkeeper;
pub(crate) mod icse;
pub(crate) mod ilook;
mod json;
mod labels;
pub(crate) mod mapped;
pub(crate) mod ncmec;
pub(crate) mod nsrl_sql;
pub(crate) mod nsrl_sqlite;
pub(crate) mod nsrl_text;
pub(crate) mod plain;
pub(crate) mod stopncii;
pub(crate) mod sums;
pub(crate) mod threatexchange;
pub(crate) mod vics;

use crate::entry::Row;
use crate::error::Error;
use crate::format::Format;
use crate::input::{Head, Input};

/// The rows of a list of one format.
pub(crate) trait Rows {
    /// The next row, with its number counted from 1; `None` at the end. Not called again after the end or an
    /// error.
    fn next_row(&mut self) -> Result<Option<Row>, Error>;

    /// The version that the list gives itself, as far as it was read.
    fn version(&self) -> Option<String> {
        None
    }
}

/// The format that the start of a list is of; `None` when it is none of those that have a sign of their own:
/// then it is CSV or plain, or nothing that can be read.
pub(crate) fn recognise(head: &Head<'_>) -> Option<Format> {
    signs(head).next()
}

/// All formats whose sign the start of a list has: more than one would be a fault of theirs.
pub(crate) fn signs(head: &Head<'_>) -> impl Iterator<Item = Format> {
    type Sign = fn(&Head<'_>) -> bool;
    const SIGNS: [(Format, Sign); 13] = [
        (Format::NsrlSqlite, nsrl_sqlite::is_meant),
        (Format::EnCase, encase::is_meant),
        (Format::Ncmec, ncmec::is_meant),
        (Format::StopNcii, stopncii::is_meant),
        (Format::Vics, vics::is_meant),
        (Format::ThreatExchange, threatexchange::is_meant),
        (Format::NsrlText, nsrl_text::is_meant),
        (Format::NsrlSql, nsrl_sql::is_meant),
        (Format::Hashdeep, hashdeep::is_meant),
        (Format::HashKeeper, hashkeeper::is_meant),
        (Format::Ilook, ilook::is_meant),
        (Format::Icse, icse::is_meant),
        (Format::Sums, sums::is_meant),
    ];
    SIGNS.into_iter().filter(|(_, is_meant)| is_meant(head)).map(|(format, _)| format)
}

/// The rows of `input`, read as `format`.
pub(crate) fn open<'r>(format: Format, input: Input<'r>) -> Result<Box<dyn Rows + 'r>, Error> {
    match format {
        Format::Mapped => mapped::open(input),
        Format::Vics => vics::open(input),
        Format::Icse => icse::open(input),
        Format::NsrlText => nsrl_text::open(input),
        Format::NsrlSqlite => nsrl_sqlite::open(input),
        Format::NsrlSql => nsrl_sql::open(input),
        Format::Hashdeep => hashdeep::open(input),
        Format::Sums => sums::open(input, sums::LongMeans::Sha256),
        Format::B3sum => sums::open(input, sums::LongMeans::Blake3),
        Format::HashKeeper => hashkeeper::open(input),
        Format::Ilook => ilook::open(input),
        Format::EnCase => encase::open(input),
        Format::Ncmec => ncmec::open(input),
        Format::ThreatExchange => threatexchange::open(input),
        Format::StopNcii => stopncii::open(input),
        Format::Csv
        | Format::Md5
        | Format::Sha1
        | Format::Sha256
        | Format::Blake3
        | Format::Pdq
        | Format::Phash
        | Format::Dhash => plain::open(Some(format), input).map(|(_, rows)| rows),
    }
}
