//! The escalation of signals: a step for the first signal, a step for the second, and a step for all later signals.

use crate::watch::{Plan, WINDOW};
use crate::{Signal, SignalGuard, Step, WatchError};
use cancelable_core::CancellationToken;
use std::time::Duration;

/// A step for the first signal, a step for the second, and a step for each later signal.
///
/// By default the first signal cancels the token, and each later signal takes its default action, which ends the
/// process as if it had no handler. The signals count together: a `SIGTERM` after a `SIGINT` is the second signal.
///
/// The same signal within 100 ms of the first is the same request and takes no step, because wrappers send it twice;
/// [`merge_within`](Self::merge_within) sets another time.
///
/// The second step is the program's choice. For a scope with a grace period, [`Step::cancel_now`] ends the grace period.
/// Without a scope a second token does the same: give the first token to the work, and bound the cleanup by the second.
///
/// # Examples
///
/// The first Ctrl+C gives a scope ten seconds, the second none:
///
/// ```
/// use cancelable_signals::{Escalation, Step};
/// use std::time::Duration;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scope = rt::scope("import").grace(Duration::from_secs(10)).build()?;
/// let _guard = Escalation::new(scope.token())
///     .second(Step::cancel_now(&scope))
///     .start()?;
/// let outcome = rt::block_on(scope.run(async |_| "imported"));
/// assert_eq!(outcome.into_result()?, "imported");
/// # Ok(())
/// # }
/// ```
///
/// Two tokens, without a scope and without a runtime:
///
/// ```
/// use cancelable_core::CancellationToken;
/// use cancelable_signals::{Escalation, Step};
///
/// let (ask, insist) = (CancellationToken::new(), CancellationToken::new());
/// let guard = Escalation::new(&ask).second(Step::cancel(&insist)).start()?;
/// # drop(guard);
/// # Ok::<(), cancelable_signals::WatchError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "an escalation begins with `start`"]
pub struct Escalation {
    signals: Vec<Signal>,
    first: Step,
    second: Option<Step>,
    third: Step,
    ignored: bool,
    window: Duration,
}

impl Escalation {
    /// Returns an escalation for [`Signal::shutdown`] whose first step cancels `token`.
    #[track_caller]
    pub fn new(token: &CancellationToken) -> Self {
        Self {
            signals: Signal::shutdown(),
            first: Step::cancel(token),
            second: None,
            third: Step::take_default(),
            ignored: false,
            window: WINDOW,
        }
    }

    /// Sets the signals that count, in place of [`Signal::shutdown`].
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use cancelable_signals::{Escalation, Signal};
    ///
    /// let stop = CancellationToken::new();
    /// let guard = Escalation::new(&stop).signals([Signal::INT]).start()?;
    /// # drop(guard);
    /// # Ok::<(), cancelable_signals::WatchError>(())
    /// ```
    pub fn signals(mut self, signals: impl IntoIterator<Item = Signal>) -> Self {
        self.signals = signals.into_iter().collect();
        self
    }

    /// Sets the step of the first signal, in place of the cancel of the token.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use cancelable_signals::{Escalation, Step};
    ///
    /// let stop = CancellationToken::new();
    /// let guard = Escalation::new(&stop)
    ///     .first(Step::call(|signal| println!("{signal}: once more to stop")))
    ///     .second(Step::cancel(&stop))
    ///     .start()?;
    /// # drop(guard);
    /// # Ok::<(), cancelable_signals::WatchError>(())
    /// ```
    pub fn first(mut self, step: Step) -> Self {
        self.first = step;
        self
    }

    /// Sets the step of the second signal. By default it is the step of the third.
    pub fn second(mut self, step: Step) -> Self {
        self.second = Some(step);
        self
    }

    /// Sets the step of the third signal and of each later signal. By default they take their default action.
    pub fn third(mut self, step: Step) -> Self {
        self.third = step;
        self
    }

    /// Sets the time after a signal that took a step in which the same signal counts as the same request. The
    /// default is 100 ms. With zero each signal takes a step, for a signal that is a new request each time, such
    /// as a `SIGHUP` that reloads a file.
    pub fn merge_within(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Watches the signals that the process was started to ignore, too.
    pub fn even_if_ignored(mut self) -> Self {
        self.ignored = true;
        self
    }

    /// Starts to watch the signals.
    ///
    /// # Errors
    ///
    /// There are no signals, or the system refuses.
    pub fn start(self) -> Result<SignalGuard, WatchError> {
        let steps = [Some(self.first), self.second, Some(self.third)];
        let steps = steps.into_iter().flatten().map(Step::into_inner).collect();
        let plan = Plan::Steps { steps, next: 0 };
        SignalGuard::new(self.signals, plan, self.ignored, self.window)
    }
}
