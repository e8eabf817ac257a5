//! A time limit as a source.
//!
//! A scope makes the limit part of its own deadline. A limit has a timer of its own only inside an all-of, where it does
//! not cancel alone.

use super::built_in::{BuiltIn, Kind};
use super::limit::{Limit, LimitKind};
use super::{Source, SourceContext, SourceError, SourceFuture};
use std::borrow::Cow;
use std::future::pending;

impl Source for Limit {
    fn name(&self) -> Cow<'static, str> {
        match self.kind() {
            LimitKind::After(_) => "timeout".into(),
            LimitKind::At(_) => "deadline".into(),
        }
    }

    fn start(self: Box<Self>, context: &SourceContext) -> Result<SourceFuture, SourceError> {
        let runtime = context.runtime().ok_or_else(SourceError::no_runtime)?;
        let Some(due) = self.due(runtime.now()) else {
            return Ok(Box::pin(pending()));
        };
        let sleep = runtime.sleep_until(due);
        Ok(Box::pin(async move {
            sleep.await;
            self.cause()
        }))
    }

    fn needs_runtime(&self) -> bool {
        true
    }

    fn take_built_in(&mut self) -> Option<BuiltIn> {
        Some(BuiltIn::new(Kind::Limit(self.clone())))
    }
}
