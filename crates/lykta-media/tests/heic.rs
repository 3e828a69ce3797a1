//! HEIC against libheif, and spoiled.

use lykta_hash::Pdq;
use lykta_media::pdq::{Mode, hash};
use lykta_media::{Format, Limits, Picture, decode, fuzz, probe, sniff};
use proptest::prelude::*;

/// A file and what libheif makes of it.
struct Sample {
    name: &'static str,
    bytes: &'static [u8],
    size: (u32, u32),
    /// The reference's hash of libheif's pixels.
    pdq: &'static str,
}

const FILES: [Sample; 4] = [
    Sample {
        name: "single",
        bytes: include_bytes!("heic/single.heic"),
        size: (90, 70),
        pdq: "6a5993a66d499ab5456a9b97e4ac5152aea559da8674298bd6561989e6663555",
    },
    Sample {
        name: "grey",
        bytes: include_bytes!("heic/grey.heic"),
        size: (90, 70),
        pdq: "6ad911a66d499ab7656a9b976cac935266ad111aa674398b56568899ee665555",
    },
    Sample {
        name: "grid-rotated",
        bytes: include_bytes!("heic/grid-rotated.heic"),
        size: (120, 175),
        pdq: "691f818549cf8501c21f8721c69f8709c29f6509329f5b0d3d9f50cd3d667ff2",
    },
    Sample {
        name: "grid-mirrored",
        bytes: include_bytes!("heic/grid-mirrored.heic"),
        size: (175, 120),
        pdq: "5f80aad5806b003fa01b574b0fb1f55b62ad200704038aa9a3fceabeaaabfffc",
    },
];

fn whole(bytes: &[u8]) -> Option<Picture> {
    decode(bytes, &Limits::default()).ok()
}

#[test]
fn pictures_and_grids_are_as_libheif_shows_them() {
    for Sample { name, bytes, size, pdq } in FILES {
        assert_eq!(sniff(bytes), Some(Format::Heic));
        let header = probe(bytes).unwrap();
        assert_eq!((header.width, header.height), size, "{name}");
        let picture = whole(bytes).unwrap();
        assert_eq!((picture.width(), picture.height()), size, "{name}");
        let distance = hash(&picture, Mode::Full).pdq.distance(&Pdq::from_hex(pdq).unwrap());
        println!("{name}: {distance} bits");
        // Smooth pictures of little quality: rounding of the colours moves more than on photographs.
        assert!(distance <= 10, "{name}: {distance} bits");
    }
}

#[test]
fn a_file_cut_short_is_an_error_or_the_same_picture() {
    for Sample { name, bytes, .. } in FILES {
        let expected = whole(bytes).unwrap();
        let mut errors = 0;
        for length in 0..bytes.len() {
            match whole(&bytes[..length]) {
                Some(picture) => assert_eq!(picture, expected, "{name}, {length} bytes"),
                None => errors += 1,
            }
        }
        assert!(errors + 4 >= bytes.len(), "{name}: {errors} of {}", bytes.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn spoiled_files_never_panic(
        which in 0..FILES.len(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = FILES[which].bytes.to_vec();
        let length = bytes.len();
        flips.iter().for_each(|(at, value)| bytes[at.index(length)] = *value);
        fuzz::decode(&bytes);
    }
}
