//! The three near structures against a plain look at every hash.

use crate::made_up::{Numbers, hashes, pdq_index};
use lykta_hash::Pdq;
use lykta_index::{Index, Structure};

/// The definition: every entry within the radius, by distance, then by entry.
fn oracle(hashes: &[Pdq], query: &Pdq, radius: u32) -> Vec<(u32, u32)> {
    let distances = (0..).zip(hashes).map(|(entry, hash)| (hash.distance(query), entry));
    let mut near: Vec<(u32, u32)> = distances.filter(|(distance, _)| *distance <= radius).collect();
    near.sort_unstable();
    near
}

fn compare(hashes: &[Pdq], queries: &[Pdq], radii: &[u32]) {
    let indexes = [Structure::Bk, Structure::Mih, Structure::Flat].map(|structure| {
        let index = Index::new(pdq_index(hashes, structure)).unwrap();
        assert_eq!(index.structure(), structure);
        index.verify().unwrap();
        index
    });
    for &radius in radii {
        for index in &indexes {
            let answers = index.near_batch(queries, radius);
            for (query, answer) in queries.iter().zip(&answers) {
                let got: Vec<(u32, u32)> =
                    answer.iter().map(|near| (near.distance, near.entry.get())).collect();
                let expected = oracle(hashes, query, radius);
                let same = got == expected;
                assert!(
                    same,
                    "{} at radius {radius}: {} answers, {} expected",
                    index.structure(),
                    got.len(),
                    expected.len()
                );
                assert!(answer.iter().all(|near| hashes[near.entry.get() as usize] == near.pdq));
            }
        }
    }
}

#[test]
fn structures_agree_with_the_oracle_on_200_000_hashes() {
    let mut numbers = Numbers(1);
    let hashes = hashes(200_000, 700, &mut numbers);
    let mut queries: Vec<Pdq> = (0..4).map(|_| numbers.pdq()).collect();
    // From the random part, from families, and near to both.
    for at in [0, 99_999, 150_000, 175_000, 199_999] {
        queries.push(hashes[at]);
        queries.push(numbers.near(&hashes[at], 45));
    }
    queries.extend([Pdq([0; 32]), Pdq([0xff; 32])]);
    let index = Index::new(pdq_index(&hashes, Structure::Mih)).unwrap();
    assert_eq!(index.plan(31).used, Structure::Mih, "the test must reach multi-index hashing");
    assert_eq!(index.plan(256).used, Structure::Flat, "and its way out");
    compare(&hashes, &queries, &[0, 1, 8, 15, 31, 40, 100, 256]);
}

#[test]
fn structures_agree_on_lists_of_any_small_size_and_at_every_radius() {
    let mut numbers = Numbers(2);
    for count in [1, 2, 7, 8, 9, 63, 64, 65, 66, 130, 1000] {
        let hashes = hashes(count, 20, &mut numbers);
        let queries = [hashes[count / 2], numbers.near(&hashes[0], 30), numbers.pdq()];
        let radii: Vec<u32> = if count < 100 { (0..=257).collect() } else { (0..=256).step_by(16).collect() };
        compare(&hashes, &queries, &radii);
    }
}

/// A list of one series: thousands of hashes within a few bits share buckets in every slot, and all
/// of them have few distances from any pivot.
#[test]
fn one_family_of_thousands_is_answered_exactly() {
    let mut numbers = Numbers(3);
    let centre = numbers.pdq();
    let hashes: Vec<Pdq> = (0..5000).map(|_| numbers.near(&centre, 12)).collect();
    let queries = [centre, numbers.near(&centre, 31), numbers.pdq()];
    compare(&hashes, &queries, &[0, 1, 8, 31, 130]);
}

#[test]
fn a_hash_in_many_rows_gives_all_of_them() {
    let mut numbers = Numbers(4);
    let pdq = numbers.pdq();
    let mut hashes = vec![pdq; 50];
    hashes.extend((0..50).map(|_| numbers.pdq()));
    compare(&hashes, &[pdq], &[0, 31, 256]);
}

/// What groups or converts a list reads all of it: nothing may be missing, and nothing come twice.
#[test]
fn every_hash_is_listed_with_each_of_its_entries() {
    use lykta_hash::{Digest, Kind};
    use lykta_index::{BuildOptions, Builder, NewEntry, Source};
    let mut numbers = Numbers(9);
    let mut expected = Vec::new();
    let mut builder = Builder::new(BuildOptions::default());
    let source = builder.add_source(Source::default());
    let mut last = numbers.pdq();
    for row in 1..=500 {
        last = if row % 3 == 0 { last } else { numbers.pdq() };
        let sha1 = Digest::Sha1(last.0[..20].try_into().unwrap());
        builder
            .add(source, &NewEntry { row, hashes: &[last.into(), sha1.into()], ..NewEntry::default() })
            .unwrap();
        expected.push((last, row as u32 - 1));
    }
    let index = Index::new(builder.into_bytes().unwrap()).unwrap();
    let mut listed: Vec<(Pdq, u32)> = index.pdqs().map(|(pdq, entry)| (pdq, entry.get())).collect();
    listed.sort_unstable();
    expected.sort_unstable();
    assert_eq!(listed, expected);
    let digests: Vec<(Vec<u8>, u32)> =
        index.digests(Kind::Sha1).map(|(digest, entry)| (digest.as_bytes().to_vec(), entry.get())).collect();
    let prefixes: Vec<(Vec<u8>, u32)> =
        expected.iter().map(|(pdq, entry)| (pdq.0[..20].to_vec(), *entry)).collect();
    assert_eq!(digests, prefixes);
    assert_eq!(index.digests(Kind::Sha256).count() + index.digests(Kind::Pdq).count(), 0);
    assert!(index.entries().map(|entry| entry.id.get()).eq(0..500));
}
