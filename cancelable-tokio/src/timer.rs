//! Tokio's timer, made once and moved, and what stands in where Tokio has no time to give.
//!
//! A timer of Tokio panics where the runtime was built without its time, and where the runtime is gone: a
//! handle that one test kept is used in the next, or a program has two runtimes. A limit must hold there too.
//! So a timer that Tokio refuses goes on on a thread that keeps the system's time, and the log says so once
//! for each handle.

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
        // None where Tokio refused to make one. It is not polled any more once there is a stand-in.
        #[pin]
        sleep: Option<tokio::time::Sleep>,
        stand_in: Option<Sleep>,
        // Nobody notices it when nobody waits for it: no clock is paused that would move to it.
        is_kept: bool,
    }
}

impl TokioTimer {
    /// May be made and polled anywhere.
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

/// Tokio's timer; none, which the runtime remembers, if Tokio refuses to make one.
fn tokios(runtime: &Shared, at: Instant) -> Option<tokio::time::Sleep> {
    let _inside = runtime.handle().enter();
    let made = catch_unwind(|| tokio::time::sleep_until(at.into()));
    if made.is_err() {
        runtime.lose_its_time();
    }
    made.ok()
}

/// The runtime of plain threads, which keeps the time where Tokio does not.
pub(crate) fn threads() -> RuntimeHandle {
    cancelable_thread::current().expect("the runtime of threads is the process's")
}

/// A timer on a thread of the process, which completes when the runtime's clock would have reached `at` if it
/// went on as the system's does.
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
                // Of the waker, in its clone or its drop.
                Err(panic) if this.runtime.keeps_time() => resume_unwind(panic),
                Err(_) => this.runtime.lose_its_time(),
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

    fn stands_at(&self) -> Option<Instant> {
        Some(self.at)
    }

    /// To move a registered timer to a later time is one exchange, where to make one and to drop it
    /// takes the lock of Tokio's clock twice.
    fn retire(self: Pin<&mut Self>) -> bool {
        let this = self.project();
        let (Some(sleep), None) = (this.sleep.as_pin_mut(), &this.stand_in) else {
            return false;
        };
        // One that has rung would have to be registered again; so would each one of a runtime that
        // is gone, and those must not be polled.
        if !*this.is_kept || sleep.is_elapsed() {
            return false;
        }
        let mut nobody = Context::from_waker(Waker::noop());
        // Not constrained: where the task's budget is spent, Tokio would answer pending and keep the
        // task's waker.
        let mut sleep = unconstrained(sleep);
        // Tokio panics while the runtime goes away on another thread.
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut sleep).poll(&mut nobody)));
        matches!(polled, Ok(Poll::Pending))
    }
}
