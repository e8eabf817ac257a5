//! Cancelling a token and all that hangs below it.
//!
//! Three passes. The first goes down the tree: at each object it stores the state and takes the
//! waiters. The second wakes them. The third runs the callbacks that the first one met, a parent's
//! before its children's. So a callback that blocks for ever keeps no waiter asleep, and whatever
//! code of a user's runs, in a waker or in a callback, finds every descendant cancelled.
//!
//! The walk keeps its own stack on the heap, and drops each list's iterator before it goes below
//! the list's last entry, so a chain of any depth takes constant space.

use super::bag::{self, Bag};
use super::branch::{Branch, Member};
use super::callback;
use super::node::{Node, Settled};
use crate::cause::{Cause, Facts};
use crate::sync::isolate;
use std::sync::{Arc, Weak};
use std::task::Waker;

/// Cancels the token of `node`. True if this call did it, and no other before.
///
/// No lock is held when anything of a user runs, and nothing of a user makes this unwind.
pub(super) fn cancel(node: &Arc<Node>, cause: Cause) -> bool {
    // Spares losers the clock; who wins is decided under the locks.
    if node.is_cancelled() || node.is_never() {
        return false;
    }
    let facts = cause.stamped(crate::sync::clock::now).into_facts();
    let Some(settled) = settle_first(node, &facts) else {
        return false;
    };
    let mut walk = Walk::new(facts);
    walk.note(node, settled);
    if let Some(branch) = node.branch() {
        walk.descend(branch, None);
    }
    walk.wake();
    report(&walk.facts);
    walk.run_callbacks();
    true
}

/// Cancels `branch` as one of its inputs would, for a join of which an input is cancelled already.
pub(super) fn cancel_branch(branch: &Arc<Branch>, facts: Arc<Facts>, from: &Arc<Branch>) {
    let mut walk = Walk::new(facts);
    walk.descend(branch, Some(from));
    walk.wake();
    walk.run_callbacks();
}

/// Settles the node unless the branch above is cancelled: "One cause" in the module's header.
fn settle_first(node: &Node, facts: &Arc<Facts>) -> Option<Settled> {
    match node.parent() {
        None => node.settle(facts, false),
        Some(parent) => {
            // Branch above, then node below.
            let _open = parent.open()?;
            node.settle(facts, false)
        }
    }
}

/// One line at debug. The logger is a user's, so it is asked after all waiters were woken, and a
/// panic of its ends here.
fn report(facts: &Arc<Facts>) {
    let level = log::Level::Debug;
    if level > log::STATIC_MAX_LEVEL || level > log::max_level() {
        return;
    }
    let cause = Cause::from_facts(Arc::clone(facts), false);
    isolate("a logger", || {
        log::debug!(target: "cancelable", reason = cause.reason().as_str(); "token cancelled: {cause}");
    });
}

struct Walk {
    facts: Arc<Facts>,
    /// What the walk took and has to wake.
    waiters: Bag<Bag<Waker>>,
    /// The nodes whose callbacks are to run, in the order of the walk.
    with_callbacks: Vec<Arc<Node>>,
}

impl Walk {
    fn new(facts: Arc<Facts>) -> Self {
        Self {
            facts,
            waiters: Bag::default(),
            with_callbacks: Vec::new(),
        }
    }

    /// The first pass: cancels `branch` and everything below it.
    ///
    /// Ends: a branch's members are taken once, and members made later are cancelled from birth.
    fn descend(&mut self, branch: &Arc<Branch>, from: Option<&Arc<Branch>>) {
        let Some(members) = branch.cancel(&self.facts, from) else {
            return;
        };
        let mut stack = vec![Level::new(Arc::clone(branch), members)];
        while let Some(level) = stack.last_mut() {
            let Some(member) = level.next() else {
                stack.pop();
                continue;
            };
            if let Some(node) = member.node.as_ref().and_then(Weak::upgrade) {
                if let Some(settled) = node.settle(&self.facts, true) {
                    self.note(&node, settled);
                }
            }
            let Some(below) = member.branch.as_ref().and_then(Weak::upgrade) else {
                continue;
            };
            if let Some(members) = below.cancel(&self.facts, Some(&level.branch)) {
                if level.is_done() {
                    stack.pop();
                }
                if !members.is_empty() {
                    stack.push(Level::new(below, members));
                }
            }
        }
    }

    /// Keeps what `node` left for the passes to come.
    fn note(&mut self, node: &Arc<Node>, settled: Settled) {
        if !settled.waiters.is_empty() {
            self.waiters.insert(settled.waiters);
        }
        if settled.has_callbacks {
            self.with_callbacks.push(Arc::clone(node));
        }
    }

    /// The second pass: wakes each waiter. One that panics stops no other.
    fn wake(&mut self) {
        for waker in std::mem::take(&mut self.waiters).into_iter().flatten() {
            isolate("a waker", || waker.wake());
        }
    }

    /// The third pass.
    fn run_callbacks(self) {
        for node in self.with_callbacks {
            callback::run_all(&node, &self.facts);
        }
    }
}

/// The members of one branch that are still to be told.
struct Level {
    branch: Arc<Branch>,
    next: Option<Member>,
    rest: bag::IntoIter<Member>,
}

impl Level {
    fn new(branch: Arc<Branch>, members: Bag<Member>) -> Self {
        let mut rest = members.into_iter();
        Self {
            branch,
            next: rest.next(),
            rest,
        }
    }

    /// The next member. One is read ahead, so that `is_done` is known while the last is handled.
    fn next(&mut self) -> Option<Member> {
        std::mem::replace(&mut self.next, self.rest.next())
    }

    fn is_done(&self) -> bool {
        self.next.is_none()
    }
}
