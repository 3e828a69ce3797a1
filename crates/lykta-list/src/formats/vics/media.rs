//! One media record.

use lykta_hash::{Hash, Kind, PhotoDna};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::context::Context;
use crate::entry::{Entry, Rejection, Row};
use crate::formats::gather::Gather;
use crate::formats::json::{List, Value};
use crate::formats::labels::{LabelParts, Labels};
use crate::reason::{Cause, Problem};
use crate::schemes;

/// The keys that have hashes.
pub(super) const HASHES: [&str; 6] = ["MD5", "SHA1", "SHA256", "PhotoDNA", "AlternativeHashes", "MediaFiles"];

/// What is read of a record. Other fields are passed over.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Media<'a> {
    #[serde(borrow, rename = "MediaID")]
    id: Value<'a>,
    #[serde(rename = "MD5")]
    md5: Value<'a>,
    #[serde(rename = "SHA1")]
    sha1: Value<'a>,
    #[serde(rename = "SHA256")]
    sha256: Value<'a>,
    #[serde(rename = "PhotoDNA")]
    photodna: Value<'a>,
    #[serde(rename = "MediaSize")]
    size: Value<'a>,
    #[serde(borrow, rename = "Category")]
    category: Option<&'a RawValue>,
    #[serde(rename = "Series")]
    series: Value<'a>,
    #[serde(rename = "VictimIdentified")]
    victim_identified: Value<'a>,
    #[serde(rename = "RelativeFilePath")]
    path: Value<'a>,
    #[serde(rename = "AlternativeHashes")]
    alternatives: List<Alternative<'a>>,
    #[serde(rename = "MediaFiles")]
    files: List<File<'a>>,
}

/// A hash with the name of its kind.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Alternative<'a> {
    #[serde(borrow, rename = "HashName")]
    name: Value<'a>,
    #[serde(rename = "HashValue")]
    value: Value<'a>,
}

/// A place where the medium was found.
#[derive(Default, Deserialize)]
#[serde(default)]
struct File<'a> {
    #[serde(borrow, rename = "MD5")]
    md5: Value<'a>,
    #[serde(rename = "FileName")]
    name: Value<'a>,
}

/// A hash of a kind that the record's entry has another one of.
pub(super) enum Surplus {
    Hash(Hash),
    PhotoDna(PhotoDna),
}

impl Surplus {
    /// An entry of its own that says what `entry` says.
    pub(super) fn beside(self, entry: &Entry) -> Entry {
        let (hashes, photodna) = match self {
            Self::Hash(hash) => (vec![hash], None),
            Self::PhotoDna(hash) => (Vec::new(), Some(hash)),
        };
        Entry {
            position: entry.position,
            name: entry.name.clone(),
            hashes,
            photodna,
            label: entry.label.clone(),
            categorised: entry.categorised,
            ..Entry::default()
        }
    }
}

/// The kind of an alternative hash.
enum Named {
    Kind(Kind, &'static str),
    PhotoDna,
    Unsupported,
}

impl Named {
    /// `SHA256` and `sha-256` are one; what is not matched, such as `EDK`, is not supported.
    fn parse(name: &str) -> Self {
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        match plain.to_ascii_lowercase().as_str() {
            "md5" => Self::Kind(Kind::Md5, "AlternativeHashes.MD5"),
            "sha1" => Self::Kind(Kind::Sha1, "AlternativeHashes.SHA1"),
            "sha256" => Self::Kind(Kind::Sha256, "AlternativeHashes.SHA256"),
            "photodna" => Self::PhotoDna,
            _ => Self::Unsupported,
        }
    }
}

impl Media<'_> {
    /// What the record says, begun as `entry`, and the hashes that do not fit into it.
    pub(super) fn row(
        &self,
        mut entry: Entry,
        not_utf8: Option<usize>,
        context: Option<&Context>,
        labels: &mut Labels,
    ) -> (Row, Vec<Surplus>) {
        entry.hashes.reserve(2);
        let mut gather = Gather::new(entry);
        let surplus = self.hashes(&mut gather);
        let size = gather.given("MediaSize", self.size.number(u64::MAX));
        gather.entry.size = size;
        if let Some(offset) = not_utf8 {
            gather.entry.dropped.push(Problem::row(Cause::NotUtf8 { offset }));
        }
        let has_gaps = not_utf8.is_some();
        let id = text(&mut gather, "MediaID", &self.id, has_gaps);
        gather.entry.name = id.or_else(|| {
            let path = text(&mut gather, "RelativeFilePath", &self.path, has_gaps);
            let file = self.files.items.first();
            path.or_else(|| text(&mut gather, "MediaFiles.FileName", &file?.name, has_gaps))
        });
        let code = match code(self.category, has_gaps) {
            Ok(code) => code,
            Err(cause) => return (undecidable(gather, Problem::cell("Category", cause)), Vec::new()),
        };
        let series = text(&mut gather, "Series", &self.series, has_gaps);
        let victim_identified = match &self.victim_identified {
            Value::Bool(flag) => Some(flag.to_string()),
            other => text(&mut gather, "VictimIdentified", other, has_gaps),
        };
        gather.entry.label = Some(labels.share(LabelParts {
            scheme: schemes::PROJECT_VIC,
            version: context.map_or("", Context::of_labels),
            code: &code,
            series: series.as_deref().unwrap_or_default(),
            victim_identified: victim_identified.as_deref().unwrap_or_default(),
        }));
        gather.entry.categorised = true;
        (gather.row(), surplus)
    }

    /// Gathers all hashes, those of the record before those of its parts.
    fn hashes(&self, gather: &mut Gather) -> Vec<Surplus> {
        let mut surplus = Surpluses::default();
        surplus.hash(gather.hash(Kind::Md5, "MD5", self.md5.digits()));
        surplus.hash(gather.hash(Kind::Sha1, "SHA1", self.sha1.digits()));
        surplus.hash(gather.hash(Kind::Sha256, "SHA256", self.sha256.digits()));
        surplus.photodna(gather.photodna("PhotoDNA", self.photodna.digits()));
        for Alternative { name, value } in &self.alternatives.items {
            if name.is_empty() && value.is_empty() {
                continue;
            }
            let name = gather.given("AlternativeHashes.HashName", name.digits());
            match name.map_or(Named::Unsupported, Named::parse) {
                Named::Kind(kind, column) => surplus.hash(gather.hash(kind, column, value.digits())),
                Named::PhotoDna => {
                    surplus.photodna(gather.photodna("AlternativeHashes.PhotoDNA", value.digits()));
                }
                Named::Unsupported => gather.problem("AlternativeHashes", Cause::UnsupportedKind),
            }
        }
        for file in &self.files.items {
            surplus.hash(gather.hash(Kind::Md5, "MediaFiles.MD5", file.md5.digits()));
        }
        let lists =
            [("AlternativeHashes", self.alternatives.has_others), ("MediaFiles", self.files.has_others)];
        for (column, _) in lists.into_iter().filter(|(_, has_others)| *has_others) {
            gather.problem(column, Cause::Type { expected: "an array of objects" });
        }
        surplus.distinct()
    }
}

/// What does not fit into an entry.
#[derive(Default)]
struct Surpluses {
    hashes: Vec<Hash>,
    photodna: Vec<PhotoDna>,
}

impl Surpluses {
    fn hash(&mut self, hash: Option<Hash>) {
        self.hashes.extend(hash);
    }

    fn photodna(&mut self, hash: Option<PhotoDna>) {
        self.photodna.extend(hash);
    }

    /// Each once, in order of kinds and values.
    fn distinct(mut self) -> Vec<Surplus> {
        self.hashes.sort_unstable();
        self.hashes.dedup();
        self.photodna.sort_unstable();
        self.photodna.dedup();
        let hashes = self.hashes.into_iter().map(Surplus::Hash);
        hashes.chain(self.photodna.into_iter().map(Surplus::PhotoDna)).collect()
    }
}

/// A text for a person or a code; none when a part of it could not be read, which has been told before.
fn text(gather: &mut Gather, column: &'static str, value: &Value<'_>, has_gaps: bool) -> Option<String> {
    let text = gather.given(column, value.text())?;
    let is_whole = !(has_gaps && text.contains('\u{fffd}'));
    is_whole.then(|| text.trim_ascii().to_owned())
}

/// A category as it stands in the list, a number digit for digit: `1.0` may be another one than `1`. Empty when
/// there is none.
fn code(category: Option<&RawValue>, has_gaps: bool) -> Result<String, Cause> {
    const NO_CODE: Cause = Cause::Type { expected: "a text or a number" };
    let Some(raw) = category.map(RawValue::get) else { return Ok(String::new()) };
    match raw.as_bytes() {
        [b'-' | b'0'..=b'9', ..] => Ok(raw.to_owned()),
        [b'"', ..] => {
            let text: String = serde_json::from_str(raw).map_err(|_| NO_CODE)?;
            let is_whole = !(has_gaps && text.contains('\u{fffd}'));
            is_whole.then(|| text.trim_ascii().to_owned()).ok_or(NO_CODE)
        }
        _ => Err(NO_CODE),
    }
}

/// A medium that nobody can decide on: what its category says cannot be read.
fn undecidable(gather: Gather, problem: Problem) -> Row {
    match gather.row() {
        Row::Accepted(Entry { row, position, mut dropped, .. }) => {
            dropped.insert(0, problem);
            Row::Rejected(Rejection::new(row, position, dropped))
        }
        other => other,
    }
}
