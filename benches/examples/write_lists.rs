//! Writes a made-up list and queries, for `lykta` and for the scripts in `peers/` alike.
#![forbid(unsafe_code)]

use lykta_benches::{List, write_list, write_queries};

const USAGE: &str = "usage: write_lists random|clustered|family HASHES QUERIES LIST-FILE QUERY-FILE";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, hashes, asked, list_file, query_file] = arguments.as_slice() else { return Err(USAGE.into()) };
    let kind = List::ALL.into_iter().find(|list| list.name() == kind).ok_or(USAGE)?;
    let list = kind.hashes(hashes.parse()?);
    write_list(list_file, &list)?;
    write_queries(query_file, &kind.queries(&list, asked.parse()?))?;
    Ok(())
}
