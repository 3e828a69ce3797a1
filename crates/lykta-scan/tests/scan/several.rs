//! Several indexes as one, disputed entries, entries that are hit again and again.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lykta_hash::{Kind, Pdq};
use lykta_index::{Index, Role};
use lykta_scan::{EntrySet, Match, NearMatching, Options, Outcome, Progress, Record, Scanner, Summary};
use lykta_source::{WalkOptions, walk};

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
