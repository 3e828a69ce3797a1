//! docs/requirements.md: what it names is there.

use std::fs;
use std::path::Path;

/// Every requirement, and the tests that it names as `file::test`.
fn requirements() -> Vec<(String, Vec<String>)> {
    let text = fs::read_to_string(root().join("docs/requirements.md")).unwrap();
    let chapters = text.split("\n## ").skip(1);
    let named = |chapter: &str| chapter.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    chapters
        .map(|chapter| {
            let tests = named(chapter).into_iter().filter(|word| word.contains(".rs::")).collect();
            (chapter.to_owned(), tests)
        })
        .collect()
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Whether `source` has a test of that name: a function with `#[test]` shortly before it.
fn has_test(source: &str, name: &str) -> bool {
    let Some((before, _)) = source.split_once(&format!("fn {name}(")) else { return false };
    // Attributes and comments of this function only.
    let own = before.rsplit("\n\n").next().unwrap_or_default();
    own.contains("#[test]")
}

#[test]
fn every_requirement_is_there_with_tests_that_exist() {
    let requirements = requirements();
    assert_eq!(requirements.len(), 20);
    for (number, (chapter, tests)) in requirements.iter().enumerate() {
        let number = number + 1;
        assert!(chapter.starts_with(&format!("R{number} ")), "R{number}: {chapter}");
        assert!(!tests.is_empty() || chapter.contains("Not met"), "R{number} names no test");
        for named in tests {
            let (file, test) = named.split_once("::").unwrap();
            let source = fs::read_to_string(root().join(file));
            let source = source.unwrap_or_else(|error| panic!("R{number}: {file}: {error}"));
            assert!(has_test(&source, test), "R{number}: there is no test {test} in {file}");
        }
    }
}

#[test]
fn what_is_not_met_is_said() {
    let requirements = requirements();
    for number in [2, 20] {
        assert!(requirements[number - 1].0.contains("Not met yet"), "R{number}");
    }
}

#[test]
fn a_function_that_is_no_test_is_not_taken_for_one() {
    let source = "#[test]\nfn a() {}\n\nfn b() {}\n\n    /// Why.\n    #[test]\n    fn c() {}\n";
    assert!(has_test(source, "a") && has_test(source, "c"));
    assert!(!has_test(source, "b") && !has_test(source, "d"));
}
