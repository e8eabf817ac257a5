//! One entry of a branch's list.

use super::branch::Branch;
use super::node::Node;
use std::sync::Weak;
use std::task::Waker;

/// Whom a branch has to tell when it is cancelled.
#[derive(Debug)]
pub(super) enum Member {
    /// The one waiter of a token below that has nothing else to be told: whoever cancels the branch
    /// wakes it without a look at the token.
    Waiter(Waker),
    /// A token below, the branch of that token, or both.
    ///
    /// They share an entry so that the token is told before what hangs below it. An entry with
    /// neither is removed.
    Token {
        node: Option<Weak<Node>>,
        branch: Option<Weak<Branch>>,
    },
}

impl Member {
    pub(super) fn node(node: Weak<Node>) -> Self {
        Self::Token {
            node: Some(node),
            branch: None,
        }
    }

    pub(super) fn branch(branch: Weak<Branch>) -> Self {
        Self::Token {
            node: None,
            branch: Some(branch),
        }
    }

    /// The token's side of it, for changing.
    pub(super) fn node_mut(&mut self) -> Option<&mut Option<Weak<Node>>> {
        match self {
            Self::Waiter(_) => None,
            Self::Token { node, .. } => Some(node),
        }
    }

    /// The branch's side of it, for changing.
    pub(super) fn branch_mut(&mut self) -> Option<&mut Option<Weak<Branch>>> {
        match self {
            Self::Waiter(_) => None,
            Self::Token { branch, .. } => Some(branch),
        }
    }

    /// Whether there is nobody to tell.
    pub(super) fn is_empty(&self) -> bool {
        matches!(
            self,
            Self::Token {
                node: None,
                branch: None
            }
        )
    }
}
