//! What can be typed behind `lykta cluster`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::{HashViewsArg, jobs, radius, size};

#[derive(Args, Debug)]
#[command(
    after_help = "Groups near-duplicates, so that a person looks at each picture only once. Every member is within the
radius of its family's representative, by its hash or by that of a view of it (rotated, mirrored,
without borders).
One JSON line an item, the largest family first, its representative first, and a summary as the last
line; families of one are there, too. The same output for any number of threads.

--csv writes the same as a table with empty columns decision, scheme, code, by, at and viewed: filled in
(decision is match, note, ignore or none; at is a time such as 2026-03-01T09:30:00Z; viewed is yes or
no), it is the FILE of --decisions, here and of `lykta list add`. With --decisions, what was decided on a
representative is proposed for members without a decision; nothing is decided by the program.

Exit code 0; 3 when some file could not be examined; 2 when not started or stopped early.

Examples:
  lykta cluster evidence/ > families.jsonl
  lykta cluster --csv evidence/ > families.csv
  lykta cluster --views crops evidence/ > families.jsonl
  lykta cluster --decisions families.csv evidence/
  lykta cluster --index list.lykta --index monday.lykta --radius 20"
)]
pub(crate) struct ClusterArgs {
    /// Group the entries of this index file instead of files; several are taken as one
    #[arg(long, value_name = "INDEX", required_unless_present = "paths", conflicts_with = "paths")]
    pub(crate) index: Vec<PathBuf>,
    /// Largest distance of a member from its representative, in bits
    #[arg(long, value_name = "pdq=BITS", value_parser = radius, default_value = "pdq=31")]
    pub(crate) radius: u32,
    /// Least PDQ quality that is compared, 0 to 100; what is below is a family of its own
    #[arg(long, value_name = "QUALITY", value_parser = clap::value_parser!(u8).range(0..=100), default_value_t = 50)]
    pub(crate) min_quality: u8,
    /// Threads; all processors when not given
    #[arg(long, value_name = "N", value_parser = jobs)]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Memory that pictures may take at once while they are hashed, in all threads together
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "192M")]
    pub(crate) memory: u64,
    /// Compare parts of pictures too: cut copies and those with a band laid over them join; takes several
    /// times as long
    #[arg(long, value_enum, value_name = "VIEWS", conflicts_with = "index")]
    pub(crate) views: Option<HashViewsArg>,
    /// Write CSV, to be filled in with decisions, instead of JSON lines
    #[arg(long)]
    pub(crate) csv: bool,
    /// What was decided already: a CSV file with columns id, decision, scheme, code, by, at and viewed
    #[arg(long, value_name = "FILE")]
    pub(crate) decisions: Option<PathBuf>,
    /// No progress, no summary on standard error
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Accepted for uniformity: JSON lines are what is printed anyway
    #[arg(long, conflicts_with = "csv")]
    pub(crate) json: bool,
    /// Files and folders
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
}
