//! Reports that somebody changed, and folders that were made to harm.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use lykta_hash::Kind;
use lykta_index::Role;
use lykta_scan::{
    Altered, Difference, Noted, ReportDir, ReportOptions, RunInfo, Verification, What, verify_report,
};
use sha2::Digest as _;

use crate::tree::{Row, damaged, digest, index, options, pdq_of, picture, scan_into, write};

/// A report with three findings and a problem, and the digest of its manifest.
struct Report {
    dir: tempfile::TempDir,
    manifest_sha256: String,
}

fn report() -> Report {
    let (tree, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for name in ["a", "b", "c"] {
        write(tree.path(), name, b"known");
    }
    write(tree.path(), "d", &damaged(1));
    let known = index(&[
        Row("l", Role::Match, "e", vec![digest(Kind::Md5, b"known").into()]),
        Row("l", Role::Match, "p", vec![pdq_of(&picture(3)).into()]),
    ]);
    let everything = ReportOptions { csv: true, items: true, ..ReportOptions::default() };
    let run = RunInfo { tool: "test".into(), case: Some("7".into()), ..RunInfo::default() };
    let mut sink = ReportDir::create(dir.path(), &[], everything, run).unwrap();
    let summary = scan_into(tree.path(), &known, options(2), &mut sink);
    assert_eq!((summary.findings(), summary.problems()), (3, 1));
    let written = sink.finish(&summary, None).unwrap();
    Report { dir, manifest_sha256: written.manifest_sha256 }
}

impl Report {
    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.dir.path()).unwrap();
        let mut names: Vec<String> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[track_caller]
    fn check(&self) -> Verification {
        let noted = Noted { manifest_sha256: Some(self.manifest_sha256.clone()), log_sha256: None };
        verify_report(self.dir.path(), &noted, &std::env::temp_dir()).unwrap()
    }

    #[track_caller]
    fn differences(&self) -> Vec<Difference> {
        self.check().differences
    }

    /// Writes a manifest that lists everything as it is now: the work of somebody who knows how.
    fn forge_manifest(&mut self) {
        let mut manifest: serde_json::Value =
            serde_json::from_slice(&fs::read(self.path("manifest.json")).unwrap()).unwrap();
        for file in manifest["files"].as_array_mut().unwrap() {
            let bytes = fs::read(self.path(file["name"].as_str().unwrap())).unwrap();
            file["bytes"] = bytes.len().into();
            file["sha256"] = sha256(&bytes).into();
        }
        let log = fs::read_to_string(self.path("log.jsonl")).unwrap();
        manifest["log"]["lines"] = log.lines().count().into();
        manifest["log"]["last_sha256"] = sha256(log.lines().last().unwrap().as_bytes()).into();
        let text = manifest.to_string();
        fs::write(self.path("manifest.json"), &text).unwrap();
        self.manifest_sha256 = sha256(text.as_bytes());
    }
}

fn sha256(bytes: &[u8]) -> String {
    lykta_hash::text::to_hex(&sha2::Sha256::digest(bytes))
}

fn names_it(differences: &[Difference], file: &str, line: Option<u64>, what: &What) -> bool {
    let difference = Difference { file: file.into(), line, what: what.clone() };
    differences.contains(&difference)
}

#[test]
fn a_report_as_it_was_written_passes() {
    let report = report();
    let before = report.names();
    let found = report.check();
    assert_eq!((&*found.differences, found.more), (&[][..], 0));
    assert_eq!((found.files, found.findings), (7, 3));
    assert_eq!(found.log_lines, 6, "started, three found, a problem, finished");
    assert_eq!(found.manifest_sha256.as_ref(), Some(&report.manifest_sha256));
    assert_eq!(report.names(), before, "nothing is written there");
    assert!(
        verify_report(report.dir.path(), &Noted::default(), &std::env::temp_dir())
            .unwrap()
            .differences
            .is_empty()
    );
}

#[test]
fn a_spoiled_byte_names_its_file_whichever_it_is() {
    let report = report();
    assert_eq!(report.names().len(), 8);
    for name in report.names() {
        let bytes = fs::read(report.path(&name)).unwrap();
        for at in [0, bytes.len() / 3, bytes.len() / 2, bytes.len() - 1] {
            let mut spoiled = bytes.clone();
            spoiled[at] ^= 1;
            fs::write(report.path(&name), &spoiled).unwrap();
            let differences = report.differences();
            let named = differences
                .iter()
                .any(|difference| difference.file == name && matches!(difference.what, What::Sha256 { .. }));
            assert!(named, "{name} at {at}: {differences:?}");
        }
        fs::write(report.path(&name), &bytes[..bytes.len() - 1]).unwrap();
        assert!(report.differences().iter().any(|difference| difference.file == name), "{name}");
        fs::write(report.path(&name), &bytes).unwrap();
    }
    assert!(report.differences().is_empty());
}

#[test]
fn a_missing_file_and_one_too_many_are_named() {
    let report = report();
    for name in report.names() {
        let bytes = fs::read(report.path(&name)).unwrap();
        fs::remove_file(report.path(&name)).unwrap();
        let differences = report.differences();
        assert!(names_it(&differences, &name, None, &What::Missing), "{name}: {differences:?}");
        fs::write(report.path(&name), bytes).unwrap();
    }
    fs::write(report.path("more"), b"").unwrap();
    fs::create_dir(report.path("folder")).unwrap();
    let differences = report.differences();
    assert_eq!(differences.len(), 2);
    for name in ["more", "folder"] {
        assert!(names_it(&differences, name, None, &What::NotListed), "{differences:?}");
    }
}

/// Changes the lines of the log, makes a manifest that fits, and returns what is told of the log.
fn with_log(change: impl FnOnce(&mut Vec<String>)) -> Vec<Difference> {
    let mut report = report();
    let text = fs::read_to_string(report.path("log.jsonl")).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    change(&mut lines);
    fs::write(report.path("log.jsonl"), lines.join("\n") + "\n").unwrap();
    let honest = report.differences();
    assert!(honest.iter().any(|difference| difference.file == "log.jsonl" && difference.line.is_none()));
    report.forge_manifest();
    report.differences()
}

/// The manifest is made anew each time, so only the chain can tell.
#[test]
fn the_first_altered_line_of_the_log_is_named() {
    let altered = What::Altered(Altered::Digest);
    for at in 1..6 {
        let differences = with_log(|lines| {
            lines[at - 1] = lines[at - 1].replacen("\"local\":\"2", "\"local\":\"1", 1);
        });
        assert!(names_it(&differences, "log.jsonl", Some(at as u64), &altered), "{at}: {differences:?}");
    }
    // What a line tells of the one before is a part of it.
    let differences = with_log(|lines| {
        let end = lines[2].len() - 3;
        let other = if lines[2].as_bytes()[end] == b'0' { "1" } else { "0" };
        lines[2].replace_range(end..=end, other);
    });
    assert!(names_it(&differences, "log.jsonl", Some(3), &altered), "{differences:?}");
    let differences = with_log(|lines| lines[0] = lines[0].replacen("\"case\":\"7\"", "\"case\":\"8\"", 1));
    assert!(names_it(&differences, "log.jsonl", Some(1), &What::Altered(Altered::Header)), "{differences:?}");
    let differences = with_log(|lines| lines[3].insert(5, '{'));
    let unreadable = What::Altered(Altered::Unreadable);
    assert!(names_it(&differences, "log.jsonl", Some(4), &unreadable), "{differences:?}");
}

#[test]
fn lines_of_the_log_that_were_swapped_removed_or_added_are_named() {
    let number = |found| What::Altered(Altered::Number { found });
    let differences = with_log(|lines| lines.swap(1, 2));
    assert!(names_it(&differences, "log.jsonl", Some(2), &number(3)), "{differences:?}");
    let differences = with_log(|lines| drop(lines.remove(1)));
    assert!(names_it(&differences, "log.jsonl", Some(2), &number(3)), "{differences:?}");
    assert!(differences.iter().any(|difference| difference.what == What::NotTold), "{differences:?}");
    let differences = with_log(|lines| lines.insert(2, lines[1].clone()));
    assert!(names_it(&differences, "log.jsonl", Some(3), &number(2)), "{differences:?}");
    let differences = with_log(|lines| drop(lines.pop()));
    assert!(names_it(&differences, "log.jsonl", Some(5), &What::Unfinished), "{differences:?}");
}

#[test]
fn the_last_line_is_held_by_the_manifest() {
    let report = report();
    let path = report.path("log.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let last = text.trim_end().rfind('\n').unwrap();
    let altered = text[last..].replacen("\"local\":\"2", "\"local\":\"1", 1);
    fs::write(&path, format!("{}{altered}", &text[..last])).unwrap();
    let differences = report.differences();
    assert!(names_it(&differences, "log.jsonl", Some(6), &What::Altered(Altered::Digest)), "{differences:?}");
    fs::write(&path, &text[..=last]).unwrap();
    let differences = report.differences();
    assert!(names_it(&differences, "log.jsonl", None, &What::Lines { expected: 6, found: 5 }));
    fs::write(&path, text.trim_end()).unwrap();
    let differences = report.differences();
    assert!(names_it(&differences, "log.jsonl", Some(6), &What::Torn), "{differences:?}");
}

/// Findings that were changed together with the manifest: the log tells.
#[test]
fn findings_and_the_log_hold_each_other() {
    let mut report = report();
    let path = report.path("findings.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    let removed = lines.remove(1);
    let forged = removed.replace("\"weak\":true", "\"weak\":false");
    lines.push(&forged);
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    report.forge_manifest();
    let differences = report.differences();
    assert!(names_it(&differences, "findings.jsonl", Some(3), &What::NotTold), "{differences:?}");
    assert!(names_it(&differences, "findings.jsonl", None, &What::Disagreement), "{differences:?}");
    let not_found = differences.iter().filter(|difference| difference.what == What::NotFound).count();
    assert_eq!(not_found, 1, "{differences:?}");
}

#[test]
fn names_that_lead_out_of_the_folder_are_not_read() {
    let report = report();
    for name in ["../x", "/etc/passwd", "a/b", "..", "", ".hidden", "manifest.json", "a\u{202e}b"] {
        let text = serde_json::json!({
            "files": [{ "name": name, "bytes": 1, "sha256": "" }], "log": { "lines": 6, "last_sha256": "" }
        });
        fs::write(report.path("manifest.json"), text.to_string()).unwrap();
        let differences = report.differences();
        assert!(names_it(&differences, name, None, &What::NotAName), "{name}: {differences:?}");
    }
}

#[cfg(unix)]
#[test]
fn links_and_pipes_are_named_and_not_opened() {
    for name in ["manifest.json", "findings.jsonl", "log.jsonl", "report.html"] {
        let report = report();
        let path = report.path(name);
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        let differences = report.differences();
        assert!(names_it(&differences, name, None, &What::NotAFile("a link")), "{name}: {differences:?}");
        fs::remove_file(&path).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let differences = report.differences();
        let pipe = What::NotAFile("a pipe, a socket or a device");
        assert!(names_it(&differences, name, None, &pipe), "{name}: {differences:?}");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let differences = report.differences();
        assert!(names_it(&differences, name, None, &What::NotAFile("a folder")), "{name}: {differences:?}");
    }
}

fn make_sparse(path: &Path) {
    let file = File::create(path).unwrap();
    file.set_len(10 << 30).unwrap();
}

/// A line of ten gigabytes takes no memory for it, and no time where its length shows what it is.
#[test]
fn files_that_are_much_too_long_cost_little() {
    for name in ["manifest.json", "findings.jsonl", "log.jsonl", "report.html"] {
        let report = report();
        make_sparse(&report.path(name));
        let begin = std::time::Instant::now();
        let differences = report.differences();
        assert!(differences.iter().any(|difference| difference.file == name), "{name}: {differences:?}");
        assert!(begin.elapsed().as_secs() < 60, "{name}: {:?}", begin.elapsed());
    }
}

#[test]
fn what_is_no_json_is_named() {
    let report = report();
    for text in ["", "{", "[]", "{\"files\":[]}", &"[".repeat(100_000)] {
        fs::write(report.path("manifest.json"), text).unwrap();
        let differences = report.differences();
        let named = |difference: &Difference| matches!(difference.what, What::Unreadable(_));
        assert!(differences.iter().any(named), "{differences:?}");
    }
    let mut log = File::options().append(true).open(report.path("log.jsonl")).unwrap();
    log.write_all(b"\xff\x00\n").unwrap();
    let differences = report.differences();
    assert!(names_it(&differences, "log.jsonl", Some(7), &What::Altered(Altered::Unreadable)));
}

#[test]
fn thousands_of_differences_are_counted_and_the_first_are_told() {
    let report = report();
    for number in 0..1234 {
        fs::write(report.path(&format!("{number:04}")), b"").unwrap();
    }
    let found = report.check();
    assert_eq!((found.differences.len(), found.more), (100, 1134));
    assert_eq!(found.differences[99].file, "0099");
}

#[test]
fn what_is_no_report_cannot_be_checked() {
    let dir = tempfile::tempdir().unwrap();
    let (temporary, noted) = (std::env::temp_dir(), Noted::default());
    assert!(
        verify_report(dir.path(), &noted, &temporary)
            .unwrap_err()
            .to_string()
            .contains("not a folder with a report")
    );
    assert!(verify_report(&dir.path().join("none"), &noted, &temporary).is_err());
    fs::write(dir.path().join("file"), b"").unwrap();
    assert!(verify_report(&dir.path().join("file"), &noted, &temporary).is_err());
}

/// Whoever makes the whole chain anew and a manifest with it is told by the digest in the notes alone.
#[test]
fn a_log_made_anew_does_not_have_the_digest_that_was_noted() {
    let mut report = report();
    let log = fs::read_to_string(report.path("log.jsonl")).unwrap();
    let last = Some(sha256(log.lines().last().unwrap().as_bytes()));
    let header = sha256(br#"{"v":1,"tool":"test","case":"8","operator":null}"#);
    let mut before = header;
    let mut anew = String::new();
    for line in log.replacen("\"case\":\"7\"", "\"case\":\"8\"", 1).lines() {
        let (facts, _) = line.rsplit_once("\"previous\":").unwrap();
        let line = format!("{facts}\"previous\":\"{before}\"}}");
        before = sha256(line.as_bytes());
        anew += &format!("{line}\n");
    }
    fs::write(report.path("log.jsonl"), anew).unwrap();
    report.forge_manifest();
    assert!(report.differences().is_empty(), "{:?}", report.differences());
    let noted = Noted { manifest_sha256: None, log_sha256: last };
    let found = verify_report(report.dir.path(), &noted, &std::env::temp_dir()).unwrap();
    assert_eq!(found.differences.len(), 1);
    assert!(names_it(&found.differences, "log.jsonl", Some(6), &What::Altered(Altered::Digest)));
}

/// What somebody else wrote is repeated in part only.
#[test]
fn long_texts_are_not_repeated_whole() {
    let report = report();
    let long = "x".repeat(1 << 20);
    for text in [
        format!("{{\"files\":\"{long}\"}}"),
        format!(
            "{{\"files\":[{{\"name\":\"{long}\",\"bytes\":1,\"sha256\":\"\"}}],\"log\":{{\"lines\":1,\"last_sha256\":\"\"}}}}"
        ),
    ] {
        fs::write(report.path("manifest.json"), text).unwrap();
        for Difference { file, what, .. } in report.differences() {
            assert!(file.len() + what.to_string().len() < 4096);
        }
    }
}

#[test]
fn without_a_manifest_the_log_tells_of_the_files() {
    let report = report();
    fs::remove_file(report.path("manifest.json")).unwrap();
    fs::remove_file(report.path("items.jsonl")).unwrap();
    fs::write(report.path("errors.jsonl"), b"x").unwrap();
    let differences = report.differences();
    assert_eq!(differences.len(), 3, "{differences:?}");
    for name in ["manifest.json", "items.jsonl"] {
        assert!(names_it(&differences, name, None, &What::Missing), "{differences:?}");
    }
    assert!(differences.iter().any(|difference| difference.file == "errors.jsonl"), "{differences:?}");
}
