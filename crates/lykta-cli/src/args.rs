//! What can be typed, and what it is checked to mean.

mod cluster;
mod containers;
mod lists;
mod report;
mod serve;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use lykta::hash::Bits64;
use lykta::scan::{Band, Language};
use lykta::{Kind, Pdq};

pub(crate) use cluster::ClusterArgs;
pub(crate) use containers::ContainerArgs;
pub(crate) use lists::{
    AddArgs, ApplyArgs, CodesArgs, ConvertArgs, ConvertTo, InspectArgs, ListCommand, ReadArgs,
};
pub(crate) use report::{ReportCommand, ReportVerifyArgs};
pub(crate) use serve::{AuditArgs, ServeArgs, ServeCommand, TokenArgs};

/// Finds known pictures by comparing hashes, so that people do not have to look at them.
#[derive(Debug, Parser)]
#[command(name = "lykta", version, long_version = LONG_VERSION, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Version, commit and target: build.rs gives the last two.
const LONG_VERSION: &str =
    concat!(env!("CARGO_PKG_VERSION"), "\ncommit ", env!("LYKTA_COMMIT"), "\ntarget ", env!("LYKTA_TARGET"));

const EXAMPLES: &str = "Examples:
  lykta demo                                          see it work, on bundled material
  lykta index build -o list.lykta list.csv            make an index of a hash list
  lykta scan --index list.lykta -o report evidence/   find what the list knows

Exit codes of scan, query and demo: 0 nothing found, 1 found; 3 and 4 the same but something could
not be examined; 2 not started or stopped early. A result of 0 means \"no match in the lists given\".";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build, describe and check index files
    #[command(subcommand, after_help = "Example:\n  lykta index build -o list.lykta known.csv")]
    Index(IndexCommand),
    /// Compare two files in every kind of hash and every view
    Compare(CompareArgs),
    /// Compute digests and PDQ hashes of files
    Hash(HashArgs),
    /// Look hashes up in an index
    Query(QueryArgs),
    /// Scan files and folders for what the lists know
    Scan(ScanArgs),
    /// Group near-duplicates, so that each is looked at once
    Cluster(ClusterArgs),
    /// Work on hash lists
    #[command(subcommand, after_help = "Example:\n  lykta list add --decisions families.csv local.csv")]
    List(ListCommand),
    /// Check reports of scans
    #[command(subcommand, after_help = "Example:\n  lykta report verify report")]
    Report(ReportCommand),
    /// Answer over HTTP whether files and hashes are known
    Serve(Box<ServeArgs>),
    /// Show how it works, on a bundled list and a bundled dump
    Demo(DemoArgs),
    /// List the formats that are read, and what of them is not
    Formats(FormatsArgs),
    /// Scan a dump whose contents are known, and compare: a validation to be filed
    Selftest(SelftestArgs),
    /// Examine items for a scan that started this process
    #[command(hide = true)]
    Worker,
    /// Print a completion script for a shell
    #[command(
        after_help = "Example:\n  lykta completions bash > ~/.local/share/bash-completion/completions/lykta"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum IndexCommand {
    /// Build an index from hash lists
    Build(Box<BuildArgs>),
    /// Say what an index holds
    Info(InfoArgs),
    /// Make one index out of several
    Merge(MergeArgs),
    /// Check an index from its first byte to its last
    Verify(VerifyArgs),
}

#[derive(Args, Debug)]
#[command(
    after_help = "Lists are what partners give: Project VIC, CAID, ICSE, NSRL, NCMEC, ThreatExchange, StopNCII, hashdeep,
md5sum and more (`lykta list inspect` says which), also in gzip, zstd or zip; CSV files with a header row
(columns out of id, path, md5, sha1, sha256, blake3, pdq, pdq_quality, phash, dhash, size, view,
label_scheme, label_version, label_code, series, photodna, victim_identified, categorised); plain files with one hash a
line. A LIST of - is read from standard input.

A list that sorts its entries by codes needs --codes or --codes-file: without a word on each code nothing
is built, and the codes are printed with their counts and published names.

Examples:
  lykta index build -o list.lykta known.csv
  lykta index build -o list.lykta --match known.csv --ignore system-files.txt
  lykta index build -o vic.lykta --codes 'match=1,2 note=3 ignore=0' hashset.json
  lykta hash --csv pictures/ | lykta index build -o mine.lykta -
  lykta index build -o pdq.lykta --format pdq --near mih hashes.txt
  lykta index build -o today.lykta --list-radius new.csv=24 --retract withdrawn.csv new.csv"
)]
pub(crate) struct BuildArgs {
    /// The index file to write; an old one is replaced when the new one is complete
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// A list of what is to be found; may be given several times
    #[arg(long = "match", value_name = "LIST")]
    pub(crate) matches: Vec<PathBuf>,
    /// A list of files of no interest; acts on digests only
    #[arg(long = "ignore", value_name = "LIST")]
    pub(crate) ignores: Vec<PathBuf>,
    /// Lists of what is to be found, as with --match
    #[arg(value_name = "LIST")]
    pub(crate) lists: Vec<PathBuf>,
    /// Take ignore lists although they classify entries
    #[arg(long)]
    pub(crate) ignore_classified: bool,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    #[command(flatten)]
    pub(crate) codes: CodesArgs,
    /// The structure for near search
    #[arg(long, value_enum, default_value_t = NearArg::Auto)]
    pub(crate) near: NearArg,
    /// The radius to be fast at; any other has an exact answer too
    #[arg(long, value_name = "pdq=BITS", value_parser = radius, default_value = "pdq=31")]
    pub(crate) near_radius: u32,
    /// Largest distance at which entries of a list match by likeness, in bits; LIST is its name in
    /// results
    #[arg(long, value_name = "LIST=BITS", value_parser = list_radius)]
    pub(crate) list_radius: Vec<(String, u32)>,
    /// Least PDQ quality at which entries of a list match by likeness, 0 to 100; LIST is its name in
    /// results
    #[arg(long, value_name = "LIST=QUALITY", value_parser = list_quality)]
    pub(crate) list_min_quality: Vec<(String, u8)>,
    /// Entries of indexes given before this one that count no longer: a CSV file with the header
    /// list,entry; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) retract: Vec<PathBuf>,
    /// Memory for hashes before temporary files in the folder of OUT take them: 64M or more; about
    /// 256M come on top
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "1G")]
    pub(crate) memory: u64,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// No progress
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Args, Debug)]
#[command(
    after_help = "The new index answers as all of them together do when they are given in the same order: entries that a
later one retracts are left out. Lists keep their counts; retractions are kept for indexes that will
be given before this one.

Example:
  lykta index merge -o all.lykta base.lykta monday.lykta tuesday.lykta"
)]
pub(crate) struct MergeArgs {
    /// The index file to write; an old one is replaced when the new one is complete
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// Index files, the base first and the newest last
    #[arg(required = true, value_name = "INDEX")]
    pub(crate) indexes: Vec<PathBuf>,
    /// The structure for near search
    #[arg(long, value_enum, default_value_t = NearArg::Auto)]
    pub(crate) near: NearArg,
    /// The radius to be fast at; the largest of the indexes' when not given
    #[arg(long, value_name = "pdq=BITS", value_parser = radius)]
    pub(crate) near_radius: Option<u32>,
    /// Memory for hashes before temporary files in the folder of OUT take them: 64M or more; about
    /// 256M come on top
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "1G")]
    pub(crate) memory: u64,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// No progress
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum NearArg {
    /// BK-tree: for small radii
    Bk,
    /// Multi-index hashing: for long lists
    Mih,
    /// Every hash compared: for short lists
    Flat,
    /// Whichever costs least
    Auto,
}

#[derive(Args, Debug)]
#[command(after_help = "Example:\n  lykta index info list.lykta --json")]
pub(crate) struct InfoArgs {
    /// The index file
    pub(crate) index: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Accepted for uniformity: there is no progress to be quiet about
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Exit code 0 when every check passed, 2 otherwise.\n\nExample:\n  lykta index verify list.lykta"
)]
pub(crate) struct VerifyArgs {
    /// The index file
    pub(crate) index: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Print nothing when every check passed
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Each picture is looked up in a list of the other, as a scan does it: whole, without borders, its
upper and lower part, turned and mirrored, with the other's whole and parts. docs/matching.md explains
distances and bands.
Exit code 0 no match, 1 same bytes or a near match; 3 and 4 the same when a picture could not be
examined; 2 not started.

Examples:
  lykta compare reported.jpg known.jpg
  lykta compare --json a.png b.png"
)]
pub(crate) struct CompareArgs {
    /// A file
    #[arg(value_name = "A")]
    pub(crate) first: PathBuf,
    /// Another
    #[arg(value_name = "B")]
    pub(crate) second: PathBuf,
    /// Largest distance of PDQ hashes, in bits
    #[arg(long, value_name = "pdq=BITS", value_parser = radius, default_value = "pdq=31")]
    pub(crate) radius: u32,
    /// Least PDQ quality of both, 0 to 100
    #[arg(long, value_name = "QUALITY", value_parser = clap::value_parser!(u8).range(0..=100), default_value_t = 50)]
    pub(crate) min_quality: u8,
    /// Memory that a picture may take: 100M, 4G
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "192M")]
    pub(crate) memory: u64,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Accepted for uniformity: there is no progress to be quiet about
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Args, Debug)]
#[command(
    after_help = "One JSON line a file; --csv writes a list that `lykta index build` takes. Links are not followed.
Exit code 0; 3 when some file could not be hashed; 2 when stopped early.

Examples:
  lykta hash picture.jpg
  lykta hash --kind sha256,pdq --csv pictures/ > list.csv
  lykta hash --views crops --csv pictures/ > list-that-finds-cut-copies.csv"
)]
pub(crate) struct HashArgs {
    /// Kinds of hash, separated by commas: md5, sha1, sha256, blake3, pdq; all when not given
    #[arg(long, value_delimiter = ',', value_name = "KIND,...", value_parser = computed_kind)]
    pub(crate) kind: Vec<Kind>,
    /// Pixels that PDQ looks at: all of them, or those that Meta's command line keeps
    #[arg(long, value_enum, default_value_t = PdqModeArg::Full)]
    pub(crate) pdq_mode: PdqModeArg,
    /// Hashes of parts of pictures too, for a list: copies that were cut, or had a band laid over them,
    /// match one of these
    #[arg(long, value_enum, value_name = "VIEWS")]
    pub(crate) views: Option<HashViewsArg>,
    /// Write CSV instead of JSON lines
    #[arg(long)]
    pub(crate) csv: bool,
    /// Files at a time; all processors when not given
    #[arg(long, value_name = "N", value_parser = jobs)]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Memory that pictures may take at once, in all threads together: 100M, 4G; one that needs more
    /// is not decoded
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "192M")]
    pub(crate) memory: u64,
    /// No progress
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Accepted for uniformity: JSON lines are what is printed anyway
    #[arg(long, conflicts_with = "csv")]
    pub(crate) json: bool,
    /// Files and folders
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum HashViewsArg {
    /// The middle, all but a band at the top or bottom, what is within borders
    Crops,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PdqModeArg {
    /// All pixels, the definition
    Full,
    /// 512 x 512 pixels, when either side is longer
    Cli512,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Without HASH, one is read from each line of standard input. One JSON line a hash, in the order given.
Exit code as scan: 0 nothing found, 1 found, 3 and 4 the same when some line was no
hash that can be compared, 2 not started or stopped early. Of the index files only header and section
table are checked: use `lykta index verify` after copying one.

An answer by distance says in expected_random_hits how many hits chance alone gives among
evenly spread hashes, at the widest radius in force. Matches by
phash and dhash carry \"support\": true: they support other matches and never count as found.

Examples:
  lykta query list.lykta sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709
  lykta query list.lykta --radius 40 < hashes.txt
  lykta query list.lykta --radius phash=6 phash:c3d1e0f0a5b49687
  lykta query base.lykta --index monday.lykta --dispute contested.csv < hashes.txt
  lykta query list.lykta --explain --jobs 1 < hashes.txt"
)]
pub(crate) struct QueryArgs {
    /// The index file
    #[arg(value_name = "INDEX")]
    pub(crate) index: PathBuf,
    /// Further index files, asked as well; what a later one retracts does not match
    #[arg(long = "index", value_name = "MORE")]
    pub(crate) more: Vec<PathBuf>,
    /// Largest distance of PDQ hashes, in bits, for any list; when not given each list's own, else 31.
    /// For hashes of 64 bits phash=BITS or dhash=BITS must be given; may be given once for each kind
    #[arg(long, value_name = "KIND=BITS", value_parser = radius_of_kind)]
    pub(crate) radius: Vec<(Kind, u32)>,
    /// Least PDQ quality of entries compared by likeness, where the list gives one, 0 to 100
    #[arg(long, value_name = "QUALITY", value_parser = clap::value_parser!(u8).range(0..=100), default_value_t = 0)]
    pub(crate) min_quality: u8,
    /// Read the indexes into memory before the first question, on huge pages where the system can:
    /// for indexes that were copied here, and for disks that are slow
    #[arg(long)]
    pub(crate) preload: bool,
    /// Say in each answer by PDQ what the search did in each index, and where its time went
    #[arg(long)]
    pub(crate) explain: bool,
    /// Mark matches with the entries that this CSV file names (header: list,entry) as disputed
    #[arg(long, value_name = "FILE")]
    pub(crate) dispute: Option<PathBuf>,
    /// Threads that answer; all processors when not given
    #[arg(long, value_name = "N", value_parser = jobs)]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Accepted for uniformity: JSON lines are what is printed anyway
    #[arg(long)]
    pub(crate) json: bool,
    /// No notes on standard error
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Hashes, each as kind:hexadecimal
    #[arg(value_name = "HASH")]
    pub(crate) hashes: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BandArg {
    /// Nothing unrelated came as near in measurements
    Strong,
    /// No unrelated photograph did
    Medium,
    /// Any within the radius
    Weak,
}

impl From<BandArg> for Band {
    fn from(band: BandArg) -> Self {
        match band {
            BandArg::Strong => Self::Strong,
            BandArg::Medium => Self::Medium,
            BandArg::Weak => Self::Weak,
        }
    }
}

#[derive(Args, Debug)]
#[command(
    after_help = "With -o, DIR holds findings.jsonl, errors.jsonl, summary.json, report.html, log.jsonl and manifest.json;
`lykta report verify DIR` checks it later.
Without, findings and summary go to standard output and errors to standard error.
Nothing that is scanned is ever changed.

Examples:
  lykta scan --index list.lykta -o report evidence/
  lykta scan --index base.lykta --index monday.lykta -o report evidence/
  lykta scan --index list.lykta --case 2024-117 --operator 'A. Lind' --lang sv -o report evidence/
  lykta scan --index list.lykta --redact-names --report jsonl,csv,html -o report evidence/
  lykta scan --index list.lykta --radius pdq=24 --jobs 8 picture.jpg
  lykta scan --index list.lykta --report jsonl,csv --record all -o report /mnt/disk
  lykta scan --index list.lykta --profile --memory 1G -o report /mnt/disk
  lykta scan --isolate --index list.lykta -o report /mnt/disk
  lykta scan --resume --index list.lykta -o report /mnt/disk"
)]
pub(crate) struct ScanArgs {
    /// An index file; several are asked as one, and what a later one retracts does not match
    #[arg(long, required = true, value_name = "INDEX")]
    pub(crate) index: Vec<PathBuf>,
    /// Folder for the results: made, or empty
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Largest distance of PDQ hashes, in bits, for any list; when not given each list's own, else 31
    #[arg(long, value_name = "pdq=BITS", value_parser = radius)]
    pub(crate) radius: Option<u32>,
    /// Least PDQ quality of pictures and entries compared by likeness, 0 to 100
    #[arg(long, value_name = "QUALITY", value_parser = clap::value_parser!(u8).range(0..=100), default_value_t = 50)]
    pub(crate) min_quality: u8,
    /// The weakest band of matches by likeness that counts as found; weaker ones are reported as
    /// below_band
    #[arg(long, value_enum, value_name = "BAND", default_value_t = BandArg::Weak)]
    pub(crate) band: BandArg,
    /// Read the indexes into memory before the first question, on huge pages where the system can:
    /// for indexes that were copied here, and for disks that are slow
    #[arg(long)]
    pub(crate) preload: bool,
    /// Mark matches with the entries that this CSV file names (header: list,entry) as disputed
    #[arg(long, value_name = "FILE")]
    pub(crate) dispute: Option<PathBuf>,
    /// Point out entries that more items match than this; 0 for never
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub(crate) warn_hits: u64,
    /// Items at a time; all processors when not given
    #[arg(long, value_name = "N", value_parser = jobs)]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Memory that pictures may take at once, in all threads together: 100M, 4G; one that needs more
    /// is compared by digests only
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "192M")]
    pub(crate) memory: u64,
    /// Say at the end where the time went, on standard error and, with -o, in profile.json
    #[arg(long)]
    pub(crate) profile: bool,
    /// Decode in worker processes with limits of memory and time and, on Linux, no files and no network: what
    /// crashes one costs one item
    #[arg(long)]
    pub(crate) isolate: bool,
    /// Compare digests only
    #[arg(long)]
    pub(crate) no_near: bool,
    /// Follow symbolic links that stay within the PATHs
    #[arg(long)]
    pub(crate) follow_links: bool,
    /// Folders deeper than this are recorded, not entered
    #[arg(long, value_name = "N")]
    pub(crate) max_depth: Option<usize>,
    /// Skip longer items: 500M, 4G
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) max_item_bytes: Option<u64>,
    /// Skip what comes after this many bytes: 500M, 4G
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) max_total_bytes: Option<u64>,
    #[command(flatten)]
    pub(crate) containers: ContainerArgs,
    /// Go on with a scan into DIR that was stopped, or killed, or cut off by a failing computer: with the same
    /// indexes, paths and settings, and unchanged files. Begins one where DIR is empty
    #[arg(long, requires = "output")]
    pub(crate) resume: bool,
    /// Also record items that are not findings; needs -o
    #[arg(long, value_enum, value_name = "WHAT", requires = "output")]
    pub(crate) record: Option<RecordArg>,
    /// Forms of the report, separated by commas; needs -o
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        value_name = "FORM,...",
        default_value = "jsonl,html",
        requires = "output"
    )]
    pub(crate) report: Vec<ReportArg>,
    /// What the case is called: in the manifest, the log and the page; needs -o
    #[arg(long, value_name = "TEXT", requires = "output")]
    pub(crate) case: Option<String>,
    /// Who scans: in the manifest, the log and the page; needs -o
    #[arg(long, value_name = "TEXT", requires = "output")]
    pub(crate) operator: Option<String>,
    /// Language of report.html
    #[arg(long, value_enum, value_name = "LANGUAGE", default_value_t = LangArg::En)]
    pub(crate) lang: LangArg,
    /// No file name or path of what is scanned in report.html and findings.csv: items by SHA-256 and
    /// size, entries by row; the other files have the names. Needs -o
    #[arg(long, requires = "output")]
    pub(crate) redact_names: bool,
    /// Print the summary as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// No progress, no table; of what is printed at the end only the manifest's digest
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Files and folders
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LangArg {
    /// English
    En,
    /// Swedish
    Sv,
}

impl From<LangArg> for Language {
    fn from(lang: LangArg) -> Self {
        match lang {
            LangArg::En => Self::English,
            LangArg::Sv => Self::Swedish,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RecordArg {
    /// items.jsonl: locator, digests, PDQ and outcome of every item
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportArg {
    /// findings.jsonl, always written
    Jsonl,
    /// findings.csv
    Csv,
    /// report.html
    Html,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  lykta demo\n  lykta demo -o demo-files\n\nExit code as scan: 1, since something is found."
)]
pub(crate) struct DemoArgs {
    /// Folder for list, dump, index and report: made, or empty; a new temporary one when not given
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Print the summary as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// No progress, no table
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  lykta formats\n  lykta formats --json")]
pub(crate) struct FormatsArgs {
    /// Print JSON, a line a format
    #[arg(long)]
    pub(crate) json: bool,
    /// Accepted for uniformity: there is no progress to be quiet about
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Made are a dump with pictures in every kind of container, and their list. The dump is scanned by this very
program, and what is found is compared item by item with what was put there; also that an index without
them finds nothing, and that a report that was altered is noticed. With -o, DIR has it all at the end:
dump, list, index, report, and selftest.json, which is the same in every run of one build.
Exit code 0 all as expected, 1 something is not, 2 it could not run.

Examples:
  lykta selftest
  lykta selftest -o validation"
)]
pub(crate) struct SelftestArgs {
    /// Folder for everything: made, or empty; a temporary one that is removed again when not given
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Print selftest.json
    #[arg(long)]
    pub(crate) json: bool,
    /// No table, only the last line
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// A radius in bits: `31` or `pdq=31`.
fn radius(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix("pdq=").unwrap_or(text);
    let bits = digits.parse().ok().filter(|bits| *bits <= Pdq::BITS);
    bits.ok_or_else(|| format!("a radius is pdq=BITS with 0 to {} bits", Pdq::BITS))
}

/// A radius in bits with its kind: `phash=6`, `pdq=31`, or `31`, which is of PDQ.
fn radius_of_kind(text: &str) -> Result<(Kind, u32), String> {
    let (kind, most) = match text.split_once('=').map(|(name, _)| name) {
        Some("phash") => (Kind::Phash, Bits64::BITS),
        Some("dhash") => (Kind::Dhash, Bits64::BITS),
        _ => return Ok((Kind::Pdq, radius(text)?)),
    };
    let bits = text.split_once('=').and_then(|(_, digits)| digits.parse().ok());
    let bits = bits.filter(|bits| *bits <= most).map(|bits| (kind, bits));
    bits.ok_or_else(|| format!("a radius is {kind}=BITS with 0 to {most} bits"))
}

/// A kind that `lykta hash` can compute.
fn computed_kind(name: &str) -> Result<Kind, String> {
    match name.parse() {
        Ok(kind) if Kind::COMPUTED.contains(&kind) => Ok(kind),
        Ok(kind) => Err(format!(
            "Lykta does not compute {kind}: programs define it each in its own way, so such hashes come with \
             lists only"
        )),
        Err(_) => Err(format!("a kind is one of {}", Kind::COMPUTED.map(Kind::name).join(", "))),
    }
}

/// A number for one list: `LIST=NUMBER`. The name of a list may have a `=` in it.
fn list_number<T: FromStr>(text: &str) -> Option<(String, T)> {
    let (list, number) = text.rsplit_once('=')?;
    Some((list.to_owned(), number.parse().ok()?))
}

fn list_radius(text: &str) -> Result<(String, u32), String> {
    let pair = list_number(text).filter(|(_, bits)| *bits <= Pdq::BITS);
    pair.ok_or_else(|| format!("the radius of a list is LIST=BITS with 0 to {} bits", Pdq::BITS))
}

fn list_quality(text: &str) -> Result<(String, u8), String> {
    let pair = list_number(text).filter(|(_, quality)| *quality <= 100);
    pair.ok_or_else(|| "the quality of a list is LIST=QUALITY with 0 to 100".to_owned())
}

/// Most threads that may be asked for: above every machine's, and below what brings one down.
const MOST_JOBS: usize = 1024;

fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    let number = text.parse().ok().filter(|jobs: &NonZeroUsize| jobs.get() <= MOST_JOBS);
    number.ok_or_else(|| format!("the number of jobs is 1 to {MOST_JOBS}"))
}

/// A number of bytes, with K, M, G or T for 2^10, 2^20, 2^30 or 2^40.
fn size(text: &str) -> Result<u64, String> {
    let text = text.strip_suffix('B').unwrap_or(text);
    let units = [('K', 10), ('M', 20), ('G', 30), ('T', 40)];
    let (digits, shift) = units
        .into_iter()
        .find_map(|(unit, shift)| text.strip_suffix(unit).map(|digits| (digits, shift)))
        .unwrap_or((text, 0));
    let bytes = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift));
    bytes.ok_or_else(|| "a size is a number of bytes, or one with K, M, G or T behind it".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn radii_and_sizes_are_read_strictly() {
        assert_eq!(radius("pdq=31"), Ok(31));
        assert_eq!(radius("256"), Ok(256));
        assert!(radius("257").is_err());
        assert!(radius("phash=3").is_err());
        assert_eq!(radius_of_kind("31"), Ok((Kind::Pdq, 31)));
        assert_eq!(radius_of_kind("pdq=256"), Ok((Kind::Pdq, 256)));
        assert_eq!(radius_of_kind("phash=0"), Ok((Kind::Phash, 0)));
        assert_eq!(radius_of_kind("dhash=64"), Ok((Kind::Dhash, 64)));
        assert!(radius_of_kind("dhash=65").is_err_and(|error| error.contains("0 to 64")));
        assert!(radius_of_kind("md5=3").is_err() && radius_of_kind("phash=").is_err());
        assert!(jobs("1").is_ok() && jobs("1024").is_ok());
        assert!(jobs("0").is_err() && jobs("1025").is_err());
        assert_eq!(list_radius("a=b.csv=31"), Ok(("a=b.csv".to_owned(), 31)));
        assert!(list_radius("a=257").is_err() && list_radius("31").is_err() && list_radius("a=").is_err());
        assert_eq!(list_quality("a=100"), Ok(("a".to_owned(), 100)));
        assert!(list_quality("a=101").is_err());
        assert_eq!(size("500M"), Ok(500 << 20));
        assert_eq!(size("192M"), Ok(lykta::scan::DEFAULT_MEMORY), "the default in the help");
        assert_eq!(size("1GB"), Ok(1 << 30));
        assert_eq!(size("17"), Ok(17));
        assert!(size("1.5G").is_err());
        assert!(size("99999999999T").is_err());
        assert!(size("-1").is_err());
    }
}
