//! Tokio's timer, made once and moved.

use cancelable_core::runtime::Timer;
use pin_project_lite::pin_project;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;
use tokio::task::coop::unconstrained;

pin_project! {
    pub(crate) struct TokioTimer {
        #[pin]
        sleep: tokio::time::Sleep,
        // Nobody notices it when nobody waits for it: no clock is paused that would move to it.
        is_kept: bool,
    }
}

impl TokioTimer {
    /// Must be called inside the runtime whose clock it follows; it may be polled anywhere.
    pub(crate) fn new(at: Instant, is_kept: bool) -> Self {
        Self {
            sleep: tokio::time::sleep_until(at.into()),
            is_kept,
        }
    }
}

impl Future for TokioTimer {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().sleep.poll(cx)
    }
}

impl Timer for TokioTimer {
    fn reset(self: Pin<&mut Self>, at: Instant) {
        self.project().sleep.reset(at.into());
    }

    fn stands_at(&self) -> Option<Instant> {
        Some(self.sleep.deadline().into_std())
    }

    /// To move a registered timer to a later time is one exchange, where to make one and to drop it
    /// takes the lock of Tokio's clock twice.
    fn retire(self: Pin<&mut Self>) -> bool {
        let this = self.project();
        // One that has rung would have to be registered again; so would each one of a runtime that
        // is gone, and those must not be polled.
        if !*this.is_kept || this.sleep.is_elapsed() {
            return false;
        }
        let mut nobody = Context::from_waker(Waker::noop());
        // Not constrained: where the task's budget is spent, Tokio would answer pending and keep the
        // task's waker.
        let mut sleep = unconstrained(this.sleep);
        // Tokio panics while the runtime goes away on another thread.
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut sleep).poll(&mut nobody)));
        matches!(polled, Ok(Poll::Pending))
    }
}
