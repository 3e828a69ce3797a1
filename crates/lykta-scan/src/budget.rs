//! Bytes in flight: how much memory the items being examined may hold together.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::panic::RefUnwindSafe;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How many later wishes may be granted before one that waits: enough for small pictures to keep
/// all cores busy meanwhile, and an end to the waiting of a large one.
const OVERTAKEN_AT_MOST: u32 = 32;

/// A number of bytes that threads take from and give back.
///
/// A thread takes all that an attempt needs in one piece and holds nothing while it waits, so no
/// two threads can wait for each other. Wishes are granted in the order in which they come, but one
/// that fits at once may pass those before it that do not, a bounded number of times.
#[derive(Debug)]
pub(crate) struct Budget {
    total: u64,
    lender: Option<&'static dyn Lender>,
    state: Mutex<State>,
    changed: Condvar,
}

/// Where the memory of a process comes from that shares a budget with others: what is alone in a worker process asks its
/// parent.
pub(crate) trait Lender: Debug + Sync + RefUnwindSafe {
    /// Waits until so many bytes are granted.
    fn take(&self, bytes: u64);
    /// Gives back all but so many bytes of what was granted last.
    fn keep(&self, bytes: u64);
    /// Waits for the turn to have much memory for containers.
    fn take_heavy(&self);
    /// Gives the turn back.
    fn give_heavy(&self);
}

#[derive(Debug)]
struct State {
    free: u64,
    /// Wishes in the order in which they came.
    waiting: VecDeque<Wish>,
    next: u64,
}

#[derive(Debug)]
struct Wish {
    number: u64,
    overtaken: u32,
}

impl State {
    /// Whether the wish with this number has its turn, if enough is free.
    fn has_turn(&self, number: u64) -> bool {
        let mut before = self.waiting.iter().take_while(|wish| wish.number != number);
        before.all(|wish| wish.overtaken < OVERTAKEN_AT_MOST)
    }

    fn grant(&mut self, number: u64, bytes: u64) {
        self.free -= bytes;
        self.waiting.iter_mut().take_while(|wish| wish.number != number).for_each(|wish| wish.overtaken += 1);
        self.waiting.retain(|wish| wish.number != number);
    }
}

impl Budget {
    /// A budget of `total` bytes.
    pub(crate) fn new(total: u64) -> Self {
        let state = State { free: total, waiting: VecDeque::new(), next: 0 };
        Self { total, lender: None, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// A budget of `total` bytes that is shared with other processes: `lender` is asked for all that is taken.
    pub(crate) fn lent(total: u64, lender: &'static dyn Lender) -> Self {
        Self { lender: Some(lender), ..Self::new(total) }
    }

    /// All of it, in bytes.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Waits until `bytes`, at most the whole budget, are free and takes them until the share is
    /// dropped. The caller holds no other share.
    pub(crate) fn take(&self, bytes: u64) -> Share<'_> {
        debug_assert!(bytes <= self.total, "{bytes} of {}", self.total);
        let bytes = bytes.min(self.total);
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        state.waiting.push_back(Wish { number, overtaken: 0 });
        while state.free < bytes || !state.has_turn(number) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.grant(number, bytes);
        if let Some(lender) = self.lender {
            lender.take(bytes);
        }
        // Whoever had to let this one pass first may have its turn now.
        if state.waiting.iter().any(|wish| wish.number > number) {
            self.changed.notify_all();
        }
        Share { budget: self, bytes }
    }

    #[cfg(test)]
    pub(crate) fn free(&self) -> u64 {
        self.lock().free
    }

    // Neither number nor queue is ever left half-changed, so a panic elsewhere does not spoil them.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes taken from a [`Budget`]; dropping gives them back.
#[derive(Debug)]
#[must_use = "the bytes are given back when this is dropped"]
pub(crate) struct Share<'b> {
    budget: &'b Budget,
    bytes: u64,
}

impl Share<'_> {
    /// Gives back what is above `bytes`.
    pub(crate) fn shrink_to(&mut self, bytes: u64) {
        let bytes = bytes.min(self.bytes);
        self.budget.lock().free += self.bytes - bytes;
        self.bytes = bytes;
        if let Some(lender) = self.budget.lender {
            lender.keep(bytes);
        }
        self.budget.changed.notify_all();
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.budget.lock().free += self.bytes;
        if let Some(lender) = self.budget.lender {
            lender.keep(0);
        }
        self.budget.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
    use std::thread;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn never_more_than_the_budget_is_out_and_all_comes_back(
            wishes in prop::collection::vec((0u64..=100, 0u64..=100), 1..60),
        ) {
            let budget = Budget::new(100);
            let (out, most) = (AtomicU64::new(0), AtomicU64::new(0));
            let next = Mutex::new(wishes.iter());
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| loop {
                        let Some(&(wish, kept)) = next.lock().unwrap().next() else { break };
                        let mut share = budget.take(wish);
                        most.fetch_max(out.fetch_add(wish, SeqCst) + wish, SeqCst);
                        thread::yield_now();
                        let kept = kept.min(wish);
                        out.fetch_sub(wish - kept, SeqCst);
                        share.shrink_to(kept);
                        assert_eq!(share.bytes, kept);
                        out.fetch_sub(kept, SeqCst);
                    });
                }
            });
            prop_assert!(most.into_inner() <= 100);
            let state = budget.lock();
            prop_assert_eq!((state.free, state.waiting.len()), (100, 0));
        }

        /// Against the rule in words: by number, first the one that fits and passes nobody who was
        /// passed too often.
        #[test]
        fn turns_are_those_of_the_rule(overtaken in prop::collection::vec(0..=OVERTAKEN_AT_MOST, 1..8)) {
            let waiting = overtaken.iter().zip(0..).map(|(&overtaken, number)| Wish { number, overtaken });
            let state = State { free: 0, waiting: waiting.collect(), next: 8 };
            let first_stuck = overtaken.iter().position(|&times| times == OVERTAKEN_AT_MOST);
            for number in 0..overtaken.len() {
                let expected = first_stuck.is_none_or(|stuck| number <= stuck);
                prop_assert_eq!(state.has_turn(number as u64), expected);
            }
        }
    }

    /// A panorama must not wait to the end of a scan for a moment at which nothing else is held.
    #[test]
    fn a_small_wish_passes_a_large_one_a_bounded_number_of_times() {
        let budget = Budget::new(10);
        let share = budget.take(1);
        thread::scope(|scope| {
            let large = scope.spawn(|| drop(budget.take(10)));
            while budget.lock().waiting.is_empty() {
                thread::yield_now();
            }
            for _ in 0..OVERTAKEN_AT_MOST {
                drop(budget.take(9));
            }
            let small = scope.spawn(|| drop(budget.take(1)));
            while budget.lock().waiting.len() < 2 {
                thread::yield_now();
            }
            assert!(!large.is_finished() && !small.is_finished());
            drop(share);
            large.join().unwrap();
            small.join().unwrap();
        });
        assert_eq!(budget.lock().free, 10);
    }

    #[test]
    fn a_panic_gives_its_share_back() {
        let budget = Budget::new(10);
        let caught = std::panic::catch_unwind(|| {
            let _share = budget.take(10);
            std::panic::resume_unwind(Box::new("test"));
        });
        assert!(caught.is_err());
        drop(budget.take(10));
    }
}
