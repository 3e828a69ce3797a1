//! Hashes of 64 bits: they only support other matches, and every answer says what chance gives.

use crate::place::{Place, keys};

const PHASH: &str = "phash:c3d1e0f0a5b49687";
/// Two bits away.
const NEAR: &str = "phash:c3d1e0f0a5b49684";
const DHASH: &str = "dhash:c3d1e0f0a5b49687";

fn place() -> Place {
    let place = Place::new();
    let pdq = "5a".repeat(32);
    place.write(
        "list.csv",
        format!(
            "id,md5,pdq,phash,dhash\n\
             a,00000000000000000000000000000001,{pdq},c3d1e0f0a5b49687,\n\
             b,,,C3D1E0F0A5B49687,0123456789abcdef\n\
             c,,,ffffffffffffffff,3c2e1f0f5a4b6978\n"
        ),
    );
    place.run("index build -o list.lykta list.csv").expect(0);
    place
}

/// In a list of a million something is near to anything: a radius that nobody chose would be taken
/// for one that means something.
#[test]
fn a_radius_must_be_given() {
    let place = place();
    let run = place.run(&format!("query list.lykta {PHASH}")).expect(3);
    let line = &run.json_lines()[0];
    assert_eq!(line["error"], "a radius must be given: --radius phash=BITS");
    assert_eq!(keys(run.out.trim()), ["hash", "error", "matches"]);
    place.run(&format!("query list.lykta --radius phash=6 {PHASH} {DHASH}")).expect(3);
    place.run(&format!("query list.lykta --radius 31 {PHASH}")).expect(3);
    place.run(&format!("query list.lykta --radius phash=6 --radius dhash=6 {PHASH} {DHASH}")).expect(0);
    place.run(&format!("query list.lykta --radius phash=6 --radius phash=7 {PHASH}")).refused(&["twice"]);
    place.run(&format!("query list.lykta --radius phash=65 {PHASH}")).refused(&["0 to 64 bits"]);
    place.run("scan --index list.lykta --radius phash=6 list.csv").refused(&["pdq=BITS"]);
}

#[test]
fn a_match_of_64_bits_supports_and_finds_nothing_by_itself() {
    let place = place();
    let md5 = "md5:00000000000000000000000000000001";
    let run = place.run(&format!("query list.lykta --radius phash=2 {PHASH} {NEAR}")).expect(0);
    let lines = run.json_lines();
    let found = |line: usize| -> Vec<_> {
        let matches = lines[line]["matches"].as_array().unwrap();
        matches.iter().map(|found| (found["entry"].to_string(), found["distance"].to_string())).collect()
    };
    let [a, b] = ["\"a\"", "\"b\""].map(str::to_owned);
    assert_eq!(found(0), [(a.clone(), "0".to_owned()), (b.clone(), "0".to_owned())]);
    assert_eq!(found(1), [(a, "2".to_owned()), (b, "2".to_owned())]);
    assert_eq!(lines[0]["matches"][0]["support"], true);
    assert_eq!(lines[0]["matches"][0]["kind"], "phash");
    assert_eq!(lines[0]["matches"][0]["role"], "match");
    place.run(&format!("query list.lykta --radius phash=1 {NEAR}")).expect(0);

    let run = place.run(&format!("query list.lykta --radius phash=2 {PHASH} {md5}")).expect(1);
    assert!(run.json_lines()[1]["matches"][0].get("support").is_none(), "{}", run.out);
    assert!(run.json_lines()[1].get("expected_random_hits").is_none(), "a digest is not near by chance");
}

#[test]
fn every_answer_by_distance_says_what_chance_gives() {
    let place = place();
    // One different pHash is in the list, the blank one not; 1 + 64 of all 2^64 are within one bit.
    let run = place.run(&format!("query list.lykta --radius phash=1 {NEAR} {PHASH}")).expect(0);
    for line in run.json_lines() {
        assert_eq!(line["expected_random_hits"].to_string(), "3.52e-18", "{line}");
    }
    assert_eq!(keys(run.out.lines().next().unwrap()), ["hash", "matches", "expected_random_hits"]);
    // At the widest radius chance gives everything, in both indexes.
    place.write("more.csv", "dhash\nfefefefefefefefe\n0000000000000001\n");
    place.run("index build -o more.lykta more.csv").expect(0);
    let run = place.run(&format!("query list.lykta --index more.lykta --radius dhash=64 {DHASH}")).expect(0);
    assert_eq!(run.json_lines()[0]["expected_random_hits"], 4.0);
    assert_eq!(run.json_lines()[0]["matches"].as_array().unwrap().len(), 4);

    let pdq = format!("pdq:{}", "5a".repeat(32));
    let run = place.run(&format!("query list.lykta {pdq}")).expect(1);
    let expected = run.json_lines()[0]["expected_random_hits"].as_f64().unwrap();
    assert!(expected > 0.0 && expected < 1e-30, "{expected}");
}

#[test]
fn that_nothing_of_a_kind_is_there_is_said() {
    let place = Place::new();
    place.write("plain.txt", "dhash\n0123456789abcdef\n");
    place.run("index build -o plain.lykta plain.txt").expect(0);
    let run = place.run(&format!("query plain.lykta --radius phash=6 {PHASH}")).expect(0);
    assert!(run.err.contains("phash compared with nothing: the lists hold none"), "{}", run.err);
    assert_eq!(run.json_lines()[0]["expected_random_hits"], 0.0);
    let run = place.run(&format!("query plain.lykta --radius dhash=64 {DHASH}")).expect(0);
    assert!(!run.err.contains("compared with nothing"), "{}", run.err);
}

/// Entries of an ignore list act on digests only; blank hashes are in no list.
#[test]
fn ignored_and_blank_hashes_never_match() {
    let place = place();
    place.write("ignored.csv", "md5,phash\n00000000000000000000000000000002,c3d1e0f0a5b49687\n");
    let built = place.run("index build -o ignored.lykta --ignore ignored.csv").expect(0);
    assert!(built.out.contains("phash_in_ignore_list 1"), "{}", built.out);
    let run = place.run(&format!("query ignored.lykta --radius phash=64 {PHASH}")).expect(0);
    assert_eq!(run.json_lines()[0]["matches"].as_array().unwrap().len(), 0);
    let run = place.run("query list.lykta --radius phash=64 phash:ffffffffffffffff").expect(3);
    assert_eq!(run.json_lines()[0]["error"], "all bits equal: such a hash is never compared");
}

#[test]
fn a_list_of_16_digits_must_say_its_kind() {
    let place = Place::new();
    place.write("short.txt", "0123456789abcdef\n");
    place.run("index build -o short.lykta short.txt").refused(&["short.txt", "--format phash"]);
    for kind in ["phash", "dhash"] {
        place.run(&format!("index build -o short.lykta --format {kind} short.txt")).expect(0);
        place.run("index verify short.lykta").expect(0);
        let info = place.run("index info --json short.lykta").expect(0);
        assert_eq!(info.json_lines()[0]["hashes"][kind], 1, "{}", info.out);
    }
}

#[test]
fn info_says_what_chance_gives_at_usual_radii() {
    let place = place();
    let info = &place.run("index info --json list.lykta").expect(0).json_lines()[0];
    let chances = &info["expected_random_hits"];
    let figures = chances["phash"].as_array().unwrap();
    let radii: Vec<_> = figures.iter().map(|figure| figure["radius"].as_u64().unwrap()).collect();
    assert_eq!(radii, [4, 6, 8, 10]);
    // 9.98e-9 of all hashes are within 10 bits; the list has one different pHash.
    assert_eq!(figures[3]["hits"].to_string(), "9.98e-9");
    assert_eq!(chances["pdq"][0]["radius"], 31);
    assert!(chances.get("md5").is_none());
    let people = place.run("index info list.lykta").expect(0).out;
    assert!(people.contains("phash: 1 different; random hits a query: 3.68e-14 at radius 4"), "{people}");
}

/// Lykta computes neither hash, so a scan cannot give such a match.
#[test]
fn a_scan_with_such_a_list_is_as_without() {
    let place = Place::with_demo();
    place.write("short.csv", "phash,dhash\n0123456789abcdef,0123456789abcdef\n");
    place.run("index build -o short.lykta short.csv").expect(0);
    let run = place.run("scan --index short.lykta dump").expect(0);
    assert!(run.out.contains("near matching not performed: the lists hold no PDQ"), "{}{}", run.out, run.err);
}
