//! Times the questions of a file to an index of any size, inside one process: reading the questions
//! and printing answers are not in the times, as they are in those of `lykta query`.
//!
//! QUERIES has one `kind:hexadecimal` a line, all `pdq:` or all digests. They are asked one by one
//! and BATCH at a time, twice each: in the first round the process meets pages of the index for the
//! first time.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use lykta::index::Mapped;
use lykta::{Digest, Hash, Index, Pdq};

const USAGE: &str = "usage: index_speed INDEX QUERIES BATCH [RADIUS] [FIRST-N]";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (index, queries, batch, radius, first) = match arguments.as_slice() {
        [index, queries, batch] => (index, queries, batch, "31", None),
        [index, queries, batch, radius] => (index, queries, batch, radius.as_str(), None),
        [index, queries, batch, radius, first] => (index, queries, batch, radius.as_str(), Some(first)),
        _ => return Err(USAGE.into()),
    };
    let (batch, radius): (usize, u32) = (batch.parse::<usize>()?.max(1), radius.parse()?);
    let first = first.map_or(Ok(usize::MAX), |first| first.parse())?;
    let text = fs::read_to_string(queries)?;
    let hashes: Vec<Hash> = text.lines().take(first).map(parse).collect::<Result<_, _>>()?;

    let start = Instant::now();
    let index = Index::open(Path::new(index))?;
    println!("open {:.3} ms", start.elapsed().as_secs_f64() * 1e3);
    let pdqs: Vec<Pdq> =
        hashes.iter().filter_map(|hash| if let Hash::Pdq(pdq) = hash { Some(*pdq) } else { None }).collect();
    let digests: Vec<Digest> = hashes
        .iter()
        .filter_map(|hash| if let Hash::Digest(digest) = hash { Some(*digest) } else { None })
        .collect();
    if pdqs.len() == hashes.len() {
        println!("{}, radius {radius}", index.plan(radius).used);
        ask(&pdqs, 1, |pdqs| pdqs.iter().map(|pdq| index.near(pdq, radius).len()).sum());
        ask(&pdqs, batch, |pdqs| index.near_batch(pdqs, radius).iter().map(Vec::len).sum());
    } else if digests.len() == hashes.len() {
        ask(&digests, 1, |digests| digests.iter().map(|digest| index.exact(digest).count()).sum());
        ask(&digests, batch, |digests| exact_batch(&index, digests));
    } else {
        return Err("QUERIES: all of them must be pdq, or all of them digests".into());
    }
    Ok(())
}

fn parse(line: &str) -> Result<Hash, String> {
    line.trim().parse().map_err(|error| format!("{line}: {error}"))
}

fn exact_batch(index: &Index<Mapped>, digests: &[Digest]) -> usize {
    let mut found = 0;
    index.exact_batch(digests, |_, entries| found += entries.count());
    found
}

/// Asks all of `queries`, `batch` at a time, twice, and prints what it took.
fn ask<T>(queries: &[T], batch: usize, answers: impl Fn(&[T]) -> usize) {
    for round in 1..=2 {
        let mut found = 0;
        let mut times: Vec<Duration> = Vec::with_capacity(queries.len() / batch + 1);
        let start = Instant::now();
        for part in queries.chunks(batch) {
            let start = Instant::now();
            found += answers(part);
            times.push(start.elapsed());
        }
        let all = start.elapsed();
        let first = times.first().copied().unwrap_or_default();
        times.sort_unstable();
        let each = all.as_secs_f64() * 1e9 / queries.len().max(1) as f64;
        let median = times.get(times.len() / 2).copied().unwrap_or_default();
        let worst = times.last().copied().unwrap_or_default();
        println!(
            "batch {batch} round {round}: {each:.0} ns a query, {:.0} queries/s; a batch: first {first:?} median {median:?} \
             worst {worst:?}; {} queries {found} found",
            1e9 / each,
            queries.len(),
        );
    }
}
