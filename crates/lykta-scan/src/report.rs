//! Results for people and programs: sorted lines, tables, a page, a manifest.

mod chain;
mod chained;
mod clock;
mod csv;
mod dir;
mod host;
mod html;
mod journal;
mod log;
mod manifest;
mod output;
mod place;
mod rows;
mod sorted;
mod spool;
mod texts;
mod verify;

pub use chain::Altered;
pub use chained::{ChainedLog, CheckedLog};
pub use csv::{disarm_formula, restore_formula};
pub use dir::{Going, ReportDir, ReportOptions, Written};
pub use manifest::{DisputeInfo, IndexInfo, ListInfo, RunInfo};
pub use spool::FindingSpool;
pub use texts::Language;
pub use verify::{Difference, Noted, Verification, What, verify_report};
