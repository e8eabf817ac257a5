//! A record of what operations went through, for a test to compare with what it expects.

use super::{Change, OperationEvent};
use crate::cause::{OperationId, OperationLabel};
use crate::operation::observers::{self, Observer};
use crate::operation::{Record, Status};
use crate::runtime::RuntimeHandle;
use crate::sync::{Mutex, ThreadId, thread_id};
use crate::token::CallbackRegistration;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::mem;
use std::sync::{Arc, Weak};
use std::time::Instant;

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
    /// Itself, for what it leaves at a token.
    own: Weak<Tape>,
}

/// Under a lock that is held for a push or a look alone; a registration is dropped after it.
#[derive(Default)]
struct Kept {
    events: Vec<OperationEvent>,
    /// The operations seen that have not ended, and how their tokens tell of a cancel.
    open: BTreeMap<OperationId, Option<CallbackRegistration>>,
}

impl Recorder {
    /// Records from now on.
    pub fn new(runtime: &RuntimeHandle) -> Self {
        let tape = Arc::new_cyclic(|own: &Weak<Tape>| Tape {
            runtime: runtime.clone(),
            thread: thread_id(),
            start: runtime.now(),
            kept: Mutex::new(Kept::default()),
            own: own.clone(),
        });
        let observer: Weak<Tape> = Arc::downgrade(&tape);
        observers::add(observer);
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
    fn concerns(&self, record: &Record) -> bool {
        match &record.runtime {
            Some(runtime) => runtime.is_same(&self.runtime),
            None => thread_id() == self.thread,
        }
    }

    fn push(&self, operation: OperationLabel, change: Change) {
        // The clock first: no lock of ours is held while a runtime's code runs.
        let at = self.runtime.now().saturating_duration_since(self.start);
        let event = OperationEvent {
            operation,
            change,
            at,
        };
        self.kept.lock().events.push(event);
    }

    /// Has the record's token tell of its cancel, once for each operation.
    fn follow(&self, record: &Record) {
        let id = record.label.id();
        match self.kept.lock().open.entry(id) {
            Entry::Occupied(_) => return,
            Entry::Vacant(place) => place.insert(None),
        };
        let (tape, label) = (self.own.clone(), record.label.clone());
        // With no lock held: a token that is cancelled calls back at once.
        let registration = record.token().on_cancel(move |cause| {
            if let Some(tape) = tape.upgrade() {
                tape.push(label, Change::CancelRequested(cause.clone()));
            }
        });
        let mut kept = self.kept.lock();
        let superfluous = match kept.open.get_mut(&id) {
            Some(place) => place.replace(registration),
            // It ended on another thread meanwhile.
            None => Some(registration),
        };
        drop(kept);
        drop(superfluous);
    }
}

impl Observer for Tape {
    fn changed(&self, record: &Record, status: Status) {
        if !self.concerns(record) {
            return;
        }
        self.push(record.label.clone(), Change::Status(status));
        if status.is_closed() {
            let ended = self.kept.lock().open.remove(&record.label.id());
            drop(ended);
        } else {
            self.follow(record);
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
