//! A latch: a flag that is set once, and for which any number of tasks may wait.
//!
//! # Invariants
//!
//! 1. A latch that is set has no wakers: they are taken in the same critical section that sets the flag, and
//!    no waker is added after it.
//! 2. A wait has at most one entry, which its drop removes.
//! 3. No user code runs under the lock. A waker is cloned before the lock is taken, and woken or dropped
//!    after it is released. So a waker may poll or drop any wait for this latch, and drop the last handle.
//! 4. Each waker is woken in isolation, so a waker that panics stops no other.
//!
//! # No lost wake-up
//!
//! A wait adds its waker in the critical section in which it read that the latch is unset. `set` writes the
//! flag and takes the wakers in one critical section of the same lock. Whichever comes second sees the
//! other: the wait is ready, or `set` finds the waker.
//!
//! A thread waits by [`LatchWait::block`].

use super::{ManualResetEvent, Mutex, NumberMap, StoredWaker};
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// The flag and its waiting tasks. Unset at first.
#[derive(Default)]
pub(crate) struct Latch {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_set: bool,
    /// The key for the next wait.
    next: u64,
    /// The stored wakers, in a map, because a map releases its memory after a peak.
    wakers: NumberMap<u64, StoredWaker>,
}

impl State {
    fn take_key(&mut self) -> u64 {
        let key = self.next;
        self.next += 1;
        key
    }
}

impl Latch {
    /// Sets the latch and wakes every wait. A panic of a waker is logged with `what`.
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

    /// Returns a future that completes when the latch is set.
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
    /// The key of the entry in the latch; `None` until the first poll that waits.
    key: Option<u64>,
}

impl LatchWait {
    /// Blocks this thread until the latch is set. Ends: `set` wakes each waker on the list, and the waker of this wait
    /// sets the event.
    pub(crate) fn block(mut self) {
        let event = Arc::new(ManualResetEvent::new());
        let waker = Waker::from(Arc::clone(&event));
        if Pin::new(&mut self)
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
        {
            event.wait();
        }
    }
}

impl Future for LatchWait {
    type Output = ();

    /// Wakes: "No lost wake-up" in the file's header.
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

/// Removes the entry, so that dropped waits take no memory.
impl Drop for LatchWait {
    fn drop(&mut self) {
        let Some(key) = self.key else { return };
        let waker = self.latch.state.lock().wakers.remove(&key);
        drop(waker);
    }
}
