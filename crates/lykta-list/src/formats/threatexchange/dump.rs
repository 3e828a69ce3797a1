//! CSV rows that the command line of the reference client keeps: `signal,first_descriptor_id,added_on,labels`.
//!
//! There is no header and no kind. 32 digits are an MD5. 64 are PDQ or SHA-256, which nothing in the row tells:
//! such a row is rejected, and a mapping that names the column reads the file. Among the labels the client puts
//! opinions, which are the code: `false_positive` and `disputed` are no match. Other labels say what a file is
//! about and are not kept.

use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Arc;

use lykta_hash::Kind;

use crate::entry::{Entry, Label, Rejection, Row};
use crate::error::Error;
use crate::formats::Rows;
use crate::formats::csv::table::Table;
use crate::formats::gather::Gather;
use crate::input::Input;
use crate::position::Position;
use crate::reason::{Cause, Problem};
use crate::schemes;

const COLUMNS: usize = 4;

/// The labels that are opinions.
const OPINIONS: [&str; 3] = ["disputed", "false_positive", "true_positive"];

/// Whether a line is such a row: a hash, a number, a time or `mine`, and labels.
pub(super) fn is_meant(line: &[u8]) -> bool {
    let cells: Vec<&[u8]> = line.split(|byte| *byte == b',').collect();
    let [signal, id, added, _] = cells[..] else { return false };
    let is_hash = matches!(signal.len(), 32 | 64) && signal.iter().all(u8::is_ascii_hexdigit);
    let is_time = added == b"mine" || added.get(..4).is_some_and(|year| year.iter().all(u8::is_ascii_digit));
    is_hash && is_time && !id.is_empty() && id.iter().all(u8::is_ascii_digit)
}

pub(super) fn open<'r>(input: Input<'r>) -> Box<dyn Rows + 'r> {
    Box::new(Dump { table: Table::new(input.stream), row: 0 })
}

struct Dump<R> {
    table: Table<R>,
    row: u64,
}

impl<R: Read> Rows for Dump<R> {
    fn next_row(&mut self) -> Result<Option<Row>, Error> {
        let Some(cells) = self.table.next_row()? else { return Ok(None) };
        self.row += 1;
        let entry = Entry { row: self.row, position: Position::Line(cells.line()), ..Entry::default() };
        let cells: Vec<&[u8]> = cells.cells().collect();
        Ok(Some(row(entry, &cells)))
    }
}

fn row(entry: Entry, cells: &[&[u8]]) -> Row {
    let (row, position) = (entry.row, entry.position);
    let reject = |problem| Row::Rejected(Rejection::new(row, position, vec![problem]));
    let [signal, id, _, labels] = cells else {
        return reject(Problem::row(Cause::Columns { expected: COLUMNS, got: cells.len() }));
    };
    let kind = match signal.len() {
        32 => Kind::Md5,
        64 => {
            let expected = "of a kind that its length tells: it is PDQ or SHA-256";
            return reject(Problem::cell("signal", Cause::Type { expected }));
        }
        _ => return reject(Problem::cell("signal", Cause::UnsupportedKind)),
    };
    let texts = (str::from_utf8(signal), str::from_utf8(id), str::from_utf8(labels));
    let (Ok(signal), Ok(id), Ok(labels)) = texts else {
        let error = [texts.0.err(), texts.1.err(), texts.2.err()].into_iter().flatten().next();
        return reject(Problem::row(Cause::NotUtf8 { offset: error.map_or(0, |e| e.valid_up_to()) }));
    };
    let mut gather = Gather::new(entry);
    // The only hash: there is none beside it.
    let _ = gather.hash(kind, "signal", Ok(Some(signal)));
    let id = id.trim_ascii();
    gather.entry.name = (!id.is_empty()).then(|| id.to_owned());
    gather.entry.key = Some(format!("{}:{}", kind.name(), signal.to_ascii_lowercase()));
    let opinions: BTreeSet<&str> =
        labels.split_ascii_whitespace().filter(|label| OPINIONS.contains(label)).collect();
    let code = opinions.into_iter().collect::<Vec<_>>().join(",");
    gather.entry.label =
        Some(Arc::new(Label { scheme: schemes::THREAT_EXCHANGE.to_owned(), code, ..Label::default() }));
    gather.entry.categorised = true;
    gather.row()
}
