//! The futures of `run` and `try_run`: the same machine, with another reading of its output.

use super::drive::Drive;
use super::reading::{Fallible, Plain};
use super::{Outcome, Scope};
use crate::sync::{awaited, words_of};
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

pin_project! {
    /// A body that runs in its scope, from [`Scope::run`].
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
        drive: Drive<F, Fut>,
    }
}

pin_project! {
    /// A body that runs in its scope and may fail, from [`Scope::try_run`].
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
        drive: Drive<F, Fut>,
    }
}

impl<F, Fut: Future> Run<F, Fut> {
    pub(super) fn new(scope: &Scope, body: F) -> Self {
        Self {
            drive: Drive::new(scope.clone(), body),
        }
    }
}

impl<F, Fut: Future> TryRun<F, Fut> {
    pub(super) fn new(scope: &Scope, body: F) -> Self {
        Self {
            drive: Drive::new(scope.clone(), body),
        }
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
        self.drive.describe(|output| match output {
            Ok(_) => String::new(),
            Err(error) => words_of(error),
        });
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
        awaited(self.project().drive.poll::<Plain>(cx))
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
        awaited(self.project().drive.poll::<Fallible>(cx))
    }
}

impl<F, Fut: Future> fmt::Debug for Run<F, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Run").field(self.drive.scope()).finish()
    }
}

impl<F, Fut: Future> fmt::Debug for TryRun<F, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TryRun").field(self.drive.scope()).finish()
    }
}
