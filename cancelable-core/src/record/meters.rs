//! The progress of a record and of all its ancestors, made when it is first asked for.
//!
//! So an operation without progress has an empty cell and no more.

use super::{Record, notify};
use crate::cause::ambient::Running;
use crate::progress::Progress;
use std::sync::Arc;
use std::time::Instant;

/// The progress of a record, if it was ever asked for.
pub(crate) fn made(record: &Record) -> Option<&Progress> {
    record.progress.get()
}

/// The progress of a record, made with that of its ancestors where there is none.
pub(crate) fn of(record: &Arc<Record>) -> &Progress {
    if let Some(progress) = record.progress.get() {
        return progress;
    }
    let mut without = Vec::new();
    let mut above = record.parent.as_ref();
    // Ends: every turn goes one up.
    while let Some(ancestor) = above.filter(|ancestor| ancestor.progress.get().is_none()) {
        without.push(ancestor);
        above = ancestor.parent.as_ref();
    }
    let mut parent = above.and_then(|ancestor| ancestor.progress.get());
    for ancestor in without.into_iter().rev() {
        parent = Some(make(ancestor, parent));
    }
    make(record, parent)
}

/// The progress of a record, below the one that is given.
///
/// A record that ends meanwhile ends its meter, if it sees it. The lock orders the two: who
/// changes the status to an end does so, or comes back, under it, and looks for a meter later.
/// So either that sees the meter or this sees the end.
fn make<'a>(record: &'a Arc<Record>, parent: Option<&Progress>) -> &'a Progress {
    // The clock is not read where another thread may wait for this one.
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
            record.status().is_closed()
        };
        if has_ended {
            progress.end(now);
        }
        notify::observe_progress(record);
    }
    progress
}

/// Ends the meter of a record whose status is an end, if there is one.
pub(super) fn end(record: &Record, now: Option<Instant>) {
    if let Some(progress) = record.progress.get() {
        progress.end(now);
    }
}
