//! Which near structure answers soonest, by length of the list, kind of list and radius?
//!
//! How the queries lie to the list is with [`List::queries`]. Each index is laid out for the radius
//! at which it is asked. `near` asks one at a time, so its time is that of a query; `near_batch`
//! asks several at once, so its throughput is queries a second. `Index::plan` lets a multi-index fall
//! back to the scan where it would lose; such a pair is left out, as the scan is measured anyway.

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};
use lykta::index::Structure;
use lykta::{Index, Pdq};
use lykta_benches::{List, pdq_index};

/// Queries asked one at a time: so many that hardly one is asked twice while its part of the index is
/// still in the caches.
const QUERIES: usize = 1 << 16;
/// Queries asked at once: the eight views of a picture, which is also how other flat scans are
/// measured, and as many as `lykta query` takes together.
const BATCHES: [usize; 2] = [8, 256];

/// Multi-index hashing and the scan, at the radii in use.
fn near(c: &mut Criterion) {
    for list in List::ALL {
        for count in [10_000, 100_000, 1_000_000] {
            let hashes = list.hashes(count);
            let queries = list.queries(&hashes, QUERIES);
            for structure in [Structure::Mih, Structure::Flat] {
                for radius in [8, 15, 31] {
                    let index = index(&hashes, structure, radius);
                    if index.plan(radius).used != structure {
                        continue;
                    }
                    let name = format!("{structure}/{}/r{radius}", list.name());
                    one_at_a_time(&mut group(c, "near"), &name, &index, &queries, radius);
                    if radius == 31 {
                        at_once(&mut group(c, "near_batch"), &name, &index, &queries, radius);
                    }
                }
            }
        }
    }
}

/// The tree, from the radii where it wins over the scan to those where it loses.
fn tree(c: &mut Criterion) {
    for list in [List::Random, List::Clustered] {
        for count in [100_000, 1_000_000] {
            let hashes = list.hashes(count);
            let queries = list.queries(&hashes, QUERIES);
            let index = index(&hashes, Structure::Bk, 31);
            for radius in [2, 4, 8, 15, 31] {
                let name = format!("bk/{}/r{radius}", list.name());
                one_at_a_time(&mut group(c, "near"), &name, &index, &queries, radius);
            }
        }
    }
}

fn index(hashes: &[Pdq], structure: Structure, radius: u32) -> Index<Vec<u8>> {
    pdq_index(hashes, structure, radius).expect("room for a million entries")
}

fn group<'a>(c: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = c.benchmark_group(name);
    group
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800));
    group
}

fn one_at_a_time(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    index: &Index<Vec<u8>>,
    queries: &[Pdq],
    radius: u32,
) {
    let mut next = queries.iter().cycle();
    group.bench_function(BenchmarkId::new(name, index.entry_count()), |b| {
        b.iter(|| index.near(black_box(next.next().expect("it cycles")), radius));
    });
}

fn at_once(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    index: &Index<Vec<u8>>,
    queries: &[Pdq],
    radius: u32,
) {
    for batch in BATCHES {
        let mut next = queries.chunks_exact(batch).cycle();
        group.throughput(Throughput::Elements(batch as u64));
        group.bench_function(BenchmarkId::new(format!("{name}/{batch}"), index.entry_count()), |b| {
            b.iter(|| index.near_batch(black_box(next.next().expect("it cycles")), radius));
        });
    }
}

criterion_group!(benches, near, tree);
criterion_main!(benches);
