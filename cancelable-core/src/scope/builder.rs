//! The builder of a scope.

use super::build_error::NeedsRuntime;
use super::{BuildError, Outcome, Run, Scope, TryRun};
use crate::cause::{OperationId, OperationLabel};
use crate::operation::{self, Hooks, Metadata, Operation, Straggler};
use crate::record::options::{ChildOptions, Options, Watchdog};
use crate::record::own_deadline::OwnDeadline;
use crate::record::token_cell::TokenCell;
use crate::record::{Observer, Observers, Opening, lifecycle, shielding};
use crate::registry::Registry;
use crate::runtime::{NoRuntime, RuntimeHandle};
use crate::source::{BuiltIn, Kind, Limit, Source, Unstarted};
use crate::sync::IsolatedDrop;
use crate::token::CancellationToken;
use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem;
use std::num::NonZeroUsize;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The description of a scope, from [`Scope::builder`] or [`Scope::child`].
///
/// `P` is the type of a parent that is fixed: [`Scope`] in a builder from [`Scope::child`], which can
/// [spawn](ScopeBuilder::spawn). Otherwise it is `()`, and [`parent`](Self::parent) sets the parent.
#[must_use = "a scope is not opened until it is built"]
pub struct ScopeBuilder<P = ()> {
    name: Cow<'static, str>,
    location: &'static Location<'static>,
    parent: Parent,
    runtime: Option<RuntimeHandle>,
    /// Asked if no runtime was given and the parent has none.
    default_runtime: Option<fn() -> Result<RuntimeHandle, NoRuntime>>,
    deadline: OwnDeadline,
    /// The first token. Most scopes have no more, and need no list.
    token: Option<CancellationToken>,
    registration: Registration,
    /// Boxed: rare, and each method moves the builder.
    rare: Option<Box<Rare>>,
    fixed_parent: PhantomData<fn() -> P>,
}

/// Settings of few scopes.
#[derive(Default)]
struct Rare {
    /// All tokens but the first.
    tokens: Vec<CancellationToken>,
    sources: Vec<Unstarted>,
    child_options: ChildOptions,
    options: Options,
    hooks: Hooks,
    metadata: Metadata,
}

/// The parts of `Rare` for the record, each `None` if nothing was set.
#[derive(Default)]
struct Parts {
    tokens: Vec<CancellationToken>,
    sources: Option<Box<[Unstarted]>>,
    child_options: Option<Box<ChildOptions>>,
    options: Option<Box<Options>>,
    hooks: Option<Arc<dyn Observer>>,
    metadata: Option<Arc<Metadata>>,
}

impl Rare {
    #[cold]
    fn into_parts(self) -> Parts {
        Parts {
            tokens: self.tokens,
            sources: (!self.sources.is_empty()).then(|| self.sources.into_boxed_slice()),
            child_options: self
                .child_options
                .is_set()
                .then(|| Box::new(self.child_options)),
            options: self.options.is_set().then(|| Box::new(self.options)),
            hooks: (!self.hooks.is_empty()).then(|| Arc::new(self.hooks) as _),
            metadata: (!self.metadata.is_empty()).then(|| Arc::new(self.metadata)),
        }
    }
}

/// The parent that the scope will have.
enum Parent {
    /// The operation that runs where the scope is built, if there is one.
    Current,
    Operation(Operation),
    /// The parent of a spawned child. The child is cancelled with it even where the parent is shielded.
    Spawner(Operation),
    Nothing,
}

/// The registry that will list the scope.
enum Registration {
    /// The registry of the parent.
    Inherited,
    In(Arc<dyn Observer>),
    Nowhere,
}

impl Registration {
    /// Returns the registry as the observer of the operation with this number.
    fn observer(&self, id: OperationId, parent: Option<&Operation>) -> Option<Arc<dyn Observer>> {
        match self {
            Self::Inherited => parent?.record().registry.as_ref()?.for_child(id),
            Self::In(registry) => registry.for_child(id),
            Self::Nowhere => None,
        }
    }
}

impl ScopeBuilder {
    #[track_caller]
    pub(super) fn new(name: Cow<'static, str>) -> Self {
        Self::with_parent(name, Parent::Current)
    }

    /// Makes `operation` the parent of the scope: the scope is cancelled with it, bound by its deadline, and on its
    /// runtime unless another one is given. The scope can't be built once `operation` has ended.
    pub fn parent(mut self, operation: &Operation) -> Self {
        self.parent = Parent::Operation(operation.clone());
        self
    }

    /// Gives the scope no parent, even if an operation runs where it is built.
    pub fn detached(mut self) -> Self {
        self.parent = Parent::Nothing;
        self
    }
}

impl ScopeBuilder<Scope> {
    #[track_caller]
    pub(super) fn below(scope: &Scope, name: Cow<'static, str>) -> Self {
        Self::with_parent(name, Parent::Operation(scope.operation().clone()))
    }

    /// Makes the scope that of a spawned child, and returns its parent. The child's token is below the token of the
    /// parent even where the parent is shielded, since a shield does not cover children.
    pub(super) fn spawner(&mut self) -> Option<Operation> {
        let Parent::Operation(parent) = mem::replace(&mut self.parent, Parent::Current) else {
            return None;
        };
        self.parent = Parent::Spawner(parent.clone());
        Some(parent)
    }

    pub(super) fn into_name(self) -> Cow<'static, str> {
        self.name
    }

    /// Returns whether something has to be polled to cancel the scope in time.
    pub(super) fn needs_polling(&self) -> bool {
        let rare = self.rare.as_ref();
        let needs_polling =
            |rare: &Rare| !rare.sources.is_empty() || rare.options.watchdog.is_some();
        self.deadline.is_set() || rare.is_some_and(|rare| needs_polling(rare))
    }

    /// Takes the grace period out.
    pub(super) fn take_grace(&mut self) -> Option<Duration> {
        self.rare.as_mut()?.options.grace.take()
    }
}

impl<P> ScopeBuilder<P> {
    #[track_caller]
    fn with_parent(name: Cow<'static, str>, parent: Parent) -> Self {
        Self {
            name,
            location: Location::caller(),
            parent,
            runtime: None,
            default_runtime: None,
            deadline: OwnDeadline::default(),
            token: None,
            registration: Registration::Inherited,
            rare: None,
            fixed_parent: PhantomData,
        }
    }

    /// Sets the runtime, which keeps the scope's time and runs its children.
    pub fn runtime(mut self, runtime: &RuntimeHandle) -> Self {
        self.runtime = Some(runtime.clone());
        self
    }

    /// Sets where to find a runtime if none is given and the parent has none: the `current` of an adapter. If that
    /// finds none, the scope has none.
    pub fn default_runtime(mut self, current: fn() -> Result<RuntimeHandle, NoRuntime>) -> Self {
        self.default_runtime = Some(current);
        self
    }

    /// Cancels the scope when `limit` has passed since the scope was entered: a [`Duration`], or a [`Limit`] with its
    /// own text for the cause. With zero the body is not started. A span too long for the clock is no limit. Of
    /// several limits the earliest counts.
    #[track_caller]
    pub fn timeout(mut self, limit: impl Into<Limit>) -> Self {
        self.deadline.add(limit.into());
        self
    }

    /// Cancels the scope at `point` on the clock of its runtime. If `point` has passed when the scope is entered, the
    /// body is not started. Of several limits the earliest counts.
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
        self.add(Box::new(source));
        self
    }

    /// Limits how many children run at once. The others wait, in the order of spawning, before their first poll.
    /// Blocking calls are not counted.
    ///
    /// A child that waits for another child of the same scope keeps its place meanwhile. If that other child waits in
    /// the queue for this place, both are stuck until another place is free, their own time limit is over or the
    /// scope is cancelled. A [dump](crate::Registry::dump) names the children that have the places.
    pub fn concurrency(mut self, limit: NonZeroUsize) -> Self {
        self.rare().child_options.concurrency = Some(limit);
        self
    }

    /// Collects the failures of children, for [`Outcome::child_failures`](super::Outcome::child_failures). Without
    /// this the first failure cancels the scope, and with it the other children.
    pub fn collect_all(mut self) -> Self {
        self.rare().child_options.collect_all = true;
        self
    }

    /// Gives the body `span` after a cancel to end by itself. It sees the request by
    /// [`cancelled`](Operation::cancelled) and [`check`](Operation::check), and a value that it produces counts. A
    /// body that still runs at the end of the grace is dropped and named in
    /// [`Outcome::stragglers`](super::Outcome::stragglers).
    ///
    /// The grace ends no later than that of each cancelled ancestor; an ancestor without grace leaves none. Without
    /// this, or with zero, the body is dropped at once. [`cancel_now`](Operation::cancel_now) ends the grace early.
    ///
    /// For a [blocking call](ScopeBuilder::spawn_blocking) this is the time that the parent waits for the call after
    /// its cancel.
    pub fn grace(mut self, span: Duration) -> Self {
        self.rare().options.grace = Some(span);
        self
    }

    /// Gives all [deferred](Operation::defer) finalizers together no more than `span`, from when the first begins. A
    /// finalizer that runs when the budget is spent is dropped and named as a straggler. Each one that is left is
    /// polled once, and then dropped and named likewise.
    ///
    /// Without this a scope waits for its finalizers without a limit.
    pub fn cleanup_budget(mut self, span: Duration) -> Self {
        self.rare().options.cleanup_budget = Some(span);
        self
    }

    /// Logs everything that has not ended `after` a cancel of the scope: its kind, where it was opened, when it was
    /// last polled, and its shield.
    ///
    /// A task of the runtime does that, and ends with the scope. On a runtime of one thread it cannot report a body
    /// that does not yield.
    pub fn watchdog(mut self, after: Duration) -> Self {
        self.rare().options.watchdog = Some(Watchdog { after, hook: None });
        self
    }

    /// [`watchdog`](Self::watchdog) that also calls `hook`. A panic of the hook is logged.
    pub fn watchdog_with<H>(mut self, after: Duration, hook: H) -> Self
    where
        H: Fn(&[Straggler]) + Send + Sync + 'static,
    {
        let hook = Some(Arc::new(hook) as _);
        self.rare().options.watchdog = Some(Watchdog { after, hook });
        self
    }

    /// Lists the scope in the [global registry](Registry::global), from when it is built to its end, and with it all
    /// scopes below it.
    ///
    /// A scope is in one registry. By default that is the registry of its parent, if there is one, so that a tree is
    /// listed whole.
    pub fn register(self) -> Self {
        self.register_in(Registry::global())
    }

    /// [`register`](Self::register) in `registry`.
    pub fn register_in(mut self, registry: &Registry) -> Self {
        self.registration = Registration::In(registry.observer());
        self
    }

    /// Lists neither the scope nor those below it, even if the parent is listed.
    pub fn unregistered(mut self) -> Self {
        self.registration = Registration::Nowhere;
        self
    }

    /// Notes `value` under `key`; see [`Operation::set_metadata`].
    pub fn metadata(
        mut self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.rare().metadata.set(key.into(), value.into());
        self
    }

    /// Adds `hooks`, which are called after those that the scope has.
    pub fn hooks(mut self, hooks: Hooks) -> Self {
        let own = &mut self.rare().hooks;
        *own = mem::take(own).and_all(hooks);
        self
    }

    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    fn add_token(&mut self, token: CancellationToken) {
        match self.token {
            None => self.token = Some(token),
            Some(_) => self.rare().tokens.push(token),
        }
    }

    fn add(&mut self, mut source: Box<dyn Source>) {
        match source.take_built_in().map(BuiltIn::into_kind) {
            Some(Kind::Limit(limit)) => self.deadline.add(limit),
            Some(Kind::Token(token)) => self.add_token(token),
            Some(Kind::Members(sources)) => {
                for source in sources {
                    self.add(source);
                }
            }
            None => self.rare().sources.push(IsolatedDrop::new(source)),
        }
    }

    /// Opens the scope. It is entered when it is run.
    ///
    /// # Errors
    ///
    /// The parent that was given has ended. Or the scope has a time limit, a grace
    /// period, a cleanup budget, a watchdog or a source that needs a runtime, and neither it nor its parent has one.
    pub fn build(self) -> Result<Scope, BuildError> {
        let Self {
            name,
            location,
            parent,
            runtime,
            default_runtime,
            deadline,
            token,
            registration,
            rare,
            fixed_parent: _,
        } = self;
        let Parts {
            tokens,
            sources,
            child_options,
            options,
            hooks,
            metadata,
        } = rare.map_or_else(Parts::default, |rare| rare.into_parts());
        let spawned = matches!(parent, Parent::Spawner(_));
        let parent = match parent {
            Parent::Current => operation::current().and_then(|here| here.nearest_open()),
            Parent::Operation(operation) if operation.is_finished() => {
                let (label, status) = (operation.label().clone(), operation.status());
                return Err(BuildError::parent_ended(name, label, status));
            }
            // Its table of children decides whether it takes one.
            Parent::Operation(operation) | Parent::Spawner(operation) => Some(operation),
            Parent::Nothing => None,
        };
        let shelter = parent.as_ref().filter(|_| !spawned);
        let shelter = shelter.and_then(|parent| shielding::shield_from(parent.record()));
        let mut none_found = None;
        let runtime = runtime
            .or_else(|| parent.as_ref()?.runtime().cloned())
            .or_else(|| {
                default_runtime?()
                    .map_err(|why| none_found = Some(why))
                    .ok()
            });
        if runtime.is_none() {
            if let Some(what) = needs_runtime(&deadline, options.as_deref(), sources.as_deref()) {
                return Err(BuildError::no_runtime(name, what, none_found));
            }
        }
        let label = OperationLabel::new(name);
        let above = parent.as_ref().filter(|_| shelter.is_none());
        let token = token_cell(&label, above, token, tokens);
        let observers = Observers {
            registry: registration.observer(label.id(), parent.as_ref()),
            hooks,
            metadata,
        };
        Ok(Scope::opened(lifecycle::open(Opening {
            label,
            parent: parent.map(Operation::into_record),
            token,
            runtime,
            location,
            deadline,
            sources,
            child_options,
            options,
            spawned,
            shelter,
            observers,
        })))
    }

    /// Opens the scope and [runs](Scope::run) `body` in it: a bounded step in one chain.
    ///
    /// The scope is opened by this call, as by [`build`](Self::build). If it cannot be built, the body is dropped,
    /// and the outcome is [`RunError::NotBuilt`](super::RunError::NotBuilt).
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
        Run::new(self.build(), body)
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
    /// use cancelable_core::scope::RunError;
    /// use std::io;
    /// use std::time::Duration;
    ///
    /// async fn port(scope: &Scope, text: &str) -> io::Result<u16> {
    ///     let step = scope.child("parse").timeout(Duration::from_secs(10));
    ///     let port = step.try_run(async |_| text.parse().map_err(io::Error::other));
    ///     port.await.into_result().map_err(RunError::flatten)
    /// }
    /// ```
    pub fn try_run<F, Fut, T, E>(self, body: F) -> TryRun<F, Fut>
    where
        F: FnOnce(Scope) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        TryRun::new(self.build(), body)
    }

    /// Opens the scope and runs `body` in it on this thread, as [`Scope::run_blocking`].
    ///
    /// If the scope cannot be built, the outcome says so, as for [`run`](Self::run).
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

/// The part of the scope that needs a runtime.
fn needs_runtime(
    deadline: &OwnDeadline,
    options: Option<&Options>,
    sources: Option<&[Unstarted]>,
) -> Option<NeedsRuntime> {
    if deadline.is_set() {
        return Some(NeedsRuntime::Own("time limit"));
    }
    if let Some(part) = options.and_then(Options::needs_runtime) {
        return Some(NeedsRuntime::Own(part));
    }
    let mut sources = sources
        .unwrap_or_default()
        .iter()
        .filter_map(IsolatedDrop::get);
    let source = sources.find(|source| source.needs_runtime())?;
    Some(NeedsRuntime::Source(source.name()))
}

/// The token that cancels the scope: of the parent's token, `token` and `more`; or none.
///
/// If a single token is given, the scope's own token is made at once, as a child of it. A handle of the given token
/// itself would keep that token, and the wakers at it, for as long as a handle of the operation lives.
fn token_cell(
    label: &OperationLabel,
    parent: Option<&Operation>,
    token: Option<CancellationToken>,
    more: Vec<CancellationToken>,
) -> TokenCell {
    let parent = parent.map(|parent| parent.token().clone());
    match (parent, token) {
        (parent, None) => TokenCell::inheriting(parent),
        (None, Some(token)) if more.is_empty() => {
            TokenCell::with_own(token.child_token().of_operation(label))
        }
        // A join is empty only if its list is, and there are at least two tokens here.
        (parent, token) => {
            let inputs = parent.into_iter().chain(token).chain(more);
            TokenCell::inheriting_join(CancellationToken::any_of(inputs).ok())
        }
    }
}

impl<P> fmt::Debug for ScopeBuilder<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopeBuilder")
            .field("name", &self.name)
            .field("runtime", &self.runtime)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
