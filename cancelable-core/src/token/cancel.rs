//! Cancelling a token and all that hangs below it.
//!
//! Three passes. The first goes down the tree: at each object it stores the state and takes the
//! waiters. The second wakes them. The third runs the callbacks that the first one met, a parent's
//! before its children's. So a callback that blocks for ever keeps no waiter asleep, and whatever
//! code of a user's runs, in a waker or in a callback, finds every descendant cancelled.
//!
//! The walk keeps its own stack on the heap, and drops each list's iterator before it goes below
//! the list's last entry, so a chain of any depth takes constant space.

use super::branch::Branch;
use super::callback;
use super::cancel_pass::ActivePass;
use super::inline_list::InlineList;
use super::link::Above;
use super::member::Member;
use super::node::{Marked, Node};
use super::slab::SlabIter;
use crate::cause::{Cause, Facts};
use crate::sync::{is_logged, isolate, log};
use std::sync::{Arc, Weak};
use std::task::Waker;

/// Cancels the token of `node`. True if this call did it, and no other before.
///
/// Either way, everything below says cancelled when it returns. No lock is held when anything of a
/// user runs, and nothing of a user makes this unwind.
pub(super) fn cancel(node: &Arc<Node>, cause: Cause) -> bool {
    cancel_deferring_callbacks(node, cause).0
}

/// [`cancel`] that leaves the callbacks to whoever has the second answer. All waiters were woken.
pub(super) fn cancel_deferring_callbacks(
    node: &Arc<Node>,
    cause: Cause,
) -> (bool, PendingCallbacks) {
    cancel_with(node, cause, true)
}

/// [`cancel`] without a word to the log.
pub(super) fn cancel_unlogged(node: &Arc<Node>, cause: Cause) {
    drop(cancel_with(node, cause, false));
}

fn cancel_with(node: &Arc<Node>, cause: Cause, is_logged_cancel: bool) -> (bool, PendingCallbacks) {
    let lost = || (false, PendingCallbacks::none());
    if node.is_never() {
        return lost();
    }
    // Spares losers the clock; who wins is decided under the locks.
    if node.is_cancelled() {
        node.wait_for_descendants();
        return lost();
    }
    let facts = stamped_facts(cause);
    let mut walk = Walk::new(facts);
    let Some(marked) = mark_first(node, &mut walk.pass) else {
        node.wait_for_descendants();
        return lost();
    };
    let won = !marked.inherited;
    if let Some(branch) = walk.note(Arc::clone(node), marked) {
        walk.descend(branch);
    }
    let pending = walk.end(won.then_some(node), is_logged_cancel);
    (won, pending)
}

/// The callbacks that a cancel has met and that have not run: its third pass, which its drop is.
///
/// So none is lost, whoever drops it and wherever. One that is unregistered before its turn never runs.
pub(crate) struct PendingCallbacks {
    /// In the order of the walk.
    nodes: Vec<Arc<Node>>,
    /// None where nothing was cancelled.
    facts: Option<Arc<Facts>>,
}

impl PendingCallbacks {
    fn none() -> Self {
        Self {
            nodes: Vec::new(),
            facts: None,
        }
    }

    /// Whether no callback was met.
    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}

/// Nothing of a user makes this unwind: each callback is run in isolation.
impl Drop for PendingCallbacks {
    fn drop(&mut self) {
        let Some(facts) = &self.facts else { return };
        for node in self.nodes.drain(..) {
            callback::run_all(&node, facts);
        }
    }
}

/// The cause of a cancel that happens now.
pub(super) fn stamped_facts(cause: Cause) -> Arc<Facts> {
    cause.stamped_here().into_facts()
}

/// Cancels `branch` as one of its inputs would, for a join of which an input is cancelled already.
pub(super) fn cancel_branch(branch: &Arc<Branch>, facts: Arc<Facts>, from: &Arc<Branch>) {
    let mut walk = Walk::new(facts);
    if branch.cancel(&mut walk.pass, Some(from), None) {
        walk.keep_join(branch);
        walk.descend(Arc::clone(branch));
    }
    drop(walk.end(None, false));
}

/// Settles the node unless the branch above is cancelled: "One cause" in the module's header.
fn mark_first(node: &Node, pass: &mut ActivePass) -> Option<Marked> {
    let Some(parent) = node.parent() else {
        return node.mark_cancelled(pass, None);
    };
    // Branch above, then node below.
    let mut open = parent.open()?;
    let linked_waiter = node.unlink_waiter(&mut open);
    let mut marked = node.mark_cancelled(pass, None)?;
    if let Some(waker) = linked_waiter {
        marked.waiters.insert(waker);
    }
    Some(marked)
}

/// One line at debug. The logger is a user's, so it is asked after all waiters were woken, and a
/// panic of its ends here.
///
/// The cause is not asked for while the level is off.
///
/// The token of an operation is named by that.
pub(super) fn log_cancel(node: &Node, cause: impl FnOnce() -> Option<Cause>) {
    if !is_logged(log::Level::Debug) {
        return;
    }
    let Some(cause) = cause() else {
        return;
    };
    let reason = cause.reason().as_str();
    match node.operation() {
        Some(operation) => log!(
            Debug,
            operation = &*operation.shown_name(), id = operation.id().get(), reason, cause:% = cause;
            "token of {operation} cancelled: {cause}"
        ),
        None => log!(Debug, reason, cause:% = cause; "token cancelled: {cause}"),
    }
}

struct Walk {
    pass: ActivePass,
    /// What the walk took and has to wake.
    taken: TakenWakers,
    /// The nodes whose callbacks are to run, in the order of the walk.
    with_callbacks: Vec<Arc<Node>>,
    /// The joins that the walk has cancelled, which stand in the lists of other inputs.
    joins: Vec<Arc<Branch>>,
    /// What lost its last handle while the walk looked at it. Dropped after the first pass: that is
    /// code of a user's.
    gone: (Vec<Node>, Vec<Branch>),
}

impl Walk {
    fn new(facts: Arc<Facts>) -> Self {
        Self {
            pass: ActivePass::new(facts),
            taken: TakenWakers::default(),
            with_callbacks: Vec::new(),
            joins: Vec::new(),
            gone: (Vec::new(), Vec::new()),
        }
    }

    /// The first pass: tells the members of `branch`, which the pass has taken, and everything below them.
    ///
    /// Ends: a branch's members are taken once, and members made later are cancelled from birth.
    fn descend(&mut self, branch: Arc<Branch>) {
        let mut levels: Vec<Level> = Vec::new();
        let mut below = Some(branch);
        loop {
            below = match below {
                // Down by the first member. Where it is the only one, as in a chain, no level is kept.
                Some(branch) => {
                    let (first, rest) = self.pass.taken.split();
                    let below = first.and_then(|member| self.notify(member, &branch));
                    match rest {
                        Some(rest) => levels.push(Level { branch, rest }),
                        None => release(branch, &mut self.gone.1),
                    }
                    below
                }
                None => {
                    let Some(level) = levels.last_mut() else {
                        return;
                    };
                    let member = level.rest.next();
                    let below = member.and_then(|member| self.notify(member, &level.branch));
                    if level.rest.is_done() {
                        if let Some(level) = levels.pop() {
                            release(level.branch, &mut self.gone.1);
                        }
                    }
                    below
                }
            };
        }
    }

    /// Tells one member of the branch `from`, and gives what hangs below it and is to be told next; its
    /// members are with the pass.
    fn notify(&mut self, member: Member, from: &Arc<Branch>) -> Option<Arc<Branch>> {
        let (node, entry) = match member {
            Member::Waiter(waker) => {
                self.taken.add(waker);
                return None;
            }
            Member::Token { node, branch } => (node, branch),
        };
        if let Some(node) = node.as_ref().and_then(Weak::upgrade) {
            let below = match node.mark_cancelled(&mut self.pass, Some(from)) {
                Some(marked) => self.note(node, marked),
                None => {
                    release(node, &mut self.gone.0);
                    None
                }
            };
            if below.is_some() {
                return below;
            }
        }
        let branch = entry.as_ref().and_then(Weak::upgrade)?;
        match branch.cancel(&mut self.pass, Some(from), entry) {
            true => {
                self.keep_join(&branch);
                Some(branch)
            }
            false => {
                release(branch, &mut self.gone.1);
                None
            }
        }
    }

    fn keep_join(&mut self, branch: &Arc<Branch>) {
        if let Above::Inputs(_) = branch.above() {
            self.joins.push(Arc::clone(branch));
        }
    }

    /// Keeps what `node` left for the passes to come, and gives what hangs below it.
    fn note(&mut self, node: Arc<Node>, marked: Marked) -> Option<Arc<Branch>> {
        self.taken.add_list(marked.waiters);
        if let Some(sharded_waiters) = node.sharded_waiters() {
            sharded_waiters
                .take()
                .for_each(|list| self.taken.add_list(list));
        }
        match marked.has_callbacks {
            true => self.with_callbacks.push(node),
            false => release(node, &mut self.gone.0),
        }
        marked.below
    }

    /// Ends the first pass, runs the second, and gives the third. `won` is the token that was cancelled itself,
    /// which the log hears of if `is_logged_cancel`.
    fn end(self, won: Option<&Arc<Node>>, is_logged_cancel: bool) -> PendingCallbacks {
        let facts = Arc::clone(self.pass.facts());
        self.pass.end();
        self.taken.wake();
        if let Some(node) = won {
            node.unlink();
        }
        self.joins.iter().for_each(|join| join.unlink_inputs());
        drop((self.gone, self.joins));
        if let Some(node) = won.filter(|_| is_logged_cancel) {
            let cause = || Some(Cause::from_facts(Arc::clone(&facts), false));
            log_cancel(node, cause);
        }
        PendingCallbacks {
            nodes: self.with_callbacks,
            facts: Some(facts),
        }
    }
}

/// The waiters that a walk took. One costs no allocation.
#[derive(Default)]
struct TakenWakers {
    first: Option<Waker>,
    others: Vec<Waker>,
    /// Long lists are not copied.
    lists: Vec<SlabIter<Waker>>,
}

impl TakenWakers {
    #[inline]
    fn add(&mut self, waker: Waker) {
        match self.first {
            None => self.first = Some(waker),
            Some(_) => self.others.push(waker),
        }
    }

    fn add_list(&mut self, mut list: InlineList<Waker>) {
        let (first, rest) = list.split();
        if let Some(waker) = first {
            self.add(waker);
        }
        self.lists.extend(rest);
    }

    /// The second pass: wakes each of them. One that panics stops no other.
    fn wake(self) {
        let lists = self.lists.into_iter().flatten();
        let all = self.first.into_iter().chain(self.others).chain(lists);
        all.for_each(|waker| {
            isolate("a waker", || waker.wake());
        });
    }
}

/// Gives a handle back, and keeps what it was a handle to if it was the last.
fn release<T>(handle: Arc<T>, gone: &mut Vec<T>) {
    gone.extend(Arc::into_inner(handle));
}

/// The members of one branch that are still to be told.
struct Level {
    branch: Arc<Branch>,
    rest: SlabIter<Member>,
}
