//! The examples run and print what they are there to show.

#![expect(clippy::unwrap_used, reason = "what cannot be started fails the test")]

use std::path::PathBuf;
use std::process::Command;

/// Cargo builds the examples beside the tests, and does not say where.
fn run(example: &str) -> String {
    let test = std::env::current_exe().unwrap();
    let profile: PathBuf = test.ancestors().nth(2).unwrap().to_owned();
    let program = profile.join("examples").join(example).with_extension(std::env::consts::EXE_EXTENSION);
    assert!(program.is_file(), "{}: run `cargo build -p lykta --examples` first", program.display());
    let output = Command::new(program).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn an_upload_is_matched() {
    let said = run("match_upload");
    assert!(
        said.starts_with("upload 1: matched_near_only\n  landscape-5 of list.csv: 0 bits, flip_y"),
        "{said}"
    );
    assert!(said.ends_with("upload 2: unmatched_exact_and_near\n"), "{said}");
}

#[test]
fn a_sink_of_ones_own_sees_every_record() {
    let said = run("custom_sink");
    assert!(said.contains("matched_exact: 1\nmatched_near_only: 5\n"), "{said}");
    assert_eq!(said.matches("queued: ").count(), 6, "{said}");
    assert!(said.ends_with("12 items seen, 12 examined: 6 items matched\n"), "{said}");
}

#[test]
fn an_index_is_swapped_under_queries() {
    let said = run("swap_index");
    assert!(said.starts_with("taking 2 entries into use\nthe new entry was found by 3 threads"), "{said}");
}
