//! What is scanned stays as it was.

use std::collections::BTreeMap;
use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::place::Place;

/// Every file and folder below `root`.
fn tree(root: &Path) -> Vec<PathBuf> {
    let mut paths = vec![root.to_owned()];
    let mut next = 0;
    while next < paths.len() {
        if paths[next].is_dir() {
            paths.extend(fs::read_dir(&paths[next]).unwrap().map(|entry| entry.unwrap().path()));
        }
        next += 1;
    }
    paths.sort();
    paths
}

fn contents(root: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    tree(root).into_iter().map(|path| (path.clone(), fs::read(path).ok())).collect()
}

/// Size, times and permissions; the time of access of files only, since listing a folder may set
/// its own.
fn outsides(root: &Path) -> BTreeMap<PathBuf, (u64, SystemTime, Option<SystemTime>, bool)> {
    let look = |path: PathBuf| {
        let of = fs::symlink_metadata(&path).unwrap();
        let kept = if of.is_file() && cfg!(target_os = "linux") { of.accessed().ok() } else { None };
        (path, (of.len(), of.modified().unwrap(), kept, of.permissions().readonly()))
    };
    tree(root).into_iter().map(look).collect()
}

#[test]
fn a_scan_changes_nothing_in_what_it_scans() {
    let place = Place::with_demo();
    let dump = place.path("dump");
    let (before, old) = (contents(&dump), SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    // So old that a read would set it anew even where times of access are kept loosely.
    for file in before.keys().filter(|path| path.is_file()) {
        File::open(file).unwrap().set_times(FileTimes::new().set_accessed(old)).unwrap();
    }
    let outside = outsides(&dump);
    place.run("scan --index list.lykta --record all --report jsonl,csv,html -o out dump").expect(1);
    place.run("scan --index list.lykta --follow-links dump").expect(1);
    place.run("hash dump").expect(0);
    assert_eq!(outsides(&dump), outside);
    assert_eq!(contents(&dump), before);
}

/// The system's own word for it: whatever is opened below the scanned folder is opened for reading.
#[cfg(target_os = "linux")]
#[test]
fn nothing_below_the_scanned_folder_is_opened_for_writing() {
    let place = Place::with_demo();
    let changes = [
        "trace=open,openat,openat2,creat,unlink,unlinkat,rename,renameat,renameat2,mkdir,mkdirat,rmdir",
        "link,linkat,symlink,symlinkat,truncate,chmod,fchmodat,utimensat,setxattr,mknodat",
    ]
    .join(",");
    // -y: descriptors with their paths, so that names relative to a folder are seen, too.
    let options = ["-f", "-qq", "-y", "-s", "4096", "-e", &changes, "-e", "signal=none", "-o", "trace"];
    let Some(output) = place.traced(&options, "scan --quiet --index list.lykta dump") else { return };
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!output.stdout.is_empty());
    let trace = place.text("trace");
    // The end of a call that another thread interrupted: its arguments were on the line before. And a thread
    // that ended before strace could ask what it called: it called nothing more.
    let is_call = |line: &&str| !line.contains("resumed>") && !line.contains("???(");
    let calls: Vec<&str> = trace.lines().filter(is_call).collect();
    let below: Vec<&&str> = calls.iter().filter(|line| line.contains("dump")).collect();
    assert!(below.iter().filter(|line| line.contains("O_NOATIME")).count() >= 12, "{trace}");
    for line in below {
        assert!(only_reads(line), "{line}");
    }
    // So few findings are kept in memory: nothing is written anywhere else either.
    for line in calls.iter().filter(|line| !["\"/dev/", "\"/proc/"].iter().any(|own| line.contains(own))) {
        assert!(only_reads(line), "{line}");
    }
}

/// Whether a line of a trace opens something for reading, and nothing else.
#[cfg(target_os = "linux")]
fn only_reads(line: &str) -> bool {
    line.contains("O_RDONLY") && !line.contains("O_CREAT") && !line.contains("O_TRUNC")
}
