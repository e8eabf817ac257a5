//! The shared state of one operation: the single allocation behind its scope and all its handles.
//!
//! The room is private. A [`Record`] has methods for its state (this file), for its cancel (`cancel.rs`) and for
//! the current operation of a thread (`current.rs`). Each other transition is a module of functions.
//!
//! # Locks
//!
//! 1. The record's lock, over [`Inner`]: for all state that changes and is not atomic, and for changes of the
//!    status, which is read without it.
//! 2. The lock of the table of children (`children.rs`), of a takeover (`takeover.rs`), of a shield
//!    (`shield_state.rs`) and of a blocking call (`blocking_call.rs`).
//! 3. The lock of a registry's event queue, for a push (`notify.rs`).
//!
//! Under the record's lock only a lock of the third kind is taken, and under the others none. The locks of two
//! records are never held at once. So no two threads wait for each other here. No user code and no code of a
//! runtime runs under any of these locks: the clock is read before, and sources, wakers and callbacks are dropped
//! after.
//!
//! # Invariants
//!
//! 1. The status becomes an end under the record's lock, once. In the same step it is fixed whether the operation
//!    was cancelled (`cancel.rs`). So a check under that lock comes before or after the end as a whole.
//! 2. `settled` is set with the end or later, and stays set. A settled record accepts no finalizer, no child and
//!    no orphan.
//! 3. Rare state that outlives the end is in [`Inner::lasting`]. Other rare state is in [`Inner::rare`], which is
//!    dropped when the record is settled.

pub(crate) mod abandon;
pub(crate) mod admission;
pub(crate) mod blocking_call;
pub(crate) mod cancel;
pub(crate) mod child_reports;
pub(crate) mod children;
pub(crate) mod current;
pub(crate) mod deadlines;
mod deliveries;
pub(crate) mod finalizer;
pub(crate) mod finalizers;
pub(crate) mod grace;
pub(crate) mod handle_count;
pub(crate) mod leases;
pub(crate) mod lifecycle;
pub(crate) mod meters;
pub(crate) mod notify;
pub(crate) mod options;
pub(crate) mod orphans;
pub(crate) mod outside_runs;
pub(crate) mod own_deadline;
pub(crate) mod partial_slot;
mod reports;
pub(crate) mod run_waker;
mod shield_state;
pub(crate) mod shielding;
pub(crate) mod shields;
mod span;
pub(crate) mod stragglers;
mod takeover;
pub(crate) mod token_cell;
pub(crate) mod token_clock;

use crate::cause::{Cause, MarkCell, OperationId, OperationLabel};
use crate::progress::{Progress, ProgressUpdate};
use crate::report::{Metadata, Status, StatusCell, Value};
use crate::runtime::RuntimeHandle;
use crate::source::Unstarted;
use crate::sync::{AtomicBool, AtomicU64, Latch, Mutex, OnceLock, Ordering, StoredWaker, isolate};
use crate::token::CancellationToken;
use children::Children;
use deliveries::Deliveries;
use finalizer::Cleanup;
use handle_count::{Deferrals, HandleCount};
use options::{ChildOptions, Options};
use own_deadline::{Deadlines, OwnDeadline};
use partial_slot::Slot;
use reports::{Diagnostics, Reports};
use shields::{RareShields, Shields};
use span::Span;
use std::borrow::Cow;
use std::panic::Location;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use token_cell::TokenCell;

/// The handle by which the state of one operation refers to another. Weak: a record keeps its parent alive, and the
/// parent lists it.
type Handle = Weak<Record>;

pub(crate) type Lease = shields::Lease<Handle>;
pub(crate) type LeaseHolder = shields::LeaseHolder<Handle>;
pub(crate) type ShieldState = shield_state::ShieldState<Handle>;
pub(crate) type Takeover = takeover::Takeover<Handle>;

pub(crate) struct Record {
    pub(crate) label: OperationLabel,
    pub(crate) parent: Option<Arc<Record>>,
    pub(crate) token: TokenCell,
    pub(crate) runtime: Option<RuntimeHandle>,
    pub(crate) location: &'static Location<'static>,
    status: StatusCell,
    /// The number of handles of the operation's scope; see `handle_count.rs`.
    handles: HandleCount,
    /// The number of wakes of the run; see `run_waker.rs`.
    run_wakes: AtomicU64,
    pub(crate) children: Children<Handle>,
    /// The builder's options for the end of the operation; most operations have none.
    pub(crate) options: Option<Box<Options>>,
    pub(crate) shields: Shields<Handle>,
    /// True for a spawned child: a task of its own, which a drop of the parent's body does not drop.
    pub(crate) spawned: bool,
    /// True if reports are wanted: polls are noted, and operations inside are listed.
    watched: bool,
    /// True once a finalizer was deferred.
    deferred: AtomicBool,
    /// True once no part of the operation runs any more. Nothing can be attached to the operation then. Written
    /// and read under the record's lock; outside of [`Inner`], where it would take room.
    settled: AtomicBool,
    /// True once the log has the line of the cancel.
    cancel_logged: AtomicBool,
    pub(crate) registry: Option<Arc<dyn Observer>>,
    pub(crate) hooks: Option<Arc<dyn Observer>>,
    /// The time at which the operation was opened; `None` without a registry.
    pub(crate) opened: Option<Instant>,
    /// The progress, made on demand; see `meters.rs`.
    progress: OnceLock<Progress>,
    inner: Mutex<Inner>,
}

struct Inner {
    started: Option<Instant>,
    ended: Option<Instant>,
    deadlines: Deadlines,
    /// The waker of the task that runs the operation; see `run_waker.rs`.
    run_waker: StoredWaker,
    /// The sources to start at entry; `None` from then on.
    sources: Option<Box<[Unstarted]>>,
    /// The rare state; `None` until its first use. Most operations never use it.
    rare: Option<Box<Rare>>,
    /// The state that outlasts the end; `None` until its first use.
    lasting: Option<Box<Lasting>>,
    span: Span,
    /// The partial result; `None` until a value is set.
    partial: Option<Box<Slot>>,
}

/// The state that few operations have, until they are settled. State that may run user code in its drop is moved
/// out first.
#[derive(Default)]
struct Rare {
    shields: RareShields<Handle>,
    cleanup: Cleanup,
    deferrals: Deferrals,
    /// The token whose cancel ends the grace period at once; a child of the parent's hard token.
    hard_token: Option<CancellationToken>,
    /// True if a source cancelled the operation, on a thread of the source.
    cancelled_by_source: bool,
    diagnostics: Diagnostics<Handle>,
    reports: Reports<Arc<Record>>,
    /// The latch that is set when the operation is settled.
    end: Option<Arc<Latch>>,
}

/// The state that few operations have, also after their end.
#[derive(Default)]
struct Lasting {
    /// `None` until the first use.
    metadata: Option<Arc<Metadata>>,
    /// The time of the cancel by the clock of the operation's own runtime. The time in the cause may be by another clock.
    cancelled_at: Option<Instant>,
    /// The text of the operation's error.
    error: Option<Arc<str>>,
    deliveries: Deliveries,
    /// The mark of this operation. Each error that reports the cancel of the operation keeps the mark alive.
    mark: MarkCell,
}

/// The fields that a snapshot reads at once under the record's lock.
pub(crate) struct View {
    pub(crate) started: Option<Instant>,
    pub(crate) ended: Option<Instant>,
    /// The own deadline.
    pub(crate) due: Option<Instant>,
    pub(crate) error: Option<Arc<str>>,
    pub(crate) metadata: Option<Arc<Metadata>>,
    pub(crate) has_partial: bool,
}

/// The parameters of [`lifecycle::open`].
pub(crate) struct Opening {
    pub(crate) label: OperationLabel,
    pub(crate) parent: Option<Arc<Record>>,
    pub(crate) token: TokenCell,
    pub(crate) runtime: Option<RuntimeHandle>,
    pub(crate) location: &'static Location<'static>,
    pub(crate) deadline: OwnDeadline,
    pub(crate) sources: Option<Box<[Unstarted]>>,
    pub(crate) child_options: Option<Box<ChildOptions>>,
    pub(crate) options: Option<Box<Options>>,
    pub(crate) spawned: bool,
    pub(crate) shield: Option<Arc<ShieldState>>,
    pub(crate) observers: Observers,
}

/// The observers of an operation, and its metadata from the builder. Most operations have neither.
#[derive(Default)]
pub(crate) struct Observers {
    pub(crate) registry: Option<Arc<dyn Observer>>,
    pub(crate) hooks: Option<Arc<dyn Observer>>,
    pub(crate) metadata: Option<Arc<Metadata>>,
}

/// An observer of operations from their opening to their end: a registry, the hooks of a scope, or a recorder of
/// the test kit. The observers come after the record in the order of imports, so `notify.rs` calls them by this
/// trait.
///
/// Each method is called with no lock held, on the thread that made the change, after the change.
pub(crate) trait Observer: Send + Sync {
    /// Returns the observer for a child of the observed operation. `_id` is the number of the child.
    fn for_child(&self, _id: OperationId) -> Option<Arc<dyn Observer>> {
        None
    }

    /// Returns whether a cancel is to be delivered. If no observer observes cancels, none is notified.
    fn wants_cancels(&self, _record: &Record) -> bool {
        false
    }

    fn wants_progress(&self) -> bool {
        false
    }

    fn opened(&self, _record: &Arc<Record>) {}

    fn entered(&self, _record: &Arc<Record>) {}

    /// Pushes the event of a cancel to the queues of readers. An implementation allocates first, calls
    /// `publish` once with a function that pushes, and wakes the readers afterwards. `publish` calls that
    /// function under the record's lock, before the event of the end, or not at all.
    fn queue_cancel(
        &self,
        _record: &Arc<Record>,
        _cause: &Cause,
        publish: &mut dyn FnMut(&mut dyn FnMut()),
    ) {
        publish(&mut || {});
    }

    /// Called when cancel was requested, at most once for each operation, after its event is queued.
    fn cancel_requested(&self, _record: &Arc<Record>, _cause: &Cause) {}

    fn progressed(&self, _record: &Arc<Record>, _update: &ProgressUpdate) {}

    fn ended(&self, _record: &Arc<Record>, _end: Status, _elapsed: Option<Duration>) {}
}

impl Record {
    /// Returns a pending record with one scope handle, which is not listed anywhere yet.
    fn new(opening: Opening) -> Self {
        let Opening {
            label,
            parent,
            runtime,
            options,
            observers,
            ..
        } = opening;
        // Before any lock: the clock is the runtime's.
        let opened = observers.registry.as_ref().and(runtime.as_ref());
        let opened = opened.map(RuntimeHandle::now);
        let lasting = observers.metadata.map(|metadata| {
            Box::new(Lasting {
                metadata: Some(metadata),
                ..Lasting::default()
            })
        });
        let inner = Inner {
            started: None,
            ended: None,
            deadlines: Deadlines::new(opening.deadline),
            run_waker: StoredWaker::default(),
            sources: opening.sources,
            rare: None,
            lasting,
            span: Span::open(&label),
            partial: None,
        };
        let watches = |options: &Options| options.watches();
        let outer = parent.as_deref();
        let is_parent_shielded = outer.is_some_and(|parent| parent.shields.is_shielded());
        Self {
            token: opening.token.linked_as(outer.map(|parent| &parent.token)),
            location: opening.location,
            status: StatusCell::new(),
            handles: HandleCount::new(),
            run_wakes: AtomicU64::new(0),
            children: Children::new(opening.child_options),
            shields: Shields::new(opening.shield, is_parent_shielded),
            spawned: opening.spawned,
            watched: options.as_deref().is_some_and(watches)
                || outer.is_some_and(|parent| parent.watched),
            deferred: AtomicBool::new(false),
            settled: AtomicBool::new(false),
            cancel_logged: AtomicBool::new(false),
            registry: observers.registry,
            hooks: observers.hooks,
            opened,
            progress: OnceLock::new(),
            inner: Mutex::new(inner),
            label,
            parent,
            runtime,
            options,
        }
    }

    pub(crate) fn status(&self) -> Status {
        self.status.get()
    }

    /// Returns the time by the clock of the runtime, if there is a runtime. `None` for a clock that panics, so that
    /// an operation ends in spite of the panic.
    pub(crate) fn now(&self) -> Option<Instant> {
        self.runtime.as_ref()?.read_clock()
    }

    pub(crate) fn started_at(&self) -> Option<Instant> {
        self.inner.lock().started
    }

    pub(crate) fn ended_at(&self) -> Option<Instant> {
        self.inner.lock().ended
    }

    pub(crate) fn view(&self) -> View {
        let inner = self.inner.lock();
        let lasting = inner.lasting.as_ref();
        View {
            started: inner.started,
            ended: inner.ended,
            due: inner.deadlines.own_due(),
            error: lasting.and_then(|lasting| lasting.error.clone()),
            metadata: lasting.and_then(|lasting| lasting.metadata.clone()),
            has_partial: inner.partial.is_some(),
        }
    }

    pub(crate) fn elapsed(&self) -> Option<Duration> {
        let (started, ended) = {
            let inner = self.inner.lock();
            (inner.started?, inner.ended)
        };
        let end = ended.or_else(|| self.now())?;
        Some(end.saturating_duration_since(started))
    }

    /// Sets the value of a metadata key, in place of the previous value.
    pub(crate) fn set_metadata(&self, key: Cow<'static, str>, value: Cow<'static, str>) {
        self.with_lasting(|lasting| {
            Arc::make_mut(lasting.metadata.get_or_insert_default()).set(key, value);
        });
    }

    pub(crate) fn metadata(&self) -> Option<Arc<Metadata>> {
        self.on_lasting(|lasting| lasting.metadata.clone())?
    }

    /// Keeps the text of a failure. The first text counts.
    pub(crate) fn note_error(&self, text: &str) {
        let text = Arc::from(text);
        self.with_lasting(|lasting| lasting.error.get_or_insert(text).len());
    }

    pub(crate) fn error(&self) -> Option<Arc<str>> {
        self.on_lasting(|lasting| lasting.error.clone())?
    }

    /// Returns whether no part of the operation runs any more, and nothing can be attached to it.
    pub(crate) fn is_settled(&self) -> bool {
        self.is_settled_in(&self.inner.lock())
    }

    /// Returns [`is_settled`](Self::is_settled), read under the lock.
    fn is_settled_in(&self, _: &Inner) -> bool {
        // Relaxed: written under the lock that is held here.
        self.settled.load(Ordering::Relaxed)
    }

    /// Returns whether a finalizer was ever deferred. A deferral on another thread may not be visible yet.
    pub(crate) fn has_deferred(&self) -> bool {
        self.deferred.load(Ordering::Relaxed)
    }

    /// Returns the ancestors, innermost first, whether or not they bind this record.
    fn ancestors(&self) -> impl Iterator<Item = &Arc<Self>> {
        // Ends: each step moves to the parent, and there is no cycle.
        std::iter::successors(self.parent.as_ref(), |record| record.parent.as_ref())
    }

    /// Returns this record and its ancestors, whether or not they bind it.
    pub(crate) fn with_ancestors(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |record| record.parent.as_deref())
    }

    /// Returns this record and the ancestors that bind it, innermost first. An operation that was opened inside
    /// an open shield is the last.
    fn with_binding_ancestors(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |record| record.binding_parent())
    }

    fn binding_parent(&self) -> Option<&Self> {
        match self.shields.is_isolated() {
            true => None,
            false => self.parent.as_deref(),
        }
    }

    /// Returns the parent, unless this is a spawned child. A spawned child is joined, so it never outlives its
    /// scope.
    fn parent_it_may_outlive(&self) -> Option<&Arc<Self>> {
        self.parent.as_ref().filter(|_| !self.spawned)
    }

    /// Returns whether this record is `other` or is inside it.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        self.with_ancestors()
            .any(|record| std::ptr::eq(record, other))
    }

    /// Calls `act` with the rare state, which is made if there is none.
    fn with_rare<T>(&self, act: impl FnOnce(&mut Rare) -> T) -> T {
        act(self.inner.lock().rare.get_or_insert_default())
    }

    /// Calls `act` with the rare state, if there is any.
    fn on_rare<T>(&self, act: impl FnOnce(&mut Rare) -> T) -> Option<T> {
        Some(act(self.inner.lock().rare.as_mut()?))
    }

    /// Calls `act` with the lasting state, which is made if there is none.
    fn with_lasting<T>(&self, act: impl FnOnce(&mut Lasting) -> T) -> T {
        act(self.inner.lock().lasting.get_or_insert_default())
    }

    /// Calls `act` with the lasting state, if there is any.
    fn on_lasting<T>(&self, act: impl FnOnce(&mut Lasting) -> T) -> Option<T> {
        Some(act(self.inner.lock().lasting.as_mut()?))
    }

    /// Calls `act` with the slot of the partial result, which is made if there is none. No user code may run in `act`.
    pub(crate) fn with_partial<T>(&self, act: impl FnOnce(&mut Slot) -> T) -> T {
        act(self.inner.lock().partial.get_or_insert_default())
    }

    /// Calls `act` with the slot of the partial result, if there is one. No user code may run in `act`.
    pub(crate) fn on_partial<T>(&self, act: impl FnOnce(&mut Slot) -> T) -> Option<T> {
        Some(act(self.inner.lock().partial.as_mut()?))
    }

    /// Takes the partial result for an outcome. A value that is in use stays, and returns to the record later.
    pub(crate) fn take_partial(&self) -> Option<Value> {
        self.on_partial(Slot::take)?
    }
}

/// Drops the ancestors in a loop, because the compiler's drop would recurse once for each ancestor.
impl Drop for Record {
    fn drop(&mut self) {
        if let Some(partial) = self.inner.get_mut().partial.take() {
            isolate("the drop of a partial result", || drop(partial));
        }
        let mut parent = self.parent.take();
        // Ends: each step moves to the parent, and there is no cycle.
        while let Some(record) = parent {
            parent = Arc::into_inner(record).and_then(|mut last| last.parent.take());
        }
    }
}

// A panic leaves a record consistent, because no user code runs while it changes. The same is true of a scope and
// an operation, which are handles to it.
impl std::panic::UnwindSafe for Record {}
impl std::panic::RefUnwindSafe for Record {}
