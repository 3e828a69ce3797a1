//! Inputs that once broke something, kept for ever.

use std::fs;
use std::path::Path;

#[test]
fn what_fuzzing_found_stays_fixed() {
    for folder in ["list_csv", "list_formats"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/fuzz").join(folder);
        let files: Vec<_> = fs::read_dir(&folder).unwrap().collect();
        assert!(!files.is_empty(), "{}", folder.display());
        for file in files {
            let path = file.unwrap().path();
            println!("{}", path.display());
            let data = fs::read(path).unwrap();
            lykta_list::fuzz::list_csv(&data);
            lykta_list::fuzz::list_formats(&data);
            lykta_list::propose(&data);
        }
    }
}
