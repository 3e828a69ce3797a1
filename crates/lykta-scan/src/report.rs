//! Results for people and programs: sorted lines, tables, a page, a manifest.

mod csv;
mod dir;
mod html;
mod manifest;
mod output;
mod place;
mod rows;
mod sorted;
mod spool;

pub use csv::{disarm_formula, restore_formula};
pub use dir::{ReportDir, ReportOptions, Written};
pub use manifest::{DisputeInfo, IndexInfo, ListInfo, RunInfo};
pub use spool::FindingSpool;
