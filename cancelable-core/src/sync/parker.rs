//! A parker: polls a future on the calling thread, which sleeps between the polls.
//!
//! No model of loom runs this code. The event lists this thread only, and no waker of a user.

use super::unmodelled::{Event, Listener, listener};
use super::{AtomicBool, Ordering};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// A thread that sleeps until it is woken. A wake before the sleep is kept.
struct Parker {
    is_woken: AtomicBool,
    /// The event that is notified after a wake. One thread listens.
    changed: Event,
}

impl Parker {
    /// Blocks until there was a wake since the last call.
    ///
    /// Ends: a wake sets the flag, then notifies. This thread listens before its last read of the flag, so this thread
    /// sees the flag or receives the notification.
    fn park(&self) {
        while !self.take_wake() {
            listener!(self.changed => changed);
            if self.take_wake() {
                return;
            }
            changed.wait();
        }
    }

    /// Takes the wake, if there is one.
    ///
    /// Acquire: pairs with the wake's release, so the poll that follows sees the writes before the wake.
    fn take_wake(&self) -> bool {
        self.is_woken.swap(false, Ordering::Acquire)
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Release: see `take_wake`. If there are several wakes before a poll, only the first notifies.
        if !self.is_woken.swap(true, Ordering::Release) {
            self.changed.notify(1);
        }
    }
}

/// Runs `future` on this thread, which sleeps while the future is pending.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let parker = Arc::new(Parker {
        is_woken: AtomicBool::new(false),
        changed: Event::new(),
    });
    let waker = Waker::from(Arc::clone(&parker));
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    // Ends with the future: each round but the first follows a wake.
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(value) => return value,
            Poll::Pending => parker.park(),
        }
    }
}
