//! Decoding in worker processes that can do nothing but that, and may die.
//!
//! ```text
//! the scan: walks, opens, grants memory, keeps records     a worker: reads, unpacks, decodes, matches
//!
//!   file, what of it is done, cautions  ----------------->
//!                                       <-----------------  begun: an item      at every item
//!                                       <-----------------  record, or a short item for another worker
//!                                       <-----------------  done
//! ```
//!
//! A worker that ends before it is done ended with the item that was begun last. That item is examined again with
//! caution, in a new worker: without decoding its picture, then only its bytes; and the rest of the file with it, what has
//! its record left out. A short item in a container goes to a worker of its own, so most deaths cost no second walk.
//!
//! The scan believes nothing: lengths are bounded, numbers of items must ascend, locators must lie in the file, and
//! words come from tables. Where an item is, how large the file is and what is disputed the scan knows itself.

#[cfg(unix)]
mod confine;
#[cfg(unix)]
mod converse;
#[cfg(unix)]
mod file_run;
#[cfg(unix)]
mod link;
#[cfg(unix)]
mod pool;
#[cfg(unix)]
mod wire;
#[cfg(unix)]
mod worker;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

#[cfg(unix)]
pub(crate) use converse::Common;
#[cfg(unix)]
pub(crate) use pool::Pool;
#[cfg(unix)]
pub use worker::{Worker, worker_main};

/// How worker processes are started, and what they may use. See [`Scanner::isolated`](crate::Scanner::isolated).
#[derive(Clone, Debug)]
pub struct Isolation {
    /// The files of the indexes that are compared with, in their order: every worker opens them for itself.
    pub indexes: Vec<PathBuf>,
    /// The program that is a worker: it calls `worker_main` when it is started with `arguments`. None: this program.
    pub program: Option<PathBuf>,
    /// What the program is started with: `worker`, if nobody says otherwise.
    pub arguments: Vec<OsString>,
    /// Bytes of memory of its own that a worker may have. None: what pictures and containers may take by
    /// [`Options`](crate::Options), and 256 MiB.
    pub memory: Option<u64>,
    /// Seconds of processor time that an item may take, and, if it is large, every 16 MiB of it. 600 by default.
    pub seconds: u64,
    /// How long a worker may give no sign of life: the last resort, since it depends on how busy the computer is. An hour by
    /// default.
    pub silence: Duration,
}

impl Isolation {
    /// Workers that are this very program, started with the argument `worker`.
    pub fn new(indexes: Vec<PathBuf>) -> Self {
        Self {
            indexes,
            program: None,
            arguments: vec!["worker".into()],
            memory: None,
            seconds: 600,
            silence: Duration::from_secs(3600),
        }
    }
}

/// What the system keeps workers from, beside limits of memory, time and descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// System calls are filtered: no file is opened, no connection made, no process started.
    pub seccomp: bool,
    /// Files and connections are out of reach by the system's own rules, too.
    pub landlock: bool,
}

impl Confinement {
    /// What a user must be told where workers can do more than they should.
    pub const fn note(self) -> Option<&'static str> {
        match (self.seccomp, self.landlock) {
            (true, true) => None,
            (true, false) => {
                Some("this system has no landlock: only the filter of system calls keeps workers from files")
            }
            (false, true) => {
                Some("this system filters no system calls: workers are kept from files, not from all else")
            }
            (false, false) => Some(
                "this system neither filters system calls nor has landlock: workers have limits of memory and time, and \
                 could open files and connections",
            ),
        }
    }
}

/// Nobody: worker processes are made for Unix.
#[cfg(not(unix))]
pub(crate) enum Pool {}
