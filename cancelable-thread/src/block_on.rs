//! The executor of one future on the calling thread.

use event_listener::{Event, Listener, listener};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// Runs `future` to completion on this thread.
///
/// The thread sleeps while the future is pending. The runtime is the whole process's: unfinished tasks run on,
/// and the call does not wait for unfinished blocking work. The call is allowed everywhere. In a task the call
/// blocks only the thread of that task.
///
/// # Panics
///
/// If the future panics.
///
/// # Examples
///
/// ```
/// use cancelable_thread as rt;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let value = rt::block_on(async {
///     let task = rt::current()?.spawn(async { 42 });
///     Ok::<_, Box<dyn std::error::Error>>(task.await?)
/// })?;
/// assert_eq!(value, 42);
/// # Ok(())
/// # }
/// ```
pub fn block_on<F: Future>(future: F) -> F::Output {
    let parker = Arc::new(Parker {
        is_woken: AtomicBool::new(false),
        changed: Event::new(),
    });
    let waker = Waker::from(Arc::clone(&parker));
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    // Ends: with the future. Each turn but the first follows a wake.
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(value) => return value,
            Poll::Pending => parker.park(),
        }
    }
}

/// The sleep of one thread until a wake. A wake before the sleep is stored.
struct Parker {
    is_woken: AtomicBool,
    /// The event that a wake notifies. One thread listens.
    changed: Event,
}

impl Parker {
    /// Blocks until there has been a wake since the last call.
    ///
    /// Ends: a wake sets the flag and then notifies. This thread listens before its last read of the flag, so the
    /// thread sees the flag or receives the notification.
    fn park(&self) {
        while !self.take_wake() {
            listener!(self.changed => changed);
            if self.take_wake() {
                return;
            }
            changed.wait();
        }
    }

    /// Takes the flag.
    ///
    /// Acquire: pairs with the wake's release, so the next poll sees all writes before the wake.
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
