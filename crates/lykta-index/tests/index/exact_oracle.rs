//! Exact tables and entries against a plain map.

use std::collections::BTreeMap;

use lykta_hash::{Digest, Hash, Kind, PhotoDna};
use lykta_index::{BuildOptions, Builder, Index, Label, NewEntry, Role, Source};
use proptest::prelude::*;

use crate::made_up::Numbers;

/// A digest with few different values at the front, so that buckets fill unevenly.
fn digest(kind: Kind, seed: u64) -> Digest {
    let mut bytes: [u8; 32] = Numbers(seed).bytes();
    if seed.is_multiple_of(3) {
        bytes[..4].fill(seed as u8 % 2);
    }
    let text = lykta_hash::text::to_hex(&bytes[..kind.byte_len()]);
    Digest::from_hex(kind, text.as_bytes()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// One bucket holds them all, one behind the other, as no list of real digests would have it.
    #[test]
    fn a_crowded_bucket_gives_up_each_of_its_keys(count in 1u8..=255, kind in 0usize..4) {
        let kind = Kind::DIGESTS[kind];
        let crowded = |last: u8| {
            let mut bytes = vec![7; kind.byte_len()];
            *bytes.last_mut().unwrap() = last;
            Digest::from_bytes(kind, &bytes).unwrap()
        };
        let mut builder = Builder::new(BuildOptions::default());
        let list = builder.add_source(Source::default());
        for last in 0..count {
            builder.add(list, &NewEntry { hashes: &[crowded(last).into()], ..NewEntry::default() }).unwrap();
        }
        let index = Index::new(builder.into_bytes().unwrap()).unwrap();
        for last in 0..=u8::MAX {
            let found: Vec<u32> = index.exact(&crowded(last)).map(|entry| entry.id.get()).collect();
            prop_assert_eq!(found, if last < count { vec![u32::from(last)] } else { Vec::new() });
        }
    }

    #[test]
    fn exact_gives_what_a_map_gives(
        rows in prop::collection::vec((0usize..4, 0u64..200, 0usize..3), 0..400)
    ) {
        let mut builder = Builder::new(BuildOptions::default());
        let lists: Vec<_> = ["a", "b", "c"]
            .map(|name| builder.add_source(Source { name: name.into(), ..Source::default() }))
            .to_vec();
        let mut map: BTreeMap<Digest, Vec<u32>> = BTreeMap::new();
        let mut seen: BTreeMap<(Digest, usize), u64> = BTreeMap::new();
        for (id, (kind, seed, list)) in (0..).zip(&rows) {
            let digest = digest(Kind::DIGESTS[*kind], *seed);
            builder.add(lists[*list], &NewEntry { row: 1, hashes: &[digest.into()], ..NewEntry::default() }).unwrap();
            map.entry(digest).or_default().push(id);
            *seen.entry((digest, *list)).or_default() += 1;
        }
        let index = Index::new(builder.into_bytes().unwrap()).unwrap();
        index.verify().unwrap();
        for kind in Kind::DIGESTS {
            for seed in 0..220 {
                let digest = digest(kind, seed);
                let found: Vec<u32> = index.exact(&digest).map(|entry| entry.id.get()).collect();
                prop_assert_eq!(found, map.get(&digest).cloned().unwrap_or_default());
            }
            let expected = map.keys().filter(|digest| digest.kind() == kind).count();
            prop_assert_eq!(index.hash_count(kind), expected as u64);
        }
        // Kinds mixed, more than one block, the last one not full, some digests asked for twice.
        let asked: Vec<Digest> = (0..220)
            .flat_map(|seed| Kind::DIGESTS.map(|kind| digest(kind, seed)))
            .chain(rows.iter().map(|(kind, seed, _)| digest(Kind::DIGESTS[*kind], *seed)))
            .collect();
        let mut found = Vec::new();
        index.exact_batch(&asked, |at, entries| {
            found.push((at, entries.map(|entry| entry.id.get()).collect::<Vec<_>>()));
        });
        let expected: Vec<_> = asked
            .iter()
            .enumerate()
            .filter_map(|(at, digest)| Some((at, map.get(digest)?.clone())))
            .collect();
        prop_assert_eq!(found, expected);
        for (number, source) in index.sources().iter().enumerate() {
            let again: u64 = seen.iter().filter(|((_, list), _)| *list == number).map(|(_, times)| times - 1).sum();
            prop_assert_eq!(source.duplicates, again);
        }
    }

    #[test]
    fn entries_say_what_was_added(
        rows in prop::collection::vec(
            (
                any::<u64>(),
                prop::option::of("[a-c]{1,2}"),
                prop::option::of(("[xy]?", "[12]?", "[ab]?", "[s]?", "[yn]?", "[A]?")),
                prop::option::of("[vw]"),
                prop::option::of(1u8..=100),
                prop::option::of(prop::sample::select(Role::ALL.to_vec())),
                prop::option::of(any::<u8>().prop_map(|byte| [byte; 144])),
            ),
            1..50,
        )
    ) {
        let mut builder = Builder::new(BuildOptions::default());
        let list = builder.add_source(Source { name: "list".into(), role: Role::Note, ..Source::default() });
        let hash = Hash::from(Digest::Sha256([9; 32]));
        for (row, name, label, view, pdq_quality, role, photodna) in &rows {
            let label = label.as_ref().map(|(scheme, version, code, series, victim_identified, site)| Label {
                scheme,
                version,
                code,
                series,
                victim_identified,
                site,
            });
            let entry = NewEntry {
                row: *row,
                name: name.as_deref(),
                hashes: &[hash],
                label,
                view: view.as_deref(),
                pdq_quality: *pdq_quality,
                photodna: photodna.as_ref(),
                role: *role,
            };
            builder.add(list, &entry).unwrap();
        }
        let index = Index::new(builder.into_bytes().unwrap()).unwrap();
        index.verify().unwrap();
        let entries: Vec<_> = index.exact(&Digest::Sha256([9; 32])).collect();
        prop_assert_eq!(entries.len(), rows.len());
        for (entry, (row, name, label, view, pdq_quality, role, photodna)) in entries.iter().zip(&rows) {
            let label = label.as_ref().map(|(scheme, version, code, series, victim_identified, site)| Label {
                scheme,
                version,
                code,
                series,
                victim_identified,
                site,
            });
            prop_assert_eq!(entry.row, *row);
            prop_assert_eq!(entry.name, name.as_deref());
            prop_assert_eq!(entry.label, label);
            prop_assert_eq!(entry.view, view.as_deref());
            prop_assert_eq!(entry.pdq_quality, *pdq_quality);
            prop_assert_eq!(index.photodna(entry.id), photodna.map(PhotoDna::from));
            prop_assert_eq!(entry.role, role.unwrap_or(Role::Note));
            prop_assert_eq!(&entry.source.name, "list");
            prop_assert_eq!(entry.name_or_row().into_owned(), name.clone().unwrap_or(format!("row {row}")));
        }
    }
}

proptest! {
    #[test]
    fn retractions_are_those_that_were_added(
        pairs in prop::collection::vec(("[ab]{0,2}", "[xy]{0,3}"), 0..60),
    ) {
        let mut builder = Builder::new(BuildOptions::default());
        for (list, entry) in &pairs {
            builder.retract(list, entry).unwrap();
        }
        let index = Index::new(builder.into_bytes().unwrap()).unwrap();
        index.verify().unwrap();
        let expected: std::collections::BTreeSet<_> =
            pairs.iter().map(|(list, entry)| (list.as_str(), entry.as_str())).collect();
        prop_assert!(index.retractions().eq(expected.iter().copied()));
        for list in ["", "a", "b", "ab", "c"] {
            for entry in ["", "x", "y", "xx", "yyy", "z"] {
                prop_assert_eq!(index.retracts(list, entry), expected.contains(&(list, entry)));
            }
        }
    }
}

/// Every empty file has the digest of nothing and every flat picture a blank PDQ: in a list, such a
/// hash would accuse them all.
#[test]
fn hashes_of_nothing_are_never_in_an_index() {
    let empty = Digest::from_hex(Kind::Md5, b"d41d8cd98f00b204e9800998ecf8427e").unwrap();
    let real = Digest::Sha1([1; 20]);
    let blank = lykta_hash::Pdq([0xff; 32]);
    let featureless = lykta_hash::Pdq([0x5a; 32]);
    let mut builder = Builder::new(BuildOptions::default());
    let list = builder.add_source(Source::default());
    let hashes = [empty.into(), real.into(), blank.into()];
    builder.add(list, &NewEntry { hashes: &hashes, ..NewEntry::default() }).unwrap();
    let hashes = [featureless.into()];
    builder.add(list, &NewEntry { hashes: &hashes, pdq_quality: Some(0), ..NewEntry::default() }).unwrap();
    let index = Index::new(builder.into_bytes().unwrap()).unwrap();
    assert_eq!(index.kinds().iter().collect::<Vec<_>>(), [Kind::Sha1]);
    assert_eq!(index.exact(&real).count(), 1);
    assert_eq!(index.exact(&empty).count(), 0);
    let mut found = Vec::new();
    index.exact_batch(&[empty, real, empty], |at, _| found.push(at));
    assert_eq!(found, [1]);
    assert!(index.near(&blank, 256).is_empty());
}
