//! Several indexes as one, retracted and disputed entries, entries that flood a scan.

use lykta::{BuildOptions, Builder};

use crate::place::{Place, json_lines};

/// The demonstration, and a second index with a list of its own.
fn place() -> Place {
    let place = Place::with_demo();
    let csv = place.run("hash --kind sha256 --csv dump/other dump/camera/IMG_0001.jpg").expect(0).out;
    place.write("more.csv", csv);
    place.run("index build -o more.lykta more.csv").expect(0);
    place
}

#[test]
fn a_scan_with_several_indexes_finds_what_each_finds_and_names_all() {
    let place = place();
    let matches = |indexes: &str| -> Vec<String> {
        let lines = place.run(&format!("scan {indexes} dump")).expect(1).json_lines();
        let findings = lines.iter().filter(|line| line["locator"].is_array());
        findings
            .flat_map(|line| {
                let found = line["matches"].as_array().unwrap();
                found.iter().map(|found| format!("{} {found}", line["locator"])).collect::<Vec<_>>()
            })
            .collect()
    };
    let [list, more] = ["--index list.lykta", "--index more.lykta"].map(&matches);
    let both = matches("--index list.lykta --index more.lykta");
    assert_eq!(both, matches("--index more.lykta --index list.lykta --index list.lykta"));
    let mut sum = [list, more].concat();
    let mut sorted = both;
    sum.sort();
    sorted.sort();
    assert_eq!(sorted, sum);

    place.run("scan --index list.lykta --index more.lykta -o out dump").expect(1);
    let manifest = place.json("out/manifest.json");
    let indexes = manifest["indexes"].as_array().unwrap();
    let named: Vec<_> = indexes.iter().map(|index| (&index["path"], &index["lists"][0]["name"])).collect();
    let expected = [("list.lykta", "list.csv"), ("more.lykta", "more.csv")];
    assert!(named.iter().zip(expected).all(|((path, list), (p, l))| *path == p && *list == l), "{named:?}");
    let page = place.text("out/report.html");
    assert!(page.contains("list.csv") && page.contains("more.csv"));
    place.run("scan --index list.lykta --index missing dump").refused(&["missing"]);
    place.run("scan dump").refused(&["--index"]);
}

#[test]
fn a_merged_index_answers_as_its_parts_did() {
    let place = place();
    let finding = &place.run("scan --index list.lykta dump/camera/IMG_0001.jpg").expect(1).json_lines()[0];
    let entry = finding["matches"][0]["entry"].as_str().unwrap();
    place.write("gone.csv", format!("list,entry\nlist.csv,\"{entry}\"\nnobody,row 1\n"));
    place.run("index build -o day.lykta --retract gone.csv more.csv").expect(0);
    let parts = "list.lykta more.lykta day.lykta";
    let run = place.run(&format!("index merge -o all.lykta --json {parts}")).expect(0);
    let value = &run.json_lines()[0];
    assert_eq!(value["entries_left_out"], 1);
    assert_eq!(value["retractions"], 2);
    assert_eq!(value["lists"].as_array().unwrap().len(), 3);
    place.run("index verify all.lykta").expect(0);

    let hashes = place.run("hash dump").expect(0).json_lines();
    let asked: Vec<String> = (hashes.iter())
        .flat_map(|line| ["sha1", "sha256", "pdq"].map(|kind| (kind, line[kind].as_str())))
        .filter_map(|(kind, hash)| Some(format!("{kind}:{}", hash?)))
        .collect();
    let asked = asked.join("\n");
    // What chance gives follows from the number of hashes, those of retracted entries included.
    let answers = |indexes: &str| -> Vec<_> {
        let run = place.run_with(asked.clone(), &format!("query {indexes}")).expect(1);
        run.json_lines().iter().map(|line| (line["hash"].clone(), line["matches"].clone())).collect()
    };
    let all = answers("all.lykta");
    assert_eq!(all, answers("list.lykta --index more.lykta --index day.lykta"));
    assert_ne!(all, answers("list.lykta --index more.lykta"), "the retraction has left something out");
    // Given again, since it may come behind an older base.
    assert_eq!(all, answers("list.lykta --index all.lykta"));

    // Into the place of the base, which is in use meanwhile.
    place.run("index merge -o list.lykta list.lykta more.lykta day.lykta").expect(0);
    assert_eq!(place.read("list.lykta"), place.read("all.lykta"));
    place.run("index merge -o x.lykta list.lykta missing").refused(&["missing"]);
    let mut spoiled = place.read("list.lykta");
    *spoiled.last_mut().unwrap() ^= 1;
    place.write("bad.lykta", spoiled);
    place.run("index merge -o x.lykta all.lykta bad.lykta").refused(&["bad.lykta", "META"]);
    assert!(!place.path("x.lykta").exists());
}

#[test]
fn a_disputed_entry_is_marked_everywhere_and_counts_as_before() {
    let place = place();
    let finding = &place.run("scan --index list.lykta dump/camera/IMG_0001.jpg").expect(1).json_lines()[0];
    let entry = finding["matches"][0]["entry"].as_str().unwrap();
    let csv = format!("list,entry\nlist.csv,\"{entry}\"\nlist.csv,nobody\nlist.csv,nobody\nlost.csv,x\n");
    place.write("contested.csv", &csv);
    let options = "--index list.lykta --dispute contested.csv --report jsonl,csv,html";
    let run = place.run(&format!("scan {options} -o out dump")).expect(1);
    assert!(run.err.contains("no index holds a list named lost.csv"), "{}", run.err);
    assert!(!run.err.contains("list named list.csv"), "{}", run.err);
    let mut marked = 0;
    for finding in json_lines(&place.text("out/findings.jsonl")) {
        for found in finding["matches"].as_array().unwrap() {
            assert_eq!(found["disputed"], found["entry"] == entry, "{found}");
            marked += u64::from(found["disputed"] == true);
        }
    }
    assert!(marked > 0);
    let summary = place.json("out/summary.json");
    assert_eq!((&summary["disputed"], &summary["found"]), (&marked.into(), &6.into()));
    assert!(run.out.contains("with disputed entries"), "{}", run.out);
    assert!(place.text("out/report.html").contains(", disputed)"));
    assert!(place.text("out/findings.csv").lines().next().unwrap().ends_with(",weak,disputed"));
    assert!(place.text("out/findings.csv").contains(",false,true\r\n"));
    let disputes = &place.json("out/manifest.json")["disputes"];
    assert_eq!((&disputes["rows"], &disputes["entries"]), (&4.into(), &3.into()));
    let digest = place.run("hash --kind sha256 contested.csv").expect(0).json_lines();
    assert_eq!(disputes["sha256"], digest[0]["sha256"]);

    let quiet = place.run(&format!("scan {options} --quiet -o quiet dump")).expect(1);
    assert_eq!(quiet.err, "");
    place.run("scan --index list.lykta -o plain dump").expect(1);
    assert!(place.json("plain/manifest.json")["disputes"].is_null());
}

#[test]
fn a_query_marks_disputed_entries() {
    let place = Place::new();
    let [one, two] = ["md5:00000000000000000000000000000001", "md5:00000000000000000000000000000002"];
    place.write("l.csv", format!("id,md5\na,{}\nb,{}\n", &one[4..], &two[4..]));
    place.run("index build -o l.lykta l.csv").expect(0);
    place.write("contested.csv", "list,entry\nl.csv,b\nother.csv,b\n");
    let run = place.run(&format!("query l.lykta --dispute contested.csv {one} {two}")).expect(1);
    let marked: Vec<_> =
        run.json_lines().iter().map(|line| line["matches"][0]["disputed"].as_bool()).collect();
    assert_eq!(marked, [Some(false), Some(true)]);
    assert!(run.err.contains("no index holds a list named other.csv"), "{}", run.err);
}

#[test]
fn a_file_of_disputes_that_cannot_be_relied_on_is_refused_with_its_line() {
    let place = place();
    for (content, said) in [
        ("", "list,entry"),
        ("list.csv,a\n", "line 1"),
        ("list,entry\nlist.csv\n", "line 2 has 1 cells"),
        ("list,entry\nlist.csv,\n", "entry is empty"),
        ("list,entry\n\"list.csv,a\n", "quotation mark"),
    ] {
        place.write("bad.csv", content);
        for command in ["scan --index list.lykta dump --dispute", "query list.lykta md5:0 --dispute"] {
            place.run(&format!("{command} bad.csv")).refused(&["bad.csv", said]);
        }
    }
    place.run("scan --index list.lykta --dispute missing.csv dump").refused(&["missing.csv"]);
}

#[test]
fn an_entry_that_floods_a_scan_is_pointed_out() {
    let place = Place::with_demo();
    for number in 0..4 {
        place.write(&format!("dump/copies/{number}"), "abc");
    }
    place.write("blank.csv", "id,md5\n\u{1b}[2J<b>,900150983cd24fb0d6963f7d28e17f72\n");
    place.run("index build -o blank.lykta blank.csv").expect(0);
    let run = place.run("scan --index blank.lykta --warn-hits 3 -o out dump").expect(1);
    let note = "of list blank.csv matched 4 items: it may be a blank or very common picture";
    assert!(
        run.out.contains(note) && run.out.contains("\\x1b[2J") && !run.out.contains('\u{1b}'),
        "{}",
        run.out
    );
    let frequent = &place.json("out/summary.json")["frequent_entries"];
    assert_eq!((&frequent[0]["hits"], &frequent[0]["list"]), (&4.into(), &"blank.csv".into()));
    assert_eq!(frequent.as_array().unwrap().len(), 1);
    let page = place.text("out/report.html");
    assert!(page.contains(note) && !page.contains("<b>,"));
    for options in ["--warn-hits 4", "--warn-hits 0", ""] {
        let run = place.run(&format!("scan --index blank.lykta {options} dump")).expect(1);
        let summary = run.json_lines().pop().unwrap();
        assert_eq!(summary["frequent_entries"].as_array().unwrap().len(), 0, "{options}");
    }
}

/// What a later list takes back is left out, but not in silence.
#[test]
fn what_a_later_index_retracts_is_left_out_and_told() {
    let place = place();
    let finding = &place.run("scan --index list.lykta dump/camera/IMG_0001.jpg").expect(1).json_lines()[0];
    let found = finding["matches"].as_array().unwrap();
    let entry = found[0]["entry"].as_str().unwrap();
    assert!(found.iter().all(|found| found["entry"] == entry), "{finding}");
    let mut builder = Builder::new(BuildOptions::default());
    builder.retract("list.csv", entry).unwrap();
    builder.write(&place.path("later.lykta")).unwrap();

    let scan = |indexes: &str| place.run(&format!("scan {indexes} dump/camera/IMG_0001.jpg"));
    let run = scan("--index list.lykta --index later.lykta").expect(0);
    let summary = &run.json_lines()[0];
    assert_eq!(summary["retracted"], found.len());
    assert!(summary["notes"].to_string().contains("a later index retracts their entries"), "{summary}");
    let run = scan("--index later.lykta --index list.lykta").expect(1);
    assert_eq!(run.json_lines()[1]["retracted"], 0);

    let hash = format!("{}:{}", "pdq", finding["pdq"].as_str().unwrap());
    let run = place.run(&format!("query list.lykta --index later.lykta {hash}")).expect(0);
    assert!(run.err.contains("later index retracts their entries: 1"), "{}", run.err);
    let run = place.run(&format!("query list.lykta --quiet --index later.lykta {hash}")).expect(0);
    assert_eq!(run.err, "");
    let run = place.run(&format!("query later.lykta --index list.lykta {hash}")).expect(1);
    assert_eq!(run.err, "");
}
