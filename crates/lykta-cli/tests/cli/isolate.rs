//! With worker processes a scan finds, fails and counts what it does without.

use std::fs;
use std::path::{Path, PathBuf};

use crate::place::Place;

/// Scans with and without, for one thread and for two, and compares every byte that is about what was scanned.
#[track_caller]
fn compare(place: &Place, dump: &str, code: i32) {
    let scan = |out: &str, how: &str| {
        let words = format!("scan --index list.lykta --record all --report jsonl,csv -o {out} {how} {dump}");
        place.run(&words).expect(code);
    };
    scan("without", "--jobs 2");
    for (out, how) in [("one", "--isolate --jobs 1"), ("two", "--isolate --jobs 2")] {
        scan(out, how);
        for file in ["findings.jsonl", "errors.jsonl", "items.jsonl", "summary.json", "findings.csv"] {
            let [with, without] = [out, "without"].map(|out| place.text(&format!("{out}/{file}")));
            assert_eq!(with, without, "{how}: {file}");
        }
        let manifest = place.json(&format!("{out}/manifest.json"));
        assert_eq!(manifest["reproducible"], true);
        #[cfg(target_os = "linux")]
        assert!(manifest["workers"]["seccomp"].is_boolean() && manifest["workers"]["landlock"].is_boolean());
    }
    assert!(place.json("without/manifest.json")["workers"].is_null());
    for out in ["without", "one", "two"] {
        fs::remove_dir_all(place.path(out)).unwrap();
    }
}

#[test]
fn the_demo_is_the_same_with_workers() {
    let place = Place::with_demo();
    compare(&place, "dump", 1);
}

/// Containers within containers, pictures cut short, previews: whatever the bundled inputs of fuzzing are.
#[test]
fn bundled_containers_are_the_same_with_workers() {
    let place = Place::with_demo();
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/fuzz");
    let mut number = 0;
    for target in fs::read_dir(fuzz).unwrap() {
        let target = target.unwrap().path();
        for file in fs::read_dir(&target).into_iter().flatten() {
            let bytes = fs::read(file.unwrap().path()).unwrap_or_default();
            place.write(&format!("many/{number:04}"), bytes);
            number += 1;
        }
    }
    assert!(number > 0);
    let code = place.run("scan --index list.lykta --json many").code;
    compare(&place, "many", code);
}

#[test]
fn hostile_files_are_the_same_with_workers() {
    let Some(corpus) = std::env::var_os("LYKTA_CORPUS").map(PathBuf::from) else {
        let line = "skipped, LYKTA_CORPUS is not set: hostile files with workers\n";
        std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap();
        return;
    };
    let place = Place::with_demo();
    for (number, folder) in ["pngsuite", "libzip", "sevenz", "zip2", "libarchive"].iter().enumerate() {
        let dump = format!("bad{number}");
        std::os::unix::fs::symlink(corpus.join("bad").join(folder), place.path(&dump)).unwrap();
        let code = place.run(&format!("scan --index list.lykta --json {dump}")).code;
        compare(&place, &dump, code);
    }
}

#[test]
fn a_worker_that_nobody_started_leaves() {
    let place = Place::new();
    let run = place.run("worker");
    assert_eq!((run.code, &*run.out), (1, ""));
    assert!(!place.run("--help").expect(0).out.contains("worker\n"), "it is not for people");
}
