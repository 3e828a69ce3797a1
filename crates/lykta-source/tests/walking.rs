//! What lies in folders and what a walk makes of it.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as tests do")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use lykta_source::{Error, ItemKind, Locator, WalkOptions, check_roots, walk};
use tempfile::TempDir;

/// What was seen, by name below the root: `file` or the reason in words.
fn seen(root: &Path, options: &WalkOptions) -> BTreeMap<String, String> {
    let prefix = format!("{}/", root.display());
    let mut all = BTreeMap::new();
    for item in walk(&[root.to_path_buf()], options) {
        let steps: Vec<_> = item.locator.steps().collect();
        assert_eq!(steps.len(), 1);
        let name = steps[0].strip_prefix(&prefix).unwrap_or(".").to_owned();
        let kind = match item.kind {
            ItemKind::File(file) => format!("file {}", file.size()),
            ItemKind::Skipped { reason, .. } => reason.to_string(),
            ItemKind::Failed(error) => format!("failed: {}", error.name()),
        };
        assert_eq!(all.insert(name.clone(), kind), None, "{name} was seen twice");
    }
    all
}

fn as_strings(map: &BTreeMap<String, String>) -> Vec<(&str, &str)> {
    map.iter().map(|(name, kind)| (name.as_str(), kind.as_str())).collect()
}

fn follow() -> WalkOptions {
    WalkOptions { follow_links: true, ..WalkOptions::default() }
}

fn tree(files: &[&str]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in files {
        let path = dir.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"x").unwrap();
    }
    dir
}

#[test]
fn names_are_bytes_and_come_in_their_order() {
    let dir = tree(&["b", "a/z", "a\nb", "\u{202e}gpj", "back\\slash"]);
    let latin = dir.path().join(OsStr::from_bytes(b"caf\xe9"));
    fs::write(&latin, b"").unwrap();

    let items: Vec<_> = walk(&[dir.path().to_path_buf()], &WalkOptions::default()).collect();
    let raw: Vec<Vec<u8>> = items.iter().map(|item| item.locator.bytes().next().unwrap().to_vec()).collect();
    let base = dir.path().as_os_str().as_bytes();
    let names: Vec<&[u8]> = raw.iter().map(|name| &name[base.len() + 1..]).collect();
    let expected: [&[u8]; 6] = [b"a/z", b"a\nb", b"b", b"back\\slash", b"caf\xe9", "\u{202e}gpj".as_bytes()];
    assert_eq!(names, expected);

    let texts = seen(dir.path(), &WalkOptions::default());
    assert!(texts.contains_key("caf\\xe9") && texts.contains_key("back\\\\slash"), "{texts:?}");
    assert_eq!(texts["caf\\xe9"], "file 0", "an empty file is a file");
}

#[test]
fn links_and_special_files_are_recorded_and_not_opened() {
    let dir = tree(&["file"]);
    let path = |name: &str| dir.path().join(name);
    symlink("file", path("link")).unwrap();
    symlink(OsStr::from_bytes(b"nowhere\xff\n"), path("dangling")).unwrap();
    symlink(".", path("loop")).unwrap();
    assert!(Command::new("mkfifo").arg(path("fifo")).status().unwrap().success());
    let _socket = UnixListener::bind(path("socket")).unwrap();
    assert_eq!(
        as_strings(&seen(dir.path(), &WalkOptions::default())),
        [
            ("dangling", "link not followed: leads to nowhere\\xff\\x0a"),
            ("fifo", "special file: a named pipe"),
            ("file", "file 1"),
            ("link", "link not followed: leads to file"),
            ("loop", "link not followed: leads to ."),
            ("socket", "special file: a socket"),
        ]
    );
}

#[test]
fn hard_links_are_files_of_their_own() {
    let dir = tree(&["a"]);
    fs::hard_link(dir.path().join("a"), dir.path().join("b")).unwrap();
    assert_eq!(as_strings(&seen(dir.path(), &follow())), [("a", "file 1"), ("b", "file 1")]);
}

#[test]
fn followed_links_stay_within_the_roots() {
    let outside = tree(&["secret/x"]);
    fs::write(outside.path().join("y"), b"12345").unwrap();
    let dir = tree(&["folder/deep/a", "file"]);
    let path = |name: &str| dir.path().join(name);
    symlink("file", path("to-file")).unwrap();
    symlink("folder", path("to-folder")).unwrap();
    symlink(outside.path().join("secret"), path("out-folder")).unwrap();
    symlink(outside.path().join("y"), path("out-file")).unwrap();
    symlink("nowhere", path("dangling")).unwrap();
    symlink("self", path("self")).unwrap();
    symlink("../..", path("folder/deep/up")).unwrap();

    let target = |name: &str| outside.path().join(name).display().to_string();
    let expected = [
        ("dangling", "link to nothing: leads to nowhere".to_owned()),
        ("file", "file 1".to_owned()),
        ("folder/deep/a", "file 1".to_owned()),
        ("folder/deep/up", "link loop: leads to ../..".to_owned()),
        ("out-file", format!("out of scope: leads to {}", target("y"))),
        ("out-folder", format!("out of scope: leads to {}", target("secret"))),
        ("self", "link loop: leads to self".to_owned()),
        ("to-file", "file 1".to_owned()),
        ("to-folder/deep/a", "file 1".to_owned()),
        ("to-folder/deep/up", "link loop: leads to ../..".to_owned()),
    ];
    let expected: BTreeMap<_, _> = expected.into_iter().map(|(name, kind)| (name.to_owned(), kind)).collect();
    assert_eq!(seen(dir.path(), &follow()), expected);

    let size = walk(&[dir.path().to_path_buf()], &follow()).find_map(|item| match item.kind {
        ItemKind::Skipped { size, .. } if item.locator.to_string().ends_with("out-file") => Some(size),
        _ => None,
    });
    assert_eq!(size, Some(5), "bytes left out are known");
}

#[test]
fn what_a_followed_link_leads_to_can_be_read() {
    let dir = tree(&["folder/a"]);
    symlink("folder", dir.path().join("link")).unwrap();
    symlink("folder/a", dir.path().join("other")).unwrap();
    let mut files = 0;
    for item in walk(&[dir.path().to_path_buf()], &follow()) {
        let ItemKind::File(file) = item.kind else { panic!("{item:?}") };
        assert_eq!(file.open().unwrap().size(), 1);
        files += 1;
    }
    assert_eq!(files, 3);
}

/// Twelve folders with links to each other have 12! paths. Each folder is entered beneath links
/// once, so the walk ends, and every link is accounted for.
#[test]
fn links_in_a_circle_do_not_multiply() {
    let dir = tempfile::tempdir().unwrap();
    let folders: Vec<PathBuf> = (10..22).map(|i| dir.path().join(i.to_string())).collect();
    for folder in &folders {
        fs::create_dir(folder).unwrap();
        fs::write(folder.join("x"), b"x").unwrap();
    }
    for folder in &folders {
        for other in folders.iter().filter(|other| *other != folder) {
            symlink(other, folder.join(format!("to-{}", other.file_name().unwrap().display()))).unwrap();
        }
    }
    let seen = seen(dir.path(), &follow());
    let files = seen.values().filter(|kind| *kind == "file 1").count();
    assert_eq!(files, 24, "once at its own place and once beneath a link");
    assert!(seen.len() < 24 + 2 * 12 * 12, "{}", seen.len());
    assert!(seen.contains_key("21/to-10"), "links after the last entry are recorded too");
}

#[test]
fn a_folder_that_cannot_be_listed_is_an_item() {
    let dir = tree(&["open/a", "shut/b"]);
    let shut = dir.path().join("shut");
    fs::set_permissions(&shut, fs::Permissions::from_mode(0o000)).unwrap();
    let listed = fs::read_dir(&shut).is_ok();
    let seen = seen(dir.path(), &WalkOptions::default());
    fs::set_permissions(&shut, fs::Permissions::from_mode(0o700)).unwrap();
    if listed {
        println!("SKIPPED: this user may list every folder");
        return;
    }
    assert_eq!(as_strings(&seen), [("open/a", "file 1"), ("shut", "failed: folder not listed")]);
}

/// Nobody is refused by a folder that is gone, not even root: the folder is listed by name and
/// removed before the walk gets to it.
#[test]
fn a_folder_that_vanishes_is_an_item() {
    let dir = tree(&["a", "b/c", "b/d/e", "z"]);
    let mut items = walk(&[dir.path().to_path_buf()], &WalkOptions::default());
    assert!(matches!(items.next().unwrap().kind, ItemKind::File(_)), "a comes first");
    fs::remove_dir_all(dir.path().join("b")).unwrap();
    let rest: Vec<_> = items.collect();
    let ItemKind::Failed(error) = &rest[0].kind else { panic!("{rest:?}") };
    assert_eq!(error.name(), "folder not listed");
    assert_eq!(rest[0].locator, Locator::from_path(&dir.path().join("b")));
    assert_eq!(rest.len(), 2, "z is still walked");
}

#[test]
fn folders_at_the_greatest_depth_are_recorded() {
    let dir = tree(&["a", "one/b", "one/two/c"]);
    let at = |max| {
        let options = WalkOptions { max_depth: Some(max), follow_links: true };
        seen(dir.path(), &options)
    };
    symlink("one", dir.path().join("to-one")).unwrap();
    assert_eq!(as_strings(&at(0)), [(".", "too deep: folders deeper than 0 are not entered")]);
    let deep = |max| format!("too deep: folders deeper than {max} are not entered");
    assert_eq!(
        as_strings(&at(1)),
        [("a", "file 1"), ("one", deep(1).as_str()), ("to-one", deep(1).as_str())]
    );
    assert_eq!(
        as_strings(&at(2)),
        [
            ("a", "file 1"),
            ("one/b", "file 1"),
            ("one/two", deep(2).as_str()),
            ("to-one/b", "file 1"),
            ("to-one/two", deep(2).as_str()),
        ]
    );
    assert_eq!(at(3).len(), 5);
}

/// A folder that was only seen too deep was not walked: a later link to it, not so deep, is.
#[test]
fn a_folder_met_too_deep_is_walked_where_it_is_met_less_deep() {
    let options = WalkOptions { max_depth: Some(3), follow_links: true };
    let deep = "too deep: folders deeper than 3 are not entered";

    let dir = tree(&["z/one/two/x"]);
    symlink("../z", dir.path().join("z/loop")).unwrap();
    symlink("z", dir.path().join("a")).unwrap();
    symlink("z/one/two", dir.path().join("b")).unwrap();
    let found = seen(dir.path(), &options);
    assert_eq!(found["a/one/two"], deep);
    assert_eq!(found["b/x"], "file 1", "{found:?}");

    // Walked, but cut short by the depth; then met again with room for the rest.
    let dir = tree(&["z/one/two/x"]);
    symlink("z/one", dir.path().join("b")).unwrap();
    fs::create_dir(dir.path().join("a")).unwrap();
    symlink("../z/one", dir.path().join("a/one")).unwrap();
    let found = seen(dir.path(), &options);
    assert_eq!(found["a/one/two"], deep);
    assert_eq!(found["b/two/x"], "file 1", "{found:?}");
}

/// Paths longer than the system takes cannot be opened by name. What is down there is not seen,
/// and that is said.
#[test]
fn a_tree_deeper_than_the_longest_path_is_recorded_not_lost() {
    // Two halves that can be named, one of them moved to the bottom of the other.
    let dir = tempfile::tempdir().unwrap();
    let steps = if cfg!(target_os = "linux") { 15 } else { 4 };
    let half = |top: &str| (0..steps).fold(dir.path().join(top), |path, _| path.join("d".repeat(200)));
    let (upper, lower) = (dir.path().join("upper"), dir.path().join("lower"));
    for top in ["upper", "lower"] {
        fs::create_dir_all(half(top)).unwrap();
        fs::write(half(top).join("bottom"), b"x").unwrap();
    }
    fs::rename(&lower, half("upper").join("lower")).unwrap();
    let items: Vec<_> = walk(&[upper], &WalkOptions::default()).collect();
    fs::rename(half("upper").join("lower"), &lower).unwrap();

    assert_eq!(items.len(), 2, "{items:?}");
    assert!(matches!(items[0].kind, ItemKind::File(_)), "the upper half is seen");
    assert!(matches!(items[1].kind, ItemKind::Failed(Error::List(_) | Error::Stat(_))), "{items:?}");
}

#[test]
fn roots_are_walked_in_the_order_given_whatever_they_are() {
    let dir = tree(&["b/x", "a/y", "single"]);
    let path = |name: &str| dir.path().join(name);
    symlink("a", path("link")).unwrap();
    symlink("single", path("file-link")).unwrap();
    let roots = ["b", "link", "single", "file-link", "missing"].map(path);
    let seen: Vec<_> = walk(&roots, &WalkOptions::default())
        .map(|item| {
            let file = matches!(&item.kind, ItemKind::File(file) if file.open().is_ok());
            (item.locator.to_string(), file)
        })
        .collect();
    let shown = |name: &str| path(name).display().to_string();
    assert_eq!(
        seen,
        [
            (shown("b/x"), true),
            (shown("link/y"), true),
            (shown("single"), true),
            (shown("file-link"), true),
            (shown("missing"), false),
        ]
    );
}

#[test]
fn roots_that_would_be_counted_twice_are_refused() {
    let dir = tree(&["a/b/x", "a-b/x", "c/x"]);
    let path = |name: &str| dir.path().join(name);
    symlink("a", path("link")).unwrap();
    let check = |names: &[&str]| check_roots(&names.iter().map(|name| path(name)).collect::<Vec<_>>());
    assert!(check(&["a", "a-b", "c"]).is_ok(), "a-b begins like a but lies beside it");
    assert!(check(&[]).is_ok());
    assert!(matches!(check(&["a", "nothing"]), Err(Error::Root { path: p, .. }) if p == path("nothing")));
    assert!(matches!(check(&["a", "c", "a/"]), Err(Error::RootTwice { .. })));
    assert!(matches!(check(&["a", "c", "link"]), Err(Error::RootTwice { .. })));
    assert!(matches!(check(&["c/../a/b", "c", "a-b", "a"]), Err(Error::RootInside { inner, outer })
        if inner == path("c/../a/b") && outer == path("a")));
    let sentence = check(&["link/b", "a"]).unwrap_err().to_string();
    assert!(sentence.contains("link/b lies inside") && sentence.contains("give only"), "{sentence}");
}
