//! A future that waits for a point in time, on any runtime.

use super::{RuntimeHandle, Timer};
use crate::sync::track_await;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Completes when the runtime's clock has reached a point in time, which can be moved.
///
/// Made by [`RuntimeHandle::sleep`](super::RuntimeHandle::sleep) and
/// [`sleep_until`](super::RuntimeHandle::sleep_until). Once complete it stays complete until it is
/// reset.
///
/// # Cancel safety
///
/// Dropping it unregisters it from the runtime, nothing else.
#[must_use = "a sleep does nothing unless it is awaited"]
pub struct Sleep {
    runtime: RuntimeHandle,
    /// `None` is never.
    deadline: Option<Instant>,
    /// The one timer, asked of the runtime at the first poll that has to wait, and moved from then
    /// on. While `armed` is true it stands at `deadline`.
    timer: Option<Pin<Box<dyn Timer>>>,
    armed: bool,
    /// The deadline was reached, which is remembered because a runtime's timer need not be.
    complete: bool,
}

impl RuntimeHandle {
    /// Completes when `duration` has passed since this call.
    ///
    /// A duration that the clock cannot express never completes.
    pub fn sleep(&self, duration: Duration) -> Sleep {
        self.sleep_until(self.deadline(duration))
    }

    /// Completes when the runtime's clock has reached `at`, and never for `None`.
    pub fn sleep_until(&self, at: impl Into<Option<Instant>>) -> Sleep {
        Sleep::new(self.clone(), at.into())
    }
}

impl Sleep {
    fn new(runtime: RuntimeHandle, deadline: Option<Instant>) -> Self {
        Self {
            runtime,
            deadline,
            timer: None,
            armed: false,
            complete: false,
        }
    }

    /// When it completes; `None` is never.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Whether it completed and was not reset since.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Moves the point in time, earlier or later, also after it completed; `None` is never.
    ///
    /// It has to be polled afterwards to wake its task at the new time.
    pub fn reset(&mut self, at: impl Into<Option<Instant>>) {
        self.deadline = at.into();
        self.armed = false;
        self.complete = false;
    }
}

impl Sleep {
    /// Wakes: the timer keeps the waker before it answers pending, and stands at the deadline
    /// because a moved deadline disarms it and it is armed here before it is polled. `reset` takes
    /// `&mut self`, so no deadline moves behind this poll.
    fn advance(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if this.complete {
            return Poll::Ready(());
        }
        let Some(at) = this.deadline else {
            // Never: there is nothing to be woken by, short of a reset and the poll after it.
            return Poll::Pending;
        };
        if !this.armed {
            // A time that is past needs no timer, on any runtime.
            if this.runtime.now() >= at {
                this.complete = true;
                return Poll::Ready(());
            }
            match &mut this.timer {
                Some(timer) => timer.as_mut().reset(at),
                None => this.timer = Some(this.runtime.timer(at)),
            }
            this.armed = true;
        }
        if let Some(timer) = &mut this.timer {
            std::task::ready!(timer.as_mut().poll(cx));
        }
        // A timer that completed is no longer registered with its clock.
        this.armed = false;
        this.complete = true;
        Poll::Ready(())
    }
}

impl Future for Sleep {
    type Output = ();

    #[cfg_attr(feature = "testing", track_caller)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        track_await(self.advance(cx))
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep")
            .field("runtime", &self.runtime.name())
            .field("deadline", &self.deadline)
            .field("complete", &self.complete)
            .finish_non_exhaustive()
    }
}
