//! The shards of a registry, their shared state, and the observer through which records reach them.

use super::counts::End;
use super::event::Event;
use super::history::History;
use super::list::SHARDS;
use super::listeners::Listeners;
use super::shard::Shard;
use crate::cause::{Cause, OperationId};
use crate::operation::{Operation, OperationSnapshot, Status};
use crate::progress::ProgressUpdate;
use crate::record::{Observer, Record, grace, notify};
use crate::sync::thread_number;
use crate::sync::unmodelled::OnceLock;
use std::sync::{Arc, Weak};
use std::time::Duration;

pub(super) struct Shards {
    observers: Box<[Arc<RegistryObserver>]>,
    shared: Arc<Shared>,
}

/// The shared state of all shards.
struct Shared {
    listeners: Arc<Listeners>,
    history: History,
    /// The observers of all shards. Weak, because an open operation keeps only its own shard alive. Set once,
    /// when the registry is made.
    observers: OnceLock<Box<[Weak<RegistryObserver>]>>,
}

/// One shard as the observer of its operations. On cache lines of its own, so that threads with different shards
/// share no cache line.
#[repr(align(128))]
struct RegistryObserver {
    shard: Shard,
    shared: Arc<Shared>,
}

/// Returns the word of the reason of a cancel, and the time from the cancel to the end.
fn stopping(record: &Record) -> Option<(&'static str, Duration)> {
    let cause = record.cause()?;
    Some((cause.reason().as_str(), grace::stopping_for(record)?))
}

/// Returns the index of an operation's shard.
fn index_of(id: OperationId) -> usize {
    // The remainder is below the number of shards, so the cast loses nothing.
    (id.get() % SHARDS as u64) as usize
}

impl Shards {
    pub(super) fn new(history: History) -> Self {
        let shared = Arc::new(Shared {
            listeners: Arc::default(),
            history,
            observers: OnceLock::new(),
        });
        let observers = (0..SHARDS).map(|_| RegistryObserver::new(&shared));
        let observers: Box<[_]> = observers.collect();
        let _ = shared
            .observers
            .set(observers.iter().map(Arc::downgrade).collect());
        Self { observers, shared }
    }

    pub(super) fn listeners(&self) -> &Arc<Listeners> {
        &self.shared.listeners
    }

    pub(super) fn history(&self) -> &History {
        &self.shared.history
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Shard> {
        self.observers.iter().map(|observer| &observer.shard)
    }

    /// Returns the record of a listed operation.
    pub(super) fn get(&self, id: OperationId) -> Option<Arc<Record>> {
        self.observers.get(index_of(id))?.shard.get(id)
    }

    /// Returns the observer of one of the shards. From it, `for_child` reaches the observer of each operation.
    /// Threads get different observers, so that they do not contend for one reference count.
    pub(super) fn any_observer(&self) -> Arc<dyn Observer> {
        // In range: there are `SHARDS` observers.
        Arc::clone(&self.observers[thread_number() % SHARDS]) as _
    }
}

impl RegistryObserver {
    fn new(shared: &Arc<Shared>) -> Arc<Self> {
        Arc::new(Self {
            shard: Shard::default(),
            shared: Arc::clone(shared),
        })
    }

    fn listeners(&self) -> &Listeners {
        &self.shared.listeners
    }
}

impl Observer for RegistryObserver {
    /// Returns the observer of an operation that is opened inside a listed operation.
    ///
    /// A shard is dropped only after the last handle of the registry. Then nothing can read a list any more, so an
    /// empty shard serves as well. The detached hooks are in the shared state.
    fn for_child(&self, id: OperationId) -> Option<Arc<dyn Observer>> {
        let observers = self.shared.observers.get();
        let observer = observers.and_then(|own| own.get(index_of(id))?.upgrade());
        Some(observer.unwrap_or_else(|| Self::new(&self.shared)))
    }

    /// Returns whether a cancel of the record is to be delivered at once.
    ///
    /// No cancel is missed: a new listener is added before `observe_open` lists the shards. Either that listing
    /// follows `opened`, and finds the record. Or this call, which follows `opened`, sees the listener.
    fn wants_cancels(&self, _: &Record) -> bool {
        self.listeners().wants_cancels()
    }

    fn wants_progress(&self) -> bool {
        self.listeners().wants_progress()
    }

    /// Lists the record, after the event: a cancel is delivered only for a listed operation, and so comes after
    /// the event of the opening.
    fn opened(&self, record: &Arc<Record>) {
        self.listeners()
            .push(|| Event::Opened(Operation::new(Arc::clone(record))));
        self.shard.insert(record);
    }

    fn entered(&self, record: &Arc<Record>) {
        self.shard.count_entered();
        self.listeners()
            .push(|| Event::Started(Operation::new(Arc::clone(record))));
        self.listeners().call_hooks(|hooks| hooks.entered(record));
    }

    fn queue_cancel(
        &self,
        record: &Arc<Record>,
        cause: &Cause,
        publish: &mut dyn FnMut(&mut dyn FnMut()),
    ) {
        self.listeners().push_inside(publish, || {
            Event::CancelRequested(Operation::new(Arc::clone(record)), cause.clone())
        });
    }

    fn cancel_requested(&self, record: &Arc<Record>, cause: &Cause) {
        self.listeners()
            .call_hooks(|hooks| hooks.cancel_requested(record, cause));
    }

    fn progressed(&self, record: &Arc<Record>, update: &ProgressUpdate) {
        // The progress of a descendant has its own event, and so has the end.
        if update.is_last() || update.made_by().id() != record.label.id() {
            return;
        }
        self.listeners().push_inside(
            |push| notify::while_open(record, push),
            || Event::Progress(Operation::new(Arc::clone(record))),
        );
        self.listeners()
            .call_hooks(|hooks| hooks.progressed(record, update));
    }

    fn ended(&self, record: &Arc<Record>, end: Status, elapsed: Option<Duration>) {
        // In the history before it leaves the list, so that the operation is always in one of the two.
        let snapshot = || OperationSnapshot::of(record, None);
        self.shared.history.keep(snapshot);
        let counted = End {
            status: end,
            elapsed,
            stopping: stopping(record).filter(|_| elapsed.is_some()),
        };
        self.shard.remove(record.label.id(), &counted);
        self.listeners()
            .push(|| Event::Ended(Operation::new(Arc::clone(record))));
        self.listeners()
            .call_hooks(|hooks| hooks.ended(record, end, elapsed));
    }
}

// A panic leaves a registry consistent: no user code runs during a change of its lists.
impl std::panic::UnwindSafe for Shards {}
impl std::panic::RefUnwindSafe for Shards {}
