//! Several sources of which one is enough.

use super::watched::{Unstarted, Watched};
use super::{EmptyGroup, ScopeCancel, Source, SourceContext, SourceError, SourceFuture};
use crate::sync::IsolatedDrop;
use std::borrow::Cow;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// The source that [`any_of`] makes.
pub struct AnyOf {
    sources: Vec<Unstarted>,
}

/// Fires when the first of `sources` does, with its cause.
///
/// # Errors
///
/// No sources: such a group would never fire.
pub fn any_of(sources: impl IntoIterator<Item = Box<dyn Source>>) -> Result<AnyOf, EmptyGroup> {
    let sources: Vec<_> = sources.into_iter().map(IsolatedDrop::new).collect();
    match sources.is_empty() {
        true => Err(EmptyGroup(())),
        false => Ok(AnyOf { sources }),
    }
}

impl Source for AnyOf {
    fn name(&self) -> Cow<'static, str> {
        list("any of", &self.sources).into()
    }

    fn start(self: Box<Self>, context: &SourceContext) -> Result<SourceFuture, SourceError> {
        Ok(first(start_all(self.sources, context, |_| None)?))
    }

    /// Each member decides, as the group does.
    fn start_deciding(
        self: Box<Self>,
        context: &SourceContext,
        scope: ScopeCancel,
    ) -> Result<SourceFuture, SourceError> {
        Ok(first(start_all(self.sources, context, |_| {
            Some(scope.clone())
        })?))
    }

    fn needs_runtime(&self) -> bool {
        let mut sources = self.sources.iter().filter_map(IsolatedDrop::get);
        sources.any(|source| source.needs_runtime())
    }

    fn alternatives(&mut self) -> Vec<Box<dyn Source>> {
        let sources = std::mem::take(&mut self.sources);
        sources.into_iter().filter_map(IsolatedDrop::take).collect()
    }
}

impl fmt::Debug for AnyOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyOf")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

/// The first of started sources that fires.
fn first(mut watched: Vec<Watched>) -> SourceFuture {
    Box::pin(poll_fn(move |context| {
        // Every source is polled before the group is pending, so each has the waker.
        for source in &mut watched {
            if let Poll::Ready(cause) = Pin::new(source).poll(context) {
                return Poll::Ready(cause);
            }
        }
        Poll::Pending
    }))
}

/// Starts all or none: an error drops those that were already started. `scope` says what the source of
/// a number cancels, if it is one that decides.
pub(super) fn start_all(
    sources: Vec<Unstarted>,
    context: &SourceContext,
    scope: impl Fn(usize) -> Option<ScopeCancel>,
) -> Result<Vec<Watched>, SourceError> {
    let start = |(number, source)| {
        Watched::start(source, context, scope(number))
            .map_err(|(name, error)| SourceError::new(format!("{name} did not start: {error}")))
    };
    sources.into_iter().enumerate().map(start).collect()
}

/// What a group is called: its kind and the names of its members.
pub(super) fn list(kind: &str, sources: &[Unstarted]) -> String {
    let sources = sources.iter().filter_map(IsolatedDrop::get);
    let names: Vec<_> = sources.map(|source| source.name()).collect();
    format!("{kind} ({})", names.join(", "))
}
