//! From items to results: digests and perceptual hashes, matches with an index, an outcome for
//! every item, reports.
//!
//! Three types to know: [`Scanner`] (examines items on all cores, or bytes at hand), [`Record`]
//! (what is known of one item, with its [`Outcome`]) and [`Sink`] (takes the records; [`ReportDir`]
//! is one). Every item has exactly one outcome, and [`Summary`] adds them up.
//!
//! ```
//! use lykta_index::{BuildOptions, Builder, Index, NewEntry, Source};
//! use lykta_scan::{Options, Outcome, Scanner};
//!
//! let mut builder = Builder::new(BuildOptions::default());
//! let list = builder.add_source(Source { name: "examples".into(), ..Source::default() });
//! let md5 = "md5:900150983cd24fb0d6963f7d28e17f72".parse()?;
//! builder.add(list, &NewEntry { row: 1, name: Some("abc"), hashes: &[md5], ..NewEntry::default() })?;
//! let index = Index::new(builder.into_bytes()?)?;
//!
//! let scanner = Scanner::new(&index, Options::default());
//! let record = scanner.examine_bytes("upload", b"abc");
//! assert_eq!(record.outcome, Outcome::MatchedExact);
//! assert!(record.matches[0].weak, "MD5 alone can be forged");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod account;
mod bands;
mod budget;
mod caution;
mod compare;
mod death;
mod descend;
mod entry_set;
mod error;
mod examine;
mod families;
mod hashing;
mod hits;
mod isolate;
mod matches;
mod matching;
mod options;
mod outcome;
mod past;
mod profile;
mod progress;
mod queue;
mod read;
mod record;
mod report;
mod rules;
mod scanner;
mod sink;
mod summary;
mod support;
mod tee;

pub use bands::Band;
pub use compare::{Comparison, Pictured, compare, pictured, pictured_whole};
pub use death::Death;
pub use entry_set::EntrySet;
pub use error::Error;
pub use families::{
    EntryItem, EntryItems, Face, Families, Family, FamilyItems, FamilyOptions, LeftOut, Member,
    find_families, picture_faces,
};
pub use hashing::{FileHasher, FileHashes, PictureHash, PictureResult};
pub use hits::FrequentEntry;
pub use isolate::{Confinement, Isolation};
#[cfg(unix)]
pub use isolate::{Worker, worker_main};
pub use matching::Answer;
pub use options::{DEFAULT_MEMORY, Options};
pub use outcome::{ExactOnly, Failure, Outcome, Problem, Skip};
pub use past::Past;
pub use profile::{Profile, ProfileGroup};
pub use progress::Progress;
pub use read::GivenUp;
pub use record::{FORMAT_VERSION, Label, Match, Opened, Record, Unit};
pub use report::{
    Altered, ChainedLog, CheckedLog, Difference, DisputeInfo, FindingSpool, Going, IndexInfo, Language,
    ListInfo, Noted, ReportDir, ReportOptions, RunInfo, Verification, What, Written, disarm_formula,
    restore_formula, verify_report,
};
pub use scanner::Scanner;
pub use sink::Sink;
pub use summary::{Count, NearMatching, Summary};
