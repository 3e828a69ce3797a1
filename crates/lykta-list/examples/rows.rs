//! Reads a list, says what became of its rows and how fast: `rows LIST [FORMAT]`.

use std::error::Error;
use std::fs::File;
use std::time::Instant;

use lykta_list::{ReadOptions, Reader, Tally};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("give the path of a list")?;
    let format = arguments.next().map(|name| name.parse()).transpose()?;
    let options = ReadOptions { format, path: Some(path.clone().into()), ..ReadOptions::default() };
    let start = Instant::now();
    let mut tally = Tally::default();
    for row in Reader::new(File::open(path)?, &options)? {
        tally.add(&row?);
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("{} rows, {} accepted, rejected {:?}", tally.rows, tally.accepted, tally.rejected);
    println!("{seconds:.2} s, {:.2} million rows/s", tally.rows as f64 / seconds / 1e6);
    Ok(())
}
