//! Inputs that once broke something, and seeds of fuzzing, replayed.

use std::path::Path;

#[test]
fn hex() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/fuzz/hex");
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        println!("{}", path.display());
        lykta_hash::fuzz::hex(&std::fs::read(&path).unwrap());
    }
}
