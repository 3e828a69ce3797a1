//! One entry: its fields, and the row that they make.

use std::sync::Arc;

use jiff::Timestamp;
use lykta_hash::Kind;
use quick_xml::events::Event;

use super::events::{self, Events};
use crate::entry::{Deletion, Entry, Label, Rejection, Row};
use crate::error::Error;
use crate::formats::gather::Gather;
use crate::position::Position;
use crate::reason::{Cause, Problem};
use crate::schemes;

/// What is read of an entry.
#[derive(Default)]
pub(super) struct Element {
    member: Field,
    id: Field,
    timestamp: Field,
    classification: Field,
    /// Names and texts, in their order.
    fingerprints: Vec<(String, Field)>,
}

/// A text that should be there once.
#[derive(Default)]
struct Field {
    text: Option<String>,
    /// Whether it was there before, or has elements within it.
    is_spoiled: bool,
}

impl Field {
    /// The text without blanks around it; `None` when there is none.
    fn get(&self) -> Result<Option<&str>, Cause> {
        if self.is_spoiled {
            return Err(Cause::Type { expected: "one text" });
        }
        Ok(self.text.as_deref().map(str::trim_ascii).filter(|text| !text.is_empty()))
    }

    fn needed(&self, column: &'static str) -> Result<&str, Problem> {
        let text = self.get().map_err(|cause| Problem::cell(column, cause))?;
        text.ok_or(Problem::cell(column, Cause::Missing))
    }

    /// Takes the text of the element that was opened last.
    fn read(&mut self, events: &mut Events<'_>) -> Result<(), Error> {
        self.is_spoiled |= self.text.is_some();
        let mut text = String::new();
        let outside = events.depth() - 1;
        while events.depth() > outside {
            let (event, _) = events.next()?;
            let piece = match &event {
                Event::Text(piece) => Some(piece.to_string()),
                Event::CData(piece) => Some(piece.to_string()),
                Event::GeneralRef(name) => referred(name),
                Event::Start(_) | Event::Empty(_) => {
                    self.is_spoiled = true;
                    continue;
                }
                _ => continue,
            };
            match piece {
                Some(piece) => text.push_str(&piece),
                None => return Err(events.malformed("a text has an entity that is not known")),
            }
        }
        self.text = Some(text);
        Ok(())
    }
}

/// The character of a reference: one of the five that XML has, or one by number.
fn referred(name: &quick_xml::events::BytesRef<'_>) -> Option<String> {
    if let Ok(Some(character)) = name.resolve_char_ref() {
        return Some(character.to_string());
    }
    quick_xml::escape::resolve_predefined_entity(name).map(ToOwned::to_owned)
}

/// Which list an entry is of, and whether it takes it away.
fn meaning(name: &str) -> Option<(&'static str, bool)> {
    match name {
        "image" => Some(("image", false)),
        "video" => Some(("video", false)),
        "deletedImage" => Some(("image", true)),
        "deletedVideo" => Some(("video", true)),
        _ => None,
    }
}

impl Element {
    /// Reads the entry `name`, which was opened last, up to its end.
    pub(super) fn read(events: &mut Events<'_>, name: &str) -> Result<Self, Error> {
        let mut element = Self::default();
        events.begin_record();
        if meaning(name).is_none() {
            events.skip()?;
        } else {
            element.fields(events)?;
        }
        events.end_record();
        Ok(element)
    }

    fn fields(&mut self, events: &mut Events<'_>) -> Result<(), Error> {
        let outside = events.depth() - 1;
        while events.depth() > outside {
            let (event, _) = events.next()?;
            let (start, is_empty) = match &event {
                Event::Start(start) => (start, false),
                Event::Empty(start) => (start, true),
                _ => continue,
            };
            let name = events::name(start);
            let field = match name.as_str() {
                "member" => {
                    let id = events::attribute(start, "id");
                    self.member.is_spoiled |= self.member.text.is_some();
                    self.member.text = Some(id.unwrap_or_default());
                    None
                }
                "id" => Some(&mut self.id),
                "timestamp" => Some(&mut self.timestamp),
                "classification" => Some(&mut self.classification),
                "fingerprints" if !is_empty => {
                    self.fingerprints(events)?;
                    continue;
                }
                _ => None,
            };
            match field {
                _ if is_empty => {}
                Some(field) => field.read(events)?,
                None => events.skip()?,
            }
        }
        Ok(())
    }

    fn fingerprints(&mut self, events: &mut Events<'_>) -> Result<(), Error> {
        let outside = events.depth() - 1;
        while events.depth() > outside {
            let (event, _) = events.next()?;
            let (name, is_empty) = match &event {
                Event::Start(start) => (events::name(start), false),
                Event::Empty(start) => (events::name(start), true),
                _ => continue,
            };
            let mut field = Field::default();
            if !is_empty {
                field.read(events)?;
            }
            self.fingerprints.push((name, field));
        }
        Ok(())
    }

    /// What the entry says: it was named `name`.
    pub(super) fn row(self, name: &str, row: u64, offset: u64) -> Result<Row, Error> {
        let entry = Entry { row, position: Position::Byte(offset), ..Entry::default() };
        let position = entry.position;
        Ok(self
            .understood(name, entry)
            .unwrap_or_else(|problem| Row::Rejected(Rejection::new(row, position, vec![problem]))))
    }

    fn understood(&self, name: &str, entry: Entry) -> Result<Row, Problem> {
        let expected = "an image, a video, a deletedImage or a deletedVideo";
        let (list, is_deleted) = meaning(name).ok_or(Problem::row(Cause::Type { expected }))?;
        let member = self.member.needed("member")?;
        // Digits only: with another slash two entries could have one key.
        if !member.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Problem::cell("member", Cause::Type { expected: "a whole number" }));
        }
        let name = format!("{member}/{}", self.id.needed("id")?);
        let key = format!("{list}/{name}");
        let changed = self.changed();
        if is_deleted {
            let changed = changed.map_err(|cause| Problem::cell("timestamp", cause))?;
            let Entry { row, position, .. } = entry;
            return Ok(Row::Deleted(Deletion { row, position, key, changed }));
        }
        let classification = self.classification.get();
        let classification = classification.map_err(|cause| Problem::cell("classification", cause))?;
        let mut gather = Gather::new(entry);
        for (name, field) in &self.fingerprints {
            fingerprint(&mut gather, name, field);
        }
        gather.entry.changed = gather.given("timestamp", changed);
        gather.entry.name = Some(name);
        gather.entry.key = Some(key);
        let (scheme, code) = (schemes::NCMEC.to_owned(), classification.unwrap_or_default().to_owned());
        gather.entry.label = Some(Arc::new(Label { scheme, code, ..Label::default() }));
        gather.entry.categorised = true;
        Ok(gather.row())
    }

    fn changed(&self) -> Result<Option<i64>, Cause> {
        let Some(text) = self.timestamp.get()? else { return Ok(None) };
        let time: Result<Timestamp, _> = text.parse();
        let time = time.map_err(|_| Cause::Type { expected: "a time such as 2017-10-24T15:00:00Z" })?;
        Ok(Some(time.as_microsecond()))
    }
}

/// Takes one fingerprint. A second one of its kind that differs is dropped: its entry would have the same key.
fn fingerprint(gather: &mut Gather, name: &str, field: &Field) {
    const ONLY_ONE: Cause = Cause::Type { expected: "the only one of its kind" };
    let (kind, column) = match name {
        "md5" => (Kind::Md5, "md5"),
        "sha1" => (Kind::Sha1, "sha1"),
        "sha256" => (Kind::Sha256, "sha256"),
        "pdq" => (Kind::Pdq, "pdq"),
        "pdna" => {
            if gather.photodna("pdna", field.get()).is_some() {
                gather.problem("pdna", ONLY_ONE);
            }
            return;
        }
        _ => return gather.problem("fingerprints", Cause::UnsupportedKind),
    };
    if gather.hash(kind, column, field.get()).is_some() {
        gather.problem(column, ONLY_ONE);
    }
}
