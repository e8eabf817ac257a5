//! A time limit as a source.
//!
//! A scope makes it part of its one deadline. Only inside an all-of, where it does not cancel alone, does it have a
//! timer of its own.

use super::limit::{Limit, LimitKind};
use super::{Source, SourceContext, SourceError, SourceFuture};
use std::borrow::Cow;
use std::future::pending;
use std::time::{Duration, Instant};

/// The source that [`timeout`] and [`deadline`] make.
#[derive(Clone, Debug)]
pub struct TimeLimit(Limit);

impl TimeLimit {
    /// Adds a text for the cause.
    #[must_use]
    pub fn with_message(self, message: impl Into<Cow<'static, str>>) -> Self {
        Self(self.0.with_message(message))
    }
}

/// Fires when `span` has passed since the scope was entered; never, if the span is too long for the clock.
#[must_use]
#[track_caller]
pub fn timeout(span: Duration) -> TimeLimit {
    TimeLimit(Limit::after(span))
}

/// Fires at `point`, on the clock of the scope's runtime.
#[must_use]
#[track_caller]
pub fn deadline(point: Instant) -> TimeLimit {
    TimeLimit(Limit::at(point))
}

impl Source for TimeLimit {
    fn name(&self) -> Cow<'static, str> {
        match self.0.kind() {
            LimitKind::After(_) => "timeout".into(),
            LimitKind::At(_) => "deadline".into(),
        }
    }

    fn start(self: Box<Self>, context: &SourceContext) -> Result<SourceFuture, SourceError> {
        let runtime = context.runtime().ok_or_else(SourceError::no_runtime)?;
        let limit = self.0;
        let Some(due) = limit.due(runtime.now()) else {
            return Ok(Box::pin(pending()));
        };
        let sleep = runtime.sleep_until(due);
        Ok(Box::pin(async move {
            sleep.await;
            limit.cause()
        }))
    }

    fn needs_runtime(&self) -> bool {
        true
    }

    fn limit(&self) -> Option<Limit> {
        Some(self.0.clone())
    }
}
