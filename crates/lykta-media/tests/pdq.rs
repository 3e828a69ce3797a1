//! The matrix form of PDQ against its definition, on made pictures of awkward sizes.

use lykta_hash::Pdq;
use lykta_media::fuzz::{matrix_form_is_the_definition, transformed};
use lykta_media::pdq::{Mode, Variant, hash, variants};
use lykta_media::{Picture, Pixels};
use proptest::prelude::*;

/// Hills, an edge and some noise, so that frequencies differ and medians are clear.
fn landscape(width: u32, height: u32, channels: usize, seed: u32) -> Picture {
    let mut state = seed | 1;
    let mut samples = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let (u, v) = (f64::from(x) / f64::from(width), f64::from(y) / f64::from(height));
            let hills = (9.0 * u + 3.0 * v + f64::from(seed % 7)).sin() + (5.0 * v * v - 4.0 * u).cos();
            let edge = if u + 2.0 * v > 1.3 { 60.0 } else { 0.0 };
            for channel in 0..channels {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = f64::from(state >> 28);
                samples.push((80.0 + 35.0 * hills + edge + noise + 10.0 * channel as f64) as u8);
            }
        }
    }
    let pixels = if channels == 1 { Pixels::Grey(samples) } else { Pixels::Rgb(samples) };
    Picture::new(width, height, pixels).expect("as many samples as that")
}

/// Sizes where window, centre or shortcut change.
const SIDES: [u32; 13] = [5, 6, 63, 64, 65, 127, 128, 129, 200, 255, 257, 512, 513];

#[test]
fn every_pair_of_awkward_sides_agrees_with_the_definition() {
    for (i, &width) in SIDES.iter().enumerate() {
        for (j, &height) in SIDES.iter().enumerate() {
            let channels = if (i + j) % 2 == 0 { 1 } else { 3 };
            matrix_form_is_the_definition(
                &landscape(width, height, channels, width + height),
                Mode::Full,
                1e-3,
            );
        }
    }
}

#[test]
fn every_pair_of_small_sides_agrees_with_the_definition() {
    for width in 1..=70 {
        for height in 1..=70 {
            let channels = if (width + height) % 3 == 0 { 3 } else { 1 };
            let picture = landscape(width, height, channels, 71 * width + height);
            matrix_form_is_the_definition(&picture, Mode::Full, 1e-3);
        }
    }
}

#[test]
fn shrinking_first_is_in_the_weights() {
    for (width, height) in [(512, 512), (513, 5), (700, 64), (64, 1025), (1025, 513), (640, 2000)] {
        for channels in [1, 3] {
            matrix_form_is_the_definition(&landscape(width, height, channels, height), Mode::Cli512, 1e-3);
        }
    }
}

#[test]
fn a_picture_with_a_tiny_side_has_no_hash() {
    for (width, height) in [(1, 1), (4, 500), (500, 4)] {
        let picture = landscape(width, height, 1, 3);
        for mode in [Mode::Full, Mode::Cli512] {
            assert_eq!((hash(&picture, mode).pdq, hash(&picture, mode).quality), (Pdq([0; 32]), 0));
            assert_eq!(variants(&picture, mode).hashes, [Pdq([0; 32]); 8]);
        }
    }
}

#[test]
fn a_flat_picture_is_of_no_quality() {
    for value in [0, 1, 128, 255] {
        let picture = Picture::new(300, 200, Pixels::Grey(vec![value; 60_000])).unwrap();
        assert_eq!(hash(&picture, Mode::Full).quality, 0);
    }
}

#[test]
fn turning_a_picture_permutes_its_views() {
    let picture = landscape(301, 203, 3, 5);
    let original = variants(&picture, Mode::Full).hashes;
    let turned = variants(&transformed(&picture, Variant::Rot90), Mode::Full).hashes;
    // Turned once more, twice more and three times more.
    assert!(turned[0].distance(&original[1]) <= 1);
    assert!(turned[1].distance(&original[2]) <= 1);
    assert!(turned[2].distance(&original[3]) <= 1);
    assert!(turned[3].distance(&original[0]) <= 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_matrix_form_is_the_definition(
        (width, height, seed) in (1u32..600, 1u32..600, any::<u32>()), rgb in any::<bool>(), cli in any::<bool>(),
    ) {
        let picture = landscape(width, height, if rgb { 3 } else { 1 }, seed);
        matrix_form_is_the_definition(&picture, if cli { Mode::Cli512 } else { Mode::Full }, 1e-3);
    }

    #[test]
    fn any_bytes_as_pixels_too(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        lykta_media::fuzz::pdq_matrix(&bytes);
    }
}
