//! What is allocated stays below what [`probe`] announces, and not far below: every format of which
//! `image` has the decoder.
//!
//! The allocator counts, so this is a test of its own with one thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Cursor;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use image::{DynamicImage, ImageFormat};
use lykta_media::pdq::{self, Mode};
use lykta_media::{Format, Limits, decode, probe};

/// The system's allocator, with the bytes in use and the most there were.
struct Counting {
    used: AtomicUsize,
    peak: AtomicUsize,
}

// SAFETY: `System` does all the work; what is added are two numbers.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let used = self.used.fetch_add(layout.size(), Relaxed) + layout.size();
        self.peak.fetch_max(used, Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        self.used.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Large blocks are moved by their pages, not by a copy.
        let used = self.used.fetch_add(size, Relaxed) + size - layout.size();
        self.used.fetch_sub(layout.size(), Relaxed);
        self.peak.fetch_max(used, Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(place, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting { used: AtomicUsize::new(0), peak: AtomicUsize::new(0) };

/// The most bytes that `work` has in use, beyond those that are in use already.
fn peak_of<T>(work: impl FnOnce() -> T) -> u64 {
    let before = ALLOCATOR.used.load(Relaxed);
    ALLOCATOR.peak.store(before, Relaxed);
    let result = work();
    let peak = ALLOCATOR.peak.load(Relaxed);
    drop(result);
    (peak - before) as u64
}

/// Slow hills and some noise.
fn picture(width: u32, height: u32) -> DynamicImage {
    let sample = |x: u32, y: u32| ((x / 9 * 5) ^ (y / 7 * 3) ^ (x * y % 7)) as u8;
    image::RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([sample(x, y), sample(y, x), sample(x + 40, y)])
    })
    .into()
}

fn written(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("an encoder for it");
    bytes.into_inner()
}

/// Announced and seen, of decoding and of hashing.
fn check(name: &str, file: &[u8]) {
    let header = probe(file).expect("a picture");
    let limits = Limits::default();
    let decoded = peak_of(|| decode(file, &limits).expect("whole"));
    let hashed = peak_of(|| pdq::hash_file(file, &limits, Mode::Full).expect("whole"));
    let viewed = peak_of(|| pdq::variants_of_file(file, &limits, Mode::Cli512).expect("whole"));
    // With no more than was announced, nothing is kept that need not be.
    let tight = Limits { max_memory: header.hash_memory, ..limits };
    let all_views = peak_of(|| pdq::views_and_ends_of_file(file, &tight, Mode::Full).expect("whole"));
    let parts = peak_of(|| pdq::crops_of_file(file, &tight, Mode::Full).expect("whole"));
    let viewed = viewed.max(all_views).max(parts);
    let ratio = header.memory as f64 / decoded as f64;
    println!(
        "{name}: memory {} seen {decoded} ({ratio:.2}), hash_memory {} seen {hashed} and {viewed}",
        header.memory, header.hash_memory
    );
    assert!(decoded <= header.memory, "{name}: {decoded} of {}", header.memory);
    assert!(hashed.max(viewed) <= header.hash_memory, "{name}: {hashed}, {viewed} of {}", header.hash_memory);
    // Windows and tables are counted in full for small pictures too.
    assert!(header.memory <= 2 * decoded + (1 << 20), "{name}: announced is {ratio:.2} times what was seen");
}

#[test]
fn announced_memory_is_an_estimate_from_above() {
    let formats = [
        ("PNG", ImageFormat::Png),
        ("GIF", ImageFormat::Gif),
        ("WebP", ImageFormat::WebP),
        ("BMP", ImageFormat::Bmp),
        ("TIFF", ImageFormat::Tiff),
        ("PNM", ImageFormat::Pnm),
        ("QOI", ImageFormat::Qoi),
    ];
    let rgb = picture(1500, 1100);
    let mut framed = image::RgbImage::from_pixel(1700, 1300, image::Rgb([250; 3]));
    image::imageops::replace(&mut framed, &rgb.to_rgb8(), 100, 100);
    check("PNG, framed", &written(&framed.into(), ImageFormat::Png));
    let rgba = DynamicImage::from(rgb.to_rgba8());
    let wide = DynamicImage::from(rgb.to_rgb16());
    for (name, format) in formats {
        check(name, &written(&rgb, format));
    }
    check("PNG, grey", &written(&rgb.to_luma8().into(), ImageFormat::Png));
    check("PNG, alpha", &written(&rgba, ImageFormat::Png));
    check("PNG, 16 bits", &written(&wide, ImageFormat::Png));
    check("PNG, a long row", &written(&picture(60_000, 20), ImageFormat::Png));
    check("PNG, a long column", &written(&picture(20, 60_000), ImageFormat::Png));
    check("WebP, alpha", &written(&rgba, ImageFormat::WebP));
    check("TIFF, 16 bits", &written(&wide, ImageFormat::Tiff));
    check("farbfeld", &written(&rgba.to_rgba16().into(), ImageFormat::Farbfeld));
    check("PNM as text", &as_text(&rgb));
    check("PNG, 200 MB of profile in 200 kB", &with_profile(200 << 20));
    for (name, file) in corpus() {
        check(&name, &file);
    }
}

/// A grey PNG with a colour profile of as many zeros.
fn with_profile(length: usize) -> Vec<u8> {
    let (width, height) = (400, 300);
    let mut info = png::Info::with_size(width, height);
    info.icc_profile = Some(vec![0; length].into());
    let mut file = Vec::new();
    let encoder = png::Encoder::with_info(&mut file, info).expect("a header");
    let mut writer = encoder.write_header().expect("memory takes all writes");
    writer.write_image_data(&picture(width, height).to_luma8()).expect("memory takes all writes");
    writer.finish().expect("memory takes all writes");
    file
}

fn as_text(picture: &DynamicImage) -> Vec<u8> {
    let mut text = format!("P3 {} {} 255\n", picture.width(), picture.height());
    for sample in picture.to_rgb8().into_raw() {
        text.push_str(&format!("{sample} "));
    }
    text.into_bytes()
}

/// Pictures of 100,000 pixels and more, among them WebP with loss, if there is a corpus.
fn corpus() -> Vec<(String, Vec<u8>)> {
    let Some(corpus) = std::env::var_os("LYKTA_CORPUS") else { return Vec::new() };
    let corpus = std::path::PathBuf::from(corpus);
    let folders = ["photos", "pdq/modes", "pdq/bridge-mods", "bad/libwebp-test", "bad/pngsuite"];
    let entries = folders.iter().flat_map(|folder| std::fs::read_dir(corpus.join(folder)).expect("a folder"));
    let files = entries.map(|entry| entry.expect("a file").path()).filter(|path| path.is_file());
    let read = |path: std::path::PathBuf| (path.display().to_string(), std::fs::read(&path).expect("a file"));
    let is_large = |file: &[u8]| {
        probe(file)
            .is_ok_and(|header| header.format != Format::Jpeg && header.dimensions().pixels() > 100_000)
    };
    files.map(read).filter(|(_, file)| is_large(file) && decode(file, &Limits::default()).is_ok()).collect()
}
