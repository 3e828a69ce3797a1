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
    use std::process::Command;
    let place = Place::with_demo();
    let mut traced = Command::new("strace");
    let changes = "open,openat,openat2,creat,unlink,unlinkat,rename,renameat,renameat2,mkdir,mkdirat,rmdir,link,\
                   linkat,symlink,symlinkat,truncate,chmod,fchmodat,utimensat,setxattr,mknodat";
    traced.args([
        "-f",
        "-qq",
        "-s",
        "4096",
        "-e",
        &format!("trace={}", changes.replace(' ', "")),
        "-o",
        "trace",
    ]);
    traced.arg(assert_cmd::cargo::cargo_bin!("lykta")).current_dir(place.path(""));
    // Temporary files where the scan looks must not be made there either.
    traced.env("TMPDIR", place.path("dump"));
    traced.args(["scan", "--quiet", "--index", "list.lykta", "dump"]);
    let output = match traced.output() {
        Ok(output) if output.status.code() == Some(1) => output,
        other => {
            println!("skipped, strace does not run here: {other:?}");
            return;
        }
    };
    assert!(!output.stdout.is_empty());
    let trace = place.text("trace");
    let below: Vec<&str> =
        trace.lines().filter(|line| line.contains("dump")).filter(|line| !line.contains("execve")).collect();
    assert!(below.iter().filter(|line| line.contains("O_NOATIME")).count() >= 12, "{trace}");
    for line in below {
        let reads = line.contains("O_RDONLY") && !line.contains("O_CREAT") && !line.contains("O_TRUNC");
        let finished = line.contains("resumed>");
        assert!(reads || finished, "{line}");
    }
    assert!(
        !trace.contains("O_WRONLY")
            || !trace.lines().any(|line| line.contains("O_WRONLY") && line.contains("dump"))
    );
}
