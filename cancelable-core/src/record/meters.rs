//! The progress of a record and of its ancestors, made on demand. An operation without progress has an empty cell.

use super::{Record, notify};
use crate::cause::ambient::Running;
use crate::progress::Progress;
use std::sync::Arc;
use std::time::Instant;

/// Returns the progress of a record, if it was made.
pub(crate) fn made(record: &Record) -> Option<&Progress> {
    record.progress.get()
}

/// Returns the progress of a record. Makes the progress, and that of all ancestors, if there is none.
pub(crate) fn of(record: &Arc<Record>) -> &Progress {
    if let Some(progress) = record.progress.get() {
        return progress;
    }
    let mut without = Vec::new();
    let mut next = record.parent.as_ref();
    // Ends: each step moves to the parent.
    while let Some(ancestor) = next.filter(|ancestor| ancestor.progress.get().is_none()) {
        without.push(ancestor);
        next = ancestor.parent.as_ref();
    }
    let mut parent = next.and_then(|ancestor| ancestor.progress.get());
    for ancestor in without.into_iter().rev() {
        parent = Some(make(ancestor, parent));
    }
    make(record, parent)
}

/// Returns the progress of a record. Makes the progress as a child of `parent` if there is none.
///
/// If the record ends at the same time, either its end or this call ends the progress. The lock orders the two:
/// the end changes the status under the lock, and reads the progress afterwards. So the end sees the progress, or
/// this call sees the end.
fn make<'a>(record: &'a Arc<Record>, parent: Option<&Progress>) -> &'a Progress {
    // Read before, because another thread may wait for the initialisation.
    let now = record.now();
    let mut is_made = false;
    let progress = record.progress.get_or_init(|| {
        is_made = true;
        let operation: Arc<dyn Running> = Arc::<Record>::clone(record);
        Progress::new(parent, &operation, record.runtime.as_ref(), now)
    });
    if is_made {
        let has_ended = {
            let _inner = record.inner.lock();
            record.status().is_terminal()
        };
        if has_ended {
            progress.end(now);
        }
        notify::observe_progress(record);
    }
    progress
}

/// Ends the progress of a record whose status is an end, if there is any.
pub(super) fn end(record: &Record, now: Option<Instant>) {
    if let Some(progress) = record.progress.get() {
        progress.end(now);
    }
}
