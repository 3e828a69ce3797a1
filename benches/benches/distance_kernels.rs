//! What does one distance cost, with each instruction set of this processor?
//!
//! `scan` reads keys one after another: 8,000 of them lie in the second-level cache, a million in
//! memory. Throughput is in keys.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lykta::index::hamming::{Kernel, Key};
use lykta_benches::Numbers;

const RADIUS: u32 = 31;

fn kernels(c: &mut Criterion) {
    let mut numbers = Numbers(1);
    let keys: Vec<Key> = (0..1_000_000).map(|_| numbers.bytes()).collect();
    let query = numbers.bytes();
    for count in [8_000, 1_000_000] {
        let keys = &keys[..count];
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
        }
        group.finish();
    }
}

criterion_group!(benches, kernels);
criterion_main!(benches);
