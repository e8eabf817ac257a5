//! One step of an escalation: what is done with one signal.

use crate::Signal;
use crate::watch;
use crate::work::{Action, Work};
use cancelable_core::token::isolate;
use cancelable_core::{CancellationToken, Cause, Operation, Reason};
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// What an [`Escalation`](crate::Escalation) does with one signal.
#[derive(Clone)]
pub struct Step(Kind);

#[derive(Clone)]
enum Kind {
    Run(Action),
    TakeDefault,
    Ignore,
}

impl Step {
    /// Cancels `token`, with a cause that names the signal.
    #[must_use]
    #[track_caller]
    pub fn cancel(token: &CancellationToken) -> Self {
        Self(Kind::Run(Self::cancelling(token)))
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
        Self(Kind::Run(Arc::new(move |signal| {
            operation.cancel_now(cause(signal, location));
        })))
    }

    /// Calls `action`, on a thread where it may block. A panic in it is logged and goes no further.
    ///
    /// One call at a time: a signal that comes meanwhile has the action called once more afterwards,
    /// and several of one kind are merged. A call that does not return holds up no other step.
    #[must_use]
    pub fn call(action: impl Fn(Signal) + Send + Sync + 'static) -> Self {
        Self(Kind::Run(Arc::new(move |signal| {
            isolate("the action of a signal", || action(signal));
        })))
    }

    /// Takes the signal's default action: for most signals the process ends at once, and its
    /// parent is told that the signal ended it. Nothing is cleaned up.
    #[must_use]
    pub fn take_default() -> Self {
        Self(Kind::TakeDefault)
    }

    /// Does nothing with the signal.
    #[must_use]
    pub fn ignore() -> Self {
        Self(Kind::Ignore)
    }

    /// The step as one entry takes it: a clone of it elsewhere is another's, and is not waited for.
    pub(crate) fn into_inner(self) -> watch::Step {
        match self.0 {
            Kind::Run(action) => watch::Step::Run(Work::new(action)),
            Kind::TakeDefault => watch::Step::TakeDefault,
            Kind::Ignore => watch::Step::Swallow,
        }
    }

    /// What cancels `token`, located at the caller.
    #[track_caller]
    pub(crate) fn cancelling(token: &CancellationToken) -> Action {
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
            Kind::Run(_) => "Step(run)",
            Kind::TakeDefault => "Step(take the default action)",
            Kind::Ignore => "Step(ignore)",
        })
    }
}
