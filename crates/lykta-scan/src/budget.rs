//! Bytes in flight: how much memory the items being examined may hold together.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A number of bytes that threads take from and give back.
///
/// A thread takes everything it needs from one budget at once and never asks again while it holds
/// some of it, so no two threads can wait for each other.
#[derive(Debug)]
pub(crate) struct Budget {
    total: u64,
    free: Mutex<u64>,
    given_back: Condvar,
}

impl Budget {
    /// A budget of `total` bytes.
    pub(crate) fn new(total: u64) -> Self {
        Self { total, free: Mutex::new(total), given_back: Condvar::new() }
    }

    /// All of it, in bytes.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Waits until `bytes` are free and takes them until the share is dropped.
    ///
    /// A wish larger than the whole budget is granted when nobody else holds anything: the item
    /// then runs alone.
    pub(crate) fn take(&self, bytes: u64) -> Share<'_> {
        let bytes = bytes.min(self.total);
        let mut free = self.lock();
        while *free < bytes {
            free = self.given_back.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= bytes;
        Share { budget: self, bytes }
    }

    // The number is never left half-changed, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, u64> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes taken from a [`Budget`]; dropping gives them back.
#[derive(Debug)]
#[must_use = "the bytes are given back when this is dropped"]
pub(crate) struct Share<'b> {
    budget: &'b Budget,
    bytes: u64,
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        *self.budget.lock() += self.bytes;
        self.budget.given_back.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn never_more_than_the_budget_is_out_and_all_comes_back(wishes in prop::collection::vec(0u64..300, 1..60)) {
            let budget = Budget::new(100);
            let (out, most) = (AtomicU64::new(0), AtomicU64::new(0));
            let next = Mutex::new(wishes.iter());
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| loop {
                        let Some(&wish) = next.lock().unwrap().next() else { break };
                        let share = budget.take(wish);
                        let now = out.fetch_add(share.bytes, Ordering::SeqCst) + share.bytes;
                        most.fetch_max(now, Ordering::SeqCst);
                        std::thread::yield_now();
                        out.fetch_sub(share.bytes, Ordering::SeqCst);
                    });
                }
            });
            prop_assert!(most.into_inner() <= 100);
            prop_assert_eq!(*budget.lock(), 100);
        }
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
