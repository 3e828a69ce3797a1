//! Whole scans of generated trees with generated indexes.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as tests do")]

mod limits;
mod log;
mod matching;
mod outcomes;
mod profile;
mod reports;
mod several;
mod tree;
mod verify;
