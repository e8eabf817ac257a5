//! Handles that do not keep a token alive.

use super::handle::CancellationToken;
use super::node::Node;
use std::sync::{Arc, Weak};

/// A handle that does not keep its token alive, from [`CancellationToken::downgrade`].
///
/// # Examples
///
/// ```
/// use cancelable_core::CancellationToken;
///
/// let token = CancellationToken::new();
/// let weak = token.downgrade();
/// if let Some(token) = weak.upgrade() {
///     token.cancel();
/// }
/// assert!(token.is_cancelled());
/// ```
#[derive(Clone, Debug)]
pub struct WeakCancellationToken {
    node: Weak<Node>,
}

impl WeakCancellationToken {
    pub(super) fn new(node: &Arc<Node>) -> Self {
        Self {
            node: Arc::downgrade(node),
        }
    }

    /// Returns the token if it is alive: while there is a handle, a future that owns a handle, or a registration of a
    /// callback. A child does not keep its parent alive.
    #[must_use]
    pub fn upgrade(&self) -> Option<CancellationToken> {
        self.node.upgrade().map(CancellationToken::from_node)
    }
}
