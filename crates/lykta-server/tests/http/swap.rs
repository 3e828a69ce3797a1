//! Newer files taken into use while requests run.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::place::{MD5, Place, SHA1, build};

/// Every hash of it is in every generation, each time under another name.
fn replace(index: &Path, number: u32) {
    let list = format!("id,md5,sha1\nfile-{number},{MD5},{SHA1}\n");
    let next = index.with_extension("next");
    build(&next, &[(&format!("list-{number}"), list.as_bytes())]);
    fs::rename(next, index).unwrap();
}

fn wait_for(what: &str, is_there: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_there() {
        assert!(began.elapsed() < Duration::from_secs(20), "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn index_of(place: &Place) -> Value {
    place.get("", "/readyz").expect(200).json()["index"].clone()
}

#[test]
fn no_request_fails_and_each_answer_is_of_one_whole_index() {
    let place = Place::with(|config| config.rate.per_second = 1e6);
    replace(&place.index, 0);
    wait_for("the first swap", || place.server().metrics().contains("lykta_swaps_total 1\n"));
    let (stop, asked) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !stop.load(SeqCst) {
                    let hashes = [format!("md5:{MD5}"), format!("sha1:{SHA1}"), format!("md5:{MD5}")];
                    let answer =
                        place.batch(&place.all, &hashes.each_ref().map(String::as_str)).expect(200).json();
                    let of: Vec<(&Value, &Value)> = answer["answers"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|answer| (&answer["matches"][0]["list"], &answer["matches"][0]["entry"]))
                        .collect();
                    let number = of[0].0.as_str().unwrap().strip_prefix("list-").unwrap();
                    assert!(of.iter().all(|one| *one == of[0]), "{answer}");
                    assert_eq!(of[0].1, &Value::from(format!("file-{number}")));
                    asked.fetch_add(1, SeqCst);
                    thread::sleep(Duration::from_millis(5));
                }
            });
        }
        for number in 1..=20 {
            let before = index_of(&place);
            replace(&place.index, number);
            wait_for("a swap", || index_of(&place) != before);
        }
        stop.store(true, SeqCst);
    });
    assert!(asked.load(SeqCst) > 300, "{asked:?}");
    assert!(place.server().metrics().contains("lykta_swaps_total 21\n"));
    wait_for("memory of one index", || place.server().metrics().contains("lykta_generations 1\n"));
}

#[test]
fn a_bad_file_is_refused_and_the_old_one_serves_on_loudly() {
    let place = Place::new();
    let before = index_of(&place);
    let mut damaged = fs::read(&place.index).unwrap();
    let middle = damaged.len() - 3;
    damaged[middle] ^= 1;
    let next = place.folder.path().join("next");
    for bad in [damaged, b"nonsense".to_vec(), Vec::new()] {
        let refused = |metrics: &str| -> u64 {
            let line = metrics.lines().find(|line| line.starts_with("lykta_swaps_refused_total ")).unwrap();
            line.rsplit(' ').next().unwrap().parse().unwrap()
        };
        let count = refused(&place.server().metrics());
        fs::write(&next, bad).unwrap();
        fs::rename(&next, &place.index).unwrap();
        wait_for("a refusal", || refused(&place.server().metrics()) > count);
        let ready = place.get("", "/readyz").expect(200).json();
        assert_eq!((&ready["stale"], &ready["index"]), (&true.into(), &before));
        assert!(place.server().metrics().contains("lykta_stale 1\n"));
        let answer = place.batch(&place.all, &[&format!("md5:{MD5}")]).expect(200).json();
        assert_eq!(answer["answers"][0]["matches"][0]["entry"], "abc");
    }
    replace(&place.index, 1);
    wait_for("a sound file", || index_of(&place) != before);
    assert_eq!(place.get("", "/readyz").expect(200).json()["stale"], false);
}

/// A reason that passes leaves no trace in the file.
#[test]
fn what_was_refused_is_tried_again() {
    let place = Place::new();
    let before = index_of(&place);
    let next = place.index.with_extension("next");
    build(&next, &[("list-1", format!("id,md5\nfile-1,{MD5}\n").as_bytes())]);
    // Somebody holds it, as a build does that has not let go.
    let held = fs::File::open(&next).unwrap();
    held.lock().unwrap();
    fs::rename(&next, &place.index).unwrap();
    wait_for("a refusal", || place.get("", "/readyz").expect(200).json()["stale"] == true);
    assert_eq!(index_of(&place), before);
    drop(held);
    wait_for("another try", || index_of(&place) != before);
    assert_eq!(place.get("", "/readyz").expect(200).json()["stale"], false);
}

#[test]
fn additions_and_disputes_are_watched_too() {
    let folder = tempfile::tempdir().unwrap();
    let (more, disputes) = (folder.path().join("more.lykta"), folder.path().join("disputes.csv"));
    replace(&more, 0);
    fs::write(&disputes, "list,entry\nlist-9,x\n").unwrap();
    let place = Place::with(|config| {
        config.index.push(more.clone());
        config.dispute = Some(disputes.clone());
    });
    let matches = || {
        let answer = place.batch(&place.all, &[&format!("md5:{MD5}")]).expect(200).json();
        let matches = answer["answers"][0]["matches"].as_array().unwrap().clone();
        let shown = |found: &Value| {
            (found["entry"].as_str().unwrap().to_owned(), found["disputed"].as_bool().unwrap())
        };
        matches.iter().map(shown).collect::<Vec<_>>()
    };
    let has = |entry: &str, disputed| matches().contains(&(entry.to_owned(), disputed));
    assert!(has("file-0", false) && has("abc", false));
    fs::write(folder.path().join("d"), "list,entry\nlist-0,file-0\n").unwrap();
    fs::rename(folder.path().join("d"), &disputes).unwrap();
    wait_for("the dispute", || has("file-0", true));
    replace(&more, 1);
    wait_for("the addition", || has("file-1", false) && has("abc", false));
    fs::write(folder.path().join("d"), "no header\n").unwrap();
    fs::rename(folder.path().join("d"), &disputes).unwrap();
    wait_for("a refusal", || place.get("", "/readyz").expect(200).json()["stale"] == true);
    assert!(has("file-1", false));
}
