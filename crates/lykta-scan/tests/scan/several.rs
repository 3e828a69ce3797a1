//! Several indexes as one, retracted and disputed entries, what lists ask for, entries that are hit again
//! and again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lykta_hash::{Bits64, Digest, Hash, Kind, Pdq};
use lykta_index::{BuildOptions, Builder, Index, NewEntry, Role, Source};
use lykta_scan::{
    Answer, EntrySet, ExactOnly, Match, NearMatching, Options, Outcome, Progress, Record, Scanner, Summary,
};
use lykta_source::{WalkOptions, walk};
use proptest::prelude::*;

use crate::tree::{Row, digest, index, options, pdq_of, picture, scan_into, write};

fn examine(indexes: &[Index<Vec<u8>>], bytes: &[u8]) -> Record {
    Scanner::with_indexes(indexes, options(1)).examine_bytes("item", bytes)
}

fn named(record: &Record) -> Vec<(&str, &str, Kind)> {
    record.matches.iter().map(|found| (found.list.as_str(), found.entry.as_str(), found.kind)).collect()
}

/// A hash three bits away.
fn changed(mut pdq: Pdq) -> Pdq {
    pdq.0[3] ^= 0b111;
    pdq
}

fn base() -> Index<Vec<u8>> {
    index(&[
        Row("base", Role::Match, "text", vec![digest(Kind::Md5, b"x").into()]),
        Row("base", Role::Match, "one", vec![changed(pdq_of(&picture(1))).into()]),
    ])
}

fn daily() -> Index<Vec<u8>> {
    index(&[
        Row("daily", Role::Match, "one", vec![pdq_of(&picture(1)).into()]),
        Row("daily", Role::Match, "text", vec![digest(Kind::Sha256, b"x").into()]),
        Row("notes", Role::Note, "two", vec![pdq_of(&picture(2)).into()]),
    ])
}

#[test]
fn the_answers_of_several_indexes_are_one_whatever_their_order() {
    let (forwards, backwards) = ([base(), daily()], [daily(), base()]);
    for bytes in [b"x".to_vec(), picture(1), picture(2), picture(3), b"other".to_vec()] {
        let both = examine(&forwards, &bytes);
        assert_eq!(both, examine(&backwards, &bytes));
        // As many as each gives alone: they have no entry in common.
        let alone = |at: usize| examine(&forwards[at..=at], &bytes).matches.len();
        assert_eq!(both.matches.len(), alone(0) + alone(1));
    }
    let text = examine(&forwards, b"x");
    assert_eq!(named(&text), [("base", "text", Kind::Md5), ("daily", "text", Kind::Sha256)]);
    assert!(text.matches[0].weak, "the stronger digest is of another list's entry");
    let near = examine(&forwards, &picture(1));
    assert_eq!(named(&near), [("daily", "one", Kind::Pdq), ("base", "one", Kind::Pdq)], "the nearer first");
    assert_eq!(examine(&forwards, &picture(2)).outcome, Outcome::Noted);
}

/// A list that two indexes hold: an older and a newer state of it.
#[test]
fn what_two_indexes_give_alike_is_given_once_and_nearest() {
    let state = |pdq: Pdq| index(&[Row("list", Role::Match, "e", vec![pdq.into()])]);
    let known = pdq_of(&picture(1));
    let indexes = [state(changed(known)), state(known), state(changed(known))];
    let record = examine(&indexes, &picture(1));
    assert_eq!((record.matches.len(), record.matches[0].distance), (1, 0));
    let again = [index(&[Row("l", Role::Match, "e", vec![digest(Kind::Md5, b"x").into()])]), base(), base()];
    assert_eq!(named(&examine(&again, b"x")), [("base", "text", Kind::Md5), ("l", "e", Kind::Md5)]);
}

#[test]
fn hashes_are_looked_up_in_every_index() {
    let indexes = [base(), daily()];
    let asked = [
        digest(Kind::Sha256, b"x").into(),
        pdq_of(&picture(1)).into(),
        digest(Kind::Md5, b"y").into(),
        digest(Kind::Md5, b"x").into(),
    ];
    let answers = Scanner::with_indexes(&indexes, options(1)).look_up(&asked);
    let lists: Vec<Vec<&str>> = answers
        .iter()
        .map(|answer| answer.matches.iter().map(|found| found.list.as_str()).collect())
        .collect();
    assert_eq!(lists, [vec!["daily"], vec!["daily", "base"], vec![], vec!["base"]]);
}

#[test]
fn near_matching_needs_one_index_with_pdq() {
    let exact = || index(&[Row("l", Role::Match, "e", vec![digest(Kind::Md5, b"x").into()])]);
    let near = |indexes: &[Index<Vec<u8>>]| Scanner::with_indexes(indexes, options(1)).near_matching();
    assert_eq!(near(&[exact(), exact()]), NearMatching::NoPdqInLists);
    assert_eq!(near(&[exact(), base()]), NearMatching::Performed { radius: 31, min_quality: 50 });
    assert_eq!(examine(&[exact(), daily()], &picture(1)).outcome, Outcome::MatchedNearOnly);
}

#[test]
fn a_disputed_entry_is_reported_as_ever_and_marked() {
    let indexes = [base(), daily()];
    let mut disputed = EntrySet::default();
    // Another list's entry of the same name is not disputed.
    disputed.insert("base".into(), "one".into());
    disputed.insert("base".into(), "no such entry".into());
    let options = Options { disputed: Arc::new(disputed), ..options(1) };
    let scanner = Scanner::with_indexes(&indexes, options);
    let record = scanner.examine_bytes("item", &picture(1));
    let marked = |matches: &[Match]| -> Vec<_> {
        matches.iter().map(|found| (found.list.clone(), found.disputed)).collect()
    };
    let expected = [("daily".to_owned(), false), ("base".to_owned(), true)];
    assert_eq!(marked(&record.matches), expected);
    assert_eq!(marked(&scanner.look_up(&[pdq_of(&picture(1)).into()])[0].matches), expected);
    let unmarked = examine(&indexes, &picture(1));
    assert_eq!(record.outcome, unmarked.outcome);
    assert!(record.is_found());
}

#[test]
fn an_entry_that_floods_a_scan_is_pointed_out_for_any_number_of_threads() {
    let dir = tempfile::tempdir().unwrap();
    for number in 0..12u64 {
        write(dir.path(), &format!("{number}.txt"), b"blank");
        write(dir.path(), &format!("{number}.pgm"), &picture(number % 3));
    }
    let index = index(&[
        Row("l", Role::Match, "blank", vec![digest(Kind::Md5, b"blank").into()]),
        // Both kinds hit: an item is one hit.
        Row("m", Role::Note, "wave", vec![pdq_of(&picture(1)).into(), digest(Kind::Md5, &picture(1)).into()]),
        Row("n", Role::Ignore, "system", vec![digest(Kind::Md5, b"blank").into()]),
    ]);
    let scan = |jobs, warn_hits| -> Summary {
        scan_into(dir.path(), &index, Options { warn_hits, ..options(jobs) }, &mut Vec::new())
    };
    let told = |summary: &Summary| -> Vec<_> {
        summary.frequent_entries().iter().map(|entry| (entry.entry.clone(), entry.hits)).collect()
    };
    let one = scan(1, 3);
    assert_eq!(told(&one), [("blank".to_owned(), 12), ("wave".to_owned(), 4)]);
    assert_eq!(scan(4, 3).to_json(), one.to_json());
    assert!(one.notes().iter().any(|note| note.starts_with("entry blank of list l matched 12 items")));
    assert_eq!(told(&scan(2, 4)), [("blank".to_owned(), 12)]);
    for never in [0, 12] {
        let summary = scan(2, never);
        assert_eq!((told(&summary), summary.notes()), (vec![], vec![]));
    }
}

#[test]
fn a_scan_of_folders_asks_every_index() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "text", b"x");
    write(dir.path(), "picture", &picture(2));
    let indexes = [base(), daily()];
    let mut records: Vec<Record> = Vec::new();
    let items = walk(&[dir.path().to_owned()], &WalkOptions::default());
    let (progress, stop) = (Progress::default(), AtomicBool::new(false));
    let scanner = Scanner::with_indexes(&indexes, options(2));
    let summary = scanner.run(items, &mut records, &progress, &stop).unwrap();
    assert_eq!((summary.found(), summary.findings()), (1, 2));
    for record in &records {
        assert!([Kind::Md5, Kind::Sha256].iter().all(|kind| record.digests.get(*kind).is_some()));
    }
}

#[test]
fn no_index_is_no_match() {
    let none: [Index<Vec<u8>>; 0] = [];
    let record = examine(&none, &picture(1));
    assert_eq!((record.matches.len(), record.is_found()), (0, false));
    let answers = Scanner::with_indexes(&none, options(1)).look_up(&[Pdq([0x5a; 32]).into()]);
    assert_eq!(answers[0].matches, []);
}

/// An index of one list with one entry for each hash, named by its place, and retractions.
fn listed(list: Source, hashes: &[Hash], quality: Option<u8>, retracted: &[(&str, &str)]) -> Index<Vec<u8>> {
    let mut builder = Builder::new(BuildOptions::default());
    let list = builder.add_source(list);
    for (row, hash) in (0..).zip(hashes) {
        let name = row.to_string();
        let hashes = std::slice::from_ref(hash);
        let entry = NewEntry { row, name: Some(&name), hashes, pdq_quality: quality, ..NewEntry::default() };
        builder.add(list, &entry).unwrap();
    }
    for (list, entry) in retracted {
        builder.retract(list, entry).unwrap();
    }
    Index::new(builder.into_bytes().unwrap()).unwrap()
}

fn source(name: &str) -> Source {
    Source { name: name.into(), ..Source::default() }
}

#[test]
fn an_entry_that_a_later_index_retracts_does_not_match_and_is_counted() {
    let (x, near): (Hash, Hash) = (digest(Kind::Md5, b"x").into(), pdq_of(&picture(1)).into());
    let base = || listed(source("l"), &[x, near], None, &[]);
    let takes_back = |entry| listed(source("m"), &[], None, &[("l", entry)]);

    let record = examine(&[base(), takes_back("0")], b"x");
    assert_eq!((record.matches.len(), record.retracted), (0, 1));
    assert_eq!(record.outcome, Outcome::UnmatchedExactOnly(ExactOnly::NotAPicture));
    let record = examine(&[base(), takes_back("1")], &picture(1));
    assert_eq!((record.outcome, record.retracted), (Outcome::UnmatchedExactAndNear, 1));
    // By name of the list as well, and only what comes before.
    let other = listed(source("l2"), &[x], None, &[]);
    let record = examine(&[base(), other, takes_back("0")], b"x");
    assert_eq!((named(&record), record.retracted), (vec![("l2", "0", Kind::Md5)], 1));
    let record = examine(&[takes_back("0"), base()], b"x");
    assert_eq!((record.matches.len(), record.retracted), (1, 0));
    // Not in its own index, and what is listed again later counts again.
    let own = listed(source("l"), &[x], None, &[("l", "0")]);
    assert_eq!(examine(&[own], b"x").matches.len(), 1);
    let record = examine(&[base(), takes_back("0"), base()], b"x");
    assert_eq!((record.matches.len(), record.retracted), (1, 0), "nothing was left out");

    let indexes = [base(), takes_back("0")];
    let answers = Scanner::with_indexes(&indexes, options(1)).look_up(&[x, near]);
    let told = |answer: &Answer| (answer.matches.len(), answer.retracted);
    assert_eq!(answers.iter().map(told).collect::<Vec<_>>(), [(0, 1), (1, 0)]);
}

#[test]
fn what_was_retracted_is_told_in_the_summary() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "a", b"x");
    write(dir.path(), "b", b"x");
    let x = digest(Kind::Md5, b"x").into();
    let indexes =
        [listed(source("l"), &[x], None, &[]), listed(source("m"), &[], None, &[("l", "0"), ("l", "9")])];
    let items = walk(&[dir.path().to_owned()], &WalkOptions::default());
    let (progress, stop) = (Progress::default(), AtomicBool::new(false));
    let summary =
        Scanner::with_indexes(&indexes, options(2)).run(items, &mut Vec::new(), &progress, &stop).unwrap();
    assert_eq!((summary.retracted(), summary.found(), summary.exit_code()), (2, 0, 0));
    assert!(summary.to_json().contains("\"retracted\": 2"), "{}", summary.to_json());
    assert!(summary.notes()[0].starts_with("near"), "{:?}", summary.notes());
    assert!(summary.notes()[1].starts_with("2 matches left out"), "{:?}", summary.notes());
}

#[test]
fn a_list_has_its_own_radius_and_the_user_the_last_word() {
    let mut nine = pdq_of(&picture(1));
    nine.0[7] ^= 0xff;
    nine.0[8] ^= 1;
    let list =
        |name: &str, near_radius| listed(Source { near_radius, ..source(name) }, &[nine.into()], None, &[]);
    let indexes =
        [list("narrow", Some(8)), list("usual", None), list("exactly", Some(9)), list("wide", Some(60))];
    let matched = |radius| -> Vec<String> {
        let scanner = Scanner::with_indexes(&indexes, Options { radius, ..options(1) });
        let of = |matches: &[Match]| matches.iter().map(|found| found.list.clone()).collect::<Vec<_>>();
        let scanned = of(&scanner.examine_bytes("item", &picture(1)).matches);
        assert_eq!(of(&scanner.look_up(&[pdq_of(&picture(1)).into()])[0].matches), scanned);
        scanned
    };
    assert_eq!(matched(None), ["exactly", "usual", "wide"]);
    assert_eq!(matched(Some(200)), ["exactly", "usual", "wide"], "a limit widens no list");
    assert_eq!(matched(Some(8)), [""; 0]);
    let near = |radius| Scanner::with_indexes(&indexes, Options { radius, ..options(1) }).near_matching();
    assert_eq!(near(None), NearMatching::Performed { radius: 60, min_quality: 50 });
    assert_eq!(near(Some(12)), NearMatching::Performed { radius: 12, min_quality: 50 });
    // Far away: a list that asks for it has it, and no other.
    let far = |near_radius| {
        let index = listed(Source { near_radius, ..source("l") }, &[Pdq([0x5a; 32]).into()], None, &[]);
        examine(&[index], &picture(1)).matches.len()
    };
    assert_eq!((far(Some(256)), far(None)), (1, 0));
}

#[test]
fn a_list_may_ask_for_more_quality() {
    let known = pdq_of(&picture(1));
    let outcome = |list: Option<u8>, asked, entry| {
        let list = Source { min_quality: list, ..source("l") };
        let index = listed(list, &[known.into()], entry, &[]);
        let scanner = Scanner::new(&index, Options { min_quality: asked, ..options(1) });
        let record = scanner.examine_bytes("item", &picture(1));
        let found = !scanner.look_up(&[known.into()])[0].matches.is_empty();
        (record.outcome == Outcome::MatchedNearOnly, found)
    };
    assert_eq!(outcome(Some(70), 50, Some(69)), (false, false));
    assert_eq!(outcome(Some(70), 50, Some(70)), (true, true));
    assert_eq!(outcome(Some(40), 50, Some(45)), (false, false), "the larger holds");
    assert_eq!(outcome(Some(70), 50, None), (true, true), "the list does not say");
}

/// Quality 50 to 99, unlike the other made-up pictures, which have 100.
fn pale_picture() -> (Vec<u8>, Pdq, u8) {
    let any = listed(source("l"), &[Pdq([0x5a; 32]).into()], None, &[]);
    let pale = |divisor: u8| {
        let mut bytes = picture(1);
        let start = bytes.len() - 96 * 96;
        bytes[start..].iter_mut().for_each(|grey| *grey /= divisor);
        let record = Scanner::new(&any, options(1)).examine_bytes("item", &bytes);
        (bytes, record.pdq.unwrap(), record.pdq_quality.unwrap())
    };
    (2..100).map(pale).find(|(_, _, quality)| (50..100).contains(quality)).unwrap()
}

#[test]
fn the_quality_that_a_list_asks_for_holds_for_the_picture_too() {
    let (bytes, pdq, quality) = pale_picture();
    for (asked, outcome) in [
        (quality, Outcome::MatchedNearOnly),
        (quality + 1, Outcome::UnmatchedExactOnly(ExactOnly::LowQuality)),
    ] {
        let list = Source { min_quality: Some(asked), ..source("l") };
        let index = listed(list, &[pdq.into()], None, &[]);
        let scanner = Scanner::new(&index, options(1));
        assert_eq!(scanner.examine_bytes("item", &bytes).outcome, outcome);
        // A hash alone has no quality that could be too low.
        assert_eq!(scanner.look_up(&[pdq.into()])[0].matches.len(), 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Entries of three indexes with two lists of the same names, and retractions of any of them.
    #[test]
    fn retractions_are_those_of_the_definition(
        held in prop::collection::vec(prop::collection::btree_set((0usize..2, 0u8..4), 0..6), 3),
        retracted in prop::collection::vec(prop::collection::btree_set((0usize..2, 0u8..4), 0..4), 3),
    ) {
        const LISTS: [&str; 2] = ["a", "b"];
        let same = Digest::Sha256([7; 32]);
        let build = |entries: &BTreeSet<(usize, u8)>, retracted: &BTreeSet<(usize, u8)>| {
            let mut builder = Builder::new(BuildOptions::default());
            let lists = LISTS.map(|name| builder.add_source(source(name)));
            for (list, entry) in entries {
                let (name, hashes) = (entry.to_string(), [same.into()]);
                let entry = NewEntry { row: 1, name: Some(&name), hashes: &hashes, ..NewEntry::default() };
                builder.add(lists[*list], &entry).unwrap();
            }
            for (list, entry) in retracted {
                builder.retract(LISTS[*list], &entry.to_string()).unwrap();
            }
            Index::new(builder.into_bytes().unwrap()).unwrap()
        };
        let indexes: Vec<_> = held.iter().zip(&retracted).map(|(held, retracted)| build(held, retracted)).collect();
        let counts = |at: usize, entry: &(usize, u8)| {
            held[at].contains(entry) && !retracted[at + 1..].iter().any(|later| later.contains(entry))
        };
        let all: BTreeSet<_> = held.iter().flatten().collect();
        let expected: Vec<(String, String)> = all
            .iter()
            .filter(|entry| (0..3).any(|at| counts(at, entry)))
            .map(|(list, entry)| (LISTS[*list].to_owned(), entry.to_string()))
            .collect();
        let answer = Scanner::with_indexes(&indexes, options(1)).look_up(&[same.into()]).remove(0);
        let found: Vec<_> =
            answer.matches.iter().map(|found| (found.list.clone(), found.entry.clone())).collect();
        prop_assert_eq!(answer.retracted, (all.len() - expected.len()) as u64);
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn hashes_of_64_bits_are_looked_up_by_the_same_rules_and_are_no_finding() {
    let [first, second, far] = [0x0f, 0x1f, 0xf0].map(|byte| Hash::Phash(Bits64([byte; 8])));
    // A list's own radius is of PDQ.
    let base = || listed(Source { near_radius: Some(1), ..source("l") }, &[first, second, far], Some(1), &[]);
    let daily = || listed(source("m"), &[second], None, &[("l", "0")]);
    let ignored = || listed(Source { role: Role::Ignore, ..source("i") }, &[first], None, &[]);
    let indexes = [base(), daily(), ignored()];
    let with_radius = |phash_radius| Options { phash_radius, ..options(1) };

    let scanner = Scanner::with_indexes(&indexes, with_radius(Some(8)));
    let answer = &scanner.look_up(&[first])[0];
    let found: Vec<_> = answer
        .matches
        .iter()
        .map(|found| (found.list.as_str(), found.entry.as_str(), found.distance))
        .collect();
    assert_eq!(found, [("l", "1", 8), ("m", "0", 8)]);
    assert_eq!(answer.retracted, 1);
    assert!(answer.matches.iter().all(|found| found.role == Role::Match && !found.is_found()));
    let near = Record { matches: answer.matches.clone(), ..scanner.examine_bytes("item", b"") };
    assert!(!near.is_finding() && !near.is_found());
    // Five hashes in three indexes; the widest radius has them all by chance.
    let widest = Scanner::with_indexes(&indexes, with_radius(Some(64)));
    assert_eq!(widest.expected_random_hits(Kind::Phash), Some(5.0));
    assert_eq!(widest.expected_random_hits(Kind::Dhash), None, "no radius");
    assert_eq!(widest.expected_random_hits(Kind::Pdq), None, "no PDQ in the lists");
    assert_eq!(widest.expected_random_hits(Kind::Sha1), None);

    let without = Scanner::with_indexes(&indexes, with_radius(None));
    assert_eq!(without.look_up(&[first]), [Answer::default()]);
    let off = Scanner::with_indexes(&indexes, Options { near: false, ..with_radius(Some(8)) });
    assert_eq!(
        (off.look_up(&[first]), off.expected_random_hits(Kind::Phash)),
        (vec![Answer::default()], None)
    );
}
