//! What must hold for every input, for fuzz targets and the replay of what they found.

use std::collections::BTreeMap;
use std::io::{self, Read};

use crate::input::Input;
use crate::{Deletion, Error, Format, Position, ReadOptions, Reader, Row, Tally, propose};

/// Reads `data` as a list in every format, and with the mapping that is proposed for it.
///
/// # Panics
/// When a property does not hold: rows add up, lines and rows count up within the input, every
/// accepted hash stands in the input as digits where the format has digits, and the result does not depend on how the
/// input arrives.
pub fn list_csv(data: &[u8]) {
    let forced = Format::ALL.map(Some);
    let forced = forced.into_iter().chain([None]);
    let forced = forced.map(|format| ReadOptions { format, ..ReadOptions::default() });
    let mapping = propose(data).map(|proposal| proposal.mapping);
    let mapped = mapping.map(|mapping| ReadOptions { mapping: Some(mapping), ..ReadOptions::default() });
    for options in forced.chain(mapped) {
        list(data, &options);
    }
}

/// Reads `data` as the list that it seems to be, or, where its first byte is 0x80 + `n`, the rest in the format
/// `Format::ALL[n]`; it may be packed.
///
/// # Panics
/// As [`list_csv`].
pub fn list_formats(data: &[u8]) {
    let choice = data.first().and_then(|first| first.checked_sub(CHOICES));
    let format = choice.and_then(|choice| Format::ALL.get(usize::from(choice)).copied());
    let list_data = if format.is_some() { &data[1..] } else { data };
    let mapping = (format == Some(Format::Mapped)).then(|| Some(propose(list_data)?.mapping)).flatten();
    list(list_data, &ReadOptions { format, mapping, ..ReadOptions::default() });
}

/// A first byte from here on chooses a format: no list begins with such a one.
const CHOICES: u8 = 0x80;

/// Unpacked bytes of a list that is looked at: a few packed ones can be gigabytes, and reading these takes long
/// without a fault.
const UNPACKED: u64 = 1 << 20;

fn list(data: &[u8], options: &ReadOptions) {
    let (text, is_packed) = unpacked(data);
    if text.len() as u64 == UNPACKED {
        return;
    }
    let lower = text.to_ascii_lowercase();
    let whole = rows(data, options);
    let bytewise = rows(Trickle(data), options);
    if is_packed && whole.ending.is_some() && bytewise.ending.is_some() {
        // How much comes out before the damage depends on how much goes in at once.
        let mut both = whole.rows.iter().zip(&bytewise.rows);
        assert!(both.all(|(one, other)| one == other), "rows depend on how the input arrives");
    } else {
        assert_eq!(whole.rows, bytewise.rows, "rows depend on how the input arrives");
        assert_eq!(whole.ending.map(|e| e.to_string()), bytewise.ending.map(|e| e.to_string()));
    }

    let mut tally = Tally::default();
    let lines = text.split(|byte| *byte == b'\n').count() as u64;
    let mut last = Position::default();
    for (row, number) in whole.rows.iter().zip(1..) {
        tally.add(row);
        let (at, position) = match row {
            Row::Accepted(entry) => {
                assert!(!entry.hashes.is_empty() || entry.photodna.is_some(), "accepted without a hash");
                assert!(!entry.categorised || entry.label.is_some(), "categorised without a label");
                for hash in &entry.hashes {
                    let text = hash.to_string();
                    let digits = text.split_once(':').map_or("", |(_, digits)| digits);
                    // Binary or in pages there, by a mapping perhaps base64, and JSON may escape what it likes.
                    let has_digits =
                        !matches!(whole.format, Some(Format::EnCase | Format::NsrlSqlite | Format::Mapped));
                    let is_there = !has_digits || is_escaped(&lower) || holds(&lower, digits.as_bytes());
                    assert!(is_there, "{text} is not in the input");
                }
                (entry.row, entry.position)
            }
            Row::Deleted(Deletion { row, position, .. }) => (*row, *position),
            Row::Rejected(rejection) => {
                assert_eq!(Some(rejection.reason), rejection.problems.first().map(|p| p.reason()));
                (rejection.row, rejection.position)
            }
        };
        assert_eq!(at, number, "rows count up");
        assert!(last <= position || last == Position::default(), "{position} after {last}");
        match position {
            Position::Line(line) => assert!((1..=lines).contains(&line), "{position} of {lines}"),
            Position::Byte(byte) => assert!(byte <= text.len() as u64, "{position} of {}", text.len()),
            Position::Record(_) => {}
        }
        last = position;
    }
    assert_eq!(tally.rows, whole.rows.len() as u64);
    assert_eq!(tally.rows, tally.accepted + tally.rejected_total() + tally.deleted, "rows add up");
    let examples: BTreeMap<_, _> = tally.first.iter().map(|(reason, e)| (*reason, e.len())).collect();
    assert!(examples.values().all(|kept| (1..=Tally::EXAMPLES).contains(kept)));
}

/// What formats read of `data`, up to the first damage, and whether it was packed.
fn unpacked(data: &[u8]) -> (Vec<u8>, bool) {
    let mut text = Vec::new();
    match Input::new(Trickle(data), ReadOptions::default()) {
        Ok((input, _)) => {
            // What comes before an error is there all the same.
            let _ = input.stream.take(UNPACKED).read_to_end(&mut text);
            (text, input.is_unpacked)
        }
        Err(_) => (data.to_vec(), true),
    }
}

struct Outcome {
    format: Option<Format>,
    rows: Vec<Row>,
    ending: Option<Error>,
}

fn rows(input: impl Read, options: &ReadOptions) -> Outcome {
    let mut outcome = Outcome { format: None, rows: Vec::new(), ending: None };
    match Reader::new(input, options) {
        Ok(reader) => {
            outcome.format = Some(reader.format());
            for row in reader {
                match row {
                    Ok(row) => outcome.rows.push(row),
                    Err(error) => outcome.ending = Some(error),
                }
            }
        }
        Err(error) => outcome.ending = Some(error),
    }
    outcome
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// Whether digits may be written as JSON or XML let them be: by number, or with a comment between.
fn is_escaped(text: &[u8]) -> bool {
    [&b"\\u"[..], b"&#", b"<!"].into_iter().any(|mark| holds(text, mark))
}

/// One byte at a time.
struct Trickle<'a>(&'a [u8]);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match (self.0.split_first(), buffer.first_mut()) {
            (Some((byte, rest)), Some(place)) => {
                *place = *byte;
                self.0 = rest;
                Ok(1)
            }
            _ => Ok(0),
        }
    }
}

/// Every format that takes `data` for one of its own by the start of it: never more than one.
pub fn signs(data: &[u8]) -> Vec<Format> {
    crate::formats::signs(&crate::input::Head { bytes: data }).collect()
}
