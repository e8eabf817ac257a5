//! One step of an escalation: what is done with one signal.

use crate::Signal;
use crate::watch;
use crate::work::Work;
use cancelable_core::token::isolate;
use cancelable_core::{CancellationToken, Cause, Operation, Reason};
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// What an [`Escalation`](crate::Escalation) does with one signal.
#[derive(Clone)]
pub struct Step(watch::Step);

impl Step {
    /// Cancels `token`, with a cause that names the signal.
    #[must_use]
    #[track_caller]
    pub fn cancel(token: &CancellationToken) -> Self {
        Self(watch::Step::Run(Self::cancelling(token)))
    }

    /// Cancels `operation`, with a cause that names the signal, and ends its grace period and those of
    /// the operations below it at once: [`Operation::cancel_now`]. Shields still finish.
    ///
    /// As the second step it insists on what the first has asked for. It holds on to the record of
    /// the operation.
    #[must_use]
    #[track_caller]
    pub fn cancel_now(operation: &Operation) -> Self {
        let (operation, location) = (operation.clone(), Location::caller());
        Self(watch::Step::Run(Arc::new(move |signal| {
            operation.cancel_now(cause(signal, location));
        })))
    }

    /// Calls `action`, on a thread of its own. A panic in it is logged and goes no further.
    #[must_use]
    pub fn call(action: impl Fn(Signal) + Send + Sync + 'static) -> Self {
        Self(watch::Step::Run(Arc::new(move |signal| {
            isolate("the action of a signal", || action(signal));
        })))
    }

    /// Takes the signal's default action: for most signals the process ends at once, and its
    /// parent is told that the signal ended it. Nothing is cleaned up.
    #[must_use]
    pub fn take_default() -> Self {
        Self(watch::Step::TakeDefault)
    }

    /// Does nothing with the signal.
    #[must_use]
    pub fn ignore() -> Self {
        Self(watch::Step::Swallow)
    }

    pub(crate) fn into_inner(self) -> watch::Step {
        self.0
    }

    /// What cancels `token`, located at the caller.
    #[track_caller]
    pub(crate) fn cancelling(token: &CancellationToken) -> Work {
        let (token, location) = (token.clone(), Location::caller());
        Arc::new(move |signal| {
            token.cancel_with(cause(signal, location));
        })
    }
}

/// The cause of a cancel by `signal`, asked for at `location`.
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
            watch::Step::Run(_) => "Step(run)",
            watch::Step::TakeDefault => "Step(take the default action)",
            watch::Step::Swallow => "Step(ignore)",
        })
    }
}
