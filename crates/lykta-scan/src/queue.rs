//! Items in memory that wait for a thread: what one finds in a container, others may examine.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::descend::HeldItem;

/// How long a thread without work sleeps before it looks whether the scan was stopped.
const NAP: Duration = Duration::from_millis(50);

/// A queue with room for so many bytes: whoever finds it full examines its item itself, so nobody waits for room.
#[derive(Default)]
pub(crate) struct Queue {
    room: u64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    items: VecDeque<HeldItem>,
    bytes: u64,
    /// Threads that may still add.
    producers: usize,
}

/// A thread that may add items; while there is one, others wait for them.
pub(crate) struct Producer<'q>(&'q Queue);

impl Queue {
    /// With room for `room` bytes: none for a thread that is alone.
    pub(crate) fn new(room: u64) -> Self {
        Self { room, ..Self::default() }
    }

    /// Adds an item, if there is room.
    pub(crate) fn push(&self, item: HeldItem) -> Result<(), HeldItem> {
        let mut state = self.lock();
        let bytes = state.bytes + item.bytes.len() as u64;
        if bytes > self.room {
            return Err(item);
        }
        state.bytes = bytes;
        state.items.push_back(item);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// An item, if there is one now.
    pub(crate) fn pop(&self) -> Option<HeldItem> {
        take(&mut self.lock())
    }

    /// The next item; none when nobody is left who could add one. Also returns at times without an item: then the
    /// outer option is there, and the inner is not.
    pub(crate) fn wait(&self) -> Option<Option<HeldItem>> {
        let mut state = self.lock();
        if let Some(item) = take(&mut state) {
            return Some(Some(item));
        }
        if state.producers == 0 {
            return None;
        }
        let (mut state, _) = self.changed.wait_timeout(state, NAP).unwrap_or_else(PoisonError::into_inner);
        Some(take(&mut state))
    }

    /// Says that this thread may add items until what is returned is dropped.
    pub(crate) fn producer(&self) -> Producer<'_> {
        self.lock().producers += 1;
        Producer(self)
    }

    // Nothing is ever left half-changed.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn take(state: &mut State) -> Option<HeldItem> {
    let item = state.items.pop_front()?;
    state.bytes -= item.bytes.len() as u64;
    Some(item)
}

impl Drop for Producer<'_> {
    fn drop(&mut self) {
        self.0.lock().producers -= 1;
        self.0.changed.notify_all();
    }
}
