//! Counts over all items. Whatever was seen is in exactly one of them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::account::Account;
use crate::hits::{FrequentEntry, Hits};
use crate::outcome::{Failure, Outcome, Skip};
use crate::record::FORMAT_VERSION;

/// Levels that are told apart.
const MOST_LEVELS: usize = 64;

/// Items and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Items.
    pub items: u64,
    /// Their lengths together, in bytes; an item of unknown length adds 0.
    pub bytes: u64,
}

impl Count {
    pub(crate) fn add(&mut self, bytes: u64) {
        self.items += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

/// Whether and how pictures are compared by likeness in a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NearMatching {
    /// By PDQ.
    Performed {
        /// Largest distance that is a match, in bits, 0..=256: that of the list with the largest.
        radius: u32,
        /// Least quality of both pictures, 0..=100; lists may ask for more.
        min_quality: u8,
    },
    /// Switched off.
    Off,
    /// The index holds no PDQ.
    NoPdqInLists,
}

impl NearMatching {
    /// What a user must be told, when near matching was not performed.
    pub const fn note(self) -> Option<&'static str> {
        match self {
            Self::Performed { .. } => None,
            Self::Off => Some("near matching not performed: it was switched off"),
            Self::NoPdqInLists => Some("near matching not performed: the lists hold no PDQ"),
        }
    }
}

/// The result of a scan in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Whether every item was seen: false when the scan was stopped early.
    pub complete: bool,
    /// Whether and how pictures were compared by likeness.
    pub near: NearMatching,
    outcomes: [Count; Outcome::NAMES.len()],
    reasons: [BTreeMap<Cow<'static, str>, Count>; Outcome::NAMES.len()],
    /// Outcomes by the number of containers that an item lies in.
    levels: Vec<[Count; Outcome::NAMES.len()]>,
    findings: u64,
    found: u64,
    problems: u64,
    unexamined: u64,
    access_times_at_risk: u64,
    disputed: u64,
    retracted: u64,
    not_all_read: u64,
    silent_workers: u64,
    below_band: u64,
    hits: Hits,
}

impl Summary {
    pub(crate) fn new(near: NearMatching, warn_hits: u64) -> Self {
        Self {
            complete: true,
            near,
            outcomes: Default::default(),
            reasons: Default::default(),
            levels: Vec::new(),
            findings: 0,
            found: 0,
            problems: 0,
            unexamined: 0,
            access_times_at_risk: 0,
            disputed: 0,
            retracted: 0,
            not_all_read: 0,
            silent_workers: 0,
            below_band: 0,
            hits: Hits::new(warn_hits),
        }
    }

    /// Counts an item that is done with.
    pub(crate) fn add(&mut self, account: &Account) {
        let Account { outcome, bytes, .. } = *account;
        self.outcomes[outcome].add(bytes);
        if let Some(reason) = &account.reason {
            self.reasons[outcome].entry(reason.clone()).or_default().add(bytes);
        }
        let level = account.level.min(MOST_LEVELS - 1);
        if self.levels.len() <= level {
            self.levels.resize(level + 1, Default::default());
        }
        self.levels[level][outcome].add(bytes);
        self.findings += u64::from(account.is_finding);
        self.found += u64::from(account.is_found);
        self.problems += u64::from(account.has_problem);
        self.unexamined += u64::from(account.is_unexamined);
        self.access_times_at_risk += u64::from(account.access_time_at_risk);
        self.disputed += account.disputed;
        self.retracted += account.retracted;
        self.not_all_read += u64::from(account.is_not_all_read);
        self.silent_workers += u64::from(account.is_worker_silent);
        self.below_band += u64::from(account.is_below_band);
        self.hits.add(&account.hits);
    }

    /// Everything at one level: 0 is what was listed, 1 what lies in that, and so on. The counts of all levels add
    /// up to [`Summary::outcomes`]; what lies deeper than the last is counted there.
    pub fn levels(&self) -> impl Iterator<Item = impl Iterator<Item = (&'static str, Count)>> {
        self.levels.iter().map(|counts| Outcome::NAMES.into_iter().zip(*counts))
    }

    /// Items that only have matches in a weaker band than was asked for: reported, and not counted as found.
    pub fn below_band(&self) -> u64 {
        self.below_band
    }

    /// Everything that was seen: the sum over all outcomes.
    pub fn seen(&self) -> Count {
        self.outcomes.iter().fold(Count::default(), |sum, count| Count {
            items: sum.items + count.items,
            bytes: sum.bytes.saturating_add(count.bytes),
        })
    }

    /// The outcomes by name, in the order of [`Outcome::NAMES`].
    pub fn outcomes(&self) -> impl Iterator<Item = (&'static str, Count)> {
        Outcome::NAMES.into_iter().zip(self.outcomes)
    }

    /// The reasons of the outcome of that name, sorted; empty for one that has none. They add up
    /// to the outcome.
    pub fn reasons(&self, outcome: &str) -> impl Iterator<Item = (&str, Count)> {
        let at = Outcome::NAMES.iter().position(|name| *name == outcome);
        at.into_iter().flat_map(|at| self.reasons[at].iter().map(|(reason, count)| (&**reason, *count)))
    }

    /// Items that are reported: those with a match or a note.
    pub fn findings(&self) -> u64 {
        self.findings
    }

    /// Items that count as found: those with an entry of role match.
    pub fn found(&self) -> u64 {
        self.found
    }

    /// Items listed with the errors: all failed and skipped ones, and those with an exact hit
    /// whose picture could not be decoded.
    pub fn problems(&self) -> u64 {
        self.problems
    }

    /// Items that could not be examined; see [`Outcome::is_unexamined`].
    pub fn unexamined(&self) -> u64 {
        self.unexamined
    }

    /// Files that could not be read without perhaps setting their times of access.
    pub(crate) fn access_times_at_risk(&self) -> u64 {
        self.access_times_at_risk
    }

    /// Matches with entries that are disputed. They count as any other.
    pub fn disputed(&self) -> u64 {
        self.disputed
    }

    /// Matches left out because a later index retracts their entries.
    pub fn retracted(&self) -> u64 {
        self.retracted
    }

    /// Pictures of which parts that their likeness does not depend on were not read: damage in them was
    /// not seen.
    pub fn not_all_read(&self) -> u64 {
        self.not_all_read
    }

    /// Items of which the watchdog ended the worker. If there is one, another scan may find otherwise: it depends on how
    /// busy the computer is.
    pub fn silent_workers(&self) -> u64 {
        self.silent_workers
    }

    /// Entries that more items matched than [`Options::warn_hits`](crate::Options::warn_hits) says,
    /// most hits first. Entries of role ignore are not counted. When very many entries were
    /// matched, only some of them were counted, and a note says so.
    pub fn frequent_entries(&self) -> Vec<&FrequentEntry> {
        self.hits.frequent()
    }

    /// What a reader of the result must be told beside the counts, a sentence each. Names of lists
    /// and entries in them are as the lists have them, so not to be shown on a terminal as they are.
    pub fn notes(&self) -> Vec<String> {
        let at_risk = (self.access_times_at_risk > 0).then(|| {
            let files = self.access_times_at_risk;
            format!("times of access may have changed: the system did not allow reading {files} of the files without")
        });
        let disputed = (self.disputed > 0)
            .then(|| format!("{} with disputed entries, which count as any other", matches(self.disputed)));
        let retracted = (self.retracted > 0)
            .then(|| format!("{} left out: a later index retracts their entries", matches(self.retracted)));
        let not_all_read = (self.not_all_read > 0).then(|| {
            let pictures = self.not_all_read;
            format!(
                "damage may be unseen in the colours of {pictures} of the JPEGs: they are in scans of their own, \
                 which were not read"
            )
        });
        let below_band = (self.below_band > 0).then(|| {
            format!(
                "{} in a weaker band than was asked for alone: reported, and not counted",
                items(self.below_band)
            )
        });
        let silent = (self.silent_workers > 0).then(|| {
            format!(
                "another scan may find otherwise: the watchdog ended the worker of {}, which depends on how busy the computer was",
                items(self.silent_workers)
            )
        });
        let near = self.near.note().map(str::to_owned);
        near.into_iter()
            .chain(at_risk)
            .chain(disputed)
            .chain(retracted)
            .chain(not_all_read)
            .chain(silent)
            .chain(below_band)
            .chain(self.hits.notes())
            .collect()
    }

    /// What a program that scans exits with: 0 complete and nothing found, 1 complete and
    /// something found, 3 and 4 the same when some item could not be examined, 2 when the scan was
    /// stopped early.
    pub fn exit_code(&self) -> u8 {
        exit_code(self.complete, self.unexamined, self.found)
    }

    /// The result in words, one sentence.
    pub fn sentence(&self) -> String {
        let [failed, skipped] = [Outcome::Failed(Failure::Internal), Outcome::Skipped(Skip::Stopped)]
            .map(|outcome| self.outcomes[outcome.index()].items);
        let seen = self.seen().items;
        let mut text = format!("{} seen, {} examined: ", items(seen), seen - failed - skipped);
        text += &match (self.found, self.findings - self.found) {
            (0, 0) => "no match in the lists given".to_owned(),
            (found, 0) => format!("{} matched", items(found)),
            (0, noted) => format!("{} noted, no match otherwise", items(noted)),
            (found, noted) => format!("{} matched, {} noted", items(found), items(noted)),
        };
        for (count, what) in [(failed, "failed"), (skipped, "skipped")] {
            if count > 0 {
                text += &format!("; {} {what}", items(count));
            }
        }
        if !self.complete {
            text += "; the scan was stopped before its end";
        }
        text
    }

    /// The content of `summary.json`, with a line end. No clock in it.
    #[expect(clippy::unwrap_used, reason = "counts and names always serialise")]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap() + "\n"
    }

    /// The same in one line, without a line end.
    #[expect(clippy::unwrap_used, reason = "counts and names always serialise")]
    pub fn to_json_line(&self) -> String {
        serde_json::to_string(self).unwrap()
    }
}

/// The exit code of a scan with so many unexamined and found items.
pub(crate) fn exit_code(complete: bool, unexamined: u64, found: u64) -> u8 {
    match (complete, unexamined > 0, found > 0) {
        (false, _, _) => 2,
        (true, false, false) => 0,
        (true, false, true) => 1,
        (true, true, false) => 3,
        (true, true, true) => 4,
    }
}

fn matches(count: u64) -> String {
    format!("{count} match{}", if count == 1 { "" } else { "es" })
}

fn items(count: u64) -> String {
    format!("{count} item{}", if count == 1 { "" } else { "s" })
}

impl Serialize for Summary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let levels: Vec<BTreeMap<&str, Count>> = self.levels().map(|counts| counts.collect()).collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("v", &FORMAT_VERSION)?;
        map.serialize_entry("complete", &self.complete)?;
        map.serialize_entry("seen", &self.seen())?;
        map.serialize_entry("outcomes", &Outcomes(self))?;
        map.serialize_entry("levels", &levels)?;
        map.serialize_entry("findings", &self.findings)?;
        map.serialize_entry("found", &self.found)?;
        map.serialize_entry("problems", &self.problems)?;
        map.serialize_entry("unexamined", &self.unexamined)?;
        map.serialize_entry("disputed", &self.disputed)?;
        map.serialize_entry("retracted", &self.retracted)?;
        map.serialize_entry("not_all_read", &self.not_all_read)?;
        map.serialize_entry("below_band", &self.below_band)?;
        map.serialize_entry("near", &self.near)?;
        map.serialize_entry("frequent_entries", &self.frequent_entries())?;
        map.serialize_entry("frequent_entries_complete", &self.hits.all_counted())?;
        map.serialize_entry("notes", &self.notes())?;
        map.end()
    }
}

impl Serialize for NearMatching {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("performed", &matches!(self, Self::Performed { .. }))?;
        if let Self::Performed { radius, min_quality } = self {
            map.serialize_entry("kind", "pdq")?;
            map.serialize_entry("radius", radius)?;
            map.serialize_entry("min_quality", min_quality)?;
        }
        map.end()
    }
}

struct Outcomes<'s>(&'s Summary);

impl Serialize for Outcomes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, count) in self.0.outcomes() {
            let reasons: BTreeMap<_, _> = self.0.reasons(name).collect();
            let reasons = REASONED.contains(&name).then_some(reasons);
            map.serialize_entry(name, &WithReasons { items: count.items, bytes: count.bytes, reasons })?;
        }
        map.end()
    }
}

/// The outcomes that are always broken down, even when there are none.
const REASONED: [&str; 3] = ["unmatched_exact_only", "failed", "skipped"];

#[derive(Serialize)]
struct WithReasons<'s> {
    items: u64,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasons: Option<BTreeMap<&'s str, Count>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{ExactOnly, Failure, Skip};
    use crate::record::{Match, Record};
    use lykta_hash::Kind;
    use lykta_index::Role;

    fn record(outcome: Outcome, size: u64, role: Option<Role>) -> Record {
        let found = role.map(|role| Match {
            kind: Kind::Md5,
            distance: 0,
            view: None,
            entry_view: None,
            coarse_distance: None,
            band: None,
            plain: false,
            below_band: false,
            list: String::new(),
            list_version: String::new(),
            list_sha256: [0; 32],
            entry: String::new(),
            row: 1,
            label: None,
            role,
            weak: true,
            disputed: false,
        });
        let matches = found.into_iter().collect();
        Record { matches, outcome, ..Record::new(vec![], Some(size)) }
    }

    fn summary(records: &[Record]) -> Summary {
        let mut summary = Summary::new(NearMatching::Off, 0);
        records.iter().for_each(|record| summary.add(&Account::new(record)));
        summary
    }

    #[test]
    fn exit_codes_are_those_of_the_contract() {
        let plain = record(Outcome::UnmatchedExactOnly(ExactOnly::NotAPicture), 1, None);
        let found = record(Outcome::MatchedExact, 1, Some(Role::Match));
        let noted = record(Outcome::Noted, 1, Some(Role::Note));
        let failed = record(Outcome::Failed(Failure::Unreadable("not opened")), 1, None);
        let link = record(Outcome::Skipped(Skip::Source("link not followed")), 0, None);
        // What a changed file matched stays visible, and counts.
        let both = record(Outcome::Failed(Failure::Changed), 1, Some(Role::Match));
        for (records, code) in [
            (vec![], 0),
            (vec![plain.clone(), link, noted], 0),
            (vec![plain.clone(), found.clone()], 1),
            (vec![plain, failed.clone()], 3),
            (vec![found, failed], 4),
            (vec![both], 4),
        ] {
            let mut summary = summary(&records);
            assert_eq!(summary.exit_code(), code, "{summary:?}");
            summary.complete = false;
            assert_eq!(summary.exit_code(), 2);
        }
    }

    #[test]
    fn reasons_add_up_to_their_outcome() {
        let summary = summary(&[
            record(Outcome::Skipped(Skip::Source("link not followed")), 1, None),
            record(Outcome::Skipped(Skip::ItemTooLarge), 10, None),
            record(Outcome::Skipped(Skip::ItemTooLarge), 100, None),
        ]);
        let reasons: Vec<_> = summary.reasons("skipped").collect();
        assert_eq!(
            reasons,
            [
                (Skip::ItemTooLarge.name(), Count { items: 2, bytes: 110 }),
                ("link not followed", Count { items: 1, bytes: 1 })
            ]
        );
        assert_eq!(summary.seen(), Count { items: 3, bytes: 111 });
        assert_eq!(summary.reasons("noted").count(), 0);
    }

    #[test]
    fn levels_add_up_to_the_outcomes() {
        let mut inner = record(Outcome::Ignored, 5, None);
        inner.locator = vec!["a.zip".into(), "b".into()];
        let summary = summary(&[record(Outcome::Ignored, 1, None), inner.clone(), inner]);
        let ignored: Vec<Count> =
            summary.levels().map(|mut level| level.find(|(name, _)| *name == "ignored").unwrap().1).collect();
        assert_eq!(ignored, [Count { items: 1, bytes: 1 }, Count { items: 2, bytes: 10 }]);
        assert_eq!(summary.seen(), Count { items: 3, bytes: 11 });
    }

    #[test]
    fn what_was_left_out_is_not_called_examined() {
        let skipped = record(Outcome::Skipped(Skip::ItemTooLarge), 1, None);
        assert_eq!(
            summary(&[skipped.clone(), skipped]).sentence(),
            "2 items seen, 0 examined: no match in the lists given; 2 items skipped"
        );
        let found = record(Outcome::MatchedExact, 1, Some(Role::Match));
        let failed = record(Outcome::Failed(Failure::Changed), 1, None);
        assert_eq!(
            summary(&[found, failed]).sentence(),
            "2 items seen, 1 examined: 1 item matched; 1 item failed"
        );
    }

    #[test]
    fn files_that_could_not_be_read_without_a_trace_are_told_of() {
        let mut noticed = record(Outcome::UnmatchedExactAndNear, 1, None);
        noticed.access_time_at_risk = true;
        let kept = record(Outcome::UnmatchedExactAndNear, 1, None);
        let near = NearMatching::Performed { radius: 31, min_quality: 50 };
        let mut summary = Summary::new(near, 0);
        summary.add(&Account::new(&kept));
        assert_eq!(summary.notes(), Vec::<String>::new());
        summary.add(&Account::new(&noticed));
        assert!(summary.notes()[0].contains("reading 1 of the files"), "{:?}", summary.notes());
    }

    #[test]
    fn what_was_marked_or_left_out_is_counted_and_told() {
        let mut found = record(Outcome::MatchedExact, 1, Some(Role::Match));
        found.matches[0].disputed = true;
        let left_out =
            Record { retracted: 2, ..record(Outcome::UnmatchedExactOnly(ExactOnly::NotAPicture), 1, None) };
        let summary = summary(&[found, left_out]);
        assert_eq!((summary.disputed(), summary.retracted(), summary.found()), (1, 2, 1));
        let notes = summary.notes();
        assert!(notes.iter().any(|note| note.starts_with("1 match with disputed entries")), "{notes:?}");
        assert!(notes.iter().any(|note| note.starts_with("2 matches left out")), "{notes:?}");
    }

    #[test]
    fn pictures_that_were_not_read_to_the_last_scan_are_told_of() {
        let whole = record(Outcome::UnmatchedExactAndNear, 1, None);
        let summary = summary(&[Record { unread_scans: 4, ..whole.clone() }, whole]);
        assert_eq!(summary.not_all_read(), 1);
        assert!(summary.notes().iter().any(|note| note.contains("colours of 1 of the JPEGs")));
    }

    #[test]
    fn the_json_says_why_near_matching_was_not_performed() {
        let json = Summary::new(NearMatching::NoPdqInLists, 0).to_json();
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["notes"][0], "near matching not performed: the lists hold no PDQ");
        assert_eq!(value["near"]["performed"], false);
        assert_eq!(value["outcomes"]["failed"]["items"], 0);
    }
}
