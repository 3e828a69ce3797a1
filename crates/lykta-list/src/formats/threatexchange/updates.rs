//! Records of `/threat_updates`.
//!
//! A record without `descriptors` deletes its indicator as one with `should_delete` does: nobody who may be seen
//! has an opinion on it any more (issue 834 of the reference client). The opinions of those who have are the
//! code of the label, all of them: `MALICIOUS,NON_MALICIOUS` is disputed, and `NON_MALICIOUS` is no match. When
//! none of them has a status, the code is empty.

use std::collections::BTreeSet;
use std::sync::Arc;

use lykta_hash::Kind;
use serde::Deserialize;

use crate::entry::{Deletion, Entry, Label, Row};
use crate::error::Error;
use crate::format::Format;
use crate::formats::Rows;
use crate::formats::gather::Gather;
use crate::formats::json::{List, PageRows, Paged, Value, seconds};
use crate::input::{Head, Input};
use crate::reason::{Cause, Problem};
use crate::schemes;

/// Whether the start has what only its records have.
pub(super) fn is_meant(head: &Head<'_>) -> bool {
    let has = |word: &str| memchr::memmem::find(head.bytes, word.as_bytes()).is_some();
    let others = ["\"should_delete\"", "\"descriptors\"", "\"last_updated\"", "\"HASH_"];
    has("\"indicator\"") && others.into_iter().any(has)
}

pub(super) fn open<'r>(input: Input<'r>) -> Result<Box<dyn Rows + 'r>, Error> {
    Ok(Box::new(PageRows::<Updates>::new(input)?))
}

struct Updates;

impl Paged for Updates {
    const FORMAT: Format = Format::ThreatExchange;
    const LISTS: &'static [&'static str] = &["data"];
    const OWN: &'static str = "indicator";
    type Record<'a> = Update<'a>;

    fn row(record: &Update<'_>, entry: Entry, has_gaps: bool) -> Result<Row, Problem> {
        record.row(entry, has_gaps)
    }
}

/// What is read of a record.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Update<'a> {
    #[serde(borrow)]
    id: Value<'a>,
    indicator: Value<'a>,
    #[serde(rename = "type")]
    kind: Value<'a>,
    last_updated: Value<'a>,
    should_delete: Value<'a>,
    descriptors: List<Descriptors<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Descriptors<'a> {
    #[serde(borrow)]
    data: List<Descriptor<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Descriptor<'a> {
    #[serde(borrow)]
    status: Value<'a>,
}

impl Update<'_> {
    fn row(&self, entry: Entry, has_gaps: bool) -> Result<Row, Problem> {
        let id = self.id.text().map_err(|cause| Problem::cell("id", cause))?;
        let id = id.ok_or(Problem::cell("id", Cause::Missing))?.trim_ascii().to_owned();
        let changed = seconds(&self.last_updated);
        if self.is_deleted()? {
            let changed = changed.map_err(|cause| Problem::cell("last_updated", cause))?;
            let Entry { row, position, .. } = entry;
            return Ok(Row::Deleted(Deletion { row, position, key: id, changed }));
        }
        let kind = self.kind.digits().map_err(|cause| Problem::cell("type", cause))?;
        let kind = kind.ok_or(Problem::cell("type", Cause::Missing))?;
        let mut gather = Gather::new(entry);
        match kind.trim_ascii() {
            "HASH_MD5" | "HASH_VIDEO_MD5" => self.hash(&mut gather, Kind::Md5),
            "HASH_SHA1" => self.hash(&mut gather, Kind::Sha1),
            "HASH_SHA256" | "HASH_VIDEO_SHA256" => self.hash(&mut gather, Kind::Sha256),
            "HASH_PDQ" => self.hash(&mut gather, Kind::Pdq),
            _ => gather.problem("type", Cause::UnsupportedKind),
        }
        gather.entry.changed = gather.given("last_updated", changed);
        gather.entry.name = Some(id.clone());
        gather.entry.key = Some(id);
        self.label(&mut gather, has_gaps)?;
        Ok(gather.row())
    }

    /// Whether the record takes its indicator away.
    fn is_deleted(&self) -> Result<bool, Problem> {
        let flag = self.should_delete.flag().map_err(|cause| Problem::cell("should_delete", cause))?;
        if flag == Some(true) {
            return Ok(true);
        }
        let lists = self.descriptors.items.iter().map(|descriptors| &descriptors.data);
        if self.descriptors.has_others || lists.clone().any(|data| data.has_others) {
            return Err(Problem::cell("descriptors", Cause::Type { expected: "an object with an array" }));
        }
        Ok(lists.into_iter().all(|data| data.items.is_empty()))
    }

    fn hash(&self, gather: &mut Gather, kind: Kind) {
        // The only hash: there is none beside it.
        let _ = gather.hash(kind, "indicator", self.indicator.digits());
    }

    /// Takes the opinions. One that cannot be read could be another one than all others.
    fn label(&self, gather: &mut Gather, has_gaps: bool) -> Result<(), Problem> {
        let mut codes = BTreeSet::new();
        let descriptors = self.descriptors.items.iter().flat_map(|descriptors| &descriptors.data.items);
        for Descriptor { status } in descriptors {
            let status = match status.digits() {
                Ok(Some(text)) if has_gaps && text.contains('\u{fffd}') => {
                    Err(Cause::Type { expected: "UTF-8" })
                }
                status => status,
            };
            let status = status.map_err(|cause| Problem::cell("descriptors.status", cause))?;
            codes.extend(status.map(str::trim_ascii));
        }
        let scheme = schemes::THREAT_EXCHANGE.to_owned();
        let code = codes.into_iter().collect::<Vec<_>>().join(",");
        gather.entry.label = Some(Arc::new(Label { scheme, code, ..Label::default() }));
        gather.entry.categorised = true;
        Ok(())
    }
}
