//! A slot for the waker of one task that waits for a change.
//!
//! # Invariants
//!
//! 1. One task waits at a time: a registered waker replaces the previous one.
//! 2. No user code runs under the lock. A waker is cloned before the lock is taken, and woken or dropped
//!    after it is released, so a waker may call back into the slot. If a clone panics, the slot is unchanged.
//! 3. A waker is taken once: by the side that wakes it, or by the task when it stops waiting.
//!
//! # No lost wake-up
//!
//! The task registers its waker, checks for the change, then sleeps. The other side makes the change, then
//! takes the waker. Both take the lock in between. Whichever takes it second sees the other: the task sees the change,
//! or the other side finds the waker.

use super::{Mutex, StoredWaker, WakerId};
use std::task::Waker;

/// A slot for one waker. Empty at first.
pub(crate) struct WakerSlot(Mutex<StoredWaker>);

impl WakerSlot {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(StoredWaker::default()))
    }

    /// Stores the waker of the waiting task, which has to check for the change after this call. Returns the
    /// identity of the stored waker, by which the task knows its waker at the next poll.
    pub(crate) fn register(&self, waker: &Waker) -> WakerId {
        let waker = StoredWaker::of(waker);
        let id = waker.id().unwrap_or(WakerId::NONE);
        let replaced = std::mem::replace(&mut *self.0.lock(), waker);
        drop(replaced);
        id
    }

    /// Takes the waker out.
    pub(crate) fn take(&self) -> StoredWaker {
        std::mem::take(&mut *self.0.lock())
    }

    /// Wakes the waiting task, if there is one. Called after the change. A panic of the waker is caught, and logged
    /// with `what`.
    pub(crate) fn wake(&self, what: &str) {
        self.take().wake(what);
    }
}
