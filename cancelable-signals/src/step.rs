//! A step of an escalation: the reaction to one signal.

use crate::Signal;
use crate::watch;
use crate::work::{Action, Work};
use cancelable_core::token::isolate;
use cancelable_core::{CancellationToken, Cause, Operation, Reason};
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// The reaction of an [`Escalation`](crate::Escalation) to one signal.
///
/// # Examples
///
/// A server that reads its configuration again at each `SIGHUP`:
///
/// ```
/// # #[cfg(unix)] {
/// use cancelable_core::CancellationToken;
/// use cancelable_signals::{Escalation, Step};
/// use std::time::Duration;
///
/// let reload = Step::call(|signal| println!("{signal}: the configuration is read again"));
/// let guard = Escalation::new(&CancellationToken::never())
///     .signals(["SIGHUP".parse()?])
///     .first(reload.clone())
///     .third(reload)
///     .merge_within(Duration::ZERO)
///     .start()?;
/// # drop(guard);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Step(Kind);

#[derive(Clone)]
enum Kind {
    Run(Action),
    TakeDefault,
    Ignore,
}

impl Step {
    /// Returns a step that cancels `token`, with a cause that names the signal.
    #[must_use]
    #[track_caller]
    pub fn cancel(token: &CancellationToken) -> Self {
        Self(Kind::Run(Self::cancelling(token)))
    }

    /// Returns a step that cancels `operation`, with a cause that names the signal, and ends its grace period and those
    /// of its descendants at once: [`Operation::cancel_now`]. Shields still finish.
    ///
    /// As a second step it ends the grace period that the first step has begun. The step keeps the operation's record
    /// alive.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_signals::{Escalation, Step};
    /// use std::time::Duration;
    ///
    /// let scope = rt::scope("import").grace(Duration::from_secs(10)).build()?;
    /// let insist = Step::cancel_now(&scope);
    /// let guard = Escalation::new(scope.token()).second(insist).start()?;
    /// # drop(guard);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn cancel_now(operation: &Operation) -> Self {
        let (operation, location) = (operation.clone(), Location::caller());
        Self(Kind::Run(Arc::new(move |signal| {
            operation.cancel_now(cause(signal, location));
        })))
    }

    /// Returns a step that calls `action`, on a thread where it may block. A panic of `action` is logged and contained.
    ///
    /// There is one call at a time: after a signal that comes during a call, `action` is called once more, and several
    /// such signals of one kind are merged. A call that does not return delays no other step.
    #[must_use]
    pub fn call(action: impl Fn(Signal) + Send + Sync + 'static) -> Self {
        Self(Kind::Run(Arc::new(move |signal| {
            isolate("the action of a signal", || action(signal));
        })))
    }

    /// Returns a step that takes the signal's default action: for most signals the process ends at once, without
    /// cleanup, and its parent sees that the signal ended it.
    #[must_use]
    pub fn take_default() -> Self {
        Self(Kind::TakeDefault)
    }

    /// Returns a step that ignores the signal.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use cancelable_signals::{Escalation, Step};
    ///
    /// // The first Ctrl+C cancels the token, and each later Ctrl+C has no effect.
    /// let stop = CancellationToken::new();
    /// let guard = Escalation::new(&stop).third(Step::ignore()).start()?;
    /// # drop(guard);
    /// # Ok::<(), cancelable_signals::WatchError>(())
    /// ```
    #[must_use]
    pub fn ignore() -> Self {
        Self(Kind::Ignore)
    }

    /// Converts the step for one entry of the table. A clone in another entry has its own work, and neither waits for
    /// the other.
    pub(crate) fn into_inner(self) -> watch::Step {
        match self.0 {
            Kind::Run(action) => watch::Step::Run(Work::new(action)),
            Kind::TakeDefault => watch::Step::TakeDefault,
            Kind::Ignore => watch::Step::Swallow,
        }
    }

    /// Returns an action that cancels `token`, with the location of the caller.
    #[track_caller]
    pub(crate) fn cancelling(token: &CancellationToken) -> Action {
        let (token, location) = (token.clone(), Location::caller());
        Arc::new(move |signal| {
            token.cancel_with(cause(signal, location));
        })
    }
}

/// Returns the cause of a cancel by `signal`, with the location of the call that watches it.
pub(crate) fn cause(signal: Signal, location: &'static Location<'static>) -> Cause {
    let reason = Reason::Signal {
        number: signal.number(),
        name: signal.name(),
    };
    Cause::new(reason).with_location(location)
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Run(_) => "Step(run)",
            Kind::TakeDefault => "Step(take the default action)",
            Kind::Ignore => "Step(ignore)",
        })
    }
}
