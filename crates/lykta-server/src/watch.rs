//! Taking newer files into use: a thread looks at them each second.
//!
//! A file that was renamed into place is another file at the same path. It is opened and checked here, beside the
//! requests, and used only when all of it is sound; else the older one serves on, and the log, the metrics and
//! `/readyz` say so. What was refused is tried again now and then, since the reason may have passed: too many open files,
//! a lock, a disk that was away.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::app::App;
use crate::generation::{Generation, Identity};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(1);

/// Between two tries of what is refused: from the first to the last, each twice the one before.
const AGAIN: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(120)];

/// How the first opening went.
#[derive(Clone, Debug)]
pub(crate) enum First {
    Opening,
    Done,
    Failed(String),
}

/// Tells the thread to end.
#[derive(Default)]
pub(crate) struct Stop {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    pub(crate) fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Waits, and says whether to go on.
    fn wait(&self, time: Duration) -> bool {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(stopped, time, |stopped| !*stopped);
        !*waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// The thread.
pub(crate) fn watch(app: &App, stop: &Arc<Stop>, first: &watch::Sender<First>) {
    let mut seen = look(app);
    match Generation::open(&app.config, None, &app.metrics.generations) {
        Ok(generation) => {
            app.swap(generation);
            first.send_replace(First::Done);
        }
        Err(error) => {
            first.send_replace(First::Failed(error));
            return;
        }
    }
    // When what was refused is tried again, and how long after the last time that is.
    let mut again: Option<(Instant, Duration)> = None;
    while stop.wait(EVERY) {
        let now = look(app);
        let is_time = again.is_some_and(|(at, _)| at <= Instant::now());
        if now == seen && !is_time {
            continue;
        }
        let pause = again.filter(|_| now == seen).map_or(AGAIN[0], |(_, pause)| AGAIN[1].min(2 * pause));
        seen = now;
        let before = app.pool.generation();
        again = match Generation::open(&app.config, before.as_deref(), &app.metrics.generations) {
            Ok(generation) => {
                app.swap(generation);
                None
            }
            Err(error) => {
                app.refuse(error);
                Some((Instant::now() + pause, pause))
            }
        };
    }
}

/// Which files there are, before they are opened: one that is replaced meanwhile is seen at the next look.
fn look(app: &App) -> Vec<Option<Identity>> {
    let files = app.config.index.iter().chain(&app.config.dispute);
    files.map(|path| Identity::of(path)).collect()
}
