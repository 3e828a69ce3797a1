//! Ctrl-C, and the signals that ask a program to end.
//!
//! A signal is for the whole process, so what is known of it is, too. Until a command says that it
//! can stop in an orderly way, the first signal ends the program with the exit code for that.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use anyhow::Context;

use crate::say::note;

static STOP: AtomicBool = AtomicBool::new(false);
static ORDERLY: AtomicBool = AtomicBool::new(false);
static SILENT: AtomicBool = AtomicBool::new(false);

/// Begins to watch. Once a process.
pub(crate) fn watch() -> anyhow::Result<()> {
    ctrlc::set_handler(|| {
        // The second time, whoever asks no longer wants to wait for results.
        if STOP.swap(true, SeqCst) || !ORDERLY.load(SeqCst) {
            std::process::exit(i32::from(crate::STOPPED));
        }
        if SILENT.load(SeqCst) {
            return;
        }
        note("stopping; what there is so far is being written, once more Ctrl-C ends it at once");
    })
    .context("cannot watch for Ctrl-C; start the program in another way")
}

/// As [`orderly`], for a command that says itself what it does then.
pub(crate) fn orderly_in_its_own_words() -> &'static AtomicBool {
    SILENT.store(true, SeqCst);
    orderly()
}

/// From now on the first signal only sets the flag that is returned: the caller watches it.
pub(crate) fn orderly() -> &'static AtomicBool {
    ORDERLY.store(true, SeqCst);
    &STOP
}
