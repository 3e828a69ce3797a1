//! The desk dump is what a test of a scan needs: pictures that PDQ can tell apart, in many places, always the same.

use std::collections::BTreeSet;

use lykta::media::{Limits, decode, pdq};

#[test]
fn listed_pictures_have_detail_and_are_far_apart() {
    let desk = lykta_testdata::desk().unwrap();
    let listed: Vec<_> = desk.planted.iter().filter(|planted| planted.is_exact).collect();
    assert!(listed.len() >= 40, "{}", listed.len());
    let hashes: Vec<_> = listed
        .iter()
        .map(|planted| pdq::hash(&decode(&planted.bytes, &Limits::default()).unwrap(), pdq::Mode::Full))
        .collect();
    for (planted, hash) in listed.iter().zip(&hashes) {
        assert!(hash.quality >= 50, "{}: quality {}", planted.entry, hash.quality);
    }
    for (number, one) in hashes.iter().enumerate() {
        for other in &hashes[number + 1..] {
            assert!(one.pdq.distance(&other.pdq) > 62, "too near to tell a copy from another picture");
        }
    }
    let entries: BTreeSet<_> = listed.iter().map(|planted| &planted.entry).collect();
    assert_eq!(entries.len(), listed.len(), "each has its own entry");
}

#[test]
fn copies_have_other_bytes_and_are_near() {
    let desk = lykta_testdata::desk().unwrap();
    let copies: Vec<_> = desk.planted.iter().filter(|planted| !planted.is_exact).collect();
    assert!(copies.len() >= 25, "{}", copies.len());
    for copy in copies {
        let original =
            desk.planted.iter().find(|planted| planted.is_exact && planted.entry == copy.entry).unwrap();
        assert_ne!(copy.bytes, original.bytes);
        let [one, other] = [original, copy].map(|planted| {
            pdq::hash(&decode(&planted.bytes, &Limits::default()).unwrap(), pdq::Mode::Full).pdq
        });
        assert!(one.distance(&other) <= 24, "{}: {} bits", copy.entry, one.distance(&other));
    }
}

#[test]
fn it_is_the_same_each_time() {
    let [one, other] = [lykta_testdata::desk().unwrap(), lykta_testdata::desk().unwrap()];
    assert!(
        one.files
            .iter()
            .zip(&other.files)
            .all(|(one, other)| one.path == other.path && one.bytes == other.bytes)
    );
    assert_eq!(one.list().unwrap(), other.list().unwrap());
    let paths: BTreeSet<_> = one.files.iter().map(|file| &file.path).collect();
    assert_eq!(paths.len(), one.files.len());
}
