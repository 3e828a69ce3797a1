//! What lies under testdata/ is what this program writes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use lykta::media::{Limits, decode, pdq};

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.strip_prefix(folder).unwrap().to_owned(), fs::read(path).unwrap());
            }
        }
    }
    files
}

#[test]
fn the_generated_files_are_those_in_the_repository() {
    let generated = tempfile::tempdir().unwrap();
    lykta_testdata::write_all(generated.path()).unwrap();
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for folder in ["demo", "pictures"] {
        let (fresh, stored) = (files(&generated.path().join(folder)), files(&testdata.join(folder)));
        assert_eq!(fresh.keys().collect::<Vec<_>>(), stored.keys().collect::<Vec<_>>());
        for (name, bytes) in &fresh {
            let same = *bytes == stored[name];
            assert!(same, "{folder}/{}: run `cargo run -p lykta-testdata -- testdata`", name.display());
        }
    }
}

#[test]
fn landscapes_have_enough_detail_for_a_perceptual_hash_and_differ() {
    let mut hashes = Vec::new();
    for seed in 0..60 {
        let mut file = b"P6 160 120 255\n".to_vec();
        file.extend(lykta_testdata::landscape(seed, 160, 120).into_raw());
        let hash = pdq::hash(&decode(&file, &Limits::default()).unwrap(), pdq::Mode::Full);
        assert!(hash.quality >= 80, "landscape {seed} has quality {}", hash.quality);
        hashes.push(hash.pdq);
    }
    for (i, left) in hashes.iter().enumerate() {
        for right in &hashes[..i] {
            assert!(left.distance(right) > 60, "{left} and {right}");
        }
    }
}
