//! From the bytes of a file to its PDQ hash: what does each picture format cost?
//!
//! One generated landscape, written in every format that is decoded; throughput is in its pixels.
//! `decode` stops before the hash. A JPEG of 12 MP comes on top; enlarged from the other, it has less
//! detail than a photograph and is decoded sooner.

use std::hint::black_box;
use std::io::Cursor;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use image::{DynamicImage, ImageFormat, imageops::FilterType};
use lykta::media::pdq::{self, Mode};
use lykta::media::{Limits, decode};

const FORMATS: [(&str, ImageFormat); 9] = [
    ("jpeg", ImageFormat::Jpeg),
    ("png", ImageFormat::Png),
    ("gif", ImageFormat::Gif),
    ("webp_lossless", ImageFormat::WebP),
    ("bmp", ImageFormat::Bmp),
    ("tiff", ImageFormat::Tiff),
    ("pnm", ImageFormat::Pnm),
    ("qoi", ImageFormat::Qoi),
    ("farbfeld", ImageFormat::Farbfeld),
];

fn decode_and_hash(c: &mut Criterion) {
    let landscape = DynamicImage::ImageRgb8(lykta_testdata::landscape(1, 1600, 1200));
    for (name, format) in FORMATS {
        measure(c, name, "2 MP", &landscape, format);
    }
    measure(c, "jpeg_grey", "2 MP", &DynamicImage::ImageLuma8(landscape.to_luma8()), ImageFormat::Jpeg);
    // An icon has 256 pixels a side at most.
    let icon = landscape.resize_exact(256, 256, FilterType::Triangle);
    measure(c, "ico", "0.07 MP", &icon, ImageFormat::Ico);
    // Enlarged, which is sooner done than drawn at that size.
    let photograph = landscape.resize_exact(4000, 3000, FilterType::Triangle);
    measure(c, "jpeg", "12 MP", &photograph, ImageFormat::Jpeg);
}

fn measure(c: &mut Criterion, name: &str, size: &str, picture: &DynamicImage, format: ImageFormat) {
    let file = encoded(picture, format);
    let mut group = c.benchmark_group("decode_and_hash");
    group.sample_size(10).throughput(Throughput::Elements(u64::from(picture.width() * picture.height())));
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    group.bench_function(BenchmarkId::new(format!("{name}/decode"), size), |b| {
        b.iter(|| decode(black_box(&file), &Limits::default()).expect("a sound picture"));
    });
    group.bench_function(BenchmarkId::new(format!("{name}/decode+hash"), size), |b| {
        b.iter(|| {
            let picture = decode(black_box(&file), &Limits::default()).expect("a sound picture");
            pdq::hash(&picture, Mode::Full)
        });
    });
    group.finish();
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    // Two formats are written with more channels or bits than a landscape has.
    let picture = match format {
        ImageFormat::Farbfeld => &DynamicImage::ImageRgba16(picture.to_rgba16()),
        ImageFormat::Ico => &DynamicImage::ImageRgba8(picture.to_rgba8()),
        _ => picture,
    };
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, format).expect("room in memory");
    file.into_inner()
}

criterion_group!(benches, decode_and_hash);
criterion_main!(benches);
