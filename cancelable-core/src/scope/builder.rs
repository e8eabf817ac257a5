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
/// `P` is the type of a fixed parent. In a builder from [`Scope::child`] it is [`Scope`], and the builder can
/// [spawn](ScopeBuilder::spawn). In any other builder it is `()`, and [`parent`](ScopeBuilder::parent) sets the parent.
///
/// # Examples
///
/// ```
/// use cancelable_core::{CancellationToken, Scope};
/// use std::time::Duration;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let stop = CancellationToken::new();
/// let outcome = rt::block_on(async {
///     let import = rt::scope("import")
///         .timeout(Duration::from_secs(30))
///         .grace(Duration::from_secs(5))
///         .token(&stop)
///         .metadata("file", "users.csv");
///     import.run(async |op: Scope| op.name().to_owned()).await
/// });
/// assert_eq!(outcome.complete()?, "import");
/// # Ok(())
/// # }
/// ```
#[must_use = "a scope is not opened until it is built"]
pub struct ScopeBuilder<P = ()> {
    name: Cow<'static, str>,
    location: &'static Location<'static>,
    parent: Parent,
    runtime: Option<RuntimeHandle>,
    /// The function that returns the runtime if no runtime was given and the parent has none.
    default_runtime: Option<fn() -> Result<RuntimeHandle, NoRuntime>>,
    deadline: OwnDeadline,
    /// The first token. Most scopes have no second token and need no list.
    token: Option<CancellationToken>,
    registration: Registration,
    /// The rare options. Boxed, because each method moves the builder.
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

/// The settings of `Rare` as the record stores them, each `None` if nothing was set.
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

/// The future parent of the scope.
enum Parent {
    /// The current operation at the time of the build, if there is one.
    Current,
    Operation(Operation),
    /// The parent of a spawned child. A cancel of the parent reaches the child even if the parent is shielded.
    Spawner(Operation),
    Nothing,
}

/// The registry that lists the scope.
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

    /// Makes `operation` the parent of the scope. The scope is cancelled with its parent and bound by the deadline
    /// of its parent. The scope has the runtime of its parent, unless [`runtime`](Self::runtime) sets another. The
    /// scope can't be built after `operation` has finished.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Operation, Scope};
    ///
    /// fn part(operation: &Operation) -> Result<(), Box<dyn std::error::Error>> {
    ///     let scope = Scope::builder("part").parent(operation).build()?;
    ///     let outcome = scope.run_blocking(|op| op.parent().map(|parent| parent.id()));
    ///     assert_eq!(outcome.complete()?, Some(operation.id()));
    ///     Ok(())
    /// }
    /// ```
    pub fn parent(mut self, operation: &Operation) -> Self {
        self.parent = Parent::Operation(operation.clone());
        self
    }

    /// Gives the scope no parent, even if the build is inside an operation.
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
}

impl<P> ScopeBuilder<P> {
    /// Makes the scope that of a spawned child, and returns its parent. The child's token is a child of the
    /// parent's token even if the parent is shielded, since a shield does not cover children.
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

    /// Returns whether the cancel of the scope may need a poll: of a timer, a source or a watchdog.
    pub(super) fn needs_polling(&self) -> bool {
        let rare = self.rare.as_ref();
        let needs_polling =
            |rare: &Rare| !rare.sources.is_empty() || rare.options.watchdog.is_some();
        self.deadline.is_set() || rare.is_some_and(|rare| needs_polling(rare))
    }

    /// Removes the grace period and returns it.
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

    /// Sets the runtime, which measures the time of the scope and runs its children.
    pub fn runtime(mut self, runtime: &RuntimeHandle) -> Self {
        self.runtime = Some(runtime.clone());
        self
    }

    /// Sets a function that returns a runtime: the `current` of an adapter. The function is called if
    /// [`runtime`](Self::runtime) was not called and the parent has no runtime. If the function returns an error,
    /// the scope has no runtime.
    pub fn default_runtime(mut self, current: fn() -> Result<RuntimeHandle, NoRuntime>) -> Self {
        self.default_runtime = Some(current);
        self
    }

    /// Sets the source location at which the scope is opened, for stragglers and warnings. The default is the caller of
    /// [`Scope::builder`] or [`Scope::child`]: a library that opens scopes for its users names their code instead.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use cancelable_core::scope::BuildError;
    /// use std::panic::Location;
    ///
    /// /// Opens the scope of one page.
    /// #[track_caller]
    /// fn page(import: &Scope, number: u32) -> Result<Scope, BuildError> {
    ///     import.child(format!("page {number}")).location(Location::caller()).build()
    /// }
    /// # let import = rt::scope("import").build()?;
    /// # assert_eq!(page(&import, 7)?.name(), "page 7");
    /// # Ok::<(), BuildError>(())
    /// ```
    pub fn location(mut self, location: &'static Location<'static>) -> Self {
        self.location = location;
        self
    }

    /// Cancels the scope when `limit` has passed since the scope was entered. The limit is a [`Duration`], or a
    /// [`Limit`] with a text of its own for the cause. With zero the body is not started. A duration that is too
    /// long for the clock never ends. If there are several limits, the earliest counts.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::pending;
    /// use std::time::Duration;
    ///
    /// let outcome = rt::block_on(async {
    ///     let import = rt::scope("import").timeout(Duration::from_millis(1));
    ///     import.run(async |_| pending::<()>().await).await
    /// });
    /// assert!(outcome.is_timeout());
    /// ```
    #[track_caller]
    pub fn timeout(mut self, limit: impl Into<Limit>) -> Self {
        self.deadline.add(limit.into());
        self
    }

    /// Cancels the scope at `point` on the clock of its runtime. If `point` has passed by the entry of the scope,
    /// the body is not started. If there are several limits, the earliest counts.
    #[track_caller]
    pub fn deadline(mut self, point: Instant) -> Self {
        self.deadline.add(Limit::at(point));
        self
    }

    /// Cancels the scope when `token` is cancelled, with the cause of `token`. Each of several tokens does.
    pub fn token(mut self, token: &CancellationToken) -> Self {
        self.add_token(token.clone());
        self
    }

    /// Cancels the scope when `source` fires. A scope may have several sources, and each of them can cancel it.
    pub fn source(mut self, source: impl Source) -> Self {
        self.add(Box::new(source));
        self
    }

    /// Limits the number of children that run at once. Other children wait for a permit, in the order of spawning,
    /// before their first poll. Blocking calls need no permit.
    ///
    /// A child that waits for another child of the same scope keeps its permit meanwhile. If the other child is in the
    /// queue for a permit, both are stuck until another permit is free, their own time limit has passed or the scope is
    /// cancelled. A [dump](crate::Registry::dump) names the children that have the permits.
    pub fn concurrency(mut self, limit: NonZeroUsize) -> Self {
        self.rare().child_options.concurrency = Some(limit);
        self
    }

    /// Collects the failures of children in [`Outcome::child_failures`](super::Outcome::child_failures). Without this
    /// setting the first failure cancels the scope, and with it the other children.
    pub fn collect_all(mut self) -> Self {
        self.rare().child_options.collect_all = true;
        self
    }

    /// Gives the body a grace period of `span` after a cancel, in which the body may end. The body sees the cancel by
    /// [`cancelled`](Operation::cancelled) and [`check`](Operation::check), and a value that it returns counts. A body
    /// that still runs at the end of the period is dropped and named in
    /// [`Outcome::stragglers`](super::Outcome::stragglers).
    ///
    /// The period ends no later than that of each cancelled ancestor. A cancelled ancestor without a grace period
    /// leaves none. Without this setting, or with zero, a cancelled body is dropped at once.
    /// [`cancel_now`](Operation::cancel_now) ends the period early.
    ///
    /// For a [blocking call](ScopeBuilder::spawn_blocking) the grace period is the time that the parent waits for the
    /// call after its cancel.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use std::time::Duration;
    ///
    /// let outcome = rt::block_on(async {
    ///     let import = rt::scope("import").grace(Duration::from_secs(5));
    ///     let body = async |op: Scope| {
    ///         op.cancel_with("the disk is full");
    ///         op.cancelled().await;
    ///         "saved"
    ///     };
    ///     import.run(body).await
    /// });
    /// assert_eq!(outcome.into_value(), Some("saved"));
    /// ```
    pub fn grace(mut self, span: Duration) -> Self {
        self.rare().options.grace = Some(span);
        self
    }

    /// Limits the time of all [deferred](Operation::defer) finalizers together to `span`, from the start of the first.
    /// A finalizer that runs at the end of the budget is dropped and named as a straggler. Each finalizer after it is
    /// polled once, and then dropped and named likewise.
    ///
    /// Without this setting a scope waits for its finalizers without a limit.
    pub fn cleanup_budget(mut self, span: Duration) -> Self {
        self.rare().options.cleanup_budget = Some(span);
        self
    }

    /// Logs the stragglers at the time `after` a cancel of the scope, each with its kind, its location, the time of its
    /// last poll, and its shield.
    ///
    /// A task of the runtime writes the report, and ends with the scope. On a runtime of one thread the task cannot
    /// report a body that does not yield.
    pub fn watchdog(mut self, after: Duration) -> Self {
        self.rare().options.watchdog = Some(Watchdog { after, hook: None });
        self
    }

    /// Sets a watchdog as [`watchdog`](Self::watchdog) does, with a hook that is called with the stragglers. A
    /// panic of the hook is logged.
    pub fn watchdog_with<H>(mut self, after: Duration, hook: H) -> Self
    where
        H: Fn(&[Straggler]) + Send + Sync + 'static,
    {
        let hook = Some(Arc::new(hook) as _);
        self.rare().options.watchdog = Some(Watchdog { after, hook });
        self
    }

    /// Lists the scope and its descendants in the [global registry](Registry::global), from the build to the end.
    ///
    /// A scope is in at most one registry. The default is the registry of its parent, if there is one. So a tree is
    /// listed whole.
    pub fn register(self) -> Self {
        self.register_in(Registry::global())
    }

    /// Lists the scope in `registry`, instead of the registry of the process.
    pub fn register_in(mut self, registry: &Registry) -> Self {
        self.registration = Registration::In(registry.observer());
        self
    }

    /// Lists neither the scope nor its descendants, even if the parent is listed.
    pub fn unregistered(mut self) -> Self {
        self.registration = Registration::Nowhere;
        self
    }

    /// Stores `value` under `key`; see [`Operation::set_metadata`].
    pub fn metadata(
        mut self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.rare().metadata.set(key.into(), value.into());
        self
    }

    /// Adds `hooks`, which are called after the hooks that were added before.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use cancelable_core::operation::Hooks;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let hooks = Hooks::new().on_cancel_requested(|operation, cause| println!("{}: {cause}", operation.name()));
    /// let scope = Scope::builder("import").hooks(hooks).build()?;
    /// scope.cancel();
    /// # Ok(())
    /// # }
    /// ```
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

    /// Opens the scope. The scope is entered by the first poll of its run.
    ///
    /// # Errors
    ///
    /// The given parent has finished. Or the scope has a time limit, a grace period, a cleanup budget, a watchdog or a
    /// source that needs a runtime, and neither the scope nor its parent has one.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Scope, Status};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = Scope::builder("import").build()?;
    /// let operation = scope.operation().clone(); // may read the status and cancel, from anywhere
    /// assert_eq!(operation.status(), Status::Pending);
    /// let outcome = scope.run_blocking(|_| 42);
    /// assert_eq!(outcome.complete()?, 42);
    /// # Ok(())
    /// # }
    /// ```
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
            // The table of children of a spawner decides about the admission.
            Parent::Operation(operation) | Parent::Spawner(operation) => Some(operation),
            Parent::Nothing => None,
        };
        let shield = parent.as_ref().filter(|_| !spawned);
        let shield = shield.and_then(|parent| shielding::shield_from(parent.record()));
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
        let above = parent.as_ref().filter(|_| shield.is_none());
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
            shield,
            observers,
        })))
    }

    /// Opens the scope and [runs](Scope::run) `body` in it.
    ///
    /// The scope is opened by this call, as by [`build`](Self::build). If the scope cannot be built, the body is dropped,
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

    /// Runs a body that may fail, as [`Scope::try_run`] does.
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
    /// If the scope cannot be built, the outcome is [`RunError::NotBuilt`](super::RunError::NotBuilt).
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

    /// Runs a closure that may fail, as [`run_blocking`](Self::run_blocking) does.
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

/// Returns a part of the scope that needs a runtime, if there is one.
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

/// Returns the token cell of the scope, which joins the parent's token, `token` and `more`.
///
/// If a single token is given, the scope's own token is made at once, as a child of that token. A handle of the given
/// token would keep it, and its wakers, alive as long as a handle of the operation.
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
        // A join of no tokens is refused, and there are at least two tokens here.
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
