//! Reports of scans: checking one later, and the page for people.

use crate::place::Place;

#[test]
fn a_report_is_verified_and_what_differs_is_named() {
    let place = Place::with_demo();
    let run = place.run("scan --index list.lykta -o out dump").expect(1);
    let digest = run.out.trim_end().rsplit(' ').next().unwrap().to_owned();
    let passed = place.run(&format!("report verify out --manifest-sha256 {digest}")).expect(0);
    assert!(passed.out.contains("6 findings are as written"), "{}", passed.out);
    assert!(place.run("report verify out").expect(0).out.contains(&digest));
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
