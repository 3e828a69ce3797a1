//! Which entries match, and what is said of them.

use lykta_hash::{Kind, Pdq};
use lykta_index::{Index, Role};
use lykta_media::pdq::{Variant, View};
use lykta_scan::{ExactOnly, Match, Options, Outcome, Record, Scanner};

use crate::tree::{
    Row, digest, flat, index, index_with, lighter, mirrored, options, pdq_of, picture, scan_one,
};

fn kinds(record: &Record) -> Vec<(Kind, bool)> {
    record.matches.iter().map(|found| (found.kind, found.weak)).collect()
}

#[test]
fn every_digest_kind_finds_its_file_and_only_its_file() {
    for kind in Kind::DIGESTS {
        let index = index(&[Row("list", Role::Match, "entry", vec![digest(kind, b"known").into()])]);
        let known = scan_one(b"known", &index, options(1));
        assert_eq!(known.outcome, Outcome::MatchedExact);
        let expected = Match {
            kind,
            distance: 0,
            view: None,
            entry_view: None,
            coarse_distance: None,
            band: None,
            plain: false,
            below_band: false,
            list: "list".into(),
            list_version: String::new(),
            list_sha256: [0; 32],
            entry: "entry".into(),
            row: 1,
            label: None,
            role: Role::Match,
            weak: matches!(kind, Kind::Md5 | Kind::Sha1),
            disputed: false,
        };
        assert_eq!(known.matches, [expected]);
        // The second read, for kinds that the index does not hold.
        for reported in [kind, Kind::Sha1, Kind::Sha256] {
            assert_eq!(known.digests.get(reported), Some(digest(reported, b"known")));
        }
        let other = scan_one(b"other", &index, options(1));
        assert_eq!(other.outcome, Outcome::UnmatchedExactOnly(ExactOnly::NotAPicture));
        assert_eq!(other.digests.kinds().iter().collect::<Vec<_>>(), [kind]);
    }
}

#[test]
fn a_weak_digest_is_not_weak_beside_a_strong_one_of_the_same_entry() {
    let (md5, sha1, sha256) = (digest(Kind::Md5, b"x"), digest(Kind::Sha1, b"x"), digest(Kind::Sha256, b"x"));
    let agreed = vec![md5.into(), sha1.into(), sha256.into()];
    let record = scan_one(b"x", &index(&[Row("l", Role::Match, "e", agreed)]), options(1));
    assert_eq!(kinds(&record), [(Kind::Md5, false), (Kind::Sha1, false), (Kind::Sha256, false)]);

    // The strong match is of another entry, or the entry's strong digest is of another file.
    let rows = [
        Row("l", Role::Match, "a", vec![md5.into(), digest(Kind::Sha256, b"y").into()]),
        Row("l", Role::Match, "b", vec![sha256.into()]),
        Row("l", Role::Match, "c", vec![md5.into(), sha1.into()]),
    ];
    let record = scan_one(b"x", &index(&rows), options(1));
    let found: Vec<_> =
        record.matches.iter().map(|found| (found.entry.as_str(), found.kind, found.weak)).collect();
    let expected =
        [("a", Kind::Md5, true), ("b", Kind::Sha256, false), ("c", Kind::Md5, true), ("c", Kind::Sha1, true)];
    assert_eq!(found, expected);
}

#[test]
fn roles_decide_the_outcome_and_all_are_shown() {
    let md5 = || vec![digest(Kind::Md5, b"x").into()];
    let all = [
        Row("noted", Role::Note, "n", md5()),
        Row("ignored", Role::Ignore, "i", md5()),
        Row("found", Role::Match, "f", md5()),
    ];
    let record = scan_one(b"x", &index(&all), options(1));
    assert_eq!(record.outcome, Outcome::MatchedExact);
    let roles: Vec<_> = record.matches.iter().map(|found| found.role).collect();
    assert_eq!(roles, [Role::Match, Role::Ignore, Role::Note], "sorted by list");

    let record = scan_one(b"x", &index(&all[..2]), options(1));
    assert_eq!(record.outcome, Outcome::Noted);
    assert!(record.is_finding() && !record.is_found());
    assert_eq!(record.matches.len(), 2);

    let record = scan_one(b"x", &index(&all[1..2]), options(1));
    assert_eq!(record.outcome, Outcome::Ignored);
    assert!(!record.is_finding());
    assert!(record.matches[0].weak, "an ignore by MD5 alone is weak");
    assert_eq!(record.digests.get(Kind::Sha256), None, "no second read for what is not reported");
}

#[test]
fn a_near_match_has_its_distance_and_its_view() {
    let index = index(&[Row("l", Role::Match, "e", vec![pdq_of(&picture(1)).into()])]);
    let same = scan_one(&picture(1), &index, options(1));
    assert_eq!(same.outcome, Outcome::MatchedNearOnly);
    assert_eq!((same.matches[0].distance, same.matches[0].view), (0, Some(View::ORIGINAL)));
    assert_eq!(same.pdq, Some(pdq_of(&picture(1))));
    assert_eq!(same.digests.get(Kind::Sha256), Some(digest(Kind::Sha256, &picture(1))));

    let lighter = scan_one(&lighter(1), &index, options(1));
    assert_eq!(lighter.outcome, Outcome::MatchedNearOnly);
    assert!(lighter.matches[0].distance <= 31);

    let mirrored = scan_one(&mirrored(1), &index, options(1));
    assert_eq!(mirrored.outcome, Outcome::MatchedNearOnly);
    assert_eq!(mirrored.matches.len(), 1, "one match an entry, not one a view");
    assert_eq!(mirrored.matches[0].view, Some(View { variant: Variant::FlipY, ..View::ORIGINAL }));
    assert!(!mirrored.matches[0].weak);

    assert_eq!(scan_one(&picture(2), &index, options(1)).outcome, Outcome::UnmatchedExactAndNear);
    let far = Options { radius: Some(256), ..options(1) };
    assert_eq!(scan_one(&picture(2), &index, far).outcome, Outcome::MatchedNearOnly);
}

#[test]
fn an_ignore_list_never_suppresses_a_near_match() {
    let bytes = picture(1);
    let rows = [
        Row("known", Role::Match, "e", vec![pdq_of(&bytes).into()]),
        Row("system", Role::Ignore, "i", vec![digest(Kind::Sha1, &bytes).into()]),
    ];
    let record = scan_one(&bytes, &index(&rows), options(1));
    assert_eq!(record.outcome, Outcome::MatchedNearOnly);
    let roles: Vec<_> = record.matches.iter().map(|found| (found.kind, found.role)).collect();
    assert_eq!(roles, [(Kind::Sha1, Role::Ignore), (Kind::Pdq, Role::Match)], "exact before near");
}

#[test]
fn an_ignore_entry_acts_on_digests_only() {
    let rows = [Row("system", Role::Ignore, "i", vec![pdq_of(&picture(1)).into()])];
    let record = scan_one(&picture(1), &index(&rows), options(1));
    assert_eq!(record.outcome, Outcome::UnmatchedExactAndNear);
    assert_eq!(record.matches, []);
}

#[test]
fn flat_pictures_are_not_compared_by_likeness() {
    let far = || Options { radius: Some(256), ..options(1) };
    let any = index(&[Row("l", Role::Match, "e", vec![Pdq([0x5a; 32]).into()])]);
    for min_quality in [50, 0] {
        let record = scan_one(&flat(), &any, Options { min_quality, ..far() });
        assert_eq!(record.outcome, Outcome::UnmatchedExactOnly(ExactOnly::LowQuality));
        assert_eq!(record.pdq_quality, Some(0));
    }
    // The list's own quality counts where it is known.
    let row = || [Row("l", Role::Match, "e", vec![pdq_of(&picture(1)).into()])];
    for (quality, outcome) in [
        // The entry is there: "no match" by likeness would be untrue.
        (Some(49), Outcome::UnmatchedExactOnly(ExactOnly::LowQuality)),
        (Some(50), Outcome::MatchedNearOnly),
        (None, Outcome::MatchedNearOnly),
    ] {
        let record = scan_one(&picture(1), &index_with(&row(), quality), options(1));
        assert_eq!(record.outcome, outcome, "{quality:?}");
    }
}

#[test]
fn views_of_one_entry_in_a_list_are_one_match() {
    let rows = [
        Row("l", Role::Match, "e", vec![pdq_of(&mirrored(1)).into()]),
        Row("l", Role::Match, "e", vec![pdq_of(&picture(1)).into()]),
        Row("l", Role::Match, "", vec![pdq_of(&picture(1)).into()]),
    ];
    let record = scan_one(&picture(1), &index(&rows), options(1));
    let found: Vec<_> = record.matches.iter().map(|m| (m.entry.as_str(), m.distance, m.view)).collect();
    assert_eq!(found, [("e", 0, Some(View::ORIGINAL)), ("row 3", 0, Some(View::ORIGINAL))]);
}

#[test]
fn without_near_search_the_reason_is_given() {
    let exact = index(&[Row("l", Role::Match, "e", vec![digest(Kind::Md5, b"x").into()])]);
    let record = scan_one(&picture(1), &exact, options(1));
    assert_eq!(record.outcome, Outcome::UnmatchedExactOnly(ExactOnly::NoPdqInLists));
    assert_eq!(record.pdq, None);
    let record = scan_one(b"text", &exact, options(1));
    assert_eq!(record.outcome, Outcome::UnmatchedExactOnly(ExactOnly::NotAPicture));
    let near = index(&[Row("l", Role::Match, "e", vec![pdq_of(&picture(1)).into()])]);
    let record = scan_one(&picture(1), &near, Options { near: false, ..options(1) });
    assert_eq!(record.outcome, Outcome::UnmatchedExactOnly(ExactOnly::NearOff));
}

#[test]
fn bytes_at_hand_are_examined_as_files_are() {
    let rows = [
        Row("l", Role::Match, "e", vec![pdq_of(&picture(1)).into(), digest(Kind::Md5, b"x").into()]),
        Row("n", Role::Note, "n", vec![digest(Kind::Blake3, &picture(2)).into()]),
    ];
    let index: Index<Vec<u8>> = index(&rows);
    let scanner = Scanner::new(&index, options(1));
    for bytes in [b"x".to_vec(), b"".to_vec(), picture(1), picture(2), picture(3), flat()] {
        let file = scan_one(&bytes, &index, options(1));
        let memory = scanner.examine_bytes("a\\b", &bytes);
        assert_eq!(memory.locator, ["a\\\\b"]);
        assert_eq!(Record { locator: file.locator.clone(), unit: file.unit, ..memory }, file);
    }
}

#[test]
fn hashes_are_looked_up_in_their_order_by_the_same_rules() {
    let known = pdq_of(&picture(1));
    let mut changed = known;
    changed.0[3] ^= 0b111;
    let rows = [
        Row("l", Role::Match, "picture", vec![known.into(), digest(Kind::Md5, b"x").into()]),
        Row("k", Role::Ignore, "ignored", vec![known.into(), digest(Kind::Md5, b"y").into()]),
    ];
    let asked = [
        changed.into(),
        Pdq([0; 32]).into(),
        digest(Kind::Md5, b"x").into(),
        digest(Kind::Sha1, b"x").into(),
        digest(Kind::Md5, b"y").into(),
        known.into(),
    ];
    let answers = |quality, options: Options| {
        let index = index_with(&rows, quality);
        let answers = Scanner::new(&index, options).look_up(&asked);
        let of = |found: &Match| (found.entry.clone(), found.distance, found.view, found.weak);
        answers.iter().map(|answer| answer.matches.iter().map(of).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    let near = |distance| vec![("picture".to_owned(), distance, Some(View::ORIGINAL), false)];
    let exact = |entry: &str| vec![(entry.to_owned(), 0, None, true)];
    let expected = [near(3), vec![], exact("picture"), vec![], exact("ignored"), near(0)];
    assert_eq!(answers(Some(80), options(1)), expected);

    let without_near = [vec![], vec![], exact("picture"), vec![], exact("ignored"), vec![]];
    assert_eq!(answers(Some(20), options(1)), without_near, "an entry below the gate");
    assert_eq!(answers(None, Options { near: false, ..options(1) }), without_near);
    let narrow = answers(None, Options { radius: Some(2), ..options(1) });
    assert_eq!(narrow[0], []);
    assert_eq!(narrow[5], near(0));
}
