//! Inputs that once broke something, and seeds of fuzzing, replayed.

#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

use std::path::Path;

fn replay(target: &str, property: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/fuzz").join(target);
    let Ok(files) = std::fs::read_dir(&folder) else { return };
    for file in files {
        let path = file.unwrap().path();
        println!("{}", path.display());
        property(&std::fs::read(&path).unwrap());
    }
}

#[test]
fn media_decode() {
    replay("media_decode", lykta_media::fuzz::decode);
    replay("media_decode", lykta_media::fuzz::hash_file);
}

/// What libjpeg makes of it is compared in tests/jpeg.rs and by the fuzzer.
#[test]
fn jpeg() {
    replay("jpeg", lykta_media::fuzz::decode);
    replay("jpeg", lykta_media::fuzz::hash_file);
}

#[test]
fn pdq_matrix() {
    replay("pdq_matrix", lykta_media::fuzz::pdq_matrix);
}
