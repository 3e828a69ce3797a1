//! JPEG read by this crate, against libjpeg: whole, in every variant that can be written here, cut
//! short and spoiled.

use std::panic::{AssertUnwindSafe, catch_unwind};

use lykta_media::pdq::{self, Mode, hash, hash_file, variants_of_file};
use lykta_media::{ErrorKind, Limits, Pixels, decode, fuzz};
use mozjpeg::{ColorSpace, Compress, Decompress};
use proptest::prelude::*;

/// How a JPEG is written.
#[derive(Clone, Copy, Debug)]
struct Variant {
    width: usize,
    height: usize,
    /// Pixels of luma to one of chroma, across and down; none for a grey picture.
    sampling: Option<(u8, u8)>,
    quality: u8,
    scans: Scans,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Scans {
    Baseline {
        optimized: bool,
    },
    /// With refinements.
    Progressive,
}

impl Variant {
    const PLAIN: Self = Self {
        width: 120,
        height: 90,
        sampling: Some((2, 2)),
        quality: 80,
        scans: Scans::Baseline { optimized: false },
    };

    fn written(self) -> Vec<u8> {
        let channels = if self.sampling.is_some() { 3 } else { 1 };
        let mut samples = Vec::new();
        for y in 0..self.height {
            for x in 0..self.width {
                for channel in 0..channels {
                    // Slopes, edges down to black and up to white, and some noise.
                    let slope = x * 3 + y * 2 + channel * 30;
                    let edge = if (x / 11 + y / 17) % 3 == 0 { 170 } else { 0 };
                    samples.push((slope % 120 + edge + (x * y * 7) % 23).min(255) as u8);
                }
            }
        }
        let input = if channels == 3 { ColorSpace::JCS_RGB } else { ColorSpace::JCS_GRAYSCALE };
        let mut writer = Compress::new(input);
        writer.set_fastest_defaults();
        writer.set_size(self.width, self.height);
        writer.set_quality(self.quality.into());
        writer.set_color_space(if channels == 3 { ColorSpace::JCS_YCbCr } else { input });
        if let Some(sampling) = self.sampling {
            writer.set_chroma_sampling_pixel_sizes(sampling, sampling);
        }
        match self.scans {
            Scans::Baseline { optimized } => writer.set_optimize_coding(optimized),
            Scans::Progressive => writer.set_progressive_mode(),
        }
        let mut started = writer.start_compress(Vec::new()).expect("a writer for it");
        started.write_scanlines(&samples).expect("room in memory");
        started.finish().expect("room in memory")
    }
}

fn variants() -> impl Strategy<Value = Variant> {
    let sampling = prop_oneof![
        Just(None),
        prop::sample::select(vec![(1, 1), (1, 2), (1, 4), (2, 1), (2, 2), (2, 4), (4, 1), (4, 2)])
            .prop_map(Some),
    ];
    let scans = prop_oneof![
        any::<bool>().prop_map(|optimized| Scans::Baseline { optimized }),
        Just(Scans::Progressive),
    ];
    (1usize..150, 1usize..150, sampling, 1u8..=100, scans).prop_map(
        |(width, height, sampling, quality, scans)| Variant { width, height, sampling, quality, scans },
    )
}

/// The luma that libjpeg finds; none if it refuses the file.
fn libjpeg(bytes: &[u8]) -> Option<Vec<u8>> {
    let read = || Decompress::new_mem(bytes).ok()?.grayscale().ok()?.read_scanlines::<u8>().ok();
    catch_unwind(AssertUnwindSafe(read)).ok().flatten()
}

/// The picture by way of its file is the picture by way of its pixels, in every convention.
fn hashes_are_those_of_its_pixels(bytes: &[u8]) {
    let picture = decode(bytes, &Limits::default()).expect("a sound picture");
    assert!(matches!(picture.pixels(), Pixels::Grey(_)), "luma is what is stored");
    for mode in [Mode::Full, Mode::Cli512] {
        let found = hash_file(bytes, &Limits::default(), mode).expect("a sound picture");
        assert_eq!(found.hash, hash(&picture, mode));
        let found = variants_of_file(bytes, &Limits::default(), mode).expect("a sound picture");
        assert_eq!(found.hash, pdq::variants(&picture, mode));
    }
}

#[test]
fn what_fuzzing_kept_is_refused_or_read_as_libjpeg_reads_it() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/fuzz/jpeg");
    let mut files = 0;
    for file in std::fs::read_dir(folder).expect("files of this project") {
        let path = file.expect("a file").path();
        println!("{}", path.display());
        files += usize::from(fuzz::jpeg(&std::fs::read(&path).expect("a file"), libjpeg));
    }
    assert!(files >= 11, "{files} were read");
}

#[test]
fn small_sides_and_thin_pictures() {
    for (width, height) in (5..70).map(|side| (side, 75 - side)).chain((5..70).map(|side| (5, side))) {
        for scans in [Scans::Baseline { optimized: true }, Scans::Progressive] {
            let bytes = Variant { width, height, scans, ..Variant::PLAIN }.written();
            assert!(fuzz::jpeg(&bytes, libjpeg), "it is read");
            hashes_are_those_of_its_pixels(&bytes);
        }
    }
}

#[test]
fn scans_of_chroma_alone_are_not_read_and_told_of() {
    let unread = |variant: Variant| {
        let found = hash_file(&variant.written(), &Limits::default(), Mode::Full).expect("a sound picture");
        found.unread_scans
    };
    assert_eq!(unread(Variant::PLAIN), 0);
    assert!(unread(Variant { scans: Scans::Progressive, ..Variant::PLAIN }) > 2);
    assert_eq!(unread(Variant { scans: Scans::Progressive, sampling: None, ..Variant::PLAIN }), 0);
}

/// A picture of as many components, each in a scan of its own, with a restart marker behind every 8
/// blocks, each of the same few codes.
fn with_restarts(width: u16, height: u16, components: u8) -> Vec<u8> {
    let mut jpeg = b"\xff\xd8\xff\xdb\0\x43\0".to_vec();
    jpeg.extend([16; 64]);
    jpeg.extend([0xff, 0xc0, 0, 8 + 3 * components, 8]);
    jpeg.extend([height.to_be_bytes(), width.to_be_bytes()].concat());
    jpeg.push(components);
    jpeg.extend((1..=components).flat_map(|name| [name, 0x11, 0]));
    // DC: 0 is a difference of 2 bits. AC: 0 ends the block, 10 is a coefficient of 2 bits.
    jpeg.extend(b"\xff\xc4\0\x14\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02");
    jpeg.extend(b"\xff\xc4\0\x15\x10\x01\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02");
    jpeg.extend(b"\xff\xdd\0\x04\0\x08");
    let blocks = usize::from(width).div_ceil(8) * usize::from(height).div_ceil(8);
    for name in 1..=components {
        jpeg.extend([0xff, 0xda, 0, 8, 1, name, 0, 0, 63, 0]);
        for (number, first) in (0..blocks).step_by(8).enumerate() {
            if number > 0 {
                jpeg.extend([0xff, 0xd0 + ((number - 1) % 8) as u8]);
            }
            // Difference 2 or -2; a coefficient of 3; the end: 8 bits a block.
            let block = |at: usize| if at.is_multiple_of(2) { 0b0101_0110 } else { 0b0011_0110 };
            jpeg.extend((first..blocks.min(first + 8)).map(block));
        }
    }
    jpeg.extend(b"\xff\xd9");
    jpeg
}

#[test]
fn each_component_in_a_scan_of_its_own() {
    let bytes = with_restarts(120, 160, 3);
    assert!(fuzz::jpeg(&bytes, libjpeg), "it is read");
    hashes_are_those_of_its_pixels(&bytes);
    let luma = decode(&with_restarts(120, 160, 1), &Limits::default()).expect("a sound picture");
    assert_eq!(decode(&bytes, &Limits::default()).expect("a sound picture"), luma);
    let found = hash_file(&bytes, &Limits::default(), Mode::Full).expect("a sound picture");
    assert_eq!(found.unread_scans, 2);
    // Without all of the colours it is not whole, although luma is.
    for length in bytes.len() * 2 / 5..bytes.len() - 2 {
        let error = decode(&bytes[..length], &Limits::default()).expect_err("it is cut short");
        assert_eq!(error.kind(), ErrorKind::Damaged, "{length} bytes");
    }
}

#[test]
fn three_components_by_the_names_of_colours_are_rgb() {
    let mut bytes = with_restarts(40, 40, 3);
    let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).expect("a frame");
    (0..3).for_each(|i| bytes[frame + 10 + 3 * i] = b"RGB"[i]);
    let scans: Vec<usize> = (0..bytes.len() - 1).filter(|&at| bytes[at..at + 2] == [0xff, 0xda]).collect();
    scans.iter().zip(b"RGB").for_each(|(at, name)| bytes[at + 5] = *name);
    assert!(!fuzz::jpeg(&bytes, libjpeg), "luma is not stored");
    let picture = decode(&bytes, &Limits::default()).expect("a sound picture");
    assert!(matches!(picture.pixels(), Pixels::Rgb(_)));
}

#[test]
fn a_picture_cut_in_half_is_not_usable_beyond_that() {
    let bytes = Variant { width: 400, height: 400, ..Variant::PLAIN }.written();
    let error =
        decode(&bytes[..bytes.len() / 2], &Limits::default()).expect_err("it is cut short").to_string();
    let rows = error.split("; ").nth(1).and_then(|rows| rows.split(' ').next()).expect("a number of rows");
    let rows: usize = rows.parse().expect("a number of rows");
    assert!((120..=220).contains(&rows), "{error}");
}

#[test]
fn a_mean_that_drifts_out_of_range_is_refused() {
    // Differences of 2 bits, factor 16: 12 bits are left after 200 blocks.
    let mut bytes = with_restarts(1600, 1600, 1);
    let table = bytes.windows(2).position(|pair| pair == [0xff, 0xdd]).expect("an interval");
    bytes[table + 4..table + 6].copy_from_slice(&60_000u16.to_be_bytes());
    let data = bytes.windows(2).position(|pair| pair == [0xff, 0xda]).expect("a scan") + 10;
    let blocks = 200 * 200;
    bytes.truncate(data);
    bytes.extend(vec![0b0111_0110; blocks]);
    bytes.extend(b"\xff\xd9");
    assert!(!fuzz::jpeg(&bytes, libjpeg), "no picture of 8 bits has that");
}

#[test]
fn a_damaged_picture_says_how_much_of_it_was_usable() {
    let bytes = with_restarts(120, 160, 1);
    assert!(fuzz::jpeg(&bytes, libjpeg), "it is read");
    hashes_are_those_of_its_pixels(&bytes);
    // 15 units a row: the tenth interval is in the fifth row and the sixth.
    let marker = |number: usize| {
        let is_marker = |&at: &usize| bytes[at] == 0xff && (0xd0..=0xd7).contains(&bytes[at + 1]);
        (0..bytes.len() - 1).filter(is_marker).nth(number).expect("as many markers as that")
    };
    let message = |file: &[u8]| {
        let error = hash_file(file, &Limits::default(), Mode::Full).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Damaged);
        assert_eq!(decode(file, &Limits::default()).unwrap_err().to_string(), error.to_string());
        error.to_string()
    };
    let mut misnumbered = bytes.clone();
    misnumbered[marker(9) + 1] ^= 1;
    let usable = "40 of 160 rows of pixels were usable";
    let expected = format!("damaged JPEG: a restart marker is missing or out of order; {usable}");
    assert_eq!(message(&misnumbered), expected);
    // The end of a block turned into a code that is not there, and a byte lost.
    let mut misread = bytes.clone();
    misread[marker(8) + 4] = 0xfe;
    assert!(message(&misread).ends_with("32 of 160 rows of pixels were usable"), "{}", message(&misread));
    let lost = [&bytes[..marker(9) - 1], &bytes[marker(9)..]].concat();
    assert!(message(&lost).ends_with(usable), "{}", message(&lost));
    assert!(message(&bytes[..marker(9)]).ends_with(usable));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_variant_is_read_as_libjpeg_reads_it(variant in variants()) {
        let bytes = variant.written();
        prop_assert!(fuzz::jpeg(&bytes, libjpeg), "it is read");
        if variant.width >= 5 && variant.height >= 5 {
            hashes_are_those_of_its_pixels(&bytes);
        }
    }

    #[test]
    fn spoiled_variants_are_refused_or_read_as_libjpeg_reads_them(
        variant in variants(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = variant.written();
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        fuzz::jpeg(&bytes, libjpeg);
    }

    #[test]
    fn a_variant_cut_short_is_an_error_or_whole(variant in variants(), at in any::<prop::sample::Index>()) {
        let bytes = variant.written();
        let cut = &bytes[..at.index(bytes.len())];
        if let Ok(found) = decode(cut, &Limits::default()) {
            // By other decoders, if the end is missing: their pixels are one off now and then.
            let whole = decode(&bytes, &Limits::default()).expect("a sound picture");
            let (Pixels::Grey(found), Pixels::Grey(whole)) = (found.pixels(), whole.pixels()) else { panic!() };
            prop_assert_eq!(found.len(), whole.len());
            prop_assert!(found.iter().zip(whole).all(|(a, b)| a.abs_diff(*b) <= 1));
        }
    }
}
