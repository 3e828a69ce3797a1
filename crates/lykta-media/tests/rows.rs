//! Pictures that are hashed row by row: the pixels are those that `image` decodes, the hash is that
//! of the decoded picture, damage is an error, and memory does not grow with the rows.

#![expect(clippy::unwrap_used, reason = "what cannot be written fails the test")]

use std::io::{Cursor, Write};
use std::time::{Duration, Instant};

use image::ImageFormat;
use lykta_media::pdq::{self, Mode};
use lykta_media::{ErrorKind, Limits, Pixels, decode, fuzz, probe};
use tiff::encoder::{Compression, DeflateLevel, TiffEncoder, colortype};

/// Sides at which rows, bits, strips, tiles and bands all end unevenly.
const WIDTH: u32 = 77;
const HEIGHT: u32 = 91;

/// Bytes that are no pattern: Numerical Recipes' linear congruential generator.
fn noise(count: usize) -> Vec<u8> {
    let next = |state: &u32| Some(state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    std::iter::successors(Some(count as u32), next).map(|state| (state >> 24) as u8).take(count).collect()
}

fn png(width: u32, height: u32, color: png::ColorType, depth: png::BitDepth, pixels: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(color);
    encoder.set_depth(depth);
    if color == png::ColorType::Indexed {
        encoder.set_palette(noise(3 * (1 << depth as u8)));
        encoder.set_trns(vec![0, 255]);
    }
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(pixels).unwrap();
    writer.finish().unwrap();
    file
}

fn pngs() -> Vec<Vec<u8>> {
    use png::BitDepth::{Eight, Four, One, Sixteen, Two};
    use png::ColorType::{Grayscale, GrayscaleAlpha, Indexed, Rgb, Rgba};
    let kinds = [
        (Grayscale, vec![One, Two, Four, Eight, Sixteen]),
        (GrayscaleAlpha, vec![Eight, Sixteen]),
        (Rgb, vec![Eight, Sixteen]),
        (Rgba, vec![Eight, Sixteen]),
        (Indexed, vec![One, Two, Four, Eight]),
    ];
    let kinds =
        kinds.into_iter().flat_map(|(color, depths)| depths.into_iter().map(move |depth| (color, depth)));
    kinds
        .map(|(color, depth)| {
            let row = (WIDTH as usize * color.samples() * depth as usize).div_ceil(8);
            png(WIDTH, HEIGHT, color, depth, &noise(row * HEIGHT as usize))
        })
        .collect()
}

/// BMPs of every depth, with the last row first and with the first.
fn bmps() -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for (bits, compression) in [(1, 0), (4, 0), (8, 0), (16, 0), (24, 0), (32, 0), (16, 3), (32, 3)] {
        for height in [HEIGHT as i32, -(HEIGHT as i32)] {
            let row = (bits as usize * WIDTH as usize).div_ceil(32) * 4;
            let masks: &[u32] = match (compression, bits) {
                (3, 16) => &[0xf800, 0x07e0, 0x001f],
                (3, _) => &[0x00ff_0000, 0xff00, 0xff],
                _ => &[],
            };
            let palette = if bits <= 8 { noise(4 << bits) } else { Vec::new() };
            let start = 54 + 4 * masks.len() + palette.len() + 3;
            let mut file = b"BM".to_vec();
            for number in [(start + row * HEIGHT as usize) as u32, 0, start as u32, 40, WIDTH] {
                file.extend(number.to_le_bytes());
            }
            file.extend(height.to_le_bytes());
            for number in [1u32 | bits << 16, compression, 0, 0, 0, 0, 0] {
                file.extend(number.to_le_bytes());
            }
            file.extend(masks.iter().flat_map(|mask| mask.to_le_bytes()));
            file.extend(palette);
            file.extend([0; 3]);
            file.extend(noise(row * HEIGHT as usize));
            files.push(file);
        }
    }
    // The oldest header: sides of 16 bits, colours of three bytes.
    let row = (8 * WIDTH as usize).div_ceil(32) * 4;
    let mut file = b"BM".to_vec();
    for number in [0, 0, 26 + 768, 12, WIDTH | HEIGHT << 16, 1 | 8 << 16] {
        file.extend(number.to_le_bytes());
    }
    file.extend(noise(768));
    file.extend(noise(row * HEIGHT as usize));
    files.push(file);
    files
}

fn pnms() -> Vec<Vec<u8>> {
    let pixels = (WIDTH * HEIGHT) as usize;
    let kinds = [
        (format!("P4 {WIDTH} {HEIGHT}\n"), (WIDTH as usize).div_ceil(8) * HEIGHT as usize),
        (format!("P5\n# by hand\n{WIDTH} {HEIGHT}\n255\n"), pixels),
        (format!("P5 {WIDTH} {HEIGHT} 100\n"), pixels),
        (format!("P5 {WIDTH} {HEIGHT} 65535\n"), 2 * pixels),
        (format!("P6 {WIDTH} {HEIGHT} 255\n"), 3 * pixels),
        (format!("P6 {WIDTH} {HEIGHT} 1023\n"), 6 * pixels),
    ];
    let mut files: Vec<_> =
        kinds.into_iter().map(|(head, length)| [head.into_bytes(), noise(length)].concat()).collect();
    for (depth, kind) in [(1, "GRAYSCALE"), (2, "GRAYSCALE_ALPHA"), (3, "RGB"), (4, "RGB_ALPHA")] {
        let head = format!(
            "P7\nWIDTH {WIDTH}\nHEIGHT {HEIGHT}\nDEPTH {depth}\nMAXVAL 255\nTUPLTYPE {kind}\nENDHDR\n"
        );
        files.push([head.into_bytes(), noise(depth * pixels)].concat());
    }
    files
}

fn farbfeld() -> Vec<u8> {
    let sides = [WIDTH.to_be_bytes(), HEIGHT.to_be_bytes()].concat();
    [b"farbfeld", &sides[..], &noise(8 * (WIDTH * HEIGHT) as usize)].concat()
}

fn strips<C: colortype::ColorType>(compression: Compression, rows: u32, samples: &[C::Inner]) -> Vec<u8>
where
    [C::Inner]: tiff::encoder::TiffValue,
{
    let mut file = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut file).unwrap().with_compression(compression);
    let mut image = encoder.new_image::<C>(WIDTH, HEIGHT).unwrap();
    image.rows_per_strip(rows).unwrap();
    image.write_data(samples).unwrap();
    file.into_inner()
}

/// A TIFF of the given fields, which are sorted, and of pixels at byte 8.
fn tiff_of(fields: &[(u16, Vec<u32>)], pixels: &[u8]) -> Vec<u8> {
    let mut file = b"II*\0".to_vec();
    let mut values = Vec::new();
    let values_start = 8 + pixels.len() as u32;
    let mut entries = Vec::new();
    for (tag, numbers) in fields {
        const LONG: u16 = 4;
        entries.extend([tag.to_le_bytes(), LONG.to_le_bytes()].concat());
        entries.extend((numbers.len() as u32).to_le_bytes());
        if let [number] = numbers[..] {
            entries.extend(number.to_le_bytes());
        } else {
            entries.extend((values_start + values.len() as u32).to_le_bytes());
            values.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        }
    }
    file.extend((values_start + values.len() as u32).to_le_bytes());
    file.extend(pixels);
    file.extend(values);
    file.extend((fields.len() as u16).to_le_bytes());
    file.extend(entries);
    file.extend([0; 4]);
    file
}

/// Tiles of 32 x 16 pixels, which reach beyond the picture on the right and below.
fn tiles(bits: u32, samples: u32) -> Vec<u8> {
    let count = WIDTH.div_ceil(32) * HEIGHT.div_ceil(16);
    let length = 32 * 16 * bits / 8 * samples;
    let rgb = 2;
    let black_is_zero = 1;
    let fields = [
        (256, vec![WIDTH]),
        (257, vec![HEIGHT]),
        (258, vec![bits; samples as usize]),
        (259, vec![1]),
        (262, vec![if samples == 3 { rgb } else { black_is_zero }]),
        (277, vec![samples]),
        (322, vec![32]),
        (323, vec![16]),
        (324, (0..count).map(|i| 8 + i * length).collect()),
        (325, vec![length; count as usize]),
    ];
    tiff_of(&fields, &noise((count * length) as usize))
}

/// Black and white strips of 16 rows.
fn packed() -> Vec<u8> {
    let row = WIDTH.div_ceil(8);
    let count = HEIGHT.div_ceil(16);
    let length = |i: u32| row * 16.min(HEIGHT - 16 * i);
    let fields = [
        (256, vec![WIDTH]),
        (257, vec![HEIGHT]),
        (258, vec![1]),
        (259, vec![1]),
        (262, vec![0]),
        (273, (0..count).map(|i| 8 + i * row * 16).collect()),
        (277, vec![1]),
        (278, vec![16]),
        (279, (0..count).map(length).collect()),
    ];
    tiff_of(&fields, &noise((row * HEIGHT) as usize))
}

#[test]
fn the_largest_sides_that_can_be_written_are_refused() {
    for (tile, strip) in [(Some(1), None), (Some(u32::MAX), None), (None, Some(1)), (None, Some(u32::MAX))] {
        let mut fields = vec![(256, u32::MAX), (257, u32::MAX), (258, 8), (259, 1), (262, 1)];
        fields.extend(strip.map(|_| (273, 8)));
        fields.push((277, 1));
        fields.extend(strip.into_iter().flat_map(|rows| [(278, rows), (279, 8)]));
        fields.extend(tile.into_iter().flat_map(|side| [(322, side), (323, side), (324, 8), (325, 8)]));
        let fields: Vec<_> = fields.into_iter().map(|(tag, number)| (tag, vec![number])).collect();
        let file = tiff_of(&fields, &noise(8));
        let error = pdq::hash_file(&file, &Limits::default(), Mode::Full).unwrap_err();
        println!("{error}");
        assert!(matches!(error.kind(), ErrorKind::OverLimit | ErrorKind::Damaged), "{error}");
    }
}

fn tiffs() -> Vec<Vec<u8>> {
    let pixels = (WIDTH * HEIGHT) as usize;
    let bytes = noise(3 * pixels);
    let wide: Vec<u16> =
        noise(6 * pixels).as_chunks().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    let floats: Vec<f32> = bytes.iter().map(|&byte| f32::from(byte) / 200.0 - 0.1).collect();
    let deflate = Compression::Deflate(DeflateLevel::Fast);
    vec![
        strips::<colortype::Gray8>(Compression::Uncompressed, 10, &bytes[..pixels]),
        strips::<colortype::Gray8>(Compression::Packbits, 7, &bytes[..pixels]),
        strips::<colortype::Gray16>(Compression::Lzw, 16, &wide[..pixels]),
        strips::<colortype::RGB8>(deflate, 1, &bytes),
        strips::<colortype::RGB8>(Compression::Lzw, HEIGHT, &bytes),
        strips::<colortype::RGB16>(deflate, 13, &wide),
        strips::<colortype::RGB32Float>(Compression::Uncompressed, 20, &floats),
        strips::<colortype::RGBA8>(deflate, 8, &noise(4 * pixels)),
        strips::<colortype::CMYK8>(deflate, 8, &noise(4 * pixels)),
        tiles(8, 1),
        tiles(8, 3),
        tiles(16, 3),
        packed(),
    ]
}

fn files() -> Vec<(ImageFormat, Vec<u8>)> {
    let all = |format, files: Vec<Vec<u8>>| files.into_iter().map(move |file| (format, file));
    let mut files = vec![(ImageFormat::Farbfeld, farbfeld())];
    files.extend(all(ImageFormat::Png, pngs()));
    files.extend(all(ImageFormat::Bmp, bmps()));
    files.extend(all(ImageFormat::Pnm, pnms()));
    files.extend(all(ImageFormat::Tiff, tiffs()));
    files
}

#[test]
fn the_pixels_are_those_of_image() {
    for (i, (format, file)) in files().into_iter().enumerate() {
        let expected = image::load_from_memory_with_format(&file, format).unwrap();
        let kind = expected.color();
        let expected = if kind.has_color() {
            Pixels::Rgb(expected.into_rgb8().into_raw())
        } else {
            Pixels::Grey(expected.into_luma8().into_raw())
        };
        let picture = decode(&file, &Limits::default()).unwrap();
        assert!(*picture.pixels() == expected, "{format:?}, file {i}: {kind:?}");
        fuzz::hash_file(&file);
    }
}

#[test]
fn a_file_cut_short_has_no_hash() {
    for (format, file) in files() {
        let whole = pdq::hash_file(&file, &Limits::default(), Mode::Full).unwrap();
        // In a TIFF made here the directory comes last, in a PNG a mark of 12 bytes.
        for length in (0..file.len()).rev().step_by(file.len() / 40) {
            match pdq::hash_file(&file[..length], &Limits::default(), Mode::Full) {
                Ok(hash) => assert!(hash == whole && length + 12 >= file.len(), "{format:?}, {length} bytes"),
                Err(error) => assert!(
                    matches!(error.kind(), ErrorKind::Damaged | ErrorKind::NotAPicture),
                    "{format:?}: {error}"
                ),
            }
            fuzz::hash_file(&file[..length]);
        }
    }
}

#[test]
fn limits_of_memory_are_exact() {
    for (format, file) in files() {
        let needed = probe(&file).unwrap().hash_memory;
        let with = |max_memory| {
            pdq::variants_of_file(&file, &Limits { max_memory, ..Limits::DEFAULT }, Mode::Full)
                .map(|views| views.hash)
        };
        assert!(with(needed).is_ok(), "{format:?}");
        let error = with(needed - 1).unwrap_err();
        assert_eq!((error.kind(), error.memory_needed()), (ErrorKind::OverLimit, Some(needed)), "{format:?}");
    }
}

/// A row of a large picture: slow hills, so that hashes are of some quality.
fn hills(y: u32, row: &mut [u8]) {
    for (x, sample) in row.iter_mut().enumerate() {
        *sample = ((x as u32 / 64 * 5) ^ (y / 64 * 3)) as u8;
    }
}

/// A PNG written row by row.
fn large_png(width: u32, height: u32, color: png::ColorType, depth: png::BitDepth) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(color);
    encoder.set_depth(depth);
    encoder.set_compression(png::Compression::Fastest);
    let mut writer = encoder.write_header().unwrap();
    let mut stream = writer.stream_writer().unwrap();
    let mut row = vec![0; (width as usize * color.samples() * depth as usize).div_ceil(8)];
    for y in 0..height {
        hills(y, &mut row);
        stream.write_all(&row).unwrap();
    }
    stream.finish().unwrap();
    writer.finish().unwrap();
    file
}

fn large_tiff(width: u32, height: u32) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut file).unwrap().with_compression(Compression::Packbits);
    let mut image = encoder.new_image::<colortype::Gray8>(width, height).unwrap();
    image.rows_per_strip(16).unwrap();
    let mut y = 0;
    while y < height {
        let mut strip = vec![0; image.next_strip_sample_count() as usize];
        strip.chunks_exact_mut(width as usize).zip(y..).for_each(|(row, y)| hills(y, row));
        y += strip.len() as u32 / width;
        image.write_strip(&strip).unwrap();
    }
    image.finish().unwrap();
    file.into_inner()
}

/// Black and white would need masks or a palette; 24 bits, the last row first.
fn large_bmp(width: u32, height: u32) -> Vec<u8> {
    let row = (3 * width as usize).next_multiple_of(4);
    let mut file = b"BM".to_vec();
    for number in [0, 0, 54, 40, width, height, 1 | 24 << 16, 0, 0, 0, 0, 0, 0] {
        file.extend(number.to_le_bytes());
    }
    let mut samples = vec![0; row];
    for y in (0..height).rev() {
        hills(y, &mut samples);
        file.extend_from_slice(&samples);
    }
    file
}

/// Hashes `file` in at most `megabytes` and compares with the hash of the decoded picture.
fn hashed_within(file: &[u8], megabytes: u64) {
    let header = probe(file).unwrap();
    assert!(header.hash_memory <= megabytes << 20, "{header:?}");
    let limits = Limits { max_memory: header.hash_memory, ..Limits::DEFAULT };
    let start = Instant::now();
    let views = pdq::variants_of_file(file, &limits, Mode::Full).unwrap();
    println!("{header:?}: {:?}", start.elapsed());
    let picture = decode(file, &Limits::default()).unwrap();
    assert_eq!(views.hash, pdq::variants(&picture, Mode::Full));
    assert_eq!(decode(file, &limits).unwrap_err().kind(), ErrorKind::OverLimit);
}

#[test]
fn large_pictures_need_little_memory() {
    hashed_within(&large_png(6000, 4000, png::ColorType::Rgb, png::BitDepth::Eight), 7);
    hashed_within(&large_png(30_000, 1_000, png::ColorType::Grayscale, png::BitDepth::One), 8);
    hashed_within(&large_tiff(8000, 5000), 7);
    hashed_within(&large_bmp(5000, 4000), 7);
}

/// As large as the limits allow: 30,000 x 30,000. Takes a minute or more, and 2 GB for the files.
#[test]
#[ignore = "slow: 900 million pixels each"]
fn the_largest_pictures_need_little_memory() {
    let limits = |megabytes: u64| Limits { max_memory: megabytes << 20, ..Limits::DEFAULT };
    let hashed = |file: &[u8]| {
        let start = Instant::now();
        let views = pdq::variants_of_file(file, &limits(20), Mode::Full).unwrap();
        println!("{:?}: {:?}, {:?}", views.dimensions, start.elapsed(), probe(file).unwrap());
        assert!(start.elapsed() < Duration::from_secs(60));
    };
    hashed(&large_png(30_000, 30_000, png::ColorType::Grayscale, png::BitDepth::One));
    hashed(&large_png(30_000, 30_000, png::ColorType::Rgb, png::BitDepth::Eight));
    hashed(&large_tiff(25_000, 20_000));
    hashed(&large_bmp(25_000, 20_000));
}
