//! A condition that a future answers.

use super::answer::{Answer, holds};
use super::error::ZeroInterval;
use super::pace::Pace;
use super::{Source, SourceContext, SourceError, SourceFuture};
use crate::sync::{IsolatedDropFuture, isolate};
use futures_util::FutureExt;
use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::Duration;

/// The source that [`condition_async`] makes.
pub struct AsyncCondition<F> {
    ask: F,
    pace: Pace,
}

/// Fires when the future that `ask` makes answers true. It is asked when the scope is entered, and
/// again `interval` after each answer.
///
/// Answers are awaited beside the work. One that never comes delays nobody: it is dropped when the
/// scope ends. An error or a panic is logged, and the next future is made.
///
/// # Errors
///
/// An interval of zero.
#[track_caller]
pub fn condition_async<F, R>(interval: Duration, ask: F) -> Result<AsyncCondition<F>, ZeroInterval>
where
    F: FnMut() -> R + Send + 'static,
    R: Future + Send + 'static,
    R::Output: Answer,
{
    Ok(AsyncCondition {
        ask,
        pace: Pace::new(interval)?,
    })
}

impl<F> AsyncCondition<F> {
    /// Gives the condition a name, for logs and for the message of its cause.
    #[must_use]
    pub fn named(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.pace.set_name(name.into());
        self
    }
}

impl<F, R> Source for AsyncCondition<F>
where
    F: FnMut() -> R + Send + 'static,
    R: Future + Send + 'static,
    R::Output: Answer,
{
    fn name(&self) -> Cow<'static, str> {
        self.pace.name.clone()
    }

    fn start(self: Box<Self>, context: &SourceContext) -> Result<SourceFuture, SourceError> {
        let runtime = context
            .runtime()
            .ok_or_else(SourceError::no_runtime)?
            .clone();
        let Self { mut ask, pace } = *self;
        Ok(Box::pin(async move {
            loop {
                // The closure is a part of the question: its panic is the answer's panic.
                let question =
                    AssertUnwindSafe(async { IsolatedDropFuture::new(ask()).await.into_answer() });
                let answer = match question.catch_unwind().await {
                    Ok(answer) => answer,
                    Err(panic) => {
                        // Raised again where it is logged and counted like every other.
                        isolate(&pace.name, || resume_unwind(panic));
                        Ok(false)
                    }
                };
                if holds(&pace.name, answer) {
                    return pace.cause();
                }
                runtime.sleep(pace.interval).await;
            }
        }))
    }

    fn needs_runtime(&self) -> bool {
        true
    }
}

impl<F> fmt::Debug for AsyncCondition<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncCondition")
            .field("pace", &self.pace)
            .finish_non_exhaustive()
    }
}
