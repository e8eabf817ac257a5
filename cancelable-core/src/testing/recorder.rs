//! A recorder of the events of operations, for tests.

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
///
/// # Examples
///
/// ```
/// use cancelable_core::testing::{Change, OperationEvent};
///
/// /// Returns whether `events` has a cancel request because of a timeout.
/// fn is_timed_out(events: &[OperationEvent]) -> bool {
///     let mut changes = events.iter().map(OperationEvent::change);
///     changes.any(|change| match change {
///         Change::CancelRequested(cause) => cause.is_timeout(),
///         _ => false,
///     })
/// }
/// # assert!(!is_timed_out(&[]));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Change {
    /// The operation was created, entered, or has ended.
    Status(Status),
    /// Cancellation of the operation or of an ancestor was requested.
    CancelRequested(Cause),
}

/// An event of an operation, from a [`Recorder`].
///
/// `Display` writes a sentence: "import is running", "import is being cancelled: timed out (limit 3 s, ..)".
///
/// # Examples
///
/// ```
/// use cancelable_core::Scope;
/// use cancelable_core::testing::{Change, ManualRuntime, Recorder};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let manual = ManualRuntime::new();
/// let recorder = Recorder::new(&manual.handle());
/// let scope = Scope::builder("import").runtime(&manual.handle()).build()?;
/// scope.cancel();
/// let events = recorder.take();
/// assert_eq!(events[0].to_string(), "import is pending");
/// assert!(matches!(events[1].change(), Change::CancelRequested(_)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct OperationEvent {
    pub(super) operation: OperationLabel,
    pub(super) change: Change,
    pub(super) at: Duration,
}

impl OperationEvent {
    /// Returns the operation.
    #[must_use]
    pub fn operation(&self) -> &OperationLabel {
        &self.operation
    }

    /// Returns the change.
    #[must_use]
    pub fn change(&self) -> &Change {
        &self.change
    }

    /// Returns the time since the creation of the recorder, by the clock of the runtime.
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
            Change::CancelRequested(cause) => write!(f, "{name} is being cancelled: {cause}"),
        }
    }
}

/// A recorder of the events of operations while it lives: creation, entry, cancel requests, and end.
///
/// The recorder records operations with its runtime, on any thread. Of operations without a runtime, it records the
/// events on the thread that created the recorder. So tests that run at the same time do not record each other's
/// operations.
///
/// # Examples
///
/// ```
/// use cancelable_core::Scope;
/// use cancelable_core::testing::{ManualRuntime, Recorder};
/// use std::future::pending;
/// use std::time::Duration;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let manual = ManualRuntime::new();
/// let runtime = manual.handle();
/// let recorder = Recorder::new(&runtime);
/// let limit = Duration::from_secs(3);
/// let scope = Scope::builder("import").runtime(&runtime).timeout(limit).build()?;
/// assert!(manual.block_on(scope.run(|_| pending::<()>())).is_cancelled());
///
/// let events = recorder.take();
/// let lines: Vec<_> = events.iter().map(|event| event.to_string()).collect();
/// assert_eq!(lines[..2], ["import is pending", "import is running"]);
/// assert!(lines[2].starts_with("import is being cancelled: timed out (limit 3 s"));
/// assert_eq!(lines[3..], ["import is cancelled"]);
/// assert_eq!(events[3].at(), limit);
/// # Ok(())
/// # }
/// ```
#[must_use = "events are recorded until this is dropped"]
pub struct Recorder {
    log: Arc<EventLog>,
}

struct EventLog {
    runtime: RuntimeHandle,
    thread: ThreadId,
    start: Instant,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    events: Vec<OperationEvent>,
    /// The recorded operations that have not ended, each with whether its cancel request is recorded.
    open: BTreeMap<OperationId, bool>,
}

impl Recorder {
    /// Returns a recorder that records from now on.
    pub fn new(runtime: &RuntimeHandle) -> Self {
        let log = Arc::new(EventLog {
            runtime: runtime.clone(),
            thread: thread_id(),
            start: runtime.now(),
            kept: Mutex::new(Kept::default()),
        });
        let observer: Weak<EventLog> = Arc::downgrade(&log);
        notify::add_recorder(observer);
        Self { log }
    }

    /// Returns the events so far, in order.
    #[must_use]
    pub fn events(&self) -> Vec<OperationEvent> {
        self.log.kept.lock().events.clone()
    }

    /// Removes and returns the events so far, in order.
    #[must_use]
    pub fn take(&self) -> Vec<OperationEvent> {
        mem::take(&mut self.log.kept.lock().events)
    }

    /// Returns the number of recorded operations that have not ended.
    #[must_use]
    pub fn open_operations(&self) -> usize {
        self.log.kept.lock().open.len()
    }
}

impl EventLog {
    fn records(&self, record: &Record) -> bool {
        match &record.runtime {
            Some(runtime) => runtime.is_same(&self.runtime),
            None => thread_id() == self.thread,
        }
    }

    fn push(&self, record: &Record, change: Change) {
        // Before the lock, because the clock is code of the runtime.
        let at = self.runtime.now().saturating_duration_since(self.start);
        let event = OperationEvent {
            operation: record.label.clone(),
            change,
            at,
        };
        self.kept.lock().events.push(event);
    }

    /// Records the status, and the cancel request if it came before the recorder.
    fn push_open(&self, record: &Arc<Record>, status: Status) {
        if !self.records(record) {
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

impl Observer for EventLog {
    fn wants_cancels(&self, record: &Record) -> bool {
        self.records(record)
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

    fn ended(&self, record: &Arc<Record>, end: Status, _: Option<Duration>) {
        if self.records(record) {
            self.push(record, Change::Status(end));
            self.kept.lock().open.remove(&record.label.id());
        }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.log.kept.lock();
        f.debug_struct("Recorder")
            .field("events", &kept.events.len())
            .field("open_operations", &kept.open.len())
            .finish_non_exhaustive()
    }
}
