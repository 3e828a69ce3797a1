//! Matches an uploaded file that is only in memory, as a platform would at its door.
//!
//! Run with `cargo run -p lykta --example match_upload`.

use lykta::{BuildOptions, Builder, Index, ListOptions, Options, Scanner, add_list};

const LIST: &[u8] = include_bytes!("../../../testdata/demo/list.csv");

/// What a stranger sends: a known picture, mirrored and compressed again, and one that is not known.
const UPLOADS: [(&str, &[u8]); 2] = [
    ("upload 1", include_bytes!("../../../testdata/demo/dump/downloads/chat/mirrored.jpg")),
    ("upload 2", include_bytes!("../../../testdata/demo/dump/camera/IMG_0002.jpg")),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A service would open a file that `lykta index build` made: Index::open(path).
    let mut builder = Builder::new(BuildOptions::default());
    add_list(&mut builder, &ListOptions { name: "list.csv".into(), ..ListOptions::default() }, LIST)?;
    let index = Index::new(builder.into_bytes()?)?;

    // Made once, used for every upload and from every thread.
    let scanner = Scanner::new(&index, Options::default());
    for (name, bytes) in UPLOADS {
        let record = scanner.examine_bytes(name, bytes);
        println!("{name}: {}", record.outcome);
        for found in &record.matches {
            let view = found.view.map_or("digest", |view| view.name());
            println!("  {} of {}: {} bits, {view}", found.entry, found.list, found.distance);
        }
        // A picture that could not be examined is no result: somebody has to look into it.
        if let Some(problem) = &record.problem {
            println!("  not examined: {}: {}", problem.reason, problem.detail);
        }
    }
    Ok(())
}
