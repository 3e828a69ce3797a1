//! `lykta scan`: outcomes, exit codes, the report, awkward trees.

use std::fs;

use crate::place::{Place, json_lines, keys, run};

const REPORT: [&str; 6] =
    ["errors.jsonl", "findings.jsonl", "log.jsonl", "manifest.json", "report.html", "summary.json"];

fn files_in(place: &Place, dir: &str) -> Vec<String> {
    let entries = fs::read_dir(place.path(dir)).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn exit_codes_say_found_and_unexamined_apart() {
    let place = Place::with_demo();
    let whole = place.read("dump/camera/IMG_0002.jpg");
    place.write("cut/cut.jpg", &whole[..whole.len() / 2]);
    place.run("scan --index list.lykta dump/other").expect(0);
    place.run("scan --index list.lykta dump").expect(1);
    place.run("scan --index list.lykta missing").refused(&["missing"]);
    place.run("scan --index list.lykta dump dump/camera").refused(&["counted twice"]);
    place.run("scan --index missing dump").refused(&["missing"]);
    place.run("scan --index list.lykta dump/other cut").expect(3);
    place.run("scan --index list.lykta dump cut").expect(4);
}

#[test]
fn without_a_folder_findings_and_summary_go_to_one_side_and_errors_to_the_other() {
    let place = Place::with_demo();
    place.write("dump/camera/cut.jpg", &place.read("dump/camera/IMG_0002.jpg")[..9000]);
    let run = place.run("scan --index list.lykta dump").expect(4);
    let lines: Vec<&str> = run.out.lines().collect();
    assert_eq!(lines.len(), 7);
    assert_eq!(keys(lines[0]), ["v", "locator", "size", "digests", "pdq", "pdq_quality", "matches"]);
    let values = run.json_lines();
    let locators: Vec<&str> = values[..6].iter().map(|line| line["locator"][0].as_str().unwrap()).collect();
    assert!(locators.is_sorted(), "{locators:?}");
    assert_eq!(values[6]["findings"], 6);
    let errors = json_lines(&run.err);
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0]["locator"][0], "dump/camera/cut.jpg");
    assert!(!errors[0]["reason"].as_str().unwrap().is_empty());
    assert_eq!(files_in(&place, "tmp"), [""; 0]);
}

#[test]
fn a_report_is_complete_private_and_pinned_by_its_manifest() {
    let place = Place::with_demo();
    let run = place.run("scan --index list.lykta -o out dump").expect(1);
    assert_eq!(files_in(&place, "out"), REPORT);
    let manifest = place.json("out/manifest.json");
    assert_eq!(manifest["complete"], true);
    assert_eq!(manifest["indexes"][0]["lists"][0]["name"], "list.csv");
    // The digests that other programs would compute, here by the command itself.
    let sha256 = |name: &str| {
        let line = &place.run(&format!("hash --kind sha256 {name}")).expect(0).json_lines()[0];
        line["sha256"].as_str().unwrap().to_owned()
    };
    let listed = manifest["files"].as_array().unwrap();
    assert_eq!(listed.len(), REPORT.len() - 1);
    for file in listed {
        assert_eq!(file["sha256"], sha256(&format!("out/{}", file["name"].as_str().unwrap())));
    }
    assert_eq!(manifest["indexes"][0]["sha256"], sha256("list.lykta"));
    let log = place.text("out/log.jsonl");
    place.write("last", log.trim_end().lines().last().unwrap());
    let digest = sha256("last");
    assert!(run.out.contains(&format!("sha256 of the last line of log.jsonl: {digest}\n")), "{}", run.out);
    assert_eq!(manifest["log"]["last_sha256"], digest);
    assert_eq!(manifest["log"]["lines"], log.lines().count());
    let digest = sha256("out/manifest.json");
    assert!(run.out.ends_with(&format!("sha256 of manifest.json: {digest}\n")), "{}", run.out);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(place.path("out")).unwrap().permissions().mode() & 0o777, 0o700);
    }
}

#[test]
fn the_manifests_digest_is_printed_in_every_case() {
    let place = Place::with_demo();
    let quiet = place.run("scan --quiet --index list.lykta -o quiet dump").expect(1);
    assert_eq!((quiet.out.lines().count(), quiet.err.as_str()), (1, ""));
    assert!(quiet.out.starts_with("sha256 of manifest.json: "));
    let json = place.run("scan --json --index list.lykta -o json dump").expect(1);
    assert_eq!(json.json_lines()[0]["found"], 6);
    assert!(json.err.contains("sha256 of the last line of log.jsonl: "), "{}", json.err);
    assert!(json.err.contains("sha256 of manifest.json: "), "{}", json.err);
}

#[test]
fn a_profile_adds_up_and_is_pinned_by_the_manifest() {
    let place = Place::with_demo();
    place.run("scan --index list.lykta -o plain dump").expect(1);
    let run = place.run("scan --index list.lykta --profile --quiet -o out dump").expect(1);
    for word in
        ["wait for memory", "read", "digest", "decode and hash", "match", "report", "JPEG", "not a picture"]
    {
        assert!(run.err.lines().any(|line| line.starts_with(word)), "{word}: {}", run.err);
    }
    let (profile, summary) = (place.json("out/profile.json"), place.json("out/summary.json"));
    assert_eq!(
        (&profile["items"], &profile["bytes"]),
        (&summary["seen"]["items"], &summary["seen"]["bytes"])
    );
    let formats = profile["formats"].as_object().unwrap();
    let items: u64 = formats.values().map(|format| format["items"].as_u64().unwrap()).sum();
    assert_eq!(summary["seen"]["items"], items);
    let manifest = place.json("out/manifest.json");
    let files = manifest["files"].as_array().unwrap();
    assert!(files.iter().any(|file| file["name"] == "profile.json"), "{manifest}");
    // Where the time went is nowhere else.
    for file in ["findings.jsonl", "summary.json", "errors.jsonl"] {
        assert_eq!(place.read(&format!("out/{file}")), place.read(&format!("plain/{file}")));
    }
    assert!(!place.path("plain/profile.json").exists());
    let run = place.run("scan --index list.lykta --profile dump").expect(1);
    assert!(run.err.contains("decode and hash") && !run.out.contains("decode and hash"), "{}", run.err);
}

#[test]
fn any_number_of_jobs_writes_the_same_bytes() {
    let place = Place::with_demo();
    place.write("dump/cut.jpg", &place.read("dump/camera/IMG_0002.jpg")[..9000]);
    let scan = "scan --index list.lykta --record all --report jsonl,csv,html";
    for jobs in [1, 2, 5] {
        place.run(&format!("{scan} --jobs {jobs} -o out{jobs} dump")).expect(4);
    }
    for name in
        ["findings.jsonl", "findings.csv", "errors.jsonl", "items.jsonl", "report.html", "summary.json"]
    {
        let one = place.read(&format!("out1/{name}"));
        assert!(!one.is_empty());
        assert_eq!(place.read(&format!("out2/{name}")), one, "{name}");
        assert_eq!(place.read(&format!("out5/{name}")), one, "{name}");
    }
}

#[test]
fn every_item_has_one_outcome_and_they_add_up() {
    let place = Place::with_demo();
    place.write("dump/cut.jpg", &place.read("dump/camera/IMG_0002.jpg")[..9000]);
    place.run("scan --index list.lykta --record all -o out dump").expect(4);
    let items = json_lines(&place.text("out/items.jsonl"));
    let summary = place.json("out/summary.json");
    assert_eq!(items.len(), 13);
    assert_eq!(summary["seen"]["items"], 13);
    for (name, count) in summary["outcomes"].as_object().unwrap() {
        let of_this = || items.iter().filter(|item| item["outcome"] == name.as_str());
        assert_eq!(count["items"], of_this().count(), "{name}");
        assert_eq!(
            count["bytes"],
            of_this().map(|item| item["size"].as_u64().unwrap()).sum::<u64>(),
            "{name}"
        );
        if let Some(reasons) = count["reasons"].as_object() {
            let sum: u64 = reasons.values().map(|count| count["items"].as_u64().unwrap()).sum();
            assert_eq!(count["items"], sum, "{name}");
        }
    }
}

#[test]
fn limits_leave_items_out_and_the_exit_code_says_so() {
    let place = Place::with_demo();
    for (limit, reason) in [
        ("--max-depth 1", "too deep"),
        ("--max-item-bytes 1K", "larger than an item may be"),
        ("--max-total-bytes 1K", "the bytes of this scan are used up"),
    ] {
        let run = place.run(&format!("scan --index list.lykta {limit} dump")).expect(3);
        assert!(run.err.contains(reason), "{limit}: {}", run.err);
    }
}

#[test]
fn gates_and_radius_decide_what_is_alike() {
    let place = Place::with_demo();
    let found = |options: &str, code: i32| {
        let run = place.run(&format!("scan --index list.lykta {options} dump")).expect(code);
        (run.json_lines().last().unwrap()["found"].as_u64().unwrap(), run.err)
    };
    assert_eq!(found("", 1).0, 6);
    let (exact, said) = found("--no-near", 1);
    assert_eq!(exact, 1);
    assert!(said.contains("near matching not performed: it was switched off"), "{said}");
    assert!(found("--radius pdq=0", 1).0 < 6);
    assert!(found("--radius pdq=256", 1).0 > 6);
    place.write("md5.csv", "md5\n00000000000000000000000000000001\n");
    place.run("index build -o md5.lykta md5.csv").expect(0);
    let run = place.run("scan --index md5.lykta dump").expect(0);
    assert!(run.err.contains("near matching not performed: the lists hold no PDQ"), "{}", run.err);
}

#[test]
fn a_file_in_both_kinds_of_list_is_reported_with_both() {
    let place = Place::with_demo();
    let csv = place.run("hash --csv dump/other dump/camera/IMG_0001.jpg").expect(0).out;
    place.write("system.csv", csv);
    place.run("index build -o both.lykta list.csv --ignore system.csv").expect(0);
    let run = place.run("scan --index both.lykta dump").expect(1);
    let lines = run.json_lines();
    let summary = lines.last().unwrap();
    // Three of the four in that folder: lists never know the empty file.
    assert_eq!(summary["outcomes"]["ignored"]["items"], 3);
    assert_eq!(summary["found"], 6);
    let both = lines.iter().find(|line| line["locator"][0] == "dump/camera/IMG_0001.jpg").unwrap();
    for role in ["match", "ignore"] {
        assert!(both["matches"].as_array().unwrap().iter().any(|found| found["role"] == role), "{both}");
    }
}

#[test]
fn a_report_is_never_written_over_anything_nor_into_what_is_scanned() {
    let place = Place::with_demo();
    place.write("full/letter.txt", "dear");
    fs::create_dir(place.path("empty")).unwrap();
    place.run("scan --index list.lykta -o full dump").refused(&["full is not empty"]);
    place.run("scan --index list.lykta -o dump/out dump").refused(&["dump/out is inside dump"]);
    place.run("scan --index list.lykta -o tmp/../dump/out dump").refused(&["is inside"]);
    place.run("scan --index list.lykta -o list.csv dump").refused(&["list.csv"]);
    assert!(!place.path("dump/out").exists());
    assert_eq!(files_in(&place, "full"), ["letter.txt"]);
    place.run("scan --index list.lykta -o empty dump").expect(1);
    place.run("scan --index list.lykta -o empty dump").refused(&["empty is not empty"]);
}

#[cfg(target_os = "linux")]
#[test]
fn awkward_names_neither_vanish_nor_do_anything() {
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    let names: [&[u8]; 7] = [
        b"-x",
        b"=cmd()",
        b"<script>alert(1)<",
        b"a\nb",
        b"back\\slash",
        b"\xff\xfe",
        "\u{202e}gpj.exe".as_bytes(),
    ];
    fs::create_dir(place.path("dump")).unwrap();
    for name in names {
        fs::write(place.path("dump").join(std::ffi::OsStr::from_bytes(name)), "abc").unwrap();
    }
    place.write("list.csv", "id,md5\n=evil,900150983cd24fb0d6963f7d28e17f72\n");
    place.run("index build -o list.lykta list.csv").expect(0);
    place.run("scan --index list.lykta --report jsonl,csv,html -o out dump").expect(1);
    let findings = json_lines(&place.text("out/findings.jsonl"));
    let mut locators: Vec<String> =
        findings.iter().map(|line| line["locator"][0].as_str().unwrap().to_owned()).collect();
    let mut expected: Vec<String> =
        ["-x", "=cmd()", "<script>alert(1)<", "a\nb", "back\\\\slash", "\\xff\\xfe", "\u{202e}gpj.exe"]
            .map(|name| format!("dump/{name}"))
            .into();
    locators.sort();
    expected.sort();
    assert_eq!(locators, expected);
    let html = place.text("out/report.html");
    assert_eq!(html.matches("<script").count(), 1, "its own");
    assert!(html.contains("&lt;script&gt;alert(1)&lt;") && html.contains("dump/a\\x0ab"));
    assert!(html.contains("\\xe2\\x80\\xaegpj.exe") && !html.contains('\u{202e}'));
    assert!(!place.text("out/findings.csv").contains(",=evil"));
    // By name, from inside the folder: a path that looks like an option.
    let csv =
        run(place.lykta().current_dir(place.path("dump")).args(["hash", "--csv", "--", "-x", "=cmd()"]))
            .expect(0);
    assert!(csv.out.contains("\n'-x,3,") && csv.out.contains("\n'=cmd(),3,"), "{}", csv.out);
    let by_name = ["scan", "--index", "../list.lykta", "--", "-x", "=cmd()"];
    let run = run(place.lykta().current_dir(place.path("dump")).args(by_name)).expect(1);
    assert_eq!(run.json_lines().len(), 3);
}

#[cfg(unix)]
#[test]
fn pipes_and_links_are_listed_and_not_opened() {
    let place = Place::with_demo();
    place.write("elsewhere/secret.txt", "abc");
    std::process::Command::new("mkfifo").arg(place.path("dump/pipe")).status().unwrap();
    std::os::unix::fs::symlink("../elsewhere", place.path("dump/out-of-here")).unwrap();
    std::os::unix::fs::symlink("camera/IMG_0001.jpg", place.path("dump/again")).unwrap();
    let run = place.run("scan --index list.lykta dump").expect(1);
    for part in ["special file", "named pipe", "link not followed", "../elsewhere"] {
        assert!(run.err.contains(part), "{part}: {}", run.err);
    }
    assert_eq!(run.json_lines().last().unwrap()["found"], 6);
    let run = place.run("scan --follow-links --index list.lykta dump").expect(1);
    assert!(run.err.contains("out of scope"), "{}", run.err);
    assert_eq!(run.json_lines().last().unwrap()["found"], 7);
}

#[test]
fn that_nothing_is_compared_by_likeness_is_said_unless_quiet() {
    let place = Place::with_demo();
    let note = "near matching not performed: it was switched off";
    assert!(place.run("scan --index list.lykta --no-near dump").err.contains(note));
    assert_eq!(place.run("scan --index list.lykta --no-near --quiet dump").err, "");
}
