//! The futures of `run` and `try_run`: the same machine, with another reading of its output; or the error of
//! a scope that could not be built.

mod cancel_sources;
mod deadline_timer;
pub(super) mod detached_teardown;
mod exit;
mod grace_timer;
pub(super) mod output;
#[cfg(not(target_family = "wasm"))]
mod run_blocking;
mod run_waker;
mod stalled_holds;
mod stalled_runs;
mod state_machine;
mod suspension;
pub(super) mod teardown;
mod token_wait;
mod watchdog;

use self::output::{Fallible, Plain, Reading};
use self::state_machine::Drive;
use super::{BuildError, Outcome, Scope};
use crate::cause::Cause;
use crate::sync::{raw_text, track_await};
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

pin_project! {
    /// A body that runs in its scope, from [`Scope::run`] or
    /// [`ScopeBuilder::run`](super::ScopeBuilder::run).
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the body and cancels the scope. Children and finalizers go on without it, and the
    /// nearest scope above waits for them.
    #[must_use = "a scope does not run unless this is polled"]
    pub struct Run<F, Fut>
    where
        Fut: Future,
    {
        #[pin]
        machine: Machine<F, Fut>,
    }
}

pin_project! {
    /// A body that runs in its scope and may fail, from [`Scope::try_run`] or
    /// [`ScopeBuilder::try_run`](super::ScopeBuilder::try_run).
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the body and cancels the scope. Children and finalizers go on without it, and the
    /// nearest scope above waits for them.
    #[must_use = "a scope does not run unless this is polled"]
    pub struct TryRun<F, Fut>
    where
        Fut: Future,
    {
        #[pin]
        machine: Machine<F, Fut>,
    }
}

pin_project! {
    #[project = MachineProj]
    enum Machine<F, Fut>
    where
        Fut: Future,
    {
        Drive { #[pin] drive: Drive<F, Fut> },
        // The scope was refused, and the body is gone.
        NotBuilt { error: BuildError },
    }
}

impl<F, Fut: Future> Machine<F, Fut> {
    fn new(scope: Scope, body: F) -> Self {
        Self::Drive {
            drive: Drive::new(scope, body),
        }
    }

    fn scope(&self) -> Option<&Scope> {
        match self {
            Self::Drive { drive } => Some(drive.scope()),
            Self::NotBuilt { .. } => None,
        }
    }
}

impl<F, Fut> Machine<F, Fut>
where
    F: FnOnce(Scope) -> Fut,
    Fut: Future,
{
    fn poll<R: Reading<Fut::Output>>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Outcome<R::Value, R::Error>> {
        match self.project() {
            MachineProj::Drive { drive } => drive.poll::<R>(cx),
            MachineProj::NotBuilt { error } => Poll::Ready(Outcome::not_built(error.clone())),
        }
    }
}

impl<F, Fut: Future> Run<F, Fut> {
    pub(super) fn new(scope: Scope, body: F) -> Self {
        Self {
            machine: Machine::new(scope, body),
        }
    }

    pub(super) fn not_built(error: BuildError) -> Self {
        Self {
            machine: Machine::NotBuilt { error },
        }
    }

    /// Says why, for when this is dropped before its end: the scope is cancelled with `cause` then, in the place of
    /// [`Reason::RunDropped`](crate::Reason::RunDropped).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "testing")] {
    /// use cancelable_core::Scope;
    /// use cancelable_core::testing::ManualRuntime;
    /// use futures_util::future::{self, Either};
    /// use std::future::pending;
    /// use std::pin::pin;
    ///
    /// let manual = ManualRuntime::new();
    /// let mirror = Scope::builder("mirror").build().expect("it is sound");
    /// let run = mirror.run(|_| pending::<()>()).if_dropped("the origin answered first");
    /// manual.block_on(async {
    ///     let origin = pin!(async { "origin" });
    ///     let mirror = pin!(run);
    ///     let first = future::select(mirror, origin).await;
    ///     assert!(matches!(first, Either::Right(("origin", _))));
    /// });
    /// let cause = mirror.cause().expect("its run was dropped");
    /// assert_eq!(cause.message(), Some("the origin answered first"));
    /// # }
    /// ```
    #[must_use = "a scope does not run unless this is polled"]
    #[track_caller]
    pub fn if_dropped(mut self, cause: impl Into<Cause>) -> Self {
        if let Machine::Drive { drive } = &mut self.machine {
            drive.if_dropped(cause.into());
        }
        self
    }
}

impl<F, Fut: Future> TryRun<F, Fut> {
    pub(super) fn new(scope: Scope, body: F) -> Self {
        Self {
            machine: Machine::new(scope, body),
        }
    }

    pub(super) fn not_built(error: BuildError) -> Self {
        Self {
            machine: Machine::NotBuilt { error },
        }
    }

    /// Says why, for when this is dropped before its end: the scope is cancelled with `cause` then, as for
    /// [`Run::if_dropped`].
    #[must_use = "a scope does not run unless this is polled"]
    #[track_caller]
    pub fn if_dropped(mut self, cause: impl Into<Cause>) -> Self {
        if let Machine::Drive { drive } = &mut self.machine {
            drive.if_dropped(cause.into());
        }
        self
    }
}

impl<F, Fut, T, E> TryRun<F, Fut>
where
    Fut: Future<Output = Result<T, E>>,
    E: fmt::Display,
{
    /// Keeps the words of an error as the operation's [`error_text`](crate::Operation::error_text),
    /// for registries, hooks and logs. Without this it has the name of the error's type.
    pub fn with_error_text(mut self) -> Self {
        if let Machine::Drive { drive } = &mut self.machine {
            drive.describe(|output| match output {
                Ok(_) => String::new(),
                Err(error) => raw_text(error),
            });
        }
        self
    }
}

impl<F, Fut> Future for Run<F, Fut>
where
    F: FnOnce(Scope) -> Fut,
    Fut: Future,
{
    type Output = Outcome<Fut::Output>;

    #[cfg_attr(feature = "testing", track_caller)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        track_await(self.project().machine.poll::<Plain>(cx))
    }
}

impl<F, Fut, T, E> Future for TryRun<F, Fut>
where
    F: FnOnce(Scope) -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    type Output = Outcome<T, E>;

    #[cfg_attr(feature = "testing", track_caller)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        track_await(self.project().machine.poll::<Fallible>(cx))
    }
}

impl<F, Fut: Future> fmt::Debug for Run<F, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Run").field(&self.machine.scope()).finish()
    }
}

impl<F, Fut: Future> fmt::Debug for TryRun<F, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TryRun")
            .field(&self.machine.scope())
            .finish()
    }
}
