//! Cancelling a token and everything below it, in three passes.
//!
//! The first pass walks down the tree: it marks each object and takes its waiters. The second wakes them. The
//! third runs the callbacks found by the first, a parent's before its children's. So a callback that blocks for
//! ever delays no waiter, and user code in a waker or a callback finds every descendant cancelled.
//!
//! The walk keeps its stack on the heap, and drops the iterator of a list before it descends below the list's
//! last entry. So a chain of any depth needs constant space.

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

/// Cancels the token of `node`. Returns whether this call cancelled the token.
///
/// After the return, with either result, everything below is marked. Requires that no lock is held, because user code
/// runs. No panic of user code unwinds out of this function.
pub(super) fn cancel(node: &Arc<Node>, cause: Cause) -> bool {
    cancel_deferring_callbacks(node, cause).0
}

/// Cancels as [`cancel`] does, and defers the callbacks to the drop of the second result. All waiters are woken
/// before this returns.
pub(super) fn cancel_deferring_callbacks(
    node: &Arc<Node>,
    cause: Cause,
) -> (bool, PendingCallbacks) {
    cancel_with(node, cause, true)
}

/// Cancels as [`cancel`] does, without a line in the log.
pub(super) fn cancel_unlogged(node: &Arc<Node>, cause: Cause) {
    drop(cancel_with(node, cause, false));
}

fn cancel_with(node: &Arc<Node>, cause: Cause, log_it: bool) -> (bool, PendingCallbacks) {
    let lost = || (false, PendingCallbacks::none());
    if node.is_never() {
        return lost();
    }
    // A shortcut that reads no clock. The winner is decided under the locks.
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
    if let Some(branch) = walk.store_taken(Arc::clone(node), marked) {
        walk.descend(branch);
    }
    let pending = walk.finish(won.then_some(node), log_it);
    (won, pending)
}

/// The callbacks that a cancel has found and not run yet. Its drop is the third pass.
///
/// No callback is lost, wherever the value is dropped. A callback that is unregistered before its turn never runs.
pub(crate) struct PendingCallbacks {
    /// The nodes with callbacks, in the order of the walk.
    nodes: Vec<Arc<Node>>,
    /// The cause, stamped; `None` if nothing was cancelled.
    facts: Option<Arc<Facts>>,
}

impl PendingCallbacks {
    fn none() -> Self {
        Self {
            nodes: Vec::new(),
            facts: None,
        }
    }

    /// Returns whether no callback was found.
    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}

/// Never unwinds: each callback runs in isolation.
impl Drop for PendingCallbacks {
    fn drop(&mut self) {
        let Some(facts) = &self.facts else { return };
        for node in self.nodes.drain(..) {
            callback::run_all(&node, facts);
        }
    }
}

/// Returns the facts of `cause`, stamped with the current time.
pub(super) fn stamped_facts(cause: Cause) -> Arc<Facts> {
    cause.stamped_here().into_facts()
}

/// Cancels the join `branch` through its input `from`, which was cancelled before the join was linked to it.
pub(super) fn cancel_branch(branch: &Arc<Branch>, facts: Arc<Facts>, from: &Arc<Branch>) {
    let mut walk = Walk::new(facts);
    if branch.cancel(&mut walk.pass, Some(from), None) {
        walk.keep_join(branch);
        walk.descend(Arc::clone(branch));
    }
    drop(walk.finish(None, false));
}

/// Marks the node, unless the parent's branch is cancelled: "One cause" in the module's header.
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

/// Logs a cancel, at debug level. Called after all waiters were woken, because the logger is user code.
///
/// `cause` is called only if the level is on. The line names the operation whose token was cancelled, if there is one.
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
    /// The waiters to wake.
    wakers: TakenWakers,
    /// The nodes whose callbacks are to run, in the order of the walk.
    with_callbacks: Vec<Arc<Node>>,
    /// The joins that the walk has cancelled, which have entries in other inputs.
    joins: Vec<Arc<Branch>>,
    /// The objects whose last handle the walk has released. Dropped after the first pass, because their drop
    /// runs user code.
    gone: (Vec<Node>, Vec<Branch>),
}

impl Walk {
    fn new(facts: Arc<Facts>) -> Self {
        Self {
            pass: ActivePass::new(facts),
            wakers: TakenWakers::default(),
            with_callbacks: Vec::new(),
            joins: Vec::new(),
            gone: (Vec::new(), Vec::new()),
        }
    }

    /// The first pass: notifies the members of `branch`, which are in the pass, and everything below them.
    ///
    /// Ends: a branch's members are taken once, and members made later are cancelled from the start.
    fn descend(&mut self, branch: Arc<Branch>) {
        let mut levels: Vec<Level> = Vec::new();
        let mut below = Some(branch);
        loop {
            below = match below {
                // Descends by the first member. A branch with one member, as in a chain, needs no level.
                Some(branch) => {
                    let (first, rest) = self.pass.members.split();
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

    /// Notifies one member of the branch `from`. Returns the branch below it to descend into; its members are
    /// in the pass.
    fn notify(&mut self, member: Member, from: &Arc<Branch>) -> Option<Arc<Branch>> {
        let (node, entry) = match member {
            Member::Waiter(waker) => {
                self.wakers.add(waker);
                return None;
            }
            Member::Token { node, branch } => (node, branch),
        };
        if let Some(node) = node.as_ref().and_then(Weak::upgrade) {
            let below = match node.mark_cancelled(&mut self.pass, Some(from)) {
                Some(marked) => self.store_taken(node, marked),
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

    /// Stores the waiters and callbacks that were taken from `node` for the later passes, and returns the branch
    /// below the node.
    fn store_taken(&mut self, node: Arc<Node>, marked: Marked) -> Option<Arc<Branch>> {
        self.wakers.add_list(marked.waiters);
        if let Some(sharded_waiters) = node.sharded_waiters() {
            sharded_waiters
                .take()
                .for_each(|list| self.wakers.add_list(list));
        }
        match marked.has_callbacks {
            true => self.with_callbacks.push(node),
            false => release(node, &mut self.gone.0),
        }
        marked.below
    }

    /// Finishes the first pass, runs the second, and returns the third. `won` is the token that was cancelled
    /// itself; its cancel is logged if `log_it`.
    fn finish(self, won: Option<&Arc<Node>>, log_it: bool) -> PendingCallbacks {
        let facts = Arc::clone(self.pass.facts());
        self.pass.finish();
        self.wakers.wake();
        if let Some(node) = won {
            node.unlink();
        }
        self.joins.iter().for_each(|join| join.unlink_inputs());
        drop((self.gone, self.joins));
        if let Some(node) = won.filter(|_| log_it) {
            let cause = || Some(Cause::from_facts(Arc::clone(&facts), false));
            log_cancel(node, cause);
        }
        PendingCallbacks {
            nodes: self.with_callbacks,
            facts: Some(facts),
        }
    }
}

/// The wakers that a walk took. One waker needs no allocation.
#[derive(Default)]
struct TakenWakers {
    first: Option<Waker>,
    others: Vec<Waker>,
    /// The long lists, which are not copied.
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

    /// The second pass: wakes each waker in isolation.
    fn wake(self) {
        let lists = self.lists.into_iter().flatten();
        let all = self.first.into_iter().chain(self.others).chain(lists);
        all.for_each(|waker| {
            isolate("a waker", || waker.wake());
        });
    }
}

/// Releases a handle, and stores the object in `gone` if the handle was the last.
fn release<T>(handle: Arc<T>, gone: &mut Vec<T>) {
    gone.extend(Arc::into_inner(handle));
}

/// The members of one branch that are not notified yet.
struct Level {
    branch: Arc<Branch>,
    rest: SlabIter<Member>,
}
