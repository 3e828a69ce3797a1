//! Output in order, from threads that are done in any.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::anyhow;

/// What takes pieces, one at a time.
pub(crate) trait Take {
    type Piece;

    /// Takes the next piece.
    fn take(&mut self, piece: Self::Piece) -> anyhow::Result<()>;

    /// The piece after this one is not there yet.
    fn pause(&mut self) -> anyhow::Result<()> {
        Ok(())
    }
}

/// Hands on numbered pieces in the order of their numbers.
///
/// A piece that comes too early waits here, so that its thread can go on, but only a few do: memory
/// is bounded.
pub(crate) struct InOrder<T: Take> {
    state: Mutex<State<T>>,
    /// Told when a piece was handed on or all is over.
    moved: Condvar,
    most_waiting: usize,
}

struct State<T: Take> {
    to: T,
    next: u64,
    waiting: BTreeMap<u64, T::Piece>,
    ended_by: Option<anyhow::Error>,
}

impl<T: Take> InOrder<T> {
    /// Hands pieces to `to`, and holds up to `most_waiting` that come too early.
    pub(crate) fn new(to: T, most_waiting: usize) -> Self {
        let state = State { to, next: 0, waiting: BTreeMap::new(), ended_by: None };
        Self { state: Mutex::new(state), moved: Condvar::new(), most_waiting }
    }

    /// Takes the piece with this number; each from 0 on must come once. Waits while too many others
    /// do. False when all is over by an error of another thread.
    ///
    /// # Errors
    /// When it was now that a piece could not be handed on.
    pub(crate) fn put(&self, number: u64, piece: T::Piece) -> anyhow::Result<bool> {
        let mut state = self.lock();
        while state.ended_by.is_none() && number != state.next && state.waiting.len() >= self.most_waiting {
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.ended_by.is_some() {
            return Ok(false);
        }
        state.waiting.insert(number, piece);
        if number == state.next {
            state.hand_on()?;
            self.moved.notify_all();
        }
        Ok(true)
    }

    /// Ends it for all threads. The first error counts.
    pub(crate) fn end(&self, error: anyhow::Error) {
        self.lock().ended_by.get_or_insert(error);
        self.moved.notify_all();
    }

    /// Whoever took the pieces.
    ///
    /// # Errors
    /// The one that ended it.
    pub(crate) fn finish(self) -> anyhow::Result<T> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        state.ended_by.map_or(Ok(state.to), Err)
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Take> State<T> {
    fn hand_on(&mut self) -> anyhow::Result<()> {
        while let Some(piece) = self.waiting.remove(&self.next) {
            self.to.take(piece)?;
            self.next += 1;
        }
        self.to.pause()
    }
}

/// Makes a piece of each item on `jobs` threads and hands them to `to` in the order of the items, up
/// to `most_waiting` of them waiting for one before. Setting `stop` ends it between items.
///
/// # Errors
/// When a piece could not be handed on, a thread not be started, or making one panicked.
pub(crate) fn make_in_order<T, I>(
    items: I,
    make: impl Fn(I::Item) -> T::Piece + Sync,
    to: T,
    most_waiting: usize,
    jobs: NonZeroUsize,
    stop: &AtomicBool,
) -> anyhow::Result<T>
where
    T: Take<Piece: Send> + Send,
    I: Iterator + Send,
{
    let output = InOrder::new(to, most_waiting);
    let items = Mutex::new((0..).zip(items));
    let work = || -> anyhow::Result<()> {
        while !stop.load(Relaxed) {
            let next = items.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((number, item)) = next else { break };
            if !output.put(number, make(item))? {
                break;
            }
        }
        Ok(())
    };
    // A thread that ends without a word would leave the others waiting for its turn.
    let work_or_end = || {
        let worked = catch_unwind(AssertUnwindSafe(work))
            .unwrap_or_else(|_| Err(anyhow!("a fault of this program ended it; please report it")));
        worked.unwrap_or_else(|error| output.end(error));
    };
    thread::scope(|scope| {
        for number in 0..jobs.get() {
            let thread = thread::Builder::new().name(format!("hash-{number}"));
            if let Err(error) = thread.spawn_scoped(scope, work_or_end) {
                output.end(anyhow!(error).context("cannot start the threads; try fewer with --jobs"));
                break;
            }
        }
    });
    output.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    use std::thread;

    impl Take for Vec<u64> {
        type Piece = u64;
        fn take(&mut self, piece: u64) -> anyhow::Result<()> {
            self.push(piece);
            Ok(())
        }
    }

    #[test]
    fn pieces_of_many_threads_come_out_in_order() {
        for (threads, most_waiting) in [(1, 1), (2, 1), (5, 1), (5, 3), (3, 100)] {
            let (order, next) = (InOrder::new(Vec::new(), most_waiting), AtomicU64::new(0));
            thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(|| {
                        loop {
                            let number = next.fetch_add(1, Relaxed);
                            if number >= 500 {
                                return;
                            }
                            if number % 7 == 0 {
                                thread::yield_now();
                            }
                            assert!(order.put(number, 10 * number).unwrap());
                        }
                    });
                }
            });
            assert_eq!(order.finish().unwrap(), (0..500).map(|number| 10 * number).collect::<Vec<_>>());
        }
    }

    /// Threads that wait for the turn of one that failed would wait for ever.
    #[test]
    fn an_error_ends_it_for_those_who_wait() {
        struct Full;
        impl Take for Full {
            type Piece = ();
            fn take(&mut self, (): ()) -> anyhow::Result<()> {
                anyhow::bail!("full")
            }
        }
        let order = InOrder::new(Full, 1);
        thread::scope(|scope| {
            assert!(order.put(1, ()).unwrap());
            let waits = scope.spawn(|| order.put(2, ()));
            let error = order.put(0, ()).unwrap_err();
            order.end(error);
            assert!(matches!(waits.join().unwrap(), Ok(false)));
        });
        assert!(order.finish().is_err());
    }
}
