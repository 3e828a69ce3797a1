//! `lykta index`: lists of all sorts, and spoiled index files.

use crate::place::Place;

/// A byte order mark, lines ended as on Windows, one row rejected, one value not used, one doublet.
const AWKWARD: &str = "\u{feff}id,md5,sha1\r\n\
    a,00000000000000000000000000000001,\r\n\
    b,zz,\r\n\
    c,00000000000000000000000000000001,xx\r\n";

#[test]
fn a_build_says_what_became_of_every_row() {
    let place = Place::new();
    place.write("list.csv", AWKWARD);
    let run = place.run("index build -o x.lykta list.csv").expect(0);
    for part in [
        "list.csv (match list, csv): 3 rows, 2 accepted, 1 rejected (bad_length 1)",
        "values not used (bad_length 1), 1 duplicates",
        "line 3: rejected",
        "line 4: value not used",
        "near matching not performed: the lists hold no PDQ",
    ] {
        assert!(run.out.contains(part), "{part}: {}", run.out);
    }
    let value = &place.run("index build -o x.lykta --json list.csv").expect(0).json_lines()[0];
    let list = &value["lists"][0];
    assert_eq!(list["rows"], 3);
    assert_eq!(list["accepted"], 2);
    assert_eq!(list["rejected"]["bad_length"], 1);
    assert_eq!(list["duplicates"], 1);
    assert_eq!(list["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(value["notes"][0], "near matching not performed: the lists hold no PDQ");
    assert_eq!(value["hashes"]["md5"], 1);
}

#[test]
fn info_says_what_build_said() {
    let place = Place::with_demo();
    let value = &place.run("index info --json list.lykta").expect(0).json_lines()[0];
    assert_eq!(value["entries"], 4);
    assert_eq!(value["near"]["structure"], "flat");
    assert_eq!(value["near"]["radius"], 31);
    assert_eq!(value["notes"].as_array().unwrap().len(), 0);
    assert_eq!(value["lists"][0]["name"], "list.csv");
    let bytes = place.read("list.lykta").len() as f64;
    assert_eq!(value["bytes_per_entry"].as_f64().unwrap(), bytes / 4.0);
    let text = place.run("index info list.lykta").expect(0).out;
    assert!(text.contains("4 entries") && text.contains("sha256: 4 different"), "{text}");
}

#[test]
fn a_list_may_come_by_standard_input_but_only_one() {
    let place = Place::new();
    let run = place.run_with(AWKWARD, "index build -o x.lykta -").expect(0);
    assert!(run.out.starts_with("standard input (match list, csv): 3 rows"), "{}", run.out);
    place.run_with(AWKWARD, "index build -o y.lykta - --ignore -").refused(&["only one list"]);
    assert!(!place.path("y.lykta").exists());
}

#[test]
fn every_near_structure_gives_the_same_answers() {
    let place = Place::with_demo();
    let list = place.text("list.csv");
    assert!(list.starts_with("id,sha1,sha256,pdq,"));
    let pdq = list.lines().nth(1).unwrap().split(',').nth(3).unwrap();
    let mut answers = Vec::new();
    for near in ["bk", "mih", "flat", "auto"] {
        place.run(&format!("index build -o n.lykta --near {near} --near-radius pdq=40 list.csv")).expect(0);
        place.run("index verify n.lykta").expect(0);
        let ask =
            |radius: u32| place.run(&format!("query n.lykta --radius {radius} pdq:{pdq}")).expect(1).out;
        answers.push([31, 130, 256].map(ask));
    }
    assert!(answers.iter().all(|answer| answer == &answers[0]), "{answers:?}");
    assert_eq!(answers[0][2].matches("\"kind\":\"pdq\"").count(), 4);
}

#[test]
fn hashes_of_64_digits_are_sha256_unless_told_otherwise() {
    let place = Place::new();
    place.write("plain.txt", format!("{}\n", "5a".repeat(32)));
    for (options, kind) in [("", "sha256"), ("--format pdq", "pdq")] {
        let run = place.run(&format!("index build -o x.lykta --json {options} plain.txt")).expect(0);
        assert_eq!(run.json_lines()[0]["hashes"][kind], 1, "{}", run.out);
    }
}

#[test]
fn a_list_that_cannot_be_taken_leaves_the_old_index_alone() {
    let place = Place::with_demo();
    let before = place.read("list.lykta");
    place.write("empty.csv", "");
    place.write("blank.csv", "\n\n");
    place.write("utf16.csv", b"m\0d\x005\0");
    place.write("words.csv", "these are\nno hashes\n");
    for (list, part) in [
        ("empty.csv", "is empty"),
        ("blank.csv", "is empty"),
        ("utf16.csv", "save it as UTF-8"),
        ("words.csv", "add a header row"),
        ("missing.csv", "check its path"),
        ("dump", "is a folder"),
    ] {
        place.run(&format!("index build -o list.lykta {list}")).refused(&[list, part]);
        assert_eq!(place.read("list.lykta"), before);
    }
    place.run("index build -o list.lykta").refused(&["no list given"]);
    place
        .run("index build -o nowhere/list.lykta list.csv")
        .refused(&["nowhere", "check that its folder exists"]);
    place.run("index build -o list.lykta --memory 1K list.csv").refused(&["memory"]);
    assert_eq!(place.read("list.lykta"), before);
    let names: Vec<_> =
        std::fs::read_dir(place.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_str().unwrap().contains(".tmp")), "{names:?}");
}

/// Two names in the wrong order, and a list that took months to make would be gone.
#[test]
fn an_index_never_replaces_one_of_its_lists() {
    let place = Place::with_demo();
    let before = place.read("list.csv");
    place.run("index build -o ./list.csv list.csv").refused(&["would replace the list"]);
    assert_eq!(place.read("list.csv"), before);
}

#[test]
fn a_list_may_have_its_own_radius_and_quality() {
    let place = Place::with_demo();
    let build = "index build -o x.lykta --quiet list.csv --list-radius list.csv=12";
    place.run(&format!("{build} --list-min-quality list.csv=70")).expect(0);
    let value = &place.run("index info --json x.lykta").expect(0).json_lines()[0];
    assert_eq!(
        (&value["lists"][0]["near_radius"], &value["lists"][0]["min_quality"]),
        (&12.into(), &70.into())
    );
    let text = place.run("index info x.lykta").expect(0).out;
    assert!(text.contains("up to 12 bits only") && text.contains("from PDQ quality 70 only"), "{text}");
    let value = &place.run("index info --json list.lykta").expect(0).json_lines()[0];
    assert!(value["lists"][0]["near_radius"].is_null() && value["lists"][0]["min_quality"].is_null());
    place.run(&format!("{build} --list-radius other=3")).refused(&["no list is called other", "list.csv"]);
    place.run("index build -o x.lykta list.csv --list-radius list.csv=257").refused(&["0 to 256"]);
    place.run("index build -o x.lykta list.csv --list-min-quality list.csv=101").refused(&["0 to 100"]);
}

#[test]
fn retractions_are_read_strictly_and_counted() {
    let place = Place::with_demo();
    place.write("gone.csv", "list,entry\nold.csv,row 7\n\"a,b\",x\nold.csv,row 7\n");
    place.run("index build -o x.lykta --retract gone.csv list.csv").expect(0);
    let value = &place.run("index info --json x.lykta").expect(0).json_lines()[0];
    assert_eq!(value["retractions"], 2);
    assert!(place.run("index info x.lykta").expect(0).out.contains("retracts 2 entries"));
    place.run("index verify x.lykta").expect(0);
    // A day on which entries were withdrawn and none were added.
    place.run("index build -o only.lykta --retract gone.csv").expect(0);
    place.write("bad.csv", "list,entry\nold.csv\n");
    place.run("index build -o x.lykta --retract bad.csv list.csv").refused(&["bad.csv", "line 2"]);
    place.run("index build -o gone.csv --retract gone.csv list.csv").refused(&["would replace"]);
}

#[test]
fn a_build_says_beforehand_how_much_disk_it_needs() {
    let place = Place::with_demo();
    let run = place.run("index build -o x.lykta --json list.csv").expect(0);
    let disk = &run.json_lines()[0]["disk"];
    let list_bytes = place.read("list.csv").len() as u64;
    assert_eq!(disk["lists_bytes"], list_bytes);
    let index_bytes = place.read("x.lykta").len() as u64;
    assert!(disk["index_bytes_at_most"].as_u64().unwrap() >= index_bytes, "{disk}");
    assert!(cfg!(not(unix)) || disk["free_bytes"].as_u64().unwrap() > 0);
    assert_eq!(run.err, "", "not worth a word");
    // Of a large list, before it is read: this one cannot be.
    std::fs::File::create(place.path("large.csv")).unwrap().set_len(1 << 42).unwrap();
    let run = place.run("index build -o x.lykta large.csv").expect(2);
    assert!(run.err.starts_with("lykta: the index needs at most about 8192 GiB"), "{}", run.err);
    let run = place.run("index build -o x.lykta --quiet large.csv").expect(2);
    assert_eq!(run.err.lines().count(), 1);
}

#[test]
fn an_ignore_list_with_classified_entries_needs_a_word() {
    let place = Place::new();
    place.write(
        "known.csv",
        "md5,label_code\n11111111111111111111111111111111,\n22222222222222222222222222222222,1\n",
    );
    place.run("index build -o x.lykta --ignore known.csv").refused(&["line 3", "--ignore-classified"]);
    assert!(!place.path("x.lykta").exists());
    place.run("index build -o x.lykta --ignore known.csv --ignore-classified").expect(0);
    place.run("index build -o x.lykta --match known.csv").expect(0);
}

/// Whichever byte is another one: no answer is given, and the sentence says where.
#[test]
fn a_spoiled_index_is_refused_whatever_byte_is_wrong() {
    let place = Place::with_demo();
    let whole = place.read("list.lykta");
    place.run("index verify list.lykta").expect(0);
    assert_eq!(place.run("index verify --quiet list.lykta").expect(0).out, "");
    for at in (0..whole.len()).step_by(11) {
        let mut spoiled = whole.clone();
        spoiled[at] ^= 0x40;
        place.write("bad.lykta", spoiled);
        let run = place.run("index verify bad.lykta").expect(2);
        assert_eq!((run.out.as_str(), run.err.lines().count()), ("", 1), "byte {at}: {}", run.err);
        let named = ["section ", "offset "].iter().any(|word| run.err.contains(word));
        assert!(named && run.err.contains("bad.lykta"), "byte {at}: {}", run.err);
    }
    // The last bytes belong to a section, so its name is known.
    let mut spoiled = whole.clone();
    *spoiled.last_mut().unwrap() ^= 1;
    place.write("bad.lykta", spoiled);
    place.run("scan --index bad.lykta dump").refused(&["bad.lykta", "section"]);
    let run = place.run("index verify --json bad.lykta").expect(2);
    let value = &run.json_lines()[0];
    assert_eq!(value["verified"], false);
    assert!(run.err.contains(value["section"].as_str().unwrap()), "{} {}", run.out, run.err);
}

#[test]
fn a_cut_index_and_what_is_none_are_refused_by_every_command() {
    let place = Place::with_demo();
    let whole = place.read("list.lykta");
    for len in [0, 7, 63, 64, 300, whole.len() - 1] {
        place.write("bad.lykta", &whole[..len]);
        for words in [
            "index info bad.lykta",
            "index verify bad.lykta",
            "query bad.lykta md5:aa",
            "scan --index bad.lykta dump",
        ] {
            place.run(words).refused(&["bad.lykta"]);
        }
    }
    place.run("query list.csv md5:aa").refused(&["not a Lykta index", "lykta index build"]);
    place.run("query missing md5:aa").refused(&["missing", "check the path"]);
    place.run("query dump md5:aa").refused(&["not a regular file"]);
}

/// An index may come from elsewhere, and with it the names in it.
#[test]
fn what_an_index_says_draws_nothing_on_the_terminal() {
    use lykta::{BuildOptions, Builder, ListOptions, add_list};
    let place = Place::new();
    let mut builder = Builder::new(BuildOptions::default());
    let options = ListOptions { name: "\x1b[2Jx\u{ad}\u{e0041}".into(), ..ListOptions::default() };
    add_list(&mut builder, &options, "md5\n00000000000000000000000000000001\n".as_bytes()).unwrap();
    place.write("x.lykta", builder.into_bytes().unwrap());
    let run = place.run("index info x.lykta").expect(0);
    let name = "\\x1b[2Jx\\xc2\\xad\\xf3\\xa0\\x81\\x81 (match list";
    assert!(run.out.starts_with(name), "{:?}", run.out);
    // Neither what a list has in its cells.
    place.write("list.csv", "id,md5,label_scheme\na,\x1b[2J\u{9b},\n");
    let run = place.run("index build -o y.lykta list.csv").expect(0);
    assert!(run.out.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", run.out);
}
