//! The number of handles of an operation that was not run; see `handles.rs`.

use crate::sync::{AtomicU32, Ordering};

/// The numbers of handles of a scope that has not been run. Small, so that both take the room of one.
pub(crate) struct HandleCount {
    all: AtomicU32,
    /// That of `build`, and those of runs.
    lasting: AtomicU32,
}

/// The kind of a handle, for the count.
#[derive(Clone, Copy, Debug)]
pub(crate) enum HandleKind {
    /// It keeps the operation open, whatever is deferred.
    Lasting,
    /// A clone that was made after something had been deferred so many times.
    Clone(u32),
}

impl HandleCount {
    /// That of a new operation: one handle, from `build`.
    pub(super) fn new() -> Self {
        Self {
            all: AtomicU32::new(1),
            lasting: AtomicU32::new(1),
        }
    }

    pub(super) fn add(&self) {
        // Relaxed, as in `Arc`: the handle that is copied keeps the number above zero.
        self.all.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn add_lasting(&self) {
        // Relaxed: as above.
        self.add();
        self.lasting.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a handle no longer. Whether it was the last, and how many lasting ones are left.
    pub(super) fn remove(&self, kind: HandleKind) -> (bool, u32) {
        // AcqRel, as in `Arc`: what other handles did to the scope comes before its end.
        let is_last = self.all.fetch_sub(1, Ordering::AcqRel) == 1;
        let lasting = match kind {
            HandleKind::Lasting => self.lasting.fetch_sub(1, Ordering::AcqRel) - 1,
            HandleKind::Clone(_) => self.lasting.load(Ordering::Acquire),
        };
        (is_last, lasting)
    }
}

/// How often something was deferred before the run, and the clones that were made since; under the record's lock.
#[derive(Default)]
pub(super) struct Deferrals {
    times: u32,
    /// The clones that were made since the last time, and are there.
    clones_since: usize,
}

impl Deferrals {
    /// Notes that something is deferred, which may hold any handle that there is.
    pub(super) fn note(&mut self) {
        self.times += 1;
        self.clones_since = 0;
    }

    pub(super) fn add_clone(&mut self) -> HandleKind {
        self.clones_since += 1;
        HandleKind::Clone(self.times)
    }

    /// Counts a handle no longer. True if nothing is left that counts, with so many lasting handles.
    pub(super) fn remove(&mut self, kind: HandleKind, lasting: u32) -> bool {
        match kind {
            HandleKind::Clone(times) if times != self.times => return false,
            HandleKind::Clone(_) => self.clones_since -= 1,
            HandleKind::Lasting => {}
        }
        lasting == 0 && self.clones_since == 0 && self.times > 0
    }
}
