//! Running a future on the thread that calls.

use event_listener::{Event, Listener, listener};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// Runs `future` on this thread until it completes.
///
/// The thread sleeps while the future is pending. The runtime is the whole process's: tasks and blocking
/// work that are left go on and are not waited for. A call in a task blocks the thread of that task alone.
///
/// # Panics
///
/// If the future does.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let thread = Arc::new(Sleeper(Event::new()));
    let waker = Waker::from(Arc::clone(&thread));
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    // Ends with the future: each turn but the first follows a wake. No wake is lost: the thread listens
    // before the poll, so a wake either comes before the poll, which sees its reason, or ends the wait.
    loop {
        listener!(thread.0 => wake);
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(value) => return value,
            Poll::Pending => wake.wait(),
        }
    }
}

/// The thread of one `block_on`, which listens alone.
struct Sleeper(Event);

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.notify(1);
    }
}
