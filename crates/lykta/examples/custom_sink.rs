//! Scans a folder and hands every record to a sink of one's own: here, one that counts outcomes
//! and keeps what was found for a queue.
//!
//! Run with `cargo run -p lykta --example custom_sink`, or name a folder behind `--`.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use lykta::scan::Progress;
use lykta::source::{WalkOptions, check_roots, walk};
use lykta::{BuildOptions, Builder, Index, ListOptions, Options, Record, Scanner, Sink, add_list};

const LIST: &[u8] = include_bytes!("../../../testdata/demo/list.csv");

/// Called from one thread at a time, in no particular order.
#[derive(Default)]
struct Queue {
    outcomes: BTreeMap<&'static str, usize>,
    found: Vec<String>,
}

impl Sink for Queue {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        *self.outcomes.entry(record.outcome.name()).or_default() += 1;
        if record.is_found() {
            self.found.push(record.locator.join("!"));
        }
        // An error here, such as a queue that is gone, would end the scan.
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/demo/dump");
    let roots = [std::env::args_os().nth(1).map_or_else(|| demo.into(), PathBuf::from)];
    check_roots(&roots)?;

    let mut builder = Builder::new(BuildOptions::default());
    add_list(&mut builder, &ListOptions { name: "list.csv".into(), ..ListOptions::default() }, LIST)?;
    let index = Index::new(builder.into_bytes()?)?;

    let mut queue = Queue::default();
    // Another thread may read the progress, or set `stop` to end the scan.
    let (progress, stop) = (Progress::default(), AtomicBool::new(false));
    let items = walk(&roots, &WalkOptions::default());
    let summary = Scanner::new(&index, Options::default()).run(items, &mut queue, &progress, &stop)?;

    for (outcome, items) in &queue.outcomes {
        println!("{outcome}: {items}");
    }
    // Threads finish in any order; who wants the same order every time sorts.
    queue.found.sort();
    for path in &queue.found {
        println!("queued: {path}");
    }
    println!("{}", summary.sentence());
    Ok(())
}
