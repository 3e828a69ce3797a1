//! Reports of scans: checking one later, and the page for people.

use crate::place::{Place, json_lines, run};

#[test]
fn a_report_is_verified_and_what_differs_is_named() {
    let place = Place::with_demo();
    let run = place.run("scan --index list.lykta -o out dump").expect(1);
    let digest = run.out.trim_end().rsplit(' ').next().unwrap().to_owned();
    let passed = place.run(&format!("report verify out --manifest-sha256 {digest}")).expect(0);
    assert!(passed.out.contains("6 findings are as written"), "{}", passed.out);
    assert!(place.run("report verify out").expect(0).out.contains(&digest));
    let (_, log) = run.out.split_once("last line of log.jsonl: ").unwrap();
    let log = log.lines().next().unwrap();
    let passed = place.run(&format!("report verify out --log-sha256 {log}")).expect(0).out;
    assert!(passed.contains("the last line of log.jsonl has the digest given"), "{passed}");
    let wrong = place.run(&format!("report verify out --log-sha256 {}", "0".repeat(64))).expect(1).out;
    assert!(wrong.contains("log.jsonl line "), "{wrong}");
    assert_eq!(place.run("report verify --quiet out").expect(0).out, "");
    let json = &place.run("report verify --json out").expect(0).json_lines()[0];
    assert_eq!((&json["verified"], &json["findings"]), (&true.into(), &6.into()));
    assert_eq!(json["manifest_sha256"], digest);

    let wrong = place.run(&format!("report verify out --manifest-sha256 {}", "0".repeat(64))).expect(1);
    assert!(wrong.out.contains("manifest.json: its SHA-256 is "), "{}", wrong.out);
    let findings = place.text("out/findings.jsonl");
    place.write("out/findings.jsonl", findings.replacen("IMG", "IMH", 1));
    place.write("out/a\u{1b}[2J", "");
    for quiet in ["", "--quiet"] {
        let run = place.run(&format!("report verify {quiet} out")).expect(1);
        for part in [
            "findings.jsonl: its SHA-256 is ",
            "findings.jsonl line 1: log.jsonl tells of no such finding",
            "log.jsonl line ",
            "a\\x1b[2J: manifest.json does not list it",
            "4 things differ",
        ] {
            assert!(run.out.contains(part), "{part}: {}", run.out);
        }
    }
    let json = &place.run("report verify --json out").expect(1).json_lines()[0];
    assert_eq!((&json["verified"], json["differences"].as_array().unwrap().len()), (&false.into(), 4));

    place.run("report verify dump").refused(&["dump", "not a folder with a report"]);
    place.run("report verify missing").refused(&["missing"]);
    let json = place.run("report verify --json missing").expect(2);
    assert!(json.json_lines()[0]["verified"].is_null());
}

#[test]
fn case_operator_and_clock_are_in_the_manifest_the_log_and_the_page() {
    let place = Place::with_demo();
    let scan =
        ["scan", "--index", "list.lykta", "-o", "out", "--case", "<K 7>", "--operator", "Å. Öst", "dump"];
    run(place.lykta().args(scan)).expect(1);
    let manifest = place.json("out/manifest.json");
    let started = json_lines(&place.text("out/log.jsonl")).remove(0);
    for facts in [&manifest, &started] {
        assert_eq!((&facts["case"], &facts["operator"]), (&"<K 7>".into(), &"Å. Öst".into()));
    }
    let clock = &manifest["clock"];
    assert!(clock["utc_started"].as_str().unwrap().ends_with("+00:00"), "{clock}");
    assert!(clock["offset"].as_str().unwrap().starts_with(['+', '-']), "{clock}");
    assert!(clock["synchronised"].is_boolean() || clock["synchronised"].is_null(), "{clock}");
    assert!(clock.as_object().unwrap().contains_key("synchronised"));
    let page = place.text("out/report.html");
    assert!(page.contains("<dt>Case</dt><dd>&lt;K 7&gt;</dd>") && page.contains("<dd>Å. Öst</dd>"), "{page}");
    place.run("scan --index list.lykta --case 7 dump").refused(&["--output"]);
    place.run("scan --index list.lykta -o plain dump").expect(1);
    assert!(place.json("plain/manifest.json")["case"].is_null());
}

/// Where it was written, when, and by how many threads is no part of it.
#[test]
fn the_page_is_the_same_for_every_run_of_a_scan() {
    let place = Place::with_demo();
    for lang in ["en", "sv"] {
        place.run(&format!("scan --index list.lykta --lang {lang} -o {lang}1 dump")).expect(1);
        place
            .run(&format!("scan -q --jobs 1 -o else/{lang}2 --index list.lykta --lang {lang} dump"))
            .expect(1);
        assert_eq!(
            place.text(&format!("{lang}1/report.html")),
            place.text(&format!("else/{lang}2/report.html"))
        );
    }
    let page = place.text("sv1/report.html");
    assert!(
        page.contains("<html lang=\"sv\">") && page.contains("Vad denna rapport inte kan säga"),
        "{page}"
    );
    assert!(page.contains("--min-quality 50 --band weak --memory 201326592"), "{page}");
    let other = place.run("scan --index list.lykta --radius pdq=20 -o narrow dump");
    assert!(place.text("narrow/report.html").contains("--radius pdq=20"), "{}", other.err);
    place.run("scan --index list.lykta --lang de -o de dump").refused(&["en", "sv"]);
}

/// The bundled list calls entries by its own ids; a list made of the dump calls them by its paths.
#[test]
fn without_names_no_path_of_the_dump_is_for_people() {
    let place = Place::with_demo();
    let list = place.run("hash --csv dump").expect(0).out;
    place.write("own.csv", &list);
    place.write("dump/camera/cut.jpg", &place.read("dump/camera/IMG_0002.jpg")[..9000]);
    place.run("index build -o own.lykta own.csv").expect(0);
    place.run("scan --index own.lykta --report csv,html --redact-names -o out dump").expect(4);
    for file in ["report.html", "findings.csv"] {
        let text = place.text(&format!("out/{file}"));
        assert!(text.contains("row 1"), "{text}");
        for name in
            ["dump", "IMG_", "camera", "chat", "screenshot", "holiday", "small copy", "cut.jpg", "läs mig"]
        {
            assert!(!text.contains(name), "{name} in {file}");
        }
    }
    assert!(place.text("out/report.html").contains("Names are left out"));
    assert!(place.text("out/findings.jsonl").contains("dump/camera/IMG_0001.jpg"));
    place.run("report verify out").expect(0);
}

/// Lines of ten gigabytes, in a process that may have half a gigabyte in all.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_was_made_to_harm_is_checked_in_little_memory() {
    let place = Place::with_demo();
    place.run("scan --index list.lykta -o out dump").expect(1);
    let mut manifest = place.json("out/manifest.json");
    for name in ["findings.jsonl", "log.jsonl", "manifest.json"] {
        let own = place.read(&format!("out/{name}"));
        let file = std::fs::File::create(place.path(&format!("out/{name}"))).unwrap();
        file.set_len(10 << 30).unwrap();
        let mut command = std::process::Command::new("sh");
        let limited = "ulimit -v 500000; exec \"$0\" report verify out";
        command.args(["-c", limited]).arg(assert_cmd::cargo::cargo_bin!("lykta"));
        command.current_dir(place.path(""));
        let run = run(&mut assert_cmd::Command::from_std(command)).expect(1);
        assert!(run.out.contains(name), "{}{}", run.out, run.err);
        place.write(&format!("out/{name}"), own);
    }
    // A manifest that says so itself: what is long is read, and not held.
    let long = 1u64 << 28;
    for file in manifest["files"].as_array_mut().unwrap() {
        if file["name"] == "findings.jsonl" {
            file["bytes"] = long.into();
        }
    }
    place.write("out/manifest.json", manifest.to_string());
    let file = std::fs::File::create(place.path("out/findings.jsonl")).unwrap();
    file.set_len(long).unwrap();
    let run = place.run("report verify out").expect(1);
    assert!(run.out.contains("findings.jsonl: its SHA-256 is "), "{}", run.out);
    assert!(run.out.contains("findings.jsonl line 1: "), "{}", run.out);
}
