//! Several sources of which all must have fired.

use super::any_of::{list, start_all};
use super::{EmptyGroup, Source, SourceContext, SourceError, SourceFuture};
use std::borrow::Cow;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// The source that [`all_of`] makes.
pub struct AllOf {
    sources: Vec<Box<dyn Source>>,
}

/// Fires when the last of `sources` has fired, with the cause of that last one.
///
/// A source that has fired counts from then on, even if what it saw is no longer so.
///
/// # Errors
///
/// No sources: such a group would have fired before it was started.
pub fn all_of(sources: impl IntoIterator<Item = Box<dyn Source>>) -> Result<AllOf, EmptyGroup> {
    let sources: Vec<_> = sources.into_iter().collect();
    match sources.is_empty() {
        true => Err(EmptyGroup(())),
        false => Ok(AllOf { sources }),
    }
}

impl Source for AllOf {
    fn name(&self) -> Cow<'static, str> {
        list("all of", &self.sources).into()
    }

    fn start(self: Box<Self>, context: &SourceContext) -> Result<SourceFuture, SourceError> {
        let mut watched = start_all(self.sources, context)?;
        let mut missing = watched.len();
        Ok(Box::pin(poll_fn(move |context| {
            // Every source that has not fired is polled before the group is pending, so each has
            // the waker. One that has panicked stays missing for ever.
            for source in &mut watched {
                if let Poll::Ready(cause) = Pin::new(source).poll(context) {
                    missing -= 1;
                    if missing == 0 {
                        return Poll::Ready(cause);
                    }
                }
            }
            Poll::Pending
        })))
    }

    fn needs_runtime(&self) -> bool {
        self.sources.iter().any(|source| source.needs_runtime())
    }
}

impl fmt::Debug for AllOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AllOf")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}
