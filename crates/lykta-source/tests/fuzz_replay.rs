//! Inputs that once broke something, kept for ever, and what becomes of them when bytes are turned.

#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

use std::fs;
use std::path::Path;

use proptest::prelude::*;

fn inputs() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/fuzz/containers");
    let mut files = fs::read_dir(&folder)
        .unwrap()
        .map(|file| {
            let path = file.unwrap().path();
            (path.display().to_string(), fs::read(path).unwrap())
        })
        .collect::<Vec<_>>();
    files.sort();
    files
}

#[test]
fn what_fuzzing_found_stays_fixed() {
    let inputs = inputs();
    assert!(inputs.len() >= 10);
    for (name, data) in inputs {
        println!("{name}");
        lykta_source::fuzz::containers(&data);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn spoiled_inputs_keep_the_properties(
        input in any::<proptest::sample::Index>(),
        spoiled in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..4),
        cut in proptest::option::of(any::<proptest::sample::Index>()),
    ) {
        let inputs = inputs();
        let (_, mut data) = inputs[input.index(inputs.len())].clone();
        for (at, with) in spoiled {
            let at = at.index(data.len());
            data[at] = with;
        }
        data.truncate(cut.map_or(data.len(), |cut| cut.index(data.len())));
        lykta_source::fuzz::containers(&data);
    }
}
