//! Bytes, memory, time: what happens at the limits.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use lykta_hash::Kind;
use lykta_index::{Index, Role};
use lykta_media::Limits;
use lykta_scan::{Failure, Options, Outcome, Progress, Record, Scanner, Sink, Skip};
use lykta_source::{WalkOptions, walk};

use crate::tree::{Row, digest, index, options, pdq_of, picture, scan, scan_one, write};

fn near() -> Index<Vec<u8>> {
    index(&[
        Row("l", Role::Match, "e", vec![pdq_of(&picture(1)).into()]),
        Row("l", Role::Match, "m", vec![digest(Kind::Md5, &picture(2)).into()]),
    ])
}

#[test]
fn an_item_above_the_limit_is_skipped_and_one_at_it_is_not() {
    let len = picture(1).len() as u64;
    for (limit, outcome) in [(len - 1, Outcome::Skipped(Skip::ItemTooLarge)), (len, Outcome::MatchedNearOnly)]
    {
        let record = scan_one(&picture(1), &near(), Options { max_item_bytes: Some(limit), ..options(1) });
        assert_eq!(record.outcome, outcome);
        assert_eq!(record.size, Some(len));
    }
}

#[test]
fn once_the_bytes_are_used_up_every_later_item_is_skipped() {
    let dir = tempfile::tempdir().unwrap();
    for (name, len) in [("a", 10), ("b", 200), ("c", 60), ("d", 31), ("e", 0)] {
        write(dir.path(), name, &vec![b'x'; len]);
    }
    for jobs in [1, 4] {
        let limits = Options { max_item_bytes: Some(100), max_total_bytes: Some(100), ..options(jobs) };
        let (records, summary) = scan(dir.path(), &near(), limits);
        let skipped: Vec<_> = records.iter().map(|record| record.outcome.reason().unwrap()).collect();
        let used_up = Skip::TotalUsedUp.name();
        // b is too large by itself and takes nothing from the total.
        assert_eq!(skipped, ["not a picture", Skip::ItemTooLarge.name(), "not a picture", used_up, used_up]);
        assert_eq!(summary.seen().bytes, 301);
        assert_eq!(summary.exit_code(), 3);
    }
}

#[test]
fn a_picture_above_the_memory_is_compared_by_digest_and_fails() {
    // Its file does not fit, or its file does and decoding does not.
    for memory in [1000, picture(1).len() as u64 + 1000] {
        let small = || Options { memory, ..options(2) };
        let record = scan_one(&picture(1), &near(), small());
        assert_eq!(record.outcome, Outcome::Failed(Failure::PictureOverLimit));
        assert!(!record.digests.kinds().is_empty());
        let detail = record.problem.unwrap().detail;
        assert!(detail.contains(&memory.to_string()) && detail.contains("--memory"), "{detail}");
        let record = scan_one(&picture(2), &near(), small());
        assert_eq!(record.outcome, Outcome::MatchedExact);
        assert_eq!(record.digests.get(Kind::Sha256), Some(digest(Kind::Sha256, &picture(2))));
        assert_eq!(record.problem.unwrap().detail, detail);
    }
}

#[test]
fn the_sentence_says_how_much_is_enough() {
    let record = scan_one(&picture(1), &near(), Options { memory: 15_000, ..options(1) });
    let detail = record.problem.unwrap().detail;
    let needed = detail.split(' ').find_map(|word| word.parse::<u64>().ok()).unwrap();
    for (memory, outcome) in
        [(needed - 1, Outcome::Failed(Failure::PictureOverLimit)), (needed, Outcome::MatchedNearOnly)]
    {
        let record = scan_one(&picture(1), &near(), Options { memory, ..options(1) });
        assert_eq!(record.outcome, outcome, "{detail}");
    }
}

#[test]
fn decoding_above_its_limits_fails() {
    for limits in
        [Limits { max_pixels: 100, ..Limits::default() }, Limits { max_memory: 100, ..Limits::default() }]
    {
        let record = scan_one(&picture(1), &near(), Options { limits, ..options(1) });
        assert_eq!(record.outcome, Outcome::Failed(Failure::PictureOverLimit));
        let detail = record.problem.unwrap().detail;
        assert!(detail.contains("the limit is 100") && !detail.contains("--memory"), "{detail}");
    }
}

/// A PNG with `metadata` bytes of text before its pixels.
fn png_behind_metadata(seed: u64, metadata: usize) -> Vec<u8> {
    let picture = image::load_from_memory(&picture(seed)).unwrap();
    let mut png = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
    let png = png.into_inner();
    let text = [b"tEXtComment\0".to_vec(), vec![b'x'; metadata]].concat();
    let crc = crc32(&text);
    let length = (text.len() as u32 - 4).to_be_bytes();
    // Behind the signature and the header.
    [&png[..33], &length, &text, &crc.to_be_bytes(), &png[33..]].concat()
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}

/// Headers that are not in the first piece of the file, and a decoder that wants memory for them.
#[test]
fn a_picture_behind_much_metadata_is_hashed_and_its_digests_are_right() {
    for metadata in [100, 70_000, 200_000, 20 << 20] {
        let png = png_behind_metadata(1, metadata);
        let record = scan_one(&png, &near(), options(1));
        assert_eq!(record.outcome, Outcome::MatchedNearOnly, "{metadata}: {:?}", record.problem);
        assert_eq!(record.digests.get(Kind::Sha256), Some(digest(Kind::Sha256, &png)));
    }
}

#[test]
fn many_threads_share_little_memory() {
    let dir = tempfile::tempdir().unwrap();
    for number in 0..40 {
        let bytes = if number % 8 == 7 { png_behind_metadata(number, 70_000) } else { picture(number) };
        write(dir.path(), &format!("{number:02}"), &bytes);
    }
    // Room for one at a time, more or less.
    for memory in [2 << 20, 3 << 20] {
        let tight = Options { memory, ..options(8) };
        let (records, summary) = scan(dir.path(), &near(), tight);
        let (relaxed, _) = scan(dir.path(), &near(), options(1));
        assert!(records == relaxed, "{memory}");
        assert_eq!(summary.found(), 2);
    }
}

/// What a small budget changes is which pictures are refused, and that does not depend on threads.
#[test]
fn a_small_budget_refuses_the_same_pictures_for_any_number_of_threads() {
    let dir = tempfile::tempdir().unwrap();
    for number in 0..24 {
        let bytes = match number % 3 {
            0 => picture(number),
            1 => [picture(number), vec![0; 40_000]].concat(),
            _ => b"text".to_vec(),
        };
        write(dir.path(), &format!("{number:02}"), &bytes);
    }
    let (large, _) = scan(dir.path(), &near(), options(2));
    // Enough for a picture of 10 kB, but not for one of 50.
    let memory = lykta_media::probe(&picture(0)).unwrap().hash_memory + 30_000;
    let tight = |jobs| scan(dir.path(), &near(), Options { memory, ..options(jobs) }).0;
    let small = tight(1);
    assert!(small == tight(2));
    assert!(small == tight(7));
    let (refused, same): (Vec<_>, Vec<_>) = small
        .iter()
        .zip(&large)
        .partition(|(small, _)| small.outcome == Outcome::Failed(Failure::PictureOverLimit));
    assert!(same.iter().all(|(small, large)| small == large));
    assert_eq!(refused.len(), 8);
    for (small, large) in refused {
        assert_eq!(small.locator, large.locator);
        assert_eq!(small.digests.get(Kind::Md5), large.digests.get(Kind::Md5));
    }
}

fn tree(files: usize) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for number in 0..files {
        write(dir.path(), &format!("{number:03}"), format!("text {number}").as_bytes());
    }
    dir
}

/// Sets the flag, or fails, when so many records have come.
struct After<'f> {
    records: Vec<Record>,
    count: usize,
    stop: Option<&'f AtomicBool>,
}

impl Sink for After<'_> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.records.push(record.clone());
        if self.records.len() < self.count {
            return Ok(());
        }
        match self.stop {
            Some(stop) => {
                stop.store(true, Ordering::Relaxed);
                Ok(())
            }
            None => Err(io::ErrorKind::StorageFull.into()),
        }
    }
}

fn run(dir: &Path, jobs: usize, sink: &mut After<'_>, stop: &AtomicBool) -> Result<u8, lykta_scan::Error> {
    let (index, progress) = (near(), Progress::default());
    let items = walk(&[dir.to_owned()], &WalkOptions::default());
    let summary = Scanner::new(&index, options(jobs)).run(items, sink, &progress, stop)?;
    assert_eq!(summary.seen().items, sink.records.len() as u64);
    assert_eq!(progress.items(), summary.seen().items);
    assert!(!summary.complete);
    Ok(summary.exit_code())
}

#[test]
fn the_stop_flag_ends_a_scan_which_then_says_that_it_is_incomplete() {
    let dir = tree(200);
    for jobs in [1, 4] {
        let stop = AtomicBool::new(false);
        let mut sink = After { records: Vec::new(), count: 10, stop: Some(&stop) };
        assert_eq!(run(dir.path(), jobs, &mut sink, &stop).unwrap(), 2);
        // No more than the items that threads had begun.
        assert!((10..10 + jobs).contains(&sink.records.len()), "{}", sink.records.len());
    }
    let stop = AtomicBool::new(true);
    let mut sink = After { records: Vec::new(), count: 10, stop: None };
    assert_eq!(run(dir.path(), 2, &mut sink, &stop).unwrap(), 2);
    assert_eq!(sink.records.len(), 0);
}

/// Somebody who stops a scan should not have to wait for a disk image to be read to its end.
#[test]
fn a_stop_ends_the_reading_of_a_long_item() {
    let dir = tempfile::tempdir().unwrap();
    let len = 4 << 30;
    std::fs::File::create(dir.path().join("sparse")).unwrap().set_len(len).unwrap();
    let (index, progress, stop) = (near(), Progress::default(), AtomicBool::new(false));
    let mut records = Vec::new();
    let items = walk(&[dir.path().to_owned()], &WalkOptions::default());
    let summary = std::thread::scope(|scope| {
        scope.spawn(|| {
            while progress.bytes() == 0 {
                std::thread::yield_now();
            }
            stop.store(true, Ordering::Relaxed);
        });
        Scanner::new(&index, options(1)).run(items, &mut records, &progress, &stop).unwrap()
    });
    assert_eq!(records[0].outcome, Outcome::Skipped(Skip::Stopped));
    assert_eq!((summary.complete, summary.seen().bytes), (false, len));
    assert!(progress.bytes() < len);
}

#[test]
fn a_full_disk_ends_a_scan_with_an_error() {
    let dir = tree(200);
    for jobs in [1, 4] {
        let mut sink = After { records: Vec::new(), count: 10, stop: None };
        let error = run(dir.path(), jobs, &mut sink, &AtomicBool::new(false)).unwrap_err();
        assert!(error.to_string().starts_with("a result cannot be written"), "{error}");
        assert!((10..10 + jobs).contains(&sink.records.len()), "{}", sink.records.len());
    }
}

/// A sink that panics may be half-changed: nothing more may go to it.
#[test]
fn a_sink_that_panics_ends_a_scan_with_an_error() {
    struct Panics(u32);
    impl Sink for Panics {
        fn record(&mut self, _: &Record) -> std::io::Result<()> {
            self.0 += 1;
            // Without the hook, which would write to the output of the tests.
            std::panic::resume_unwind(Box::new("sink"))
        }
    }
    let dir = tree(50);
    for jobs in [1, 4] {
        let mut sink = Panics(0);
        let (index, items) = (near(), walk(&[dir.path().to_owned()], &WalkOptions::default()));
        let (progress, stop) = (Progress::default(), AtomicBool::new(false));
        assert!(Scanner::new(&index, options(jobs)).run(items, &mut sink, &progress, &stop).is_err());
        assert!(sink.0 <= jobs as u32, "{} records after the panic", sink.0);
    }
}

#[test]
fn items_that_panic_while_they_are_listed_end_a_scan_with_an_error() {
    let index = near();
    let items = std::iter::from_fn(|| std::panic::resume_unwind(Box::new("listing")));
    let (progress, stop) = (Progress::default(), AtomicBool::new(false));
    let result = Scanner::new(&index, options(2)).run(items, &mut Vec::new(), &progress, &stop);
    assert!(result.is_err());
}
