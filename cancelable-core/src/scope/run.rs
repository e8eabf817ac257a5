//! The run of a scope: the futures of `run` and `try_run`.
//!
//! Both poll the state machine of `state_machine.rs` and differ in how they read the output of the body. The run of a
//! scope that could not be built returns the error.

mod cancel_sources;
mod deadline_timer;
pub(super) mod detached_teardown;
mod exit;
#[cfg(not(target_family = "wasm"))]
mod run_blocking;
mod stalled;
mod state_machine;
mod suspension;
mod teardown;
mod watchdog;

use self::exit::{Fallible, OutputKind, Plain};
use self::state_machine::StateMachine;
use super::{BuildError, Outcome, Scope};
use crate::cause::Cause;
use crate::sync::{raw_text, track_await};
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

pub(super) use self::exit::may_hold_cancelled;
#[cfg(not(target_family = "wasm"))]
pub(super) use self::run_blocking::run_blocking;

pin_project! {
    /// The run of a body in a scope, from [`Scope::run`] or [`ScopeBuilder::run`](super::ScopeBuilder::run).
    ///
    /// The run of a body that owns its values is `'static`, and that of a body that is `Send` is `Send`. Such a run may
    /// be stored and given away, and another task or thread may continue its polls at any time, also in a grace period
    /// or while children run. Each poll registers the waker of its task for the cancel, the timers and the children.
    /// After a move, poll the run once on the new task: until that poll, a wake goes to the previous task.
    ///
    /// # Cancel safety
    ///
    /// Dropping the run drops the body and cancels the scope. Children and finalizers continue on the runtime, and the
    /// nearest open ancestor waits for them.
    ///
    /// # Examples
    ///
    /// ```
    /// let outcome = rt::block_on(rt::scope("sum").run(async |_| 1 + 2));
    /// assert_eq!(outcome.into_value(), Some(3));
    /// ```
    ///
    /// A run that is stored, and finished by another thread:
    ///
    /// ```
    /// use std::thread;
    ///
    /// let run = Box::pin(rt::scope("sum").run(|_| async { 1 + 2 }));
    /// let thread = thread::spawn(move || rt::block_on(run).into_value());
    /// assert_eq!(thread.join().ok().flatten(), Some(3));
    /// ```
    #[must_use = "a scope does not run unless this is polled"]
    pub struct Run<F, Fut>
    where
        Fut: Future,
    {
        #[pin]
        run: RunFuture<F, Fut>,
    }
}

pin_project! {
    /// The run of a body that may fail, from [`Scope::try_run`] or
    /// [`ScopeBuilder::try_run`](super::ScopeBuilder::try_run).
    ///
    /// As a [`Run`], a `TryRun` may be `'static` and `Send`, and may change the task that polls it.
    ///
    /// # Cancel safety
    ///
    /// As for [`Run`].
    ///
    /// # Examples
    ///
    /// ```
    /// let outcome = rt::block_on(rt::scope("parse").try_run(async |_| "7".parse::<u32>()));
    /// assert_eq!(outcome.into_value(), Some(7));
    /// ```
    #[must_use = "a scope does not run unless this is polled"]
    pub struct TryRun<F, Fut>
    where
        Fut: Future,
    {
        #[pin]
        run: RunFuture<F, Fut>,
    }
}

pin_project! {
    #[project = RunFutureProj]
    enum RunFuture<F, Fut>
    where
        Fut: Future,
    {
        Built { #[pin] machine: StateMachine<F, Fut> },
        // The body was dropped.
        NotBuilt { error: BuildError },
    }
}

impl<F, Fut: Future> RunFuture<F, Fut> {
    fn new(scope: Result<Scope, BuildError>, body: F) -> Self {
        match scope {
            Ok(scope) => Self::Built {
                machine: StateMachine::new(scope, body),
            },
            Err(error) => Self::NotBuilt { error },
        }
    }

    fn scope(&self) -> Option<&Scope> {
        match self {
            Self::Built { machine } => Some(machine.scope()),
            Self::NotBuilt { .. } => None,
        }
    }

    fn if_dropped(&mut self, cause: Cause) {
        if let Self::Built { machine } = self {
            machine.if_dropped(cause);
        }
    }
}

impl<F, Fut> RunFuture<F, Fut>
where
    F: FnOnce(Scope) -> Fut,
    Fut: Future,
{
    fn poll<R: OutputKind<Fut::Output>>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Outcome<R::Value, R::Error>> {
        match self.project() {
            RunFutureProj::Built { machine } => machine.poll::<R>(cx),
            RunFutureProj::NotBuilt { error } => Poll::Ready(Outcome::not_built(error.clone())),
        }
    }
}

impl<F, Fut: Future> Run<F, Fut> {
    pub(super) fn new(scope: Result<Scope, BuildError>, body: F) -> Self {
        Self {
            run: RunFuture::new(scope, body),
        }
    }

    /// Sets the cause of the cancel if the run is dropped before its end, instead of
    /// [`Reason::RunDropped`](crate::Reason::RunDropped).
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Cause;
    /// use futures_util::future::{Either, select};
    /// use std::future::pending;
    /// use std::pin::pin;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mirror = rt::scope("mirror").build()?;
    /// rt::block_on(async {
    ///     let origin = pin!(async { "origin" });
    ///     let run = mirror.run(async |_| pending::<()>().await);
    ///     let run = pin!(run.if_dropped("the origin answered first"));
    ///     assert!(matches!(select(run, origin).await, Either::Right(_)));
    /// });
    /// let cause = mirror.cause();
    /// assert_eq!(cause.as_ref().and_then(Cause::message), Some("the origin answered first"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "a scope does not run unless this is polled"]
    #[track_caller]
    pub fn if_dropped(mut self, cause: impl Into<Cause>) -> Self {
        self.run.if_dropped(cause.into());
        self
    }
}

impl<F, Fut: Future> TryRun<F, Fut> {
    pub(super) fn new(scope: Result<Scope, BuildError>, body: F) -> Self {
        Self {
            run: RunFuture::new(scope, body),
        }
    }

    /// Sets the cause of the cancel if the run is dropped before its end, as [`Run::if_dropped`] does.
    #[must_use = "a scope does not run unless this is polled"]
    #[track_caller]
    pub fn if_dropped(mut self, cause: impl Into<Cause>) -> Self {
        self.run.if_dropped(cause.into());
        self
    }
}

impl<F, Fut, T, E> TryRun<F, Fut>
where
    Fut: Future<Output = Result<T, E>>,
    E: fmt::Display,
{
    /// Keeps the text of an error as the operation's [`error`](crate::Operation::error), for registries, hooks and
    /// logs. By default the error text names the type of the error.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = rt::scope("parse").build()?;
    /// let outcome = rt::block_on(scope.try_run(async |_| "seven".parse::<u32>()).with_error_text());
    /// assert!(outcome.into_result().is_err());
    /// assert_eq!(scope.error().as_deref(), Some("invalid digit found in string"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_error_text(mut self) -> Self {
        if let RunFuture::Built { machine } = &mut self.run {
            machine.describe(|output| match output {
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
        track_await(self.project().run.poll::<Plain>(cx))
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
        track_await(self.project().run.poll::<Fallible>(cx))
    }
}

impl<F, Fut: Future> fmt::Debug for Run<F, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Run").field(&self.run.scope()).finish()
    }
}

impl<F, Fut: Future> fmt::Debug for TryRun<F, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TryRun").field(&self.run.scope()).finish()
    }
}
