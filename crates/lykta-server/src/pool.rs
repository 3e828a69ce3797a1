//! Threads that hash and look up, and the bounded queues before them.
//!
//! ```text
//! requests --(short, long: bounded)--> worker: scanner over a generation
//!                                      worker: scanner over a generation
//! watcher  --(a newer generation)----> every worker, between two jobs
//! ```
//!
//! Nothing is hashed on the threads that speak HTTP. Each worker has a scanner of its own, so a picture never waits
//! for the memory of another, and every job is answered from one whole generation. Short jobs (a hash or a few) go
//! before long ones, but not for ever.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lykta::{Options, media};
use tokio::sync::oneshot;

use crate::config::Config;
use crate::generation::{Asked, Generation};

/// Short jobs in a row while a long one waits.
const MOST_SHORT_IN_A_ROW: u32 = 8;

/// What a job works with.
pub(crate) struct Context<'g> {
    pub(crate) scanner: &'g Asked<'g>,
    pub(crate) generation: &'g Generation,
    pub(crate) pictures: media::Limits,
}

/// How long a job takes, roughly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// A hash or a few: below a millisecond or two.
    Short,
    /// A picture, a batch.
    Long,
}

/// Why a job was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Undone {
    /// No index is open yet.
    NotReady,
    /// Too much waits already.
    Busy,
    /// It panicked.
    Panicked,
    /// The service ends.
    Closed,
}

type Work = Box<dyn for<'g> FnOnce(Option<&Context<'g>>) + Send>;

struct Job {
    /// Without a context: it waited for too long.
    work: Work,
    queued: Instant,
}

#[derive(Default)]
struct State {
    short: VecDeque<Job>,
    long: VecDeque<Job>,
    in_a_row: u32,
    generation: Option<Arc<Generation>>,
    closed: bool,
}

struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    most: usize,
    patience: Duration,
}

/// The workers.
pub(crate) struct Pool {
    queue: Arc<Queue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

enum Next {
    Job(Work),
    Newer,
    Closed,
}

impl Pool {
    /// Starts the threads; they wait for a generation.
    pub(crate) fn start(config: &Config) -> std::io::Result<Self> {
        let queue = Arc::new(Queue {
            state: Mutex::default(),
            changed: Condvar::new(),
            most: config.limits.queue,
            patience: Duration::from_millis(config.limits.queue_milliseconds),
        });
        let workers = config.workers.or_else(|| std::thread::available_parallelism().ok());
        let (options, pictures) = (options(config), pictures(config));
        let threads = (0..workers.unwrap_or(NonZeroUsize::MIN).get()).map(|number| {
            let (queue, options) = (Arc::clone(&queue), options.clone());
            std::thread::Builder::new()
                .name(format!("work-{number}"))
                .spawn(move || work(&queue, &options, pictures))
        });
        let threads = Mutex::new(threads.collect::<std::io::Result<_>>()?);
        Ok(Self { queue, threads })
    }

    /// Lets workers take up a newer generation, each before its next job.
    pub(crate) fn set_generation(&self, generation: Arc<Generation>) {
        // Dropped after the lock: unmapping takes time.
        let older = self.queue.lock().generation.replace(generation);
        self.queue.changed.notify_all();
        drop(older);
    }

    pub(crate) fn generation(&self) -> Option<Arc<Generation>> {
        self.queue.lock().generation.clone()
    }

    /// Jobs that wait.
    pub(crate) fn waiting(&self) -> usize {
        let state = self.queue.lock();
        state.short.len() + state.long.len()
    }

    /// Has a worker do `job`, unless nobody waits for the answer any more when its turn comes.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        length: Length,
        job: impl for<'g> FnOnce(&Context<'g>) -> T + Send + 'static,
    ) -> Result<T, Undone> {
        let (sender, receiver) = oneshot::channel();
        let work = move |context: Option<&Context<'_>>| {
            if sender.is_closed() {
                return;
            }
            let done = match context {
                None => Err(Undone::Busy),
                Some(context) => {
                    catch_unwind(AssertUnwindSafe(|| job(context))).map_err(|_| Undone::Panicked)
                }
            };
            let _ = sender.send(done);
        };
        self.queue.push(length, Box::new(work))?;
        receiver.await.unwrap_or(Err(Undone::Closed))
    }

    /// Ends the threads after the jobs that wait.
    pub(crate) fn close(&self) {
        self.queue.lock().closed = true;
        self.queue.changed.notify_all();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        threads.into_iter().for_each(|thread| _ = thread.join());
    }
}

impl Queue {
    fn push(&self, length: Length, work: Work) -> Result<(), Undone> {
        let mut state = self.lock();
        if state.closed {
            return Err(Undone::Closed);
        }
        if state.generation.is_none() {
            return Err(Undone::NotReady);
        }
        let queue = if length == Length::Short { &mut state.short } else { &mut state.long };
        let is_slow = queue.front().is_some_and(|first| first.queued.elapsed() > self.patience);
        if is_slow || queue.len() >= self.most {
            return Err(Undone::Busy);
        }
        queue.push_back(Job { work, queued: Instant::now() });
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    fn next(&self, number: u64) -> Next {
        let mut state = self.lock();
        loop {
            if state.generation.as_ref().is_some_and(|generation| generation.number != number) {
                return Next::Newer;
            }
            let late = |job: &Job| job.queued.elapsed() > 2 * self.patience;
            match state.pop() {
                // Whoever asked would rather know at once; what is late for good was mostly given up.
                Some(job) if late(&job) => {
                    drop(state);
                    (job.work)(None);
                    state = self.lock();
                }
                Some(job) => return Next::Job(job.work),
                None if state.closed => return Next::Closed,
                None => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Waits for the first generation, or takes the newest.
    fn newest(&self) -> Option<Arc<Generation>> {
        let mut state = self.lock();
        loop {
            if let Some(generation) = &state.generation {
                return Some(Arc::clone(generation));
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    // Jobs run outside of the lock, so no panic leaves anything half-done behind it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn pop(&mut self) -> Option<Job> {
        let long_has_turn = self.in_a_row >= MOST_SHORT_IN_A_ROW && !self.long.is_empty();
        if !long_has_turn && let Some(job) = self.short.pop_front() {
            self.in_a_row += 1;
            return Some(job);
        }
        self.in_a_row = 0;
        self.long.pop_front()
    }
}

fn work(queue: &Queue, options: &Options, pictures: media::Limits) {
    while let Some(generation) = queue.newest() {
        let options = Options { disputed: Arc::clone(&generation.disputed), ..options.clone() };
        let scanner = Asked::with_indexes(&generation.indexes, options);
        let context = Context { scanner: &scanner, generation: &generation, pictures };
        loop {
            match queue.next(generation.number) {
                Next::Job(work) => work(Some(&context)),
                Next::Newer => break,
                Next::Closed => return,
            }
        }
    }
}

fn pictures(config: &Config) -> media::Limits {
    media::Limits { max_pixels: config.limits.pixels, max_memory: config.limits.picture_bytes }
}

/// The settings of each worker's scanner, but for the disputes.
pub(crate) fn options(config: &Config) -> Options {
    let matching = &config.matching;
    Options {
        jobs: NonZeroUsize::MIN,
        near: matching.near,
        radius: matching.radius,
        phash_radius: matching.phash_radius,
        dhash_radius: matching.dhash_radius,
        min_quality: matching.min_quality,
        band: matching.band.into(),
        memory: config.limits.picture_bytes,
        limits: pictures(config),
        ..Options::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> Job {
        Job { work: Box::new(|_| ()), queued: Instant::now() }
    }

    #[test]
    fn short_jobs_go_first_but_long_ones_are_not_forgotten() {
        let mut state = State::default();
        (0..20).for_each(|_| state.short.push_back(job()));
        (0..2).for_each(|_| state.long.push_back(job()));
        let mut longs = Vec::new();
        for turn in 0..22 {
            let before = state.long.len();
            state.pop().unwrap();
            if state.long.len() < before {
                longs.push(turn);
            }
        }
        assert_eq!(longs, [8, 17]);
        assert!(state.pop().is_none());
    }
}
