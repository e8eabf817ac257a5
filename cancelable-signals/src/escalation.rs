//! The escalation of signals: what the first one does, and the second, and all that follow.

use crate::watch::{Plan, WINDOW};
use crate::{Signal, SignalGuard, Step, WatchError};
use cancelable_core::CancellationToken;
use std::time::Duration;

/// The first signal asks, the second insists, a third takes the default action.
///
/// As it is made, the first of its signals cancels the token, and as nothing is set for the
/// second, each later one ends the process as if it had no handler. The signals count together: a
/// `SIGTERM` after a `SIGINT` is the second.
///
/// The same signal within 100 ms of the first is the same request and takes no step, since wrappers
/// send it twice; [`merge_within`](Self::merge_within) sets another time.
///
/// To insist is for the program to define. For a scope with a period of grace it means that there is
/// none any more ([`Step::cancel_now`]); else a second token can stop what the first one lets finish:
/// hand the first to the work, and bound the clean-up by the second.
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
/// let guard = Escalation::new(scope.token())
///     .second(Step::cancel_now(&scope))
///     .start()?;
/// # drop((guard, rt::block_on(scope.run(async |_| ()))));
/// # Ok(())
/// # }
/// ```
///
/// Two tokens, with no scope and no runtime:
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
    /// An escalation on [`Signal::shutdown`] whose first step cancels `token`.
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

    /// The signals that count.
    pub fn signals(mut self, signals: impl IntoIterator<Item = Signal>) -> Self {
        self.signals = signals.into_iter().collect();
        self
    }

    /// What the first signal does, in place of cancelling the token.
    pub fn first(mut self, step: Step) -> Self {
        self.first = step;
        self
    }

    /// What the second signal does. Unless it is set, the second does what the third would.
    pub fn second(mut self, step: Step) -> Self {
        self.second = Some(step);
        self
    }

    /// What the third signal does and each one after it. Unless it is set, they take the default
    /// action.
    pub fn third(mut self, step: Step) -> Self {
        self.third = step;
        self
    }

    /// Sets for how long after one that took a step the same signal is the same request, in place of
    /// 100 ms. With zero each signal takes a step: for a signal that asks for something anew each
    /// time, as `SIGHUP` does where it has a file read again.
    pub fn merge_within(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Watches also those signals that the process was started to ignore.
    pub fn even_if_ignored(mut self) -> Self {
        self.ignored = true;
        self
    }

    /// Starts to watch.
    ///
    /// # Errors
    ///
    /// If there are no signals, or the system refuses.
    pub fn start(self) -> Result<SignalGuard, WatchError> {
        let steps = [Some(self.first), self.second, Some(self.third)];
        let steps = steps.into_iter().flatten().map(Step::into_inner).collect();
        let plan = Plan::Steps { steps, next: 0 };
        SignalGuard::new(self.signals, plan, self.ignored, self.window)
    }
}
