//! Every item has one outcome, and all of them add up.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use lykta_hash::{Hash, Kind};
use lykta_index::Role;
use lykta_scan::{ExactOnly, Failure, Options, Outcome, Progress, Record, Scanner, Skip};
use lykta_source::{Item, WalkOptions, walk};
use proptest::prelude::*;

use crate::tree::{Row, damaged, digest, flat, index, options, pdq_of, picture, scan, scan_one, write};

#[derive(Clone, Debug)]
enum Thing {
    Text(u8),
    Picture(u8),
    Flat,
    Damaged(u8),
    Link,
}

fn things() -> impl Strategy<Value = Vec<(String, Thing)>> {
    let thing = prop_oneof![
        (0u8..6).prop_map(Thing::Text),
        (0u8..6).prop_map(Thing::Picture),
        Just(Thing::Flat),
        (0u8..3).prop_map(Thing::Damaged),
        Just(Thing::Link),
    ];
    prop::collection::btree_map("[ab]/[a-c]{1,2}/[a-z]{1,3}", thing, 0..20)
        .prop_map(|things| things.into_iter().collect())
}

fn content(thing: &Thing) -> Vec<u8> {
    match thing {
        Thing::Text(seed) => vec![b'a' + seed; 10 + usize::from(*seed)],
        Thing::Picture(seed) => picture((*seed).into()),
        Thing::Flat => flat(),
        Thing::Damaged(seed) => damaged((*seed).into()),
        Thing::Link => Vec::new(),
    }
}

/// By what the test knows of the tree and of the index below, without any code of the crate.
fn expected(thing: &Thing) -> &'static str {
    match thing {
        Thing::Text(0) | Thing::Damaged(0) => "matched_exact",
        Thing::Text(1) => "noted",
        Thing::Text(2) => "ignored",
        Thing::Text(_) | Thing::Flat => "unmatched_exact_only",
        Thing::Picture(0) => "matched_near_only",
        Thing::Picture(_) => "unmatched_exact_and_near",
        Thing::Damaged(_) => "failed",
        Thing::Link => "skipped",
    }
}

fn known() -> Vec<Row<'static>> {
    let md5 = |thing: &Thing| -> Vec<Hash> { vec![digest(Kind::Md5, &content(thing)).into()] };
    vec![
        Row("found", Role::Match, "text", md5(&Thing::Text(0))),
        Row("found", Role::Match, "damaged", md5(&Thing::Damaged(0))),
        Row("found", Role::Match, "picture", vec![pdq_of(&picture(0)).into()]),
        Row("noted", Role::Note, "text", md5(&Thing::Text(1))),
        Row("ignored", Role::Ignore, "text", md5(&Thing::Text(2))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn outcomes_add_up_to_what_is_in_a_tree(
        things in things(), jobs in 1usize..4, most in prop::option::of(0u64..40_000),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let (mut items, mut bytes) = (BTreeMap::<&str, u64>::new(), 0);
        for (name, thing) in &things {
            let path = write(dir.path(), name, &content(thing));
            if let Thing::Link = thing {
                std::fs::remove_file(&path).unwrap();
                #[cfg(unix)]
                std::os::unix::fs::symlink("nowhere", &path).unwrap();
            }
            *items.entry(expected(thing)).or_default() += 1;
            bytes += content(thing).len() as u64;
        }
        let options = Options { max_total_bytes: most, ..options(jobs) };
        let (records, summary) = scan(dir.path(), &index(&known()), options);

        prop_assert_eq!(records.len(), things.len());
        prop_assert_eq!(summary.seen().items, things.len() as u64);
        prop_assert_eq!(summary.seen().bytes, bytes);
        for (name, count) in summary.outcomes() {
            let same: Vec<&Record> = records.iter().filter(|record| record.outcome.name() == name).collect();
            prop_assert_eq!(count.items, same.len() as u64);
            prop_assert_eq!(count.bytes, same.iter().filter_map(|record| record.size).sum::<u64>());
            if same.iter().any(|record| record.outcome.reason().is_some()) {
                prop_assert_eq!(count.items, summary.reasons(name).map(|(_, count)| count.items).sum::<u64>());
                prop_assert_eq!(count.bytes, summary.reasons(name).map(|(_, count)| count.bytes).sum::<u64>());
            }
        }
        if most.is_none() {
            let found: BTreeMap<&str, u64> =
                summary.outcomes().filter(|(_, count)| count.items > 0).map(|(name, count)| (name, count.items)).collect();
            prop_assert_eq!(found, items);
        } else {
            let read: u64 = records
                .iter()
                .filter(|record| !matches!(record.outcome, Outcome::Skipped(_)))
                .filter_map(|record| record.size)
                .sum();
            prop_assert!(read <= most.unwrap());
        }
        for record in &records {
            prop_assert_eq!(
                record.problem.is_some(),
                matches!(record.outcome, Outcome::Failed(_) | Outcome::Skipped(_)) || !record.digests.kinds().is_empty()
                    && record.size == Some(2000),
            );
        }
    }
}

#[test]
fn an_exact_match_outranks_a_damaged_picture_which_is_still_told_of() {
    let record = scan_one(&damaged(0), &index(&known()), options(1));
    assert_eq!(record.outcome, Outcome::MatchedExact);
    assert_eq!(record.problem.as_ref().unwrap().reason, Failure::PictureDamaged.name());
    assert!(record.error_json().unwrap().contains(r#""outcome":"matched_exact""#));

    let record = scan_one(&damaged(1), &index(&known()), options(1));
    assert_eq!(record.outcome, Outcome::Failed(Failure::PictureDamaged));
    assert!(record.error_json().unwrap().contains(r#""compared":"exact""#));
}

/// An ignore list must not hide that a picture could not be compared by likeness.
#[test]
fn an_ignored_picture_that_is_damaged_has_failed() {
    let content = damaged(1);
    let ignored = vec![digest(Kind::Md5, &content).into()];
    let rows = [
        Row("ignored", Role::Ignore, "i", ignored),
        Row("l", Role::Match, "p", vec![pdq_of(&picture(0)).into()]),
    ];
    let record = scan_one(&content, &index(&rows), options(1));
    assert_eq!(record.outcome, Outcome::Failed(Failure::PictureDamaged));
    assert_eq!(record.matches.len(), 1);
    assert!(record.item_json().contains(r#""list":"ignored""#), "{}", record.item_json());
}

#[test]
fn a_picture_of_a_format_that_is_not_decoded_fails_and_says_so() {
    let avif = [b"\0\0\0\x18ftypavif\0\0\0\0mif1avif".as_slice(), &[0; 100]].concat();
    let record = scan_one(&avif, &index(&known()), options(1));
    assert_eq!(record.outcome, Outcome::Failed(Failure::PictureUnsupported));
    assert_eq!(record.problem.unwrap().detail, "not examined: AVIF is not decoded by this build");
}

#[test]
fn a_file_that_vanished_is_a_failed_item() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "a", b"x");
    let items: Vec<Item> = walk(&[dir.path().to_owned()], &WalkOptions::default()).collect();
    std::fs::remove_file(dir.path().join("a")).unwrap();
    let (index, mut records) = (index(&known()), Vec::new());
    let summary = Scanner::new(&index, options(2))
        .run(items.into_iter(), &mut records, &Progress::default(), &AtomicBool::new(false))
        .unwrap();
    assert_eq!(records[0].outcome, Outcome::Failed(Failure::Unreadable("not opened")));
    assert!(records[0].error_json().unwrap().contains(r#""compared":"nothing""#));
    assert_eq!(summary.exit_code(), 3);
}

/// A picture matched and was being touched by another program: the run has to say that its bytes
/// are not certain, and must not lose the match over it.
#[test]
fn a_file_that_changed_is_failed_and_its_match_stays_visible() {
    let dir = tempfile::tempdir().unwrap();
    let content = vec![b'z'; 16 << 20];
    let path = write(dir.path(), "a", &content);
    let index = index(&[Row("l", Role::Match, "e", vec![digest(Kind::Md5, &content).into()])]);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                file.set_modified(std::time::SystemTime::now()).unwrap();
            }
        });
        // The other thread touches the file all the time, so in one of these scans it does so
        // between opening and the end, however busy the machine is.
        let mut seen = None;
        for _ in 0..50 {
            let (records, summary) = scan(dir.path(), &index, options(1));
            if records[0].outcome == Outcome::Failed(Failure::Changed) {
                seen = Some((records, summary));
                break;
            }
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        let (records, summary) = seen.expect("no scan saw the change");
        assert!(records[0].is_found());
        assert_eq!(records[0].matches.len(), 1);
        assert_eq!((summary.found(), summary.unexamined()), (1, 1));
        assert_eq!(summary.exit_code(), 4);
    });
}

#[cfg(unix)]
#[test]
fn links_and_special_files_are_skipped_and_do_not_make_a_result_incomplete() {
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("../else\nwhere", dir.path().join("link")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("socket")).unwrap();
    let (records, summary) = scan(dir.path(), &index(&known()), options(1));
    assert_eq!(records[0].outcome, Outcome::Skipped(Skip::Source("link not followed")));
    let detail = &records[0].problem.as_ref().unwrap().detail;
    assert_eq!(detail, "link not followed: leads to ../else\\x0awhere");
    assert_eq!(records[1].outcome, Outcome::Skipped(Skip::Source("special file")));
    assert_eq!(summary.exit_code(), 0);
    assert_eq!(summary.problems(), 2);
}

#[test]
fn nothing_to_scan_and_an_index_without_entries_work() {
    let dir = tempfile::tempdir().unwrap();
    let empty = index(&[]);
    let (records, summary) = scan(dir.path(), &empty, options(2));
    assert_eq!((records.len(), summary.exit_code()), (0, 0));
    let record = scan_one(b"", &empty, options(1));
    assert_eq!(record.outcome, Outcome::UnmatchedExactOnly(ExactOnly::NotAPicture));
}
