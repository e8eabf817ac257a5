//! One entry of a branch's list of members.

use super::branch::Branch;
use super::node::Node;
use std::sync::Weak;
use std::task::Waker;

/// An object that a branch notifies when it is cancelled.
#[derive(Debug)]
pub(super) enum Member {
    /// The only waiter of a token below, if nothing else of the token has to be notified. The canceller of the
    /// branch wakes it without access to the token.
    Waiter(Waker),
    /// A token below, the branch of that token, or both.
    ///
    /// The two share an entry, so that the token is notified before the objects below it. An entry with neither is
    /// removed.
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

    /// Returns the token's part of the entry.
    pub(super) fn node_mut(&mut self) -> Option<&mut Option<Weak<Node>>> {
        match self {
            Self::Waiter(_) => None,
            Self::Token { node, .. } => Some(node),
        }
    }

    /// Returns the branch's part of the entry.
    pub(super) fn branch_mut(&mut self) -> Option<&mut Option<Weak<Branch>>> {
        match self {
            Self::Waiter(_) => None,
            Self::Token { branch, .. } => Some(branch),
        }
    }

    /// Returns whether the entry has neither part.
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
