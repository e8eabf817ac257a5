//! Conditions that are asked at intervals: a plain closure, a closure that makes a future, and one that may block.

use super::{Source, SourceContext, SourceError, SourceFuture};
use crate::cause::{Cause, Reason};
use crate::error::InvalidArgument;
use crate::sync::{IsolatedDropFuture, escape, isolate, log, raw_text};
use futures_util::FutureExt;
use std::borrow::Cow;
use std::fmt::{self, Display};
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, Location, resume_unwind};
use std::time::Duration;

/// The answer of a condition: a `bool`, or a `Result` of one. An error is logged, and the condition is asked again.
pub trait Answer {
    /// Returns the answer, or the text of the error.
    ///
    /// # Errors
    ///
    /// The error that the condition answered with, as text.
    fn into_answer(self) -> Result<bool, String>;
}

impl Answer for bool {
    fn into_answer(self) -> Result<bool, String> {
        Ok(self)
    }
}

impl<E: Display> Answer for Result<bool, E> {
    fn into_answer(self) -> Result<bool, String> {
        self.map_err(|error| {
            // The error is dropped after a panic of its `Display`, not while that unwinds.
            let words = raw_text(&error);
            isolate("the drop of a condition's error", || drop(error));
            words
        })
    }
}

/// Whether the condition holds. An error is logged and counts as no.
pub(super) fn holds(name: &str, answer: Result<bool, String>) -> bool {
    match answer {
        Ok(holds) => holds,
        Err(error) => {
            let (name, error) = (escape(name), escape(&error));
            log!(
                Warn,
                source = &*name, error = &*error;
                "condition {name} failed and will be asked again: {error}"
            );
            false
        }
    }
}

/// The parts that all three kinds of condition have: name, interval and location.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    pub(super) name: Cow<'static, str>,
    pub(super) interval: Duration,
    location: &'static Location<'static>,
}

impl Pace {
    #[track_caller]
    pub(super) fn new(interval: Duration) -> Result<Self, InvalidArgument> {
        if interval.is_zero() {
            return Err(InvalidArgument::new(
                "interval",
                "is zero: give the time between two questions",
            ));
        }
        Ok(Self {
            name: "condition".into(),
            interval,
            location: Location::caller(),
        })
    }

    pub(super) fn set_name(&mut self, name: Cow<'static, str>) {
        self.name = name;
    }

    /// The cause of a cancel by the condition.
    pub(super) fn cause(self) -> Cause {
        Cause::new(Reason::Condition)
            .with_location(self.location)
            .with_message(self.name)
    }
}

/// The source that [`condition`] makes.
pub struct Condition<F> {
    ask: F,
    pace: Pace,
}

/// Fires when `ask` answers true. It is asked when the scope is entered, and again `interval` after each answer.
///
/// The closure runs on the task of the scope and delays the body while it runs. A closure that may take long belongs
/// in [`condition_blocking`]. An error or a panic is logged, and the closure is asked again.
///
/// # Errors
///
/// An interval of zero.
#[track_caller]
pub fn condition<F, A>(interval: Duration, ask: F) -> Result<Condition<F>, InvalidArgument>
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

/// The source that [`condition_async`] makes.
pub struct AsyncCondition<F> {
    ask: F,
    pace: Pace,
}

/// Fires when the future that `ask` makes answers true. It is asked when the scope is entered, and again `interval`
/// after each answer.
///
/// Answers are awaited beside the body. An answer that never comes delays nothing: its future is dropped when the
/// scope ends. An error or a panic is logged, and the next future is made.
///
/// # Errors
///
/// An interval of zero.
#[track_caller]
pub fn condition_async<F, R>(
    interval: Duration,
    ask: F,
) -> Result<AsyncCondition<F>, InvalidArgument>
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
                // The closure is called inside, so that its panic is caught with that of the future.
                let question =
                    AssertUnwindSafe(async { IsolatedDropFuture::new(ask()).await.into_answer() });
                let answer = match question.catch_unwind().await {
                    Ok(answer) => answer,
                    Err(panic) => {
                        // Raised again where it is logged and counted like every other panic.
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

/// The source that [`condition_blocking`] makes.
pub struct BlockingCondition<F> {
    ask: F,
    pace: Pace,
}

/// Fires when `ask` answers true. It is asked on [a thread for looks](crate::RuntimeHandle::spawn_probe) when the
/// scope is entered, and again `interval` after each answer, one call at a time.
///
/// Nothing waits for a call that is under way: neither the end of the scope, nor the end of the runtime or of the
/// program. An error or a panic is logged, and the closure is asked again.
///
/// # Errors
///
/// An interval of zero.
#[track_caller]
pub fn condition_blocking<F, A>(
    interval: Duration,
    ask: F,
) -> Result<BlockingCondition<F>, InvalidArgument>
where
    F: FnMut() -> A + Send + 'static,
    A: Answer,
{
    Ok(BlockingCondition {
        ask,
        pace: Pace::new(interval)?,
    })
}

impl<F> BlockingCondition<F> {
    /// Gives the condition a name, for logs and for the message of its cause.
    #[must_use]
    pub fn named(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.pace.set_name(name.into());
        self
    }
}

impl<F, A> Source for BlockingCondition<F>
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
                let name = pace.name.clone();
                // The closure moves to the thread and comes back with its answer.
                let call = runtime.spawn_probe(move || {
                    let mut answer = Ok(false);
                    isolate(&name, || answer = ask().into_answer());
                    (ask, answer)
                });
                let Ok((returned, answer)) = call.await else {
                    let name = escape(&pace.name);
                    log!(
                        Warn, source = &*name;
                        "condition {name} is no longer asked: the runtime dropped its call"
                    );
                    return pending().await;
                };
                ask = returned;
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

impl<F> fmt::Debug for BlockingCondition<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingCondition")
            .field("pace", &self.pace)
            .finish_non_exhaustive()
    }
}
