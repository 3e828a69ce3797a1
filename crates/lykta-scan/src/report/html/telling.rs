//! What the summary says, in the language of the page.

use super::PageOptions;
use crate::hits::{MOST_NAMED, shortened};
use crate::report::texts::{self as say, Language, Text};
use crate::summary::{NearMatching, Summary};

/// The result in words, as [`Summary::sentence`] has it.
pub(super) fn sentence(summary: &Summary, language: Language) -> String {
    let outcome = |name: &str| {
        let count = summary.outcomes().find(|(other, _)| *other == name);
        count.map_or(0, |(_, count)| count.items)
    };
    let items = |count| items(count, language);
    let (seen, failed, skipped) = (summary.seen().items, outcome("failed"), outcome("skipped"));
    let examined = (seen - failed - skipped).to_string();
    let mut text = say::SEEN.fill(language, &[&items(seen), &examined]);
    let (found, noted) = (summary.found(), summary.findings() - summary.found());
    text += &match (found, noted) {
        (0, 0) => say::NO_MATCH.fill(language, &[]),
        (found, 0) => say::MATCHED.fill(language, &[&items(found)]),
        (0, noted) => say::NOTED_ONLY.fill(language, &[&items(noted)]),
        (found, noted) => say::MATCHED_AND_NOTED.fill(language, &[&items(found), &items(noted)]),
    };
    for (count, what) in [(failed, say::SOME_FAILED), (skipped, say::SOME_SKIPPED)] {
        if count > 0 {
            text += &what.fill(language, &[&items(count)]);
        }
    }
    if !summary.complete {
        text += say::STOPPED.say(language);
    }
    text
}

fn items(count: u64, language: Language) -> String {
    let text = if count == 1 { say::ITEM } else { say::ITEMS };
    text.fill(language, &[&count.to_string()])
}

/// What a reader must be told, as [`Summary::notes`] has it. A note that the table does not have is told
/// in the words of the summary: better in English than not at all.
pub(super) fn notes(summary: &Summary, options: PageOptions) -> Vec<String> {
    let in_english = known_notes(summary, PageOptions::default());
    let others = summary.notes().into_iter().filter(|note| !in_english.contains(note));
    known_notes(summary, options).into_iter().chain(others).collect()
}

fn known_notes(summary: &Summary, PageOptions { language, redact_names }: PageOptions) -> Vec<String> {
    let counted = |count: u64, one: Text, many: Text| {
        let text = if count == 1 { one } else { many };
        (count > 0).then(|| text.fill(language, &[&count.to_string()]))
    };
    let near = match summary.near {
        NearMatching::Performed { .. } => None,
        NearMatching::Off => Some(say::NEAR_OFF.fill(language, &[])),
        NearMatching::NoPdqInLists => Some(say::NEAR_NO_PDQ.fill(language, &[])),
    };
    let below = summary.below_band();
    let frequent = summary.frequent_entries();
    let frequent = frequent.iter().filter(|entry| !entry.disputed).take(MOST_NAMED).map(|frequent| {
        let (list, entry) = (shortened(&frequent.list), shortened(&frequent.entry));
        let hits = frequent.hits.to_string();
        match redact_names {
            true => say::FREQUENT_UNNAMED.fill(language, &[&list, &hits]),
            false => say::FREQUENT.fill(language, &[&entry, &list, &hits]),
        }
    });
    [
        near,
        counted(summary.access_times_at_risk(), say::ACCESS_TIMES, say::ACCESS_TIMES),
        counted(summary.disputed(), say::DISPUTED_MATCH, say::DISPUTED_MATCHES),
        counted(summary.retracted(), say::RETRACTED_MATCH, say::RETRACTED_MATCHES),
        counted(summary.not_all_read(), say::NOT_ALL_READ, say::NOT_ALL_READ),
        (below > 0).then(|| say::BELOW_BAND.fill(language, &[&items(below, language)])),
    ]
    .into_iter()
    .flatten()
    .chain(frequent)
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{ExactOnly, Failure, Outcome, Skip};
    use crate::record::Record;

    /// The page has its own words for what the summary says: they must be the same.
    #[test]
    fn the_english_page_says_what_the_summary_says() {
        let record = |outcome, change: fn(&mut Record)| {
            let mut record = Record::new(vec!["x".into()], Some(1));
            record.outcome = outcome;
            change(&mut record);
            record
        };
        let records = [
            record(Outcome::UnmatchedExactOnly(ExactOnly::NotAPicture), |record| record.retracted = 1),
            record(Outcome::Failed(Failure::Changed), |record| record.access_time_at_risk = true),
            record(Outcome::Skipped(Skip::TooDeep), |record| record.unread_scans = 2),
            record(Outcome::UnmatchedExactAndNear, |record| record.retracted = 1),
        ];
        for near in [NearMatching::Off, NearMatching::NoPdqInLists] {
            let mut summary = Summary::new(near, 0);
            for record in &records {
                assert_eq!(sentence(&summary, Language::English), summary.sentence());
                assert_eq!(known_notes(&summary, PageOptions::default()), summary.notes());
                summary.add(&crate::account::Account::new(record));
            }
            summary.complete = false;
            assert_eq!(sentence(&summary, Language::English), summary.sentence());
            assert_eq!(known_notes(&summary, PageOptions::default()), summary.notes());
            assert_eq!(summary.notes().len(), 4);
            assert_eq!(notes(&summary, PageOptions::default()).len(), 4);
        }
    }
}
