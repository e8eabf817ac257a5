//! What a scope is to be, before it is one.

use super::build_error::NeedsRuntime;
use super::registration::Registration;
use super::{BuildError, Outcome, Run, Scope, TryRun};
use crate::cause::OperationLabel;
use crate::operation::{
    self, Account, Hooks, Metadata, Opening, Operation, OwnDeadline, Policy, Record, Stop,
    Straggler, Terms, Watchdog,
};
use crate::runtime::{NoRuntime, RuntimeHandle};
use crate::source::{Limit, Source, Unstarted};
use crate::sync::IsolatedDrop;
use crate::token::CancellationToken;
use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The description of a scope, from [`Scope::builder`] or [`Scope::child`].
#[must_use = "a scope is not opened until it is built"]
pub struct ScopeBuilder {
    name: Cow<'static, str>,
    opened_at: &'static Location<'static>,
    parent: Parent,
    runtime: Option<RuntimeHandle>,
    /// Asked where no runtime was given and what the scope is a part of has none.
    default_runtime: Option<fn() -> Result<RuntimeHandle, NoRuntime>>,
    deadline: OwnDeadline,
    /// The one that most scopes with a token have, which needs no list.
    token: Option<CancellationToken>,
    pub(super) registration: Registration,
    /// Kept apart, because a builder is moved by each of its methods.
    rare: Option<Box<Rare>>,
}

/// What most scopes do not have.
#[derive(Default)]
pub(super) struct Rare {
    /// All but the first.
    tokens: Vec<CancellationToken>,
    sources: Vec<Unstarted>,
    terms: Terms,
    /// The limit on children was given as zero.
    no_children: bool,
    policy: Policy,
    pub(super) hooks: Hooks,
    pub(super) metadata: Metadata,
}

/// What of it a record keeps, each if anything was said.
#[derive(Default)]
struct Parts {
    tokens: Vec<CancellationToken>,
    sources: Option<Box<[Unstarted]>>,
    terms: Option<Box<Terms>>,
    policy: Option<Box<Policy>>,
    hooks: Hooks,
    metadata: Option<Arc<Metadata>>,
}

impl Rare {
    #[cold]
    fn into_parts(self) -> Parts {
        let Self {
            tokens,
            sources,
            terms,
            no_children: _,
            policy,
            hooks,
            metadata,
        } = self;
        Parts {
            tokens,
            sources: (!sources.is_empty()).then(|| sources.into_boxed_slice()),
            terms: terms.is_set().then(|| Box::new(terms)),
            policy: policy.is_set().then(|| Box::new(policy)),
            hooks,
            metadata: (!metadata.is_empty()).then(|| Arc::new(metadata)),
        }
    }
}

/// What the scope will be a part of.
enum Parent {
    /// The operation that runs where the scope is built, if there is one.
    Current,
    Operation(Operation),
    /// The operation that it is a spawned child of. It is cancelled with it even where that is
    /// shielded.
    Spawner(Operation),
    Nothing,
}

impl ScopeBuilder {
    #[track_caller]
    pub(super) fn new(name: Cow<'static, str>) -> Self {
        Self {
            name,
            opened_at: Location::caller(),
            parent: Parent::Current,
            runtime: None,
            default_runtime: None,
            deadline: OwnDeadline::default(),
            token: None,
            registration: Registration::Inherited,
            rare: None,
        }
    }

    /// Makes the scope a part of `operation`: cancelled with it, bound by its deadline, on its
    /// runtime unless another one is given. It can't be built once `operation` has ended.
    pub fn parent(mut self, operation: &Operation) -> Self {
        self.parent = Parent::Operation(operation.clone());
        self
    }

    /// Makes the scope a part of nothing, even if an operation runs where it is built.
    pub fn detached(mut self) -> Self {
        self.parent = Parent::Nothing;
        self
    }

    /// Makes the scope a child's: a part of `scope`, whatever it was to be a part of. Its token is
    /// below the one of `scope` also where that is shielded, as children are not.
    pub(super) fn spawned_by(mut self, scope: &Scope) -> Self {
        self.parent = Parent::Spawner(scope.operation().clone());
        self
    }

    /// The runtime that keeps the scope's time.
    pub fn runtime(mut self, runtime: &RuntimeHandle) -> Self {
        self.runtime = Some(runtime.clone());
        self
    }

    /// Where to find a runtime, if none is given and what the scope is a part of has none: the
    /// `current` of an adapter. Where that finds none, the scope has none.
    pub fn default_runtime(mut self, current: fn() -> Result<RuntimeHandle, NoRuntime>) -> Self {
        self.default_runtime = Some(current);
        self
    }

    /// Cancels the scope when `limit` has passed since it was entered: a [`Duration`], or a [`Limit`] with
    /// words of its own for the cause. Zero means that its body is not started; a span too long for the
    /// clock is no limit. Of several limits the earliest counts.
    #[track_caller]
    pub fn timeout(mut self, limit: impl Into<Limit>) -> Self {
        self.deadline.add(limit.into());
        self
    }

    /// Cancels the scope at `point` on the clock of its runtime. If that has passed when the scope is
    /// entered, its body is not started. Of several limits the earliest counts.
    #[track_caller]
    pub fn deadline(mut self, point: Instant) -> Self {
        self.deadline.add(Limit::at(point));
        self
    }

    /// Cancels the scope when `token` is cancelled, with its cause. Each of several tokens does.
    pub fn token(mut self, token: &CancellationToken) -> Self {
        self.add_token(token.clone());
        self
    }

    /// Cancels the scope when `source` fires. Each of several sources does.
    pub fn source(mut self, source: impl Source) -> Self {
        self.add(source.boxed());
        self
    }

    /// Lets no more than `limit` children run at once. The others wait, in the order of spawning,
    /// before their first poll. Blocking calls are not counted.
    ///
    /// A child that waits for another child of the same scope keeps its place meanwhile. If that one waits
    /// for a place behind it, neither goes on: it gets no error and no turn until a place is free, a limit of
    /// its own is over or the scope is cancelled. A [dump](crate::Registry::dump) names who has the places.
    pub fn concurrency(mut self, limit: usize) -> Self {
        self.terms().concurrency = NonZeroUsize::new(limit);
        self.rare().no_children = limit == 0;
        self
    }

    /// Collects the failures of children, for
    /// [`Outcome::child_failures`](super::Outcome::child_failures). Without this the first failure
    /// cancels the scope and so the other children.
    pub fn collect_all(mut self) -> Self {
        self.terms().collect_all = true;
        self
    }

    /// Waits for a blocking call no longer than `span` after its cancel. What has not ended then
    /// is abandoned: its thread goes on by itself, its handle says so, and the log does.
    ///
    /// Without this a scope waits for its blocking calls for as long as they take.
    pub fn abandon_blocking_after(mut self, span: Duration) -> Self {
        self.terms().abandon_after = Some(span);
        self
    }

    /// Lets the body go on for `span` after a cancel, to end by itself: it sees the request by
    /// [`cancelled`](Operation::cancelled) and [`check`](Operation::check), and a value that it
    /// produces counts. What still runs then is dropped and named in
    /// [`Outcome::stragglers`](super::Outcome::stragglers).
    ///
    /// It is clamped to what each cancelled scope above leaves, and one without grace leaves
    /// nothing. Without this, or if it is zero, the body is dropped at once.
    /// [`cancel_now`](Operation::cancel_now) ends it early.
    pub fn grace(mut self, span: Duration) -> Self {
        self.policy().grace = span;
        self
    }

    /// Gives all that is [deferred](Operation::defer) together no more than `span`, from when the
    /// first begins. What runs then is dropped and named as a straggler, and each that is left is
    /// polled once and then treated likewise.
    ///
    /// Without this a scope waits for its finalizers for as long as they take.
    pub fn cleanup_budget(mut self, span: Duration) -> Self {
        self.policy().cleanup_budget = Some(span);
        self
    }

    /// Has everything logged that has not ended `after` a cancel of the scope: what, opened where,
    /// last polled when, under which shield.
    ///
    /// A task of the runtime does that, which ends with the scope. On a runtime of one thread it
    /// cannot see a body that does not yield before that yields.
    pub fn watchdog(mut self, after: Duration) -> Self {
        self.policy().watchdog = Some(Watchdog { after, hook: None });
        self
    }

    /// [`watchdog`](Self::watchdog) that tells `hook` too. A panic of it is logged.
    pub fn watchdog_with<H>(mut self, after: Duration, hook: H) -> Self
    where
        H: Fn(&[Straggler]) + Send + Sync + 'static,
    {
        let hook = Some(Arc::new(hook) as _);
        self.policy().watchdog = Some(Watchdog { after, hook });
        self
    }

    pub(super) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    fn terms(&mut self) -> &mut Terms {
        &mut self.rare().terms
    }

    fn policy(&mut self) -> &mut Policy {
        &mut self.rare().policy
    }

    fn add_token(&mut self, token: CancellationToken) {
        match self.token {
            None => self.token = Some(token),
            Some(_) => self.rare().tokens.push(token),
        }
    }

    fn add(&mut self, mut source: Box<dyn Source>) {
        let alternatives = source.alternatives();
        if !alternatives.is_empty() {
            for source in alternatives {
                self.add(source);
            }
        } else if let Some(limit) = source.limit() {
            self.deadline.add(limit);
        } else if let Some(token) = source.token() {
            self.add_token(token);
        } else {
            self.rare().sources.push(IsolatedDrop::new(source));
        }
    }

    /// Opens the scope. It is entered when it is run.
    ///
    /// # Errors
    ///
    /// Its limit on children is zero. Or what it was given to be a part of has ended. Or it has a time limit, a grace period, a cleanup budget, a
    /// watchdog or a source that needs a runtime, and neither it nor what it is a part of has one.
    pub fn build(self) -> Result<Scope, BuildError> {
        let Self {
            name,
            opened_at,
            parent,
            runtime,
            default_runtime,
            deadline,
            token,
            registration,
            rare,
        } = self;
        if rare.as_ref().is_some_and(|rare| rare.no_children) {
            return Err(BuildError::zero_concurrency(name));
        }
        let Parts {
            tokens,
            sources,
            terms,
            policy,
            hooks,
            metadata,
        } = rare.map_or_else(Parts::default, |rare| rare.into_parts());
        let spawned = matches!(parent, Parent::Spawner(_));
        let parent = match parent {
            Parent::Current => operation::current().and_then(|here| here.nearest_open()),
            Parent::Operation(operation) if operation.is_over() => {
                let (label, status) = (operation.label().clone(), operation.status());
                return Err(BuildError::parent_ended(name, label, status));
            }
            // Whether that takes a child, its nursery says.
            Parent::Operation(operation) | Parent::Spawner(operation) => Some(operation),
            Parent::Nothing => None,
        };
        let shelter = parent.as_ref().filter(|_| !spawned);
        let shelter = shelter.and_then(operation::shelter_from);
        let mut none_found = None;
        let runtime = runtime
            .or_else(|| parent.as_ref()?.runtime().cloned())
            .or_else(|| {
                default_runtime?()
                    .map_err(|why| none_found = Some(why))
                    .ok()
            });
        if runtime.is_none() {
            if let Some(what) = needs_runtime(&deadline, policy.as_deref(), sources.as_deref()) {
                return Err(BuildError::no_runtime(name, what, none_found));
            }
        }
        let label = OperationLabel::new(name);
        let above = parent.as_ref().filter(|_| shelter.is_none());
        let stop = stop(&label, above, token, tokens);
        let registry = registration.observer(label.id(), parent.as_ref());
        let account = Account {
            opened: registry
                .as_ref()
                .and(runtime.as_ref())
                .map(RuntimeHandle::now),
            observer: hooks.behind(registry),
            metadata,
        };
        Ok(Scope::opened(Record::open(Opening {
            label,
            parent: parent.map(Operation::into_record),
            stop,
            runtime,
            opened_at,
            deadline,
            sources,
            terms,
            policy,
            spawned,
            shelter,
            account,
        })))
    }

    /// Opens the scope and [runs](Scope::run) `body` in it: a bounded step in one chain.
    ///
    /// The scope is opened by this call, as by [`build`](Self::build). Where that refuses, the body is
    /// dropped, and the outcome is [`RunError::NotBuilt`](super::RunError::NotBuilt).
    ///
    /// # Cancel safety
    ///
    /// As for [`Scope::run`].
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use cancelable_core::scope::RunError;
    /// use std::time::Duration;
    ///
    /// async fn fetch(scope: &Scope) -> Result<String, RunError> {
    ///     let step = scope.child("fetch").timeout(Duration::from_secs(10));
    ///     step.run(async |_| String::from("page")).await.into_result()
    /// }
    /// ```
    pub fn run<F, Fut>(self, body: F) -> Run<F, Fut>
    where
        F: FnOnce(Scope) -> Fut,
        Fut: Future,
    {
        match self.build() {
            Ok(scope) => Run::new(scope, body),
            Err(error) => Run::not_built(error),
        }
    }

    /// [`run`](Self::run) for a body that may fail, as [`Scope::try_run`].
    ///
    /// # Cancel safety
    ///
    /// As for [`Scope::run`].
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use std::io;
    /// use std::time::Duration;
    ///
    /// async fn port(scope: &Scope, text: &str) -> io::Result<u16> {
    ///     let step = scope.child("parse").timeout(Duration::from_secs(10));
    ///     let port = step.try_run(async |_| text.parse().map_err(io::Error::other));
    ///     port.await.flatten()
    /// }
    /// ```
    pub fn try_run<F, Fut, T, E>(self, body: F) -> TryRun<F, Fut>
    where
        F: FnOnce(Scope) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        match self.build() {
            Ok(scope) => TryRun::new(scope, body),
            Err(error) => TryRun::not_built(error),
        }
    }

    /// Opens the scope and runs `body` in it on this thread, as [`Scope::run_blocking`].
    ///
    /// A refused scope is as in [`run`](Self::run).
    ///
    /// # Panics
    ///
    /// As for [`Scope::run_blocking`].
    #[cfg(not(target_family = "wasm"))]
    pub fn run_blocking<F, T>(self, body: F) -> Outcome<T>
    where
        F: FnOnce(&Scope) -> T,
    {
        match self.build() {
            Ok(scope) => scope.run_blocking(body),
            Err(error) => Outcome::not_built(error),
        }
    }

    /// [`run_blocking`](Self::run_blocking) for a closure that may fail.
    ///
    /// # Panics
    ///
    /// As for [`Scope::run_blocking`].
    #[cfg(not(target_family = "wasm"))]
    pub fn try_run_blocking<F, T, E>(self, body: F) -> Outcome<T, E>
    where
        F: FnOnce(&Scope) -> Result<T, E>,
    {
        match self.build() {
            Ok(scope) => scope.try_run_blocking(body),
            Err(error) => Outcome::not_built(error),
        }
    }
}

/// What of the scope cannot do without a runtime.
fn needs_runtime(
    deadline: &OwnDeadline,
    policy: Option<&Policy>,
    sources: Option<&[Unstarted]>,
) -> Option<NeedsRuntime> {
    if deadline.is_set() {
        return Some(NeedsRuntime::Own("time limit"));
    }
    if let Some(part) = policy.and_then(Policy::needs_runtime) {
        return Some(NeedsRuntime::Own(part));
    }
    let mut sources = sources
        .unwrap_or_default()
        .iter()
        .filter_map(IsolatedDrop::get);
    let source = sources.find(|source| source.needs_runtime())?;
    Some(NeedsRuntime::Source(source.name()))
}

/// What cancels the scope: the parent's token, `token` and each of `more`, or nothing.
///
/// Below one that is given its own token is a child from the start. A handle of the one that is given
/// would keep that, and what was left at it, for as long as anyone knows of the operation.
fn stop(
    label: &OperationLabel,
    parent: Option<&Operation>,
    token: Option<CancellationToken>,
    more: Vec<CancellationToken>,
) -> Stop {
    let parent = parent.map(|parent| parent.token().clone());
    match (parent, token) {
        (parent, None) => Stop::below(parent),
        (None, Some(token)) if more.is_empty() => Stop::by(token.child_token().of_operation(label)),
        // A join is of nothing only if its list is empty, and there are two here at least.
        (parent, token) => {
            let inputs = parent.into_iter().chain(token).chain(more);
            Stop::below(CancellationToken::any_of(inputs).ok())
        }
    }
}

impl fmt::Debug for ScopeBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopeBuilder")
            .field("name", &self.name)
            .field("runtime", &self.runtime)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
