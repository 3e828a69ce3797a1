//! What does it cost to ask whether a digest is known, and to open an index of any size?
//!
//! The times are those of one question, of a SHA-1 that is in the list (`hit`) or is not (`miss`),
//! asked by itself (`single`) or 256 at a time (`batch`; its throughput is questions a second), and of
//! `Index::open` with the file in the page cache. With LYKTA_BENCH_LARGE set there is a table of 100
//! million as well, which takes 3 GB of temporary space and some minutes to build.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lykta::{BuildOptions, Digest, Hash, Index};
use lykta_benches::{Numbers, builder};

/// Questions asked in turn: so many that neither they nor their answers stay in the first caches.
const ASKED: usize = 1 << 20;

/// Questions asked at once.
const BATCH: usize = 256;

/// Entry `at` of the list.
fn digest(at: u64) -> Digest {
    Digest::Sha1(Numbers(at).bytes())
}

fn exact(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let large = std::env::var_os("LYKTA_BENCH_LARGE").map(|_| 100_000_000);
    for count in [10_000, 1_000_000].into_iter().chain(large) {
        let path = folder.path().join(format!("{count}.lykta"));
        let options = BuildOptions { folder: Some(folder.path().into()), ..BuildOptions::default() };
        builder(options, (0..count).map(|at| [Hash::Digest(digest(at))]))
            .and_then(|builder| builder.write(&path))
            .expect("an index in a temporary folder");
        let index = Index::open(&path).expect("the index just written");

        let mut numbers = Numbers(count);
        let hits: Vec<_> = (0..ASKED).map(|_| digest(numbers.below(count))).collect();
        let misses: Vec<_> = (0..ASKED as u64).map(|at| digest(count + at)).collect();
        let mut group = c.benchmark_group("exact_lookup");
        group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
        for (name, asked) in [("hit", hits), ("miss", misses)] {
            let mut next = asked.iter().cycle();
            group.throughput(Throughput::Elements(1));
            group.bench_function(BenchmarkId::new(format!("{name}/single"), count), |b| {
                b.iter(|| index.exact(black_box(next.next().expect("it cycles"))).count());
            });
            let mut next = asked.chunks_exact(BATCH).cycle();
            group.throughput(Throughput::Elements(BATCH as u64));
            group.bench_function(BenchmarkId::new(format!("{name}/batch"), count), |b| {
                b.iter(|| {
                    let mut found = 0;
                    let batch = black_box(next.next().expect("it cycles"));
                    index.exact_batch(batch, |_, entries| found += entries.count());
                    found
                });
            });
        }
        group.finish();
        c.bench_function(&format!("open/{count}"), |b| {
            b.iter(|| Index::open(black_box(&path)).map(|index| index.entry_count()));
        });
    }
}

criterion_group!(benches, exact);
criterion_main!(benches);
