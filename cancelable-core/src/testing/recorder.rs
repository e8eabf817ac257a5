//! A record of what operations went through, for a test to compare with what it expects.

use super::{Change, OperationEvent};
use crate::cause::{Cause, OperationId};
use crate::operation::Status;
use crate::record::{Observer, Record, recorders};
use crate::runtime::RuntimeHandle;
use crate::sync::{Mutex, ThreadId, thread_id};
use std::collections::BTreeMap;
use std::fmt;
use std::mem;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// Records what happens to operations while it lives: that they are opened, entered, asked to stop,
/// and how they end.
///
/// It records the operations that have the given runtime, on whichever thread, and of those that
/// have none the ones that change on the thread that made the recorder. So tests that run beside
/// each other keep out of each other's records.
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

/// Under a lock that is held for a push or a look alone.
#[derive(Default)]
struct Kept {
    events: Vec<OperationEvent>,
    /// The operations seen that have not ended, and whether their cancel is recorded.
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
        recorders::add(observer);
        Self { tape }
    }

    /// What was recorded so far, in its order.
    #[must_use]
    pub fn events(&self) -> Vec<OperationEvent> {
        self.tape.kept.lock().events.clone()
    }

    /// As [`events`](Self::events), which it forgets.
    #[must_use]
    pub fn take(&self) -> Vec<OperationEvent> {
        mem::take(&mut self.tape.kept.lock().events)
    }

    /// How many of the operations that it has seen have not ended.
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
        // The clock first: no lock of ours is held while a runtime's code runs.
        let at = self.runtime.now().saturating_duration_since(self.start);
        let event = OperationEvent {
            operation: record.label.clone(),
            change,
            at,
        };
        self.kept.lock().events.push(event);
    }

    /// Records that the operation is open, and its cancel if that came before the recorder.
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
