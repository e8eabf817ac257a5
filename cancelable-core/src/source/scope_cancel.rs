//! The handle by which a source that decides alone cancels its scope at once, from any thread.

use crate::cause::Cause;
use std::fmt;
use std::sync::Weak;

/// What a source that decides is asked by: the scope, or a group that the scope has started.
pub(crate) trait Decide: Send + Sync {
    /// Takes the request. True if it is on record.
    fn decide(&self, cause: Cause) -> bool;
}

/// Cancels a scope at once, from any thread. [`Source::start_deciding`](super::Source::start_deciding)
/// is given one.
///
/// It does not keep the scope.
#[derive(Clone)]
pub struct ScopeCancel {
    target: Weak<dyn Decide>,
}

impl ScopeCancel {
    pub(crate) fn new(target: Weak<dyn Decide>) -> Self {
        Self { target }
    }

    /// Cancels the scope. True if the request is on record: it is the cause of the scope's cancellation,
    /// and its outcome will have it. False if the scope has ended, or was cancelled for something else, or
    /// if the source is one of an [`all_of`](super::all_of) that waits for others; the same call may be
    /// true later there.
    ///
    /// Wakers and callbacks of the scope's token run in it, as in any cancel.
    #[must_use = "a request that is not on record is still the source's to answer for"]
    pub fn cancel_with(&self, cause: impl Into<Cause>) -> bool {
        let target = self.target.upgrade();
        target.is_some_and(|target| target.decide(cause.into()))
    }
}

impl fmt::Debug for ScopeCancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopeCancel").finish_non_exhaustive()
    }
}
