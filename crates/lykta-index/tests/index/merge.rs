//! Several indexes merged: one that answers as all of them do.

use lykta_hash::{Digest, Hash, Pdq};
use lykta_index::{BuildOptions, Builder, Entry, Index, Label, NewEntry, Role, Source};
use proptest::prelude::*;

use crate::made_up::{Numbers, full_index};

/// A row: which of a few pictures, whether it has a name, and what else it has.
type Row = (u64, Option<u8>, u8);

/// An index of one list of `rows` and the retractions of `pairs`.
fn index(list: &str, rows: &[Row], retracted: &[(u8, u8)]) -> Index<Vec<u8>> {
    let mut builder = Builder::new(BuildOptions::default());
    let source = builder.add_source(Source { name: list.into(), near_radius: Some(9), ..Source::default() });
    for (row, (picture, name, extra)) in (1..).zip(rows) {
        let mut numbers = Numbers(*picture);
        let hashes: [Hash; 4] = [
            Digest::Sha1(numbers.bytes()).into(),
            Digest::Md5(numbers.bytes()).into(),
            numbers.pdq().into(),
            Hash::Phash(lykta_hash::Bits64(numbers.bytes())),
        ];
        let name = name.map(|name| format!("n{name}"));
        let code = format!("{extra}");
        let photodna = [*extra; 144];
        let entry = NewEntry {
            row: row + u64::from(extra % 2),
            name: name.as_deref(),
            hashes: &hashes[usize::from(extra % 3)..],
            label: (extra % 4 == 0).then_some(Label { code: &code, ..Label::default() }),
            view: (extra % 5 == 0).then_some("centre"),
            pdq_quality: Some(80),
            photodna: (extra % 7 == 0).then_some(&photodna),
            role: (extra % 3 == 1).then_some(Role::Note),
        };
        builder.add(source, &entry).unwrap();
    }
    for (list, entry) in retracted {
        builder.retract(&format!("list {list}"), &retracted_name(*entry)).unwrap();
    }
    Index::new(builder.into_bytes().unwrap()).unwrap()
}

/// A name, or a row of an entry without one.
fn retracted_name(entry: u8) -> String {
    if entry.is_multiple_of(2) { format!("n{}", entry / 2) } else { format!("row {}", entry / 2) }
}

/// What tells entries apart but their numbers, which are others in another index.
fn shown(index: &Index<Vec<u8>>, entry: &Entry<'_>) -> String {
    let photodna = index.photodna(entry.id);
    let Entry { source, role, row, name, label, view, pdq_quality, .. } = entry;
    format!("{source:?} {role:?} {row} {name:?} {label:?} {view:?} {pdq_quality:?} {photodna:?}")
}

/// The entries of an index that no later one retracts.
fn counts(indexes: &[Index<Vec<u8>>], at: usize, entry: &Entry<'_>) -> bool {
    let (list, name) = (&entry.source.name, entry.name_or_row());
    !indexes[at + 1..].iter().any(|later| later.retracts(list, &name))
}

fn merged(indexes: &[Index<Vec<u8>>]) -> Index<Vec<u8>> {
    let mut builder = Builder::new(BuildOptions::default());
    for (at, index) in indexes.iter().enumerate() {
        builder.add_index(index, |entry| counts(indexes, at, entry)).unwrap();
    }
    Index::new(builder.into_bytes().unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_merged_index_answers_as_all_of_them(
        parts in prop::collection::vec(
            (
                prop::collection::vec((0u64..20, prop::option::of(0u8..6), any::<u8>()), 0..60),
                prop::collection::vec((0u8..4, 0u8..12), 0..8),
            ),
            1..4,
        ),
    ) {
        let indexes: Vec<_> = (0..)
            .zip(&parts)
            .map(|(number, (rows, retracted))| index(&format!("list {number}"), rows, retracted))
            .collect();
        let merged = merged(&indexes);
        merged.verify().unwrap();
        for picture in 0..22 {
            let mut numbers = Numbers(picture);
            let digests: [Digest; 2] = [Digest::Sha1(numbers.bytes()), Digest::Md5(numbers.bytes())];
            let pdq: Pdq = numbers.pdq();
            for digest in digests {
                let all = indexes.iter().enumerate().flat_map(|(at, index)| {
                    let counted = index.exact(&digest).filter(|entry| counts(&indexes, at, entry));
                    counted.map(|entry| shown(index, &entry)).collect::<Vec<_>>()
                });
                let one = merged.exact(&digest).map(|entry| shown(&merged, &entry));
                prop_assert!(one.eq(all));
            }
            let near = |index: &Index<Vec<u8>>, counts: &dyn Fn(&Entry<'_>) -> bool| -> Vec<_> {
                let found = index.near(&pdq, 120).into_iter().map(|near| (near, index.entry(near.entry).unwrap()));
                let counted = found.filter(|(_, entry)| counts(entry));
                counted.map(|(near, entry)| (near.distance, near.pdq, shown(index, &entry))).collect()
            };
            let mut all: Vec<_> = (0..)
                .zip(&indexes)
                .flat_map(|(at, index)| near(index, &|entry| counts(&indexes, at, entry)))
                .collect();
            // By distance, then by entry: those of earlier indexes first.
            all.sort_by_key(|(distance, _, _)| *distance);
            prop_assert_eq!(near(&merged, &|_| true), all);
        }
        // Every row has a PDQ hash, by which it is found, and a pHash.
        let mut kept = std::collections::BTreeSet::new();
        for (at, (rows, _)) in parts.iter().enumerate() {
            for near in indexes[at].near(&Pdq([0; 32]), 256) {
                if counts(&indexes, at, &indexes[at].entry(near.entry).unwrap()) {
                    kept.insert(rows[near.entry.get() as usize].0);
                }
            }
        }
        prop_assert_eq!(merged.hash_count(lykta_hash::Kind::Phash), kept.len() as u64);
        let sources: Vec<_> = indexes.iter().flat_map(|index| index.sources().to_vec()).collect();
        prop_assert_eq!(merged.sources(), sources, "counts included");
        let mut retractions: Vec<_> = indexes.iter().flat_map(|index| index.retractions()).collect();
        retractions.sort_unstable();
        retractions.dedup();
        prop_assert!(merged.retractions().eq(retractions));
    }
}

/// An index merged with nothing is itself, byte by byte.
#[test]
fn one_index_alone_stays_as_it_is() {
    for structure in [lykta_index::Structure::Mih, lykta_index::Structure::Flat] {
        let bytes = full_index(structure);
        let index = Index::new(&bytes[..]).unwrap();
        let mut builder =
            Builder::new(BuildOptions { structure: Some(structure), ..BuildOptions::default() });
        builder.add_index(&index, |_| true).unwrap();
        assert!(builder.into_bytes().unwrap() == bytes, "{structure}");
    }
}
