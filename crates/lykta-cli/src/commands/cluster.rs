//! `lykta cluster`.

mod lines;
mod pictures;

use std::fmt::Display;
use std::fs::File;
use std::num::NonZeroUsize;
use std::path::Path;
use std::thread;

use anyhow::anyhow;
use lykta::scan::{EntryItems, FamilyItems, FamilyOptions, LeftOut, find_families};
use lykta::source::Locator;
use lykta::{Decisions, Digest};

use self::lines::Lines;
use self::pictures::Pictures;
use crate::STOPPED;
use crate::args::ClusterArgs;
use crate::countdown::Countdown;
use crate::interrupt;
use crate::known::{Load, open_indexes};
use crate::say::note;

/// Some file could not be examined.
const INCOMPLETE: u8 = 3;

pub(crate) fn run(args: &ClusterArgs) -> anyhow::Result<u8> {
    let decisions = args.decisions.as_deref().map(read_decisions).transpose()?;
    let jobs = args.jobs.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
    if args.index.is_empty() {
        let stop = interrupt::orderly();
        let Some(pictures) = Pictures::hash(args, jobs, stop)? else { return Ok(STOPPED) };
        return group(args, jobs, &pictures, decisions.as_ref());
    }
    let indexes = open_indexes(&args.index, Load::Mapped)?;
    if !args.quiet {
        note("reading the entries");
    }
    let entries = EntryItems::new(&indexes);
    group(args, jobs, &entries, decisions.as_ref())
}

/// Reads a file of decisions. Whatever is wrong with it is told, line by line.
pub(crate) fn read_decisions(path: &Path) -> anyhow::Result<Decisions> {
    let shown = Locator::from_path(path);
    let file = File::open(path).map_err(|error| {
        anyhow!("cannot open the decisions {shown}: {error}; check the path and its permissions")
    })?;
    Decisions::read(file).map_err(|errors| told(&shown, errors))
}

/// The last of the errors of a file; the others are told first.
pub(crate) fn told(file: &Locator, mut errors: Vec<impl Display>) -> anyhow::Error {
    let last = errors.pop();
    errors.iter().for_each(|error| note(format_args!("{file}: {error}")));
    last.map_or_else(|| anyhow!("{file}: not read"), |error| anyhow!("{file}: {error}"))
}

/// What is to be grouped, and what is known of it.
pub(crate) trait Gathered {
    fn items(&self) -> &FamilyItems;
    fn about(&self, item: usize) -> About<'_>;
    fn apart(&self) -> Apart<'_>;
}

/// What is known of an item.
pub(crate) struct About<'a> {
    pub(crate) id: &'a str,
    /// The list that it comes from; a file has none.
    pub(crate) list: Option<&'a str>,
    pub(crate) size: Option<u64>,
    pub(crate) sha1: Option<Digest>,
    pub(crate) sha256: Option<Digest>,
}

/// What is not grouped.
#[derive(Default)]
pub(crate) struct Apart<'a> {
    /// Files that could not be examined, with the reasons.
    pub(crate) errors: &'a [(String, String)],
    pub(crate) not_pictures: u64,
    pub(crate) skipped: u64,
    /// JPEGs whose scans of colour alone were not read.
    pub(crate) not_all_read: u64,
    pub(crate) left_out: LeftOut,
}

impl Gathered for EntryItems<'_> {
    fn items(&self) -> &FamilyItems {
        &self.items
    }

    fn about(&self, item: usize) -> About<'_> {
        let entry = self.entry(item);
        About { id: &entry.id, list: Some(entry.list), size: None, sha1: entry.sha1, sha256: entry.sha256 }
    }

    fn apart(&self) -> Apart<'_> {
        Apart { left_out: self.left_out, ..Apart::default() }
    }
}

fn group(
    args: &ClusterArgs,
    jobs: NonZeroUsize,
    gathered: &dyn Gathered,
    decisions: Option<&Decisions>,
) -> anyhow::Result<u8> {
    let options = FamilyOptions { radius: args.radius, min_quality: args.min_quality, jobs };
    let countdown = Countdown::new(args.quiet, "grouped");
    let stop = interrupt::orderly();
    let progress = |done, all| countdown.set(done, all);
    let families = find_families(gathered.items(), &options, &progress, stop)?;
    drop(countdown);
    let Some(families) = families else { return Ok(STOPPED) };
    let summary = Lines { gathered, families: &families, decisions }.write(args.csv)?;
    if !args.quiet {
        summary.say();
    }
    Ok(if gathered.apart().errors.is_empty() { 0 } else { INCOMPLETE })
}
