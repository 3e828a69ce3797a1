//! Scans that are stopped before their end.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::place::{Place, json_lines};

/// A scan that has found something and has hours to go: sparse files take no room but time.
fn scan_under_way(place: &Place) -> Child {
    fs::create_dir(place.path("long")).unwrap();
    fs::copy(place.path("dump/camera/IMG_0001.jpg"), place.path("long/0.jpg")).unwrap();
    for number in 1..9 {
        File::create(place.path(&format!("long/{number}"))).unwrap().set_len(1 << 40).unwrap();
    }
    let mut command = place.std_lykta();
    command.args(["scan", "--index", "list.lykta", "--jobs", "2", "-o", "out", "long"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let partial = place.path("out/findings.partial.jsonl");
    while !fs::read(&partial).is_ok_and(|bytes| bytes.ends_with(b"\n")) {
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

fn send(signal: &str, child: &Child) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn a_scan_that_is_interrupted_writes_what_it_has_and_says_that_it_is_not_all() {
    for signal in ["-INT", "-TERM"] {
        let place = Place::with_demo();
        let child = scan_under_way(&place);
        send(signal, &child);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("stopping"), "{said}");
        assert!(String::from_utf8(output.stdout).unwrap().contains("stopped before its end"));
        let manifest = place.json("out/manifest.json");
        assert_eq!(manifest["complete"], false);
        assert_eq!(place.json("out/summary.json")["complete"], false);
        let findings = json_lines(&place.text("out/findings.jsonl"));
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0]["locator"][0], "long/0.jpg");
        let errors = place.text("out/errors.jsonl");
        assert!(errors.contains("the scan was stopped"), "{errors}");
        let log = json_lines(&place.text("out/log.jsonl"));
        let [.., stopped, finished] = log.as_slice() else { panic!("{log:?}") };
        assert_eq!((&stopped["event"], &finished["event"]), (&"stopped".into(), &"finished".into()));
        assert_eq!(finished["complete"], false);
        // What going on with it needs is no change of the report; anything else is.
        assert!(
            place.path("out/findings.partial.jsonl").exists() && place.path("out/journal.partial").exists()
        );
        place.run("report verify --quiet out").expect(0);
        place.write("out/more.partial", "");
        place.run("report verify --quiet out").expect(1);
    }
}

#[test]
fn a_scan_that_is_killed_leaves_its_findings_and_claims_nothing() {
    let place = Place::with_demo();
    let mut child = scan_under_way(&place);
    send("-KILL", &child);
    assert_eq!(child.wait().unwrap().code(), None);
    let mut left: Vec<_> =
        fs::read_dir(place.path("out")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["findings.partial.jsonl", "journal.partial", "log.jsonl"]);
    let log = json_lines(&place.text("out/log.jsonl"));
    assert_eq!((&log[0]["event"], &log[1]["event"]), (&"started".into(), &"found".into()));
    let findings = json_lines(&place.text("out/findings.partial.jsonl"));
    assert_eq!(findings[0]["locator"][0], "long/0.jpg");
    // What is left is not written over by the next scan.
    place.run("scan --index list.lykta -o out dump").refused(&["out is not empty"]);
}

/// The left-overs of builds in the place.
fn temporaries(place: &Place) -> Vec<PathBuf> {
    let paths = fs::read_dir(place.path("")).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "tmp")).collect()
}

/// A build that is killed while it reads, sorts, or has written a part leaves the old index as it was.
#[test]
fn a_build_that_is_killed_leaves_the_old_index_and_nothing_for_long() {
    let place = Place::with_demo();
    let old = place.read("list.lykta");
    let mut list = String::from("md5,pdq\n");
    for row in 1..=60_000u64 {
        let digits = format!("{:016x}", row.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        list += &format!("{digits}{digits},{}\n", digits.repeat(4));
    }
    place.write("long.csv", list);
    let start = || {
        let mut command = place.std_lykta();
        command.args(["index", "build", "-o", "list.lykta", "--near", "mih", "long.csv"]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    // Some time after the start; and as soon as the temporary file has this many bytes.
    let moments = [(0, None), (30, None), (150, None), (0, Some(0)), (0, Some(1 << 20)), (0, Some(3 << 20))];
    let mut left = 0;
    for (milliseconds, bytes) in moments {
        let mut child = start();
        std::thread::sleep(Duration::from_millis(milliseconds));
        while let Some(bytes) = bytes
            && child.try_wait().unwrap().is_none()
        {
            let files = temporaries(&place);
            let lengths = files.iter().filter_map(|path| fs::metadata(path).ok()).map(|file| file.len());
            if lengths.max() >= Some(bytes) {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        if child.wait().unwrap().code().is_none() {
            assert!(place.read("list.lykta") == old, "killed after {milliseconds} ms or at {bytes:?} bytes");
            left += temporaries(&place).len();
        } else {
            // It was done before.
            place.run("index verify list.lykta").expect(0);
            place.write("list.lykta", &old);
        }
    }
    assert!(left > 0, "no build was killed while it wrote");
    place.run("index build -o other.lykta list.csv").expect(0);
    assert!(temporaries(&place).is_empty(), "{:?}", temporaries(&place));
    place.run("index verify list.lykta").expect(0);
}

#[test]
fn commands_with_nothing_to_save_end_at_once() {
    let place = Place::with_demo();
    let mut command = place.std_lykta();
    command.args(["query", "--quiet", "list.lykta"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // An answer shows that it is under way.
    use std::io::{BufRead, BufReader, Write};
    // Held to the end: `wait` would close it, and the end of the input ends the command as well.
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "md5:00000000000000000000000000000001").unwrap();
    let mut answer = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut answer).unwrap();
    assert!(answer.contains("\"matches\":[]"), "{answer}");
    send("-INT", &child);
    assert_eq!(child.wait().unwrap().code(), Some(2));
    drop(stdin);
}

/// Ctrl-C in the moment that DIR is made: what is left is a report that says that it is not all.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_was_made_gets_its_manifest_however_early_the_stop() {
    let place = Place::with_demo();
    fs::create_dir(place.path("long")).unwrap();
    File::create(place.path("long/1")).unwrap().set_len(1 << 40).unwrap();
    let options = ["-f", "-qq", "-e", "trace=mkdir", "-e", "inject=mkdir:signal=INT", "-o", "trace"];
    let Some(output) = place.traced(&options, "scan --index list.lykta -o out long") else { return };
    assert!(place.text("trace").contains("mkdir(\"out\""), "{}", place.text("trace"));
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(place.json("out/manifest.json")["complete"], false);
}

/// A file of a terabyte was read to its end first.
#[cfg(target_os = "linux")]
#[test]
fn hash_stops_in_the_midst_of_a_file_and_keeps_what_it_has() {
    let place = Place::new();
    place.write("long/0", "abc");
    File::create(place.path("long/1")).unwrap().set_len(1 << 40).unwrap();
    let mut command = place.std_lykta();
    command.args(["hash", "--jobs", "1", "long"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let open = format!("/proc/{}/fd", child.id());
    let reads_long = || {
        let mut files = fs::read_dir(&open).unwrap().filter_map(|fd| fs::read_link(fd.unwrap().path()).ok());
        files.any(|file| file.ends_with("long/1"))
    };
    while !reads_long() {
        std::thread::sleep(Duration::from_millis(5));
    }
    send("-INT", &child);
    let asked = std::time::Instant::now();
    while child.try_wait().unwrap().is_none() {
        if asked.elapsed() > Duration::from_secs(20) {
            child.kill().unwrap();
            panic!("it goes on");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let lines = json_lines(&String::from_utf8(output.stdout).unwrap());
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!((&lines[0]["path"], &lines[0]["size"]), (&"long/0".into(), &3.into()));
}
