//! A future that runs to its end in spite of a cancel.

use super::Timeout;
use crate::cause::ambient::{self, Ambient};
use crate::error::{Refusal, RefusalReason, Rejected};
use crate::record::shielding::{InShield, ShieldGuard};
use crate::record::{
    Record,
    {LeaseHolder, leases::LeaseGuard, shields::OpenShield},
};
use crate::source::Limit;
use crate::sync::{log, track_await};
use pin_project_lite::pin_project;
use std::any::type_name;
use std::fmt;
use std::future::Future;
use std::mem::discriminant;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

pin_project! {
    /// A future that runs to its end although its operation is cancelled, from [`Operation::shield`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the shield drops the future inside and ends the shield.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let outcome = rt::block_on(async {
    ///     let save = rt::scope("save").run(async |op| {
    ///         let write = async { "written" };
    ///         // The write outlives a cancel, but not for longer than a second.
    ///         let shield = op.shield(write).within(Duration::from_secs(1));
    ///         match shield {
    ///             Ok(shield) => shield.await.ok(),
    ///             Err(rejected) => Some(rejected.into_inner().await),
    ///         }
    ///     });
    ///     save.await
    /// });
    /// assert_eq!(outcome.into_value(), Some(Some("written")));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "futures do nothing unless polled"]
    pub struct Shield<F: Future> {
        operation: Arc<Record>,
        location: &'static Location<'static>,
        // The entry of the operation on a thread without a current operation.
        slot: Option<Ambient>,
        // A value that was ready while a cancel was due. The next poll returns it, if there is one.
        held: Option<Late<F::Output>>,
        // Returns whether a value is an error, as far as its type shows.
        is_error: fn(&F::Output) -> bool,
        // None once it has ended: a future that is kept may contain a run, which would delay the cancel.
        #[pin]
        future: Option<F>,
        // The limit of the shield.
        until: Option<Instant>,
        // From the first poll inside the run of the operation to the end. Dropped after the future.
        open: Option<Open>,
    }
}

/// The state of an open shield.
struct Open {
    lease: LeaseGuard,
    shield: ShieldGuard,
}

impl<F: Future> Shield<F> {
    #[track_caller]
    pub(super) fn new(operation: Arc<Record>, future: F) -> Self {
        Self::at(operation, Location::caller(), Some(future), None, is_error)
    }

    fn at(
        operation: Arc<Record>,
        location: &'static Location<'static>,
        future: Option<F>,
        until: Option<Instant>,
        is_error: fn(&F::Output) -> bool,
    ) -> Self {
        Self {
            slot: None,
            operation,
            location,
            held: None,
            is_error,
            future,
            until,
            open: None,
        }
    }

    /// Gives the future at most `limit` from this call, so that the shield cannot delay a cancel for ever. A value
    /// that is ready wins over a limit that is over.
    ///
    /// # Errors
    ///
    /// The operation has no runtime to keep the time. The error contains the shield.
    #[track_caller]
    #[allow(clippy::result_large_err)] // The error has the shield, which the caller has held by value anyway.
    pub fn within(self, limit: Duration) -> Result<Shield<Timeout<F>>, Rejected<Self>> {
        let Some(runtime) = self.operation.runtime.clone() else {
            let refusal = Refusal {
                operation: self.operation.label.clone(),
                request: "a limit for a shield",
                reason: RefusalReason::NoRuntime,
            };
            return Err(refusal.with(self));
        };
        let until = self.until.into_iter().chain(runtime.deadline(limit)).min();
        let limit = Limit::after(limit);
        let future = self.future.map(|future| runtime.timeout(limit, future));
        Ok(Shield::at(
            self.operation,
            self.location,
            future,
            until,
            |value| value.as_ref().map_or(true, is_error),
        ))
    }
}

/// A value that was ready while a cancel was due.
struct Late<T> {
    value: Option<T>,
    is_error: fn(&T) -> bool,
    operation: Arc<Record>,
    location: &'static Location<'static>,
}

impl<T> Late<T> {
    fn into_inner(mut self) -> Option<T> {
        self.value.take()
    }
}

/// A value is dropped here with its body, and no code reads it. An error among such values is logged, because the
/// work was important enough for a shield.
impl<T> Drop for Late<T> {
    fn drop(&mut self) {
        if !self.value.as_ref().is_some_and(self.is_error) {
            return;
        }
        let (label, location) = (&self.operation.label, self.location);
        log!(
            Warn,
            operation = &*label.shown_name(), id = label.id().get(), location:% = location;
            "{label}: a shielded future failed, and the cancel has dropped the error ({}); \
             the shield was opened at {location}", type_name::<T>()
        );
    }
}

/// Returns whether `value` is the `Err` of a result, for the log. The type is generic, so its name shows the type
/// of the result.
fn is_error<T>(value: &T) -> bool {
    // `Err` is the second variant, and a discriminant shows its number by `Debug` alone.
    type_name::<T>().starts_with(RESULT) && format!("{:?}", discriminant(value)).ends_with("(1)")
}

const RESULT: &str = "core::result::Result<";

impl Open {
    /// Opens a shield, or keeps it open, where `operation` runs; `None` where it does not run.
    fn keep(
        open: Option<Self>,
        operation: &Arc<Record>,
        location: &'static Location<'static>,
        until: Option<Instant>,
        cx: &Context<'_>,
    ) -> Option<Self> {
        if let Some(mut open) = open {
            if let Some(is_inside_another) = ambient::is_shielded_in(open.lease.home()) {
                open.lease.renew(!is_inside_another, cx);
                return Some(open);
            }
        }
        let home = operation.innermost()?;
        let open_shield = OpenShield {
            location,
            since: home.now(),
        };
        let shield = ShieldGuard::new(until);
        let holder = LeaseHolder::Shield(open_shield, Arc::clone(shield.state()));
        let is_inside_another = ambient::is_shielded_in(&home).unwrap_or(false);
        let lease = LeaseGuard::open(home, holder, !is_inside_another, cx);
        Some(Self { lease, shield })
    }
}

impl<F: Future> Shield<F> {
    /// Wakes: by the future inside, which has the waker while it is pending. If the shield has a value and a cancel
    /// is due, the task is woken here. A run that is cancelled drops the body before the next poll, after a
    /// final poll of the body, in which the value is not returned.
    fn advance(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        if this.held.is_some() {
            let home = this.operation.innermost();
            if home.is_some_and(|home| home.shields.is_in_final_poll()) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        if let Some(value) = this.held.take().and_then(Late::into_inner) {
            return Poll::Ready(value);
        }
        *this.open = Open::keep(
            this.open.take(),
            this.operation,
            this.location,
            *this.until,
            cx,
        );
        let value = {
            let _inside = match ambient::is_set() {
                true => None,
                false => Some(this.operation.enter_here(this.slot)),
            };
            let shield = this.open.as_ref().map(|open| open.shield.state());
            let _in_shield = shield.map(InShield::enter);
            let Some(future) = this.future.as_mut().as_pin_mut() else {
                // Polled after its end.
                return Poll::Pending;
            };
            let value = ready!(future.poll(cx));
            this.future.set(None);
            value
        };
        let home = this.open.take().map(|open| Arc::clone(open.lease.home()));
        if home.is_some_and(|home| home.is_cancelled() && !home.shields.has_leases()) {
            *this.held = Some(Late {
                value: Some(value),
                is_error: *this.is_error,
                operation: Arc::clone(this.operation),
                location: this.location,
            });
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(value)
    }
}

impl<F: Future> Future for Shield<F> {
    type Output = F::Output;

    #[cfg_attr(feature = "testing", track_caller)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        track_await(self.advance(cx))
    }
}

impl<F: Future> fmt::Debug for Shield<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shield")
            .field("operation", &self.operation.label)
            .field("location", &format_args!("{}", self.location))
            .field("open", &self.open.is_some())
            .finish_non_exhaustive()
    }
}
