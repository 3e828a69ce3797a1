//! `lykta hash`.

use serde_json::Value;

use crate::place::{Place, keys, run};

const ALL_KEYS: [&str; 10] =
    ["path", "size", "md5", "sha1", "sha256", "blake3", "pdq", "pdq_quality", "width", "height"];

#[test]
fn a_picture_has_all_keys_in_their_order_and_its_path_as_given() {
    let place = Place::with_demo();
    for path in
        ["dump/camera/IMG_0001.jpg", "./dump//camera/IMG_0001.jpg", "dump/../dump/camera/IMG_0001.jpg"]
    {
        let run = place.run(&format!("hash {path}")).expect(0);
        assert_eq!(keys(&run.out), ALL_KEYS);
        let line = &run.json_lines()[0];
        assert_eq!(line["path"], path);
        assert_eq!(line["size"], place.read(path).len());
        assert_eq!((&line["width"], &line["height"]), (&480.into(), &360.into()));
    }
}

#[test]
fn digests_are_those_of_other_programs() {
    let place = Place::new();
    place.write("abc", "abc");
    let line = &place.run("hash abc").expect(0).json_lines()[0];
    assert_eq!(line["md5"], "900150983cd24fb0d6963f7d28e17f72");
    assert_eq!(line["sha1"], "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_eq!(line["sha256"], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(line["blake3"], "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85");
    assert_eq!(line["pdq"], Value::Null);
}

#[test]
fn folders_are_walked_in_order_whatever_the_jobs() {
    let place = Place::with_demo();
    let one = place.run("hash --jobs 1 dump").expect(0);
    assert_eq!(one.json_lines().len(), 12);
    let paths: Vec<String> = one.json_lines().iter().map(|line| line["path"].to_string()).collect();
    assert!(paths.is_sorted(), "{paths:?}");
    assert_eq!(place.run("hash --jobs 2 dump").expect(0).out, one.out);
}

#[test]
fn what_cannot_be_hashed_is_a_line_and_an_exit_code() {
    let place = Place::with_demo();
    let run = place.run("hash missing dump/camera").expect(3);
    assert_eq!(keys(run.out.lines().next().unwrap()), ["path", "error"]);
    assert_eq!(run.json_lines().len(), 4);
    // The digests of a damaged picture are still worth having.
    let whole = place.read("dump/camera/IMG_0001.jpg");
    place.write("cut.jpg", &whole[..whole.len() / 2]);
    let line = &place.run("hash cut.jpg").expect(3).json_lines()[0];
    assert!(line["error"].as_str().unwrap().contains("JPEG"), "{line}");
    assert!(line["sha256"].is_string() && line["pdq"].is_null(), "{line}");
    let line = &place.run("hash --kind pdq list.csv").expect(3).json_lines()[0];
    assert!(line["error"].as_str().unwrap().contains("not a picture"), "{line}");
}

#[test]
fn a_csv_list_becomes_an_index_that_knows_every_file() {
    let place = Place::with_demo();
    for kinds in ["", "--kind sha1,pdq", "--kind blake3"] {
        let csv = place.run(&format!("hash --csv {kinds} dump")).expect(0).out;
        assert!(csv.starts_with("path,size,"), "{csv}");
        place.run_with(csv, "index build -o mine.lykta -").expect(0);
        let run = place.run("scan --index mine.lykta dump").expect(1);
        let lines = run.json_lines();
        // All but the empty file: lists never know that one, for every empty file is the same.
        assert_eq!(lines.len(), 12, "{}", run.out);
        for finding in &lines[..11] {
            assert_eq!(finding["matches"][0]["entry"], finding["locator"][0]);
            assert_eq!(finding["matches"][0]["distance"], 0);
        }
        assert_eq!(lines[11]["outcomes"]["matched_exact"]["items"], 11);
    }
}

#[test]
fn a_csv_list_keeps_awkward_names_apart_from_formulas() {
    let place = Place::new();
    place.write("=cmd", "x");
    place.write("a,\"b\"", "y");
    let run = run(place.lykta().args(["hash", "--csv", "--kind", "md5", "=cmd", "a,\"b\""])).expect(0);
    let lines: Vec<&str> = run.out.lines().collect();
    assert_eq!(lines[0], "path,size,md5");
    assert!(lines[1].starts_with("'=cmd,1,"), "{}", run.out);
    assert!(lines[2].starts_with("\"a,\"\"b\"\"\",1,"), "{}", run.out);
}

#[test]
fn the_pdq_modes_differ_for_a_large_picture_only() {
    let place = Place::with_demo();
    let hash = |mode: &str, path: &str| {
        place.run(&format!("hash --kind pdq --pdq-mode {mode} {path}")).expect(0).json_lines()[0]["pdq"]
            .clone()
    };
    let small = "dump/camera/IMG_0001.jpg";
    assert_eq!(hash("full", small), hash("cli512", small));
    let large = lykta_testdata::landscape(5, 640, 480);
    large.save(place.path("large.png")).unwrap();
    assert_ne!(hash("full", "large.png"), hash("cli512", "large.png"));
}

#[test]
fn a_picture_above_the_memory_says_how_much_is_enough() {
    let place = Place::with_demo();
    let path = "dump/camera/IMG_0001.jpg";
    let run = place.run(&format!("hash --memory 64K {path}")).expect(3);
    assert_eq!(keys(&run.out), ["path", "size", "md5", "sha1", "sha256", "blake3", "error"]);
    let error = run.json_lines()[0]["error"].as_str().unwrap().to_owned();
    assert!(error.contains("65536") && error.contains("--memory"), "{error}");
    let needed: u64 = error.split(' ').find_map(|word| word.parse().ok()).unwrap();
    place.run(&format!("hash --memory {} {path}", needed - 1)).expect(3);
    assert!(place.run(&format!("hash --memory {needed} {path}")).expect(0).out.contains("\"pdq\""));
}

/// A gigabyte of zeros that begins like a PNG would be held in memory, once a thread.
#[test]
#[cfg(unix)]
fn a_picture_file_that_is_too_long_is_not_held_in_memory() {
    let place = Place::with_demo();
    place.write("long.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\x02\0\0\0");
    let file = std::fs::OpenOptions::new().write(true).open(place.path("long.png")).unwrap();
    file.set_len((1 << 30) + 1).unwrap();
    let run = place.run("hash --kind pdq long.png dump/camera/IMG_0001.jpg").expect(3);
    let lines = run.json_lines();
    assert!(
        lines[0]["error"].as_str().unwrap().contains("1073741825 bytes is held in memory"),
        "{}",
        run.out
    );
    assert!(lines[1]["pdq"].is_string());
}

#[test]
#[cfg(unix)]
fn a_pipe_in_a_folder_is_mentioned_and_not_opened() {
    let place = Place::with_demo();
    std::process::Command::new("mkfifo").arg(place.path("dump/pipe")).status().unwrap();
    let run = place.run("hash dump").expect(0);
    assert_eq!(run.json_lines().len(), 12);
    assert_eq!(run.err, "lykta: dump/pipe: special file: a named pipe\n");
}

#[test]
#[cfg(target_os = "linux")]
fn names_that_are_not_utf8_are_written_without_loss() {
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    let name = std::ffi::OsStr::from_bytes(b"d/\xff\\\n");
    std::fs::create_dir(place.path("d")).unwrap();
    std::fs::write(place.path("").join(name), "abc").unwrap();
    for path in [std::ffi::OsStr::new("d"), name] {
        let line = &run(place.lykta().arg("hash").arg(path)).expect(0).json_lines()[0];
        assert_eq!(line["path"], "d/\\xff\\\\\n");
    }
}

/// A name from a dump could clear the screen of whoever hashes it.
#[test]
#[cfg(unix)]
fn a_name_draws_nothing_on_the_terminal() {
    let place = Place::new();
    std::fs::create_dir(place.path("d")).unwrap();
    std::process::Command::new("mkfifo").arg(place.path("d/\x1b[2J\u{9b}")).status().unwrap();
    let missing = "m\x1b[31m";
    let run = run(place.lykta().args(["hash", "--csv", "d", missing])).expect(3);
    assert!(run.err.contains("d/\\x1b[2J\\xc2\\x9b: special file"), "{:?}", run.err);
    assert!(run.err.contains("m\\x1b[31m: "), "{:?}", run.err);
    assert!(run.err.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", run.err);
}

/// There is no one pHash: a number that looks like those of a list and is another would match
/// nothing, or the wrong thing.
#[test]
fn kinds_that_only_lists_bring_are_not_computed() {
    let place = Place::with_demo();
    place.run("hash --kind phash dump").refused(&["does not compute phash", "lists"]);
    place.run("hash --kind sha1,dhash dump").refused(&["does not compute dhash"]);
    place.run("hash --kind crc32 dump").refused(&["md5, sha1, sha256, blake3, pdq"]);
    let all = place.run("hash dump").expect(0);
    assert!(!all.out.contains("phash") && !all.out.contains("dhash"), "{}", all.out);
}
