//! Polling a future on a thread that parks between the polls.

use super::{Condvar, Mutex, wait};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// As a [`Wake`], lets the thread that parks here go on; a wake that comes first is kept.
#[derive(Debug)]
struct Parker {
    woken: Mutex<bool>,
    changed: Condvar,
}

impl Parker {
    /// Blocks until there was a wake since the last call. Ends: a wake sets the flag under the lock
    /// that this holds whenever it looks, so the flag is seen or the notification is received.
    fn park(&self) {
        let mut woken = self.woken.lock();
        while !*woken {
            woken = wait(&self.changed, woken);
        }
        *woken = false;
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        *self.woken.lock() = true;
        self.changed.notify_one();
    }
}

/// Runs `future` on this thread, which sleeps while the future is pending.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let parker = Arc::new(Parker {
        woken: Mutex::new(false),
        changed: Condvar::new(),
    });
    let waker = Waker::from(Arc::clone(&parker));
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    // Ends with the future: each turn follows a wake.
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(value) => return value,
            Poll::Pending => parker.park(),
        }
    }
}
