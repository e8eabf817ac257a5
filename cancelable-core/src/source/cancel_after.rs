//! A cancel after a time, which a guard calls off.

use super::Limit;
use crate::cause::Cause;
use crate::runtime::{RuntimeHandle, Sleep};
use crate::sync::{AtomicU8, Ordering, WakerSlot};
use crate::token::{CancellationToken, WaitForCancellationFutureOwned};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Cancels `token` when `limit` has passed from this call, unless the guard is dropped before.
///
/// A limit of zero cancels before this function returns; a limit that the clock cannot express never cancels. The cause
/// is a timeout with the location of this call. A task of `runtime` keeps the time. The task ends with the guard, at the
/// cancel, or when something else cancels the token. If the runtime drops the task or has no timer, the token is
/// cancelled at once: a wait for it must not last for ever.
///
/// # Examples
///
/// ```
/// use cancelable_core::source::cancel_after;
/// use cancelable_core::CancellationToken;
/// use std::time::Duration;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> { rt::block_on(async {
/// let request = CancellationToken::new();
/// let limit = cancel_after(&rt::current()?, &request, Duration::from_secs(10));
/// let head = request.run_until_cancelled(async { "200 OK" }).await;
/// drop(limit); // The limit is for the head only; the body may take longer.
/// assert_eq!(head, Some("200 OK"));
/// request.check()?;
/// # Ok(()) }) }
/// ```
#[track_caller]
pub fn cancel_after(
    runtime: &RuntimeHandle,
    token: &CancellationToken,
    limit: impl Into<Limit>,
) -> CancelAfter {
    let limit = limit.into();
    let now = runtime.now();
    let shared = Arc::new(Shared {
        state: AtomicU8::new(ARMED),
        task: WakerSlot::new(),
    });
    let guard = CancelAfter {
        shared: Arc::clone(&shared),
        is_detached: false,
    };
    match limit.due(now) {
        None => {
            shared.claim(OVER);
        }
        Some(due) if due <= now => {
            shared.claim(OVER);
            token.cancel_with(limit.cause().stamped(|| now));
        }
        Some(due) => runtime
            .spawn(Countdown {
                shared,
                sleep: runtime.sleep_until(due),
                cancelled: token.clone().cancelled_owned(),
                token: token.clone(),
                cause: limit.cause(),
                runtime: runtime.clone(),
            })
            .detach(),
    }
    guard
}

/// The cancel is still to come.
const ARMED: u8 = 0;
/// The guard was dropped first.
const DISARMED: u8 = 1;
/// The token was cancelled, by this countdown or by something else; or the limit never ends.
const OVER: u8 = 2;

/// The state that the guard and the task share.
struct Shared {
    /// The state, which leaves `ARMED` once: by the guard or by the task.
    state: AtomicU8,
    task: WakerSlot,
}

impl Shared {
    fn is_armed(&self) -> bool {
        // Acquire: pairs with the release in `claim`, so a caller that sees another state also sees what led to it.
        self.state.load(Ordering::Acquire) == ARMED
    }

    /// Ends the countdown. Returns whether this call ended the countdown.
    fn claim(&self, end: u8) -> bool {
        // AcqRel: the second caller sees all writes that the first had made before.
        let claimed = self
            .state
            .compare_exchange(ARMED, end, Ordering::AcqRel, Ordering::Acquire);
        claimed.is_ok()
    }
}

/// A guard that calls off the cancel of [`cancel_after`] in its drop.
///
/// The drop does not wait for a cancel in progress on another thread.
///
/// # Examples
///
/// ```
/// use cancelable_core::CancellationToken;
/// use cancelable_core::source::cancel_after;
/// use std::time::Duration;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> { rt::block_on(async {
/// let request = CancellationToken::new();
/// let limit = cancel_after(&rt::current()?, &request, Duration::from_secs(10));
/// assert!(limit.is_armed());
/// assert!(limit.disarm());
/// assert!(!request.is_cancelled());
/// # Ok(()) }) }
/// ```
#[must_use = "dropping the guard calls the cancel off; `detach()` does not"]
pub struct CancelAfter {
    shared: Arc<Shared>,
    is_detached: bool,
}

impl CancelAfter {
    /// Returns whether the cancel is still to come.
    #[must_use]
    pub fn is_armed(&self) -> bool {
        self.shared.is_armed()
    }

    /// Calls off the cancel. Returns whether this call prevented the cancel.
    pub fn disarm(self) -> bool {
        self.shared.claim(DISARMED)
    }

    /// Drops the guard and does not call the cancel off.
    pub fn detach(mut self) {
        self.is_detached = true;
    }
}

impl Drop for CancelAfter {
    fn drop(&mut self) {
        if self.is_detached {
            return;
        }
        self.shared.claim(DISARMED);
        // The woken task ends. If there is no task, there is no waker.
        self.shared
            .task
            .wake("the waker of a task that keeps a time limit");
    }
}

impl fmt::Debug for CancelAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelAfter")
            .field("is_armed", &self.is_armed())
            .finish_non_exhaustive()
    }
}

/// The task that keeps the time.
struct Countdown {
    shared: Arc<Shared>,
    sleep: Sleep,
    cancelled: WaitForCancellationFutureOwned,
    token: CancellationToken,
    cause: Cause,
    runtime: RuntimeHandle,
}

impl Future for Countdown {
    type Output = ();

    /// Wakes: the waker is registered before the state is read, and the guard changes the state before it takes the
    /// waker. The token and the timer are polled, and have the waker too.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.shared.task.register(cx.waker());
        if !this.shared.is_armed() {
            return Poll::Ready(());
        }
        if Pin::new(&mut this.cancelled).poll(cx).is_ready() {
            this.shared.claim(OVER);
            return Poll::Ready(());
        }
        if Pin::new(&mut this.sleep).poll(cx).is_pending() {
            return Poll::Pending;
        }
        if this.shared.claim(OVER) {
            let cause = this.cause.clone().stamped(|| this.runtime.now());
            this.token.cancel_with(cause);
        }
        Poll::Ready(())
    }
}

/// Cancels in the drop, because a runtime that shuts down drops its tasks, and a runtime without a timer panics.
impl Drop for Countdown {
    fn drop(&mut self) {
        drop(self.shared.task.take());
        if self.shared.claim(OVER) {
            let cause = self.cause.clone();
            let cause = cause.with_message("the runtime of the timer has shut down");
            self.token.cancel_with(cause);
        }
    }
}
