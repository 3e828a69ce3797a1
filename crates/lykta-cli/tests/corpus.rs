//! Real photographs, reference hashes and hostile files through the command. Needs `LYKTA_CORPUS`,
//! the absolute path of the corpus.

#![expect(clippy::unwrap_used, reason = "what cannot be read or started fails the test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use lykta::Pdq;
use serde_json::Value;

fn corpus(what: &str) -> Option<PathBuf> {
    let path = std::env::var_os("LYKTA_CORPUS").map(PathBuf::from);
    if path.is_none() {
        // Not by println, which a test that passes keeps to itself: a skip must be seen.
        let line = format!("skipped, LYKTA_CORPUS is not set: {what}\n");
        std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap();
    }
    path
}

fn lykta(current: &Path, arguments: &[&str]) -> Output {
    Command::new(cargo_bin!("lykta")).current_dir(current).args(arguments).output().unwrap()
}

#[track_caller]
fn expect(output: &Output, code: i32) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
}

fn json_lines(bytes: &[u8]) -> Vec<Value> {
    bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Length and time of change of every file.
fn tree(root: &Path) -> BTreeMap<PathBuf, (u64, std::time::SystemTime)> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let about = fs::symlink_metadata(&path).unwrap();
            if about.is_dir() {
                folders.push(path.clone());
            }
            found.insert(path, (about.len(), about.modified().unwrap()));
        }
    }
    found
}

/// Items and bytes of the outcomes, those of their reasons, and what was seen.
#[track_caller]
fn assert_adds_up(summary: &Value) {
    let sum = |counts: &Value, of: &str| -> u64 {
        counts.as_object().unwrap().values().map(|count| count[of].as_u64().unwrap()).sum()
    };
    for of in ["items", "bytes"] {
        assert_eq!(summary["seen"][of], sum(&summary["outcomes"], of), "{summary}");
        for outcome in ["unmatched_exact_only", "failed", "skipped"] {
            let outcome = &summary["outcomes"][outcome];
            assert_eq!(outcome[of], sum(&outcome["reasons"], of), "{summary}");
        }
    }
}

/// A report by one thread and one by two, which must be the same; the folder of the first.
fn scan_twice(place: &Path, index: &str, scanned: &str, code: i32) -> PathBuf {
    for jobs in ["1", "2"] {
        let out = format!("out-{jobs}");
        let arguments = [
            "scan",
            "--quiet",
            "--index",
            index,
            "--jobs",
            jobs,
            "--record",
            "all",
            "--report",
            "jsonl,csv,html",
            "-o",
            &out,
            scanned,
        ];
        expect(&lykta(place, &arguments), code);
    }
    for name in ["findings.jsonl", "findings.csv", "errors.jsonl", "items.jsonl", "summary.json"] {
        let [one, two] = ["out-1", "out-2"].map(|out| fs::read(place.join(out).join(name)).unwrap());
        assert!(one == two, "{name} depends on the number of threads");
    }
    place.join("out-1")
}

#[test]
fn photographs_are_matched_by_their_own_list() {
    let Some(corpus) = corpus("a scan of 38 photographs") else { return };
    let place = tempfile::tempdir().unwrap();
    let photos = corpus.join("photos");
    let before = tree(&photos);
    let scanned = photos.to_str().unwrap();
    let hashed = lykta(place.path(), &["hash", "--csv", scanned]);
    fs::write(place.path().join("list.csv"), &hashed.stdout).unwrap();
    expect(&lykta(place.path(), &["index", "build", "-o", "list.lykta", "list.csv"]), 0);
    let hashed_all = hashed.status.code() == Some(0);
    let out = scan_twice(place.path(), "list.lykta", scanned, if hashed_all { 1 } else { 4 });
    let summary = read_json(&out.join("summary.json"));
    assert_adds_up(&summary);
    let files = before.keys().filter(|path| path.is_file()).count();
    println!("photos: {files} files, outcomes {}", summary["outcomes"]);
    assert_eq!(summary["outcomes"]["matched_exact"]["items"], files);
    assert_eq!(tree(&photos), before);
}

#[test]
fn hostile_files_are_accounted_for() {
    let Some(corpus) = corpus("a scan of 1,794 malformed files") else { return };
    let place = tempfile::tempdir().unwrap();
    let bad = corpus.join("bad");
    let before = tree(&bad);
    // A list with a PDQ, so that every picture is decoded, and with nothing that is in the corpus.
    let list = format!("sha256,pdq\n{},{}\n", "01".repeat(32), "0f1e2d3c".repeat(8));
    fs::write(place.path().join("list.csv"), list).unwrap();
    expect(&lykta(place.path(), &["index", "build", "-o", "list.lykta", "list.csv"]), 0);
    let out = scan_twice(place.path(), "list.lykta", bad.to_str().unwrap(), 3);
    let summary = read_json(&out.join("summary.json"));
    assert_adds_up(&summary);
    println!("bad: {summary}");
    let items = json_lines(&fs::read(out.join("items.jsonl")).unwrap());
    let entries = before.keys().filter(|path| !path.is_dir() || path.is_symlink()).count();
    assert_eq!(summary["seen"]["items"], items.len());
    let is_file = |item: &&Value| item["locator"].as_array().unwrap().len() == 1;
    assert_eq!(items.iter().filter(is_file).count(), entries);
    let errors = json_lines(&fs::read(out.join("errors.jsonl")).unwrap());
    assert_eq!(errors.len() as u64, summary["problems"].as_u64().unwrap());
    for error in &errors {
        assert!(!error["reason"].as_str().unwrap().is_empty(), "{error}");
        // The reason says it all of these.
        let is_all_said = ["encrypted", "special file"].iter().any(|reason| error["reason"] == *reason);
        assert!(is_all_said || !error["detail"].as_str().unwrap().is_empty(), "{error}");
    }
    assert_eq!(tree(&bad), before);
}

/// What a scan sees has exactly one outcome each, also of what is inside of others; two threads and no setting changed.
#[test]
fn every_hostile_file_has_one_outcome() {
    let Some(corpus) = corpus("the outcomes of 1,794 malformed files") else { return };
    let place = tempfile::tempdir().unwrap();
    let bad = corpus.join("bad");
    let list = format!("sha256,pdq\n{},{}\n", "01".repeat(32), "0f1e2d3c".repeat(8));
    fs::write(place.path().join("list.csv"), list).unwrap();
    expect(&lykta(place.path(), &["index", "build", "-o", "list.lykta", "list.csv"]), 0);
    let scanned = bad.to_str().unwrap();
    let scan =
        ["scan", "-q", "--index", "list.lykta", "--jobs", "2", "--record", "all", "-o", "out", scanned];
    let run = lykta(place.path(), &scan);
    assert!(matches!(run.status.code(), Some(3 | 4)), "{run:?}");
    let items = json_lines(&fs::read(place.path().join("out/items.jsonl")).unwrap());
    let mut of_files: BTreeMap<String, u64> = BTreeMap::new();
    let mut outcomes: BTreeMap<String, u64> = BTreeMap::new();
    for item in &items {
        let steps = item["locator"].as_array().unwrap();
        if steps.len() == 1 {
            *of_files.entry(steps[0].as_str().unwrap().to_owned()).or_default() += 1;
        }
        *outcomes.entry(item["outcome"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let files: Vec<PathBuf> =
        tree(&bad).into_keys().filter(|path| !path.is_dir() || path.is_symlink()).collect();
    assert_eq!(files.len(), 1794);
    assert_eq!(of_files.len(), files.len());
    for file in files {
        let name = lykta::source::Locator::from_path(&file).steps().next().unwrap().into_owned();
        assert_eq!(of_files.get(&name), Some(&1), "{name}");
    }
    let summary = read_json(&place.path().join("out/summary.json"));
    assert_adds_up(&summary);
    assert_eq!(summary["seen"]["items"], items.len());
    for (name, count) in summary["outcomes"].as_object().unwrap() {
        assert_eq!(count["items"].as_u64().unwrap(), outcomes.remove(name).unwrap_or(0), "{name}");
    }
    assert!(outcomes.is_empty(), "{outcomes:?}");
    println!("bad: {} files, {} items: {}", of_files.len(), items.len(), summary["outcomes"]);
}

/// What may differ from a vector: bits of 95 in 100 hashes, of all of them, and quality.
fn tolerance(format: &str) -> (u32, u32, u8) {
    if format == "PNG" { (0, 0, 1) } else { (4, 10, 4) }
}

#[test]
fn hashes_are_those_of_the_reference() {
    let Some(corpus) = corpus("reference hashes in both modes") else { return };
    let table = fs::read_to_string(corpus.join("pdq/vectors.tsv")).unwrap();
    let vectors: Vec<Vec<&str>> = table.lines().skip(1).map(|line| line.split('\t').collect()).collect();
    for (mode, hash_column) in [("full", 5), ("cli512", 7)] {
        let mut arguments = vec!["hash", "--kind", "pdq", "--pdq-mode", mode];
        arguments.extend(vectors.iter().map(|vector| vector[0]));
        let hashed = lykta(&corpus, &arguments);
        expect(&hashed, 0);
        let lines = json_lines(&hashed.stdout);
        assert_eq!(lines.len(), vectors.len());
        let mut distances: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for (vector, line) in vectors.iter().zip(&lines) {
            assert_eq!(line["path"], vector[0]);
            let (_, most, quality_most) = tolerance(vector[1]);
            let found = Pdq::from_hex(line["pdq"].as_str().unwrap()).unwrap();
            let distance = found.distance(&Pdq::from_hex(vector[hash_column]).unwrap());
            let quality: u64 = vector[hash_column + 1].parse().unwrap();
            let off = line["pdq_quality"].as_u64().unwrap().abs_diff(quality);
            assert!(distance <= most, "{mode} {}: {distance} bits", vector[0]);
            assert!(off <= u64::from(quality_most), "{mode} {}: quality off by {off}", vector[0]);
            distances.entry(vector[1]).or_default().push(distance);
        }
        for (format, mut bits) in distances {
            bits.sort_unstable();
            let p95 = bits[(bits.len() * 95).div_ceil(100) - 1];
            println!("{mode} {format}: {} pictures, p95 {p95}, max {}", bits.len(), bits[bits.len() - 1]);
            assert!(p95 <= tolerance(format).0, "{mode} {format}: p95 {p95}");
        }
    }
}

/// Rows of a list, counted with Python and no knowledge of formats: lines that hold a hash. Of a zip archive
/// those of NSRLFile.txt.
const COUNT: &str = r##"
import re, sys, zipfile
data = open(sys.argv[1], "rb").read()
if data[:2] == b"PK":
    data = zipfile.ZipFile(sys.argv[1]).read("NSRLFile.txt")
rows = [line for line in data.split(b"\n") if re.search(rb"\b[0-9A-Fa-f]{32}\b", line) and line[:1] not in b"#%"]
empty = [line for line in rows if b"D41D8CD98F00B204E9800998ECF8427E" in line]
print(len(rows) - len(empty))
"##;

#[test]
fn every_list_of_the_corpus_gives_as_many_entries_as_python_counts() {
    let Some(corpus) = corpus("lists of other programs") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut lists: Vec<PathBuf> =
        fs::read_dir(corpus.join("lists")).unwrap().map(|entry| entry.unwrap().path()).collect();
    // It describes the sets of the .hsh beside it and holds no hash.
    lists.retain(|list| list.extension() != Some("hke".as_ref()));
    assert_eq!(lists.len(), 13);
    for list in lists {
        let shown = list.to_str().unwrap();
        let python = Command::new("python3").args(["-c", COUNT, shown]).output().unwrap();
        let counted: u64 = String::from_utf8(python.stdout).unwrap().trim().parse().unwrap();
        let built = lykta(folder.path(), &["index", "build", "-q", "--json", "-o", "l.lykta", shown]);
        expect(&built, 0);
        let source = &json_lines(&built.stdout)[0]["lists"][0];
        assert_eq!(source["accepted"].as_u64(), Some(counted), "{shown}: {source}");
        assert!(counted > 0);
    }
}
