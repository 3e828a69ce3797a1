//! A process killed at any moment has done all of a command or nothing of it, and who repeats it ends where
//! one who was never killed does.
#![expect(clippy::unwrap_used, reason = "a test that fails should stop there")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lykta_hash::{Digest, Hash};
use lykta_list::{Deletion, Entry, Format, Position, Row};
use lykta_store::{FileDescription, Store, StoredEntry};

/// Where the child finds the path of its store.
const VARIABLE: &str = "LYKTA_STORE_OF_A_CHILD";
const COMMANDS: u64 = 4;
const ROWS: u64 = 6000;

/// One command: a file that adds, changes and deletes; the last one is a whole list.
fn command(store: &mut Store, number: u64) {
    let is_whole = number + 1 == COMMANDS;
    let mut transaction = if is_whole { store.begin_whole() } else { store.begin() }.unwrap();
    let file = transaction
        .add_file(&FileDescription {
            name: format!("file {number}"),
            format: Format::Ncmec,
            version: None,
            sha256: [number as u8; 32],
            bytes: 0,
        })
        .unwrap();
    for row in 1..=ROWS {
        let key = ((row * 7 + number * 1000) % 9000).to_string();
        let changed = Some(((row * 31 + number * 17) % 50) as i64);
        let position = Position::Line(row);
        let row = if row % 5 == 0 {
            Row::Deleted(Deletion { row, position, key, changed })
        } else {
            let mut bytes = [1; 16];
            bytes[..8].copy_from_slice(&(row * 3 + number).to_le_bytes());
            let hashes = vec![Hash::Digest(Digest::Md5(bytes))];
            Row::Accepted(Entry { row, position, key: Some(key), changed, hashes, ..Entry::default() })
        };
        transaction.apply(file, &row).unwrap();
    }
    transaction.commit().unwrap();
    if number == 1 {
        store.mark_base(&[0; 32]).unwrap();
    }
}

fn dump(store: &mut Store) -> (Vec<StoredEntry>, Vec<String>, usize) {
    let all = store.all().unwrap().map(Result::unwrap).collect();
    let additions = store.additions().unwrap();
    let retractions = additions.retractions().map(Result::unwrap).collect();
    (all, retractions, additions.entries().count())
}

/// Not a test by itself: what the others start and kill.
#[test]
fn child() {
    if let Some(path) = std::env::var_os(VARIABLE) {
        let mut store = Store::open_or_create(Path::new(&path)).unwrap();
        for number in 0..COMMANDS {
            command(&mut store, number);
        }
    }
}

fn start(path: &Path) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child"])
        .env(VARIABLE, path)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn kills_leave_all_of_a_command_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // What is there after each command when nobody is killed.
    let mut calm = Store::open_or_create(&folder.path().join("calm.store")).unwrap();
    let mut states = vec![dump(&mut calm)];
    for number in 0..COMMANDS {
        command(&mut calm, number);
        states.push(dump(&mut calm));
    }
    let path = folder.path().join("a.store");
    let begin = Instant::now();
    assert!(start(&path).wait().unwrap().success());
    let whole = begin.elapsed();
    let mut killed = 0;
    let mut fresh = 0;
    for round in 0..40_u32 {
        // From nothing as often as from where the last one was killed.
        if round % 2 == 0 {
            for file in std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path()) {
                if file.file_name().unwrap().as_encoded_bytes().starts_with(b"a.store") {
                    std::fs::remove_file(file).unwrap();
                }
            }
        }
        let mut child = start(&path);
        std::thread::sleep(whole.mul_f64(f64::from(round * 37 % 40) / 40.0).max(Duration::from_millis(1)));
        child.kill().unwrap();
        killed += u32::from(!child.wait().unwrap().success());
        let mut store = Store::open_or_create(&path).unwrap();
        if round % 2 == 0 {
            let (all, ..) = dump(&mut store);
            assert!(states.iter().any(|state| state.0 == all), "round {round}");
            fresh += 1;
        }
        drop(store);
        let mut store = Store::open_or_create(&path).unwrap();
        if round % 4 == 3 {
            for number in 0..COMMANDS {
                command(&mut store, number);
            }
            let all = dump(&mut store).0;
            // The same sequence twice without a kill.
            let again = calm.all().unwrap().map(Result::unwrap).collect::<Vec<_>>();
            assert_eq!(all, again, "round {round}");
        }
    }
    assert!(killed >= 20 && fresh == 20, "{killed} killed");
}
