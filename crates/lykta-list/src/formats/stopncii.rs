//! StopNCII's JSON: pages of hash records, one page a file or several one behind the other.
//!
//! A record replaces what was said of its hash before, so the hash and its type are the key. `Withdrawn` and
//! `Deleted` delete it. Other states that are published, `Received` among them, stay: the interface asks to
//! remove only those two. A state that is not published is refused, because what to do is not known.

use std::sync::Arc;

use lykta_hash::Kind;
use serde::Deserialize;

use crate::entry::{Deletion, Entry, Label, Rejection, Row};
use crate::error::Error;
use crate::format::Format;
use crate::formats::Rows;
use crate::formats::gather::Gather;
use crate::formats::json::{Flaw, Record, Records, Shape, Value, parse, seconds};
use crate::input::{Head, Input};
use crate::position::Position;
use crate::reason::{Cause, Problem};

/// The scheme of the states, which are kept with the entries.
const SCHEME: &str = "stopncii";

/// Whether the start has what only its pages or records have.
pub(crate) fn is_meant(head: &Head<'_>) -> bool {
    let has = |word: &str| memchr::memmem::find(head.bytes, word.as_bytes()).is_some();
    head.text().starts_with(b"{") && has("\"hashRecords\"")
        || head.text().starts_with(b"[") && has("\"hashRecords\"")
        || head.text().starts_with(b"{") && has("\"signalType\"") && has("\"hashValue\"")
        || head.text().starts_with(b"[") && has("\"signalType\"") && has("\"hashValue\"")
}

/// The records of all pages.
pub(crate) fn open<'r>(input: Input<'r>) -> Result<Box<dyn Rows + 'r>, Error> {
    Ok(Box::new(StopNciiRows { records: Records::new(input, Pages)?, row: 0 }))
}

struct Pages;

impl Shape for Pages {
    const FORMAT: Format = Format::StopNcii;
    const LISTS: &'static [&'static str] = &["hashRecords"];
    const BARE: bool = true;

    fn member(&mut self, _: usize, key: &str, _: &Value<'_>) -> Result<(), String> {
        match key {
            "hashValue" => Err(format!("{key:?} stands beside the records of a page")),
            _ => Ok(()),
        }
    }
}

struct StopNciiRows<'r> {
    records: Records<'r, Pages>,
    row: u64,
}

impl Rows for StopNciiRows<'_> {
    fn next_row(&mut self) -> Result<Option<Row>, Error> {
        let Some((_, record)) = self.records.next()? else { return Ok(None) };
        self.row += 1;
        match row(record, self.row) {
            Ok(row) => Ok(Some(row)),
            Err(detail) => Err(self.records.malformed(detail)),
        }
    }
}

/// What is read of a record.
#[derive(Default, Deserialize)]
#[serde(default)]
struct HashRecord<'a> {
    #[serde(borrow, rename = "lastModtimestamp")]
    changed: Value<'a>,
    #[serde(rename = "signalType")]
    kind: Value<'a>,
    #[serde(rename = "hashValue")]
    value: Value<'a>,
    #[serde(rename = "hashStatus")]
    status: Value<'a>,
}

/// What a record says; an error when it is no JSON.
fn row(record: Record<'_>, row: u64) -> Result<Row, String> {
    let position = Position::Byte(record.offset);
    let mut mended = String::new();
    match parse::object::<HashRecord<'_>>(record.bytes, &mut mended) {
        Ok(parsed) => {
            let entry = Entry { row, position, ..Entry::default() };
            Ok(parsed.value.row(entry).unwrap_or_else(|problem| reject(row, position, problem)))
        }
        Err(Flaw::Content(cause)) => Ok(reject(row, position, Problem::row(cause))),
        Err(Flaw::Syntax(detail)) => Err(detail),
    }
}

fn reject(row: u64, position: Position, problem: Problem) -> Row {
    Row::Rejected(Rejection::new(row, position, vec![problem]))
}

impl HashRecord<'_> {
    fn row(&self, entry: Entry) -> Result<Row, Problem> {
        let needed = |column: &'static str, value: &'_ Value<'_>| match value.digits() {
            Ok(Some(text)) => Ok(text.trim_ascii().to_owned()),
            Ok(None) => Err(Problem::cell(column, Cause::Missing)),
            Err(cause) => Err(Problem::cell(column, cause)),
        };
        let signal = needed("signalType", &self.kind)?;
        let value = needed("hashValue", &self.value)?;
        let (kind, column) = match signal.as_str() {
            "ImagePDQ" => (Some(Kind::Pdq), "ImagePDQ"),
            "VideoMD5" => (Some(Kind::Md5), "VideoMD5"),
            _ => (None, "signalType"),
        };
        // Digits are the same in either case, so they are one key.
        let key = match kind {
            Some(_) => format!("{signal}:{}", value.to_ascii_lowercase()),
            None => format!("{signal}:{value}"),
        };
        let status = self.status.digits().map_err(|cause| Problem::cell("hashStatus", cause))?;
        let status = status.unwrap_or_default().trim_ascii();
        let changed = seconds(&self.changed);
        match status {
            "Withdrawn" | "Deleted" => {
                let changed = changed.map_err(|cause| Problem::cell("lastModtimestamp", cause))?;
                let Entry { row, position, .. } = entry;
                return Ok(Row::Deleted(Deletion { row, position, key, changed }));
            }
            "" | "Unknown" | "Received" | "Active" => {}
            _ => {
                let expected = "one of Unknown, Received, Active, Withdrawn and Deleted";
                return Err(Problem::cell("hashStatus", Cause::Type { expected }));
            }
        }
        let mut gather = Gather::new(entry);
        match kind {
            Some(kind) => {
                // The only hash: there is none beside it.
                let _ = gather.hash(kind, column, Ok(Some(&value)));
            }
            None => gather.problem(column, Cause::UnsupportedKind),
        }
        gather.entry.changed = gather.given("lastModtimestamp", changed);
        gather.entry.key = Some(key);
        if !status.is_empty() {
            let (scheme, code) = (SCHEME.to_owned(), status.to_owned());
            gather.entry.label = Some(Arc::new(Label { scheme, code, ..Label::default() }));
        }
        Ok(gather.row())
    }
}
