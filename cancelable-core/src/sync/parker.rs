//! A parker, which polls a future on the calling thread. The thread sleeps between the polls.
//!
//! No model of loom comes here. The event has a list of this one thread, and no waker of a user is on it.

use super::unmodelled::{Event, Listener, listener};
use super::{AtomicBool, Ordering};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// A thread that sleeps until it is woken. A wake that comes before the sleep is kept.
struct Parker {
    is_woken: AtomicBool,
    /// Notified after a wake. One thread listens.
    changed: Event,
}

impl Parker {
    /// Blocks until there was a wake since the last call.
    ///
    /// Ends: a wake sets the flag and notifies after that. This thread listens before it reads the flag for the
    /// last time, so it sees the flag or receives the notification.
    fn park(&self) {
        while !self.take_wake() {
            listener!(self.changed => changed);
            if self.take_wake() {
                return;
            }
            changed.wait();
        }
    }

    /// Acquire: pairs with the wake's release, so the poll that follows sees what was written before the wake.
    fn take_wake(&self) -> bool {
        self.is_woken.swap(false, Ordering::Acquire)
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Release: see `take_wake`. Of wakes in a row the first notifies.
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
    // Ends with the future: each turn but the first follows a wake.
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(value) => return value,
            Poll::Pending => parker.park(),
        }
    }
}
