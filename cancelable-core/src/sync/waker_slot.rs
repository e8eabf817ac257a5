//! Where one task leaves its waker for whoever changes what it waits for.
//!
//! # Invariants
//!
//! 1. One task waits at a time: a waker that is left takes the place of the one before it.
//! 2. Nothing of a user's runs under the lock. A waker is cloned before it, and woken or dropped after it,
//!    so it may come back here; and where its clone panics the slot is as it was.
//! 3. A waker is taken once, by who wakes it or by who has no more use for it.
//!
//! # No lost wake-up
//!
//! The task leaves its waker, then looks, then sleeps. The other side makes the change, then takes the waker.
//! Both take the lock in between, so one comes second: either the task sees the change, or its waker is
//! found.

use super::{Mutex, StoredWaker, WakerId};
use std::task::Waker;

pub(crate) struct WakerSlot(Mutex<StoredWaker>);

impl WakerSlot {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(StoredWaker::default()))
    }

    /// Leaves the waker of the task that waits, which is to look again after this. Which one lies here then,
    /// for who asks whether it is the same again.
    pub(crate) fn register(&self, waker: &Waker) -> WakerId {
        let waker = StoredWaker::of(waker);
        let id = waker.id().unwrap_or(WakerId::NONE);
        let replaced = std::mem::replace(&mut *self.0.lock(), waker);
        drop(replaced);
        id
    }

    /// Takes the waker back.
    pub(crate) fn take(&self) -> StoredWaker {
        std::mem::take(&mut *self.0.lock())
    }

    /// Wakes the task that waits, if one does, after a change. A panic of the waker ends here, and is
    /// logged with `what`.
    pub(crate) fn wake(&self, what: &str) {
        self.take().wake(what);
    }
}
