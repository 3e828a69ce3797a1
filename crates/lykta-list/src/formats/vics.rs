//! Project VIC's JSON: VICS 1.x and 2.0, hash sets and cases; CAID's is of the same family.
//!
//! The specification is not public. What is read here is what public readers and writers (IPED, GLEAPP,
//! Clees4All) do. Where they differ, both are read:
//!
//! - A document has media in its array `value`, or cases with media in an array `Media` of each.
//! - Any version and region is read. A region decides what a category means, so it goes with each label; when
//!   the document names it only behind its media, their labels have none, and nothing is guessed.
//! - Category 0 is no particular one: benign in the US, uncategorised in the UK. A missing category is an empty
//!   code, not 0; one that is neither number nor text rejects its medium.
//! - PhotoDNA is a field of the record (2.0) or among its alternative hashes (1.3).
//! - Hashes of one kind beyond the first, such as those of other files of a medium, are entries of their own
//!   that say the same: none is lost. Flags such as `IsPrecategorized` contradict the entries and are not read.

mod context;
mod media;

use std::collections::VecDeque;

use self::context::Context;
use self::media::{Media, Surplus};
use crate::entry::{Entry, Rejection, Row};
use crate::error::Error;
use crate::format::Format;
use crate::formats::Rows;
use crate::formats::json::{Flaw, Record, Records, Shape, Value, parse};
use crate::formats::labels::Labels;
use crate::input::{Head, Input};
use crate::position::Position;
use crate::reason::Problem;

/// Whether a list is an OData document, or one of its media is to be seen.
pub(crate) fn is_meant(head: &Head<'_>) -> bool {
    let has = |word: &[u8]| memchr::memmem::find(head.bytes, word).is_some();
    head.text().starts_with(b"{")
        && (context::KEYS.iter().any(|key| has(format!("{key:?}").as_bytes()))
            || has(b"\"value\"") && (has(b"\"MediaID\"") || has(b"\"MD5\"")))
}

/// The media of one document.
pub(crate) fn open<'r>(input: Input<'r>) -> Result<Box<dyn Rows + 'r>, Error> {
    let records = Records::new(input, Document { context: None })?;
    Ok(Box::new(VicsRows { records, row: 0, labels: Labels::default(), waiting: VecDeque::new() }))
}

/// What a document says of itself.
struct Document {
    context: Option<Context>,
}

impl Shape for Document {
    const FORMAT: Format = Format::Vics;
    const LISTS: &'static [&'static str] = &["value", "Media"];
    const BARE: bool = false;

    fn member(&mut self, level: usize, key: &str, value: &Value<'_>) -> Result<(), String> {
        if level == 0
            && context::KEYS.contains(&key)
            && let Value::Text(text) = value
        {
            self.context = Context::parse(text);
        }
        // A hash beside an array of media would be passed over in silence.
        if media::HASHES.contains(&key) && !value.is_empty() {
            return Err(format!("{key:?} stands beside media, as if it were of a medium itself"));
        }
        Ok(())
    }
}

struct VicsRows<'r> {
    records: Records<'r, Document>,
    row: u64,
    labels: Labels,
    /// Entries made of what the last record has more than one of, without their numbers.
    waiting: VecDeque<Entry>,
}

impl Rows for VicsRows<'_> {
    fn next_row(&mut self) -> Result<Option<Row>, Error> {
        if let Some(mut entry) = self.waiting.pop_front() {
            self.row += 1;
            entry.row = self.row;
            return Ok(Some(Row::Accepted(entry)));
        }
        let Some((document, record)) = self.records.next()? else { return Ok(None) };
        self.row += 1;
        match row(record, self.row, document.context.as_ref(), &mut self.labels) {
            Ok((row, surplus)) => {
                if let Row::Accepted(entry) = &row {
                    self.waiting.extend(surplus.into_iter().map(|surplus| surplus.beside(entry)));
                }
                Ok(Some(row))
            }
            Err(detail) => Err(self.records.malformed(detail)),
        }
    }

    fn version(&self) -> Option<String> {
        self.records.shape.context.as_ref().map(Context::name)
    }
}

/// What a record says, with the hashes that do not fit into its entry; an error when it is no JSON.
fn row(
    record: Record<'_>,
    row: u64,
    context: Option<&Context>,
    labels: &mut Labels,
) -> Result<(Row, Vec<Surplus>), String> {
    let position = Position::Byte(record.offset);
    let mut mended = String::new();
    match parse::object::<Media<'_>>(record.bytes, &mut mended) {
        Ok(parsed) => {
            let entry = Entry { row, position, ..Entry::default() };
            Ok(parsed.value.row(entry, parsed.not_utf8, context, labels))
        }
        Err(Flaw::Content(cause)) => {
            let rejection = Rejection::new(row, position, vec![Problem::row(cause)]);
            Ok((Row::Rejected(rejection), Vec::new()))
        }
        Err(Flaw::Syntax(detail)) => Err(detail),
    }
}
