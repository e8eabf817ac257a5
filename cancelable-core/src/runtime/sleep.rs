//! The future that waits for a point in time on any runtime.

use super::{RuntimeHandle, Timer};
use crate::sync::track_await;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// A future that completes at a point in time by the runtime's clock; from
/// [`RuntimeHandle::sleep`](super::RuntimeHandle::sleep) and
/// [`sleep_until`](super::RuntimeHandle::sleep_until).
///
/// A complete sleep stays complete until it is [reset](Self::reset).
///
/// # Cancel safety
///
/// The drop unregisters the timer and has no other effect.
///
/// # Examples
///
/// A heartbeat with one timer:
///
/// ```
/// use std::time::Duration;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # rt::block_on(async {
/// let runtime = rt::current()?;
/// let pause = Duration::from_millis(1);
/// let mut sleep = runtime.sleep(pause);
/// for beat in 1..=3 {
///     (&mut sleep).await;
///     println!("beat {beat}");
///     sleep.reset(runtime.deadline(pause));
/// }
/// assert!(!sleep.is_complete());
/// # Ok(())
/// # })
/// # }
/// ```
#[must_use = "a sleep does nothing unless it is awaited"]
pub struct Sleep {
    runtime: RuntimeHandle,
    /// The deadline; `None` for a sleep that never ends.
    deadline: Option<Instant>,
    /// The timer, made by the first poll that has to wait, and moved after that. While `armed` is true, the timer
    /// is due at `deadline`.
    timer: Option<Pin<Box<dyn Timer>>>,
    armed: bool,
    /// True once the deadline was reached. Stored here, because a runtime's timer need not remember its
    /// completion.
    complete: bool,
}

impl RuntimeHandle {
    /// Returns a future that completes when `duration` has passed since this call.
    ///
    /// If the clock cannot express that time, the future never completes.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # rt::block_on(async {
    /// let runtime = rt::current()?;
    /// let start = runtime.now();
    /// runtime.sleep(Duration::from_millis(2)).await;
    /// assert!(runtime.now() - start >= Duration::from_millis(2));
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub fn sleep(&self, duration: Duration) -> Sleep {
        self.sleep_until(self.deadline(duration))
    }

    /// Returns a future that completes when the runtime's clock reaches `at`; for `None`, never.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # rt::block_on(async {
    /// let runtime = rt::current()?;
    /// let deadline = runtime.deadline(Duration::from_millis(2));
    /// // ... work ...
    /// runtime.sleep_until(deadline).await;
    /// assert!(Some(runtime.now()) >= deadline);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
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

    /// Returns the point in time; `None` for a sleep that never ends.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Returns whether the sleep has completed and was not reset since.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Moves the point in time, earlier or later, also after the completion. With `None` the sleep never ends.
    ///
    /// The task wakes at the new time only if the sleep is polled after the reset.
    pub fn reset(&mut self, at: impl Into<Option<Instant>>) {
        self.deadline = at.into();
        self.armed = false;
        self.complete = false;
    }
}

impl Sleep {
    /// Wakes: the timer stores the waker before it returns pending. The timer is due at the deadline, because a
    /// reset clears `armed`, and this poll arms the timer before it polls the timer. `reset` takes `&mut self`,
    /// so no deadline moves during this poll.
    fn advance(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if this.complete {
            return Poll::Ready(());
        }
        let Some(at) = this.deadline else {
            // Never. A reset needs a poll after it, so no wake is lost.
            return Poll::Pending;
        };
        if !this.armed {
            // A past time needs no timer.
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
        // A completed timer is no longer registered with the clock.
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
