//! iLook `.hsh`, versions 1, 3 and 4.
//!
//! CSV whose first column is named after the version. In versions 3 and 4 it is an MD5, beside SHA-1 and the
//! rest. In version 1 another column says what it is; a word there that is not known makes the hash one of a
//! kind that is not matched, and only without any word its length tells.

use lykta_hash::Kind;

use crate::entry::Row;
use crate::error::Error;
use crate::format::Format;
use crate::formats::Rows;
use crate::formats::csv::Record;
use crate::formats::fields::{Charset, Columns, Field, Sheet, Width, has_all, names};
use crate::formats::plain::kind_of;
use crate::input::{Head, Input};
use crate::lines::trim;

const V1: &str = "V1Hash";

const COLUMNS: Columns = Columns {
    format: Format::Ilook,
    separator: b',',
    known: &[
        // Or what `FirstVersion` says.
        (V1, Field::hex(Kind::Md5)),
        ("V3Hash", Field::hex(Kind::Md5)),
        ("V4Hash", Field::hex(Kind::Md5)),
        ("HashSHA1", Field::hex(Kind::Sha1)),
        ("HashSHA256", Field::hex(Kind::Sha256)),
        ("HashSHA384", Field::Unmatched),
        ("HashSHA512", Field::Unmatched),
        ("FileName", Field::Name(0)),
        ("FilePath", Field::Name(1)),
        ("FileSize", Field::Size),
    ],
    width: Width::AsHeader,
    charset: Charset::Utf8,
};

pub(crate) fn is_meant(head: &Head<'_>) -> bool {
    let names = names(head.first_line(), b',');
    let is_first =
        |name: &str| names.first().is_some_and(|first| first.eq_ignore_ascii_case(name.as_bytes()));
    has_all(&names, &["FileName", "FilePath", "FileSize"])
        && [V1, "V3Hash", "V4Hash"].into_iter().any(is_first)
}

pub(crate) fn open<'r>(input: Input<'r>) -> Result<Box<dyn Rows + 'r>, Error> {
    let sheet = Sheet::open(input, &COLUMNS)?;
    let header = &sheet.record;
    let at = |name: &str| header.cells().position(|cell| trim(cell).eq_ignore_ascii_case(name.as_bytes()));
    let first = at(V1).map(|hash| FirstVersion { hash, word: at("HashType") });
    Ok(Box::new(IlookRows { sheet, first }))
}

struct IlookRows<'r> {
    sheet: Sheet<'r>,
    first: Option<FirstVersion>,
}

impl Rows for IlookRows<'_> {
    fn next_row(&mut self) -> Result<Option<Row>, Error> {
        if !self.sheet.read()? {
            return Ok(None);
        }
        if let Some(first) = &self.first {
            let field = first.field(&self.sheet.record);
            self.sheet.layout.set(V1, field);
        }
        Ok(Some(self.sheet.current()))
    }
}

/// The cells of version 1 that say together what the hash is.
struct FirstVersion {
    hash: usize,
    word: Option<usize>,
}

impl FirstVersion {
    fn field(&self, record: &Record) -> Field {
        let cell = |at| record.cell(at).map(trim).unwrap_or_default();
        let word = self.word.map(cell).unwrap_or_default();
        let word: Vec<u8> = word.iter().filter(|byte| **byte != b'-').map(u8::to_ascii_lowercase).collect();
        match &word[..] {
            // What is no hash by its length is told as an MD5 that is wrong.
            b"" => Field::hex(kind_of(cell(self.hash)).unwrap_or(Kind::Md5)),
            b"md5" => Field::hex(Kind::Md5),
            b"sha1" => Field::hex(Kind::Sha1),
            b"sha256" => Field::hex(Kind::Sha256),
            _ => Field::Unmatched,
        }
    }
}
