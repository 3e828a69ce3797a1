//! What does one distance cost, with each instruction set of this processor?
//!
//! `scan` reads keys one after another: 8,000 of them lie in the second-level cache, a million in
//! memory. `check` jumps to chosen keys, as multi-index hashing does. Throughput is in keys.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lykta::index::hamming::{Kernel, Key};
use lykta_benches::Numbers;
use zerocopy::little_endian::U32;

const RADIUS: u32 = 31;
/// Keys that `check` looks at: some thousand candidates a query are usual.
const CHECKED: usize = 4096;
/// Ids that `check` is given in turn, so many that each iteration finds other keys than the one
/// before. The same few thousand again and again would lie in the first caches, however long the
/// list.
const IDS: usize = CHECKED * 256;

fn kernels(c: &mut Criterion) {
    let mut numbers = Numbers(1);
    let keys: Vec<Key> = (0..1_000_000).map(|_| numbers.bytes()).collect();
    let query = numbers.bytes();
    for count in [8_000, 1_000_000] {
        let keys = &keys[..count];
        let ids: Vec<U32> = (0..IDS).map(|_| U32::new(numbers.below(count as u64) as u32)).collect();
        let mut group = c.benchmark_group("distance_kernels");
        group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
        for kernel in Kernel::available() {
            let mut hits = Vec::new();
            group.throughput(Throughput::Elements(count as u64));
            group.bench_function(BenchmarkId::new(format!("scan/{}", kernel.name()), count), |b| {
                b.iter(|| {
                    hits.clear();
                    kernel.scan(keys, 0, black_box(&query), RADIUS, &mut hits);
                    hits.len()
                });
            });
            group.throughput(Throughput::Elements(CHECKED as u64));
            group.bench_function(BenchmarkId::new(format!("check/{}", kernel.name()), count), |b| {
                let mut next = ids.chunks_exact(CHECKED).cycle();
                b.iter(|| {
                    hits.clear();
                    let ids = next.next().expect("it cycles");
                    kernel.check(keys, black_box(ids), &query, RADIUS, &mut hits);
                    hits.len()
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, kernels);
criterion_main!(benches);
