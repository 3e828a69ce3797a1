//! What the bytes of an index do not depend on.

use lykta_hash::{Bits64, Digest, Hash, Pdq};

use super::*;
use crate::open::Index;

/// Reproducible numbers (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// One of few values, so that many entries share a hash.
    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut numbers = Numbers(self.next() % 2500);
        std::array::from_fn(|_| numbers.next() as u8)
    }
}

/// Two lists with all that a row can have, in stretches of one list and in turns.
fn fill(builder: &mut Builder) {
    let mut numbers = Numbers(1);
    let lists = [
        builder.add_source(Source { name: "a".into(), ..Source::default() }),
        builder.add_source(Source { name: "b".into(), role: Role::Ignore, ..Source::default() }),
    ];
    for row in 1..=3000u64 {
        let hashes: [Hash; 7] = [
            Digest::Md5(numbers.bytes()).into(),
            Digest::Sha1(numbers.bytes()).into(),
            Digest::Sha256(numbers.bytes()).into(),
            Digest::Blake3(numbers.bytes()).into(),
            Pdq(numbers.bytes()).into(),
            Hash::Phash(Bits64(numbers.bytes())),
            Hash::Dhash(Bits64(numbers.bytes())),
        ];
        let name = format!("{}", row / 3);
        let code = format!("{}", row % 300);
        let label = Label { scheme: "s", version: "", code: &code, ..Label::default() };
        let photodna: [u8; 144] = numbers.bytes();
        let entry = NewEntry {
            row: row + row / 100,
            name: (row > 500).then_some(name.as_str()),
            hashes: &hashes[(row % 4) as usize..],
            label: (row > 700).then_some(label),
            view: (row % 7 == 0).then_some("rot90"),
            pdq_quality: Some((row % 101) as u8),
            photodna: (row % 3 == 0).then_some(&photodna),
            role: None,
        };
        builder.add(lists[usize::from(row > 1000 && row % 3 == 0)], &entry).unwrap();
    }
    for row in 0..200 {
        builder.retract(if row % 3 == 0 { "old" } else { "older" }, &format!("row {row}")).unwrap();
    }
}

#[test]
fn the_bytes_do_not_depend_on_what_went_to_disk_nor_on_threads() {
    let folder = tempfile::tempdir().unwrap();
    for structure in [Structure::Mih, Structure::Bk, Structure::Flat] {
        let options = BuildOptions { structure: Some(structure), ..BuildOptions::default() };
        let mut builder = Builder::new(options.clone());
        fill(&mut builder);
        let expected = builder.into_bytes().unwrap();
        let index = Index::new(&expected[..]).unwrap();
        index.verify().unwrap();
        assert_eq!((index.structure(), index.entry_count()), (structure, 3000));
        assert!(index.sources().iter().all(|source| source.duplicates > 10), "{:?}", index.sources());
        for (run, in_memory, threads) in [(100, 10, 1), (5_000, 1000, 2), (40_000, 100_000, 3)] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let place = Place { folder: Some(folder.path().to_owned()), in_memory: Some(in_memory) };
                let mut builder = Builder::with_runs(options.clone(), place.clone(), run);
                fill(&mut builder);
                assert!(builder.pairs.memory() < run + 200, "hashes went to disk");
                let path = folder.path().join("x.lykta");
                builder.write(&path).unwrap();
                assert!(std::fs::read(&path).unwrap() == expected, "{structure}, runs of {run}");
                let mut builder = Builder::with_runs(options.clone(), place, run);
                fill(&mut builder);
                assert!(builder.into_bytes().unwrap() == expected, "{structure}, runs of {run}");
            });
        }
    }
    assert_eq!(folder.path().read_dir().unwrap().count(), 1, "the index alone");
}

#[test]
fn rows_of_plain_hashes_take_no_byte_an_entry() {
    let size = |rows: u64| {
        let mut builder = Builder::new(BuildOptions::default());
        let list = builder.add_source(Source::default());
        for row in 1..=rows {
            let hashes = [Digest::Sha1(Numbers(row).bytes()).into()];
            builder.add(list, &NewEntry { row, hashes: &hashes, ..NewEntry::default() }).unwrap();
        }
        let bytes = builder.into_bytes().unwrap();
        let index = Index::new(bytes).unwrap();
        let entry = index.entry(crate::EntryId(rows as u32 - 1)).unwrap();
        assert_eq!((entry.row, entry.name, entry.pdq_quality), (rows, None, None));
        use crate::format::SectionKind::{
            Attributes, EntryAttributes, EntryNames, EntryRuns, Labels, PhotoDna, Retractions, Strings,
        };
        [EntryRuns, EntryAttributes, EntryNames, Attributes, Labels, Retractions, Strings, PhotoDna]
            .map(|kind| index.view().bytes(kind).len())
            .iter()
            .sum::<usize>()
    };
    assert_eq!(size(1), 24);
    assert_eq!(size(1000), 24);
}

#[test]
fn what_must_stay_in_memory_is_bounded_and_a_tree_too() {
    let folder = tempfile::tempdir().unwrap();
    let options = BuildOptions {
        memory: LEAST_MEMORY,
        folder: Some(folder.path().to_owned()),
        structure: Some(Structure::Bk),
        ..BuildOptions::default()
    };
    let mut builder = Builder::new(options.clone());
    let list = builder.add_source(Source::default());
    let mut row = 0;
    let error = loop {
        row += 1;
        let code = format!("{row:05}{}", "x".repeat(1000));
        let label = Label { code: &code, ..Label::default() };
        if let Err(error) = builder.add(list, &NewEntry { row, label: Some(label), ..NewEntry::default() }) {
            break error.to_string();
        }
    };
    assert!(error.contains("memory") && row < 70_000, "{row}: {error}");

    let mut builder = Builder::new(options);
    let list = builder.add_source(Source::default());
    for row in 1..=LEAST_MEMORY / 92 + 1 {
        let mut pdq = Pdq([1; 32]);
        pdq.0[..8].copy_from_slice(&row.to_be_bytes());
        builder.add(list, &NewEntry { row, hashes: &[pdq.into()], ..NewEntry::default() }).unwrap();
    }
    let path = folder.path().join("x.lykta");
    let error = builder.write(&path).unwrap_err().to_string();
    assert!(error.contains("mih"), "{error}");
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}
