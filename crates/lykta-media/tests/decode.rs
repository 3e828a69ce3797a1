//! Small pictures of every format that can be written here: whole, cut short and spoiled.

use std::io::Cursor;
use std::time::{Duration, Instant};

use image::{DynamicImage, ImageFormat, Luma, LumaA, Rgb, Rgba};
use lykta_media::pdq::{self, Mode};
use lykta_media::{Error, ErrorKind, Format, Limits, Picture, Pixels, decode, fuzz, probe, sniff};
use proptest::prelude::*;

const WIDTH: u32 = 37;
const HEIGHT: u32 = 29;

fn sample(x: u32, y: u32, channel: u32) -> u8 {
    (x * 5 + y * 3 + channel * 40 + (x / 7) * (y / 5)) as u8
}

fn rgb() -> DynamicImage {
    let pixel = |x, y| Rgb([sample(x, y, 0), sample(x, y, 1), sample(x, y, 2)]);
    image::RgbImage::from_fn(WIDTH, HEIGHT, pixel).into()
}

fn rgba() -> DynamicImage {
    let pixel = |x, y| Rgba([sample(x, y, 0), sample(x, y, 1), sample(x, y, 2), sample(x, y, 3)]);
    image::RgbaImage::from_fn(WIDTH, HEIGHT, pixel).into()
}

fn written(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    picture.write_to(&mut Cursor::new(&mut bytes), format).expect("an encoder for it");
    bytes
}

/// One file of each format.
fn files() -> Vec<(Format, Vec<u8>)> {
    vec![
        (Format::Jpeg, written(&rgb(), ImageFormat::Jpeg)),
        (Format::Png, written(&rgb(), ImageFormat::Png)),
        (Format::Gif, written(&rgba(), ImageFormat::Gif)),
        (Format::WebP, written(&rgb(), ImageFormat::WebP)),
        (Format::Bmp, written(&rgb(), ImageFormat::Bmp)),
        (Format::Tiff, written(&rgb(), ImageFormat::Tiff)),
        (Format::Ico, written(&rgba(), ImageFormat::Ico)),
        (Format::Pnm, written(&rgb(), ImageFormat::Pnm)),
        (Format::Qoi, written(&rgb(), ImageFormat::Qoi)),
        (Format::Farbfeld, written(&DynamicImage::from(rgba().to_rgba16()), ImageFormat::Farbfeld)),
    ]
}

fn whole(bytes: &[u8]) -> Result<Picture, Error> {
    decode(bytes, &Limits::default())
}

#[test]
fn every_decoded_format_is_sniffed_probed_and_decoded() {
    let files = files();
    let decoded = Format::ALL.into_iter().filter(|format| format.is_decoded() && *format != Format::Heic);
    assert_eq!(files.iter().map(|(format, _)| *format).collect::<Vec<_>>(), decoded.collect::<Vec<_>>());
    for (format, bytes) in files {
        assert_eq!(sniff(&bytes), Some(format));
        let header = probe(&bytes).unwrap();
        assert_eq!((header.format, header.width, header.height), (format, WIDTH, HEIGHT));
        let picture = whole(&bytes).unwrap();
        assert_eq!(picture.format(), Some(format));
        assert!(header.memory >= picture.pixels().bytes().len() as u64);
        if !matches!(format, Format::Jpeg | Format::Gif) {
            assert_eq!(picture.pixels(), &Pixels::Rgb(rgb().to_rgb8().into_raw()), "{format}");
        }
    }
}

#[test]
fn a_file_cut_short_is_an_error_or_the_same_picture() {
    for (format, bytes) in files() {
        let expected = whole(&bytes).unwrap();
        let mut errors = 0;
        for length in 0..bytes.len() {
            match whole(&bytes[..length]) {
                Ok(picture) => assert_eq!(picture.pixels(), expected.pixels(), "{format}, {length} bytes"),
                Err(_) => errors += 1,
            }
        }
        // What a decoder need not read is a checksum, an end mark or a trailer.
        assert!(errors + 64 >= bytes.len(), "{format}: {errors} of {}", bytes.len());
    }
}

#[test]
fn a_jpeg_without_its_end_mark_is_whole_and_bytes_after_it_do_no_harm() {
    let jpeg = written(&rgb(), ImageFormat::Jpeg);
    let expected = whole(&jpeg).unwrap();
    assert_eq!(whole(&jpeg[..jpeg.len() - 2]).unwrap().pixels(), expected.pixels());
    let trailer = [&jpeg[..], b"\0\0 a film, say \xff\xff\xd8"].concat();
    assert_eq!(whole(&trailer).unwrap().pixels(), expected.pixels());
}

#[test]
fn a_jpeg_with_stray_bytes_between_segments_is_read_by_the_second_decoder() {
    let jpeg = written(&rgb(), ImageFormat::Jpeg);
    let expected = whole(&jpeg).unwrap();
    // After the first segment: two bytes of marker, then as many as it says.
    let after = 4 + usize::from(u16::from_be_bytes([jpeg[4], jpeg[5]]));
    let stray = [&jpeg[..after], &[0x11; 9], &jpeg[after..]].concat();
    let picture = whole(&stray).unwrap();
    assert_eq!(picture.dimensions(), expected.dimensions());
    let cut = &stray[..stray.len() * 3 / 4];
    assert_eq!(whole(cut).map_err(|error| error.kind()), Err(ErrorKind::Damaged));
}

#[test]
fn sixteen_bits_become_eight_and_alpha_is_dropped() {
    let wide = |value: u8| u16::from(value) * 257;
    let pixels =
        |picture: DynamicImage| whole(&written(&picture, ImageFormat::Png)).unwrap().pixels().clone();
    let grey: Vec<u8> = (0..HEIGHT * WIDTH).map(|i| sample(i % WIDTH, i / WIDTH, 0)).collect();
    let l16 = image::ImageBuffer::from_fn(WIDTH, HEIGHT, |x, y| Luma([wide(sample(x, y, 0))]));
    assert_eq!(pixels(l16.into()), Pixels::Grey(grey.clone()));
    let la8 = image::ImageBuffer::from_fn(WIDTH, HEIGHT, |x, y| LumaA([sample(x, y, 0), sample(x, y, 3)]));
    assert_eq!(pixels(la8.into()), Pixels::Grey(grey.clone()));
    let la16 = image::ImageBuffer::from_fn(WIDTH, HEIGHT, |x, y| LumaA([wide(sample(x, y, 0)), 7]));
    assert_eq!(pixels(la16.into()), Pixels::Grey(grey));
    let colours = Pixels::Rgb(rgb().to_rgb8().into_raw());
    assert_eq!(pixels(rgb().to_rgb16().into()), colours);
    assert_eq!(pixels(rgba().to_rgba16().into()), colours);
}

#[test]
fn bombs_are_refused_by_their_headers() {
    // T.81 B.2: a frame of 65,500 x 65,500 and a scan, then nothing.
    let jpeg = [
        &b"\xff\xd8\xff\xc0\0\x0b\x08\xff\xdc\xff\xdc\x01\x01\x11\0"[..],
        b"\xff\xda\0\x08\x01\x01\0\0\x3f\0",
    ]
    .concat();
    let gif = b"GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\xff\xff\xff\xff\0\x02\0;".to_vec();
    let pnm = b"P4 40000 30000\n".to_vec();
    for bytes in [jpeg, gif, pnm] {
        let start = Instant::now();
        let error = whole(&bytes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OverLimit, "{error}");
        assert!(start.elapsed() < Duration::from_millis(200));
    }
}

#[test]
fn a_picture_that_is_decoded_whole_may_have_fewer_pixels() {
    // 900 million pixels: as text, whole; in bytes, row by row.
    let error = pdq::hash_file(b"P2 30000 30000 255\n", &Limits::default(), Mode::Full).unwrap_err();
    let expected = "not examined: 30000 x 30000 is 900000000 pixels and the limit is 500000000";
    assert_eq!(error.to_string(), expected);
    let error = pdq::hash_file(b"P5 30000 30000 255\n", &Limits::default(), Mode::Full).unwrap_err();
    assert_eq!(error.to_string(), "damaged PNM: the file ends before the picture does");
    let limits = Limits { max_pixels: 2_000_000_000, ..Limits::DEFAULT };
    let error = pdq::hash_file(b"P2 30000 30000 255\n", &limits, Mode::Full).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Damaged);
}

/// A grey progressive JPEG of as many scans, of which each is one run without a coefficient.
fn of_scans(width: u16, height: u16, scans: usize) -> Vec<u8> {
    let mut jpeg = b"\xff\xd8\xff\xdb\0\x43\0".to_vec();
    jpeg.extend([1; 64]);
    jpeg.extend(b"\xff\xc2\0\x0b\x08");
    jpeg.extend([height.to_be_bytes(), width.to_be_bytes()].concat());
    jpeg.extend(b"\x01\x01\x11\0");
    // Tables of one code, the bit 0: no difference for DC; a run of 2^14 and more blocks for AC.
    for (table, symbol) in [(0x00, 0x00), (0x10, 0xe0)] {
        jpeg.extend(b"\xff\xc4\0\x14");
        jpeg.extend([table, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, symbol]);
    }
    let blocks = usize::from(width).div_ceil(8) * usize::from(height).div_ceil(8);
    jpeg.extend(b"\xff\xda\0\x08\x01\x01\0\0\0\0");
    jpeg.extend(vec![0; blocks.div_ceil(8)]);
    for _ in 1..scans {
        jpeg.extend(b"\xff\xda\0\x08\x01\x01\0\x01\x3f\0");
        // Each run: 0, then 14 bits of its length, all 0.
        jpeg.extend(vec![0; (blocks.div_ceil(1 << 14) * 15).div_ceil(8)]);
    }
    jpeg.extend(b"\xff\xd9");
    jpeg
}

fn refused_at_once(bytes: &[u8]) -> String {
    let start = Instant::now();
    let error = whole(bytes).expect_err("it is over a limit");
    assert_eq!(error.kind(), ErrorKind::OverLimit, "{error}");
    assert!(start.elapsed() < Duration::from_millis(200));
    error.to_string()
}

#[test]
fn a_jpeg_of_too_many_scans_is_refused_before_it_is_decoded() {
    let seed = include_bytes!("../../../testdata/fuzz/media_decode/501-scans.jpg");
    assert_eq!(seed[..], of_scans(8, 8, 501));
    let error = refused_at_once(seed);
    let expected = "not examined: JPEG larger than its decoder allows: \
                    it has 501 scans and the limit at its size is 500";
    assert_eq!(error, expected);
    // The end-of-image marker at the end may belong to anything; without it, scans count as well.
    refused_at_once(&[&seed[..], b"a trailer"].concat());
    refused_at_once(&seed[..seed.len() - 2]);
    assert!(whole(&of_scans(8, 8, 500)).is_ok());
}

#[test]
fn a_large_jpeg_may_have_fewer_scans() {
    let limits = |max_pixels| Limits { max_pixels, ..Limits::default() };
    assert!(decode(&of_scans(80, 80, 20), &limits(6400)).is_ok());
    let error = decode(&of_scans(80, 80, 21), &limits(6400)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OverLimit, "{error}");
    assert!(decode(&of_scans(80, 80, 21), &limits(6720)).is_ok());
    refused_at_once(&of_scans(8000, 8000, 157));
}

#[test]
fn a_jpeg_of_many_segments_costs_little() {
    let jpeg = written(&rgb(), ImageFormat::Jpeg);
    let with = |segment: &[u8], count| [&jpeg[..2], &segment.repeat(count), &jpeg[2..]].concat();
    let extended = [&b"\xff\xe1\0\x4dhttp://ns.adobe.com/xmp/extension/\0"[..], &[b'1'; 40]].concat();
    let start = Instant::now();
    assert_eq!(whole(&with(&extended, 20_000)).unwrap(), whole(&jpeg).unwrap());
    // General decoders, which go through them again and again, get the colours that Adobe's segment
    // does not call YCbCr.
    let general = [&extended.repeat(20_000)[..], b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\0"].concat();
    let error = refused_at_once(&with(&general, 1));
    assert!(error.contains("segments before its first scan and the limit is 10000"), "{error}");
    let general = [&extended.repeat(9_900)[..], b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\0"].concat();
    assert!(matches!(whole(&with(&general, 1)).unwrap().pixels(), Pixels::Rgb(_)));
    // zune-jpeg takes 0xff, 0 and a byte for a marker, which hides segments from the count.
    let hidden = [&b"\xff\0"[..], &extended[1..]].concat();
    let picture = whole(&with(&hidden, 40_000));
    assert!(picture.is_ok(), "read by the second decoder, for which they are stray bytes");
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn limits_are_exact() {
    let png = written(&rgb(), ImageFormat::Png);
    let header = probe(&png).unwrap();
    let pixels = header.dimensions().pixels();
    let with = |max_pixels, max_memory| decode(&png, &Limits { max_pixels, max_memory });
    assert!(with(pixels, header.memory).is_ok());
    let error = with(pixels - 1, header.memory).unwrap_err();
    assert_eq!(error.to_string(), "not examined: 37 x 29 is 1073 pixels and the limit is 1072");
    assert_eq!(with(pixels, header.memory - 1).unwrap_err().kind(), ErrorKind::OverLimit);
}

#[test]
fn errors_say_what_was_found() {
    assert_eq!(whole(b"").unwrap_err().kind(), ErrorKind::NotAPicture);
    let error = whole(b"\0\0\0\x1cftypavif\0\0\0\0mif1miaf").unwrap_err();
    assert_eq!((error.kind(), error.format()), (ErrorKind::Unsupported, Some(Format::Avif)));
    assert_eq!(error.to_string(), "not examined: AVIF is not decoded by this build");
    let png = written(&rgb(), ImageFormat::Png);
    let error = whole(&png[..png.len() / 2]).unwrap_err();
    assert_eq!(error.to_string(), "damaged PNG: the file ends before the picture does");
    let mut spoiled = png.clone();
    spoiled[png.len() / 2] ^= 1;
    assert_eq!(whole(&spoiled).unwrap_err().kind(), ErrorKind::Damaged);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn spoiled_files_cost_little_and_never_panic(
        which in any::<prop::sample::Index>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        near_the_head in any::<bool>(),
    ) {
        let (format, mut bytes) = which.get(&files()).clone();
        let length = if near_the_head { bytes.len().min(128) } else { bytes.len() };
        flips.iter().for_each(|(at, value)| bytes[at.index(length)] = *value);
        let start = Instant::now();
        fuzz::decode(&bytes);
        fuzz::hash_file(&bytes);
        prop_assert!(start.elapsed() < Duration::from_secs(5), "{}", format);
    }
}
