//! Search over 64-bit hashes against a plain look at every one.

use crate::made_up::Numbers;
use lykta_hash::{Bits64, Hash, Kind, Pdq};
use lykta_index::{BuildOptions, Builder, Index, NewEntry, Source};
use proptest::prelude::*;

/// Makes a hash of one kind.
type Make = fn(Bits64) -> Hash;

const KINDS: [(Kind, Make); 2] = [(Kind::Phash, Hash::Phash), (Kind::Dhash, Hash::Dhash)];

/// An index in which entry `i` has the hashes at `i` of each kind; some have none of a kind.
fn index(rows: &[[Option<Bits64>; 2]]) -> Index<Vec<u8>> {
    let mut builder = Builder::new(BuildOptions::default());
    let list = builder.add_source(Source { name: "made up".into(), ..Source::default() });
    for (row, hashes) in (1..).zip(rows) {
        let hashes = KINDS.iter().zip(hashes).filter_map(|((_, hash), bits)| bits.map(hash));
        // A neighbour of another kind must not be taken for one.
        let hashes: Vec<Hash> = hashes.chain([Pdq([0x5a; 32]).into()]).collect();
        builder.add(list, &NewEntry { row, hashes: &hashes, ..NewEntry::default() }).unwrap();
    }
    Index::new(builder.into_bytes().unwrap()).unwrap()
}

/// The definition: every entry within the radius, by distance, then by entry; blank ones never.
fn oracle(
    rows: &[[Option<Bits64>; 2]],
    which: usize,
    query: &Bits64,
    radius: u32,
) -> Vec<(u32, u32, Bits64)> {
    let mut near: Vec<_> = (0..)
        .zip(rows)
        .filter_map(|(entry, hashes)| Some((entry, hashes[which]?)))
        .filter(|(_, hash)| !hash.is_blank() && hash.distance(query) <= radius)
        .map(|(entry, hash)| (hash.distance(query), entry, hash))
        .collect();
    near.sort_unstable();
    near
}

fn compare(rows: &[[Option<Bits64>; 2]], queries: &[Bits64], radii: impl IntoIterator<Item = u32>) {
    let index = index(rows);
    index.verify().unwrap();
    for (radius, (which, (kind, _))) in
        radii.into_iter().flat_map(|radius| KINDS.iter().enumerate().map(move |kind| (radius, kind)))
    {
        let answers = index.near64_batch(*kind, queries, radius);
        for (query, answer) in queries.iter().zip(&answers) {
            let got: Vec<_> =
                answer.iter().map(|near| (near.distance, near.entry.get(), near.hash)).collect();
            assert!(got == oracle(rows, which, query, radius), "{kind} {query} at radius {radius}: {got:?}");
            assert_eq!(&index.near64(*kind, query, radius), answer, "one at a time");
        }
    }
}

#[test]
fn families_and_repetitions_are_answered_exactly() {
    let mut numbers = Numbers(64);
    let centre = numbers.next();
    let member = |numbers: &mut Numbers| {
        let turned = (0..numbers.below(12)).fold(0, |bits, _| bits | 1u64 << numbers.below(64));
        Some(Bits64((centre ^ turned).to_be_bytes()))
    };
    let rows: Vec<[Option<Bits64>; 2]> = (0..20_000)
        .map(|row| match row % 4 {
            0 => [Some(Bits64(numbers.bytes())), member(&mut numbers)],
            1 => [member(&mut numbers), None],
            2 => [None, Some(Bits64(numbers.bytes()))],
            _ => [Some(Bits64(numbers.next().to_be_bytes())), Some(Bits64(centre.to_be_bytes()))],
        })
        .collect();
    let queries =
        [Bits64(centre.to_be_bytes()), Bits64(numbers.bytes()), rows[0][0].unwrap(), Bits64([0; 8])];
    compare(&rows, &queries, [0, 1, 4, 10, 31, 64, u32::MAX]);
}

#[test]
fn other_kinds_and_indexes_without_such_hashes_give_nothing() {
    let hash = Bits64(*b"8 bytes!");
    let with = index(&[[Some(hash), None]]);
    assert_eq!(with.near64(Kind::Phash, &hash, 0).len(), 1);
    assert_eq!((with.hash_count(Kind::Phash), with.hash_count(Kind::Dhash)), (1, 0));
    assert!(with.kinds().contains(Kind::Phash) && !with.kinds().contains(Kind::Dhash));
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Phash) {
        assert_eq!(with.near64(kind, &hash, 64), [], "{kind}");
    }
    assert_eq!(index(&[]).near64_batch(Kind::Phash, &[hash, hash], 64), [vec![], vec![]]);
}

/// Every flat picture has such a hash.
#[test]
fn blank_hashes_are_not_stored() {
    let index = index(&[[Some(Bits64([0; 8])), Some(Bits64([0xff; 8]))]]);
    assert!(index.kinds().iter().eq([Kind::Pdq]));
    assert_eq!(index.near64(Kind::Phash, &Bits64([0; 8]), 64), []);
}

/// Few bits in use, so that hashes are equal or near to one another.
fn bits() -> impl Strategy<Value = Option<Bits64>> {
    prop::option::of(any::<u64>().prop_map(|bits| Bits64((bits & 0xc000_0300_0000_1803).to_be_bytes())))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn small_lists_are_answered_exactly_at_every_radius(
        rows in prop::collection::vec([bits(), bits()], 0..90),
        queries in prop::collection::vec(any::<u64>(), 0..3),
    ) {
        let mut queries: Vec<Bits64> = queries.iter().map(|query| Bits64(query.to_be_bytes())).collect();
        queries.extend(rows.first().and_then(|hashes| hashes[0]));
        compare(&rows, &queries, (0..=12).chain([32, 63, 64, 65]));
    }
}
