//! A recorder of the events of operations, for a test to compare with what it expects.

use crate::cause::{Cause, OperationId, OperationLabel};
use crate::operation::Status;
use crate::record::notify::{self};
use crate::record::{Observer, Record};
use crate::runtime::RuntimeHandle;
use crate::sync::{Mutex, ThreadId, thread_id};
use std::collections::BTreeMap;
use std::fmt;
use std::mem;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// The change in an [`OperationEvent`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Change {
    /// The operation was opened, entered, or has ended.
    Status(Status),
    /// Cancellation of the operation was requested, of itself or of an operation around it.
    CancelRequested(Cause),
}

/// One event of an operation, from a [`Recorder`].
///
/// It reads as a sentence: "import is running", "import was asked to stop: timed out (limit 3 s, ..)".
#[derive(Clone, Debug)]
pub struct OperationEvent {
    pub(super) operation: OperationLabel,
    pub(super) change: Change,
    pub(super) at: Duration,
}

impl OperationEvent {
    /// The operation.
    #[must_use]
    pub fn operation(&self) -> &OperationLabel {
        &self.operation
    }

    /// The change.
    #[must_use]
    pub fn change(&self) -> &Change {
        &self.change
    }

    /// The time since the recorder was made, by the runtime's clock.
    #[must_use]
    pub fn at(&self) -> Duration {
        self.at
    }
}

impl fmt::Display for OperationEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.operation;
        match &self.change {
            Change::Status(status) => write!(f, "{name} is {status}"),
            Change::CancelRequested(cause) => write!(f, "{name} was asked to stop: {cause}"),
        }
    }
}

/// Records the events of operations while it lives: opening, entry, requests to cancel, and end.
///
/// It records operations with the given runtime, on any thread, and operations without a runtime where
/// they change on the thread that made the recorder. So tests that run beside each other do not record
/// each other's operations.
///
/// # Examples
///
/// ```
/// use cancelable_core::Scope;
/// use cancelable_core::testing::{ManualRuntime, Recorder};
/// use std::future::pending;
/// use std::time::Duration;
///
/// let manual = ManualRuntime::new();
/// let runtime = manual.handle();
/// let recorder = Recorder::new(&runtime);
/// let limit = Duration::from_secs(3);
/// let scope = Scope::builder("import").runtime(&runtime).timeout(limit).build().unwrap();
/// assert!(manual.block_on(scope.run(|_| pending::<()>())).is_cancelled());
///
/// let events = recorder.take();
/// let lines: Vec<_> = events.iter().map(|event| event.to_string()).collect();
/// assert_eq!(lines[..2], ["import is pending", "import is running"]);
/// assert!(lines[2].starts_with("import was asked to stop: timed out (limit 3 s"));
/// assert_eq!(lines[3..], ["import is cancelled"]);
/// assert_eq!(events[3].at(), limit);
/// ```
#[must_use = "it records for as long as it lives"]
pub struct Recorder {
    tape: Arc<Tape>,
}

struct Tape {
    runtime: RuntimeHandle,
    thread: ThreadId,
    start: Instant,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    events: Vec<OperationEvent>,
    /// The recorded operations that have not ended, and whether their cancel is recorded.
    open: BTreeMap<OperationId, bool>,
}

impl Recorder {
    /// Records from now on.
    pub fn new(runtime: &RuntimeHandle) -> Self {
        let tape = Arc::new(Tape {
            runtime: runtime.clone(),
            thread: thread_id(),
            start: runtime.now(),
            kept: Mutex::new(Kept::default()),
        });
        let observer: Weak<Tape> = Arc::downgrade(&tape);
        notify::add_recorder(observer);
        Self { tape }
    }

    /// Returns the events so far, in order.
    #[must_use]
    pub fn events(&self) -> Vec<OperationEvent> {
        self.tape.kept.lock().events.clone()
    }

    /// Returns the events so far, and forgets them.
    #[must_use]
    pub fn take(&self) -> Vec<OperationEvent> {
        mem::take(&mut self.tape.kept.lock().events)
    }

    /// Returns how many of the recorded operations have not ended.
    #[must_use]
    pub fn open_operations(&self) -> usize {
        self.tape.kept.lock().open.len()
    }
}

impl Tape {
    fn is_meant(&self, record: &Record) -> bool {
        match &record.runtime {
            Some(runtime) => runtime.is_same(&self.runtime),
            None => thread_id() == self.thread,
        }
    }

    fn push(&self, record: &Record, change: Change) {
        // The clock before the lock: it is the runtime's code.
        let at = self.runtime.now().saturating_duration_since(self.start);
        let event = OperationEvent {
            operation: record.label.clone(),
            change,
            at,
        };
        self.kept.lock().events.push(event);
    }

    /// Records the status, and the cancel if that came before the recorder.
    fn push_open(&self, record: &Arc<Record>, status: Status) {
        if !self.is_meant(record) {
            return;
        }
        self.push(record, Change::Status(status));
        let id = record.label.id();
        self.kept.lock().open.entry(id).or_insert(false);
        if let Some(cause) = record.cause() {
            self.cancel_requested(record, &cause);
        }
    }
}

impl Observer for Tape {
    fn wants_cancels(&self, record: &Record) -> bool {
        self.is_meant(record)
    }

    fn opened(&self, record: &Arc<Record>) {
        self.push_open(record, Status::Pending);
    }

    fn entered(&self, record: &Arc<Record>) {
        self.push_open(record, Status::Running);
    }

    fn cancel_requested(&self, record: &Arc<Record>, cause: &Cause) {
        let is_first = {
            let mut kept = self.kept.lock();
            let is_recorded = kept.open.get_mut(&record.label.id());
            is_recorded.is_some_and(|is_recorded| !mem::replace(is_recorded, true))
        };
        if is_first {
            self.push(record, Change::CancelRequested(cause.clone()));
        }
    }

    fn closed(&self, record: &Arc<Record>, end: Status, _: Option<Duration>) {
        if self.is_meant(record) {
            self.push(record, Change::Status(end));
            self.kept.lock().open.remove(&record.label.id());
        }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.tape.kept.lock();
        f.debug_struct("Recorder")
            .field("events", &kept.events.len())
            .field("open_operations", &kept.open.len())
            .finish_non_exhaustive()
    }
}
