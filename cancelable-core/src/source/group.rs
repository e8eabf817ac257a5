//! Groups of sources: any of them is enough, or all of them must have fired.

use super::context::{Decide, ScopeCancel, SourceContext};
use super::watched::{Unstarted, Watched};
use super::{Source, SourceError, SourceFuture};
use crate::cause::Cause;
use crate::error::InvalidArgument;
use crate::sync::{IsolatedDrop, Mutex};
use std::borrow::Cow;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

const NO_SOURCES: InvalidArgument = InvalidArgument::new("sources", "is empty: give at least one");

/// The source that [`any_of`] makes.
pub struct AnyOf {
    sources: Vec<Unstarted>,
}

/// Fires when the first of `sources` fires, with its cause.
///
/// # Errors
///
/// There are no sources: such a group would never fire.
pub fn any_of(
    sources: impl IntoIterator<Item = Box<dyn Source>>,
) -> Result<AnyOf, InvalidArgument> {
    let sources: Vec<_> = sources.into_iter().map(IsolatedDrop::new).collect();
    match sources.is_empty() {
        true => Err(NO_SOURCES),
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

    /// Each member may cancel the scope.
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

/// The future of the first source that fires.
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

/// Starts all sources or none: an error drops those that were already started. `scope` gives the handle of the source
/// with a number, if the source may cancel.
fn start_all(
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

/// The name of a group: its kind and the names of its members.
fn list(kind: &str, sources: &[Unstarted]) -> String {
    let sources = sources.iter().filter_map(IsolatedDrop::get);
    let names: Vec<_> = sources.map(|source| source.name()).collect();
    format!("{kind} ({})", names.join(", "))
}

/// The source that [`all_of`] makes.
pub struct AllOf {
    sources: Vec<Unstarted>,
}

/// Fires when the last of `sources` has fired, with the cause of that last one.
///
/// A source that has fired counts from then on, even if its condition no longer holds.
///
/// # Errors
///
/// There are no sources: such a group would have fired before it was started.
pub fn all_of(
    sources: impl IntoIterator<Item = Box<dyn Source>>,
) -> Result<AllOf, InvalidArgument> {
    let sources: Vec<_> = sources.into_iter().map(IsolatedDrop::new).collect();
    match sources.is_empty() {
        true => Err(NO_SOURCES),
        false => Ok(AllOf { sources }),
    }
}

impl Source for AllOf {
    fn name(&self) -> Cow<'static, str> {
        list("all of", &self.sources).into()
    }

    fn start(self: Box<Self>, context: &SourceContext) -> Result<SourceFuture, SourceError> {
        Group::start(self.sources, context, None)
    }

    /// No member cancels the scope but the last one to fire, on its own thread.
    fn start_deciding(
        self: Box<Self>,
        context: &SourceContext,
        scope: ScopeCancel,
    ) -> Result<SourceFuture, SourceError> {
        Group::start(self.sources, context, Some(scope))
    }

    fn needs_runtime(&self) -> bool {
        let mut sources = self.sources.iter().filter_map(IsolatedDrop::get);
        sources.any(|source| source.needs_runtime())
    }
}

impl fmt::Debug for AllOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AllOf")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

/// An [`AllOf`] that was started.
struct Group {
    /// Dropped before the members, which a source may still use then.
    watched: Vec<Watched>,
    members: Vec<Arc<Member>>,
}

impl Group {
    fn start(
        sources: Vec<Unstarted>,
        context: &SourceContext,
        scope: Option<ScopeCancel>,
    ) -> Result<SourceFuture, SourceError> {
        let decides = scope.is_some();
        let tally = Arc::new(Tally {
            scope,
            state: Mutex::new(State {
                fired: vec![false; sources.len()],
                missing: sources.len(),
                on_record: false,
            }),
        });
        let member = |number| {
            let tally = Arc::clone(&tally);
            Arc::new(Member { tally, number })
        };
        let members: Vec<_> = (0..sources.len()).map(member).collect();
        let watched = start_all(sources, context, |number| {
            let member: Weak<Member> = Arc::downgrade(members.get(number)?);
            decides.then(|| ScopeCancel::new(member))
        })?;
        let mut group = Self { watched, members };
        Ok(Box::pin(poll_fn(move |context| group.poll(context))))
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Cause> {
        // Every source that has not fired is polled before the group is pending, so each has the waker. A source that
        // has panicked is missing for ever.
        for (source, member) in self.watched.iter_mut().zip(&self.members) {
            if let Poll::Ready(cause) = Pin::new(source).poll(context) {
                // Once the request is on record, members that decide later do nothing.
                member.decide(cause.clone());
                if member.tally.is_complete() {
                    return Poll::Ready(cause);
                }
            }
        }
        Poll::Pending
    }
}

/// The members that have fired, possibly on several threads.
struct Tally {
    /// `None` for a group that only reports by its future.
    scope: Option<ScopeCancel>,
    state: Mutex<State>,
}

struct State {
    fired: Vec<bool>,
    missing: usize,
    /// The scope has the request, or is being cancelled right now. The run may end, and poll the other members,
    /// meanwhile.
    on_record: bool,
}

impl Tally {
    fn is_complete(&self) -> bool {
        self.state.lock().missing == 0
    }

    /// Counts a member as fired. The caller then cancels the scope, and takes the mark back if that is refused.
    ///
    /// # Errors
    ///
    /// The caller must not cancel: a member is missing (false), or the request is on record (true).
    fn count(&self, number: usize) -> Result<(), bool> {
        let mut state = self.state.lock();
        if let Some(fired) = state.fired.get_mut(number) {
            if !std::mem::replace(fired, true) {
                state.missing -= 1;
            }
        }
        if state.missing > 0 || state.on_record {
            return Err(state.on_record);
        }
        state.on_record = true;
        Ok(())
    }
}

/// The member of a group that a source stands for.
struct Member {
    tally: Arc<Tally>,
    number: usize,
}

impl Decide for Member {
    fn decide(&self, cause: Cause) -> bool {
        if let Err(on_record) = self.tally.count(self.number) {
            return on_record;
        }
        // No lock is held: a cancel runs user code.
        let scope = self.tally.scope.as_ref();
        let on_record = scope.is_some_and(|scope| scope.cancel_with(cause));
        if !on_record {
            self.tally.state.lock().on_record = false;
        }
        on_record
    }
}
