//! Inputs that once broke something, and seeds of fuzzing, replayed.

use std::path::Path;

#[test]
fn index_open() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/fuzz/index_open");
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        println!("{}", path.display());
        lykta_index::fuzz::open_and_query(&std::fs::read(&path).unwrap());
    }
}
