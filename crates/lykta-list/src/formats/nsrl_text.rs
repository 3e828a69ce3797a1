//! NSRL RDS 1.5 and 2.x: `NSRLFile.txt`.
//!
//! CSV with a header, one row for each file and product, so a hash comes as often as products have the file.
//! MD4 and CRC32 are passed over: SHA-1 and MD5 stand beside them in every row, and the MD4 of 1.5 is zeros.
//! Names are in whatever the product had; what is not UTF-8 is taken as ISO-8859-1.

use lykta_hash::Kind;

use crate::entry::Row;
use crate::error::Error;
use crate::format::Format;
use crate::formats::Rows;
use crate::formats::fields::{Charset, Columns, Field, Sheet, Width, has_all, names};
use crate::input::{Head, Input};

const COLUMNS: Columns = Columns {
    format: Format::NsrlText,
    separator: b',',
    known: &[
        ("SHA-1", Field::hex(Kind::Sha1)),
        ("MD5", Field::hex(Kind::Md5)),
        ("FileName", Field::Name(0)),
        ("FileSize", Field::Size),
    ],
    width: Width::AsHeader,
    charset: Charset::OrLatin1,
};

pub(crate) fn is_meant(head: &Head<'_>) -> bool {
    let header =
        ["SHA-1", "MD5", "CRC32", "FileName", "FileSize", "ProductCode", "OpSystemCode", "SpecialCode"];
    has_all(&names(head.first_line(), b','), &header)
}

pub(crate) fn open<'r>(input: Input<'r>) -> Result<Box<dyn Rows + 'r>, Error> {
    Ok(Box::new(NsrlRows(Sheet::open(input, &COLUMNS)?)))
}

struct NsrlRows<'r>(Sheet<'r>);

impl Rows for NsrlRows<'_> {
    fn next_row(&mut self) -> Result<Option<Row>, Error> {
        self.0.next()
    }
}
