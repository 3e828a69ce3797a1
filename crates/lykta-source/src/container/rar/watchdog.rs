//! An end to unpacking that takes too long.
//!
//! Members of RAR 2.9 to 4 may bring programs that filter what comes out of them. The crate bounds the steps of each, but
//! not how many run, and nothing of ours runs between them. So a thread looks at the clock: what it ends depends on how
//! busy the computer is, which is why it waits for long. Where no thread may be started, as in a worker, there is a limit
//! of processor time.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rars::ReadCancellation;

/// Looks at the clock until it is dropped.
pub(super) struct Watchdog {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    token: ReadCancellation,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// When what is being unpacked has taken too long.
    until: Option<Instant>,
    is_over: bool,
}

impl Watchdog {
    pub(super) fn new() -> Self {
        let shared = Arc::new(Shared {
            token: ReadCancellation::new(),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let watched = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("watchdog".to_owned()).spawn(move || watched.watch());
        Self { shared, thread: thread.ok() }
    }

    /// By which unpacking is ended.
    pub(super) fn token(&self) -> &ReadCancellation {
        &self.shared.token
    }

    /// From now on there is so much time, or, with none, as much as it takes.
    pub(super) fn set(&self, time: Option<Duration>) {
        self.shared.lock().until = time.map(|time| Instant::now() + time);
        self.shared.changed.notify_one();
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.shared.lock().is_over = true;
        self.shared.changed.notify_one();
        self.thread.take().into_iter().for_each(|thread| _ = thread.join());
    }
}

impl Shared {
    fn watch(&self) {
        let mut state = self.lock();
        while !state.is_over {
            let left = state.until.map(|until| until.saturating_duration_since(Instant::now()));
            state = match left {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => return self.token.cancel(),
                Some(left) => {
                    self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_too_long_is_ended_and_nothing_else() {
        let watchdog = Watchdog::new();
        watchdog.set(Some(Duration::from_secs(3600)));
        watchdog.set(None);
        std::thread::sleep(Duration::from_millis(50));
        assert!(!watchdog.token().is_cancelled());
        let began = Instant::now();
        watchdog.set(Some(Duration::from_millis(20)));
        while !watchdog.token().is_cancelled() {
            assert!(began.elapsed() < Duration::from_secs(20));
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
