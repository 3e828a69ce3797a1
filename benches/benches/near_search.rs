//! Which near structure answers soonest, by length of the list, kind of list and radius?
//!
//! Half of the queries are random and half lie near an entry. Each index is laid out for the radius
//! at which it is asked. `near` asks one at a time, so its time is that of a query; `near_batch`
//! asks all at once, so its throughput is queries a second. `Index::plan` lets a multi-index fall
//! back to the scan where it would lose; such a pair is left out, as the scan is measured anyway.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use lykta::index::Structure;
use lykta_benches::{List, pdq_index, queries};

/// Queries asked one at a time: so many that hardly one is asked twice while its part of the index is
/// still in the caches.
const QUERIES: usize = 1 << 16;
/// Queries asked at once.
const BATCH: usize = 256;

fn near(c: &mut Criterion) {
    for list in List::ALL {
        for count in [10_000, 100_000, 1_000_000] {
            let hashes = list.hashes(count);
            let queries = queries(&hashes, QUERIES);
            for structure in [Structure::Bk, Structure::Mih, Structure::Flat] {
                for radius in [8, 15, 31] {
                    let index = pdq_index(&hashes, structure, radius).expect("room for a million entries");
                    if index.plan(radius).used != structure {
                        continue;
                    }
                    let id = BenchmarkId::new(format!("{structure}/{}/r{radius}", list.name()), count);
                    let mut group = c.benchmark_group("near");
                    group.sample_size(10).sampling_mode(SamplingMode::Flat);
                    group
                        .warm_up_time(Duration::from_millis(200))
                        .measurement_time(Duration::from_millis(600));
                    let mut next = queries.iter().cycle();
                    group.bench_function(id.clone(), |b| {
                        b.iter(|| index.near(black_box(next.next().expect("it cycles")), radius));
                    });
                    group.finish();

                    // Only the scan does something else for a batch; at a million entries a batch
                    // for a tree takes seconds.
                    if radius == 31 && (structure == Structure::Flat || count <= 100_000) {
                        let mut group = c.benchmark_group("near_batch");
                        group.sample_size(10).sampling_mode(SamplingMode::Flat);
                        group
                            .warm_up_time(Duration::from_millis(200))
                            .measurement_time(Duration::from_secs(1));
                        group.throughput(Throughput::Elements(BATCH as u64));
                        group.bench_function(id, |b| {
                            b.iter(|| index.near_batch(black_box(&queries[..BATCH]), radius))
                        });
                        group.finish();
                    }
                }
            }
        }
    }
}

criterion_group!(benches, near);
criterion_main!(benches);
