//! A latch that any number of tasks wait for: set once, and for ever.
//!
//! # Invariants
//!
//! 1. Once it is set nobody is on its list: those who were are taken together with the step that sets it, and
//!    nobody comes after that.
//! 2. A wait has one entry at most, which it takes off the list when it is dropped.
//! 3. Nothing of a user's runs under the lock. A waker is cloned before it, and woken or dropped after it,
//!    so it may poll or drop any wait for this latch, and let go of the last handle to it.
//! 4. Each waker is woken in isolation, so one that panics stops no other.
//!
//! # No lost wake-up
//!
//! A waker goes on the list under the lock under which the latch was found not to be set. Whoever sets it
//! does so under the same lock, and takes the list there. Whichever comes second sees the other: the wait is
//! over, or its waker is found.
//!
//! A thread waits by [`block_on`](super::block_on).

use super::{Mutex, StoredWaker};
use std::collections::BTreeMap;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

#[derive(Default)]
pub(crate) struct Latch {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_set: bool,
    /// The key of the next wait.
    next: u64,
    /// A map, because it leaves nothing of a peak behind.
    wakers: BTreeMap<u64, StoredWaker>,
}

impl State {
    fn take_key(&mut self) -> u64 {
        let key = self.next;
        self.next += 1;
        key
    }
}

impl Latch {
    /// Sets the latch and wakes all who wait for it. A panic of a waker is logged with `what`.
    pub(crate) fn set(&self, what: &str) {
        let wakers = {
            let mut state = self.state.lock();
            state.is_set = true;
            mem::take(&mut state.wakers)
        };
        for waker in wakers.into_values() {
            waker.wake(what);
        }
    }

    /// Completes when the latch is set.
    pub(crate) fn wait(self: &Arc<Self>) -> LatchWait {
        LatchWait {
            latch: Arc::clone(self),
            key: None,
        }
    }
}

/// A wait for a latch.
pub(crate) struct LatchWait {
    latch: Arc<Latch>,
    /// Its entry on the list, once it had one.
    key: Option<u64>,
}

impl Future for LatchWait {
    type Output = ();

    /// Wakes: see the head of this file.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let waker = StoredWaker::of(cx.waker());
        let (polled, unused) = {
            let mut state = this.latch.state.lock();
            if state.is_set {
                (Poll::Ready(()), Some(waker))
            } else {
                let key = *this.key.get_or_insert_with(|| state.take_key());
                (Poll::Pending, state.wakers.insert(key, waker))
            }
        };
        drop(unused);
        polled
    }
}

/// Leaves the list, so that a latch that many look at and few wait for keeps those few.
impl Drop for LatchWait {
    fn drop(&mut self) {
        let Some(key) = self.key else { return };
        let waker = self.latch.state.lock().wakers.remove(&key);
        drop(waker);
    }
}
