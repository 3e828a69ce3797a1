//! Archives made to wear out a scan: each costs itself and nothing else.

use std::time::Instant;

use lykta_testdata::{Bomb, bombs};

use crate::place::{Place, json_lines};

/// A bomb in a dump, and what is told of it.
fn reasons(place: &Place, bomb: &Bomb) -> Vec<(String, String)> {
    let Bomb { name, bytes } = bomb;
    place.write(&format!("{name}.dump/{name}"), bytes);
    // One in front of it and one behind it, as the walk comes across them.
    for sibling in ["a.jpg", "z.jpg"] {
        place.write(&format!("{name}.dump/{sibling}"), place.read("dump/camera/IMG_0001.jpg"));
    }
    let began = Instant::now();
    place.run(&format!("scan --index list.lykta --record all -o {name}.out {name}.dump")).expect(4);
    println!("{name}: {} bytes, {:.1} s", bytes.len(), began.elapsed().as_secs_f64());
    let findings = json_lines(&place.text(&format!("{name}.out/findings.jsonl")));
    let found: Vec<_> = findings.iter().map(|line| line["locator"][0].as_str().unwrap()).collect();
    assert_eq!(found, [format!("{name}.dump/a.jpg"), format!("{name}.dump/z.jpg")]);
    let summary = place.json(&format!("{name}.out/summary.json"));
    assert_eq!(summary["complete"], true, "{summary}");
    place.run(&format!("report verify --quiet {name}.out")).expect(0);
    let errors = json_lines(&place.text(&format!("{name}.out/errors.jsonl")));
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    errors.iter().map(|error| (text(&error["reason"]), text(&error["detail"]))).collect()
}

#[test]
fn every_bomb_costs_itself_and_is_told() {
    let place = Place::with_demo();
    for bomb in bombs().unwrap() {
        let said = reasons(&place, &bomb);
        let (reason, detail) = match bomb.name {
            "zeros.gz" | "nested.zip" | "overlapping.zip" | "sparse.tar" | "flate.pdf" => {
                ("container is over the limits", "--max-ratio")
            }
            "deep.zip" | "deep.gz" => ("container is over the limits", "--max-nesting"),
            "deep.eml" => ("container is not supported", "more than 64 multiparts in one another"),
            name => panic!("{name}: what is expected of it?"),
        };
        let is_told = |(r, d): &(String, String)| r == reason && d.contains(detail);
        assert!(said.iter().any(is_told), "{}: {said:?}", bomb.name);
    }
}
