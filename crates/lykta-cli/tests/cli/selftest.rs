//! `lykta selftest` and `lykta formats`: what a laboratory files.

use std::fs;
use std::path::Path;

use crate::place::Place;

#[test]
fn everything_is_as_expected_and_the_results_are_the_same_each_time() {
    let place = Place::new();
    let run = place.run("selftest -o one").expect(0);
    let last = run.out.lines().last().unwrap();
    let results = place.json("one/selftest.json");
    let count = results["checks"].as_array().unwrap().len();
    assert!(count >= 80, "{count}");
    assert_eq!(last, format!("{count} of {count} as expected"));
    assert_eq!((&results["as_expected"], &results["of"]), (&count.into(), &count.into()));
    let run = place.run("selftest --quiet").expect(0);
    assert_eq!(run.out.lines().count(), 1, "{}", run.out);
    assert_eq!(fs::read_dir(place.path("tmp")).unwrap().count(), 0, "a temporary folder is removed");
    let run = place.run("selftest --json -o two").expect(0);
    assert_eq!(run.out, place.text("one/selftest.json"));
    place.run("selftest -o one").refused(&["one is not empty"]);
    // What it leaves is a report like any other.
    place.run("report verify --quiet one/report").expect(0);
}

#[test]
fn the_table_in_the_documentation_is_what_the_command_prints() {
    let place = Place::new();
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/formats.md");
    let run = place.run("formats").expect(0);
    let stored = fs::read_to_string(docs).unwrap();
    assert!(stored == run.out, "run `lykta formats > docs/formats.md`");
    let lines = place.run("formats --json").expect(0).json_lines();
    for line in &lines {
        assert!(stored.contains(line["name"].as_str().unwrap()), "{line}");
    }
    assert!(lines.iter().any(|line| line["group"] == "container" && line["name"] == "7z"));
}
