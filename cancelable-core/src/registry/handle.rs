//! The handle of a registry.

use super::chunk::Chunk;
use super::dump::Dump;
use super::events::Events;
use super::filter::Filter;
use super::history::History;
use super::listeners::HooksGuard;
use super::listing::Listing;
use super::name_prefix::WantedPrefix;
use super::shards::Shards;
use super::snapshot_filter::{self, SnapshotFilter};
use super::statistics::Statistics;
use super::tree::Tree;
use crate::cause::OperationId;
use crate::operation::{Hooks, Operation, OperationSnapshot, Status};
use crate::record::{Observer, notify};
use crate::sync::unmodelled::OnceLock;
use std::fmt;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

/// A list of open operations, with a bounded history of those that have ended. Cloning is one reference count.
///
/// A scope is listed by [`register`](crate::scope::ScopeBuilder::register) or
/// [`register_in`](crate::scope::ScopeBuilder::register_in), from its `build` to its end. Its children and the
/// scopes that are opened inside are listed too.
///
/// # Examples
///
/// ```
/// use cancelable_core::registry::Filter;
/// use cancelable_core::{Registry, Status};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// rt::block_on(async {
///     let registry = Registry::new();
///     let scope = rt::scope("import-7").metadata("tenant", "blue").register_in(&registry).build()?;
///
///     let imports = Filter::new().name("import-*").metadata("tenant", "blue");
///     assert_eq!(registry.list(&imports).len(), 1);
///     assert_eq!(registry.cancel_all(&imports), 1);
///
///     assert!(scope.run(async |_| ()).await.is_cancelled());
///     assert!(registry.is_empty());
///     assert_eq!(registry.history(&imports)[0].status(), Status::Cancelled);
/// #   Ok(())
/// })
/// # }
/// ```
#[derive(Clone)]
pub struct Registry {
    shards: Arc<Shards>,
}

impl Registry {
    /// The default number of unread events.
    const EVENTS: NonZeroUsize = NonZeroUsize::new(1024).unwrap();

    /// Makes a registry with the default settings.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let import = Scope::builder("import").register_in(&registry).build()?;
    /// assert_eq!(registry.len(), 1);
    /// drop(import);
    /// assert!(registry.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Returns the registry of the process.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let import = Scope::builder("import").register().build()?;
    /// assert!(Registry::global().get(import.id()).is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn global() -> &'static Self {
        static GLOBAL: OnceLock<Registry> = OnceLock::new();
        GLOBAL.get_or_init(Self::new)
    }

    /// Makes the handle of a new registry with this history.
    pub(super) fn with_history(history: History) -> Self {
        Self {
            shards: Arc::new(Shards::new(history)),
        }
    }

    /// Returns the observer of an operation that is opened in this registry.
    pub(crate) fn observer(&self) -> Arc<dyn Observer> {
        self.shards.any_observer()
    }

    pub(super) fn shards(&self) -> &Shards {
        &self.shards
    }

    /// Returns the number of listed operations.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let import = Scope::builder("import").register_in(&registry).build()?;
    /// let _page = import.child("page").build()?;
    /// assert_eq!(registry.len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.len()).sum()
    }

    /// Returns whether no operation is listed.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// assert!(registry.is_empty());
    /// let _import = Scope::builder("import").register_in(&registry).build()?;
    /// assert!(!registry.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the listed operation with this number. A number from outside the program becomes an
    /// [`OperationId`] by `OperationId::from(NonZeroU64)`.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let import = Scope::builder("import").register_in(&registry).build()?;
    /// let found = registry.get(import.id()).ok_or("not open")?;
    /// found.cancel();
    /// assert!(import.is_cancelled());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn get(&self, id: OperationId) -> Option<Operation> {
        self.shards.get(id).map(Operation::new)
    }

    /// Returns the listed operation with this name; if there are several, the first that was opened.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let import = Scope::builder("import").register_in(&registry).build()?;
    /// assert_eq!(registry.find("import").map(|found| found.id()), Some(import.id()));
    /// assert!(registry.find("export").is_none());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Operation> {
        let prefix = WantedPrefix::of(name);
        let select = |chunk: &Chunk| {
            let slots = chunk.select(chunk.taken(), |row| row.may_have_prefix(&prefix));
            chunk.select_records(slots, |record| record.label.name() == name)
        };
        let mut first = None;
        Listing::in_steps(&self.shards, 0, select, |found| {
            first = found.first().cloned();
            match first {
                Some(_) => ControlFlow::Break(()),
                None => ControlFlow::Continue(()),
            }
        });
        first.map(Operation::new)
    }

    /// Returns snapshots of the open operations that `filter` selects, in the order of opening.
    ///
    /// The list delays no operation. Each snapshot shows its operation at a moment of its own.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::registry::Filter;
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let _import = Scope::builder("import-7").register_in(&registry).build()?;
    /// for operation in registry.list(&Filter::new().name("import-*")) {
    ///     println!("{operation}"); // #1 import-7: pending for 1.2 s
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn list(&self, filter: &Filter) -> Vec<OperationSnapshot> {
        let (mut passing, mut found) = (SnapshotFilter::of(filter), Vec::new());
        snapshot_filter::candidates(&self.shards, filter, |candidates| {
            found.reserve(candidates.len().min(passing.left()));
            candidates.visit(|record| {
                found.extend(passing.pass(record));
                passing.flow()
            })
        });
        found
    }

    /// Returns handles of the open operations that `filter` selects, in the order of opening.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::registry::Filter;
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let import = Scope::builder("import-7").register_in(&registry).build()?;
    /// for operation in registry.operations(&Filter::new().name("import-*")) {
    ///     operation.cancel_with("the disk is full");
    /// }
    /// assert!(import.is_cancelled());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn operations(&self, filter: &Filter) -> Vec<Operation> {
        let found = snapshot_filter::matching(&self.shards, filter).into_records();
        found.into_iter().map(Operation::new).collect()
    }

    /// Returns the number of open operations that `filter` selects. Snapshots are taken only for a filter with an
    /// age, a [`since`](Filter::since) or a [predicate](Filter::matching).
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::registry::Filter;
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let _import = Scope::builder("import-7").register_in(&registry).build()?;
    /// let _export = Scope::builder("export-7").register_in(&registry).build()?;
    /// assert_eq!(registry.count(&Filter::new().name("import-*")), 1);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn count(&self, filter: &Filter) -> usize {
        snapshot_filter::count(&self.shards, filter)
    }

    /// Returns snapshots of all open operations as a tree. An operation whose parent is not listed comes below
    /// its nearest listed ancestor.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let import = Scope::builder("import").register_in(&registry).build()?;
    /// let _page = import.child("page").build()?;
    /// let tree = registry.tree();
    /// let depths: Vec<_> = tree.entries().iter().map(|entry| entry.depth()).collect();
    /// assert_eq!(depths, [0, 1]);
    /// print!("{tree}");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn tree(&self) -> Tree {
        Tree::of(&self.shards)
    }

    /// Returns all open operations as a tree in text, for people. Each operation has one line, with its elapsed
    /// time, its remaining time, the work that it waits for, its shield, and the source location of its opening:
    ///
    /// ```text
    /// 2 operations are open
    /// #7 sync: running for 3.2 s, 1.8 s left; joins 1 child; opened at src/main.rs:14
    ///   #9 fetch: running for 3 s, 1.8 s left; in its body; opened at src/fetch.rs:30
    /// ```
    ///
    /// Each line has its line end, so print the text by `print!`.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let _import = Scope::builder("import").register_in(&registry).build()?;
    /// let dump = registry.dump();
    /// print!("{dump}");
    /// assert_eq!(dump.lines().count(), 2);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn dump(&self) -> String {
        Dump::of(&self.shards).to_string()
    }

    /// Returns the number of operations in each status, and the durations of ended operations. The cost does
    /// not depend on the number of operations.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Registry, Scope, Status};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let _import = Scope::builder("import").register_in(&registry).build()?;
    /// let statistics = registry.statistics();
    /// assert_eq!(statistics.count(Status::Pending), 1);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        Statistics::of(&self.shards)
    }

    /// Returns a reader of all later events, with room for 1024 unread events.
    ///
    /// Operations that are already open are in [`list`](Self::list). Call `events` before `list`, so that no
    /// operation is missed; an operation that is opened between the two calls may be in both. For an open
    /// operation that was cancelled before this call, the cancel is the first event, unless there was another
    /// reader or hook at the cancel.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let mut events = registry.events();
    /// let import = Scope::builder("import").register_in(&registry).build()?;
    /// import.cancel_with("stopped by an operator");
    /// drop(import);
    /// while let Some(event) = events.try_next() {
    ///     println!("{event}"); // #1 import was opened
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "a reader that is dropped reads no event"]
    pub fn events(&self) -> Events {
        self.events_with_capacity(Self::EVENTS)
    }

    /// Returns a reader of all later events, with room for `capacity` unread events; see
    /// [`events`](Self::events).
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::registry::Event;
    /// use cancelable_core::{Registry, Scope};
    /// use std::num::NonZeroUsize;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let mut events = registry.events_with_capacity(NonZeroUsize::MIN);
    /// drop(Scope::builder("import").register_in(&registry).build()?);
    /// assert!(matches!(events.try_next(), Some(Event::Missed(1))));
    /// assert!(matches!(events.try_next(), Some(Event::Ended(_))));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "a reader that is dropped reads no event"]
    pub fn events_with_capacity(&self, capacity: NonZeroUsize) -> Events {
        let events = Events::new(self.shards.listeners(), capacity);
        self.observe_open();
        events
    }

    /// Adds hooks for all operations of the registry, also for those that are already open. The hooks of the
    /// registry are called before the hooks of an operation.
    ///
    /// For an open operation that was cancelled before this call, the cancel hook is called at once, unless
    /// there was another reader or hook at the cancel.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::operation::Hooks;
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let hooks = Hooks::new().on_cancelled(|operation, cause| {
    ///     eprintln!("{} was cancelled: {cause}", operation.name());
    /// });
    /// let _guard = registry.add_hooks(hooks);
    ///
    /// let import = Scope::builder("import").register_in(&registry).build()?;
    /// import.cancel();
    /// # Ok(())
    /// # }
    /// ```
    pub fn add_hooks(&self, hooks: Hooks) -> HooksGuard {
        let wants_more = hooks.has_cancel_hook() || hooks.has_progress_hook();
        let guard = self.shards.listeners().add_hooks(hooks);
        if wants_more {
            self.observe_open();
        }
        guard
    }

    /// Starts the delivery of cancels and progress of all open operations, for a new listener. For an operation
    /// that is opened during the call, see `RegistryObserver::wants_cancels`.
    fn observe_open(&self) {
        for record in Listing::of(&self.shards, Chunk::taken).into_records() {
            if self.shards.listeners().wants_cancels() {
                notify::observe_cancel(&record);
            }
            notify::observe_progress(&record);
        }
    }

    /// Returns snapshots of ended operations that `filter` selects, the latest end first. A registry keeps
    /// [a bounded number](super::RegistryBuilder::history) of snapshots.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::registry::Filter;
    /// use cancelable_core::{Registry, Status};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// rt::block_on(async {
    ///     let registry = Registry::new();
    ///     rt::scope("import").register_in(&registry).run(async |_| ()).await.complete()?;
    ///     for operation in registry.history(&Filter::new().status(Status::Completed)) {
    ///         println!("{operation}"); // #1 import: completed after 43.5 us
    ///     }
    /// #   Ok::<(), Box<dyn std::error::Error>>(())
    /// })?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn history(&self, filter: &Filter) -> Vec<OperationSnapshot> {
        let mut found = self.shards.history().latest_first();
        found.retain(|snapshot| filter.passes(snapshot));
        found.truncate(filter.max());
        found
    }

    /// Returns the number of snapshots that were evicted from the history because of
    /// [their size](super::RegistryBuilder::history_bytes).
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::builder().history_bytes(0).build();
    /// drop(Scope::builder("import").register_in(&registry).build()?);
    /// assert_eq!(registry.history_evicted(), 1);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn history_evicted(&self) -> u64 {
        self.shards.history().evicted()
    }

    /// Removes operations that ended before `point` from the history, and returns their number. With
    /// `keep_failed`, failed operations stay. The end of an operation without a runtime has no time, and counts
    /// as earlier.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Registry;
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// rt::block_on(async {
    ///     let registry = Registry::new();
    ///     rt::scope("import").register_in(&registry).run(async |_| ()).await.complete()?;
    ///     let an_hour_ago = rt::current()?.now().checked_sub(Duration::from_secs(3600));
    ///     let point = an_hour_ago.ok_or("the clock has just started")?;
    ///     assert_eq!(registry.prune_history(point, true), 0);
    /// #   Ok::<(), Box<dyn std::error::Error>>(())
    /// })?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn prune_history(&self, point: Instant, keep_failed: bool) -> usize {
        self.shards.history().remove(|snapshot| {
            let failed = snapshot.status() == Status::Failed;
            let is_old = snapshot.ended_at().is_none_or(|ended| ended < point);
            is_old && !(failed && keep_failed)
        })
    }

    /// Empties the history and resets the [statistics](Self::statistics); open operations stay listed and
    /// counted.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::registry::Filter;
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let _open = Scope::builder("import").register_in(&registry).build()?;
    /// drop(Scope::builder("export").register_in(&registry).build()?);
    /// registry.clear();
    /// assert!(registry.history(&Filter::new()).is_empty());
    /// assert_eq!(registry.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn clear(&self) {
        self.shards.iter().for_each(|shard| shard.forget_ended());
        self.shards.history().remove(|_| true);
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("open", &self.len())
            .finish_non_exhaustive()
    }
}
