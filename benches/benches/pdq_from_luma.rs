//! What does PDQ cost a pixel, once a picture is decoded?
//!
//! `hash` is one hash, `views` all eight. Throughput is in pixels. The pixels are noise: no step
//! depends on what they are.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lykta::media::pdq::{self, Mode};
use lykta::media::{Picture, Pixels};
use lykta_benches::Numbers;

fn pdq_from_luma(c: &mut Criterion) {
    let mut numbers = Numbers(1);
    for (size, width, height) in [("1 MP", 1152, 864), ("12 MP", 4000, 3000)] {
        let count = (width * height) as usize;
        let pictures = [
            ("grey", Pixels::Grey(numbers.many_bytes(count))),
            ("rgb", Pixels::Rgb(numbers.many_bytes(3 * count))),
        ];
        for (colour, pixels) in pictures {
            let picture = Picture::new(width, height, pixels).expect("as many pixels as that");
            let mut group = c.benchmark_group("pdq_from_luma");
            group.sample_size(20).throughput(Throughput::Elements(count as u64));
            group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
            group.bench_function(BenchmarkId::new(format!("hash/{colour}"), size), |b| {
                b.iter(|| pdq::hash(black_box(&picture), Mode::Full));
            });
            group.bench_function(BenchmarkId::new(format!("views/{colour}"), size), |b| {
                b.iter(|| pdq::variants(black_box(&picture), Mode::Full));
            });
            group.finish();
        }
    }
}

criterion_group!(benches, pdq_from_luma);
criterion_main!(benches);
