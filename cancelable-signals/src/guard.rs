//! The guard that keeps signals watched.

use crate::watch::{self, Plan, WINDOW};
use crate::work::Work;
use crate::{Signal, Step, WatchError};
use cancelable_core::CancellationToken;
use std::fmt;
use std::time::Duration;

/// A guard that keeps signals watched as long as it lives.
///
/// After its drop a signal is delivered to the other watchers; without another watcher the previous disposition is
/// in force. The drop does not wait: the work of an earlier signal may still run.
///
/// # Examples
///
/// ```
/// use cancelable_core::CancellationToken;
/// use cancelable_signals::{Signal, SignalGuard, WatchError, cancel_on_signal};
/// use std::time::Duration;
///
/// struct Server {
///     stop: CancellationToken,
///     /// Ctrl+C stops the server as long as the server lives.
///     _signals: SignalGuard,
/// }
///
/// fn server() -> Result<Server, WatchError> {
///     let stop = CancellationToken::new();
///     let signals = cancel_on_signal(&stop, Signal::shutdown())?;
///     Ok(Server { stop, _signals: signals.merge_within(Duration::from_millis(50)) })
/// }
/// # drop(server()?.stop);
/// # Ok::<(), WatchError>(())
/// ```
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

    /// Sets the time after the first signal in which the same signal counts as the same request. The default is
    /// 100 ms. With zero each signal is a request.
    pub fn merge_within(self, window: Duration) -> Self {
        watch::set_window(self.id, window);
        self
    }

    /// Keeps the signals watched until the process ends.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use cancelable_signals::{Signal, cancel_on_signal};
    ///
    /// let stop = CancellationToken::new();
    /// cancel_on_signal(&stop, Signal::shutdown())?.detach();
    /// // Ctrl+C cancels the token until the process ends.
    /// assert!(!stop.is_cancelled());
    /// # Ok::<(), cancelable_signals::WatchError>(())
    /// ```
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

/// Cancels `token` at the first of `signals`, with a cause that names the signal. Needs no runtime and no scope.
///
/// Later signals do not reach the guard: they go to the other watchers, and without another watcher the previous
/// disposition is in force. So a second Ctrl+C ends a program whose shutdown hangs. An
/// [`Escalation`](crate::Escalation) takes another step at the second signal.
///
/// The same signal within 100 ms of the first is the same request, because wrappers send it twice;
/// [`merge_within`](SignalGuard::merge_within) sets another time.
///
/// # Errors
///
/// `signals` is empty, or the system refuses.
///
/// # Examples
///
/// ```
/// use cancelable_core::CancellationToken;
/// use cancelable_signals::{Signal, cancel_on_signal};
///
/// let stop = CancellationToken::new();
/// let guard = cancel_on_signal(&stop, Signal::shutdown())?;
/// for page in 1..=3 {
///     stop.check()?;
///     println!("page {page}");
/// }
/// drop(guard);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[track_caller]
pub fn cancel_on_signal(
    token: &CancellationToken,
    signals: impl IntoIterator<Item = Signal>,
) -> Result<SignalGuard, WatchError> {
    let plan = Plan::Once(Work::new(Step::cancelling(token)));
    SignalGuard::new(signals, plan, false, WINDOW)
}
