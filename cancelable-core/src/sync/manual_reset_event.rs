//! An event that threads block on until it is set.
//!
//! The field calls such an event a manual-reset event: once set, it stays set and wakes every thread. No code of this
//! crate resets an event, so there is no `reset`.

use super::{Condvar, Mutex, wait};
#[cfg(not(cancelable_loom))]
use super::{clock, wait_until};
use std::sync::Arc;
use std::task::Wake;
use std::time::Duration;

/// An event that starts unset. A wake of it, as a [`Wake`], sets it.
#[derive(Debug)]
pub(crate) struct ManualResetEvent {
    is_set: Mutex<bool>,
    changed: Condvar,
}

impl ManualResetEvent {
    pub(crate) fn new() -> Self {
        Self {
            is_set: Mutex::new(false),
            changed: Condvar::new(),
        }
    }

    /// Sets the event: every waiting thread continues, and no later wait blocks.
    pub(crate) fn set(&self) {
        *self.is_set.lock() = true;
        self.changed.notify_all();
    }

    /// Blocks until the event is set. Ends: `set` writes the flag under the lock under which this thread reads the
    /// flag, so this thread sees the flag or receives the notification.
    pub(crate) fn wait(&self) {
        let mut is_set = self.is_set.lock();
        while !*is_set {
            is_set = wait(&self.changed, is_set);
        }
    }

    /// Blocks until the event is set, for at most `limit`. Returns whether the event is set.
    ///
    /// A limit that overflows the clock never ends.
    #[cfg(not(cancelable_loom))]
    pub(crate) fn wait_timeout(&self, limit: Duration) -> bool {
        let Some(deadline) = clock::now().checked_add(limit) else {
            self.wait();
            return true;
        };
        let mut is_set = self.is_set.lock();
        while !*is_set && clock::now() < deadline {
            is_set = wait_until(&self.changed, is_set, deadline);
        }
        *is_set
    }

    /// Returns at once whether the event is set: loom has no time, so every limit has passed.
    #[cfg(cancelable_loom)]
    pub(crate) fn wait_timeout(&self, _limit: Duration) -> bool {
        *self.is_set.lock()
    }
}

impl Wake for ManualResetEvent {
    fn wake(self: Arc<Self>) {
        self.set();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.set();
    }
}
