//! The seam to the observers of a record, which stand above it: a registry, the hooks of a scope, the
//! recorders of the test kit. `notify.rs` calls them.

use super::Record;
use crate::cause::{Cause, OperationId};
use crate::progress::ProgressUpdate;
use crate::report::Status;
use std::sync::Arc;
use std::time::Duration;

/// An observer of operations, from their opening to their end.
///
/// Each method is called with no lock held, on the thread that made the change, after the change.
pub(crate) trait Observer: Send + Sync {
    /// Returns the observer of an operation with this number that is opened inside the observed one.
    fn of_inner(&self, _id: OperationId) -> Option<Arc<dyn Observer>> {
        None
    }

    /// Whether a cancel is to be delivered. If no observer wants it, none is notified.
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

    /// Called at most once for each operation, after its event is queued.
    fn cancel_requested(&self, _record: &Arc<Record>, _cause: &Cause) {}

    fn progressed(&self, _record: &Arc<Record>, _update: &ProgressUpdate) {}

    fn closed(&self, _record: &Arc<Record>, _end: Status, _elapsed: Option<Duration>) {}
}

/// The recorders of the test kit, which observe every operation of the process. Until the first recorder is
/// made, an event costs one load.
#[cfg(feature = "testing")]
pub(crate) mod recorders {
    use super::Observer;
    use crate::sync::Mutex;
    use crate::sync::unmodelled::OnceLock;
    use std::sync::{Arc, Weak};

    static RECORDERS: OnceLock<Mutex<Vec<Weak<dyn Observer>>>> = OnceLock::new();

    /// Notifies `recorder` from now on, until it is dropped.
    pub(crate) fn add(recorder: Weak<dyn Observer>) {
        let recorders = RECORDERS.get_or_init(|| Mutex::new(Vec::new()));
        let mut recorders = recorders.lock();
        recorders.retain(|recorder| recorder.strong_count() > 0);
        recorders.push(recorder);
    }

    /// Returns references, for calls without the lock: a call of a recorder may lead back here.
    pub(crate) fn present() -> Vec<Arc<dyn Observer>> {
        let Some(recorders) = RECORDERS.get() else {
            return Vec::new();
        };
        recorders.lock().iter().filter_map(Weak::upgrade).collect()
    }
}
