//! Where the time of a search goes.

use std::time::{Duration, Instant};

/// What a search spends its time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Finding buckets and looking at the ids in them.
    Buckets,
    /// Comparing keys.
    Keys,
    /// Everything else.
    Other,
}

/// Is told when a search goes from one stage to another.
pub(crate) trait Clock {
    fn enter(&mut self, stage: Stage);
}

/// Measures nothing and costs nothing.
pub(crate) struct NoClock;

impl Clock for NoClock {
    #[inline(always)]
    fn enter(&mut self, _: Stage) {}
}

/// Adds up the time of each stage.
pub(crate) struct StopWatch {
    since: Instant,
    stage: Stage,
    /// Time of each stage, in the order of [`Stage`].
    pub(crate) spent: [Duration; 3],
}

impl StopWatch {
    pub(crate) fn start() -> Self {
        Self { since: Instant::now(), stage: Stage::Other, spent: [Duration::ZERO; 3] }
    }
}

impl Clock for StopWatch {
    fn enter(&mut self, stage: Stage) {
        let now = Instant::now();
        self.spent[self.stage as usize] += now - self.since;
        (self.since, self.stage) = (now, stage);
    }
}
