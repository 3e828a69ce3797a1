//! Lines of a local file: `signal_type signal`, by the names that the reference client gives its types.

use std::io::Read;

use lykta_hash::Kind;

use crate::entry::{Entry, Rejection, Row};
use crate::error::Error;
use crate::formats::Rows;
use crate::formats::gather::Gather;
use crate::input::Input;
use crate::lines::{Lines, content_len, trim};
use crate::position::Position;
use crate::reason::{Cause, Problem};

/// Types that are matched, then those that are not.
const USED: [(&str, Kind); 4] =
    [("pdq", Kind::Pdq), ("video_md5", Kind::Md5), ("md5", Kind::Md5), ("video_sha256", Kind::Sha256)];
const UNUSED: [&str; 10] = [
    "url_md5",
    "text_md5",
    "video_tmk_pdqf",
    "vpdq",
    "pdq_ocr",
    "pdq_index2",
    "raw_text",
    "url",
    "trend_query",
    "text_tlsh",
];

/// Whether a line is the name of a type with something behind it.
pub(super) fn is_meant(line: &[u8]) -> bool {
    let (name, signal) = split(line);
    let is_hash =
        |kind: Kind| signal.len() == 2 * kind.byte_len() && signal.iter().all(u8::is_ascii_hexdigit);
    USED.iter().any(|(used, kind)| name == used.as_bytes() && is_hash(*kind))
        || UNUSED.iter().any(|unused| name == unused.as_bytes() && !signal.is_empty())
}

pub(super) fn open<'r>(input: Input<'r>) -> Box<dyn Rows + 'r> {
    Box::new(Local { lines: Lines::new(input.stream), line: Vec::new(), row: 0 })
}

struct Local<R> {
    lines: Lines<R>,
    line: Vec<u8>,
    row: u64,
}

impl<R: Read> Rows for Local<R> {
    fn next_row(&mut self) -> Result<Option<Row>, Error> {
        if !self.lines.next_filled(&mut self.line)? {
            return Ok(None);
        }
        self.row += 1;
        let position = Position::Line(self.lines.line());
        let entry = Entry { row: self.row, position, ..Entry::default() };
        Ok(Some(row(entry, &self.line[..content_len(&self.line)])))
    }
}

/// The name of the type and the signal, as the client parts them: at the first blank.
fn split(line: &[u8]) -> (&[u8], &[u8]) {
    let line = trim(line);
    let blank = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
    (&line[..blank], trim(&line[blank..]))
}

fn row(entry: Entry, line: &[u8]) -> Row {
    let (row, position) = (entry.row, entry.position);
    let reject = |problem| Row::Rejected(Rejection::new(row, position, vec![problem]));
    let (name, signal) = split(line);
    if signal.is_empty() {
        return reject(Problem::cell("signal", Cause::Missing));
    }
    let Some((_, kind)) = USED.iter().find(|(used, _)| name == used.as_bytes()) else {
        return reject(Problem::cell("signal_type", Cause::UnsupportedKind));
    };
    match str::from_utf8(signal) {
        Ok(digits) => {
            let mut gather = Gather::new(entry);
            // The only hash: there is none beside it.
            let _ = gather.hash(*kind, "signal", Ok(Some(digits)));
            gather.row()
        }
        Err(error) => reject(Problem::cell("signal", Cause::NotUtf8 { offset: error.valid_up_to() })),
    }
}
