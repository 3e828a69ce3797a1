//! StopNCII's JSON: pages of hash records, one page a file or several one behind the other.
//!
//! A record replaces what was said of its hash before, so the hash and its type are the key. `Withdrawn` and
//! `Deleted` delete it. Other states that are published, `Received` among them, stay: the interface asks to
//! remove only those two. A state that is not published is refused, because what to do is not known.

use std::sync::Arc;

use lykta_hash::Kind;
use serde::Deserialize;

use crate::entry::{Deletion, Entry, Label, Row};
use crate::error::Error;
use crate::format::Format;
use crate::formats::Rows;
use crate::formats::gather::Gather;
use crate::formats::json::{PageRows, Paged, Value, seconds};
use crate::input::{Head, Input};
use crate::reason::{Cause, Problem};

/// The scheme of the states, which are kept with the entries.
const SCHEME: &str = "stopncii";

/// Whether the start has what only its pages or records have.
pub(crate) fn is_meant(head: &Head<'_>) -> bool {
    let has = |word: &str| memchr::memmem::find(head.bytes, word.as_bytes()).is_some();
    let is_json = head.text().starts_with(b"{") || head.text().starts_with(b"[");
    is_json && (has("\"hashRecords\"") || has("\"signalType\"") && has("\"hashValue\""))
}

/// The records of all pages.
pub(crate) fn open<'r>(input: Input<'r>) -> Result<Box<dyn Rows + 'r>, Error> {
    Ok(Box::new(PageRows::<StopNcii>::new(input)?))
}

struct StopNcii;

impl Paged for StopNcii {
    const FORMAT: Format = Format::StopNcii;
    const LISTS: &'static [&'static str] = &["hashRecords"];
    const OWN: &'static str = "hashValue";
    type Record<'a> = HashRecord<'a>;

    fn row(record: &HashRecord<'_>, entry: Entry, _: bool) -> Result<Row, Problem> {
        record.row(entry)
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
