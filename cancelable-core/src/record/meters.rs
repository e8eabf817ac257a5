//! The progress of a record and of all its ancestors, made when it is first asked for.
//!
//! So an operation without progress has an empty cell and no more.

use super::Record;
use crate::cause::ambient::Running;
use crate::progress::Progress;
use std::sync::Arc;
use std::time::Instant;

impl Record {
    /// The meters of this record and of all above it, made where they are not.
    pub(crate) fn progress(self: &Arc<Self>) -> &Progress {
        if let Some(progress) = self.progress.get() {
            return progress;
        }
        let mut without = Vec::new();
        let mut above = self.parent.as_ref();
        // Ends: every turn goes one up.
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

    /// This record's meter, below the one that is given.
    ///
    /// A record that ends meanwhile ends its meter, if it sees it. The lock orders the two: who
    /// changes the status to an end does so, or comes back, under it, and looks for a meter later.
    /// So either that sees the meter or this sees the end.
    fn progress_below(self: &Arc<Self>, parent: Option<&Progress>) -> &Progress {
        // The clock is not read where another thread may wait for this one.
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

    /// Ends the meter of a record whose status is an end, if there is one.
    pub(crate) fn end_progress(&self, now: Option<Instant>) {
        if let Some(progress) = self.progress.get() {
            progress.end(now);
        }
    }
}
