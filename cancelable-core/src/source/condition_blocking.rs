//! A condition whose closure may block.

use super::answer::{Answer, holds};
use super::error::ZeroInterval;
use super::pace::Pace;
use super::{Source, SourceContext, SourceError, SourceFuture};
use crate::sync::{escape, isolate, log};
use std::borrow::Cow;
use std::fmt;
use std::future::pending;
use std::time::Duration;

/// The source that [`condition_blocking`] makes.
pub struct BlockingCondition<F> {
    ask: F,
    pace: Pace,
}

/// Fires when `ask` answers true. It is asked on [a thread for looks](crate::RuntimeHandle::spawn_look)
/// when the scope is entered, and again `interval` after each answer, one call at a time.
///
/// Nothing waits for a call that is under way: neither the end of the scope, nor that of the runtime or
/// of the program. An error or a panic is logged, and the closure is asked again.
///
/// # Errors
///
/// An interval of zero.
#[track_caller]
pub fn condition_blocking<F, A>(
    interval: Duration,
    ask: F,
) -> Result<BlockingCondition<F>, ZeroInterval>
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
                // The closure travels to the thread and comes back with its answer.
                let call = runtime.spawn_look(move || {
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
