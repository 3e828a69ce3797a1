//! How far work of a known number of steps is: a bar on a terminal, a plain line now and then elsewhere.

use std::io::{self, IsTerminal};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::say::note;

/// Between two plain lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// Shows how far it is until dropped.
pub(crate) struct Countdown {
    form: Form,
    what: &'static str,
    begun: Instant,
}

enum Form {
    Silent,
    Bar(ProgressBar),
    /// Plain lines; holds when the last one was written.
    Lines(Mutex<Instant>),
}

impl Countdown {
    /// `what` says what is done, in words.
    pub(crate) fn new(quiet: bool, what: &'static str) -> Self {
        let form = match (quiet, io::stderr().is_terminal()) {
            (true, _) => Form::Silent,
            (false, true) => Form::Bar(bar(what)),
            (false, false) => Form::Lines(Mutex::new(Instant::now())),
        };
        Self { form, what, begun: Instant::now() }
    }

    /// So many steps of so many are done.
    pub(crate) fn set(&self, done: u64, all: u64) {
        match &self.form {
            Form::Silent => {}
            Form::Bar(bar) => {
                bar.set_length(all);
                bar.set_position(done);
            }
            Form::Lines(last) => {
                // A time is never half-written, so a panic elsewhere does not spoil it.
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                if last.elapsed() >= LINE_EVERY {
                    *last = Instant::now();
                    let each = self.begun.elapsed().as_secs_f64() / done.max(1) as f64;
                    let left = each * all.saturating_sub(done) as f64;
                    note(format_args!("{}: {done} of {all}, about {left:.0} s left", self.what));
                }
            }
        }
    }
}

impl Drop for Countdown {
    fn drop(&mut self) {
        if let Form::Bar(bar) = &self.form {
            bar.finish_and_clear();
        }
    }
}

fn bar(what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {msg}: {pos}/{len}, {per_sec}, {eta} left") {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar
}
