//! `lykta query`.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;

use crate::place::{Place, keys};

const ONE: &str = "md5:00000000000000000000000000000001";
const TWO: &str = "md5:00000000000000000000000000000002";

fn place() -> Place {
    let place = Place::new();
    place.write(
        "one.csv",
        "id,md5,pdq\na,00000000000000000000000000000001,\nb,,".to_owned() + &"5a".repeat(32) + "\n",
    );
    place
        .write("two.csv", "id,md5\nc,00000000000000000000000000000001\nd,00000000000000000000000000000002\n");
    place.run("index build -o one.lykta one.csv").expect(0);
    place.run("index build -o two.lykta two.csv").expect(0);
    place
}

#[test]
fn exit_codes_say_found_and_bad_apart() {
    let place = place();
    place.run(&format!("query one.lykta {TWO}")).expect(0);
    place.run(&format!("query one.lykta {TWO} {ONE}")).expect(1);
    place.run("query one.lykta").expect(0);
    place.run(&format!("query one.lykta {TWO} md5:zz")).expect(3);
    place.run(&format!("query one.lykta md5:zz {ONE}")).expect(4);
    place.run(&format!("query one.lykta --index missing {ONE}")).refused(&["missing"]);
}

#[test]
fn answers_have_the_keys_of_the_contract() {
    let place = place();
    let run = place.run(&format!("query one.lykta {ONE} nonsense"));
    let lines: Vec<&str> = run.out.lines().collect();
    assert_eq!(keys(lines[0]), ["hash", "matches"]);
    assert_eq!(keys(lines[1]), ["hash", "error", "matches"]);
    let found = &run.json_lines()[0]["matches"][0];
    assert_eq!(
        keys(&lines[0][lines[0].find('[').unwrap() + 1..]),
        [
            "kind",
            "distance",
            "view",
            "list",
            "list_sha256",
            "entry",
            "row",
            "label",
            "role",
            "weak",
            "disputed"
        ]
    );
    assert_eq!(
        (&found["entry"], &found["list"], &found["weak"]),
        (&"a".into(), &"one.csv".into(), &true.into())
    );
}

#[test]
fn lines_are_answered_in_order_as_arguments_are_whatever_the_jobs() {
    let place = place();
    let mut input = String::new();
    for number in 0..1500 {
        writeln!(input, "md5:{:032x}", number % 5).unwrap();
        if number % 7 == 0 {
            writeln!(input, "bad {number}\r").unwrap();
        }
        if number % 100 == 0 {
            input.push('\n');
        }
    }
    let asked: Vec<&str> = input.lines().filter(|line| !line.is_empty()).collect();
    let one = place.run_with(input.as_str(), "query one.lykta --jobs 1").expect(4);
    let answered: Vec<_> =
        one.json_lines().iter().map(|line| line["hash"].as_str().unwrap().to_owned()).collect();
    assert_eq!(answered, asked);
    assert_eq!(place.run_with(input.as_str(), "query one.lykta --jobs 2").expect(4).out, one.out);
    // No newline at the end, and arguments instead of lines.
    let few = [ONE, "bad", TWO].join("\n");
    let by_line = place.run_with(few, "query one.lykta").expect(4).out;
    assert_eq!(place.run(&format!("query one.lykta {ONE} bad {TWO}")).expect(4).out, by_line);
}

#[test]
fn several_indexes_answer_as_one() {
    let place = place();
    let run = place.run(&format!("query one.lykta --index two.lykta {ONE} {TWO}")).expect(1);
    let entries: Vec<Vec<String>> = run
        .json_lines()
        .iter()
        .map(|line| {
            line["matches"].as_array().unwrap().iter().map(|found| found["entry"].to_string()).collect()
        })
        .collect();
    assert_eq!(entries, [vec!["\"a\"", "\"c\""], vec!["\"d\""]]);
    let turned = place.run(&format!("query two.lykta --index one.lykta {ONE} {TWO}")).expect(1);
    assert_eq!(turned.out, run.out);
}

#[test]
fn the_radius_is_the_last_distance_that_matches() {
    let place = place();
    let near = format!("pdq:ff{}", "5a".repeat(31));
    let at = |radius: &str| place.run(&format!("query one.lykta --radius {radius} {near}"));
    let run = at("4").expect(1);
    assert_eq!(run.json_lines()[0]["matches"][0]["distance"], 4);
    at("pdq=4").expect(1);
    at("3").expect(0);
}

#[test]
fn what_is_piped_in_by_mistake_is_answered_with_errors() {
    let place = place();
    let mut input = vec![0xff; 3_000_000];
    input.extend(format!("\n{ONE}\n").bytes());
    let run = place.run_with(input, "query one.lykta").expect(4);
    assert_eq!(run.json_lines().len(), 2);
    assert!(run.out.len() < 10_000);
}

#[test]
fn that_nothing_is_compared_by_likeness_is_said_unless_quiet() {
    let place = place();
    let note = "near matching not performed: the lists hold no PDQ";
    assert!(place.run(&format!("query two.lykta {ONE}")).err.contains(note));
    assert_eq!(place.run(&format!("query --quiet two.lykta {ONE}")).err, "");
    assert_eq!(place.run(&format!("query two.lykta --index one.lykta {ONE}")).err, "");
}

/// "Nothing found" was the answer to a hash that is compared with nothing.
#[test]
fn a_hash_that_is_never_compared_is_answered_with_an_error() {
    let place = place();
    for digits in ["00", "ff"] {
        let blank = format!("pdq:{}", digits.repeat(32));
        let run = place.run(&format!("query one.lykta --radius 256 {blank}")).expect(3);
        let line = &run.json_lines()[0];
        assert_eq!(line["error"], "all bits equal: such a hash is never compared");
        assert_eq!(line["matches"].as_array().unwrap().len(), 0);
        place.run(&format!("query one.lykta {blank} {ONE}")).expect(4);
    }
}

#[test]
fn an_entry_of_low_quality_is_found_by_its_own_hash() {
    let place = Place::new();
    let pdq = "5a".repeat(32);
    place.write("flat.csv", format!("id,pdq,pdq_quality\na,{pdq},1\n"));
    place.run("index build -o flat.lykta flat.csv").expect(0);
    place.run(&format!("query flat.lykta pdq:{pdq}")).expect(1);
    place.run(&format!("query flat.lykta --min-quality 2 pdq:{pdq}")).expect(0);
}

/// Whoever asks the next question because of the last answer must have that answer.
#[test]
fn each_answer_is_there_before_the_next_question() {
    let place = place();
    for jobs in ["1", "3"] {
        let mut command = place.std_lykta();
        command.args(["query", "one.lykta", "--jobs", jobs]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let (mut questions, answers) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut answers = BufReader::new(answers).lines();
        for question in [ONE, TWO, "bad", ONE] {
            writeln!(questions, "{question}").unwrap();
            let answer = answers.next().unwrap().unwrap();
            assert!(answer.starts_with(&format!("{{\"hash\":\"{question}\",")), "{answer}");
        }
        drop(questions);
        assert_eq!(child.wait().unwrap().code(), Some(4));
    }
}

/// `lykta query list.lykta | head -1` must not wait for questions that nobody wants answered.
#[test]
fn it_ends_when_its_answers_are_no_longer_read_although_questions_may_come() {
    let place = place();
    let mut command = place.std_lykta();
    command.args(["query", "one.lykta", "--jobs", "2"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut questions = child.stdin.take().unwrap();
    writeln!(questions, "{ONE}\n{TWO}").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2));
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "", "there is nobody left to tell");
    drop(questions);
}

#[test]
fn an_explanation_goes_with_each_answer_by_likeness_and_changes_nothing_else() {
    let place = place();
    let near = format!("pdq:{}", "5a".repeat(31) + "5b");
    let plain = place.run(&format!("query one.lykta {near} {ONE}")).expect(1).json_lines();
    let mut explained = place.run(&format!("query one.lykta --explain {near} {ONE}")).expect(1).json_lines();
    let explanation = explained[0].as_object_mut().unwrap().remove("explain").unwrap();
    assert_eq!(explained, plain);
    let [only] = &explanation.as_array().unwrap()[..] else { panic!("{explanation}") };
    assert_eq!(
        (&only["index"], &only["radius"], &only["hits"]),
        (&"one.lykta".into(), &31.into(), &1.into())
    );
    assert_eq!((&only["structure"], &only["candidates"]), (&"flat".into(), &1.into()));
    assert!(only["us"]["all"].as_f64().unwrap() > 0.0, "{only}");
}

#[test]
fn an_index_read_beforehand_answers_as_a_mapped_one() {
    let place = place();
    let near = format!("pdq:{}", "5a".repeat(31) + "5b");
    let mapped = place.run(&format!("query one.lykta --index two.lykta {near} {ONE}")).expect(1).out;
    let preloaded =
        place.run(&format!("query --preload one.lykta --index two.lykta {near} {ONE}")).expect(1).out;
    assert_eq!(preloaded, mapped);
    place.write("empty", "");
    place.run(&format!("query --preload empty {ONE}")).refused(&["empty", "cut short"]);
    place.run(&format!("scan --preload --index one.lykta {}", "one.csv")).expect(0);
}
