//! The log of a run: what it tells, and going on with one.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::{fs, io};

use lykta_hash::Kind;
use lykta_index::{Index, Role};
use lykta_scan::{
    Going, IndexInfo, ListInfo, Progress, Record, ReportDir, ReportOptions, RunInfo, Scanner, Sink,
};
use lykta_source::{WalkOptions, walk};
use serde_json::{Value, json};
use sha2::Digest as _;

use crate::tree::{Row, damaged, digest, index, options, scan_into, write};

fn sha256(bytes: &[u8]) -> String {
    lykta_hash::text::to_hex(&sha2::Sha256::digest(bytes))
}

fn run() -> RunInfo {
    let list = ListInfo { name: "l".into(), sha256: "12".repeat(32), ..ListInfo::default() };
    let index = IndexInfo {
        path: "l.lykta".into(),
        sha256: "ab".repeat(32),
        lists: vec![list],
        ..IndexInfo::default()
    };
    RunInfo {
        tool: "test".into(),
        version: "1".into(),
        commit: "abc".into(),
        target: "t".into(),
        arguments: vec!["scan".into(), "dump".into()],
        indexes: vec![index],
        case: Some("case \"7\"".into()),
        operator: None,
        ..RunInfo::default()
    }
}

fn lines(path: &Path) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Every line has its number and the digest of the one before, here by the words of docs/reports.md.
fn assert_chained(path: &Path) {
    let text = fs::read_to_string(path).unwrap();
    let header = r#"{"v":1,"tool":"test","case":"case \"7\"","operator":null}"#;
    let mut before = sha256(header.as_bytes());
    for (at, line) in text.lines().enumerate() {
        let read: Value = serde_json::from_str(line).unwrap();
        assert_eq!((&read["n"], &read["v"]), (&json!(at + 1), &json!(1)), "{line}");
        assert_eq!(read["previous"], before, "{line}");
        let at = [&read["at"]["local"], &read["at"]["utc"]].map(|time| time.as_str().unwrap());
        assert!(at[1].ends_with("+00:00") && at[0].len() == at[1].len(), "{line}");
        before = sha256(line.as_bytes());
    }
}

#[test]
fn a_log_tells_what_happened_and_every_line_stands_on_the_one_before() {
    let (tree, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(tree.path(), "a", b"known");
    write(tree.path(), "b", &damaged(1));
    write(tree.path(), "c", b"other");
    let known = index(&[Row("l", Role::Match, "e", vec![digest(Kind::Md5, b"known").into()])]);
    let mut sink = ReportDir::create(out.path(), &[], ReportOptions::default(), run()).unwrap();
    let summary = scan_into(tree.path(), &known, options(1), &mut sink);
    let written = sink.finish(&summary, None).unwrap();
    let path = out.path().join("log.jsonl");
    assert_chained(&path);
    let log = lines(&path);
    let [started, found, finished] = log.as_slice() else { panic!("{log:?}") };
    assert_eq!(started["event"], "started");
    for (key, value) in [
        ("tool", json!("test")),
        ("commit", json!("abc")),
        ("target", json!("t")),
        ("arguments", json!(["scan", "dump"])),
        ("case", json!("case \"7\"")),
        ("operator", json!(null)),
    ] {
        assert_eq!(started[key], value);
    }
    assert_eq!(started["indexes"][0]["sha256"], "ab".repeat(32));
    assert_eq!(started["indexes"][0]["lists"][0], json!({ "name": "l", "sha256": "12".repeat(32) }));
    assert_eq!(started["host"]["os"], std::env::consts::OS);
    assert!(started.as_object().unwrap().contains_key("clock_synchronised"));

    let findings = fs::read_to_string(out.path().join("findings.jsonl")).unwrap();
    assert_eq!(found["event"], "found");
    assert_eq!(found["line_sha256"], sha256(findings.trim_end().as_bytes()));
    assert!(found["locator"][0].as_str().unwrap().ends_with("/a"));

    assert_eq!((&finished["event"], &finished["complete"]), (&json!("finished"), &json!(true)));
    for file in finished["files"].as_array().unwrap() {
        let bytes = fs::read(out.path().join(file["name"].as_str().unwrap())).unwrap();
        assert_eq!((&file["bytes"], &file["sha256"]), (&json!(bytes.len()), &json!(sha256(&bytes))));
    }
    let mut names: Vec<_> = finished["files"].as_array().unwrap().iter().map(|file| &file["name"]).collect();
    names.sort_by_key(|name| name.to_string());
    assert_eq!(names, ["errors.jsonl", "findings.jsonl", "report.html", "summary.json"]);
    let last = fs::read_to_string(&path).unwrap();
    assert_eq!(written.log_sha256, sha256(last.trim_end().lines().last().unwrap().as_bytes()));
}

#[test]
fn a_problem_is_told_with_its_reason() {
    let (tree, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(tree.path(), "b", &damaged(1));
    let near = index(&[Row("l", Role::Match, "e", vec![lykta_hash::Pdq([0x5a; 32]).into()])]);
    let mut sink = ReportDir::create(out.path(), &[], ReportOptions::default(), run()).unwrap();
    let summary = scan_into(tree.path(), &near, options(1), &mut sink);
    sink.finish(&summary, None).unwrap();
    let log = lines(&out.path().join("log.jsonl"));
    assert_eq!((&log[1]["event"], &log[1]["outcome"]), (&json!("problem"), &json!("failed")));
    assert_eq!(log[1]["reason"], "picture is damaged");
}

/// A report of what is in `trees`, gone on with to its end.
fn go_on(trees: &[PathBuf], known: &Index<Vec<u8>>, out: &Path) {
    let scanner = Scanner::new(known, options(1));
    let summary = scanner.empty_summary();
    let going = ReportDir::resume(out, &[], ReportOptions::default(), run(), summary).unwrap();
    let Going::On(going) = going else { panic!("there is something left to do") };
    let (mut sink, past) = *going;
    let items = walk(trees, &WalkOptions::default());
    let (progress, never) = (Progress::default(), AtomicBool::new(false));
    let (summary, _) = scanner.go_on(past, items, &mut sink, &progress, &never, false).unwrap();
    sink.finish(&summary, None).unwrap();
}

/// Findings and problems that the log tells of, each by where it is and the rest of it, sorted.
fn told(out: &Path) -> [Vec<String>; 2] {
    let log = lines(&out.join("log.jsonl"));
    let told = |event: &str, key: &str| {
        let told = log.iter().filter(|line| line["event"] == event);
        let mut told: Vec<_> = told.map(|line| format!("{} {}", line["locator"], line[key])).collect();
        told.sort();
        told
    };
    [told("found", "line_sha256"), told("problem", "reason")]
}

/// The same by what the report says.
fn reported(out: &Path) -> [Vec<String>; 2] {
    let text = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    let read = |name: &str, show: fn(&Value, &str) -> String| {
        let lines = text(name);
        let mut shown: Vec<_> =
            lines.lines().map(|line| show(&serde_json::from_str(line).unwrap(), line)).collect();
        shown.sort();
        shown
    };
    [
        read("findings.jsonl", |read, line| format!("{} \"{}\"", read["locator"], sha256(line.as_bytes()))),
        read("errors.jsonl", |read, _| format!("{} {}", read["locator"], read["reason"])),
    ]
}

/// A kill between journal and log left a problem out of the log, or told of it twice.
#[test]
fn whatever_a_kill_left_each_finding_and_problem_is_told_once() {
    let (tree, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for number in 0..4 {
        write(tree.path(), &format!("{number} known"), b"known");
        write(tree.path(), &format!("{number} damaged"), &damaged(number));
    }
    // Each has another that is the same in all that is told of it.
    let twice = [tree.path().to_owned(), tree.path().to_owned()];
    let row = vec![digest(Kind::Md5, b"known").into(), lykta_hash::Pdq([0x5a; 32]).into()];
    let known = index(&[Row("l", Role::Match, "e", row)]);
    let mut sink = ReportDir::create(killed.path(), &[], ReportOptions::default(), run()).unwrap();
    let (items, never) = (walk(&twice, &WalkOptions::default()), AtomicBool::new(false));
    Scanner::new(&known, options(1)).run(items, &mut sink, &Progress::default(), &never).unwrap();
    drop(sink);
    let split = |name: &str| -> Vec<String> {
        let text = fs::read_to_string(killed.path().join(name)).unwrap();
        text.split_inclusive('\n').map(str::to_owned).collect()
    };
    let (journal, log) = (split("journal.partial"), split("log.jsonl"));
    assert_eq!((journal.len(), log.len()), (17, 17), "how it was asked for, or begun, and 16 items");
    for kept_of_journal in [1, 5, 8, journal.len()] {
        for kept_of_log in [1, 5, 8, log.len()] {
            let out = tempfile::tempdir().unwrap();
            let kept = [("journal.partial", &journal[..kept_of_journal]), ("log.jsonl", &log[..kept_of_log])];
            kept.into_iter().for_each(|(name, lines)| _ = write(out.path(), name, lines.concat().as_bytes()));
            go_on(&twice, &known, out.path());
            let (told, reported) = (told(out.path()), reported(out.path()));
            assert_eq!([reported[0].len(), reported[1].len()], [8, 8]);
            assert_eq!(told, reported, "{kept_of_journal} lines of the journal, {kept_of_log} of the log");
        }
    }
}

/// Stops the scan once the first record is there.
struct Stopping<'s>(ReportDir, &'s AtomicBool);

impl Sink for Stopping<'_> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.1.store(true, Relaxed);
        self.0.record(record)
    }
}

/// A container that matched is a finding of the report that was stopped, and once more of the one that is gone on with.
#[test]
fn what_was_found_before_a_stop_is_told_once() {
    let (tree, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let part = |name: &str| {
        format!("--b\r\nContent-Disposition: attachment; filename={name}\r\n\r\ntext of {name}\r\n")
    };
    let head = "From: a@example.org\r\nTo: b@example.org\r\nSubject: s\r\nMIME-Version: 1.0\r\n\
                Content-Type: multipart/mixed; boundary=b\r\n\r\n";
    let mail = [head, &part("one"), &part("two"), "--b--\r\n"].concat();
    write(tree.path(), "mail.eml", mail.as_bytes());
    let known = index(&[Row("l", Role::Match, "e", vec![digest(Kind::Md5, mail.as_bytes()).into()])]);
    let stop = AtomicBool::new(false);
    let sink = ReportDir::create(out.path(), &[], ReportOptions::default(), run()).unwrap();
    let mut sink = Stopping(sink, &stop);
    let items = walk(&[tree.path().to_owned()], &WalkOptions::default());
    let summary =
        Scanner::new(&known, options(1)).run(items, &mut sink, &Progress::default(), &stop).unwrap();
    sink.0.finish(&summary, None).unwrap();
    let stopped = reported(out.path());
    assert_eq!(stopped.each_ref().map(Vec::len), [1, 1], "{stopped:?}");
    assert!(stopped[1][0].contains("the scan was stopped"));
    // That it was left out is no problem of the item: it is for the next time.
    assert_eq!(told(out.path()), [stopped[0].clone(), vec![]]);

    go_on(&[tree.path().to_owned()], &known, out.path());
    assert_eq!(reported(out.path()), [stopped[0].clone(), vec![]]);
    assert_eq!(told(out.path()), reported(out.path()));
}
