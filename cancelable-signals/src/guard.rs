//! A guard that keeps signals watched until it is dropped.

use crate::watch::{self, Plan, WINDOW};
use crate::work::Work;
use crate::{Signal, Step, WatchError};
use cancelable_core::CancellationToken;
use std::fmt;
use std::time::Duration;

/// Watches signals for as long as it lives.
///
/// When it is dropped, a signal goes to the others that watch it; if there are none, the process
/// does with it what it did before. Dropping does not wait: what an earlier signal set off may
/// still be running.
#[must_use = "signals are watched only as long as the guard lives; `detach` keeps them watched"]
pub struct SignalGuard {
    id: u64,
}

impl SignalGuard {
    pub(crate) fn new(
        signals: impl IntoIterator<Item = Signal>,
        plan: Plan,
        ignored: bool,
        window: Duration,
    ) -> Result<Self, WatchError> {
        let id = watch::add(signals.into_iter().collect(), plan, ignored, window)?;
        Ok(Self { id })
    }

    /// Sets for how long after the first the same signal is the same request, in place of 100 ms. With
    /// zero each signal is a request.
    pub fn merge_within(self, window: Duration) -> Self {
        watch::set_window(self.id, window);
        self
    }

    /// Keeps watching until the process ends.
    pub fn detach(self) {
        std::mem::forget(self);
    }
}

impl Drop for SignalGuard {
    fn drop(&mut self) {
        watch::remove(self.id);
    }
}

impl fmt::Debug for SignalGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignalGuard").finish_non_exhaustive()
    }
}

/// Cancels `token` at the first of `signals`, with a cause that names it. Needs no runtime and no
/// scope.
///
/// The guard has then done its part: the next signal goes to the others that watch it, and takes
/// its previous action when there are none. So a second Ctrl+C ends a program whose shutdown
/// hangs. [`Escalation`](crate::Escalation) does something else with it.
///
/// The same signal within 100 ms of the first is the same request, since wrappers send it twice;
/// [`merge_within`](SignalGuard::merge_within) sets another time.
///
/// # Errors
///
/// If `signals` is empty, or the system refuses.
///
/// # Examples
///
/// ```
/// use cancelable_core::CancellationToken;
/// use cancelable_signals::{Signal, cancel_on_signal};
///
/// let stop = CancellationToken::new();
/// let guard = cancel_on_signal(&stop, Signal::shutdown())?;
/// // Work that looks at `stop` goes here.
/// drop(guard);
/// # Ok::<(), cancelable_signals::WatchError>(())
/// ```
#[track_caller]
pub fn cancel_on_signal(
    token: &CancellationToken,
    signals: impl IntoIterator<Item = Signal>,
) -> Result<SignalGuard, WatchError> {
    let plan = Plan::Once(Work::new(Step::cancelling(token)));
    SignalGuard::new(signals, plan, false, WINDOW)
}
