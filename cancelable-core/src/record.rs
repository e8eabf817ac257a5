//! What is known of one operation: the single allocation behind its scope and all its handles.
//!
//! # Locks
//!
//! One lock for what changes and is not an atomic, and for changes of the status, which is read
//! without it. Nothing else is locked while it is held, except a queue of events for a push
//! (`notify.rs`), and no code of a user or of a runtime runs under it: the clock is read before,
//! sources are dropped after.

pub(crate) mod abandon;
pub(crate) mod aside;
pub(crate) mod blocking_call;
pub(crate) mod child_reports;
pub(crate) mod children;
pub(crate) mod deadlines;
pub(crate) mod final_poll;
pub(crate) mod finalizer;
pub(crate) mod finalizers;
pub(crate) mod grace;
pub(crate) mod handles;
pub(crate) mod hold;
pub(crate) mod keep_open;
pub(crate) mod lifecycle;
pub(crate) mod lookout;
pub(crate) mod meters;
pub(crate) mod notes;
pub(crate) mod notify;
pub(crate) mod observer;
pub(crate) mod options;
pub(crate) mod orphans;
pub(crate) mod own_deadline;
pub(crate) mod partial_slot;
pub(crate) mod place;
pub(crate) mod run_waker;
pub(crate) mod shelter;
pub(crate) mod span;
pub(crate) mod stragglers;
pub(crate) mod token_cell;
pub(crate) mod turn;

use crate::cause::{Cause, OperationLabel};
use crate::progress::Progress;
use crate::report::Metadata;
use crate::report::{Status, StatusCell, Value};
use crate::runtime::RuntimeHandle;
use crate::source::Unstarted;
use crate::sync::{
    AtomicBool, AtomicU64, AtomicUsize, Mutex, OnceLock, Ordering, StoredWaker, escape, is_logged,
    isolate, log,
};
use aside::Aside;
use children::{Nursery, Terms};
use handles::Handles;
use log::Level;
use notes::Notes;
use observer::Observer;
use options::Policy;
use own_deadline::{FromAbove, OwnDeadline};
use partial_slot::Slot;
use shelter::Shelter;
use span::Span;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};
use token_cell::Stop;

pub(crate) struct Record {
    pub(crate) label: OperationLabel,
    pub(crate) parent: Option<Arc<Record>>,
    pub(crate) stop: Stop,
    pub(crate) runtime: Option<RuntimeHandle>,
    pub(crate) opened_at: &'static Location<'static>,
    pub(crate) status: StatusCell,
    /// Of its scope; see `handles.rs`.
    pub(crate) handles: Handles,
    /// How often the run was called; see `run_waker.rs`.
    pub(crate) calls: AtomicU64,
    /// Its children and blocking calls.
    pub(crate) nursery: Nursery,
    /// What it said about its end; most say nothing.
    pub(crate) policy: Option<Box<Policy>>,
    /// It runs as a task of its own, so that a drop of the body above does not drop it.
    pub(crate) spawned: bool,
    /// It was opened inside a shield that is open: no cancel and no deadline from above reaches it.
    pub(crate) isolated: AtomicBool,
    /// The shield that it was opened in; see `shelter.rs`.
    pub(crate) shelter: Option<Arc<Shelter>>,
    /// It or one above it was opened inside a shield.
    pub(crate) sheltered: bool,
    /// Polls are noted, and what runs below is listed, for reports.
    pub(crate) watched: bool,
    /// How many holds on its body count; see `hold.rs`.
    pub(crate) holds: AtomicUsize,
    /// How often its body was polled while there was a hold on it; see `hold.rs`.
    pub(crate) turn: AtomicU64,
    /// Something was deferred.
    pub(crate) deferred: AtomicBool,
    pub(crate) registry: Option<Arc<dyn Observer>>,
    pub(crate) hooks: Option<Arc<dyn Observer>>,
    /// When it was opened, if it is in a registry.
    pub(crate) opened: Option<Instant>,
    /// The body is at its last poll; see `final_poll.rs`.
    pub(crate) at_last_look: AtomicBool,
    /// The log has a line that it was asked to stop.
    cancel_logged: AtomicBool,
    /// How far it has come; empty until someone asks.
    pub(crate) progress: OnceLock<Progress>,
    pub(crate) inner: Mutex<Inner>,
}

pub(crate) struct Inner {
    pub(crate) started: Option<Instant>,
    pub(crate) ended: Option<Instant>,
    pub(crate) deadline: OwnDeadline,
    /// Kept so that the line above is not walked for each look; see `deadlines.rs`.
    pub(crate) from_above: FromAbove,
    /// An operation below keeps a deadline that this one's own is a part of.
    pub(crate) is_kept_below: bool,
    /// The task that runs the operation; see `run_waker.rs`.
    pub(crate) runner: StoredWaker,
    /// What is to be started at entry, if there is anything; none from then on.
    pub(crate) sources: Option<Box<[Unstarted]>>,
    /// Nothing can be deferred any more.
    pub(crate) sealed: bool,
    /// Nothing of the operation runs any more.
    pub(crate) settled: bool,
    /// None while there is nothing to put aside, which for most operations is for ever.
    pub(crate) aside: Option<Box<Aside>>,
    /// None while nothing is noted.
    pub(crate) notes: Option<Box<Notes>>,
    pub(crate) span: Span,
    /// What it has so far; none until something is set.
    pub(crate) partial: Option<Box<Slot>>,
}

/// What an operation is opened with.
pub(crate) struct Opening {
    pub(crate) label: OperationLabel,
    pub(crate) parent: Option<Arc<Record>>,
    pub(crate) stop: Stop,
    pub(crate) runtime: Option<RuntimeHandle>,
    pub(crate) opened_at: &'static Location<'static>,
    pub(crate) deadline: OwnDeadline,
    pub(crate) sources: Option<Box<[Unstarted]>>,
    pub(crate) terms: Option<Box<Terms>>,
    pub(crate) policy: Option<Box<Policy>>,
    pub(crate) spawned: bool,
    pub(crate) shelter: Option<Arc<Shelter>>,
    pub(crate) account: Account,
}

/// The observers of an operation, and what is noted about it from the start. Most have nothing.
#[derive(Default)]
pub(crate) struct Account {
    pub(crate) registry: Option<Arc<dyn Observer>>,
    pub(crate) hooks: Option<Arc<dyn Observer>>,
    pub(crate) metadata: Option<Arc<Metadata>>,
}

impl Record {
    /// A pending record with one scope handle.
    pub(crate) fn open(opening: Opening) -> Arc<Self> {
        let Opening {
            label,
            parent,
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
        } = opening;
        // Before any lock: the clock is the runtime's.
        let opened = account.registry.as_ref().and(runtime.as_ref());
        let opened = opened.map(RuntimeHandle::now);
        let notes = account.metadata.map(|metadata| {
            Box::new(Notes {
                metadata,
                ..Notes::default()
            })
        });
        let inner = Inner {
            started: None,
            ended: None,
            deadline,
            from_above: FromAbove::default(),
            is_kept_below: false,
            runner: StoredWaker::default(),
            sources,
            sealed: false,
            settled: false,
            aside: None,
            notes,
            span: Span::open(&label),
            partial: None,
        };
        let watches = policy.as_ref().is_some_and(|policy| policy.watches());
        let watched = watches || parent.as_ref().is_some_and(|parent| parent.watched);
        let sheltered = shelter.is_some() || parent.as_ref().is_some_and(|parent| parent.sheltered);
        let stop = stop.linked_as(parent.as_ref().map(|parent| &parent.stop));
        let record = Arc::new(Self {
            label,
            parent,
            stop,
            runtime,
            opened_at,
            status: StatusCell::new(),
            handles: Handles::new(),
            calls: AtomicU64::new(0),
            nursery: Nursery::new(terms),
            policy,
            spawned,
            isolated: AtomicBool::new(shelter.is_some()),
            shelter,
            sheltered,
            watched,
            holds: AtomicUsize::new(0),
            turn: AtomicU64::new(0),
            deferred: AtomicBool::new(false),
            registry: account.registry,
            hooks: account.hooks,
            opened,
            at_last_look: AtomicBool::new(false),
            cancel_logged: AtomicBool::new(false),
            progress: OnceLock::new(),
            inner: Mutex::new(inner),
        });
        if let Some(shelter) = &record.shelter {
            shelter.outermost().admit(&record);
        }
        if let Some(parent) = record.parent_it_may_outlive() {
            parent.begin_inside();
        }
        record.log_status(Status::Pending);
        record.notify_opened();
        record
    }

    pub(crate) fn status(&self) -> Status {
        self.status.get()
    }

    /// The time, where there is a runtime that tells it. A clock that panics tells none: an end must not
    /// fail for that.
    pub(crate) fn now(&self) -> Option<Instant> {
        self.runtime.as_ref()?.read_clock()
    }

    pub(crate) fn started_at(&self) -> Option<Instant> {
        self.inner.lock().started
    }

    pub(crate) fn ended_at(&self) -> Option<Instant> {
        self.inner.lock().ended
    }

    pub(crate) fn elapsed(&self) -> Option<Duration> {
        let (started, ended) = {
            let inner = self.inner.lock();
            (inner.started?, inner.ended)
        };
        let end = ended.or_else(|| self.now())?;
        Some(end.saturating_duration_since(started))
    }

    /// Cancels the token, with the time of the runtime where there is one. A cause that comes from
    /// another token keeps what that one stamped on it.
    ///
    /// True or false, everything below says cancelled when it returns.
    pub(crate) fn cancel(&self, cause: Cause) -> bool {
        if self.is_cancelled() {
            self.wait_for_descendants();
            return false;
        }
        // Nothing is left to cancel, and the record of it does not change any more.
        if self.status().is_closed() {
            return false;
        }
        let first = self.cancel_token(self.stamp(cause));
        if first {
            self.log_cancel();
        }
        first
    }

    /// Fills in what only the moment of the cancel knows, by this record's clock.
    pub(crate) fn stamp(&self, cause: Cause) -> Cause {
        match &self.runtime {
            Some(runtime) if !cause.is_stamped() => match runtime.read_clock() {
                Some(now) => cause.stamped(|| now),
                None => cause,
            },
            _ => cause,
        }
    }

    /// Logs that the operation was asked to stop, and why, if it was. An operation has one such line:
    /// from whoever cancels it, or, where it is cancelled by way of a token, from its run as that finds
    /// it cancelled, or from its end.
    pub(crate) fn log_cancel(&self) {
        // Not even the cause is read for a level that is off.
        if !is_logged(Level::Debug) {
            return;
        }
        let Some(cause) = self.cause() else {
            return;
        };
        // Relaxed: who is first says it, and nothing else follows from that.
        if self.cancel_logged.swap(true, Ordering::Relaxed) {
            return;
        }
        log!(
            Debug,
            operation = &*self.label.shown_name(), id = self.label.id().get(),
            reason = cause.reason().as_str(), cause:% = cause, inherited = cause.is_inherited();
            "{} was asked to stop: {cause}", self.label
        );
    }

    /// Acts on the slot of its partial result, which is made if there is none. Nothing of a user's may run in
    /// there.
    pub(crate) fn with_partial<T>(&self, act: impl FnOnce(&mut Slot) -> T) -> T {
        act(self.inner.lock().partial.get_or_insert_default())
    }

    /// Acts on the slot, if there is one. The same holds.
    pub(crate) fn on_partial<T>(&self, act: impl FnOnce(&mut Slot) -> T) -> Option<T> {
        Some(act(self.inner.lock().partial.as_mut()?))
    }

    /// Takes the value away for an outcome. One that is in use comes back to the record later.
    pub(crate) fn take_partial(&self) -> Option<Value> {
        self.on_partial(Slot::take)?
    }

    /// Warns of a request that a source has put on record, for a run that is dropped before its next poll: its
    /// outcome would have had it.
    pub(crate) fn warn_unseen_request(&self) {
        let was_decided = self.on_aside(|aside| aside.was_decided) == Some(true);
        let Some(cause) = self.cause().filter(|_| was_decided) else {
            return;
        };
        log!(
            Warn,
            operation = &*self.label.shown_name(), id = self.label.id().get(),
            reason = cause.reason().as_str(), cause:% = cause;
            "{} was dropped in the moment in which it was asked to stop, and nobody has its outcome: {cause}",
            self.label
        );
    }

    /// Logs the status.
    pub(crate) fn log_status(&self, status: Status) {
        if is_logged(Level::Debug) {
            self.say_status(status);
        }
    }

    /// The line of an end has the error, if it failed, and the cause, if it was asked to stop.
    #[cold]
    fn say_status(&self, status: Status) {
        let error = match status {
            Status::Failed => self.error_text(),
            _ => None,
        };
        let error = error.as_deref().map(escape);
        let cause = match status.is_closed() {
            true => self.cause(),
            false => None,
        };
        if cause.is_some() {
            self.log_cancel();
        }
        let reason = cause.as_ref().map(|cause| cause.reason().as_str());
        let (name, id) = (self.label.shown_name(), self.label.id().get());
        let (name, word) = (&*name, status.as_str());
        let label = &self.label;
        match (&error, &cause, reason) {
            (None, Some(cause), Some(reason)) => log!(
                Debug, operation = name, id, status = word, reason, cause:% = cause;
                "{label} is {status}, asked to stop: {cause}"
            ),
            (Some(error), Some(cause), Some(reason)) => log!(
                Debug, operation = name, id, status = word, error = &**error, reason,
                cause:% = cause;
                "{label} is {status}: {error}, asked to stop: {cause}"
            ),
            (Some(error), ..) => log!(
                Debug, operation = name, id, status = word, error = &**error;
                "{label} is {status}: {error}"
            ),
            _ => log!(
                Debug, operation = name, id, status = word;
                "{label} is {status}"
            ),
        }
    }
}

/// Not left to the compiler: it would drop a long line of ancestors by recursion.
impl Drop for Record {
    fn drop(&mut self) {
        if let Some(partial) = self.inner.get_mut().partial.take() {
            isolate("the drop of a partial result", || drop(partial));
        }
        let mut parent = self.parent.take();
        // Ends: every turn goes one ancestor up, and there is no cycle.
        while let Some(record) = parent {
            parent = Arc::into_inner(record).and_then(|mut last| last.parent.take());
        }
    }
}

// A record that a panic passed by is still whole: no code of a user runs while it changes. So are a scope and an
// operation, which are handles to it.
impl std::panic::UnwindSafe for Record {}
impl std::panic::RefUnwindSafe for Record {}
