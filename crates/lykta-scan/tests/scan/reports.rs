//! What ends up in a report folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use lykta_hash::Kind;
use lykta_index::{Index, Role};
use lykta_scan::{
    FindingSpool, IndexInfo, ListInfo, NearMatching, Record, ReportDir, ReportOptions, RunInfo, Sink,
    Summary, Written,
};
use serde_json::Value;
use sha2::Digest as _;

use crate::tree::{Row, damaged, digest, index, options, pdq_of, picture, scan_into, write};

/// Names as hostile as the file system takes them.
fn hostile_names() -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = [
        "<script>alert(1)<!--.jpg",
        "=cmd(),\"x\".jpg",
        "+1;@SUM",
        "new\nline\r.jpg",
        "right\u{202e}gpj.exe",
        "back\\slash",
        "a.jpg",
        "A.jpg",
        "é",
        "e\u{301}",
        "\u{1b}[2J",
    ]
    .map(|name| name.as_bytes().to_vec())
    .to_vec();
    names.push(b"not\xffutf\xc3".to_vec());
    names
}

fn hostile_tree() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for number in 0..30u64 {
        write(dir.path(), &format!("p/{number}"), &picture(number % 7));
    }
    write(dir.path(), "q/damaged", &damaged(1));
    write(dir.path(), "q/text", b"nothing");
    #[cfg(unix)]
    for name in hostile_names() {
        use std::os::unix::ffi::OsStrExt;
        fs::write(dir.path().join(std::ffi::OsStr::from_bytes(&name)), b"known").unwrap();
    }
    dir
}

fn known() -> Index<Vec<u8>> {
    index(&[
        Row("=list", Role::Match, "<b>entry", vec![digest(Kind::Md5, b"known").into()]),
        Row("near", Role::Match, "picture", vec![pdq_of(&picture(3)).into()]),
    ])
}

fn report(scanned: &Path, out: &Path, jobs: usize, options_of_report: ReportOptions) -> (Summary, Written) {
    let index = known();
    let info =
        IndexInfo { lists: index.sources().iter().map(ListInfo::from).collect(), ..IndexInfo::default() };
    let run = RunInfo {
        tool: "test".into(),
        version: "1".into(),
        commit: "abc".into(),
        target: "t".into(),
        arguments: vec!["<i>".into()],
        indexes: vec![info],
        ..RunInfo::default()
    };
    let mut sink = ReportDir::create(out, &[scanned.to_owned()], options_of_report, run).unwrap();
    let summary = scan_into(scanned, &index, options(jobs), &mut sink);
    let written = sink.finish(&summary, None).unwrap();
    (summary, written)
}

fn everything() -> ReportOptions {
    ReportOptions { csv: true, items: true, ..ReportOptions::default() }
}

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let read =
        |entry: fs::DirEntry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap());
    fs::read_dir(dir).unwrap().map(|entry| read(entry.unwrap())).collect()
}

fn lines(files: &BTreeMap<String, Vec<u8>>, name: &str) -> Vec<Value> {
    let text = std::str::from_utf8(&files[name]).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn locator(line: &Value) -> Vec<&str> {
    line["locator"].as_array().unwrap().iter().map(|step| step.as_str().unwrap()).collect()
}

#[test]
fn a_report_is_the_same_bytes_for_any_number_of_threads_and_any_memory() {
    let (tree, out) = (hostile_tree(), tempfile::tempdir().unwrap());
    let mut reports = Vec::new();
    for (jobs, sort_memory) in [(1, 64 << 20), (2, 1), (8, 500)] {
        let dir = out.path().join(jobs.to_string());
        let (summary, _) = report(tree.path(), &dir, jobs, ReportOptions { sort_memory, ..everything() });
        assert!(summary.complete);
        let mut files = files(&dir);
        // These two have a clock in them.
        assert!(files.remove("manifest.json").is_some() && files.remove("log.jsonl").is_some());
        reports.push(files);
    }
    assert_eq!(reports[0], reports[1]);
    assert_eq!(reports[0], reports[2]);
    let names: Vec<&str> = reports[0].keys().map(String::as_str).collect();
    let expected =
        ["errors.jsonl", "findings.csv", "findings.jsonl", "items.jsonl", "report.html", "summary.json"];
    assert_eq!(names, expected);
}

#[test]
fn the_files_agree_with_each_other() {
    let (tree, out) = (hostile_tree(), tempfile::tempdir().unwrap());
    let dir = out.path().join("report");
    let (summary, written) = report(tree.path(), &dir, 3, everything());
    let files = files(&dir);
    for name in ["findings.jsonl", "errors.jsonl", "items.jsonl"] {
        let lines = lines(&files, name);
        assert!(lines.is_sorted_by(|a, b| locator(a) <= locator(b)), "{name}");
    }
    assert_eq!(lines(&files, "findings.jsonl").len() as u64, summary.findings());
    assert_eq!(lines(&files, "errors.jsonl").len() as u64, summary.problems());
    assert_eq!(lines(&files, "items.jsonl").len() as u64, summary.seen().items);
    let counts: Value = serde_json::from_slice(&files["summary.json"]).unwrap();
    let outcomes = counts["outcomes"].as_object().unwrap();
    let items: u64 = outcomes.values().map(|count| count["items"].as_u64().unwrap()).sum();
    assert_eq!(items, summary.seen().items);

    let sha256 = |bytes: &[u8]| lykta_hash::text::to_hex(&sha2::Sha256::digest(bytes));
    assert_eq!(written.manifest_sha256, sha256(&files["manifest.json"]));
    let manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    assert_eq!(manifest["complete"], true);
    let pinned: BTreeMap<&str, &str> = manifest["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| (file["name"].as_str().unwrap(), file["sha256"].as_str().unwrap()))
        .collect();
    assert_eq!(pinned.len(), files.len() - 1);
    for (name, bytes) in files.iter().filter(|(name, _)| *name != "manifest.json") {
        assert_eq!(pinned[name.as_str()], sha256(bytes), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn names_are_kept_without_loss_and_without_harm() {
    use std::os::unix::ffi::OsStrExt;
    let (tree, out) = (hostile_tree(), tempfile::tempdir().unwrap());
    let dir = out.path().join("report");
    report(tree.path(), &dir, 2, everything());
    let files = files(&dir);
    let found: Vec<Vec<u8>> = lines(&files, "findings.jsonl")
        .iter()
        .map(|line| lykta_source::unescape(locator(line)[0]).unwrap())
        .collect();
    for name in hostile_names() {
        let path = tree.path().join(std::ffi::OsStr::from_bytes(&name));
        assert!(found.contains(&path.as_os_str().as_bytes().to_vec()), "{name:?}");
    }
    let page = std::str::from_utf8(&files["report.html"]).unwrap();
    assert!(!page.contains("<script>alert") && !page.contains("<b>entry") && !page.contains("<i>"));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;!--.jpg") && page.contains("&lt;b&gt;entry"));
    assert!(!page.contains('\u{202e}') && !page.contains('\u{1b}'));
    let table = std::str::from_utf8(&files["findings.csv"]).unwrap();
    assert!(table.contains(&format!(",'=list,,{},<b>entry,1,", "0".repeat(64))), "{table}");
    assert!(!table.contains(",=list"));
}

#[cfg(unix)]
#[test]
fn a_report_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let (tree, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let dir = out.path().join("report");
    report(tree.path(), &dir, 1, everything());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    for entry in fs::read_dir(&dir).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}

fn finding(name: &str) -> Record {
    let index = known();
    let scanner = lykta_scan::Scanner::new(&index, options(1));
    scanner.examine_bytes(name, b"known")
}

#[test]
fn findings_can_be_read_while_a_scan_runs_and_after_it_died() {
    let out = tempfile::tempdir().unwrap();
    let mut sink = ReportDir::create(out.path(), &[], ReportOptions::default(), RunInfo::default()).unwrap();
    let partial = out.path().join("findings.partial.jsonl");
    for (count, name) in ["b", "a"].into_iter().enumerate() {
        sink.record(&finding(name)).unwrap();
        assert_eq!(fs::read_to_string(&partial).unwrap().lines().count(), count + 1);
    }
    drop(sink);
    assert!(partial.exists());
    let again = ReportDir::create(out.path(), &[], ReportOptions::default(), RunInfo::default());
    assert!(again.is_err(), "what a dead run found is not overwritten");
}

#[test]
fn a_stopped_scan_has_a_report_that_says_so() {
    let (tree, out) = (hostile_tree(), tempfile::tempdir().unwrap());
    let mut sink = ReportDir::create(out.path(), &[], ReportOptions::default(), RunInfo::default()).unwrap();
    let mut summary = scan_into(tree.path(), &known(), options(1), &mut sink);
    summary.complete = false;
    sink.finish(&summary, None).unwrap();
    let files = files(out.path());
    let manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    assert_eq!(manifest["complete"], false);
    assert!(String::from_utf8_lossy(&files["report.html"]).contains("the scan was stopped before its end"));
    assert!(!lines(&files, "findings.jsonl").is_empty());
}

#[test]
fn a_file_in_the_way_ends_a_report_with_an_error_and_keeps_what_was_found() {
    let out = tempfile::tempdir().unwrap();
    let mut sink = ReportDir::create(out.path(), &[], ReportOptions::default(), RunInfo::default()).unwrap();
    sink.record(&finding("a")).unwrap();
    fs::write(out.path().join("findings.jsonl"), b"mine").unwrap();
    let tree = tempfile::tempdir().unwrap();
    let summary = scan_into(tree.path(), &known(), options(1), &mut sink);
    let error = sink.finish(&summary, None).unwrap_err();
    assert!(error.path().unwrap().ends_with("findings.jsonl"));
    assert_eq!(fs::read(out.path().join("findings.jsonl")).unwrap(), b"mine");
    assert!(out.path().join("findings.partial.jsonl").exists());
}

#[test]
fn a_spool_gives_the_lines_of_the_report() {
    let (tree, out) = (hostile_tree(), tempfile::tempdir().unwrap());
    let dir = out.path().join("report");
    report(tree.path(), &dir, 1, ReportOptions::default());
    let mut spool = FindingSpool::new(out.path(), 300);
    scan_into(tree.path(), &known(), options(4), &mut spool);
    let mut lines = Vec::new();
    spool.write_to(&mut lines).unwrap();
    assert_eq!(lines, fs::read(dir.join("findings.jsonl")).unwrap());
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 1, "temporary files are left");
}

#[test]
fn near_matching_that_is_not_performed_is_said_in_the_summary() {
    let (tree, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut sink = ReportDir::create(out.path(), &[], ReportOptions::default(), RunInfo::default()).unwrap();
    let exact = index(&[Row("l", Role::Match, "e", vec![digest(Kind::Md5, b"x").into()])]);
    let summary = scan_into(tree.path(), &exact, options(1), &mut sink);
    assert_eq!(summary.near, NearMatching::NoPdqInLists);
    sink.finish(&summary, None).unwrap();
    let note = "near matching not performed: the lists hold no PDQ";
    for name in ["summary.json", "report.html"] {
        assert!(fs::read_to_string(out.path().join(name)).unwrap().contains(note), "{name}");
    }
}

/// Every name of what was scanned, escaped in whatever way, is nowhere in what is for people.
#[test]
fn a_report_without_names_has_none_for_people_and_all_for_programs() {
    let (top, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let tree = top.path().join("Aktenordner");
    for name in ["Jungfru.jpg", "q/Zebra.pgm", "q/<Yngve>", "q/Xylofon"] {
        write(&tree, name, b"known");
    }
    write(&tree, "Kvarn", &damaged(1));
    #[cfg(unix)]
    std::os::unix::fs::symlink("Vattenhjul", tree.join("Wok")).unwrap();
    // A list that was made of the same files calls its entries by their paths.
    let known = index(&[
        Row("l", Role::Match, "Aktenordner/q/Zebra.pgm", vec![digest(Kind::Md5, b"known").into()]),
        Row("l", Role::Match, "p", vec![pdq_of(&picture(3)).into()]),
    ]);
    let mut options_of_scan = options(2);
    options_of_scan.warn_hits = 1;
    for language in [lykta_scan::Language::English, lykta_scan::Language::Swedish] {
        let dir = out.path().join(language.code());
        let options = ReportOptions { language, redact_names: true, ..everything() };
        let info = IndexInfo { path: "Aktenordner/l.lykta".into(), ..IndexInfo::default() };
        let disputes = lykta_scan::DisputeInfo { path: "Aktenordner/d.csv".into(), ..Default::default() };
        let run = RunInfo {
            arguments: vec![tree.to_str().unwrap().to_owned()],
            indexes: vec![info],
            disputes: Some(disputes),
            ..RunInfo::default()
        };
        let mut sink = ReportDir::create(&dir, std::slice::from_ref(&tree), options, run).unwrap();
        let summary = scan_into(&tree, &known, options_of_scan.clone(), &mut sink);
        assert_eq!((summary.findings(), summary.frequent_entries().len()), (4, 1));
        sink.finish(&summary, None).unwrap();
        let files = files(&dir);
        let text = |name: &str| String::from_utf8(files[name].clone()).unwrap();
        for name in ["Jungfru", "Zebra", "Yngve", "Xylofon", "Kvarn", "Vattenhjul", "Wok", "Aktenordner"] {
            for file in ["report.html", "findings.csv"] {
                assert!(!text(file).contains(name), "{name} in {file}");
            }
            assert!(
                ["findings.jsonl", "errors.jsonl"].iter().any(|file| text(file).contains(name)),
                "{name}"
            );
        }
        let sha256 = digest(Kind::Sha256, b"known").to_string();
        assert!(text("report.html").contains(&format!("SHA-256 {sha256}, 5 byte")));
        assert!(text("findings.csv").contains(&format!("sha256:{sha256} size:5,5,")));
    }
}
