//! Files that change under the reader, and files that must not change by being read.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as tests do")]

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use lykta_source::{Change, Error, FileItem, ItemKind, OpenFile, WalkOptions, walk};
use tempfile::TempDir;

/// A folder with one file, and that file as a walk lists it.
fn listed(contents: &[u8]) -> (TempDir, PathBuf, FileItem) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    fs::write(&path, contents).unwrap();
    let file = only_file(&path);
    (dir, path, file)
}

fn only_file(root: &Path) -> FileItem {
    let mut items = walk(&[root.to_path_buf()], &WalkOptions::default());
    let item = items.next().unwrap();
    let ItemKind::File(file) = item.kind else { panic!("{item:?}") };
    assert!(items.next().is_none());
    file
}

fn all(file: &mut OpenFile) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

fn append(path: &Path, bytes: &[u8]) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

fn replaced(file: &FileItem) -> &'static str {
    match file.open() {
        Err(Error::Replaced { now }) => now,
        other => panic!("{other:?}"),
    }
}

#[test]
fn pieces_are_appended_up_to_the_size_and_into_the_room_there_is() {
    let contents: Vec<u8> = (0..100_000u32).map(|number| number as u8).collect();
    let (_dir, path, file) = listed(&contents);
    let mut open = file.open().unwrap();
    append(&path, b"grown");
    let mut bytes = Vec::with_capacity(contents.len());
    let room = bytes.as_ptr();
    let counts: Vec<usize> = (0..4).map(|_| open.append_to(&mut bytes, 40_000).unwrap()).collect();
    assert_eq!(counts, [40_000, 40_000, 20_000, 0]);
    assert_eq!((bytes.as_ptr(), bytes.capacity()), (room, contents.len()));
    assert_eq!(bytes, contents);
    assert!(matches!(open.finish(), Err(Error::Changed(Change::Size { .. }))));
}

#[test]
fn a_file_that_ends_early_is_noticed_by_pieces_too() {
    let (_dir, path, file) = listed(&[7; 1000]);
    let mut open = file.open().unwrap();
    OpenOptions::new().write(true).open(&path).unwrap().set_len(10).unwrap();
    let mut bytes = Vec::new();
    assert_eq!(open.append_to(&mut bytes, 500).unwrap(), 10);
    assert!(matches!(open.finish(), Err(Error::Changed(_))));
}

#[test]
fn an_unchanged_file_is_read_as_often_as_wanted() {
    for contents in [&b""[..], b"x", &[7; 100_000]] {
        let (_dir, path, file) = listed(contents);
        assert_eq!((file.path(), file.size()), (&*path, contents.len() as u64));
        let mut open = file.open().unwrap();
        assert_eq!(open.size(), contents.len() as u64);
        assert_eq!(all(&mut open), contents);
        open.rewind().unwrap();
        assert_eq!(all(&mut open), contents);
        open.finish().unwrap();
    }
}

/// Evidence stays as it is. Times are set far apart first, so that a time of access that is older
/// than the others would be renewed by an ordinary read.
#[test]
fn reading_leaves_all_times_alone() {
    let (_dir, path, file) = listed(b"evidence");
    assert!(Command::new("touch").args(["-a", "-d", "2001-01-01"]).arg(&path).status().unwrap().success());
    let times =
        |m: fs::Metadata| (m.atime(), m.atime_nsec(), m.mtime(), m.mtime_nsec(), m.ctime(), m.ctime_nsec());
    let before = times(fs::metadata(&path).unwrap());
    let mut open = file.open().unwrap();
    all(&mut open);
    let kept = open.access_time_kept();
    open.finish().unwrap();
    assert_eq!(kept, cfg!(any(target_os = "linux", target_os = "android")), "its owner reads it");
    if kept {
        assert_eq!(times(fs::metadata(&path).unwrap()), before);
    }
}

#[test]
fn a_file_that_grew_since_it_was_listed_is_read_as_it_is_now() {
    let (_dir, path, file) = listed(b"one");
    append(&path, b" two");
    let mut open = file.open().unwrap();
    assert_eq!((open.size(), all(&mut open).as_slice()), (7, &b"one two"[..]));
    open.finish().unwrap();
}

#[test]
fn what_took_the_place_of_a_listed_file_is_not_read() {
    // The new file is made while the old one exists: its inode cannot be the same.
    let (dir, path, file) = listed(b"old");
    fs::write(dir.path().join("new"), b"new").unwrap();
    fs::rename(dir.path().join("new"), &path).unwrap();
    assert_eq!(replaced(&file), "another file");

    let (dir, path, file) = listed(b"old");
    fs::rename(&path, dir.path().join("moved")).unwrap();
    symlink("moved", &path).unwrap();
    assert_eq!(replaced(&file), "a link", "even a link to the very file");

    let (_dir, path, file) = listed(b"old");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(replaced(&file), "a folder");

    let (_dir, path, file) = listed(b"old");
    fs::remove_file(&path).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
    assert_eq!(replaced(&file), "a socket");

    let (_dir, path, file) = listed(b"old");
    fs::remove_file(&path).unwrap();
    assert!(matches!(file.open(), Err(Error::Open(_))));
}

/// A named pipe without a writer would hold an ordinary open for ever.
#[test]
fn a_pipe_that_took_the_place_of_a_listed_file_does_not_hang() {
    let (_dir, path, file) = listed(b"old");
    fs::remove_file(&path).unwrap();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let (send, receive) = mpsc::channel();
    thread::spawn(move || send.send(replaced(&file)));
    assert_eq!(receive.recv_timeout(Duration::from_secs(10)), Ok("a named pipe"));
}

#[test]
fn a_file_that_changes_while_it_is_read_is_an_error() {
    let (_dir, path, file) = listed(b"0123456789");
    let mut open = file.open().unwrap();
    append(&path, b"ab");
    assert_eq!(all(&mut open), b"0123456789", "no more than there was");
    assert!(matches!(open.finish(), Err(Error::Changed(Change::Size { before: 10, after: 12 }))));

    let (_dir, path, file) = listed(b"0123456789");
    let mut open = file.open().unwrap();
    OpenOptions::new().write(true).open(&path).unwrap().set_len(4).unwrap();
    assert_eq!(all(&mut open), b"0123");
    assert!(matches!(open.finish(), Err(Error::Changed(Change::Size { before: 10, after: 4 }))));

    let (_dir, path, file) = listed(b"0123456789");
    let mut open = file.open().unwrap();
    assert_eq!(all(&mut open), b"0123456789");
    thread::sleep(Duration::from_millis(50));
    File::options().write(true).open(&path).unwrap().write_all(b"x").unwrap();
    assert!(matches!(open.finish(), Err(Error::Changed(Change::Time))));
}

/// The time of modification can be set back by who has changed a file; the time of change cannot.
#[test]
fn a_change_with_its_time_set_back_is_an_error() {
    let (_dir, path, file) = listed(b"0123456789");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let mut open = file.open().unwrap();
    all(&mut open);
    thread::sleep(Duration::from_millis(50));
    let other = File::options().write(true).open(&path).unwrap();
    (&other).write_all(b"x").unwrap();
    other.set_modified(modified).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), modified);
    assert!(matches!(open.finish(), Err(Error::Changed(Change::Time))));
}

#[test]
fn a_file_replaced_while_it_is_read_is_an_error() {
    let (dir, path, file) = listed(b"old");
    let mut open = file.open().unwrap();
    thread::sleep(Duration::from_millis(50));
    fs::write(dir.path().join("new"), b"new").unwrap();
    fs::rename(dir.path().join("new"), &path).unwrap();
    assert_eq!(all(&mut open), b"old");
    assert!(matches!(open.finish(), Err(Error::Changed(Change::Time))));
}

#[test]
fn a_file_not_read_to_its_end_is_not_vouched_for() {
    let (_dir, _path, file) = listed(b"0123456789");
    let mut open = file.open().unwrap();
    open.read_exact(&mut [0; 4]).unwrap();
    assert!(matches!(open.finish(), Err(Error::NotReadToEnd { read: 4, size: 10 })));
    let mut open = file.open().unwrap();
    all(&mut open);
    open.rewind().unwrap();
    assert!(matches!(open.finish(), Err(Error::NotReadToEnd { read: 0, size: 10 })));
}

/// Files of /proc state a size of 0 and have contents: they would pass for empty ones.
#[test]
#[cfg(target_os = "linux")]
fn a_file_whose_size_is_not_the_truth_is_an_error() {
    let mut open = only_file(Path::new("/proc/version")).open().unwrap();
    assert_eq!((open.size(), all(&mut open).len()), (0, 0));
    assert!(matches!(open.finish(), Err(Error::Changed(Change::Long { size: 0 }))));
}

#[test]
fn a_file_that_may_not_be_read_is_an_error() {
    let (_dir, path, file) = listed(b"x");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if File::open(&path).is_ok() {
        println!("SKIPPED: this user may read every file");
        return;
    }
    assert!(matches!(file.open(), Err(Error::Open(_))));
}
