//! A gate that plain threads wait at until it is opened, once and for ever.

use super::{Condvar, Mutex, wait};
use std::sync::Arc;
use std::task::Wake;
use std::time::Duration;

/// Closed until [`Gate::open`]; as a [`Wake`], a wake opens it.
#[derive(Debug)]
pub(crate) struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self {
            open: Mutex::new(false),
            opened: Condvar::new(),
        }
    }

    /// Lets everyone through, now and later.
    pub(crate) fn open(&self) {
        *self.open.lock() = true;
        self.opened.notify_all();
    }

    /// Blocks until the gate is open. Ends: `open` sets the flag under the lock that this holds
    /// whenever it looks, so the flag is seen or the notification is received.
    pub(crate) fn pass(&self) {
        let mut open = self.open.lock();
        while !*open {
            open = wait(&self.opened, open);
        }
    }

    /// Blocks until the gate is open, for `limit` at most; true if it is open.
    ///
    /// A limit too large for the clock waits for ever.
    #[cfg(not(cancelable_loom))]
    pub(crate) fn pass_within(&self, limit: Duration) -> bool {
        let Some(deadline) = super::clock::now().checked_add(limit) else {
            self.pass();
            return true;
        };
        let mut open = self.open.lock();
        while !*open {
            if self.opened.wait_until(&mut open, deadline).timed_out() {
                break;
            }
        }
        *open
    }

    /// loom has no time: every limit is reached at once.
    #[cfg(cancelable_loom)]
    pub(crate) fn pass_within(&self, _limit: Duration) -> bool {
        *self.open.lock()
    }
}

impl Wake for Gate {
    fn wake(self: Arc<Self>) {
        self.open();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.open();
    }
}
