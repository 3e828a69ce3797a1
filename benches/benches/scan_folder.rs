//! How many bytes a second does a scan get through, on one thread and on two?
//!
//! A folder of generated JPEGs, half of them known to an index of 10,000 hashes: walked, read,
//! digested, decoded, hashed with all views and looked up. The files are in the page cache.
//! Throughput is in bytes of files.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lykta::index::Structure;
use lykta::media::pdq::{self, Mode};
use lykta::media::{Limits, decode};
use lykta::scan::Progress;
use lykta::source::{WalkOptions, walk};
use lykta::{Options, Pdq, Record, Scanner};
use lykta_benches::{List, pdq_index};

const PICTURES: u32 = 40;

fn scan_folder(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (known, bytes) = write_pictures(folder.path());
    let mut hashes = List::Clustered.hashes(10_000);
    hashes.extend(known);
    let index = pdq_index(&hashes, Structure::Mih, 31).expect("room for ten thousand entries");

    let mut group = c.benchmark_group("scan_folder");
    group.sample_size(10).throughput(Throughput::Bytes(bytes));
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(5));
    for jobs in [1, 2] {
        let jobs = NonZeroUsize::new(jobs).expect("one or two");
        let scanner = Scanner::new(&index, Options { jobs, ..Options::default() });
        group.bench_function(BenchmarkId::new("jobs", jobs), |b| {
            b.iter(|| {
                let mut records: Vec<Record> = Vec::new();
                let items = walk(&[folder.path().to_owned()], &WalkOptions::default());
                let (progress, stop) = (Progress::default(), AtomicBool::new(false));
                let summary = scanner.run(items, &mut records, &progress, &stop).expect("a scan");
                assert_eq!(summary.seen().items, u64::from(PICTURES));
                records
            });
        });
    }
    group.finish();
}

/// Writes the pictures; gives the hashes of every second one and the bytes of all.
fn write_pictures(folder: &Path) -> (Vec<Pdq>, u64) {
    let (mut known, mut total) = (Vec::new(), 0);
    for seed in 0..PICTURES {
        let path = folder.join(format!("{seed:02}.jpg"));
        lykta_testdata::landscape(seed, 800, 600).save(&path).expect("room for a picture");
        let bytes = std::fs::read(&path).expect("the picture just written");
        total += bytes.len() as u64;
        if seed % 2 == 0 {
            let picture = decode(&bytes, &Limits::default()).expect("a sound picture");
            known.push(pdq::hash(&picture, Mode::Full).pdq);
        }
    }
    (known, total)
}

criterion_group!(benches, scan_folder);
criterion_main!(benches);
