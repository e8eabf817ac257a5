//! The error of a runtime that takes no more work.

use crate::sync::SyncWrapper;
use std::fmt;

/// A runtime that is gone did not take this work, and hands it back.
pub struct Refused<W> {
    work: SyncWrapper<W>,
}

impl<W> Refused<W> {
    /// Hands `work` back.
    pub fn new(work: W) -> Self {
        Self {
            work: SyncWrapper::new(work),
        }
    }

    /// The work that was not taken.
    pub fn into_inner(self) -> W {
        self.work.into_inner()
    }
}

impl<W> fmt::Debug for Refused<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused").finish_non_exhaustive()
    }
}

impl<W> fmt::Display for Refused<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the runtime is gone and takes no more work; keep it alive for as long as work is spawned")
    }
}

impl<W> std::error::Error for Refused<W> {}
