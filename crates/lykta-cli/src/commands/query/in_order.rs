//! Output in order, from threads that are done in any.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::Tally;

/// Writes numbered pieces in the order of their numbers, and adds up their tallies.
///
/// A piece that comes too early waits here, so that its thread can go on, but only a few do: memory
/// is bounded.
pub(crate) struct InOrder<W> {
    state: Mutex<State<W>>,
    /// Told when a piece was written or all is over.
    moved: Condvar,
    most_waiting: usize,
}

struct State<W> {
    out: W,
    next: u64,
    waiting: BTreeMap<u64, Vec<u8>>,
    tally: Tally,
    ended_by: Option<anyhow::Error>,
}

impl<W: Write> InOrder<W> {
    /// Writes to `out`, and holds up to `most_waiting` pieces that come too early.
    pub(crate) fn new(out: W, most_waiting: usize) -> Self {
        let state = State { out, next: 0, waiting: BTreeMap::new(), tally: Tally::default(), ended_by: None };
        Self { state: Mutex::new(state), moved: Condvar::new(), most_waiting }
    }

    /// Takes the piece with this number; each from 0 on must come once. Waits while too many others
    /// do. False when all is over by an error of another thread.
    ///
    /// # Errors
    /// When it was this piece that could not be written.
    pub(crate) fn put(&self, number: u64, piece: Vec<u8>, tally: Tally) -> anyhow::Result<bool> {
        let mut state = self.lock();
        while state.ended_by.is_none() && number != state.next && state.waiting.len() >= self.most_waiting {
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.ended_by.is_some() {
            return Ok(false);
        }
        state.tally.add(tally);
        state.waiting.insert(number, piece);
        if number == state.next {
            state.write_waiting()?;
            self.moved.notify_all();
        }
        Ok(true)
    }

    /// Ends it for all threads. The first error counts.
    pub(crate) fn end(&self, error: anyhow::Error) {
        self.lock().ended_by.get_or_insert(error);
        self.moved.notify_all();
    }

    /// What was added up.
    ///
    /// # Errors
    /// The one that ended it.
    pub(crate) fn finish(self) -> anyhow::Result<Tally> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        state.ended_by.map_or(Ok(state.tally), Err)
    }

    fn lock(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Write> State<W> {
    fn write_waiting(&mut self) -> anyhow::Result<()> {
        while let Some(piece) = self.waiting.remove(&self.next) {
            self.out.write_all(&piece)?;
            self.next += 1;
        }
        // An answer is there before the next question is waited for.
        self.out.flush()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    use std::thread;

    #[test]
    fn pieces_of_many_threads_come_out_in_order() {
        for (threads, most_waiting) in [(1, 1), (2, 1), (5, 1), (5, 3), (3, 100)] {
            let mut out = Vec::new();
            let (order, next) = (InOrder::new(&mut out, most_waiting), AtomicU64::new(0));
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
                            let tally = Tally { retracted: number, ..Tally::default() };
                            assert!(order.put(number, format!("{number}\n").into_bytes(), tally).unwrap());
                        }
                    });
                }
            });
            assert_eq!(order.finish().unwrap().retracted, 499 * 500 / 2);
            let expected: String = (0..500).map(|number| format!("{number}\n")).collect();
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    /// Threads that wait for the turn of one that failed would wait for ever.
    #[test]
    fn an_error_ends_it_for_those_who_wait() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let order = InOrder::new(Full, 1);
        thread::scope(|scope| {
            let put = |number| order.put(number, b"x".to_vec(), Tally::default());
            assert!(put(1).unwrap());
            let waits = scope.spawn(move || put(2));
            let error = order.put(0, b"x".to_vec(), Tally::default()).unwrap_err();
            order.end(error);
            assert!(matches!(waits.join().unwrap(), Ok(false)));
        });
        assert!(order.finish().is_err());
    }
}
