//! CSV of INTERPOL's ICSE database: semicolons, a header in any order, columns that are not known passed over.
//!
//! Rows may have fewer cells than the header; more cells are refused, they may stand in wrong columns. Flags are
//! written in several ways: `Baseline` becomes `yes` or `no`, any other word stays what it is.

use std::sync::Arc;

use lykta_hash::Kind;

use crate::entry::{Entry, Label, Row};
use crate::error::Error;
use crate::format::Format;
use crate::formats::Rows;
use crate::formats::fields::{Charset, Columns, Field, Sheet, Width, names};
use crate::input::{Head, Input};
use crate::schemes::INTERPOL_BASELINE;

const COLUMNS: Columns = Columns {
    format: Format::Icse,
    separator: b';',
    known: &[
        ("MD5", Field::hex(Kind::Md5)),
        ("SHA1", Field::hex(Kind::Sha1)),
        ("PhotoDNA", Field::PhotoDna),
        ("Image ID", Field::Name(0)),
        ("Baseline", Field::Code),
        ("Series name", Field::Series),
        ("Victim identified", Field::Victim),
    ],
    width: Width::AtMostHeader,
    charset: Charset::Utf8,
};

/// Names that other formats with these hashes do not have. Two of them are a sign.
const OWN: [&str; 8] = [
    "Image ID",
    "Is distributed",
    "Victim identified",
    "Offender identified",
    "Series name",
    "Number of submissions",
    "File Available",
    "Baseline",
];

pub(crate) fn is_meant(head: &Head<'_>) -> bool {
    let names = names(head.first_line(), b';');
    let is_among = |known: &&str| names.iter().any(|name| name.eq_ignore_ascii_case(known.as_bytes()));
    ["MD5", "SHA1", "PhotoDNA"].iter().any(is_among) && OWN.iter().filter(|name| is_among(name)).count() >= 2
}

pub(crate) fn open<'r>(input: Input<'r>) -> Result<Box<dyn Rows + 'r>, Error> {
    let sheet = Sheet::open(input, &COLUMNS)?;
    let has_baseline = sheet.layout.has(Field::Code);
    Ok(Box::new(IcseRows { sheet, has_baseline }))
}

struct IcseRows<'r> {
    sheet: Sheet<'r>,
    has_baseline: bool,
}

impl Rows for IcseRows<'_> {
    fn next_row(&mut self) -> Result<Option<Row>, Error> {
        Ok(self.sheet.next()?.map(|row| match row {
            Row::Accepted(entry) => Row::Accepted(self.classified(entry)),
            other => other,
        }))
    }
}

impl IcseRows<'_> {
    fn classified(&self, entry: Entry) -> Entry {
        if !self.has_baseline {
            return entry;
        }
        // An empty cell, and one that a short row does not have, is an empty code.
        let label = entry.label.map(Arc::unwrap_or_clone).unwrap_or_default();
        let label = Label { scheme: INTERPOL_BASELINE.into(), code: flag(label.code), ..label };
        Entry { label: Some(Arc::new(label)), categorised: true, ..entry }
    }
}

/// A flag in one spelling.
fn flag(word: String) -> String {
    match word.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" | "t" | "true" => "yes".into(),
        "n" | "no" | "f" | "false" => "no".into(),
        _ => word,
    }
}
