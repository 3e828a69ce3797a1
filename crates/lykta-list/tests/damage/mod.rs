//! What holds for every document however it is damaged.

mod strike;

use std::io::{self, Read};

use lykta_list::{Error, Format, ReadOptions, Reader, Row, Tally};

pub(crate) use strike::damage;

/// What means something in JSON or XML, or nowhere.
pub(crate) const MARKS: &[&[u8]] =
    &[b"\"", b"{", b"}", b"[", b"]", b",", b"\\", b"<", b">", b"&", b"/", b"null", b"\0", b"\\ud800"];

/// All rows of a list, and the error that ended it.
pub(crate) fn read(input: impl Read, format: Option<Format>) -> (Vec<Row>, Option<Error>) {
    let options = ReadOptions { format, ..ReadOptions::default() };
    let (mut rows, mut ending) = (Vec::new(), None);
    match Reader::new(input, &options) {
        Err(error) => ending = Some(error),
        Ok(reader) => {
            for row in reader {
                match row {
                    Ok(row) => rows.push(row),
                    Err(error) => assert!(ending.replace(error).is_none(), "rows after an error"),
                }
            }
        }
    }
    (rows, ending)
}

/// All rows of a list that has nothing to refuse; its format is found.
pub(crate) fn whole(text: impl AsRef<[u8]>, format: Format) -> Vec<Row> {
    let reader = Reader::new(text.as_ref(), &ReadOptions::default()).unwrap();
    assert_eq!(reader.format(), format);
    let (rows, ending) = read(text.as_ref(), None);
    assert!(ending.is_none(), "{}", ending.unwrap());
    rows
}

/// Every proper prefix of a document is an error: none is taken for a shorter list.
pub(crate) fn assert_cut_is_told(text: &[u8], format: Format) {
    let text = text.trim_ascii_end();
    // Within the byte order mark it is no text yet.
    let start = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    for end in start..text.len() {
        let (_, ending) = read(&text[..end], Some(format));
        let ending = ending.unwrap_or_else(|| panic!("cut at {end}: no error"));
        let is_told = ending.is_truncated() || matches!(ending, Error::Empty);
        assert!(is_told, "cut at {end} of {}: {ending}", String::from_utf8_lossy(text));
    }
}

/// Whatever was done to it: every row is accounted for, and the sum holds.
pub(crate) fn assert_accounted(text: &[u8], format: Format) {
    let (rows, _) = read(text, Some(format));
    let mut tally = Tally::default();
    for (row, number) in rows.iter().zip(1..) {
        tally.add(row);
        let at = match row {
            Row::Accepted(entry) => entry.row,
            Row::Rejected(rejection) => rejection.row,
            Row::Deleted(deletion) => deletion.row,
        };
        assert_eq!(at, number);
    }
    assert_eq!(tally.rows, tally.accepted + tally.rejected_total() + tally.deleted);
}

/// A start, then the same piece for ever. Counts what is taken.
pub(crate) struct Endless<'a> {
    pub(crate) start: &'a [u8],
    pub(crate) piece: &'a [u8],
    pub(crate) taken: usize,
}

impl Read for Endless<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        for place in buffer.iter_mut() {
            *place = match self.start.get(self.taken) {
                Some(byte) => *byte,
                None => self.piece[(self.taken - self.start.len()) % self.piece.len()],
            };
            self.taken += 1;
        }
        Ok(buffer.len())
    }
}

/// A list that does not end is refused before `most` bytes of it are taken.
pub(crate) fn assert_bounded(start: &str, piece: &str, format: Format, most: usize) {
    let mut input = Endless { start: start.as_bytes(), piece: piece.as_bytes(), taken: 0 };
    let (rows, ending) = read(&mut input, Some(format));
    assert!(rows.is_empty(), "{start}: {rows:?}");
    assert!(matches!(ending, Some(Error::Malformed { .. })), "{start}: {ending:?}");
    assert!(input.taken < most, "{start}: {} bytes taken", input.taken);
}
