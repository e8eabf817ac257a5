//! What is running: who is listed, how to find it, and how to stop it.
//!
//! # How it is built
//!
//! A registry is a number of shards (`shard.rs`) and what they share (`hub.rs`). An operation
//! belongs to the shard that its number says, and keeps that shard, so that starts and ends on many
//! threads seldom meet. A shard's list is made of pages (`pages.rs`), of up to 64 operations whose numbers
//! follow each other there. Its lock is held to enter and leave, and to take references to its pages.
//! What is done with these (filters, snapshots, cancels) is done with no lock held (`selection.rs`), so a
//! listing stops nobody, and shows each operation as it was at its own moment. Who enters or leaves a page
//! that is being read changes a copy of it. One that is content with a few reads the pages in steps, the first
//! ones first.
//!
//! What a filter asks that never changes is in the page, where many lie side by side. The status is
//! in the record alone, so that nothing is written twice.
//!
//! A shard holds the records of what has not ended and no others. What has ended is in the history as
//! a snapshot, which keeps nothing alive.
//!
//! # Locks
//!
//! A shard's, the list of listeners, a queue of events, a slot of the history: none is held while
//! another one is taken, and nothing of a user's runs under one. One lock from elsewhere is held
//! while an event is put on a queue; see `record/notify.rs`.

mod builder;
mod cancellation;
mod cancelling;
mod dump;
mod event;
mod events;
mod filter;
mod histogram;
mod history;
mod hooked;
mod hub;
mod name_start;
mod page;
mod pages;
mod pattern;
mod queue;
mod selection;
#[cfg(feature = "serde")]
mod serial;
mod shard;
mod sieve;
mod statistics;
mod tally;
mod tree;

pub use builder::RegistryBuilder;
pub use cancellation::Cancellation;
pub use dump::Dump;
pub use event::Event;
pub use events::Events;
pub use filter::Filter;
pub use hooked::HooksGuard;
pub use statistics::{Durations, Statistics};
pub use tree::{Tree, TreeEntry};

use crate::cause::OperationId;
use crate::operation::{Observer, Operation, OperationSnapshot, Record};
use crate::runtime::RuntimeHandle;
use crate::sync::unmodelled::OnceLock;
use history::History;
use hub::Hub;
use name_start::WantedStart;
use page::Page;
use shard::Shard;
use sieve::Sieve;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

/// A list of operations that are open, with a short history of those that have ended. Cloning is
/// one reference count.
///
/// A scope is listed by [`register`](crate::scope::ScopeBuilder::register) or
/// [`register_in`](crate::scope::ScopeBuilder::register_in), from when it is built to its end, and
/// so is what is opened as a part of it.
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
    root: Arc<Root>,
}

struct Root {
    shards: Box<[Arc<Shard>]>,
    hub: Arc<Hub>,
}

impl Registry {
    /// A registry of its own, with a history of the usual length.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Starts to describe a registry.
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder::new()
    }

    /// The registry of the process.
    pub fn global() -> &'static Self {
        static GLOBAL: OnceLock<Registry> = OnceLock::new();
        GLOBAL.get_or_init(Self::new)
    }

    fn with_history(history: History) -> Self {
        let hub = Arc::new(Hub::new(history));
        let shards = Shard::all(&hub);
        Self {
            root: Arc::new(Root { shards, hub }),
        }
    }

    /// Returns a shard, by which operations find theirs. Any will do; threads take different ones, so
    /// that they do not meet at its reference count.
    pub(crate) fn observer(&self) -> Arc<dyn Observer> {
        Arc::clone(shard::of_thread(&self.root.shards)) as _
    }

    fn shard_of(&self, id: OperationId) -> Option<&Arc<Shard>> {
        self.root.shards.get(shard::place(id))
    }

    /// How many operations are listed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.root.shards.iter().map(|shard| shard.len()).sum()
    }

    /// Whether no operation is listed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The listed operation with this number.
    #[must_use]
    pub fn get(&self, id: OperationId) -> Option<Operation> {
        Some(Operation::new(self.shard_of(id)?.get(id)?))
    }

    /// The listed operation with this name; of several the one that was opened first.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Operation> {
        let start = WantedStart::of(name);
        let select = |page: &Page| {
            let slots = page.select(page.taken(), |row| row.may_start_with(&start));
            page.select_records(slots, |record| record.label.name() == name)
        };
        let mut first = None;
        self.select_in_steps(select, |found| {
            first = found.first().cloned();
            match first {
                Some(_) => ControlFlow::Break(()),
                None => ControlFlow::Continue(()),
            }
        });
        first.map(Operation::new)
    }

    /// Snapshots of the operations that are open and pass `filter`, in the order of opening.
    #[must_use]
    pub fn list(&self, filter: &Filter) -> Vec<OperationSnapshot> {
        let (mut sieve, mut found) = (Sieve::of(filter), Vec::new());
        self.sift(filter, |candidates| {
            found.reserve(candidates.len().min(sieve.left()));
            candidates.visit(|record| {
                found.extend(sieve.pass(record));
                sieve.flow()
            })
        });
        found
    }

    /// [`list`](Self::list) with handles instead of snapshots.
    #[must_use]
    pub fn operations(&self, filter: &Filter) -> Vec<Operation> {
        let found = self.matching(filter).into_records();
        found.into_iter().map(Operation::new).collect()
    }

    /// Snapshots of the operations that are direct parts of the one with this number.
    #[must_use]
    pub fn children(&self, id: OperationId) -> Vec<OperationSnapshot> {
        self.list(&Filter::new().parent(id))
    }

    /// Snapshots of operations that have ended and pass `filter`, the latest first. A registry keeps
    /// [a bounded number](RegistryBuilder::history) of them.
    #[must_use]
    pub fn history(&self, filter: &Filter) -> Vec<OperationSnapshot> {
        let mut found = self.root.hub.history.latest_first();
        found.retain(|snapshot| filter.passes(snapshot));
        filter.truncate(&mut found);
        found
    }

    /// How many operations the history has let go for [their size](RegistryBuilder::history_bytes), although
    /// there was a place for them.
    #[must_use]
    pub fn history_evicted(&self) -> u64 {
        self.root.hub.history.evicted()
    }

    /// Removes from the history what ended before `point`, except what failed if `keep_failed` says
    /// so, and counts it. What has no runtime to tell when it ended is taken to be old.
    pub fn cleanup(&self, point: Instant, keep_failed: bool) -> usize {
        self.root.hub.history.remove(|snapshot| {
            let failed = snapshot.status() == crate::Status::Failed;
            let is_old = snapshot.ended_at().is_none_or(|ended| ended < point);
            is_old && !(failed && keep_failed)
        })
    }

    /// Empties the history and begins the [statistics](Self::statistics) anew. What is open stays
    /// listed and counted: a registry does not lose sight of work that goes on.
    pub fn clear(&self) {
        for shard in &self.root.shards {
            shard.forget_ended();
        }
        self.root.hub.history.remove(|_| true);
    }
}

/// Reads the clock of each runtime once.
#[derive(Default)]
struct Clock {
    last: Option<(RuntimeHandle, Instant)>,
}

impl Clock {
    fn read(&mut self, record: &Record) -> Option<Instant> {
        let runtime = record.runtime.as_ref()?;
        if let Some((last, now)) = &self.last {
            if last.is_same(runtime) {
                return Some(*now);
            }
        }
        let now = runtime.now();
        self.last = Some((runtime.clone(), now));
        Some(now)
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

// A registry that a panic passed by is still whole: no code of a user runs while its lists change.
impl std::panic::UnwindSafe for Root {}
impl std::panic::RefUnwindSafe for Root {}
