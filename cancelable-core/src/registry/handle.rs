//! The handle of a registry, and its builder.

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

/// A list of open operations, with a short history of those that have ended. Cloning is one reference
/// count.
///
/// A scope is listed by [`register`](crate::scope::ScopeBuilder::register) or
/// [`register_in`](crate::scope::ScopeBuilder::register_in), from when it is built to its end. Its children
/// and the scopes opened inside it are listed with it.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "testing")] {
/// use cancelable_core::registry::Filter;
/// use cancelable_core::testing::ManualRuntime;
/// use cancelable_core::{Registry, Scope, Status};
///
/// let (manual, registry) = (ManualRuntime::new(), Registry::new());
/// let scope = Scope::builder("import-7")
///     .runtime(&manual.handle())
///     .metadata("tenant", "blue")
///     .register_in(&registry)
///     .build()
///     .expect("it is sound");
///
/// let imports = Filter::new().name("import-*").metadata("tenant", "blue");
/// assert_eq!(registry.list(&imports).len(), 1);
/// assert_eq!(registry.cancel_all(&imports), 1);
///
/// assert!(manual.block_on(scope.run(async |_| ())).is_cancelled());
/// assert!(registry.is_empty());
/// assert_eq!(registry.history(&imports)[0].status(), Status::Cancelled);
/// # }
/// ```
#[derive(Clone)]
pub struct Registry {
    shards: Arc<Shards>,
}

/// The settings of a registry, from [`Registry::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct RegistryBuilder {
    history: usize,
    /// None for the default per operation.
    bytes: Option<usize>,
}

impl RegistryBuilder {
    /// The default length of the history.
    const HISTORY: usize = 512;
    /// The default bytes for each operation in the history.
    const BYTES_EACH: usize = 4096;

    /// Bounds the history to the `bound` operations that ended last; zero keeps none. The default is 512.
    /// Memory is allocated as operations end, whatever the bound is.
    pub fn history(mut self, bound: usize) -> Self {
        self.history = bound;
        self
    }

    /// Bounds the history in bytes. The default is 4,096 for each operation of the
    /// [`history`](Self::history).
    ///
    /// A snapshot may have texts of any length: an error, a partial result, metadata. Where the history takes
    /// more than `bound`, the oldest snapshots are evicted and [counted](Registry::history_evicted). A snapshot
    /// that alone takes more is not kept. Memory that the error in a cause has allocated is not counted,
    /// because it is not known.
    pub fn history_bytes(mut self, bound: usize) -> Self {
        self.bytes = Some(bound);
        self
    }

    /// Makes the registry.
    #[must_use]
    pub fn build(self) -> Registry {
        let default = self.history.saturating_mul(Self::BYTES_EACH);
        let history = History::new(self.history, self.bytes.unwrap_or(default));
        Registry {
            shards: Arc::new(Shards::new(history)),
        }
    }
}

impl Registry {
    /// The default number of unread events.
    const EVENTS: NonZeroUsize = NonZeroUsize::new(1024).unwrap();

    /// A registry with a history of the default length.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A builder with the default settings.
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder {
            history: RegistryBuilder::HISTORY,
            bytes: None,
        }
    }

    /// The registry of the process.
    pub fn global() -> &'static Self {
        static GLOBAL: OnceLock<Registry> = OnceLock::new();
        GLOBAL.get_or_init(Self::new)
    }

    /// Returns the observer of an operation that is opened in this registry.
    pub(crate) fn observer(&self) -> Arc<dyn Observer> {
        self.shards.any_observer()
    }

    pub(super) fn shards(&self) -> &Shards {
        &self.shards
    }

    /// Returns how many operations are listed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.len()).sum()
    }

    /// Whether no operation is listed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the listed operation with this number.
    #[must_use]
    pub fn get(&self, id: OperationId) -> Option<Operation> {
        self.shards.get(id).map(Operation::new)
    }

    /// Returns the listed operation with this name; if there are several, the one that was opened first.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Operation> {
        let prefix = WantedPrefix::of(name);
        let select = |chunk: &Chunk| {
            let slots = chunk.select(chunk.taken(), |row| row.may_have_prefix(&prefix));
            chunk.select_records(slots, |record| record.label.name() == name)
        };
        let mut first = None;
        Listing::in_steps(&self.shards, select, |found| {
            first = found.first().cloned();
            match first {
                Some(_) => ControlFlow::Break(()),
                None => ControlFlow::Continue(()),
            }
        });
        first.map(Operation::new)
    }

    /// Returns snapshots of the open operations that `filter` selects, in the order of opening.
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

    /// [`list`](Self::list) with handles instead of snapshots.
    #[must_use]
    pub fn operations(&self, filter: &Filter) -> Vec<Operation> {
        let found = snapshot_filter::matching(&self.shards, filter).into_records();
        found.into_iter().map(Operation::new).collect()
    }

    /// Returns all open operations as a tree. An operation whose parent is not listed stands below its nearest
    /// listed ancestor.
    #[must_use]
    pub fn tree(&self) -> Tree {
        Tree::of(&self.shards)
    }

    /// Returns all open operations as text: how long each has run, how much time it has left, what it waits
    /// for, the shield that it is under, and where it was opened.
    #[must_use]
    pub fn dump(&self) -> String {
        Dump::of(&self.shards).to_string()
    }

    /// Returns the number of operations in each status, and how long those that have ended ran. The cost does
    /// not depend on how many there are.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        Statistics::of(&self.shards)
    }

    /// Returns the events from now on. Up to 1024 events wait for the reader.
    ///
    /// An operation that is open already is in [`list`](Self::list). Ask for the events first, so that none is
    /// missed; an operation that is opened meanwhile may be in both. The cancel of an open operation that was
    /// cancelled before is the first event, unless another reader or hook was there when it happened.
    #[must_use = "events are kept for as long as this lives"]
    pub fn events(&self) -> Events {
        self.events_with_capacity(Self::EVENTS)
    }

    /// [`events`](Self::events), of which up to `bound` wait for the reader.
    #[must_use = "events are kept for as long as this lives"]
    pub fn events_with_capacity(&self, bound: NonZeroUsize) -> Events {
        let events = Events::new(self.shards.listeners(), bound);
        self.observe_open();
        events
    }

    /// Calls `hooks` for every operation of the registry, also for those that are open already. The hooks of
    /// the registry are called before those of an operation.
    ///
    /// The cancel hook is called at once for an open operation that was cancelled before, unless another
    /// reader or hook was there when it happened.
    pub fn add_hooks(&self, hooks: Hooks) -> HooksGuard {
        let wants_more = hooks.has_cancel_hook() || hooks.has_progress_hook();
        let guard = self.shards.listeners().add_hooks(hooks);
        if wants_more {
            self.observe_open();
        }
        guard
    }

    /// Has cancels and progress of all open operations delivered from now on, for a new listener; see
    /// `RegistryObserver::wants_cancels` for an operation that is opened meanwhile.
    fn observe_open(&self) {
        for record in Listing::of(&self.shards, Chunk::taken).into_records() {
            if self.shards.listeners().wants_cancels() {
                notify::observe_cancel(&record);
            }
            notify::observe_progress(&record);
        }
    }

    /// Returns snapshots of ended operations that `filter` selects, the latest first. A registry keeps
    /// [a bounded number](RegistryBuilder::history) of them.
    #[must_use]
    pub fn history(&self, filter: &Filter) -> Vec<OperationSnapshot> {
        let mut found = self.shards.history().latest_first();
        found.retain(|snapshot| filter.passes(snapshot));
        found.truncate(filter.max());
        found
    }

    /// Returns how many operations were evicted from the history for
    /// [their size](RegistryBuilder::history_bytes).
    #[must_use]
    pub fn history_evicted(&self) -> u64 {
        self.shards.history().evicted()
    }

    /// Removes operations that ended before `point` from the history, and returns how many. With `keep_failed`
    /// the failed ones stay. An operation without a runtime, whose end has no time, counts as old.
    pub fn prune_history(&self, point: Instant, keep_failed: bool) -> usize {
        self.shards.history().remove(|snapshot| {
            let failed = snapshot.status() == Status::Failed;
            let is_old = snapshot.ended_at().is_none_or(|ended| ended < point);
            is_old && !(failed && keep_failed)
        })
    }

    /// Empties the history and resets the [statistics](Self::statistics); open operations stay listed and
    /// counted.
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
