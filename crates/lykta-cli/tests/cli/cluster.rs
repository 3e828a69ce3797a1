//! `lykta cluster` and `lykta list add`: from pictures to families, to decisions, to a list, to a scan.

use std::collections::BTreeMap;
use std::io::Cursor;

use image::{DynamicImage, ImageFormat, imageops::FilterType};
use serde_json::Value;

use crate::place::{Place, Run, keys};

const WHO: &str = "kim,2026-03-01T09:30:00Z,yes";

fn jpeg(picture: &DynamicImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

fn picture(seed: u32) -> DynamicImage {
    DynamicImage::ImageRgb8(lykta_testdata::landscape(seed, 400, 300))
}

/// A folder with one picture in six forms, two of another, one alone, and things that are no pictures.
fn dump() -> Place {
    let place = Place::new();
    let (first, second) = (picture(1), picture(7));
    let original = jpeg(&first);
    place.write("dump/a/original.jpg", &original);
    place.write("dump/b/same.jpg", &original);
    place.write("dump/a/small.jpg", jpeg(&first.resize_exact(200, 150, FilterType::Triangle)));
    place.write("dump/b/turned.jpg", jpeg(&first.rotate90()));
    place.write("dump/b/mirrored.jpg", jpeg(&first.fliph()));
    let mut png = Cursor::new(Vec::new());
    first.write_to(&mut png, ImageFormat::Png).unwrap();
    place.write("dump/c/=lossless.png", png.into_inner());
    place.write("dump/second.jpg", jpeg(&second));
    place.write("dump/second-small.jpg", jpeg(&second.resize_exact(300, 225, FilterType::Triangle)));
    place.write("dump/third.jpg", jpeg(&picture(23)));
    let flat = DynamicImage::ImageRgb8(image::RgbImage::from_pixel(64, 64, image::Rgb([9, 9, 9])));
    place.write("dump/flat.jpg", jpeg(&flat));
    place.write("dump/notes.txt", "no picture");
    place
}

/// The lines of items, and the summary.
fn items(run: &Run) -> (Vec<Value>, Value) {
    let mut lines = run.json_lines();
    let summary = lines.pop().unwrap()["summary"].clone();
    (lines, summary)
}

fn families(lines: &[Value]) -> BTreeMap<u64, Vec<String>> {
    let mut families: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for line in lines {
        families
            .entry(line["family"].as_u64().unwrap())
            .or_default()
            .push(line["id"].as_str().unwrap().to_owned());
    }
    families
}

#[test]
fn changed_copies_are_one_family_and_everything_is_accounted_for() {
    let place = dump();
    let run = place.run("cluster dump").expect(0);
    let (lines, summary) = items(&run);
    let families = families(&lines);
    assert_eq!(families[&1].len(), 6, "{families:?}");
    assert_eq!(families[&2].len(), 2, "{families:?}");
    assert_eq!((families[&3].len(), families.len()), (1, 4), "{families:?}");
    assert_eq!(families[&4], ["dump/flat.jpg"]);
    assert!(lines.last().unwrap()["not_compared"].is_string());
    assert_eq!(
        (&summary["items"], &summary["not_pictures"], &summary["failed"]),
        (&10.into(), &1.into(), &0.into())
    );
    let view = |id: &str| lines.iter().find(|line| line["id"] == id).unwrap()["view"].clone();
    assert_eq!(view(lines[0]["representative"].as_str().unwrap()), "original");
    assert_ne!(view("dump/b/turned.jpg"), view("dump/a/original.jpg"));
    for line in &lines {
        let (distance, largest) =
            (line["distance"].as_u64().unwrap(), line["largest_distance"].as_u64().unwrap());
        assert!(distance <= largest && largest <= 31, "{line}");
        assert!(line["sha256"].as_str().unwrap().len() == 64 && line["sha1"].as_str().unwrap().len() == 40);
    }
    let expected = [
        "v",
        "family",
        "members",
        "largest_distance",
        "representative",
        "id",
        "path",
        "distance",
        "view",
        "size",
        "sha1",
        "sha256",
        "pdq",
        "pdq_quality",
    ];
    assert_eq!(keys(run.out.lines().next().unwrap()), expected);
    for jobs in [1, 2, 8] {
        assert_eq!(place.run(&format!("cluster --jobs {jobs} dump")).expect(0).out, run.out);
    }
}

#[test]
fn what_could_not_be_examined_is_said_and_changes_the_exit_code() {
    let place = dump();
    let whole = place.read("dump/third.jpg");
    place.write("dump/cut.jpg", &whole[..whole.len() / 2]);
    let (lines, summary) = items(&place.run("cluster dump").expect(3));
    assert_eq!((&lines.last().unwrap()["path"], &summary["failed"]), (&"dump/cut.jpg".into(), &1.into()));
    let csv = place.run("cluster --csv dump").expect(3);
    assert!(csv.err.contains("dump/cut.jpg: ") && !csv.out.contains("cut.jpg"), "{}", csv.err);
    place.run("cluster").refused(&["--help"]);
    place.run("cluster --index x dump").refused(&["--help"]);
}

/// The CSV of `cluster` with the decision of `rows` filled in.
fn filled_in(csv: &str, decide: impl Fn(&csv::StringRecord) -> Option<String>) -> String {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(reader.headers().unwrap()).unwrap();
    for row in reader.records() {
        let row = row.unwrap();
        let mut cells: Vec<String> = row.iter().map(str::to_owned).collect();
        if let Some(decision) = decide(&row) {
            cells.truncate(12);
            cells.extend(decision.split(',').map(str::to_owned));
        }
        out.write_record(&cells).unwrap();
    }
    String::from_utf8(out.into_inner().unwrap()).unwrap()
}

#[test]
fn from_pictures_to_decisions_to_a_list_to_a_scan() {
    let place = dump();
    let csv = place.run("cluster --csv dump").expect(0).out;
    assert!(csv.starts_with(
        "family,members,largest_distance,representative,id,distance,view,size,sha1,sha256,pdq,"
    ));
    // One decision a family: on its representative.
    let decided = filled_in(&csv, |row| {
        let of = ["match,site,1", "note,,", "ignore,,", "none,,"];
        let family: usize = row[0].parse().unwrap();
        (row[3] == row[4]).then(|| format!("{},{WHO}", of[family - 1]))
    });
    place.write("decided.csv", &decided);

    let run = place.run("cluster --decisions decided.csv dump").expect(0);
    let (lines, summary) = items(&run);
    assert_eq!((&summary["proposed"], &summary["contradictory_families"]), (&6.into(), &0.into()));
    for line in lines.iter().filter(|line| line["family"] == 1) {
        let is_decided = line["representative"] == line["id"];
        assert_eq!(line.get("decision").is_some(), is_decided, "{line}");
        assert_eq!(line["proposed"]["code"] == "1", !is_decided, "{line}");
    }

    let added = place.run("list add --decisions decided.csv --json local.csv").expect(0);
    let value = &added.json_lines()[0];
    assert_eq!(
        (&value["added"], &value["already"], &value["decisions"]["note"]),
        (&1.into(), &0.into(), &1.into())
    );
    let again = place.run("list add --decisions decided.csv local.csv").expect(0);
    assert!(again.out.contains("0 rows added, 1 there already"), "{}", again.out);
    let built = place.run("index build -o local.lykta local.csv").expect(0);
    assert!(built.out.contains("1 accepted, 0 rejected"), "{}", built.out);
    place.run("index build -o local.lykta --match local.csv").expect(0);
    let scan = place.run("scan --index local.lykta dump").expect(1);
    let found: Vec<Value> =
        scan.json_lines().into_iter().filter(|line| line.get("locator").is_some()).collect();
    assert_eq!(found.len(), 6, "all members of the family");
    assert_eq!(found[0]["matches"][0]["label"]["code"], "1");

    // Hashes from the families, by id; what cannot be taken is an error and leaves the list alone.
    let id = lines[0]["id"].as_str().unwrap();
    place.write("short.csv", format!("id,decision,scheme,code,by,at,viewed\n{id},match,site,1,{WHO}\n"));
    place.write("families.jsonl", &run.out);
    place.run("list add --decisions short.csv --families families.jsonl other.csv").expect(0);
    place.run("list add --decisions short.csv third.csv").refused(&["short.csv: line 2", "--families"]);
    assert!(!place.path("third.csv").exists());
    place.write(
        "bad.csv",
        format!("id,decision,scheme,code,by,at,viewed\n{id},match,site,1,kim,yesterday,yes\n"),
    );
    place.run("list add --decisions bad.csv third.csv").refused(&["bad.csv: line 2", "yesterday"]);
    place.run("cluster --decisions bad.csv dump").refused(&["bad.csv: line 2"]);
}

#[test]
fn members_decided_in_different_ways_are_pointed_out() {
    let place = dump();
    place.write(
        "decided.csv",
        format!(
            "id,decision,scheme,code,by,at,viewed\ndump/a/original.jpg,match,,,{WHO}\ndump/b/same.jpg,ignore,,,{WHO}\n"
        ),
    );
    let run = place.run("cluster --decisions decided.csv dump").expect(0);
    let (lines, summary) = items(&run);
    assert_eq!(summary["contradictory_families"], 1);
    assert!(lines.iter().all(|line| line.get("contradictory").is_some() == (line["family"] == 1)));
    assert!(run.err.contains("contradictory"), "{}", run.err);
}

#[test]
fn entries_of_indexes_are_grouped_as_items() {
    let place = Place::new();
    let of = |first: &str| format!("{first}{}", "5a".repeat(31));
    let (far, near, low) = ("a3".repeat(32), of("5b"), of("5c"));
    place.write(
        "base.csv",
        format!(
            "id,pdq,sha1,pdq_quality,view\n\
             x,{},86f7e437faa5a7fce15d1ddcb9eaeaea377667b8,90,original\n\
             y,{far},,,original\ny,{near},,,face\nz,{low},,20,\nw,,e9d71f5ee7c92d6dc9e92ffdad17b8bd49418f98,,\n",
            of("5a")
        ),
    );
    place.write("more.csv", format!("pdq\n{}\n", of("52")));
    place.write("gone.csv", "list,entry\nbase.csv,w\n");
    place.run("index build -o base.lykta base.csv").expect(0);
    let (lines, summary) = items(&place.run("cluster --index base.lykta").expect(0));
    let ids: Vec<&str> = lines.iter().map(|line| line["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["x", "y", "z"], "one list: its own names");
    assert_eq!(
        (&lines[1]["distance"], &lines[1]["view"], &lines[1]["list"]),
        (&1.into(), &"face".into(), &"base.csv".into())
    );
    assert!(lines[0]["sha1"].is_string() && lines[2]["not_compared"].is_string());
    assert_eq!(summary["without_pdq"], 1);

    place.run("index build -o more.lykta --retract gone.csv more.csv").expect(0);
    let (lines, summary) = items(&place.run("cluster --index base.lykta --index more.lykta").expect(0));
    let ids: Vec<&str> = lines.iter().map(|line| line["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["base.csv!x", "base.csv!y", "more.csv!row 1", "base.csv!z"]);
    assert_eq!((&summary["without_pdq"], &summary["retracted"]), (&0.into(), &1.into()));
    place.run("cluster --index base.lykta --radius 0").expect(0);
}

/// A list may call an entry as another is called for want of a name.
#[test]
fn entries_of_one_name_are_told_apart() {
    let place = Place::new();
    let (one, other) = ("5a".repeat(32), "c3".repeat(32));
    place.write("list.csv", format!("id,pdq\nrow 2,{one}\n,{other}\n"));
    place.run("index build -o list.lykta list.csv").expect(0);
    let lines = place.run("cluster --index list.lykta").expect(0).json_lines();
    let mut ids: Vec<&str> = lines.iter().filter_map(|line| line["id"].as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["row 2", "row 2 (item 1)"]);
}
