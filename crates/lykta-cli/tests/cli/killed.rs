//! Deliveries whose command is killed, at any moment, and given again.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::place::Place;

const ROWS: u64 = 10_000;
/// Of each list, besides one between the commit and the index, which chance does not hit.
const KILLS: u32 = 12;
/// After so many a run is left to end, and everything begins anew.
const KILLS_IN_A_ROW: u32 = 4;

/// A list with keys: entries that are changed, deleted, or new.
#[test]
fn changes_and_deletions_that_are_killed_and_repeated_end_as_if_never_killed() {
    let first: String = (0..ROWS).map(|id| update(id, id, 1)).collect();
    let second = (0..ROWS + ROWS / 2).filter_map(|id| match id % 4 {
        _ if id >= ROWS => Some(update(id, id, 2)),
        0 => Some(update(id, id + 10 * ROWS, 2)),
        1 => Some(deletion(id, 2)),
        // Older than what is there: nothing changes.
        2 => Some(update(id, id + 20 * ROWS, 0)),
        _ => None,
    });
    let ends = (0..ROWS + ROWS / 2).filter(|id| *id >= ROWS || id % 4 != 1);
    let ends = ends
        .map(|id| if id < ROWS && id % 4 == 0 { update(id, id + 10 * ROWS, 2) } else { update(id, id, 1) });
    let numbers = [0..40, ROWS - 20..ROWS + 20, 10 * ROWS..10 * ROWS + 40, 20 * ROWS..20 * ROWS + 40];
    let case = Case {
        first,
        second: second.collect(),
        ends: ends.collect(),
        options: "--codes match=MALICIOUS",
        apply: "list apply -q own.store second.txt",
        numbers: numbers.into_iter().flatten().collect(),
    };
    case.check();
}

/// A list without keys: what the second one does not have goes.
#[test]
fn a_whole_list_that_is_killed_and_repeated_ends_as_if_never_killed() {
    let csv = |numbers: std::ops::Range<u64>| {
        numbers.fold("id,md5\n".to_owned(), |mut text, number| {
            writeln!(text, "file {number},{}", md5(number)).unwrap();
            text
        })
    };
    let second = csv(ROWS / 2..ROWS / 2 * 3);
    let numbers =
        [0..20, ROWS / 2 - 20..ROWS / 2 + 20, ROWS - 20..ROWS + 20, ROWS / 2 * 3 - 20..ROWS / 2 * 3 + 20];
    let case = Case {
        first: csv(0..ROWS),
        ends: second.clone(),
        second,
        options: "",
        apply: "list apply -q own.store --whole second.txt",
        numbers: numbers.into_iter().flatten().collect(),
    };
    case.check();
}

struct Case {
    first: String,
    second: String,
    /// The list that there is in the end.
    ends: String,
    /// Of every command that writes an index.
    options: &'static str,
    /// The command that takes the second delivery.
    apply: &'static str,
    /// Whose hashes are looked up in the end.
    numbers: Vec<u64>,
}

impl Case {
    fn check(&self) {
        let (calm, place) = (self.place(), self.place());
        fs::copy(calm.path("own.store"), place.path("own.store")).unwrap();
        fs::copy(calm.path("own.store"), place.path("first.store")).unwrap();
        let apply = format!("{} -o new.lykta {}", self.apply, self.options);
        let begin = Instant::now();
        calm.run(&apply).expect(0);
        let whole = begin.elapsed();
        let expected = State::of(&calm);

        let (mut killed, mut round) = (0, 0);
        while killed < KILLS {
            assert!(round < 10 * KILLS, "{killed} of {round} were killed");
            round += 1;
            if is_killed(&place, &apply, Moment::At(spread(whole, round))) {
                killed += 1;
                if killed % KILLS_IN_A_ROW != 0 {
                    continue;
                }
                place.run(&apply).expect(0);
            }
            assert!(State::of(&place) == expected, "after {killed} kills");
            begin_anew(&place);
        }

        let is_hit = (0..20).any(|_| {
            begin_anew(&place);
            is_killed(&place, &apply, Moment::Committed) && !place.path("new.lykta").exists()
        });
        assert!(is_hit && told(&place) == expected.told, "never killed between commit and index");
        place.run(&apply).expect(0);
        assert!(State::of(&place) == expected, "after a kill between commit and index");
        fs::copy(calm.path("base.lykta"), place.path("base.lykta")).unwrap();
        place.write("ends.txt", &self.ends);
        place.run(&format!("index build -q -o ends.lykta ends.txt {}", self.options)).expect(0);
        let found = self.found(&place, "base.lykta --index new.lykta");
        assert_eq!(found, self.found(&place, "ends.lykta"));
        assert!(!found.is_empty() && found.len() < self.numbers.len(), "{} found", found.len());
    }

    /// A place with the deliveries, and the first of them taken.
    fn place(&self) -> Place {
        let place = Place::new();
        place.write("first.txt", &self.first);
        place.write("second.txt", &self.second);
        place.run(&format!("list apply -q own.store first.txt --base base.lykta {}", self.options)).expect(0);
        place
    }

    /// Number, name and label of every match.
    fn found(&self, place: &Place, indexes: &str) -> BTreeSet<(u64, String, String)> {
        let queries: String = self.numbers.iter().map(|number| format!("md5:{}\n", md5(*number))).collect();
        let answers = place.run_with(queries, &format!("query -q {indexes}")).json_lines();
        assert_eq!(answers.len(), self.numbers.len());
        let found = self.numbers.iter().zip(&answers).flat_map(|(number, answer)| {
            let matches = answer["matches"].as_array().unwrap();
            matches.iter().map(|found| (*number, found["entry"].to_string(), found["label"].to_string()))
        });
        found.collect()
    }
}

/// What must be the same however often a command was killed.
#[derive(PartialEq)]
struct State {
    additions: Vec<u8>,
    told: String,
}

impl State {
    fn of(place: &Place) -> Self {
        Self { additions: place.read("new.lykta"), told: told(place) }
    }
}

fn told(place: &Place) -> String {
    place.run("list apply -q own.store --json").expect(0).out
}

/// The store with the first delivery alone, and nothing of an index of additions.
fn begin_anew(place: &Place) {
    for file in fs::read_dir(place.path("")).unwrap().map(|file| file.unwrap().path()) {
        let name = file.file_name().unwrap().as_encoded_bytes();
        let is_of_run = |start: &&[u8]| name.starts_with(start);
        if [&b"own.store"[..], b"new.lykta", b".lykta-index-"].iter().any(is_of_run) {
            fs::remove_file(file).unwrap();
        }
    }
    fs::copy(place.path("first.store"), place.path("own.store")).unwrap();
}

/// When a command is killed.
enum Moment {
    /// So long after its start.
    At(Duration),
    /// When the deliveries are in the store and the index is not written.
    Committed,
}

/// Whether the command was still running when it was killed.
fn is_killed(place: &Place, words: &str, moment: Moment) -> bool {
    let mut command = place.std_lykta();
    command.args(words.split_whitespace()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    match moment {
        Moment::At(after) => std::thread::sleep(after),
        Moment::Committed => {
            // The index is begun after the commit.
            let is_begun = || {
                let mut files = fs::read_dir(place.path("")).unwrap().map(|file| file.unwrap().file_name());
                files.any(|name| name.as_encoded_bytes().starts_with(b".lykta-index-"))
            };
            while !is_begun() && child.try_wait().unwrap().is_none() {}
        }
    }
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert!(status.signal() == Some(9) || status.success(), "{status}");
    !status.success()
}

/// Moments all over a run, none near one before: steps of the golden ratio.
fn spread(whole: Duration, round: u32) -> Duration {
    whole.mul_f64((f64::from(round) * 0.618_034).fract())
}

fn update(id: u64, number: u64, changed: u64) -> String {
    let hash = md5(number);
    format!(
        "{{\"id\":\"{id}\",\"indicator\":\"{hash}\",\"type\":\"HASH_MD5\",\"last_updated\":{changed},\
         \"descriptors\":{{\"data\":[{{\"status\":\"MALICIOUS\"}}]}}}}\n"
    )
}

fn deletion(id: u64, changed: u64) -> String {
    format!("{{\"id\":\"{id}\",\"last_updated\":{changed},\"should_delete\":true}}\n")
}

/// Digits that no other number has.
fn md5(number: u64) -> String {
    let half = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{half:016x}{:016x}", half.rotate_left(29) ^ 0x5555)
}
