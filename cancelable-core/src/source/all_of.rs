//! Several sources of which all must have fired.

use super::any_of::{list, start_all};
use super::watched::{Unstarted, Watched};
use super::{Decide, EmptyGroup, ScopeCancel, Source, SourceContext, SourceError, SourceFuture};
use crate::cause::Cause;
use crate::sync::{IsolatedDrop, Mutex};
use std::borrow::Cow;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

/// The source that [`all_of`] makes.
pub struct AllOf {
    sources: Vec<Unstarted>,
}

/// Fires when the last of `sources` has fired, with the cause of that last one.
///
/// A source that has fired counts from then on, even if what it saw is no longer so.
///
/// # Errors
///
/// No sources: such a group would have fired before it was started.
pub fn all_of(sources: impl IntoIterator<Item = Box<dyn Source>>) -> Result<AllOf, EmptyGroup> {
    let sources: Vec<_> = sources.into_iter().map(IsolatedDrop::new).collect();
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
        Group::start(self.sources, context, None)
    }

    /// No member decides, and the last one to fire does so for the group, on its thread.
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

/// A group that was started.
struct Group {
    /// Dropped before the members, which a source may still ask then.
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
        // Every source that has not fired is polled before the group is pending, so each has
        // the waker. One that has panicked stays missing for ever.
        for (source, member) in self.watched.iter_mut().zip(&self.members) {
            if let Poll::Ready(cause) = Pin::new(source).poll(context) {
                // The members that decided are asked no more once it is on record.
                member.decide(cause.clone());
                if member.tally.is_complete() {
                    return Poll::Ready(cause);
                }
            }
        }
        Poll::Pending
    }
}

/// Which members have fired. They may do so on several threads.
struct Tally {
    /// None for a group that only reports.
    scope: Option<ScopeCancel>,
    state: Mutex<State>,
}

struct State {
    fired: Vec<bool>,
    missing: usize,
    /// The scope has the request, or is being asked to take it. The run may end, and ask for the other
    /// members, while it is asked.
    on_record: bool,
}

impl Tally {
    fn is_complete(&self) -> bool {
        self.state.lock().missing == 0
    }

    /// Counts a member as fired. The caller asks the scope then, and says if that refuses.
    ///
    /// # Errors
    ///
    /// There is nothing to ask the scope, because a member is missing or the request is on record; which
    /// of the two.
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

/// One place in a group, as its source knows it.
struct Member {
    tally: Arc<Tally>,
    number: usize,
}

impl Decide for Member {
    fn decide(&self, cause: Cause) -> bool {
        if let Err(on_record) = self.tally.count(self.number) {
            return on_record;
        }
        // No lock is held: a cancel runs the code of users.
        let scope = self.tally.scope.as_ref();
        let on_record = scope.is_some_and(|scope| scope.cancel_with(cause));
        if !on_record {
            self.tally.state.lock().on_record = false;
        }
        on_record
    }
}
