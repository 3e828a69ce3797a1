//! NSRL RDS 1.5 and 2.x: `NSRLFile.txt`.
//!
//! CSV with a header, one row for each file and product, so a hash comes as often as products have the file.
//! MD4 and CRC32 are passed over: SHA-1 and MD5 stand beside them in every row, and the MD4 of 1.5 is zeros.
//! Names are in whatever the product had; what is not UTF-8 is taken as ISO-8859-1.

use lykta_hash::{Digest, Hash, Kind, text};
use memchr::memchr;

use crate::entry::{Entry, Row};
use crate::error::Error;
use crate::format::Format;
use crate::formats::Rows;
use crate::formats::fields::{Charset, Columns, Field, Sheet, Width, has_all, names, read_text};
use crate::input::{Head, Input};
use crate::lines::trim;

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

/// The header of 2.x; that of 1.5 has MD4 besides, and another order.
const HEADER_2: [&str; 8] =
    ["SHA-1", "MD5", "CRC32", "FileName", "FileSize", "ProductCode", "OpSystemCode", "SpecialCode"];

pub(crate) fn is_meant(head: &Head<'_>) -> bool {
    has_all(&names(head.first_line(), b','), &HEADER_2)
}

pub(crate) fn open<'r>(input: Input<'r>) -> Result<Box<dyn Rows + 'r>, Error> {
    let sheet = Sheet::open(input, &COLUMNS)?;
    let is_2 = sheet.record.cells().eq(HEADER_2.map(str::as_bytes));
    Ok(Box::new(NsrlRows { sheet, is_2 }))
}

struct NsrlRows<'r> {
    sheet: Sheet<'r>,
    /// The columns are those of 2.x, in their order.
    is_2: bool,
}

impl Rows for NsrlRows<'_> {
    fn next_row(&mut self) -> Result<Option<Row>, Error> {
        if !self.sheet.read_line()? {
            return Ok(None);
        }
        if self.is_2
            && let Some(entry) = usual(self.sheet.record.content())
        {
            let (row, position) = self.sheet.count();
            return Ok(Some(Row::Accepted(Entry { row, position, ..entry })));
        }
        self.sheet.split()?;
        Ok(Some(self.sheet.current()))
    }
}

/// A row of 2.x as nearly all of hundreds of millions are: hashes at fixed places, no mark in the name. Anything
/// else, good or bad, is left to the general reading, which makes the same of a row like this in twice the time.
///
/// ```text
/// "40 digits","32 digits","8 digits","name",size,product,"system","special"
/// ```
fn usual(line: &[u8]) -> Option<Entry> {
    const BETWEEN: &[u8] = b"\",\"";
    let (sha1, rest) = line.strip_prefix(b"\"")?.split_at_checked(40)?;
    let (md5, rest) = rest.strip_prefix(BETWEEN)?.split_at_checked(32)?;
    let (crc32, rest) = rest.strip_prefix(BETWEEN)?.split_at_checked(8)?;
    let rest = rest.strip_prefix(BETWEEN)?;
    let (name, rest) = rest.split_at(memchr(b'"', rest)?);
    let mut rest = rest.strip_prefix(b"\",")?;
    // More digits than 18 may be too many for the number.
    let mut size = 0;
    let mut digits = 0;
    while let [digit @ b'0'..=b'9', more @ ..] = rest {
        size = size * 10 + u64::from(digit - b'0');
        digits += 1;
        rest = more;
        if digits > 18 {
            return None;
        }
    }
    let sha1 = Digest::Sha1(text::hex(sha1).ok()?);
    let md5 = Digest::Md5(text::hex(md5).ok()?);
    let is_usual = digits > 0
        && !trim(name).is_empty()
        && !crc32.contains(&b'"')
        && ends_as_usual(rest.strip_prefix(b",")?)
        && !sha1.is_of_empty_file()
        && !md5.is_of_empty_file();
    if !is_usual {
        return None;
    }
    let hashes = vec![Hash::Digest(md5), Hash::Digest(sha1)];
    let name = read_text(name, Charset::OrLatin1).ok();
    Some(Entry { hashes, name, size: Some(size), ..Entry::default() })
}

/// Whether the last three cells are there: a bare one, and two in quotation marks.
fn ends_as_usual(rest: &[u8]) -> bool {
    let Some(comma) = rest.iter().position(|byte| !byte.is_ascii_digit()) else { return false };
    let Some(rest) = rest[comma..].strip_prefix(b",\"") else { return false };
    let Some(mark) = rest.iter().position(|byte| *byte == b'"') else { return false };
    let last = rest[mark..].strip_prefix(b"\",\"").and_then(|rest| rest.strip_suffix(b"\""));
    last.is_some_and(|last| !last.contains(&b'"'))
}
