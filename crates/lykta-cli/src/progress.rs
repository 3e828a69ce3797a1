//! Progress on standard error: a bar on a terminal, a plain line now and then elsewhere.

use std::io::{self, IsTerminal, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use lykta::scan::Progress;

use crate::say::note;

/// Between two plain lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// Something that goes on for an unknown time, with the bytes read so far.
pub(crate) struct Activity {
    form: Form,
    what: Mutex<String>,
    bytes: AtomicU64,
    /// Bytes that there are to read, when that is known.
    total: Option<u64>,
    begun: Instant,
}

enum Form {
    Silent,
    Spinner(ProgressBar),
    /// Plain lines; holds when the last one was written.
    Lines(Mutex<Instant>),
}

impl Activity {
    pub(crate) fn new(quiet: bool) -> Self {
        Self::of(quiet, None)
    }

    /// With the bytes that there are to read, when that is known.
    pub(crate) fn of(quiet: bool, total: Option<u64>) -> Self {
        let form = match (quiet, io::stderr().is_terminal()) {
            (true, _) => Form::Silent,
            (false, true) => Form::Spinner(spinner(total)),
            (false, false) => Form::Lines(Mutex::new(Instant::now())),
        };
        Self { form, what: Mutex::default(), bytes: AtomicU64::new(0), total, begun: Instant::now() }
    }

    /// Says what goes on now.
    pub(crate) fn say(&self, what: String) {
        if let Form::Spinner(spinner) = &self.form {
            spinner.set_message(what.clone());
        }
        *lock(&self.what) = what;
    }

    /// Counts bytes that were read.
    pub(crate) fn add_bytes(&self, bytes: u64) {
        let all = self.bytes.fetch_add(bytes, Relaxed) + bytes;
        match &self.form {
            Form::Silent => {}
            Form::Spinner(spinner) => spinner.inc(bytes),
            Form::Lines(last) => self.line(last, all, self.total),
        }
    }

    /// Says what goes on now, and how many bytes are written: after everything is read.
    pub(crate) fn written(&self, what: &str, bytes: u64) {
        match &self.form {
            Form::Silent => {}
            Form::Spinner(bar) => {
                // Written bytes are other bytes than those read.
                if bar.length().is_some() {
                    bar.unset_length();
                    bar.set_style(style(None));
                }
                bar.set_message(what.to_owned());
                bar.set_position(bytes);
            }
            Form::Lines(last) => {
                *lock(&self.what) = what.to_owned();
                self.line(last, bytes, None);
            }
        }
    }

    /// Writes a line, unless there was one a short while ago.
    fn line(&self, last: &Mutex<Instant>, bytes: u64, total: Option<u64>) {
        let mut last = lock(last);
        if last.elapsed() < LINE_EVERY {
            return;
        }
        *last = Instant::now();
        let (what, done) = (lock(&self.what), bytes >> 20);
        match total {
            Some(total) => {
                let left = total.saturating_sub(bytes) as f64 / bytes.max(1) as f64;
                let seconds = left * self.begun.elapsed().as_secs_f64();
                note(format_args!("{what}: {done} of {} MiB, about {seconds:.0} s left", total >> 20));
            }
            None => note(format_args!("{what}: {done} MiB")),
        }
    }
}

impl Drop for Activity {
    fn drop(&mut self) {
        if let Form::Spinner(spinner) = &self.form {
            spinner.finish_and_clear();
        }
    }
}

fn spinner(total: Option<u64>) -> ProgressBar {
    let spinner = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    spinner.set_style(style(total));
    spinner.enable_steady_tick(TICK);
    spinner
}

fn style(total: Option<u64>) -> ProgressStyle {
    let template = match total {
        Some(_) => "{spinner} {msg}: {binary_bytes}/{binary_total_bytes}, {binary_bytes_per_sec}, {eta} left",
        None => "{spinner} {msg}: {binary_bytes}, {binary_bytes_per_sec}, {elapsed}",
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

// A message or a time is never half-written, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A reader that counts for an [`Activity`].
pub(crate) struct Counting<'a, R> {
    input: R,
    activity: &'a Activity,
}

impl<'a, R> Counting<'a, R> {
    pub(crate) fn new(input: R, activity: &'a Activity) -> Self {
        Self { input, activity }
    }
}

impl<R: Read> Read for Counting<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.activity.add_bytes(count as u64);
        Ok(count)
    }
}

/// Watches a scan and shows how far it is until dropped.
pub(crate) struct ScanDisplay {
    done: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// Between two looks at the counters.
const TICK: Duration = Duration::from_millis(100);

impl ScanDisplay {
    /// Shows `progress`; `count` walks what will be scanned once more, in the background, to say how
    /// much there is.
    pub(crate) fn new(
        quiet: bool,
        progress: Arc<Progress>,
        count: impl FnOnce(&Progress, &AtomicBool) + Send + 'static,
    ) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        if quiet {
            return Self { done, threads: Vec::new() };
        }
        let (counted, counting_done) = (Arc::clone(&progress), Arc::clone(&done));
        let counter = std::thread::spawn(move || count(&counted, &counting_done));
        let display_done = Arc::clone(&done);
        let terminal = io::stderr().is_terminal();
        let display = std::thread::spawn(move || {
            if terminal { show_bar(&progress, &display_done) } else { show_lines(&progress, &display_done) }
        });
        Self { done, threads: vec![counter, display] }
    }
}

impl Drop for ScanDisplay {
    fn drop(&mut self) {
        self.done.store(true, Relaxed);
        for thread in self.threads.drain(..) {
            // A display that panicked has nothing left to show; the scan does not depend on it.
            let _ = thread.join();
        }
    }
}

fn show_bar(progress: &Progress, done: &AtomicBool) {
    let bar = ProgressBar::new(0);
    let template = "{bar:30} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec}, {eta} left; {msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    while !done.load(Relaxed) {
        let (items, bytes) = progress.totals();
        bar.set_length(bytes.max(progress.bytes()));
        bar.set_position(progress.bytes());
        bar.set_message(counters(progress, items));
        std::thread::sleep(TICK);
    }
    bar.finish_and_clear();
}

fn show_lines(progress: &Progress, done: &AtomicBool) {
    let start = Instant::now();
    let mut next = LINE_EVERY;
    while !done.load(Relaxed) {
        if start.elapsed() >= next {
            next += LINE_EVERY;
            let (items, bytes) = progress.totals();
            let rate = progress.bytes() as f64 / start.elapsed().as_secs_f64();
            let left = bytes.saturating_sub(progress.bytes()) as f64 / rate.max(1.0);
            let eta = if bytes > 0 { format!(", about {left:.0} s left") } else { String::new() };
            let done = progress.bytes() >> 20;
            let rate = rate / f64::from(1 << 20);
            note(format_args!("{done} MiB, {rate:.0} MiB/s{eta}; {}", counters(progress, items)));
        }
        std::thread::sleep(TICK);
    }
}

fn counters(progress: &Progress, total: u64) -> String {
    let of = if total > 0 { format!("/{total}") } else { String::new() };
    format!("{}{of} items, {} found, {} errors", progress.items(), progress.findings(), progress.errors())
}
