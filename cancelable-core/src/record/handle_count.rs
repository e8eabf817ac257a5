//! The count of the handles of a scope that was not run yet. Such handles keep the operation open.
//!
//! The drop of the last handle closes an operation that was never run. A finalizer may hold a handle, and the
//! record holds the finalizer, so that handle would never be dropped. The library cannot know which handles a
//! finalizer holds. So a deferral before the run discounts the clones that exist then. The handle from `build`,
//! the handles of runs, and later clones, which the finalizer cannot hold, still count. After the drop of the
//! last of these the operation ends as never run, even if other handles are left.
//!
//! The counts have no meaning once the operation is not pending: a status never returns to pending, so stale
//! counts are never read.

use crate::sync::{AtomicU32, Ordering};

/// The numbers of handles of a scope. 32 bits each, so that both take the room of one.
pub(crate) struct HandleCount {
    all: AtomicU32,
    /// The handle from `build`, and those of runs.
    lasting: AtomicU32,
}

/// The kind of a handle, for the count.
#[derive(Clone, Copy, Debug)]
pub(crate) enum HandleKind {
    /// A handle that keeps the operation open in spite of deferrals.
    Lasting,
    /// A clone, with the number of deferrals before it was made.
    Clone(u32),
}

impl HandleCount {
    /// Returns the counts of a new operation: one handle, from `build`.
    pub(super) fn new() -> Self {
        Self {
            all: AtomicU32::new(1),
            lasting: AtomicU32::new(1),
        }
    }

    pub(super) fn add(&self) {
        // Relaxed, as in `Arc`: the handle that is cloned keeps the number above zero.
        self.all.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn add_lasting(&self) {
        // Relaxed: as above.
        self.add();
        self.lasting.fetch_add(1, Ordering::Relaxed);
    }

    /// Removes a handle. Returns whether it was the last, and the number of lasting handles that are left.
    pub(super) fn remove(&self, kind: HandleKind) -> (bool, u32) {
        // AcqRel, as in `Arc`: changes by other handles come before the end of the scope.
        let is_last = self.all.fetch_sub(1, Ordering::AcqRel) == 1;
        let lasting = match kind {
            HandleKind::Lasting => self.lasting.fetch_sub(1, Ordering::AcqRel) - 1,
            HandleKind::Clone(_) => self.lasting.load(Ordering::Acquire),
        };
        (is_last, lasting)
    }
}

/// The number of deferrals before the run, and the number of clones made since then. Both are under the record's lock.
#[derive(Default)]
pub(super) struct Deferrals {
    times: u32,
    /// The number of live clones that were made since the last deferral.
    clones_since: usize,
}

impl Deferrals {
    /// Records a deferral. The finalizer may hold any handle that exists now.
    pub(super) fn note(&mut self) {
        self.times += 1;
        self.clones_since = 0;
    }

    pub(super) fn add_clone(&mut self) -> HandleKind {
        self.clones_since += 1;
        HandleKind::Clone(self.times)
    }

    /// Removes a handle. Returns whether no handle is left that counts. `lasting` is the number of lasting handles.
    pub(super) fn remove(&mut self, kind: HandleKind, lasting: u32) -> bool {
        match kind {
            HandleKind::Clone(times) if times != self.times => return false,
            HandleKind::Clone(_) => self.clones_since -= 1,
            HandleKind::Lasting => {}
        }
        lasting == 0 && self.clones_since == 0 && self.times > 0
    }
}
