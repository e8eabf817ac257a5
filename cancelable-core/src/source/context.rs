//! The context that a source is given when it starts, and the handle that cancels its scope.

use crate::cause::Cause;
use crate::runtime::RuntimeHandle;
use crate::token::CancellationToken;
use std::fmt;
use std::sync::Weak;

/// The runtime and the token of the scope, for a source.
#[derive(Clone, Debug)]
pub struct SourceContext {
    runtime: Option<RuntimeHandle>,
    token: CancellationToken,
}

impl SourceContext {
    pub(crate) fn new(runtime: Option<RuntimeHandle>, token: CancellationToken) -> Self {
        Self { runtime, token }
    }

    /// The runtime of the scope, for timers and blocking work. Always there for a source whose
    /// [`needs_runtime`](super::Source::needs_runtime) returns true.
    #[must_use]
    pub fn runtime(&self) -> Option<&RuntimeHandle> {
        self.runtime.as_ref()
    }

    /// The token of the scope.
    #[must_use]
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }
}

/// The receiver of a source's cancel: the scope, or a group of sources.
pub(crate) trait Decide: Send + Sync {
    /// Takes the request. Returns true if it is on record.
    fn decide(&self, cause: Cause) -> bool;
}

/// A handle that cancels a scope at once, from any thread, for
/// [`Source::start_deciding`](super::Source::start_deciding).
///
/// It does not keep the scope alive.
#[derive(Clone)]
pub struct ScopeCancel {
    target: Weak<dyn Decide>,
}

impl ScopeCancel {
    pub(crate) fn new(target: Weak<dyn Decide>) -> Self {
        Self { target }
    }

    /// Cancels the scope. Returns true if the request is on record: it is the cause of the scope's cancellation, and
    /// its outcome will have it. Returns false if the scope has ended, or was cancelled for something else, or if the
    /// source is a member of an [`all_of`](super::all_of) of which others have not fired; there, the same call may
    /// return true later.
    ///
    /// Wakers and callbacks of the scope's token run inside this call, as in any cancel.
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
