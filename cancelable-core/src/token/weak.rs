//! Handles that do not keep a token alive.

use super::handle::CancellationToken;
use super::node::Node;
use std::sync::{Arc, Weak};

/// A handle that does not keep its token alive, from [`CancellationToken::downgrade`].
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

    /// The token, if anyone still holds it: a handle, a future that owns one, or a registered
    /// callback. Children do not.
    #[must_use]
    pub fn upgrade(&self) -> Option<CancellationToken> {
        self.node.upgrade().map(CancellationToken::from_node)
    }
}
