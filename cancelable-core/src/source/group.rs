//! Groups of sources: any member is enough, or all members must have fired.

use super::built_in::{BuiltIn, Kind};
use super::context::{CancelTarget, ScopeCancel, SourceContext};
use super::watched::{Unstarted, Watched};
use super::{Source, SourceError, SourceFuture};
use crate::cause::Cause;
use crate::sync::{IsolatedDrop, Mutex};
use std::borrow::Cow;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

/// The members of a group, which are not started. There is always at least one.
struct Members(Vec<Unstarted>);

impl Members {
    fn new(first: impl Source) -> Self {
        Self(vec![IsolatedDrop::new(Box::new(first))])
    }

    fn push(&mut self, source: impl Source) {
        self.0.push(IsolatedDrop::new(Box::new(source)));
    }

    /// The name of a group: the group's kind and the names of its members.
    fn name(&self, kind: &str) -> Cow<'static, str> {
        let members = self.0.iter().filter_map(IsolatedDrop::get);
        let names: Vec<_> = members.map(|source| source.name()).collect();
        format!("{kind} ({})", names.join(", ")).into()
    }

    fn needs_runtime(&self) -> bool {
        let mut members = self.0.iter().filter_map(IsolatedDrop::get);
        members.any(|source| source.needs_runtime())
    }

    /// Starts all members or none: an error drops the members that were already started. `cancel` returns the handle of
    /// the member with a number, if the member may cancel.
    fn start(
        self,
        context: &SourceContext,
        cancel: impl Fn(usize) -> Option<ScopeCancel>,
    ) -> Result<Vec<Watched>, SourceError> {
        let start = |(number, source)| {
            Watched::start(source, context, cancel(number))
                .map_err(|(name, error)| SourceError::new(format!("{name} did not start: {error}")))
        };
        self.0.into_iter().enumerate().map(start).collect()
    }
}

/// A source that fires with the first of its members, made by [`any_of`].
///
/// # Examples
///
/// ```
/// use cancelable_core::source::{AnyOf, Limit, any_of, future};
/// use std::future::Future;
/// use std::time::Duration;
///
/// /// The sources that end every request.
/// fn ends(hung_up: impl Future<Output = ()> + Send + 'static) -> AnyOf {
///     any_of(Limit::after(Duration::from_secs(60))).or(future(hung_up))
/// }
///
/// # rt::block_on(async {
/// let request = rt::scope("request").source(ends(async {}));
/// assert!(request.run(async |_| ()).await.is_cancelled());
/// # });
/// ```
pub struct AnyOf(Members);

/// Returns a source that fires when the first of its members fires, with the cause of that member. `first` is a member;
/// [`or`](AnyOf::or) adds others.
///
/// # Examples
///
/// ```
/// use cancelable_core::source::{self, Limit, all_of, any_of};
/// use std::time::Duration;
///
/// # async fn saved() {}
/// # async fn hung_up() {}
/// # fn main() -> Result<(), Box<dyn std::error::Error>> { rt::block_on(async {
/// let idle = any_of(Limit::after(Duration::from_secs(60))).or(source::future(hung_up()));
/// // Cancelled when the work was saved, and a minute has passed or the client has hung up.
/// let scope = rt::scope("edit").source(all_of(source::future(saved())).and(idle)).build()?;
/// let outcome = scope.run(async |_| ()).await;
/// assert!(outcome.cause().is_some());
/// # Ok(()) }) }
/// ```
#[must_use]
pub fn any_of(first: impl Source) -> AnyOf {
    AnyOf(Members::new(first))
}

impl AnyOf {
    /// Adds a member.
    #[must_use]
    pub fn or(mut self, source: impl Source) -> Self {
        self.0.push(source);
        self
    }
}

impl Source for AnyOf {
    fn name(&self) -> Cow<'static, str> {
        self.0.name("any of")
    }

    fn start(self: Box<Self>, context: &SourceContext) -> Result<SourceFuture, SourceError> {
        Ok(first(self.0.start(context, |_| None)?))
    }

    /// Each member may cancel the scope.
    fn start_with_cancel(
        self: Box<Self>,
        context: &SourceContext,
        cancel: ScopeCancel,
    ) -> Result<SourceFuture, SourceError> {
        let started = self.0.start(context, |_| Some(cancel.clone()))?;
        Ok(first(started))
    }

    fn needs_runtime(&self) -> bool {
        self.0.needs_runtime()
    }

    fn take_built_in(&mut self) -> Option<BuiltIn> {
        let members = std::mem::take(&mut self.0.0).into_iter();
        let members = members.filter_map(IsolatedDrop::take).collect();
        Some(BuiltIn::new(Kind::Members(members)))
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
fn first(mut started: Vec<Watched>) -> SourceFuture {
    Box::pin(poll_fn(move |context| {
        // Every source is polled before the group is pending, so each has the waker.
        for source in &mut started {
            if let Poll::Ready(cause) = Pin::new(source).poll(context) {
                return Poll::Ready(cause);
            }
        }
        Poll::Pending
    }))
}

/// A source that fires with the last of its members, made by [`all_of`].
///
/// # Examples
///
/// ```
/// use cancelable_core::CancellationToken;
/// use cancelable_core::source::{AllOf, all_of, token};
///
/// /// Fires when no client of the index is left.
/// fn unused(readers: &CancellationToken, writers: &CancellationToken) -> AllOf {
///     all_of(token(readers)).and(token(writers))
/// }
///
/// let (readers, writers) = (CancellationToken::new(), CancellationToken::new());
/// let index = rt::scope("index").source(unused(&readers, &writers));
/// readers.cancel();
/// assert!(rt::block_on(index.run(async |_| ())).is_completed());
/// ```
pub struct AllOf(Members);

/// Returns a source that fires when the last of its members has fired, with the cause of that member. `first` is a
/// member; [`and`](AllOf::and) adds others.
///
/// A member that has fired counts from then on, even if its condition no longer holds.
///
/// # Examples
///
/// ```
/// use cancelable_core::source::{self, all_of};
/// use cancelable_core::CancellationToken;
///
/// let (readers, writers) = (CancellationToken::new(), CancellationToken::new());
/// let scope = rt::scope("index")
///     .source(all_of(source::token(&readers)).and(source::token(&writers)))
///     .build()?;
/// readers.cancel_with("no reader is left");
/// writers.cancel_with("no writer is left");
/// let outcome = rt::block_on(scope.run(async |_| ()));
/// assert_eq!(outcome.cause().and_then(|cause| cause.message()), Some("no writer is left"));
/// # Ok::<(), cancelable_core::scope::BuildError>(())
/// ```
#[must_use]
pub fn all_of(first: impl Source) -> AllOf {
    AllOf(Members::new(first))
}

impl AllOf {
    /// Adds a member.
    #[must_use]
    pub fn and(mut self, source: impl Source) -> Self {
        self.0.push(source);
        self
    }
}

impl Source for AllOf {
    fn name(&self) -> Cow<'static, str> {
        self.0.name("all of")
    }

    fn start(self: Box<Self>, context: &SourceContext) -> Result<SourceFuture, SourceError> {
        StartedAllOf::start(self.0, context, None)
    }

    /// Starts all members. The last member to fire cancels the scope, on its own thread.
    fn start_with_cancel(
        self: Box<Self>,
        context: &SourceContext,
        cancel: ScopeCancel,
    ) -> Result<SourceFuture, SourceError> {
        StartedAllOf::start(self.0, context, Some(cancel))
    }

    fn needs_runtime(&self) -> bool {
        self.0.needs_runtime()
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
struct StartedAllOf {
    /// The watched sources. Declared before `members`, because a source may use its member in its drop.
    sources: Vec<Watched>,
    members: Vec<Arc<Member>>,
}

impl StartedAllOf {
    fn start(
        sources: Members,
        context: &SourceContext,
        cancel: Option<ScopeCancel>,
    ) -> Result<SourceFuture, SourceError> {
        let may_cancel = cancel.is_some();
        let count = sources.0.len();
        let completion = Arc::new(Completion {
            cancel,
            state: Mutex::new(State {
                fired: vec![false; count],
                missing: count,
                on_record: false,
            }),
        });
        let member = |number| {
            let completion = Arc::clone(&completion);
            Arc::new(Member { completion, number })
        };
        let members: Vec<_> = (0..count).map(member).collect();
        let sources = sources.start(context, |number| {
            let member: Weak<Member> = Arc::downgrade(members.get(number)?);
            may_cancel.then(|| ScopeCancel::new(member))
        })?;
        let mut group = Self { sources, members };
        Ok(Box::pin(poll_fn(move |context| group.poll(context))))
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Cause> {
        // Every source that has not fired is polled before the group is pending, so each has the waker. A source that
        // has panicked is missing for ever.
        for (source, member) in self.sources.iter_mut().zip(&self.members) {
            if let Poll::Ready(cause) = Pin::new(source).poll(context) {
                // With the request on record, a later cancel by a member does nothing.
                member.request(cause.clone());
                if member.completion.is_complete() {
                    return Poll::Ready(cause);
                }
            }
        }
        Poll::Pending
    }
}

/// The record of which members have fired, possibly on several threads.
struct Completion {
    /// The handle that cancels the scope; `None` for a group that only reports by its future.
    cancel: Option<ScopeCancel>,
    state: Mutex<State>,
}

struct State {
    fired: Vec<bool>,
    missing: usize,
    /// True if the scope has the request, or a member is cancelling the scope. Meanwhile the run may end, and
    /// poll the other members.
    on_record: bool,
}

impl Completion {
    fn is_complete(&self) -> bool {
        self.state.lock().missing == 0
    }

    /// Marks a member as fired. After `Ok` the caller must cancel the scope, and clear `on_record` if the scope refuses.
    ///
    /// # Errors
    ///
    /// The caller must not cancel: a member is missing (false), or the request is on record (true).
    fn mark_fired(&self, number: usize) -> Result<(), bool> {
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

/// A member of an [`AllOf`]: the target of its source's [`ScopeCancel`].
struct Member {
    completion: Arc<Completion>,
    number: usize,
}

impl CancelTarget for Member {
    fn request(&self, cause: Cause) -> bool {
        if let Err(on_record) = self.completion.mark_fired(self.number) {
            return on_record;
        }
        // No lock is held: a cancel runs user code.
        let cancel = self.completion.cancel.as_ref();
        let on_record = cancel.is_some_and(|cancel| cancel.cancel_with(cause));
        if !on_record {
            self.completion.state.lock().on_record = false;
        }
        on_record
    }
}
