//! Writes a made-up list and queries, for `lykta` and for the scripts in `peers/` alike.
#![forbid(unsafe_code)]

use std::fs::File;
use std::io::{self, BufWriter, Write};

use lykta::Pdq;
use lykta_benches::{List, queries};

const USAGE: &str = "usage: write_lists HASHES QUERIES LIST-FILE QUERY-FILE";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [hashes, asked, list_file, query_file] = arguments.as_slice() else { return Err(USAGE.into()) };
    let list = List::Clustered.hashes(hashes.parse()?);
    write(list_file, "", &list)?;
    write(query_file, "pdq:", &queries(&list, asked.parse()?))?;
    Ok(())
}

fn write(path: &str, prefix: &str, hashes: &[Pdq]) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for hash in hashes {
        writeln!(file, "{prefix}{hash}")?;
    }
    file.flush()
}
