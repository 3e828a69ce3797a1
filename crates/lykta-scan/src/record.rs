//! What is known of one item at the end, and the JSON of it.

use std::sync::Arc;

use lykta_hash::text::to_hex;
use lykta_hash::{Digests, Kind, Pdq};
use lykta_index::Role;
use lykta_media::Rectangle;
use lykta_media::pdq::View;
use lykta_source::container::Capture;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::bands::Band;
use crate::outcome::{Failure, Outcome, Problem, Skip};
use crate::read::GivenUp;

/// Version of the JSON lines, their key `v`.
pub const FORMAT_VERSION: u32 = 1;

/// What is known of one item when it is done with.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Where the item is: escaped steps, the path first, then what is inside what.
    pub locator: Vec<String>,
    /// Which item of the scan it is.
    pub unit: Unit,
    /// Length in bytes; none when it could not be learnt.
    pub size: Option<u64>,
    /// Of a member of a container, where in that it begins, if the container can say, in bytes.
    pub offset: Option<u64>,
    /// What a crawler says of it, or of what it lies in.
    pub capture: Option<Arc<Capture>>,
    /// Of a container that was opened, what came out of it.
    pub opened: Option<Opened>,
    /// Digests of the kinds that the index holds; of a reported item also SHA-1 and SHA-256.
    pub digests: Digests,
    /// PDQ of the picture as stored, if it was computed.
    pub pdq: Option<Pdq>,
    /// Quality of that PDQ, 0..=100.
    pub pdq_quality: Option<u8>,
    /// Scans of a JPEG that were not read, those of colour alone: damage in them was not seen.
    pub unread_scans: usize,
    /// Hits: exact ones first, then by distance, list, entry and kind.
    pub matches: Vec<Match>,
    /// Matches left out because a later index retracts their entries.
    pub retracted: u64,
    /// What became of it.
    pub outcome: Outcome,
    /// Whether reading it may have set its time of access, because the system did not allow to read
    /// it without.
    pub access_time_at_risk: bool,
    /// What went wrong. There is one for every failed and skipped item, and for an item with an
    /// exact hit whose picture could not be decoded.
    pub problem: Option<Problem>,
}

/// Which item it is, in the order in which things are come across: the same in every scan of the same things, however
/// many threads there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Unit {
    /// The number of the file, counted from 0.
    pub file: u64,
    /// 0 for the file itself, and the number within it for what it contains.
    pub member: u64,
    /// What tells whether the file is the same and in the same state.
    pub state: u64,
}

/// The kind of a picture that was looked into.
pub(crate) const PICTURE: &str = "picture";

/// What came out of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Opened {
    /// Which kind: [`Container::name`](lykta_source::container::Container::name), or that of a picture.
    pub kind: &'static str,
    /// Its members, those that were not read included.
    pub members: u64,
    /// All items in it: members, and what is in them.
    pub items: u64,
}

/// One entry of a list that an item hit, by one kind of hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// The kind of hash.
    pub kind: Kind,
    /// Bits in which the PDQs differ; 0 for digests.
    pub distance: u32,
    /// The view of the item's picture that came nearest; none for digests.
    pub view: Option<View>,
    /// What of the entry's picture was hashed, if the list says so: the name of a part, such as those
    /// that `lykta hash --views crops` writes.
    pub entry_view: Option<String>,
    /// Bits in which the PDQs differ among those of the lowest frequencies, 0..=64: a second opinion on the
    /// coarse structure. None for digests and 64-bit hashes.
    pub coarse_distance: Option<u32>,
    /// How much a match by likeness says; none for digests and where only hashes were compared.
    pub band: Option<Band>,
    /// Whether the item's picture is plain, as a page or a pattern: such pictures are near to one another.
    pub plain: bool,
    /// Whether the band is weaker than was asked for: then the match is reported and does not count.
    pub below_band: bool,
    /// Name of the list.
    pub list: String,
    /// The version that the list gives itself; empty when it gives none.
    pub list_version: String,
    /// SHA-256 of the list's file.
    pub list_sha256: [u8; 32],
    /// The entry's id or path in the list, else `row N`.
    pub entry: String,
    /// The entry's row or record in the list, counted from 1.
    pub row: u64,
    /// Classification that the list gives the entry.
    pub label: Option<Label>,
    /// What a match with the entry means.
    pub role: Role,
    /// Whether only MD5 or SHA-1 agree: a file with the same MD5 or SHA-1 can be made on purpose.
    pub weak: bool,
    /// Whether somebody disputes that the entry belongs into its list. It counts all the same.
    pub disputed: bool,
}

/// A classification, as the list has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Label {
    /// The scheme.
    pub scheme: String,
    /// Its version.
    pub version: String,
    /// The code within the scheme.
    pub code: String,
    /// The series of pictures that the file belongs to; empty when the list names none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub series: String,
    /// Whether the victim is identified, in the list's words; empty when it does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub victim_identified: String,
    /// What the site that built the index calls the code, beside the list's own word; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub site: String,
}

impl Record {
    /// An item of which nothing is known but where it is.
    pub(crate) fn new(locator: Vec<String>, size: Option<u64>) -> Self {
        Self {
            locator,
            unit: Unit::default(),
            size,
            offset: None,
            capture: None,
            opened: None,
            digests: Digests::default(),
            pdq: None,
            pdq_quality: None,
            unread_scans: 0,
            matches: Vec::new(),
            retracted: 0,
            outcome: Outcome::Failed(Failure::Internal),
            access_time_at_risk: false,
            problem: None,
        }
    }

    /// Makes it a failed item. What was found before stays.
    pub(crate) fn fail(&mut self, failure: Failure, detail: String) {
        self.outcome = Outcome::Failed(failure);
        self.problem = Some(Problem { reason: failure.name(), detail });
    }

    /// Makes it a skipped item.
    pub(crate) fn skip(&mut self, skip: Skip, detail: String) {
        self.outcome = Outcome::Skipped(skip);
        self.problem = Some(Problem { reason: skip.name(), detail });
    }

    /// Makes it what it is when it was given up.
    pub(crate) fn give_up(&mut self, given_up: GivenUp) {
        match given_up {
            GivenUp::Failed(failure, detail) => self.fail(failure, detail),
            GivenUp::Skipped(skip, detail) => self.skip(skip, detail),
        }
    }

    /// When the scan was stopped meanwhile, that may be all that is wrong with an item: whatever failed then is
    /// examined once more when the scan is gone on with.
    pub(crate) fn stop_if(&mut self, is_stopped: bool) {
        if is_stopped && matches!(self.outcome, Outcome::Failed(_)) {
            self.skip(Skip::Stopped, String::new());
        }
    }

    /// Whether it was left out since the scan was stopped: whoever goes on with the scan examines it.
    pub(crate) fn is_left_for_next_time(&self) -> bool {
        self.outcome == Outcome::Skipped(Skip::Stopped)
    }

    /// Whether this item makes the result incomplete: [`Outcome::is_unexamined`], and a container that matched and
    /// could not be looked into completely.
    pub fn is_unexamined(&self) -> bool {
        let is_container = self.opened.is_some_and(|opened| opened.kind != PICTURE);
        self.outcome.is_unexamined() || is_container && self.problem.is_some()
    }

    /// Makes it one that failed by a fault of this program.
    pub(crate) fn panicked(mut self, panic: &(dyn std::any::Any + Send)) -> Self {
        self.fail(Failure::Internal, panic_text(panic));
        self
    }

    /// Whether the item is reported: any match with an entry of role match or note.
    pub fn is_finding(&self) -> bool {
        self.matches.iter().any(|found| found.role != Role::Ignore && !found.is_support())
    }

    /// Whether the item counts as found (exit codes 1 and 4): any match with role match.
    pub fn is_found(&self) -> bool {
        self.matches.iter().any(Match::is_found)
    }

    /// The line of `findings.jsonl`, without a line end. `label`, `size`, `pdq`, `pdq_quality` and
    /// the `view` of an exact match are `null` when there is none.
    pub fn finding_json(&self) -> String {
        json(&FindingLine {
            v: FORMAT_VERSION,
            locator: &self.locator,
            size: self.size,
            offset: self.offset,
            capture: self.capture.as_deref().map(CaptureLine::new),
            digests: DigestMap(&self.digests),
            pdq: self.pdq.map(|pdq| pdq.to_string()),
            pdq_quality: self.pdq_quality,
            matches: &self.matches,
        })
    }

    /// The line of `errors.jsonl`, without a line end; none for an item without a problem.
    pub fn error_json(&self) -> Option<String> {
        let problem = self.problem.as_ref()?;
        Some(json(&ErrorLine {
            v: FORMAT_VERSION,
            locator: &self.locator,
            size: self.size,
            offset: self.offset,
            outcome: self.outcome.name(),
            reason: problem.reason,
            detail: &problem.detail,
            compared: self.compared(),
        }))
    }

    /// The line of `items.jsonl`, without a line end.
    pub fn item_json(&self) -> String {
        json(&ItemLine {
            v: FORMAT_VERSION,
            locator: &self.locator,
            size: self.size,
            offset: self.offset,
            capture: self.capture.as_deref().map(CaptureLine::new),
            digests: DigestMap(&self.digests),
            pdq: self.pdq.map(|pdq| pdq.to_string()),
            pdq_quality: self.pdq_quality,
            unread_scans: self.unread_scans,
            opened: self.opened,
            outcome: self.outcome.name(),
            reason: self.outcome.reason(),
            matches: &self.matches,
        })
    }

    // What was compared with the lists in spite of the problem.
    fn compared(&self) -> &'static str {
        match (self.digests.kinds().is_empty(), self.pdq.is_some()) {
            (true, false) => "nothing",
            (true, true) => "near",
            (false, false) => "exact",
            (false, true) => "exact and near",
        }
    }
}

/// What a panic says.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a text").to_owned()
}

#[derive(serde::Serialize)]
struct FindingLine<'r> {
    v: u32,
    locator: &'r [String],
    size: Option<u64>,
    /// Only there for a member of a container that can say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capture: Option<CaptureLine<'r>>,
    digests: DigestMap<'r>,
    pdq: Option<String>,
    pdq_quality: Option<u8>,
    matches: &'r [Match],
}

#[derive(serde::Serialize)]
struct MatchLine<'r> {
    kind: &'static str,
    distance: u32,
    view: Option<&'static str>,
    /// Only there when not all of the picture was compared: left, top, width, height.
    #[serde(skip_serializing_if = "Option::is_none")]
    rectangle: Option<[u32; 4]>,
    /// Only there when the list has a part of its picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry_view: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coarse_distance: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    band: Option<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    plain: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    below_band: bool,
    list: &'r str,
    #[serde(skip_serializing_if = "str::is_empty")]
    list_version: &'r str,
    list_sha256: String,
    entry: &'r str,
    row: u64,
    label: Option<&'r Label>,
    role: &'static str,
    weak: bool,
    disputed: bool,
    /// Only there when it is so: what a scan finds never is.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    support: bool,
}

impl Match {
    /// Whether the match is one by pHash or dHash, which only supports another: hashes of 64 bits
    /// are near to one another by chance too often.
    pub const fn is_support(&self) -> bool {
        self.kind.is_support()
    }

    /// Whether the match makes an item count as found: it has role match, is not only support and not below
    /// the band that was asked for.
    pub fn is_found(&self) -> bool {
        self.role == Role::Match && !self.is_support() && !self.below_band
    }

    /// Brings matches of one item into the order of results: exact ones first, then by distance,
    /// list, entry and kind.
    pub fn sort(matches: &mut [Self]) {
        fn order(found: &Match) -> impl Ord + '_ {
            let Match { kind, distance, list, list_sha256, entry, label, role, .. } = found;
            (kind.is_perceptual(), distance, list, entry, kind, label, role, list_sha256)
        }
        matches.sort_by(|left, right| order(left).cmp(&order(right)));
    }
}

impl Serialize for Match {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        MatchLine::new(self).serialize(serializer)
    }
}

impl<'r> MatchLine<'r> {
    fn new(found: &'r Match) -> Self {
        Self {
            kind: found.kind.name(),
            distance: found.distance,
            view: found.view.map(View::name),
            rectangle: found.view.and_then(|view| view.part.rectangle()).map(corners),
            entry_view: found.entry_view.as_deref(),
            coarse_distance: found.coarse_distance,
            band: found.band.map(Band::name),
            plain: found.plain,
            below_band: found.below_band,
            list: &found.list,
            list_version: &found.list_version,
            list_sha256: to_hex(&found.list_sha256),
            entry: &found.entry,
            row: found.row,
            label: found.label.as_ref(),
            role: found.role.name(),
            weak: found.weak,
            disputed: found.disputed,
            support: found.is_support(),
        }
    }
}

#[derive(serde::Serialize)]
struct ErrorLine<'r> {
    v: u32,
    locator: &'r [String],
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    outcome: &'static str,
    reason: &'static str,
    detail: &'r str,
    compared: &'static str,
}

#[derive(serde::Serialize)]
struct ItemLine<'r> {
    v: u32,
    locator: &'r [String],
    size: Option<u64>,
    /// Only there for a member of a container that can say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capture: Option<CaptureLine<'r>>,
    digests: DigestMap<'r>,
    pdq: Option<String>,
    pdq_quality: Option<u8>,
    #[serde(skip_serializing_if = "is_zero")]
    unread_scans: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    opened: Option<Opened>,
    outcome: &'static str,
    reason: Option<&'static str>,
    matches: &'r [Match],
}

/// What a crawler says, as far as it does.
#[derive(serde::Serialize)]
struct CaptureLine<'r> {
    #[serde(skip_serializing_if = "str::is_empty")]
    target_uri: &'r str,
    #[serde(skip_serializing_if = "str::is_empty")]
    date: &'r str,
    #[serde(skip_serializing_if = "str::is_empty")]
    ip: &'r str,
    #[serde(skip_serializing_if = "str::is_empty")]
    payload_digest: &'r str,
    #[serde(skip_serializing_if = "str::is_empty")]
    record_id: &'r str,
}

impl<'r> CaptureLine<'r> {
    fn new(capture: &'r Capture) -> Self {
        let Capture { target_uri, date, ip, payload_digest, record_id } = capture;
        Self { target_uri, date, ip, payload_digest, record_id }
    }
}

fn corners(Rectangle { left, top, width, height }: Rectangle) -> [u32; 4] {
    [left, top, width, height]
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

struct DigestMap<'r>(&'r Digests);

impl Serialize for DigestMap<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for digest in self.0.iter() {
            map.serialize_entry(digest.kind().name(), &digest.to_string())?;
        }
        map.end()
    }
}

// Strings, numbers and maps with string keys always become JSON.
#[expect(clippy::unwrap_used, reason = "none of the types above can fail to serialise")]
fn json(line: &impl Serialize) -> String {
    serde_json::to_string(line).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lykta_hash::Digest;

    fn record() -> Record {
        Record {
            locator: vec!["/dump/a.zip".into(), "inner/\"b\"\n\\xff.jpg".into()],
            unit: Unit::default(),
            size: Some(3),
            offset: None,
            capture: None,
            opened: None,
            digests: [Digest::Sha1([0xab; 20])].into_iter().collect(),
            pdq: Some(Pdq([0x0f; 32])),
            pdq_quality: Some(88),
            unread_scans: 0,
            matches: vec![Match {
                kind: Kind::Pdq,
                distance: 7,
                view: Some(View::ORIGINAL),
                entry_view: None,
                coarse_distance: Some(3),
                band: Some(Band::Strong),
                plain: false,
                below_band: false,
                list: "l".into(),
                list_version: "2.0/US".into(),
                list_sha256: [0x1d; 32],
                entry: "row 4".into(),
                row: 4,
                label: Some(Label {
                    scheme: "s".into(),
                    version: "1".into(),
                    code: "2".into(),
                    ..Label::default()
                }),
                role: Role::Note,
                weak: false,
                disputed: true,
            }],
            retracted: 0,
            outcome: Outcome::Noted,
            access_time_at_risk: false,
            problem: None,
        }
    }

    #[test]
    fn a_finding_has_the_keys_of_the_contract_in_their_order() {
        let expected = format!(
            concat!(
                r#"{{"v":1,"locator":["/dump/a.zip","inner/\"b\"\n\\xff.jpg"],"size":3,"#,
                r#""digests":{{"sha1":"{sha1}"}},"pdq":"{pdq}","pdq_quality":88,"#,
                r#""matches":[{{"kind":"pdq","distance":7,"view":"original","coarse_distance":3,"band":"strong","list":"l","#,
                r#""list_version":"2.0/US","list_sha256":"{list}","entry":"row 4","row":4,"#,
                r#""label":{{"scheme":"s","version":"1","code":"2"}},"role":"note","weak":false,"disputed":true}}]}}"#
            ),
            sha1 = "ab".repeat(20),
            pdq = "0f".repeat(32),
            list = "1d".repeat(32),
        );
        assert_eq!(record().finding_json(), expected);
    }

    #[test]
    fn what_is_not_known_is_null() {
        let mut record = Record { size: None, pdq: None, pdq_quality: None, ..record() };
        record.matches[0].label = None;
        record.matches[0].view = None;
        let json = record.finding_json();
        for key in ["size", "pdq", "pdq_quality", "label", "view"] {
            assert!(json.contains(&format!("\"{key}\":null")), "{json}");
        }
    }

    #[test]
    fn an_error_says_what_was_compared_all_the_same() {
        assert_eq!(record().error_json(), None);
        let problem = Some(Problem { reason: "changed while it was read", detail: String::new() });
        let line = Record { problem, pdq: None, ..record() }.error_json().unwrap();
        assert!(line.contains(r#""outcome":"noted","reason":"changed while it was read""#), "{line}");
        assert!(line.ends_with(r#""compared":"exact"}"#), "{line}");
    }
}
