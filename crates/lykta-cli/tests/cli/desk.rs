//! A dump with listed pictures in every kind of container: all of them are found, and come out again with other tools.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use lykta::source::escape;
use lykta_testdata::{Desk, Planted, desk};
use serde_json::Value;

use crate::place::{Place, json_lines};

pub(crate) fn the_desk() -> &'static Desk {
    static DESK: OnceLock<Desk> = OnceLock::new();
    DESK.get_or_init(|| desk().unwrap())
}

/// With the dump and, of its list, `list.lykta`.
pub(crate) fn place() -> Place {
    let place = Place::new();
    the_desk().write(&place.path("dump")).unwrap();
    place.write("list.csv", the_desk().list().unwrap());
    place.run("index build -o list.lykta list.csv").expect(0);
    place
}

/// Where an item has to be, as results say it.
fn steps(planted: &Planted) -> Vec<String> {
    let mut steps: Vec<String> = planted.locator.iter().map(|step| escape(step).into_owned()).collect();
    steps[0].insert_str(0, "dump/");
    steps
}

type Told = (Vec<String>, u64, String, bool);

/// Where it is, its bytes, which entry was named, and whether by its digests.
fn told(finding: &Value) -> Told {
    let steps = finding["locator"].as_array().unwrap();
    let steps = steps.iter().map(|step| step.as_str().unwrap().to_owned()).collect();
    let matches = finding["matches"].as_array().unwrap();
    let entries: BTreeSet<&str> = matches.iter().map(|found| found["entry"].as_str().unwrap()).collect();
    let entries: Vec<&str> = entries.into_iter().collect();
    let is_exact = matches.iter().any(|found| found["kind"] == "sha256");
    (steps, finding["size"].as_u64().unwrap(), entries.join(" "), is_exact)
}

#[test]
fn every_planted_picture_is_found_where_it_is_and_nothing_else() {
    let place = place();
    // Four items are damaged on purpose.
    place.run("scan --index list.lykta --record all -o out dump").expect(4);
    let findings = json_lines(&place.text("out/findings.jsonl"));
    let mut found: Vec<Told> = findings.iter().map(told).collect();
    let mut expected: Vec<Told> = the_desk()
        .planted
        .iter()
        .map(|planted| {
            let Planted { entry, bytes, is_exact, .. } = planted;
            (steps(planted), bytes.len() as u64, entry.clone(), *is_exact)
        })
        .collect();
    found.sort();
    expected.sort();
    assert!(expected.len() >= 80, "{}", expected.len());
    for lost in expected.iter().filter(|planted| !found.contains(planted)) {
        println!("not found: {lost:?}");
    }
    for more in found.iter().filter(|finding| !expected.contains(finding)) {
        println!("not planted: {more:?}");
    }
    assert!(found == expected);
    // Three of one name in one archive: their places tell them apart.
    let again = findings.iter().filter(|finding| finding["locator"][0] == "dump/archives/again.tar");
    let offsets: BTreeSet<u64> = again.map(|finding| finding["offset"].as_u64().unwrap()).collect();
    assert_eq!(offsets.len(), 3);
    // What is damaged is told.
    let errors = place.text("out/errors.jsonl");
    for name in ["damaged/cut.zip", "damaged/cut.tar.gz", "damaged/spoiled.zip"] {
        assert!(errors.contains(name), "{errors}");
    }
    place.run("report verify out").expect(0);
}

#[test]
fn every_finding_is_taken_out_again_without_lykta() {
    let place = place();
    place.run("scan --index list.lykta -o out dump").expect(4);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/desk/extract.py");
    let mut python = Command::new("python3");
    let output = python.arg(script).arg("out/findings.jsonl").current_dir(place.path("")).output();
    let output = output.unwrap_or_else(|error| panic!("this test needs python3 and zstd: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let count = String::from_utf8(output.stdout).unwrap();
    assert_eq!(count.trim(), the_desk().planted.len().to_string());
    // A script that compares nothing would agree with anything.
    let spoiled = place.text("out/findings.jsonl").replacen("\"sha256\":\"", "\"sha256\":\"0", 1);
    place.write("spoiled.jsonl", spoiled);
    let mut python = Command::new("python3");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/desk/extract.py");
    let output = python.arg(script).arg("spoiled.jsonl").current_dir(place.path("")).output().unwrap();
    assert!(!output.status.success());
}

#[test]
fn containers_give_the_same_for_any_number_of_jobs() {
    let place = place();
    let scan = "scan --index list.lykta --record all --report jsonl,csv,html";
    for jobs in [1, 2, 8] {
        place.run(&format!("{scan} --jobs {jobs} -o out{jobs} dump")).expect(4);
    }
    for name in
        ["findings.jsonl", "findings.csv", "errors.jsonl", "items.jsonl", "report.html", "summary.json"]
    {
        let one = place.read(&format!("out1/{name}"));
        assert!(!one.is_empty());
        assert!(place.read(&format!("out2/{name}")) == one, "{name} of 2 jobs");
        assert!(place.read(&format!("out8/{name}")) == one, "{name} of 8 jobs");
    }
}

/// A thumbnail was found within an archive and not in a file of its own when the list had digests only: then nobody had
/// asked for the bytes of the picture that it is in.
#[test]
fn digests_alone_are_found_in_the_same_places() {
    let place = place();
    let list = place.text("list.csv");
    let columns = |line: &str| line.split(',').take(2).collect::<Vec<_>>().join(",");
    place.write("sha1.csv", list.lines().map(|line| columns(line) + "\n").collect::<String>());
    place.run("index build -o sha1.lykta sha1.csv").expect(0);
    let mut expected: Vec<Vec<String>> =
        the_desk().planted.iter().filter(|planted| planted.is_exact).map(steps).collect();
    expected.sort();
    for scan in ["scan --index sha1.lykta", "scan --index list.lykta --no-near"] {
        place.run(&format!("{scan} -o out dump")).expect(4);
        let findings = json_lines(&place.text("out/findings.jsonl"));
        let mut found: Vec<Vec<String>> = findings.iter().map(|finding| told(finding).0).collect();
        found.sort();
        assert!(found == expected, "{scan}");
        std::fs::remove_dir_all(place.path("out")).unwrap();
    }
}

/// Nothing may be passed over in silence: what lies in a picture that cannot be held was not looked for.
#[test]
fn a_picture_that_is_too_long_to_look_into_is_told() {
    let place = Place::new();
    place.write("long.jpg", [&[0xff, 0xd8, 0xff, 0xe0][..], &[0; 3 << 20]].concat());
    place.write("list.csv", format!("md5\n{}\n", "0".repeat(32)));
    place.run("index build -o list.lykta list.csv").expect(0);
    place.run("scan --index list.lykta long.jpg").expect(0);
    let run = place.run("scan --index list.lykta --memory 2M long.jpg").expect(3);
    assert!(run.err.contains("were not looked for"), "{}", run.err);
}

/// What is longer than an item may be is skipped for that, also where its length shows only as it is read; and nothing is
/// compared by bytes that are not all of it.
#[test]
fn a_stream_that_is_too_long_for_an_item_is_skipped() {
    let place = Place::new();
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for name in ["one", "two"] {
        let mut header = tar::Header::new_gnu();
        header.set_size(100_000);
        tar.append_data(&mut header, name, &[7; 100_000][..]).unwrap();
    }
    place.write("both.tar.gz", tar.into_inner().unwrap().finish().unwrap());
    place.write("list.csv", format!("md5\n{}\n", "0".repeat(32)));
    place.run("index build -o list.lykta list.csv").expect(0);
    place.run("scan --index list.lykta --max-item-bytes 150000 --record all -o out both.tar.gz").expect(3);
    let items = json_lines(&place.text("out/items.jsonl"));
    let items: Vec<_> =
        items.iter().map(|item| (&item["locator"], &item["reason"], &item["digests"])).collect();
    let skipped = "larger than an item may be";
    assert_eq!(items.len(), 4);
    assert_eq!((items[1].1.as_str(), items[1].2), (Some(skipped), &serde_json::json!({})));
    assert_eq!(items[2].1.as_str(), Some("not a picture"));
    // It is whole, but what it lies in was not read further.
    assert_eq!((items[3].1.as_str(), items[3].2), (Some("container is cut short"), &serde_json::json!({})));
}

/// That a container is listed does not say what is in it.
#[test]
fn a_listed_container_that_cannot_be_read_leaves_the_result_incomplete() {
    let place = place();
    let cut = place.path("dump/damaged/cut.zip");
    let hashed = place.run("hash --csv --kind sha256 dump/damaged/cut.zip").expect(0).out;
    assert!(cut.exists());
    place.write("cut.csv", hashed);
    place.run("index build -o cut.lykta cut.csv").expect(0);
    let run = place.run("scan --index cut.lykta dump/damaged/cut.zip").expect(4);
    let summary = run.json_lines().pop().unwrap();
    assert_eq!(
        (&summary["outcomes"]["matched_exact"]["items"], &summary["unexamined"]),
        (&1.into(), &1.into())
    );
}

/// An index without what was planted finds none of it.
#[test]
fn pictures_of_no_list_are_not_found() {
    let place = place();
    place.write("others.csv", lykta_testdata::list_of_others().unwrap());
    place.run("index build -o others.lykta others.csv").expect(0);
    let run = place.run("scan --index others.lykta dump").expect(3);
    let lines = run.json_lines();
    assert_eq!(lines.len(), 1, "only the summary: {}", run.out);
    assert_eq!(lines[0]["found"], 0);
}

/// The system's own word for it: nothing of a container is unpacked to a file, and nothing is written but the report.
#[cfg(target_os = "linux")]
#[test]
fn nothing_is_written_outside_the_report() {
    let place = place();
    let changes = [
        "trace=open,openat,openat2,creat,unlink,unlinkat,rename,renameat,renameat2,mkdir,mkdirat,rmdir",
        "link,linkat,symlink,symlinkat,truncate,chmod,fchmodat,utimensat,setxattr,mknodat",
    ]
    .join(",");
    let options = ["-f", "-qq", "-y", "-s", "4096", "-e", &changes, "-e", "signal=none", "-o", "trace"];
    let scan = "scan --quiet --index list.lykta --report jsonl,csv,html --record all -o out dump";
    let Some(output) = place.traced(&options, scan) else { return };
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let trace = place.text("trace");
    let calls = trace.lines().filter(|line| !line.contains("resumed>") && !line.contains("???("));
    let out = place.path("out");
    let out = out.to_str().unwrap();
    let is_report = |line: &str| {
        // By its path, by one relative to the current folder, or by that of its descriptor.
        line.contains(&format!("<{out}"))
            || line.contains("\"out\"")
            || line.contains("\"out/")
            || line.contains(&format!("\"{out}"))
    };
    let (mut read, mut written) = (0, 0);
    for line in calls {
        let only_reads = line.contains("O_RDONLY") && !line.contains("O_CREAT") && !line.contains("O_TRUNC");
        if line.contains("\"dump") || line.contains(place.path("dump").to_str().unwrap()) {
            assert!(only_reads, "{line}");
            read += 1;
        } else if !only_reads && !["\"/dev/", "\"/proc/"].iter().any(|own| line.contains(own)) {
            assert!(is_report(line), "{line}");
            written += 1;
        }
    }
    assert!(read >= the_desk().files.len(), "{read}");
    assert!(written >= 6, "{written}");
}
