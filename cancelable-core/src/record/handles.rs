//! What keeps an operation open that has not been run: the handles of its scope.
//!
//! The last of them to go abandons it. What was deferred may hold one, and is held by the record, so that one
//! would never go. Which handles lie in it cannot be known. So where something was deferred before the run, the clones that
//! were there before that count no longer by themselves: the handle that `build` gave and those of runs
//! do, and the clones that were made later, which cannot lie in it. Once none of these is left the
//! operation is abandoned, whoever has another handle.
//!
//! Nothing of this counts once the operation is not pending any more: a status never goes back to that, so a number that was
//! left alone is never read.

use super::{Inner, Record};
use crate::report::Status;
use crate::sync::{AtomicU32, Ordering};

/// The numbers of handles of a scope that has not been run. Small, so that both take the room of one.
pub(crate) struct Handles {
    all: AtomicU32,
    /// That of `build`, and those of runs.
    lasting: AtomicU32,
}

/// What a handle counts as.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Standing {
    /// It keeps the operation open, whatever is deferred.
    Lasting,
    /// A clone that was made after something had been deferred so many times.
    Clone(u32),
}

/// What was deferred before the run, and who has come since; under the lock of the record.
#[derive(Default)]
pub(crate) struct Deferrals {
    times: u32,
    /// The clones that were made since the last one, and are there.
    clones_since: usize,
}

impl Handles {
    /// Those of a new operation: one, from `build`.
    pub(crate) fn new() -> Self {
        Self {
            all: AtomicU32::new(1),
            lasting: AtomicU32::new(1),
        }
    }
}

impl Record {
    /// Counts a clone.
    pub(crate) fn add_clone(&self) -> Standing {
        if self.status() != Status::Pending {
            return Standing::Clone(0);
        }
        // Relaxed, as in `Arc`: the handle that is cloned keeps the number above zero.
        self.handles.all.fetch_add(1, Ordering::Relaxed);
        // Who has not heard that something was deferred has no handle that was made after it.
        if !self.has_deferred() {
            return Standing::Clone(0);
        }
        self.with_aside(|aside| {
            aside.deferrals.clones_since += 1;
            Standing::Clone(aside.deferrals.times)
        })
    }

    /// Counts the handle of a run.
    pub(crate) fn add_lasting(&self) -> Standing {
        if self.status() == Status::Pending {
            // Relaxed: as above.
            self.handles.all.fetch_add(1, Ordering::Relaxed);
            self.handles.lasting.fetch_add(1, Ordering::Relaxed);
        }
        Standing::Lasting
    }

    /// Counts a handle no longer. True if nothing keeps the operation open any more.
    pub(crate) fn remove_handle(&self, standing: Standing) -> bool {
        if self.status() != Status::Pending {
            return false;
        }
        // AcqRel, as in `Arc`: what other handles did to the scope comes before its end.
        let is_last = self.handles.all.fetch_sub(1, Ordering::AcqRel) == 1;
        let lasting = match standing {
            Standing::Lasting => self.handles.lasting.fetch_sub(1, Ordering::AcqRel) - 1,
            Standing::Clone(_) => self.handles.lasting.load(Ordering::Acquire),
        };
        is_last || (self.has_deferred() && self.is_deserted(standing, lasting))
    }

    fn is_deserted(&self, standing: Standing, lasting: u32) -> bool {
        self.with_aside(|aside| {
            let deferrals = &mut aside.deferrals;
            match standing {
                Standing::Clone(times) if times != deferrals.times => return false,
                Standing::Clone(_) => deferrals.clones_since -= 1,
                Standing::Lasting => {}
            }
            lasting == 0 && deferrals.clones_since == 0 && deferrals.times > 0
        })
    }

    /// Notes that something is deferred, which may hold any handle that there is.
    pub(crate) fn note_deferral(&self, inner: &mut Inner) {
        if self.status() == Status::Pending {
            let deferrals = &mut inner.aside.get_or_insert_default().deferrals;
            deferrals.times += 1;
            deferrals.clones_since = 0;
        }
    }
}
