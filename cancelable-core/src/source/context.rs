//! What a source is given when it starts.

use crate::runtime::RuntimeHandle;
use crate::token::CancellationToken;

/// What a source may use while it watches for a scope.
#[derive(Clone, Debug)]
pub struct SourceContext {
    runtime: Option<RuntimeHandle>,
    token: CancellationToken,
}

impl SourceContext {
    pub(crate) fn new(runtime: Option<RuntimeHandle>, token: CancellationToken) -> Self {
        Self { runtime, token }
    }

    /// The runtime of the scope, for timers and blocking work. A source whose
    /// [`needs_runtime`](super::Source::needs_runtime) says yes always finds one here.
    #[must_use]
    pub fn runtime(&self) -> Option<&RuntimeHandle> {
        self.runtime.as_ref()
    }

    /// The token of the scope that the source watches for.
    #[must_use]
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }
}
