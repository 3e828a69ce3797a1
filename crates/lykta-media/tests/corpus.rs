//! Real pictures: every vector of the reference implementation, and what strangers made to break
//! decoders. Needs `LYKTA_CORPUS`, the absolute path of the corpus.

#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lykta_hash::Pdq;
use lykta_media::pdq::{Mode, hash, hash_file, reference, variants, variants_of_file};
use lykta_media::{Format, Limits, Picture, decode};

fn corpus(skipped: &str) -> Option<PathBuf> {
    let path = std::env::var_os("LYKTA_CORPUS").map(PathBuf::from);
    if path.is_none() {
        // Not by println, which a test that passes keeps to itself: a skip must be seen.
        let line = format!("skipped, LYKTA_CORPUS is not set: {skipped}\n");
        std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap();
    }
    path
}

fn picture(path: &Path) -> Picture {
    let bytes = std::fs::read(path).unwrap();
    decode(&bytes, &Limits::default()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What may differ from a vector.
struct Tolerance {
    /// Bits, 95 of 100 hashes and all of them.
    p95: u32,
    max: u32,
    quality: u8,
}

/// Lossless: the same pixels, so not a bit. JPEG: the stored luma and another inverse transform.
/// WebP: another upsampling of chroma than libwebp's.
fn tolerance(format: &str) -> Tolerance {
    match format {
        "PNG" => Tolerance { p95: 0, max: 0, quality: 1 },
        _ => Tolerance { p95: 4, max: 10, quality: 4 },
    }
}

#[test]
fn hashes_are_those_of_the_reference() {
    let Some(corpus) = corpus("71 reference hashes in both conventions") else { return };
    let table = std::fs::read_to_string(corpus.join("pdq/vectors.tsv")).unwrap();
    let mut distances: BTreeMap<(String, &str), Vec<u32>> = BTreeMap::new();
    let mut undecided_bits = 0;
    for line in table.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [path, format, _, width, height, full, full_quality, cli, cli_quality] = fields[..] else {
            panic!("{line}")
        };
        let picture = picture(&corpus.join(path));
        assert_eq!(
            (picture.width(), picture.height()),
            (width.parse().unwrap(), height.parse().unwrap()),
            "{path}"
        );
        let conventions =
            [(Mode::Full, "full", full, full_quality), (Mode::Cli512, "cli512", cli, cli_quality)];
        for (mode, name, expected, quality) in conventions {
            let (expected, quality): (Pdq, u8) = (Pdq::from_hex(expected).unwrap(), quality.parse().unwrap());
            let found = hash(&picture, mode);
            assert_eq!(variants(&picture, mode).hashes[0], found.pdq, "{path}");
            let tolerance = tolerance(format);
            assert!(found.quality.abs_diff(quality) <= tolerance.quality, "{path} {name}: {found:?}");
            let mut distance = found.pdq.distance(&expected);
            if tolerance.max == 0 && distance != 0 {
                let undecided = reference::undecided(&picture, mode, 1e-3);
                let bit = |hash: &Pdq, k: usize| hash.0[31 - k / 8] >> (k % 8) & 1;
                let excused =
                    undecided.iter().filter(|&&k| bit(&found.pdq, k) != bit(&expected, k)).count() as u32;
                assert!(excused <= 1, "{path} {name}: {excused} undecided bits");
                undecided_bits += excused;
                distance -= excused;
            }
            assert!(distance <= tolerance.max, "{path} {name}: {distance} bits from the reference");
            distances.entry((format.to_owned(), name)).or_default().push(distance);
        }
    }
    assert_eq!(distances.values().map(Vec::len).sum::<usize>(), 2 * table.lines().skip(1).count());
    for ((format, name), mut bits) in distances {
        bits.sort_unstable();
        let p95 = bits[(bits.len() * 95).div_ceil(100) - 1];
        let mean = f64::from(bits.iter().sum::<u32>()) / bits.len() as f64;
        println!(
            "{format} {name}: {} pictures, bits mean {mean:.2}, p95 {p95}, max {}",
            bits.len(),
            bits[bits.len() - 1]
        );
        assert!(p95 <= tolerance(&format).p95, "{format} {name}");
    }
    println!("bits within 1e-3 of the median that fell on the other side: {undecided_bits}");
}

#[test]
fn one_picture_in_every_pixel_mode_has_nearly_one_hash() {
    let Some(corpus) = corpus("14 pixel modes of one picture") else { return };
    let expected = hash(&picture(&corpus.join("pdq/modes/RGB.jpg")), Mode::Full).pdq;
    for entry in std::fs::read_dir(corpus.join("pdq/modes")).unwrap() {
        let path = entry.unwrap().path();
        let found = hash(&picture(&path), Mode::Full);
        let distance = found.pdq.distance(&expected);
        println!("{}: {distance} bits, quality {}", path.file_name().unwrap().display(), found.quality);
    }
}

/// Every file below `folder`.
fn files_below(folder: PathBuf) -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![folder], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files
}

#[test]
fn a_file_is_hashed_as_its_decoded_picture_is() {
    let pictures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/pictures");
    let mut files = files_below(pictures);
    if let Some(corpus) = corpus("hashes of its files row by row") {
        files.extend(["photos", "pdq", "bad"].iter().flat_map(|folder| files_below(corpus.join(folder))));
    }
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        let picture = decode(&bytes, &Limits::default()).map_err(|error| error.kind());
        let picture = picture.as_ref().map_err(|kind| *kind);
        let found = hash_file(&bytes, &Limits::default(), Mode::Full).map_err(|error| error.kind());
        let eight = variants_of_file(&bytes, &Limits::default(), Mode::Cli512).map_err(|error| error.kind());
        let (expected, expected_eight) = (
            picture.map(|picture| hash(picture, Mode::Full)),
            picture.map(|picture| variants(picture, Mode::Cli512)),
        );
        let is_jpeg = picture.is_ok_and(|picture| picture.format() == Some(Format::Jpeg));
        match (found, expected) {
            (Ok(found), Ok(expected)) if is_jpeg => {
                // Of a large one the pixels are not rounded.
                let distance = found.hash.pdq.distance(&expected.pdq);
                assert!(distance <= 2, "{}: {distance} bits", path.display());
                assert!(found.hash.quality.abs_diff(expected.quality) <= 1, "{}", path.display());
                let views_of_it = variants_of_file(&bytes, &Limits::default(), Mode::Full).unwrap().hash;
                assert_eq!(views_of_it.hashes[0], found.hash.pdq, "{}", path.display());
                let expected = variants(picture.unwrap(), Mode::Full);
                for (found, expected) in views_of_it.hashes.iter().zip(expected.hashes) {
                    assert!(found.distance(&expected) <= 4, "{}: a view", path.display());
                }
            }
            (found, expected) => {
                assert_eq!(found.map(|found| found.hash), expected, "{}", path.display())
            }
        }
        assert_eq!(eight.map(|eight| eight.hash), expected_eight, "{}", path.display());
    }
}

#[test]
fn malformed_files_are_errors_or_pictures_and_cost_little() {
    let Some(corpus) = corpus("malformed and hostile files") else { return };
    let (mut outcomes, mut slowest) = (BTreeMap::new(), (Duration::ZERO, PathBuf::new()));
    for path in files_below(corpus.join("bad")) {
        let bytes = std::fs::read(&path).unwrap();
        let start = Instant::now();
        let outcome = match decode(&bytes, &Limits::default()) {
            Ok(picture) => {
                variants(&picture, Mode::Full);
                "decoded".to_owned()
            }
            Err(error) => {
                println!("{}: {error}", path.strip_prefix(&corpus).unwrap().display());
                format!("{:?}", error.kind())
            }
        };
        *outcomes.entry(outcome).or_insert(0) += 1;
        slowest = slowest.max((start.elapsed(), path));
    }
    println!("{outcomes:?}, slowest {slowest:?}");
    assert!(slowest.0 < Duration::from_secs(10), "{slowest:?}");
    assert!(!outcomes.contains_key("DecoderFault"), "{outcomes:?}");
}
