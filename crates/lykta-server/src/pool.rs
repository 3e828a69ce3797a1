//! Threads that hash and look up, and the bounded queues before them.
//!
//! ```text
//! requests --(short, long; by client)--> worker: scanner over a generation
//!                                        worker: scanner over a generation
//!          --(short)-------------------> worker: scanner over a generation
//! watcher  --(a newer generation)------> every worker, between two jobs
//! ```
//!
//! Nothing is hashed on the threads that speak HTTP. Each worker has a scanner of its own, so a picture never waits
//! for the memory of another, and every job is answered from one whole generation. Short jobs (a hash or a few) go
//! before long ones, but not for ever; one more worker does nothing else, so that they need not wait for pictures that
//! take long. Clients take turns: one that asks for much waits for itself.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lykta::Kind;
use lykta::scan::NearMatching;
use tokio::sync::oneshot;

use crate::config::Config;
use crate::generation::{Asked, Generation};

/// After a worker could not begin.
const PAUSE: Duration = Duration::from_secs(1);

/// Short jobs in a row while a long one waits.
const MOST_SHORT_IN_A_ROW: u32 = 8;

/// What a job works with.
pub(crate) struct Context<'g> {
    pub(crate) scanner: &'g Asked<'g>,
    pub(crate) generation: &'g Generation,
}

impl Context<'_> {
    /// "No match" must not be said of a hash that is compared with nothing.
    ///
    /// # Errors
    /// Why hashes of that kind are not compared.
    pub(crate) fn must_compare(&self, kind: Kind) -> Result<(), String> {
        if self.generation.hash_count(kind) == 0 {
            return Err(format!("the lists in use hold no {kind}"));
        }
        if kind == Kind::Pdq && !matches!(self.scanner.near_matching(), NearMatching::Performed { .. }) {
            return Err("PDQ is not compared here: `near` is false in the service's [match]".to_owned());
        }
        if kind.is_support() && self.scanner.expected_random_hits(kind).is_none() {
            return Err(format!(
                "{kind} is not compared here: its radius must be set in the service's [match]"
            ));
        }
        Ok(())
    }
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

impl Job {
    fn is_late(&self, patience: Duration) -> bool {
        self.queued.elapsed() > 2 * patience
    }
}

/// Jobs by client, that of the next turn first. No queue in it is empty.
#[derive(Default)]
struct Turns {
    clients: VecDeque<(usize, VecDeque<Job>)>,
}

#[derive(Default)]
struct State {
    short: Turns,
    long: Turns,
    in_a_row: u32,
    generation: Option<Arc<Generation>>,
    /// Workers that cannot work.
    down: usize,
    closed: bool,
}

struct Queue {
    state: Mutex<State>,
    /// For workers that do everything.
    changed: Condvar,
    /// For the one that does short jobs only.
    changed_short: Condvar,
    /// Jobs of each length that may wait for a client.
    most: usize,
    patience: Duration,
}

/// What a worker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Duty {
    All,
    ShortOnly,
}

/// The workers.
pub(crate) struct Pool {
    queue: Arc<Queue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Threads that do everything.
    workers: usize,
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
            changed_short: Condvar::new(),
            most: config.limits.queue,
            patience: Duration::from_millis(config.limits.queue_milliseconds),
        });
        let workers = config.workers.or_else(|| std::thread::available_parallelism().ok());
        let workers = workers.unwrap_or(NonZeroUsize::MIN).get();
        let threads = (0..=workers).map(|number| {
            let (queue, config) = (Arc::clone(&queue), config.clone());
            let duty = if number == workers { Duty::ShortOnly } else { Duty::All };
            std::thread::Builder::new()
                .name(format!("work-{number}"))
                .spawn(move || work(&queue, duty, &config))
        });
        let threads = Mutex::new(threads.collect::<std::io::Result<_>>()?);
        Ok(Self { queue, threads, workers })
    }

    /// Lets workers take up a newer generation, each before its next job.
    pub(crate) fn set_generation(&self, generation: Arc<Generation>) {
        // Dropped after the lock: unmapping takes time.
        let older = self.queue.lock().generation.replace(generation);
        self.queue.tell_all();
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

    /// Workers that cannot work, of those that do everything.
    pub(crate) fn down(&self) -> usize {
        self.queue.lock().down
    }

    /// Whether no picture can be worked on.
    pub(crate) fn is_down(&self) -> bool {
        self.down() >= self.workers
    }

    /// Has a worker do a client's `job`, unless nobody waits for the answer any more when its turn comes.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        client: usize,
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
        self.queue.push(client, length, Box::new(work))?;
        receiver.await.unwrap_or(Err(Undone::Closed))
    }

    /// Ends the threads after the jobs that wait. One whose job takes longer than `time` ends with the program.
    pub(crate) fn close(&self, time: Duration) {
        self.queue.lock().closed = true;
        self.queue.tell_all();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let until = Instant::now() + time;
        while Instant::now() < until && !threads.iter().all(JoinHandle::is_finished) {
            std::thread::sleep(Duration::from_millis(5));
        }
        threads.into_iter().filter(JoinHandle::is_finished).for_each(|thread| _ = thread.join());
    }
}

impl Queue {
    fn push(&self, client: usize, length: Length, work: Work) -> Result<(), Undone> {
        let mut state = self.lock();
        if state.closed {
            return Err(Undone::Closed);
        }
        if state.generation.is_none() {
            return Err(Undone::NotReady);
        }
        let turns = if length == Length::Short { &mut state.short } else { &mut state.long };
        turns.push(client, Job { work, queued: Instant::now() }, self.most, self.patience)?;
        drop(state);
        self.changed.notify_one();
        if length == Length::Short {
            self.changed_short.notify_one();
        }
        Ok(())
    }

    fn tell_all(&self) {
        self.changed.notify_all();
        self.changed_short.notify_all();
    }

    fn next(&self, number: u64, duty: Duty) -> Next {
        let mut state = self.lock();
        loop {
            if state.generation.as_ref().is_some_and(|generation| generation.number != number) {
                return Next::Newer;
            }
            match state.pop(duty) {
                // Whoever asked would rather know at once; what is late for good was mostly given up.
                Some(job) if job.is_late(self.patience) => {
                    drop(state);
                    (job.work)(None);
                    state = self.lock();
                }
                Some(job) => return Next::Job(job.work),
                None if state.closed => return Next::Closed,
                None => state = self.wait(state, duty),
            }
        }
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State>, duty: Duty) -> MutexGuard<'s, State> {
        let changed = if duty == Duty::All { &self.changed } else { &self.changed_short };
        changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Of a worker that cannot work: lets time pass, and refuses what has waited for too long, since there may be nobody
    /// else to do so.
    fn pause(&self) {
        std::thread::sleep(PAUSE);
        let late = {
            let mut state = self.lock();
            [state.short.take_late(self.patience), state.long.take_late(self.patience)]
        };
        late.into_iter().flatten().for_each(|job| (job.work)(None));
    }

    /// Waits for the first generation, or takes the newest. None when the service ends: nobody waits for answers then.
    fn newest(&self, duty: Duty) -> Option<Arc<Generation>> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(generation) = &state.generation {
                return Some(Arc::clone(generation));
            }
            state = self.wait(state, duty);
        }
    }

    // Jobs run outside of the lock, so no panic leaves anything half-done behind it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn pop(&mut self, duty: Duty) -> Option<Job> {
        if duty == Duty::ShortOnly {
            return self.short.pop();
        }
        let long_has_turn = self.in_a_row >= MOST_SHORT_IN_A_ROW && self.long.len() > 0;
        if !long_has_turn && let Some(job) = self.short.pop() {
            self.in_a_row += 1;
            return Some(job);
        }
        self.in_a_row = 0;
        self.long.pop()
    }
}

impl Turns {
    /// Adds a job, unless the client has `most` that wait, or one that waits for longer than `patience`.
    fn push(&mut self, client: usize, job: Job, most: usize, patience: Duration) -> Result<(), Undone> {
        let Some((_, jobs)) = self.clients.iter_mut().find(|(number, _)| *number == client) else {
            self.clients.push_back((client, VecDeque::from([job])));
            return Ok(());
        };
        let is_slow = jobs.front().is_some_and(|first| first.queued.elapsed() > patience);
        if is_slow || jobs.len() >= most {
            return Err(Undone::Busy);
        }
        jobs.push_back(job);
        Ok(())
    }

    fn pop(&mut self) -> Option<Job> {
        let (client, mut jobs) = self.clients.pop_front()?;
        let job = jobs.pop_front();
        if !jobs.is_empty() {
            self.clients.push_back((client, jobs));
        }
        job
    }

    /// Takes out the jobs that have waited for too long.
    fn take_late(&mut self, patience: Duration) -> Vec<Job> {
        let mut late = Vec::new();
        for (_, jobs) in &mut self.clients {
            while let Some(job) = jobs.pop_front_if(|job| job.is_late(patience)) {
                late.push(job);
            }
        }
        self.clients.retain(|(_, jobs)| !jobs.is_empty());
        late
    }

    fn len(&self) -> usize {
        self.clients.iter().map(|(_, jobs)| jobs.len()).sum()
    }
}

fn work(queue: &Queue, duty: Duty, config: &Config) {
    let mut is_down = false;
    while let Some(generation) = queue.newest(duty) {
        let scanner = generation.scanner(config, duty == Duty::All && config.isolate);
        match (is_down, scanner.is_err()) {
            (false, true) => queue.lock().down += 1,
            (true, false) => queue.lock().down -= 1,
            _ => {}
        }
        is_down = scanner.is_err();
        let scanner = match scanner {
            Ok(scanner) => scanner,
            // It was tried before the generation was taken into use, so this passes.
            Err(error) => {
                tracing::error!(error, "a worker cannot work; it tries again");
                queue.pause();
                continue;
            }
        };
        let context = Context { scanner: &scanner, generation: &generation };
        loop {
            match queue.next(generation.number, duty) {
                Next::Job(work) => work(Some(&context)),
                Next::Newer => break,
                Next::Closed => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(1);

    fn job() -> Job {
        Job { work: Box::new(|_| ()), queued: Instant::now() }
    }

    fn push(turns: &mut Turns, client: usize) -> Result<(), Undone> {
        turns.push(client, job(), 20, PATIENCE)
    }

    #[test]
    fn short_jobs_go_first_but_long_ones_are_not_forgotten() {
        let mut state = State::default();
        (0..20).for_each(|_| push(&mut state.short, 0).unwrap());
        (0..3).for_each(|_| push(&mut state.long, 0).unwrap());
        let mut longs = Vec::new();
        for turn in 0..22 {
            let before = state.long.len();
            state.pop(Duty::All).unwrap();
            if state.long.len() < before {
                longs.push(turn);
            }
        }
        assert_eq!(longs, [8, 17]);
        // And who does short ones only leaves the rest to others.
        assert!(state.pop(Duty::ShortOnly).is_none());
        assert!(state.pop(Duty::All).is_some() && state.pop(Duty::All).is_none());
    }

    #[test]
    fn clients_take_turns_and_each_waits_for_itself() {
        let mut turns = Turns::default();
        (0..20).for_each(|_| push(&mut turns, 7).unwrap());
        assert_eq!(push(&mut turns, 7), Err(Undone::Busy));
        (0..2).for_each(|_| push(&mut turns, 8).unwrap());
        let next = |turns: &mut Turns| {
            let client = turns.clients.front().map(|(client, _)| *client);
            turns.pop().and(client)
        };
        let order: Vec<usize> = std::iter::from_fn(|| next(&mut turns)).collect();
        assert_eq!(order[..5], [7, 8, 7, 8, 7]);
        assert_eq!((order.len(), turns.len()), (22, 0));
        // A job that waits for too long keeps out those of its own client.
        let late = Instant::now().checked_sub(2 * PATIENCE).unwrap();
        turns.push(7, Job { work: Box::new(|_| ()), queued: late }, 20, PATIENCE).unwrap();
        assert_eq!(push(&mut turns, 7), Err(Undone::Busy));
        assert_eq!(push(&mut turns, 8), Ok(()));
        turns.push(9, Job { work: Box::new(|_| ()), queued: late }, 20, PATIENCE).unwrap();
        assert_eq!((turns.take_late(PATIENCE / 2).len(), turns.len()), (2, 1));
    }
}
