//! Tokio's timer, and its substitute if Tokio refuses a timer.
//!
//! A timer of Tokio panics if the runtime was built without time or was shut down. A shutdown is met if a test
//! uses a handle from the test before, or a program has two runtimes. A limit must hold there too. So a thread
//! keeps the system's time for a timer that Tokio refuses, and one line of the log reports it for each handle.

use crate::runtime::Shared;
use cancelable_core::RuntimeHandle;
use cancelable_core::runtime::{Sleep, Timer};
use pin_project_lite::pin_project;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;
use tokio::task::coop::unconstrained;

pin_project! {
    pub(crate) struct TokioTimer {
        runtime: Arc<Shared>,
        at: Instant,
        // `None` if Tokio refused the timer. Not polled once there is a substitute.
        #[pin]
        sleep: Option<tokio::time::Sleep>,
        stand_in: Option<Sleep>,
        // The timer may stay registered without a waiter, because the clock is never paused and so never advances
        // to this timer.
        is_kept: bool,
    }
}

impl TokioTimer {
    /// Makes a timer, on any thread.
    pub(crate) fn new(runtime: Arc<Shared>, at: Instant, is_kept: bool) -> Self {
        let sleep = match runtime.has_lost_its_time() {
            true => None,
            false => tokios(&runtime, at),
        };
        let stand_in = match &sleep {
            Some(_) => None,
            None => Some(stand_in(&runtime, at)),
        };
        Self {
            runtime,
            at,
            sleep,
            stand_in,
            is_kept,
        }
    }
}

/// Returns Tokio's timer. If Tokio refuses it, sets the runtime's flag and returns `None`.
fn tokios(runtime: &Shared, at: Instant) -> Option<tokio::time::Sleep> {
    let _inside = runtime.handle().enter();
    let made = catch_unwind(|| tokio::time::sleep_until(at.into()));
    if made.is_err() {
        runtime.mark_without_timer();
    }
    made.ok()
}

/// Returns the runtime of plain threads, which keeps the time where Tokio does not.
pub(crate) fn threads() -> RuntimeHandle {
    cancelable_thread::current().expect("a runtime of threads is always available")
}

/// Returns a timer on a thread of the process. The timer completes when the runtime's clock would reach `at` at
/// the speed of the system's clock.
fn stand_in(runtime: &Shared, at: Instant) -> Sleep {
    threads().sleep(at.saturating_duration_since(runtime.now()))
}

impl Future for TokioTimer {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if let (Some(sleep), None) = (this.sleep.as_mut().as_pin_mut(), &this.stand_in) {
            match catch_unwind(AssertUnwindSafe(|| sleep.poll(cx))) {
                Ok(polled) => return polled,
                // The panic of a waker, in its clone or its drop.
                Err(panic) if this.runtime.keeps_time() => resume_unwind(panic),
                Err(_) => this.runtime.mark_without_timer(),
            }
        }
        let (runtime, at) = (&**this.runtime, *this.at);
        let stand_in = this.stand_in.get_or_insert_with(|| stand_in(runtime, at));
        Pin::new(stand_in).poll(cx)
    }
}

impl Timer for TokioTimer {
    fn reset(self: Pin<&mut Self>, at: Instant) {
        let mut this = self.project();
        *this.at = at;
        if let Some(sleep) = this.sleep.as_mut().as_pin_mut() {
            if !this.runtime.has_lost_its_time() {
                return sleep.reset(at.into());
            }
        }
        *this.stand_in = Some(stand_in(this.runtime, at));
    }

    /// Returns whether the timer is registered. To move a registered timer to a later time takes one atomic exchange.
    /// To make and drop a timer takes the lock of Tokio's clock twice.
    fn retire(self: Pin<&mut Self>) -> bool {
        let this = self.project();
        let (Some(sleep), None) = (this.sleep.as_pin_mut(), &this.stand_in) else {
            return false;
        };
        // A completed timer would have to be registered again. So would a timer of a runtime that was shut down,
        // which must not be polled.
        if !*this.is_kept || sleep.is_elapsed() {
            return false;
        }
        let mut nobody = Context::from_waker(Waker::noop());
        // Unconstrained: if the budget of the task is spent, Tokio would return pending and keep the waker of the
        // task.
        let mut sleep = unconstrained(sleep);
        // Tokio panics if another thread is shutting the runtime down.
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut sleep).poll(&mut nobody)));
        matches!(polled, Ok(Poll::Pending))
    }
}

#[cfg(test)]
mod tests {
    use crate::runtime::Adapter;
    use cancelable_core::runtime::RuntimeAdapter;
    use std::task::{Context, Waker};
    use std::time::Duration;
    use tokio::runtime::{Builder, Runtime};

    /// The paused clock of an idle runtime moves to the next timer, also to a timer without a waiter.
    #[test]
    fn r44_a_runtime_that_can_pause_its_clock_keeps_no_timer() {
        let is_kept = |tokio: Runtime| {
            let adapter = Adapter::new(tokio.handle().clone());
            let mut timer = adapter.timer(adapter.now() + Duration::from_secs(3600));
            let mut context = Context::from_waker(Waker::noop());
            assert!(timer.as_mut().poll(&mut context).is_pending());
            timer.as_mut().retire()
        };
        let one_thread = Builder::new_current_thread().enable_time().build();
        assert!(!is_kept(one_thread.unwrap()));
        let mut several = Builder::new_multi_thread();
        let several = several.worker_threads(1).enable_time().build();
        assert!(is_kept(several.unwrap()));
    }
}
