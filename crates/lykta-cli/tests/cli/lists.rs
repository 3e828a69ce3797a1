//! Lists of partners: what their codes mean, what is said of them, what they become.

use crate::place::Place;

const CATEGORISED: &str = "id,md5,sha1,size,label_scheme,label_version,label_code,series,victim_identified\n\
    a,5d41402abc4b2a76b9719d911017c592,,5,projectvic,US,1,s,true\n\
    b,7d793037a0760186574b0282f2f435e7,,5,projectvic,US,0,,\n\
    c,,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,,projectvic,US,,,\n";

fn place() -> Place {
    let place = Place::new();
    place.write("vic.csv", CATEGORISED);
    place
}

/// Category 0 that became "known good", or everything that became a match: both would be a guess.
#[test]
fn a_categorised_list_without_a_word_on_its_codes_builds_nothing_and_tells_them() {
    let place = place();
    let run = place.run("index build -q -o l.lykta vic.csv");
    let told = run.expect(2).err;
    for part in [
        "projectvic/US code 0 (Non-Pertinent): 1 entries",
        "projectvic/US code 1 (Child Abuse Material (CAM)): 1 entries",
        "projectvic/US code uncategorised: 1 entries",
        "--codes",
    ] {
        assert!(told.contains(part), "{told}");
    }
    assert!(!place.path("l.lykta").exists());
    let json = &place.run("index build -q --json -o l.lykta vic.csv").expect(2).json_lines()[0];
    assert_eq!(json["lists"][0]["codes"][1]["name"], "Non-Pertinent");
    place.run("index build -q -o l.lykta --codes match=1 vic.csv").expect(2);
    place.run("index build -q -o l.lykta --codes match=* vic.csv").expect(2);
}

#[test]
fn codes_decide_roles_and_a_match_says_where_it_comes_from() {
    let place = place();
    place.write(
        "site.toml",
        "[[codes]]\nscheme = \"projectvic\"\nversion = \"US\"\nmatch = [\"1\"]\nignore = [\"0\"]\n\
         note = [\"uncategorised\"]\nsite = { 1 = \"A\" }\n",
    );
    let text = place.run("index build -q -o l.lykta --codes-file site.toml vic.csv").expect(0).out;
    assert!(text.contains("code 0 (Non-Pertinent): 1 entries -> ignore"), "{text}");
    let found = &place.run("query l.lykta md5:5d41402abc4b2a76b9719d911017c592").expect(1).json_lines()[0];
    let found = &found["matches"][0];
    assert_eq!((found["role"].as_str(), found["row"].as_u64()), (Some("match"), Some(1)));
    let label = serde_json::json!({
        "scheme": "projectvic", "version": "US", "code": "1", "series": "s", "victim_identified": "true", "site": "A",
    });
    assert_eq!(found["label"], label);
    assert_eq!(found["list_sha256"].as_str().unwrap().len(), 64);
    let ignored = &place.run("query l.lykta md5:7d793037a0760186574b0282f2f435e7").expect(0).json_lines()[0];
    assert_eq!(ignored["matches"][0]["role"], "ignore");
    let noted = "query l.lykta sha1:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    assert_eq!(place.run(noted).expect(0).json_lines()[0]["matches"][0]["role"], "note");
}

/// A rule without a scheme, two schemes: 1 of the one would be taken for 1 of the other.
#[test]
fn a_bare_rule_does_not_reach_across_regions() {
    let place = place();
    place.write("uk.csv", CATEGORISED.replace("US", "UK"));
    let all = "match=1 ignore=0 note=uncategorised";
    let build = |codes: &str| {
        let mut command = place.lykta();
        command.args(["index", "build", "-q", "-o", "l.lykta", "--codes", codes, "vic.csv", "uk.csv"]);
        crate::place::run(&mut command)
    };
    let told = build(all).expect(2).err;
    assert!(told.contains("projectvic/UK") && told.contains("name the scheme or region"), "{told}");
    build(&format!("{all}; projectvic/UK: match=0,1,uncategorised")).expect(0);
}

#[test]
fn an_ignore_list_and_a_match_list_are_both_told() {
    let place = place();
    place.write("hello.txt", "hello");
    place.write("known.txt", "5d41402abc4b2a76b9719d911017c592\n");
    place.write("own.csv", "id,md5\nx,5d41402abc4b2a76b9719d911017c592\n");
    place.run("index build -q -o l.lykta --ignore known.txt --match own.csv").expect(0);
    let finding = &place.run("scan -q --index l.lykta hello.txt").expect(1).json_lines()[0];
    let roles: Vec<_> =
        finding["matches"].as_array().unwrap().iter().map(|found| found["role"].clone()).collect();
    assert_eq!(roles, ["ignore", "match"]);
}

#[test]
fn inspect_names_the_format_and_counts() {
    let place = place();
    let text = place.run("list inspect vic.csv").expect(0).out;
    for part in ["(csv)", "3 rows: 3 accepted, 0 rejected", "md5: 2 entries", "code 0 (Non-Pertinent): 1"] {
        assert!(text.contains(part), "{text}");
    }
    let json = &place.run("list inspect --json --all vic.csv").expect(0).json_lines()[0];
    assert_eq!((json["format"].as_str(), json["rows"].as_u64()), (Some("csv"), Some(3)));
    assert_eq!(json["codes"][0]["entries"], 1);
    place.run("list inspect missing.csv").refused(&["missing.csv"]);
}

#[test]
fn converted_lists_are_read_back_and_what_cannot_be_written_is_counted() {
    let place = place();
    place.run("list convert vic.csv -o out.csv").expect(0);
    place.run("list convert out.csv -o again.csv").expect(0);
    assert_eq!(place.text("out.csv"), place.text("again.csv"));
    let run = place.run("list convert --to hashdeep --kind md5 vic.csv").expect(3);
    assert_eq!(run.out.lines().count(), 4);
    assert!(run.err.contains("1 entries were not written"), "{}", run.err);
    let lines = place.run("list convert --to jsonl vic.csv").expect(0).json_lines();
    assert_eq!((lines.len(), lines[0]["label"]["code"].as_str()), (3, Some("1")));
}

/// Rules for a categorised list ignored what was a match in the list that was converted with it.
#[test]
fn a_converted_list_without_categories_has_the_role_that_it_had() {
    let place = place();
    let own = "11111111111111111111111111111111";
    place.write("own.csv", format!("id,md5\nown,{own}\n"));
    place.run("list convert vic.csv own.csv -o both.csv").expect(0);
    for lists in ["vic.csv own.csv", "both.csv"] {
        let mut command = place.lykta();
        command.args(["index", "build", "-q", "-o", "l.lykta", "--codes", "match=1 ignore=0,uncategorised"]);
        crate::place::run(command.args(lists.split(' '))).expect(0);
        let found = &place.run(&format!("query l.lykta md5:{own}")).expect(1).json_lines()[0];
        assert_eq!(found["matches"][0]["role"], "match", "{lists}");
    }
}

/// A name with a byte of value 0 made the whole converted list unreadable.
#[test]
fn what_csv_cannot_hold_is_left_out_and_counted() {
    let place = Place::new();
    let entry = |name: &str, digit: &str| {
        format!(r#"{{"MediaID":"{name}","Category":1,"MD5":"{}"}}"#, digit.repeat(32))
    };
    let text = format!(r#"{{"value":[{},{}]}}"#, entry("a\\u0000b", "1"), entry("c", "2"));
    place.write("vic.json", text);
    let run = place.run("list convert --format vics vic.json -o out.csv").expect(3);
    assert!(run.err.contains("1 entries were not written"), "{}", run.err);
    let json = &place.run("list inspect --json out.csv").expect(0).json_lines()[0];
    assert_eq!(json["accepted"], 1);
}

#[test]
fn a_list_that_was_cut_needs_a_word_and_is_marked() {
    let place = Place::new();
    place.write(
        "cut.csv",
        "md5,path\n5d41402abc4b2a76b9719d911017c592,a\n7d793037a0760186574b0282f2f435e7,\"b",
    );
    place.run("index build -q -o l.lykta cut.csv").refused(&["cut.csv", "ends inside the quoted cell"]);
    let text = place.run("index build -q --keep-partial -o l.lykta cut.csv").expect(0).out;
    assert_eq!(text.matches("NOT COMPLETE").count(), 1, "{text}");
    assert!(place.run("index info l.lykta").expect(0).out.contains("NOT COMPLETE"));
    // One key for it everywhere: a text, or null.
    place.write("whole.csv", "md5,path\n5d41402abc4b2a76b9719d911017c592,a\n");
    let cut_short = |list: &str| -> [bool; 4] {
        let build = format!("index build -q --json --keep-partial -o l.lykta {list}");
        let built = place.run(&build).expect(0).json_lines().remove(0);
        let info = place.run("index info --json l.lykta").expect(0).json_lines().remove(0);
        let seen = place.run(&format!("list inspect --json --keep-partial {list}")).expect(0);
        let seen = seen.json_lines().remove(0);
        let apply = format!("list apply -q --json --keep-partial {list}.store {list}");
        let applied = place.run(&apply).expect(0).json_lines().remove(0);
        let said = [&built["lists"][0], &info["lists"][0], &seen, &applied["files"][0]];
        said.map(|said| {
            let said = &said.as_object().unwrap()["cut_short"];
            assert!(said.is_string() || said.is_null(), "{said}");
            said.is_string()
        })
    };
    assert_eq!((cut_short("cut.csv"), cut_short("whole.csv")), ([true; 4], [false; 4]));
}

/// Rejected rows are counted and no error, but a list of which nothing is left finds nothing.
#[test]
fn a_list_of_which_nothing_was_accepted_is_pointed_out() {
    let place = Place::new();
    place.write("bad.csv", "md5\nzz\nd41d8cd98f00b204e9800998ecf8427e\n");
    let text = place.run("index build -q -o l.lykta bad.csv").expect(0).out;
    assert!(text.contains("NOTHING ACCEPTED"), "{text}");
    place.write("one.csv", "md5\nzz\n5d41402abc4b2a76b9719d911017c592\n");
    let text = place.run("index build -q -o l.lykta one.csv").expect(0).out;
    assert!(!text.contains("NOTHING ACCEPTED"), "{text}");
}

/// What is wrong in a file of settings is told with its line, in one sentence.
#[test]
fn a_wrong_setting_is_told_with_its_line() {
    let place = place();
    place.write("site.toml", "[[codes]]\nscheme = \"s\"\nmatch = 7\n");
    place.run("index build -q -o l.lykta --codes-file site.toml vic.csv").refused(&["site.toml", "line 3: "]);
    place.write("map.toml", "[columns]\nmd5 = [1]\n");
    place.run("index build -q -o l.lykta --map map.toml vic.csv").refused(&["line 2: "]);
}

/// A base and what was new since answer as a new base would; the same delivery again changes nothing.
#[test]
fn deliveries_become_a_base_and_additions_to_it() {
    let place = Place::new();
    let (a, b, c) = ("a".repeat(32), "b".repeat(32), "c".repeat(32));
    place.write("monday.csv", format!("id,md5\none,{a}\ntwo,{b}\n"));
    place.write("tuesday.csv", format!("id,md5\ntwo,{b}\nthree,{c}\n"));
    let text = place.run("list apply -q own.store monday.csv --base base.lykta").expect(0).out;
    assert!(text.contains("own.store: 2 entries count"), "{text}");
    let apply = "list apply -q own.store --whole tuesday.csv -o new.lykta";
    let text = place.run(apply).expect(0).out;
    assert!(text.contains("new.lykta: 1 entries, 1 retractions"), "{text}");
    let first = place.read("new.lykta");
    place.run(apply).expect(0);
    assert_eq!(place.read("new.lykta"), first);
    let found = |hash: &str| {
        let run = place.run(&format!("query base.lykta --index new.lykta md5:{hash}"));
        run.json_lines()[0]["matches"].as_array().unwrap().len()
    };
    assert_eq!([&a, &b, &c].map(|hash| found(hash)), [0, 1, 1]);
    let matched =
        &place.run(&format!("query base.lykta --index new.lykta md5:{c}")).json_lines()[0]["matches"][0];
    assert_eq!((matched["list"].as_str(), matched["row"].as_u64()), (Some("own"), Some(2)));
    place.write("no.store", "something else");
    place.run("list apply -q no.store monday.csv").refused(&["no.store", "no store of Lykta"]);
}

/// Retractions name the list: a store that was renamed must go on under the old name.
#[test]
fn a_list_keeps_its_name_when_its_store_is_renamed() {
    let place = Place::new();
    place.write("one.csv", format!("id,md5\none,{}\n", "a".repeat(32)));
    place.write("none.csv", format!("id,md5\ntwo,{}\n", "b".repeat(32)));
    place.run("list apply -q own.store one.csv --base base.lykta").expect(0);
    std::fs::rename(place.path("own.store"), place.path("other.store")).unwrap();
    place.run("list apply -q other.store --whole none.csv -o new.lykta").expect(0);
    let run = place.run(&format!("query -q base.lykta --index new.lykta md5:{}", "a".repeat(32))).expect(0);
    assert_eq!(run.json_lines()[0]["matches"].as_array().unwrap().len(), 0);
    place.run("list apply -q --list third other.store none.csv").refused(&["is called own"]);
}

fn ncmec(entries: &str) -> String {
    format!(
        "<queryResult xmlns=\"https://hashsharing.ncmec.org/hashsharing/v2\"><images count=\"1\">{entries}</images>\
         <paging/></queryResult>"
    )
}

fn image(id: &str, time: &str, class: &str, md5: &str) -> String {
    format!(
        "<image><member id=\"7\">M</member><timestamp>{time}</timestamp><id>{id}</id>\
         <classification>{class}</classification><fingerprints><md5>{md5}</md5></fingerprints></image>"
    )
}

/// An exchange says several things of one entry, in any order: what it says last holds, and what it deleted must
/// not be found, whether an index is built at once or kept up to date.
#[test]
fn what_an_exchange_deletes_or_changes_counts_no_longer() {
    let place = Place::new();
    let (a, b) = ("a".repeat(32), "b".repeat(32));
    let deleted = |time: &str| {
        format!(
            "<deletedImage><member id=\"7\">M</member><id>one</id><timestamp>{time}</timestamp></deletedImage>"
        )
    };
    let (early, late) = ("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z");
    let entries =
        image("one", early, "A1", &a) + &image("two", late, "B2", &b) + &image("two", early, "A1", &b);
    let codes = "match=A1 note=B2";
    let build = |list: &str| {
        let mut command = place.lykta();
        command.args(["index", "build", "-q", "-o", "l.lykta", "--codes", codes, list]);
        crate::place::run(&mut command).expect(0).out
    };
    let matches = |hash: &str| {
        let run = place.run(&format!("query -q l.lykta md5:{hash}"));
        run.json_lines()[0]["matches"].as_array().unwrap().clone()
    };
    place.write("all.xml", ncmec(&(entries.clone() + &deleted(late))));
    let text = build("all.xml");
    assert!(text.contains("4 rows, 3 accepted, 1 deletions, 0 rejected"), "{text}");
    assert!(text.contains("1 entries hold in the end"), "{text}");
    assert_eq!(matches(&a).len(), 0);
    let two = matches(&b);
    assert_eq!((two.len(), two[0]["label"]["code"].as_str()), (1, Some("B2")), "the later state holds");
    assert_eq!(two[0]["role"], "note");

    // The deletion came first, and is older than the entry: it does not hold.
    place.write("all.xml", ncmec(&(deleted("2019-01-01T00:00:00Z") + &entries)));
    build("all.xml");
    assert_eq!(matches(&a).len(), 1);

    place.write("monday.xml", ncmec(&entries));
    place.write("tuesday.xml", ncmec(&deleted(late)));
    place.write("site.toml", "[[codes]]\nscheme = \"ncmec\"\nmatch = [\"A1\"]\nnote = [\"B2\"]\n");
    place.run("list apply -q n.store monday.xml --codes-file site.toml --base base.lykta").expect(0);
    place.run("list apply -q n.store tuesday.xml --codes-file site.toml -o new.lykta").expect(0);
    let run = place.run(&format!("query -q base.lykta --index new.lykta md5:{a} md5:{b}"));
    let found: Vec<usize> =
        run.json_lines().iter().map(|line| line["matches"].as_array().unwrap().len()).collect();
    assert_eq!(found, [0, 1]);
    place.run("list convert all.xml -o all.csv").expect(0);
    assert_eq!(place.text("all.csv").lines().count(), 3);
}

#[test]
fn any_csv_is_read_by_a_mapping_and_inspect_proposes_one() {
    let place = Place::new();
    let (a, b) = ("a".repeat(32), "b".repeat(32));
    place.write("partner.csv", format!("File Name;Checksum;Severity\nx.jpg;{a};A\ny.jpg;{b};C\n"));
    let json = &place.run("list inspect --json partner.csv").expect(0).json_lines()[0];
    let mapping = json["map"].as_str().unwrap();
    assert!(mapping.starts_with("md5=Checksum,path=File Name,label_code=Severity"), "{mapping}");
    place.run("index build -q -o l.lykta partner.csv").refused(&["partner.csv"]);
    let build = |map: &str, codes: &str| {
        let mut command = place.lykta();
        command.args([
            "index",
            "build",
            "-q",
            "-o",
            "l.lykta",
            "--map",
            map,
            "--codes",
            codes,
            "partner.csv",
        ]);
        crate::place::run(&mut command)
    };
    build(mapping, "match=A").expect(2);
    // Converted, it is still a list whose codes somebody has to decide on.
    let mut convert = place.lykta();
    convert.args(["list", "convert", "--map", mapping, "partner.csv", "-o", "converted.csv"]);
    crate::place::run(&mut convert).expect(0);
    place.run("index build -q -o l.lykta converted.csv").expect(2);
    build(mapping, "match=A note=C").expect(0);
    let run = place.run(&format!("query -q l.lykta md5:{a} md5:{b}")).expect(1);
    let roles: Vec<_> = run.json_lines().iter().map(|line| line["matches"][0]["role"].clone()).collect();
    assert_eq!(roles, ["match", "note"]);
    place.write("partner.toml", "separator = \";\"\n[columns]\nmd5 = \"Checksum\"\npath = \"File Name\"\n");
    place.run("index build -q -o l.lykta --map partner.toml partner.csv").expect(0);
    let run = place.run(&format!("query -q l.lykta md5:{a}")).expect(1);
    assert_eq!(run.json_lines()[0]["matches"][0]["entry"], "x.jpg");
}

/// What is proposed is for files that nobody knows; a list that is known and cut short is an error.
#[test]
fn inspect_proposes_nothing_for_what_it_recognised() {
    let place = Place::new();
    place.write("cut.csv", format!("md5,path\n{},\"b", "a".repeat(32)));
    place.run("list inspect cut.csv").refused(&["cut.csv", "ends inside"]);
    place.write("odd.csv", format!("hash,cat\n{},1\n{},0\n", "a".repeat(32), "b".repeat(32)));
    let text = place.run("list inspect odd.csv").expect(0).out;
    assert!(text.contains("md5=hash") && text.contains("not mapped: cat"), "{text}");
}

#[test]
fn lists_and_names_are_not_mixed_up() {
    let place = place();
    place.run("list convert vic.csv -o vic.csv").refused(&["would replace the list"]);
    place.run("list convert --kind md5 vic.csv").refused(&["--to hashdeep"]);
    place.run("list convert --to hashdeep --kind blake3 vic.csv").refused(&["does not hold blake3"]);
    for command in ["list inspect", "list convert", "index build -o l.lykta"] {
        place.run(&format!("{command} --format other=csv vic.csv")).refused(&["no list is called other"]);
    }
    place.write("bad.txt", format!("{}\nzz\n{}\n", "a".repeat(32), "b".repeat(32)));
    let run = place.run("list convert bad.txt").expect(3);
    assert!(run.err.contains("1 rejected (bad_length 1)"), "{}", run.err);
    assert!(run.out.contains("row 3,"), "{}", run.out);
}

/// A shell gives `<(...)` as a path to a pipe, which cannot be read twice.
#[cfg(unix)]
#[test]
fn a_pipe_given_by_its_path_is_read_once() {
    let place = Place::new();
    let mut command = std::process::Command::new("bash");
    let lykta = assert_cmd::cargo::cargo_bin!("lykta");
    let zip = "import sys, zipfile; z = zipfile.ZipFile('l.zip', 'w'); z.writestr('l.txt', 'a' * 32 + '\\n')";
    let made = std::process::Command::new("python3").args(["-c", zip]).current_dir(place.path("")).status();
    if !made.is_ok_and(|status| status.success()) {
        panic!("python3 is needed for this test");
    }
    let script = format!("{} index build -q -o l.lykta <(cat l.zip)", lykta.display());
    let output = command.args(["-c", &script]).current_dir(place.path("")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 accepted"));
}

/// The store or a delivery in the place of an index that is written: both would be lost.
#[test]
fn apply_writes_over_nothing_that_it_reads() {
    let place = Place::new();
    place.write("a.csv", format!("id,md5\none,{}\n", "a".repeat(32)));
    std::fs::create_dir(place.path("folder")).unwrap();
    for command in [
        "own.store a.csv --base own.store",
        "own.store a.csv -o folder/../own.store",
        "own.store a.csv --base ./a.csv",
        "own.store a.csv -o folder/../a.csv",
        "own.store a.csv a.csv",
        "a.csv a.csv",
        "own.store a.csv --base new.lykta -o folder/../new.lykta",
    ] {
        let before = place.text("a.csv");
        place.run(&format!("list apply -q {command}")).refused(&["are one file"]);
        assert_eq!(place.text("a.csv"), before);
        assert!(!place.path("own.store").exists() && !place.path("new.lykta").exists(), "{command}");
    }
}

/// A list of files of no interest must not become one of files to be found because a flag was forgotten.
#[test]
fn a_store_keeps_its_role_and_the_rules_of_its_base() {
    let place = Place::new();
    let (a, b) = ("a".repeat(32), "b".repeat(32));
    place.write("one.csv", format!("id,md5\none,{a}\n"));
    place.write("two.csv", format!("id,md5\ntwo,{b}\n"));
    place.run("list apply -q --ignore own.store one.csv --base base.lykta").expect(0);
    place.run("list apply -q own.store two.csv -o new.lykta").expect(0);
    let found = place.run(&format!("query new.lykta md5:{b}")).expect(0).json_lines();
    assert_eq!(found[0]["matches"][0]["role"], "ignore");
    place.run("list apply -q other.store one.csv").expect(0);
    place.run("list apply -q --ignore other.store two.csv").refused(&["--ignore contradicts"]);
    let text = place.run("list apply -q other.store").expect(0).out;
    assert!(text.contains("other.store: 1 entries count"), "{text}");

    place.write("vic.csv", CATEGORISED);
    place.write("site.toml", "[[codes]]\nmatch = [\"1\"]\nnote = [\"0\", \"uncategorised\"]\n");
    place.write("else.toml", "[[codes]]\nmatch = [\"1\", \"0\"]\nnote = [\"uncategorised\"]\n");
    place.run("list apply -q vic.store vic.csv --codes-file site.toml --base base.lykta").expect(0);
    let refusal = "the base was built with other rules for codes: write a new base with --base";
    for rules in ["", "--codes-file else.toml"] {
        let before = place.read("vic.store");
        place.run(&format!("list apply -q vic.store two.csv {rules} -o new.lykta")).refused(&[refusal]);
        assert!(place.read("vic.store") == before);
    }
    place.run("list apply -q vic.store two.csv --codes-file site.toml -o new.lykta").expect(0);
    place.run("list apply -q vic.store --codes-file else.toml --base base.lykta -o new.lykta").expect(0);
    place.run("list apply -q vic.store --codes-file else.toml -o new.lykta").expect(0);
}

/// What a list that was cut short lacks is still in the list.
#[test]
fn a_list_that_was_cut_is_no_whole_list() {
    let place = Place::new();
    let (a, b) = ("a".repeat(32), "b".repeat(32));
    place.write("all.csv", format!("id,md5\none,{a}\ntwo,{b}\n"));
    place.write("cut.csv", format!("id,md5\none,{a}\n\"two"));
    place.run("list apply -q own.store all.csv").expect(0);
    let before = place.read("own.store");
    place.run("list apply -q own.store --whole --keep-partial cut.csv").refused(&["cut.csv was cut short"]);
    assert!(place.read("own.store") == before);
    place.run("list apply -q own.store --keep-partial cut.csv").expect(0);
}

/// A wrong file given as the whole list ends every entry of it.
#[test]
fn what_is_no_whole_list_ends_nothing_and_what_ends_is_told() {
    let place = Place::new();
    let (a, b) = ("a".repeat(32), "b".repeat(32));
    place.write("all.csv", format!("id,md5\none,{a}\ntwo,{b}\n"));
    place.write("bad.csv", "id,md5\none,no\n");
    place.write("one.csv", format!("id,md5\none,{a}\n"));
    place.write("delta.sql", delta(1));
    place.run("list apply -q own.store all.csv").expect(0);
    let before = place.read("own.store");
    place.run("list apply -q own.store --whole bad.csv").refused(&["no row was accepted"]);
    place.run("list apply -q own.store --whole delta.sql").refused(&["delta.sql", "is no whole list"]);
    assert!(place.read("own.store") == before);
    let text = place.run("list apply -q own.store --whole one.csv").expect(0).out;
    assert!(text.contains("own.store: 1 entries count; 2 counted before, 1 ended"), "{text}");
    let json = &place.run("list apply -q --json own.store --whole all.csv").expect(0).json_lines()[0];
    assert_eq!([&json["entries_before"], &json["ended"], &json["entries"]], [1, 0, 2]);
}

fn delta(number: u32) -> String {
    let columns = "sha256,sha1,md5,crc32,file_name,file_size,package_id";
    format!(
        "BEGIN TRANSACTION;\nINSERT INTO FILE({columns}) VALUES('{number:064X}','{number:040X}','{number:032X}',\
         '{number:08X}','a',{number},7);\nCOMMIT;\n"
    )
}

/// An index of a store says what one that is built of the list at once says.
#[test]
fn an_index_of_a_cut_delivery_is_marked() {
    let place = Place::new();
    let (a, b) = ("a".repeat(32), "b".repeat(32));
    place.write("cut.csv", format!("id,md5\none,{a}\n\"two"));
    place.write("two.csv", format!("id,md5\ntwo,{b}\n"));
    place.run("list apply -q --keep-partial own.store cut.csv").expect(0);
    place.run("list apply -q own.store two.csv --base base.lykta").expect(0);
    let text = place.run("index info base.lykta").expect(0).out;
    assert_eq!(text.matches("NOT COMPLETE").count(), 1, "{text}");
}

/// What a cut file lacked, a whole list that came later has: the warning would never have ended.
#[test]
fn a_whole_list_ends_the_word_on_files_that_were_cut() {
    let place = Place::new();
    let (a, b) = ("a".repeat(32), "b".repeat(32));
    place.write("cut.csv", format!("id,md5\none,{a}\n\"two"));
    place.write("full.csv", format!("id,md5\none,{a}\ntwo,{b}\n"));
    place.run("list apply -q --keep-partial own.store cut.csv --base base.lykta").expect(0);
    place.run("list apply -q own.store --whole full.csv -o new.lykta --base base.lykta").expect(0);
    for index in ["base.lykta", "new.lykta"] {
        let text = place.run(&format!("index info {index}")).expect(0).out;
        assert!(!text.contains("NOT COMPLETE"), "{text}");
    }
}

/// An index of one day's additions had every file that was ever delivered, with all its rows.
#[test]
fn additions_name_the_files_that_their_entries_are_of() {
    let place = Place::new();
    let files = |index: &str| -> Vec<u64> {
        let info = place.run(&format!("index info --json {index}")).expect(0).json_lines().remove(0);
        info["lists"].as_array().unwrap().iter().map(|list| list["rows"].as_u64().unwrap()).collect()
    };
    let rows = |numbers: std::ops::Range<u32>| -> String {
        let rows: Vec<String> = numbers.map(|number| format!("e{number},{number:032x}\n")).collect();
        format!("id,md5\n{}", rows.concat())
    };
    place.write("one.csv", rows(1..5));
    place.write("two.csv", rows(5..8));
    place.write("three.csv", rows(8..10));
    place.write("less.csv", rows(1..4));
    place.run("list apply -q own.store one.csv two.csv --base base.lykta").expect(0);
    assert_eq!(files("base.lykta"), [4, 3]);
    place.run("list apply -q own.store three.csv -o new.lykta").expect(0);
    assert_eq!(files("new.lykta"), [2]);
    let found = place.run(&format!("query new.lykta md5:{:032x}", 9)).expect(1).json_lines();
    assert_eq!(found[0]["matches"][0]["row"], 2);
    // Retractions alone: the newest file says what state they are of.
    place.run("list apply -q own.store --whole less.csv -o new.lykta").expect(0);
    assert_eq!(files("new.lykta"), [3]);
    assert!(place.run("index info new.lykta").expect(0).out.contains("retracts 4 entries"));
}

/// A release as NIST gives it, then its delta: rows that are inserted, changed and deleted.
#[test]
fn a_delta_of_nsrl_brings_its_release_up_to_date() {
    let place = Place::new();
    let columns = ["sha256", "sha1", "md5", "crc32", "file_name", "file_size", "package_id"];
    let values = |number: u32, name: &str| {
        format!("'{number:064X}','{number:040X}','{number:032X}','{number:08X}','{name}',{number},7")
    };
    let key = |number: u32, name: &str| {
        let values = values(number, name);
        let pairs = columns.iter().zip(values.split(',')).map(|(column, value)| format!("{column}={value}"));
        pairs.collect::<Vec<_>>().join(" AND ")
    };
    let release = rusqlite::Connection::open(place.path("rds.db")).unwrap();
    let table = "CREATE TABLE FILE (sha256 VARCHAR NOT NULL, sha1 VARCHAR NOT NULL, md5 VARCHAR NOT NULL,
        crc32 VARCHAR NOT NULL, file_name VARCHAR NOT NULL, file_size INTEGER NOT NULL, package_id INTEGER NOT NULL,
        CONSTRAINT PK_FILE__FILE PRIMARY KEY (sha256, sha1, md5, crc32, file_name, file_size, package_id));
        CREATE TABLE VERSION (version VARCHAR UNIQUE NOT NULL, build_set VARCHAR, build_date, release_date,
        description); INSERT INTO VERSION VALUES('2026.03.1','modern','2026-02-01','2026-03-01','');";
    release.execute_batch(table).unwrap();
    for (number, name) in [(1, "stays"), (2, "goes"), (3, "old name")] {
        release.execute_batch(&format!("INSERT INTO FILE VALUES({});", values(number, name))).unwrap();
    }
    drop(release);
    let delta = format!(
        "BEGIN TRANSACTION;\nINSERT INTO FILE({}) VALUES({});\nUPDATE FILE SET file_name='new name' WHERE {};\n\
         DELETE FROM FILE WHERE {};\nCOMMIT;\n",
        columns.join(","),
        values(4, "comes"),
        key(3, "old name"),
        key(2, "goes"),
    );
    place.write("delta.sql", delta);
    place.run("list apply -q --ignore nsrl.store rds.db --base base.lykta").expect(0);
    let text = place.run("list apply -q nsrl.store delta.sql -o new.lykta --base all.lykta").expect(0).out;
    assert!(text.contains("nsrl.store: 3 entries count; 3 counted before, 2 ended"), "{text}");
    place.run("list apply -q new.store rds.db --base base.lykta").expect(0);
    place.run("list apply -q new.store delta.sql -o new.lykta").expect(0);
    let names = |indexes: &str, number: u32| -> Vec<String> {
        let run = place.run(&format!("query {indexes} sha1:{number:040x}"));
        let found = run.json_lines().remove(0);
        let matches = found["matches"].as_array().unwrap().iter();
        matches.map(|found| found["entry"].as_str().unwrap().to_owned()).collect()
    };
    for indexes in ["all.lykta", "base.lykta --index new.lykta"] {
        let all: Vec<_> = (1..=4).map(|number| names(indexes, number)).collect();
        assert_eq!(all, [vec!["stays"], vec![], vec!["new name"], vec!["comes"]], "{indexes}");
    }
}

/// An ignored entry acts on digests only: whoever gave it a perceptual hash is told that it was left out.
#[test]
fn perceptual_hashes_left_out_of_an_ignore_store_are_told() {
    let place = Place::new();
    place.write("own.csv", format!("id,md5,phash\none,{},{}\n", "a".repeat(32), "0123456789abcdef"));
    let text = place.run("list apply -q --ignore own.store own.csv --base base.lykta").expect(0).out;
    assert!(text.contains("left out: 1 phash_in_ignore_list"), "{text}");
    let info = place.run("index info base.lykta").expect(0).out;
    assert!(info.contains("phash_in_ignore_list"), "{info}");
    let json = &place.run("list apply -q --json own.store --base base.lykta").expect(0).json_lines()[0];
    assert_eq!(json["base"]["dropped"]["phash_in_ignore_list"], 1);
}

/// A store that a failed command left behind would name the list, and be taken for one.
#[test]
fn a_command_that_fails_leaves_no_store_and_no_name() {
    let place = Place::new();
    place.write("bad.csv", "id,md5\n\"one");
    place.write("good.csv", format!("id,md5\none,{}\n", "a".repeat(32)));
    place.run("list apply -q own.store").refused(&["there is no store own.store"]);
    for files in ["bad.csv", "good.csv bad.csv", "none.csv"] {
        place.run(&format!("list apply -q --list wrong own.store {files}")).refused(&[]);
        assert!(!place.path("own.store").exists(), "{files}");
    }
    place.run("list apply -q --list right own.store good.csv").expect(0);
    place.run("list apply -q own.store bad.csv").refused(&["bad.csv"]);
    place.run("list apply -q --list right own.store").expect(0);
}

/// A pipe is empty when it is read again.
#[cfg(unix)]
#[test]
fn a_delivery_is_a_file() {
    let place = Place::new();
    std::fs::create_dir(place.path("folder")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(place.path("pipe")).status().unwrap();
    assert!(made.success());
    for path in ["pipe", "folder", "/dev/null", "-"] {
        place.run(&format!("list apply -q own.store {path}")).refused(&["is no file", "put them into files"]);
    }
    assert!(!place.path("own.store").exists());
}

/// A file of another list has other keys: it would add what nothing ever deletes, or delete nothing.
#[test]
fn a_store_takes_files_of_its_own_family_only() {
    let place = Place::new();
    let a = "a".repeat(32);
    let time = "2020-01-01T00:00:00Z";
    let deleted = "<deletedImage><member id=\"7\">M</member><id>no</id>\
        <timestamp>2020-01-01T00:00:00Z</timestamp></deletedImage>";
    place.write("one.csv", format!("id,md5\none,{a}\n"));
    place.write("one.md5", format!("{a}\n"));
    place.write("one.xml", ncmec(&image("one", time, "A1", &a)));
    place.write("deleted.xml", ncmec(deleted));
    place.write("delta.sql", delta(1));
    place.run("list apply -q n.store one.xml").expect(0);
    place.run("list apply -q own.store one.csv one.md5").expect(0);
    for (store, file) in [("n", "one.csv"), ("n", "delta.sql"), ("own", "one.xml"), ("own", "delta.sql")] {
        let name = format!("{store}.store");
        let before = place.read(&name);
        place.run(&format!("list apply -q {name} {file}")).refused(&[file, "it belongs to another list"]);
        assert!(place.read(&name) == before);
    }
    place.run("list apply -q new.store one.xml one.csv").refused(&["one.csv", "it belongs to another list"]);
    place.run("list apply -q new.store delta.sql").refused(&["delta.sql", "take the full release"]);
    let text = place.run("list apply -q n.store deleted.xml").expect(0).out;
    assert!(text.contains("    1 deletions of entries that are not there"), "{text}");
}

/// What exit code 2 means is in the help, and the one case in which something was kept says so.
#[test]
fn apply_says_what_its_exit_codes_mean() {
    let place = Place::new();
    let help = place.run("list apply --help").expect(0).out;
    assert!(help.contains("Exit code 0 when it was done, 2 when nothing was changed"), "{help}");
    place.write("one.csv", format!("id,md5\none,{}\n", "a".repeat(32)));
    place.run("list apply -q own.store one.csv --base none/base.lykta").refused(&["deliveries are kept"]);
    assert!(place.run("list apply -q own.store").expect(0).out.contains("own.store: 1 entries count"));
    place.write("vic.csv", CATEGORISED);
    place.run("list apply -q --ignore vic.store vic.csv --base base.lykta").refused(&["deliveries are kept"]);
    place.run("list apply -q --ignore --ignore-classified vic.store --base base.lykta").expect(0);
    place.run("list apply -q vic.store --base base.lykta").expect(0);
}
