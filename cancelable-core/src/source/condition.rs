//! A condition that a plain closure answers.

use super::answer::{Answer, holds};
use super::error::ZeroInterval;
use super::pace::Pace;
use super::{Source, SourceContext, SourceError, SourceFuture};
use crate::sync::isolate;
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// The source that [`condition`] makes.
pub struct Condition<F> {
    ask: F,
    pace: Pace,
}

/// Fires when `ask` answers true. It is asked when the scope is entered, and again `interval`
/// after each answer.
///
/// The closure runs on the task of the scope and holds up the work while it runs. One that may
/// take long belongs in [`condition_blocking`](super::condition_blocking). An error or a panic is
/// logged, and the closure is asked again.
///
/// # Errors
///
/// An interval of zero.
#[track_caller]
pub fn condition<F, A>(interval: Duration, ask: F) -> Result<Condition<F>, ZeroInterval>
where
    F: FnMut() -> A + Send + 'static,
    A: Answer,
{
    Ok(Condition {
        ask,
        pace: Pace::new(interval)?,
    })
}

impl<F> Condition<F> {
    /// Gives the condition a name, for logs and for the message of its cause.
    #[must_use]
    pub fn named(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.pace.set_name(name.into());
        self
    }
}

impl<F, A> Source for Condition<F>
where
    F: FnMut() -> A + Send + 'static,
    A: Answer,
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
                let mut answer = Ok(false);
                isolate(&pace.name, || answer = ask().into_answer());
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

impl<F> fmt::Debug for Condition<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition")
            .field("pace", &self.pace)
            .finish_non_exhaustive()
    }
}
