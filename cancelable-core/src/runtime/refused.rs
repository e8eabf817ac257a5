//! The error of an adapter that does not take a piece of work.

use crate::sync::SyncWrapper;
use std::fmt;

/// The error of a runtime that does not take work, with the work; for the methods of a
/// [`RuntimeAdapter`](super::RuntimeAdapter).
///
/// # Examples
///
/// ```
/// use cancelable_core::runtime::{Job, Refused};
///
/// let job: Job = Box::new(|| ());
/// let refused = Refused::new(job);
/// let job = refused.into_inner();
/// job();
/// ```
pub struct Refused<W> {
    work: SyncWrapper<W>,
}

impl<W> Refused<W> {
    /// Makes the error for `work`.
    pub fn new(work: W) -> Self {
        Self {
            work: SyncWrapper::new(work),
        }
    }

    /// Returns the work.
    pub fn into_inner(self) -> W {
        self.work.into_inner()
    }
}

impl<W> fmt::Debug for Refused<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return fmt::Display::fmt(self, f);
        }
        f.debug_struct("Refused").finish_non_exhaustive()
    }
}

impl<W> fmt::Display for Refused<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the runtime has shut down and takes no more work; keep it alive as long as work is spawned")
    }
}

impl<W> std::error::Error for Refused<W> {}
