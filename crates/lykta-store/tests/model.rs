//! A store against a model that is obviously right: a map of what was said last.
#![expect(clippy::unwrap_used, reason = "a test that fails should stop there")]

use std::collections::BTreeMap;
use std::sync::Arc;

use lykta_hash::{Digest, Hash, PhotoDna};
use lykta_list::{Deletion, Entry, Format, Label, Position, Row, Tally};
use lykta_store::{Error, FileDescription, Store, StoredEntry, display_name};
use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Op {
    Accept { key: Option<u8>, name: Option<u8>, hash: u8, label: Option<u8>, changed: Option<i64> },
    Delete { key: u8, changed: Option<i64> },
}

#[derive(Clone, Debug)]
enum Step {
    /// Files that change the list, or are the whole of it; each by its number.
    Take { is_whole: bool, files: Vec<usize> },
    /// An index of everything is written.
    Base,
}

fn op() -> impl Strategy<Value = Op> {
    let changed = || prop::option::of(0..5_i64);
    prop_oneof![
        4 => (prop::option::weighted(0.7, 0..5_u8), prop::option::of(0..3_u8), 0..4_u8, prop::option::of(0..2_u8), changed())
            .prop_map(|(key, name, hash, label, changed)| Op::Accept { key, name, hash, label, changed }),
        1 => (0..5_u8, changed()).prop_map(|(key, changed)| Op::Delete { key, changed }),
    ]
}

fn steps() -> impl Strategy<Value = (Vec<Vec<Op>>, Vec<Step>)> {
    let step = prop_oneof![
        6 => (prop::bool::weighted(0.2), vec(0..6_usize, 1..4))
            .prop_map(|(is_whole, files)| Step::Take { is_whole, files }),
        1 => Just(Step::Base),
    ];
    (vec(vec(op(), 0..8), 6), vec(step, 1..8))
}

fn row(op: &Op, row: u64) -> Row {
    match op {
        Op::Delete { key, changed } => Row::Deleted(Deletion {
            row,
            position: Position::Line(row),
            key: key.to_string(),
            changed: *changed,
        }),
        Op::Accept { key, name, hash, label, changed } => Row::Accepted(Entry {
            row,
            position: Position::Byte(row * 100),
            name: name.map(|name| format!("name {name}")),
            key: key.map(|key| key.to_string()),
            changed: *changed,
            hashes: vec![Hash::Digest(Digest::Md5([hash + 1; 16]))],
            photodna: (*hash == 1).then(|| PhotoDna::from([7; 144])),
            pdq_quality: (*hash == 2).then_some(50),
            size: (*hash == 3).then_some(u64::MAX),
            view: label.map(|_| "original".to_owned()),
            label: label.map(|code| Label { code: code.to_string(), ..Label::default() }).map(Arc::new),
            categorised: label.is_some(),
            dropped: Vec::new(),
        }),
    }
}

/// What an entry says, without where it stands and when it was said.
fn content(entry: &Entry) -> Entry {
    Entry { row: 0, position: Position::default(), key: None, changed: None, ..entry.clone() }
}

/// An entry, and the number of its file.
type Placed = (i64, Entry);

/// Key, or content of what has none, to the entry that counts with its file, or to nothing; with the time.
#[derive(Default)]
struct Model {
    states: BTreeMap<String, (Option<Placed>, Option<i64>)>,
}

impl Model {
    fn identity(entry: &Entry) -> String {
        entry.key.clone().unwrap_or_else(|| format!("{:?}", content(entry)))
    }

    fn take(&mut self, is_whole: bool, rows: &[(i64, Row)]) {
        let mut seen = Vec::new();
        for (file, row) in rows {
            match row {
                Row::Accepted(entry) => {
                    let identity = Self::identity(entry);
                    seen.push(identity.clone());
                    let state = self.states.entry(identity).or_default();
                    match &mut state.0 {
                        Some(_) if entry.key.is_none() => {}
                        _ if is_older(entry.changed, state.1) => {}
                        Some((_, present)) if content(present) == content(entry) => {
                            present.changed = entry.changed;
                            state.1 = entry.changed;
                        }
                        _ => *state = (Some((*file, entry.clone())), entry.changed),
                    }
                }
                Row::Deleted(deletion) => {
                    let state = self.states.entry(deletion.key.clone()).or_default();
                    if !is_older(deletion.changed, state.1) {
                        *state = (None, deletion.changed);
                    }
                }
                Row::Rejected(_) => {}
            }
        }
        if is_whole {
            self.states.retain(|identity, state| state.0.is_none() || seen.contains(identity));
        }
    }

    fn living(&self) -> Vec<(i64, Entry)> {
        let mut living: Vec<_> = self.states.values().filter_map(|(entry, _)| entry.clone()).collect();
        for (_, entry) in &mut living {
            entry.key = None;
        }
        living.sort_by_key(|(file, entry)| (*file, entry.row));
        living
    }
}

fn is_older(coming: Option<i64>, present: Option<i64>) -> bool {
    coming.zip(present).is_some_and(|(coming, present)| coming < present)
}

fn collect(entries: impl Iterator<Item = Result<StoredEntry, Error>>) -> Vec<(i64, Entry)> {
    entries.map(|stored| stored.unwrap()).map(|stored| (stored.file.number(), stored.entry)).collect()
}

fn description(number: usize) -> FileDescription {
    FileDescription {
        name: format!("file {number}"),
        format: Format::Ncmec,
        version: None,
        sha256: [number as u8; 32],
        bytes: 1,
    }
}

/// The words of entries, sorted: what an index of them finds.
fn words(entries: &[(i64, Entry)]) -> Vec<String> {
    let mut words: Vec<String> =
        entries.iter().map(|(_, entry)| format!("{} {:?}", display_name(entry), content(entry))).collect();
    words.sort();
    words
}

fn take(store: &mut Store, model: &mut Model, files: &[Vec<Op>], is_whole: bool, chosen: &[usize]) {
    let mut transaction = if is_whole { store.begin_whole() } else { store.begin() }.unwrap();
    let mut rows = Vec::new();
    for number in chosen {
        let file = transaction.add_file(&description(*number)).unwrap();
        let mut tally = Tally::default();
        for (at, op) in files[*number].iter().enumerate() {
            let row = row(op, at as u64 + 1);
            tally.add(&row);
            transaction.apply(file, &row).unwrap();
            rows.push((file.number(), row));
        }
        transaction.finish_file(file, Some("7"), None, &tally).unwrap();
    }
    transaction.commit().unwrap();
    model.take(is_whole, &rows);
}

/// Runs the steps, checks after each, and returns what counts in the end.
fn run(
    store: &mut Store,
    model: &mut Model,
    base: &mut Option<Vec<(i64, Entry)>>,
    files: &[Vec<Op>],
    steps: &[Step],
) -> Vec<(i64, Entry)> {
    for step in steps {
        match step {
            Step::Take { is_whole, files: chosen } => take(store, model, files, *is_whole, chosen),
            Step::Base => {
                *base = Some(collect(store.all().unwrap()));
                store.mark_base(&[0; 32]).unwrap();
            }
        }
        store.check_count().unwrap();
        let living = collect(store.all().unwrap());
        assert_eq!(living, model.living());
        let additions = store.additions().unwrap();
        let retractions: Vec<String> = additions.retractions().map(Result::unwrap).collect();
        let added = collect(additions.entries());
        assert!(retractions.is_sorted() && added.is_sorted_by_key(|(file, entry)| (*file, entry.row)));
        let Some(base) = base else {
            assert!(retractions.is_empty() && added == living);
            continue;
        };
        let is_left = |(_, entry): &&(i64, Entry)| !retractions.contains(&display_name(entry).into_owned());
        let mut merged: Vec<(i64, Entry)> = base.iter().filter(is_left).cloned().collect();
        merged.extend(added);
        assert_eq!(words(&merged), words(&living));
    }
    collect(store.all().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// After every step the store has what the model has, and base and additions give the same.
    #[test]
    fn a_store_is_its_model((files, steps) in steps()) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::temporary(folder.path()).unwrap();
        let (mut model, mut base) = (Model::default(), None);
        let once = run(&mut store, &mut model, &mut base, &files, &steps);
        // The same again ends in the same.
        let twice = run(&mut store, &mut model, &mut base, &files, &steps);
        prop_assert_eq!(once, twice);
    }

    /// On the disk it is the same store, when it is closed between any two steps.
    #[test]
    fn a_store_is_the_same_when_opened_again((files, steps) in steps()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.store");
        let (mut model, mut base) = (Model::default(), None);
        for step in steps.iter().take(3) {
            let mut store = Store::open_or_create(&path).unwrap();
            run(&mut store, &mut model, &mut base, &files, std::slice::from_ref(step));
        }
    }
}
