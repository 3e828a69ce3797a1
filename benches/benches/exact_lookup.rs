//! What does it cost to ask whether a digest is known, and to open an index of any size?
//!
//! The times are those of one question, of a SHA-256 that is in the list (`hit`) or is not (`miss`),
//! and of `Index::open` with the file in the page cache.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use lykta::{BuildOptions, Hash, Index};
use lykta_benches::{builder, digests};

/// Questions asked in turn: so many that neither they nor their answers stay in the first caches.
const ASKED: usize = 100_000;

fn exact(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for count in [10_000, 1_000_000] {
        let known = digests(1, count);
        let path = folder.path().join(format!("{count}.lykta"));
        builder(BuildOptions::default(), known.iter().map(|digest| [Hash::Digest(*digest)]))
            .and_then(|builder| builder.write(&path))
            .expect("an index in a temporary folder");
        let index = Index::open(&path).expect("the index just written");

        let mut group = c.benchmark_group("exact_lookup");
        group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
        // 7,919 is prime and no divisor of the counts: neighbours in the list are not asked in turn.
        let hits: Vec<_> = (0..ASKED).map(|at| known[at * 7919 % count]).collect();
        for (name, asked) in [("hit", hits), ("miss", digests(2, ASKED))] {
            let mut next = asked.iter().cycle();
            group.bench_function(BenchmarkId::new(name, count), |b| {
                b.iter(|| index.exact(black_box(next.next().expect("it cycles"))).count());
            });
        }
        group.bench_function(BenchmarkId::new("open", count), |b| {
            b.iter(|| Index::open(black_box(&path)).map(|index| index.entry_count()));
        });
        group.finish();
    }
}

criterion_group!(benches, exact);
criterion_main!(benches);
