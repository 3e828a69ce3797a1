//! Help, wrong arguments, completions, and readers that go away.

use std::process::Stdio;

use crate::place::Place;

const COMMANDS: [&str; 14] = [
    "",
    "index",
    "index build",
    "index info",
    "index verify",
    "hash",
    "query",
    "scan",
    "report",
    "report verify",
    "demo",
    "serve",
    "serve token",
    "serve config",
];

#[test]
fn every_command_has_help_with_an_example() {
    let place = Place::new();
    for command in COMMANDS.into_iter().chain(["completions"]) {
        let help = place.run(&format!("{command} --help")).expect(0).out;
        let example = help.split("Example").nth(1).unwrap_or_else(|| panic!("{command}: {help}"));
        assert!(example.contains(&format!("lykta {}", command.split(' ').next().unwrap())), "{help}");
    }
}

#[test]
fn no_help_calls_a_result_by_a_word_that_says_too_much() {
    let place = Place::new();
    for command in COMMANDS {
        let help = place.run(&format!("{command} --help")).out.to_lowercase();
        for word in ["clean", " safe", "verdict", "guilty", "certain"] {
            assert!(!help.contains(word), "{command}: {word}");
        }
    }
}

#[test]
fn wrong_arguments_are_refused_in_one_sentence() {
    let place = Place::new();
    for words in [
        "frobnicate",
        "scan --nope",
        "hash",
        "scan dump",
        "query",
        "index build",
        "scan --index i --radius 300 p",
        "scan --index i --radius phash=3 p",
        "scan --index i --jobs 0 p",
        "hash --jobs 100000 p",
        "scan --index i --min-quality 101 p",
        "scan --index i --report pdf p",
        "scan --index i --max-item-bytes 1.5G p",
        "hash --kind crc32 p",
        "hash --csv --json p",
        "index build -o x --near tree l",
        "scan --index i --record all p",
        "report verify",
        "report verify out --manifest-sha256 abc",
        "scan --index i --report csv p",
        "scan --index i --report jsonl,html p",
    ] {
        place.run(words).refused(&["--help`"]);
    }
}

#[test]
fn a_command_without_its_subcommand_shows_help_and_fails() {
    let place = Place::new();
    for words in ["", "index"] {
        assert!(place.run(words).expect(2).err.contains("Usage: lykta"));
    }
}

#[test]
fn the_version_says_which_build_it_is() {
    let place = Place::new();
    let version = place.run("--version").expect(0).out;
    assert!(version.starts_with(concat!("lykta ", env!("CARGO_PKG_VERSION"), "\n")), "{version}");
    assert!(version.contains("\ncommit ") && version.contains("\ntarget "), "{version}");
}

#[test]
fn completions_are_there_for_every_shell() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(place.run(&format!("completions {shell}")).expect(0).out.contains("verify"), "{shell}");
    }
}

/// A pipe whose reader is gone before anything is written.
fn nobody() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// `lykta completions bash | head -1` ended with a trace of a panic.
#[test]
fn a_reader_that_goes_away_is_not_an_error_to_talk_about() {
    let place = Place::with_demo();
    for words in [
        "completions bash",
        "hash dump",
        "hash --csv dump",
        "query list.lykta md5:00000000000000000000000000000001",
        "index info list.lykta",
        "scan --quiet --index list.lykta dump",
    ] {
        let mut command = place.std_lykta();
        let output = command.args(words.split(' ')).stdout(nobody()).output().unwrap();
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{words}");
        assert_eq!(output.status.code(), Some(2), "{words}");
    }
}

#[test]
fn nobody_listening_to_standard_error_changes_nothing() {
    let place = Place::with_demo();
    let mut command = place.std_lykta();
    let output = command.args(["hash", "dump", "missing"]).stderr(nobody()).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 13);
}
