//! The log of a run: what it tells, and going on with one.

use std::fs;
use std::path::Path;

use lykta_hash::Kind;
use lykta_index::Role;
use lykta_scan::{IndexInfo, ListInfo, ReportDir, ReportOptions, RunInfo, RunLog};
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

fn begun(dir: &Path) -> std::path::PathBuf {
    let path = dir.join("log.jsonl");
    let mut log = RunLog::create(&path, &run()).unwrap();
    log.stopped().unwrap();
    log.stopped().unwrap();
    path
}

#[test]
fn going_on_drops_a_torn_line_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = begun(dir.path());
    let whole = fs::read(&path).unwrap();
    let last = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    // Wherever a write was cut off.
    for end in last..=whole.len() {
        fs::write(&path, &whole[..end]).unwrap();
        let mut log = RunLog::append_to(&path, &RunInfo::default()).unwrap();
        log.stopped().unwrap();
        assert_chained(&path);
        let is_whole = end == whole.len();
        let lines = lines(&path);
        assert_eq!(lines.len(), if is_whole { 5 } else { 4 });
        let resumed = &lines[lines.len() - 2];
        assert_eq!(resumed["event"], "resumed");
        assert_eq!(resumed["torn_bytes"], if is_whole { 0 } else { end - last });
    }
}

#[test]
fn a_log_that_was_altered_is_not_gone_on_with_and_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = begun(dir.path());
    let text = fs::read_to_string(&path).unwrap();
    let altered = text.replacen("\"version\":\"1\"", "\"version\":\"2\"", 1);
    fs::write(&path, &altered).unwrap();
    let error = RunLog::append_to(&path, &RunInfo::default()).unwrap_err();
    assert!(error.to_string().starts_with("line 1 of ") && error.path() == Some(&*path), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), altered);
    fs::write(&path, "{\"v\":1").unwrap();
    assert!(RunLog::append_to(&path, &RunInfo::default()).unwrap_err().to_string().contains("holds no line"));
    fs::remove_file(&path).unwrap();
    assert!(RunLog::append_to(&path, &RunInfo::default()).is_err());
}
