//! `lykta demo`.

use crate::place::Place;

#[test]
fn the_demonstration_finds_what_was_planted_and_says_where_the_report_is() {
    let place = Place::new();
    let run = place.run("demo -o shown").expect(1);
    for part in
        ["$ lykta index build", "$ lykta scan", "6 items matched", "shown/report/report.html", "found:"]
    {
        assert!(run.out.contains(part), "{part}: {}", run.out);
    }
    let lines: Vec<&str> = run.out.lines().collect();
    let found = lines.iter().position(|line| *line == "found:").unwrap();
    assert_eq!(lines.len() - found - 1, 6);
    assert!(lines[found + 1].contains("IMG_0001.jpg") && lines[found + 1].ends_with("the same bytes"));
    assert!(place.path("shown/report/manifest.json").is_file());
    let summary = place.json("shown/report/summary.json");
    assert_eq!(summary["outcomes"]["matched_exact"]["items"], 1);
    assert_eq!(summary["outcomes"]["matched_near_only"]["items"], 5);
}

#[test]
fn without_a_folder_it_makes_one_and_leaves_it_to_look_at() {
    let place = Place::new();
    let run = place.run("demo --json").expect(1);
    assert_eq!(run.json_lines().len(), 1);
    let made: Vec<_> = std::fs::read_dir(place.path("tmp")).unwrap().collect();
    assert_eq!(made.len(), 1);
    assert!(made[0].as_ref().unwrap().path().join("report/report.html").is_file());
}

#[test]
fn a_folder_with_something_in_it_is_refused() {
    let place = Place::new();
    place.write("mine/letter.txt", "dear");
    place.run("demo -o mine").refused(&["mine is not empty", "choose a new folder"]);
    assert_eq!(place.text("mine/letter.txt"), "dear");
}
