//! Scans that were killed or stopped, and gone on with: the result is that of a scan that was left alone.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::desk::the_desk;
use crate::place::{Place, json_lines};

const COMPARED: [&str; 6] =
    ["findings.jsonl", "errors.jsonl", "items.jsonl", "summary.json", "findings.csv", "report.html"];
const SCAN: &str = "scan --quiet --index list.lykta --record all --report jsonl,csv,html";

/// The desk dump several times over, so that a scan takes a while.
fn place(times: usize) -> Place {
    let place = Place::with_demo();
    fs::remove_dir_all(place.path("dump")).unwrap();
    for number in 0..times {
        the_desk().write(&place.path(&format!("dump/{number}"))).unwrap();
    }
    place.write("list.csv", the_desk().list().unwrap());
    place.run("index build -o list.lykta list.csv").expect(0);
    place
}

fn start(place: &Place, words: &str) -> Child {
    let mut command = place.std_lykta();
    command.args(words.split_whitespace()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn journal_len(place: &Place) -> u64 {
    fs::metadata(place.path("out/journal.partial")).map_or(0, |file| file.len())
}

/// Waits until so much of the scan is done. False if it ended first.
fn wait_for(place: &Place, child: &mut Child, journal: u64) -> bool {
    loop {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        if journal_len(place) >= journal {
            return true;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[track_caller]
fn assert_as_if_left_alone(place: &Place) {
    for name in COMPARED {
        assert!(place.read(&format!("out/{name}")) == place.read(&format!("alone/{name}")), "{name}");
    }
    let names = |dir: &str| {
        let entries = fs::read_dir(place.path(dir)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names("out"), names("alone"), "nothing is left over");
    place.run("report verify --quiet out").expect(0);
}

#[test]
fn a_scan_that_is_killed_again_and_again_ends_as_if_left_alone() {
    let place = place(6);
    place.run(&format!("{SCAN} -o alone dump")).expect(4);
    let mut random = 0x2545_f491_4f6c_dd1du64;
    let (mut kills, mut in_the_midst) = (0, 0);
    while kills < 10 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let jobs = 1 + random % 2;
        let more = (random >> 40) % 40_000;
        let mut child = start(&place, &format!("{SCAN} --jobs {jobs} --resume -o out dump"));
        // Somewhere in what is yet to be done, or, the first of three times, wherever it is by then.
        let goal = if kills % 3 == 0 { 0 } else { journal_len(&place) + more };
        let is_running = wait_for(&place, &mut child, goal);
        if kills % 3 == 0 {
            std::thread::sleep(Duration::from_millis(random >> 60));
        }
        child.kill().unwrap();
        let killed = child.wait().unwrap().code().is_none();
        if !killed {
            // It was done before: from the beginning.
            assert_as_if_left_alone(&place);
            fs::remove_dir_all(place.path("out")).unwrap();
            continue;
        }
        kills += 1;
        in_the_midst += usize::from(is_running && journal_len(&place) > 0);
    }
    assert!(in_the_midst >= 3, "{in_the_midst} of {kills} kills were in the midst of the scan");
    place.run(&format!("{SCAN} --resume -o out dump")).expect(4);
    assert_as_if_left_alone(&place);
}

/// Whatever of a scan is done, the rest is what is left. A picture in an archive that was done with hid the thumbnail
/// in it, and all that followed in the archive had other numbers: a kill in the wrong moment lost findings.
#[test]
fn whatever_is_done_the_rest_follows() {
    let place = place(1);
    place.run(&format!("{SCAN} --jobs 1 -o alone dump")).expect(4);
    let findings = json_lines(&place.text("alone/findings.jsonl")).len();
    // Behind everything else: it is never done with, so the journal stays.
    let zeros = place.path("dump/zeros");
    File::create(&zeros).unwrap().set_len(1 << 40).unwrap();
    let mut child = start(&place, &format!("{SCAN} --jobs 1 -o out dump"));
    // Findings are written at once. A scan that is interrupted writes what else it has before it ends.
    let is_all = || {
        let partial = fs::read(place.path("out/findings.partial.jsonl")).unwrap_or_default();
        partial.iter().filter(|byte| **byte == b'\n').count() == findings
    };
    while !is_all() {
        assert!(child.try_wait().unwrap().is_none(), "a terabyte cannot have been read");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(2));
    fs::remove_file(&zeros).unwrap();
    let journal = place.text("out/journal.partial");
    let lines: Vec<&str> = journal.split_inclusive('\n').collect();
    fs::rename(place.path("out"), place.path("all")).unwrap();
    let is_inside =
        |line: &str| ["thumbnail\"", "mpf picture", "\"preview\""].iter().any(|name| line.contains(name));
    let inside: Vec<usize> = (1..lines.len()).filter(|line| is_inside(lines[*line])).collect();
    assert!(inside.len() >= 7, "{inside:?}");
    // All but one of those, nearly all, and any half of them.
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    let mut drop_some = |of: u64| {
        (1..lines.len())
            .filter(|_| {
                random =
                    random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (random >> 33).is_multiple_of(of)
            })
            .collect::<Vec<_>>()
    };
    let mut cases: Vec<Vec<usize>> = inside.iter().map(|line| vec![*line]).collect();
    cases.extend([2, 2, 2, 2, 10, 10, 10, 30, 30, 30].map(&mut drop_some));
    for left in cases {
        let _ = fs::remove_dir_all(place.path("out"));
        fs::create_dir(place.path("out")).unwrap();
        for name in ["log.jsonl", "findings.partial.jsonl"] {
            fs::copy(place.path(&format!("all/{name}")), place.path(&format!("out/{name}"))).unwrap();
        }
        let kept = lines.iter().enumerate().filter(|(number, _)| !left.contains(number));
        place.write("out/journal.partial", kept.map(|(_, line)| *line).collect::<String>());
        place.run(&format!("{SCAN} --jobs 2 --resume -o out dump")).expect(4);
        let told: Vec<&str> = left.iter().map(|line| lines[*line]).take(3).collect();
        for name in COMPARED {
            let is_same = place.read(&format!("out/{name}")) == place.read(&format!("alone/{name}"));
            assert!(is_same, "{name} differs when these were left to do: {told:?}");
        }
        place.run("report verify --quiet out").expect(0);
    }
}

/// A scan of the desk dump that was killed when it had done something and had hours to go.
fn killed() -> Place {
    let place = place(1);
    File::create(place.path("dump/zeros")).unwrap().set_len(1 << 40).unwrap();
    let mut child = start(&place, &format!("{SCAN} -o out dump"));
    assert!(wait_for(&place, &mut child, 20_000));
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().code(), None);
    place
}

#[test]
fn another_question_is_no_going_on() {
    let place = killed();
    place.write("others.csv", lykta_testdata::list_of_others().unwrap());
    place.run("index build -o others.lykta others.csv").expect(0);
    let before = place.read("out/journal.partial");
    let resumed = |scan: &str, part: &str| {
        place
            .run(&format!("{scan} --resume -o out dump"))
            .refused(&["differs from the one that was interrupted in", part]);
    };
    resumed(&SCAN.replace("list.lykta", "others.lykta"), "the index");
    resumed(&format!("{SCAN} --radius pdq=20"), "--radius pdq=20, which is given now");
    resumed(&format!("{SCAN} --min-quality 60"), "--min-quality 50 then and --min-quality 60 now");
    resumed(&format!("{SCAN} --no-containers"), "--no-containers");
    resumed(&SCAN.replace(",csv", ""), "--report");
    assert!(place.read("out/journal.partial") == before, "what was done is kept");
}

#[test]
fn a_file_that_changed_meanwhile_is_named() {
    let place = killed();
    // One that was done with: of those the journal has findings.
    let journal = place.text("out/findings.partial.jsonl");
    let done = json_lines(&journal)[0]["locator"][0].as_str().unwrap().to_owned();
    let path = place.path(&done);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, [&bytes[..], b"more"].concat()).unwrap();
    let changed = format!("{done} is not what it was");
    place.run(&format!("{SCAN} --resume -o out dump")).refused(&[&changed]);
    fs::remove_file(&path).unwrap();
    place.run(&format!("{SCAN} --resume -o out dump")).refused(&["scan again into a new folder"]);
}

#[test]
fn a_journal_that_was_spoiled_is_refused() {
    let place = killed();
    let journal = place.read("out/journal.partial");
    // A digit of the third line's content.
    let starts: Vec<usize> =
        journal.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    let mut spoiled = journal.clone();
    spoiled[starts[1] + 30] ^= 1;
    place.write("out/journal.partial", &spoiled);
    let run = place.run(&format!("{SCAN} --resume -o out dump"));
    run.refused(&["line 3", "journal.partial", "is not as it was written"]);
    // Without a line in the midst.
    place.write(
        "out/journal.partial",
        [&journal[..starts[0]], &[b'x'; 40], b"\n", &journal[starts[0]..]].concat(),
    );
    place.run(&format!("{SCAN} --resume -o out dump")).refused(&["line 2", "is not as it was written"]);
}

#[test]
fn a_scan_that_is_finished_says_so_and_has_its_exit_code() {
    let place = place(1);
    place.run(&format!("{SCAN} --resume -o out dump")).expect(4);
    let before = place.read("out/manifest.json");
    let run = place.run(&format!("{SCAN} --resume -o out dump")).expect(4);
    assert!(run.err.contains("out is finished: nothing was left to do"), "{}", run.err);
    assert!(run.err.contains("sha256 of manifest.json"), "{}", run.err);
    assert!(place.read("out/manifest.json") == before);
    // Nobody is told the result of another question.
    place.run(&format!("{SCAN} --no-near --resume -o out dump")).refused(&["--no-near"]);
    place.run(&format!("{SCAN} --resume -o out list.csv")).refused(&["paths to be scanned"]);
    // Results without a journal are nobody's to throw away.
    fs::remove_file(place.path("out/manifest.json")).unwrap();
    place.run(&format!("{SCAN} --resume -o out dump")).refused(&["no journal"]);
    assert!(!place.read("out/findings.jsonl").is_empty());
}

#[test]
fn a_scan_that_was_interrupted_can_be_gone_on_with() {
    let place = place(1);
    // Some seconds of work behind everything else.
    File::create(place.path("dump/zeros")).unwrap().set_len(3 << 30).unwrap();
    place.run(&format!("{SCAN} -o alone dump")).expect(4);
    // A machine that is slow in the wrong moment may end the scan first: then again.
    let is_interrupted = (0..5).any(|_| {
        let _ = fs::remove_dir_all(place.path("out"));
        let mut child = start(&place, &format!("{SCAN} -o out dump"));
        if !wait_for(&place, &mut child, 20_000) {
            return false;
        }
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        child.wait_with_output().unwrap().status.code() == Some(2)
    });
    assert!(is_interrupted);
    assert_eq!(place.json("out/manifest.json")["complete"], false);
    place.run("report verify --quiet out").expect(0);
    place.run(&format!("{SCAN} --resume -o out dump")).expect(4);
    let finished = place.json("out/manifest.json");
    assert_eq!(finished["complete"], true);
    // It began when it began, and the log says by what it was gone on with.
    let log = json_lines(&place.text("out/log.jsonl"));
    assert_eq!(finished["started"], log[0]["at"]["local"]);
    let resumed = log.into_iter().find(|line| line["event"] == "resumed").unwrap();
    assert!(resumed["arguments"].as_array().unwrap().contains(&"--resume".into()), "{resumed}");
    assert!(resumed["host"].is_object(), "{resumed}");
    assert_as_if_left_alone(&place);
}
