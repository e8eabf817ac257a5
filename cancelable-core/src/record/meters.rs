//! The progress of a record and of its ancestors, made on demand.
//!
//! An operation without progress has an empty cell and no more.

use super::Record;
use crate::cause::ambient::Running;
use crate::progress::Progress;
use std::sync::Arc;
use std::time::Instant;

impl Record {
    /// Returns the progress of this record. Makes it, and that of all ancestors, where there is none.
    pub(crate) fn progress(self: &Arc<Self>) -> &Progress {
        if let Some(progress) = self.progress.get() {
            return progress;
        }
        let mut without = Vec::new();
        let mut above = self.parent.as_ref();
        // Ends: each turn goes one ancestor up.
        while let Some(record) = above.filter(|record| record.progress.get().is_none()) {
            without.push(record);
            above = record.parent.as_ref();
        }
        let mut parent = above.and_then(|record| record.progress.get());
        for record in without.into_iter().rev() {
            parent = Some(record.progress_below(parent));
        }
        self.progress_below(parent)
    }

    /// Returns the progress of this record, made below that of its parent if there is none.
    ///
    /// If the record ends at the same time, its end ends the progress too, or this does. The lock orders the
    /// two: the end changes the status under the lock, and looks for progress afterwards. So the end sees the
    /// progress, or this sees the end.
    fn progress_below(self: &Arc<Self>, parent: Option<&Progress>) -> &Progress {
        // Read before, because another thread may wait for the initialisation.
        let now = self.now();
        let mut made = false;
        let progress = self.progress.get_or_init(|| {
            made = true;
            let operation: Arc<dyn Running> = Arc::<Self>::clone(self);
            Progress::new(parent, &operation, self.runtime.as_ref(), now)
        });
        if made {
            let has_ended = {
                let _inner = self.inner.lock();
                self.status().is_closed()
            };
            if has_ended {
                progress.end(now);
            }
            self.observe_progress();
        }
        progress
    }

    /// Ends the progress of a record whose status is an end, if there is any.
    pub(crate) fn end_progress(&self, now: Option<Instant>) {
        if let Some(progress) = self.progress.get() {
            progress.end(now);
        }
    }
}
