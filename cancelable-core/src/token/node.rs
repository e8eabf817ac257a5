//! The own part of a token: its state, its waiters and its callbacks.

use super::branch::Branch;
use super::callback::Callbacks;
use super::cancel_pass::{ActivePass, CancelPass};
use super::deadline_check::{self, DeadlineCheck};
use super::inline_list::{InlineList, NO_KEY};
use super::link::Above;
use super::member::Member;
use crate::cause::{Cause, Facts, OperationLabel};
use crate::sync::{AtomicU8, AtomicU32, Mutex, MutexGuard, OnceLock, Ordering, isolate};
use std::sync::{Arc, Weak};
use std::task::Waker;

// The states in order. Up to `NEVER` a node has no parent to read; from `CANCELLED` on the token is
// cancelled.
//
//   ROOT ────────────────────────────────────────────────────────► CANCELLED
//   UNLINKED ──► WAITER_LINKED ──► WAITER_UNLINKED ──► LINKED ──► CANCELLED | INHERITED
//   NEVER stays
//
// A step may skip states. A node with a parent makes all steps up to LINKED under the lock of the parent's
// branch, or of its home if that is another branch (invariant 9).

/// The state of a node without a parent.
pub(super) const ROOT: u8 = 0;
/// The state of a node that can't be cancelled.
pub(super) const NEVER: u8 = 1;
/// The state of a node that is not a member of the parent's branch, because its cancellation has nothing to
/// notify.
pub(super) const UNLINKED: u8 = 2;
/// The state of a node that is not a member, but whose only waiter is a member in its place.
pub(super) const WAITER_LINKED: u8 = 3;
/// The state of a node that is not a member and was WAITER_LINKED before.
pub(super) const WAITER_UNLINKED: u8 = 4;
/// The state of a node that is a member.
pub(super) const LINKED: u8 = 5;
/// The state of a node that was cancelled by a call on its own token.
const CANCELLED: u8 = 6;
/// The state of a node that was cancelled by the cancel of its parent's branch.
pub(super) const INHERITED: u8 = 7;

/// The object behind a token's handles.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) state: AtomicU8,
    /// The number of times that a waiter found the lists locked, up to `MAX_CONTENTIONS`. Read and written
    /// under the lock.
    pub(super) contentions: AtomicU8,
    /// The key of the node, or of the waiter in its place, in the node's home (invariant 9); `NO_KEY` without
    /// an entry. Read and written under the node's lock, or for the waiter under that of the parent's branch,
    /// so every access is relaxed. Stored beside the state, where it needs no extra space.
    pub(super) entry: AtomicU32,
    /// True for the token of an operation, whose deadline check is its own and not that of the token above. Stored
    /// beside the state, where it needs no extra space.
    of_operation: bool,
    inner: Mutex<Inner>,
    /// The parent's branch, which is read as a second flag (invariant 4).
    parent: Option<Arc<Branch>>,
    /// The own branch, once there was a child. Set under the lock.
    branch: OnceLock<Arc<Branch>>,
}

#[derive(Debug)]
pub(super) struct Inner {
    /// The cause, set when the state is a cancelled state (invariant 2). `None` in a node that is INHERITED from its
    /// parent's branch, which stores the cause.
    pub(super) cause: Option<Arc<Facts>>,
    /// The waiters. Empty once the node is cancelled (invariant 6).
    pub(super) waiters: InlineList<Waker>,
    pub(super) callbacks: Option<Box<Callbacks>>,
}

/// Creates a root.
impl Default for Node {
    fn default() -> Self {
        Self::with(ROOT, None, None)
    }
}

impl Node {
    fn with(state: u8, parent: Option<Arc<Branch>>, cause: Option<Arc<Facts>>) -> Self {
        Self {
            state: AtomicU8::new(state),
            contentions: AtomicU8::new(0),
            entry: AtomicU32::new(NO_KEY),
            of_operation: false,
            inner: Mutex::new(Inner {
                cause,
                waiters: InlineList::default(),
                callbacks: None,
            }),
            parent,
            branch: OnceLock::new(),
        }
    }

    /// Stores the label of the operation whose token this is, for the log.
    pub(super) fn set_operation(&self, label: &OperationLabel) {
        let mut inner = self.inner.lock();
        inner.callbacks.get_or_insert_default().operation = Some(label.clone());
    }

    /// Returns that label, if it was stored.
    pub(super) fn operation(&self) -> Option<OperationLabel> {
        self.inner.lock().callbacks.as_ref()?.operation.clone()
    }

    pub(super) fn root() -> Arc<Self> {
        // std constructs a default in place, but moves an argument of `Arc::new`.
        Arc::default()
    }

    pub(super) fn never() -> Arc<Self> {
        Arc::new(Self::with(NEVER, None, None))
    }

    /// Creates a node that is cancelled itself and has nothing below.
    pub(super) fn new_cancelled(facts: Arc<Facts>) -> Arc<Self> {
        Arc::new(Self::with(CANCELLED, None, Some(facts)))
    }

    /// Creates a child that reads `branch`.
    pub(super) fn below(branch: Arc<Branch>) -> Arc<Self> {
        Arc::new(Self::with(UNLINKED, Some(branch), None))
    }

    /// Marks a new node as an operation's.
    pub(super) fn for_operation(mut self: Arc<Self>) -> Arc<Self> {
        // The node is new, so this is its only handle.
        if let Some(node) = Arc::get_mut(&mut self) {
            node.of_operation = true;
        }
        self
    }

    /// Returns the deadline check: that of the own branch, or else that of the parent's branch.
    #[inline]
    pub(super) fn deadline_check(&self) -> Option<&Arc<dyn DeadlineCheck>> {
        let own = self.branch.get().and_then(|branch| branch.deadline_check());
        match self.of_operation {
            true => own,
            false => own.or_else(|| self.parent.as_ref()?.deadline_check()),
        }
    }

    /// Returns the deadline check of the parent's branch.
    pub(super) fn deadline_check_above(&self) -> Option<&Arc<dyn DeadlineCheck>> {
        self.parent.as_ref()?.deadline_check()
    }

    /// Returns [`is_cancelled`](Self::is_cancelled) for code that may keep its run from being polled. Some calls
    /// make the deadline check first.
    #[inline]
    pub(super) fn is_cancelled_by_now(&self) -> bool {
        if self.is_cancelled() {
            return true;
        }
        match self.deadline_check() {
            Some(check) if deadline_check::is_due(check) => {
                deadline_check::run(check);
                self.is_cancelled()
            }
            _ => false,
        }
    }

    #[inline]
    pub(super) fn is_cancelled(&self) -> bool {
        // Acquire: as in `is_marked_cancelled`.
        match self.state.load(Ordering::Acquire) {
            ..=NEVER => false,
            CANCELLED.. => true,
            _ => self
                .parent
                .as_ref()
                .is_some_and(|parent| parent.is_cancelled()),
        }
    }

    /// Returns whether the node's own state is a cancelled state, so that its waiters have been taken.
    #[inline]
    pub(super) fn is_marked_cancelled(&self) -> bool {
        // Acquire: pairs with the Release in `mark_cancelled`. Without it, writes before the cancel could be
        // missed.
        self.state.load(Ordering::Acquire) >= CANCELLED
    }

    pub(super) fn is_never(&self) -> bool {
        // Relaxed: set when the node is made and never changed.
        self.state.load(Ordering::Relaxed) == NEVER
    }

    /// Returns the cause; `None` while the token is not cancelled.
    ///
    /// The parent's branch is read first. If the node was cancelled itself before that branch, then its own cancel came
    /// first under the branch's lock, and is visible to a thread that has seen the branch cancelled. In the other
    /// order, a reader that stops between the two loads could return the branch's cause for a node with a cause of its
    /// own.
    pub(super) fn cause(&self) -> Option<Cause> {
        let above = || self.parent.as_ref().and_then(|parent| parent.cause());
        let from_above = above();
        // Acquire: as in `is_marked_cancelled`.
        let (facts, inherited) = match self.state.load(Ordering::Acquire) {
            CANCELLED => (self.inner.lock().cause.clone()?, false),
            INHERITED => {
                let own = self.inner.lock().cause.clone();
                // Read again: the branch above was cancelled before the state that was just read was stored.
                (own.or_else(above)?, true)
            }
            _ => (from_above?, true),
        };
        Some(Cause::from_facts(facts, inherited))
    }

    pub(super) fn parent(&self) -> Option<&Arc<Branch>> {
        self.parent.as_ref()
    }

    /// Returns the own branch, if there ever was a child.
    pub(super) fn branch(&self) -> Option<&Arc<Branch>> {
        self.branch.get()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock()
    }

    pub(super) fn try_lock(&self) -> Option<MutexGuard<'_, Inner>> {
        self.inner.try_lock()
    }

    /// Makes a child.
    pub(super) fn child(self: &Arc<Self>) -> Arc<Self> {
        if self.is_never() {
            return Self::root();
        }
        let branch = self.own_branch();
        // A canceller marks this node, or the parent's branch, before this node's branch. A child of a
        // cancelled token must be cancelled in between, too.
        if self.is_cancelled() && !branch.is_cancelled() {
            if let Some(cause) = self.cause() {
                let facts = Some(cause.into_facts());
                return Arc::new(Self::with(INHERITED, Some(branch), facts));
            }
        }
        Self::below(branch)
    }

    /// Returns the own branch, made if necessary.
    pub(super) fn own_branch(self: &Arc<Self>) -> Arc<Branch> {
        match self.branch.get() {
            Some(branch) => Arc::clone(branch),
            None => self.make_branch(),
        }
    }

    /// Makes the own branch, linked to the nearest branch above whose token lives.
    ///
    /// The branch of a cancelled node is cancelled from the start. A canceller looks for the branch after it
    /// has stored the state under the node's lock: it notifies a branch that was set before, and a branch
    /// that is set after sees the state here.
    fn make_branch(self: &Arc<Self>) -> Arc<Branch> {
        let Some(parent) = &self.parent else {
            let inner = self.inner.lock();
            let cause = inner.cause.clone();
            return self.set_branch(&inner, cause, Above::Nothing);
        };
        let above = parent.past_orphans();
        // Branch above, then the parent's branch if that is another one (an orphan), then node below.
        let mut open = above.open();
        let mut cause = match open {
            Some(_) => None,
            None => above.cause(),
        };
        let mut open_parent = None;
        if open.is_some() && !Arc::ptr_eq(&above, parent) {
            open_parent = parent.open();
            if open_parent.is_none() {
                cause = parent.cause();
            }
        }
        let mut inner = self.inner.lock();
        cause = inner.cause.clone().or(cause);
        let (Some(open_above), None, None) = (&mut open, &cause, self.branch.get()) else {
            return self.set_branch(&inner, cause, Above::Nothing);
        };
        if self.state.load(Ordering::Relaxed) == WAITER_LINKED {
            // The home is about to become another branch than the parent's.
            self.link_node(open_parent.as_mut().unwrap_or(open_above), &mut inner);
        }
        let key = match (self.entry(&inner), &mut open_parent) {
            (NO_KEY, _) => open_above.insert(Member::branch(Weak::new())),
            (key, None) => key,
            (key, Some(open_parent)) => {
                let node = open_parent.edit(key, |member| member.node_mut()?.take());
                let key = open_above.insert(Member::Token { node, branch: None });
                self.set_entry(&inner, key);
                key
            }
        };
        let branch = self.set_branch(&inner, None, Above::one(Arc::clone(&above), key));
        open_above.edit(key, |member| {
            if let Some(place) = member.branch_mut() {
                *place = Some(Arc::downgrade(&branch));
            }
        });
        branch
    }

    /// Sets the own branch under the node's lock, if there is none. The branch is cancelled if there is a cause,
    /// else linked to `above`.
    fn set_branch(
        &self,
        _locked: &MutexGuard<'_, Inner>,
        cause: Option<Arc<Facts>>,
        above: Above,
    ) -> Arc<Branch> {
        let made = || match cause {
            Some(cause) => Branch::new_cancelled(cause),
            None => Branch::new(above),
        };
        // Only here, under the lock, so this never blocks.
        Arc::clone(self.branch.get_or_init(|| {
            let branch = made();
            let above = self.parent.as_ref().filter(|_| !self.of_operation);
            if let Some(deadline_check) = above.and_then(|above| above.deadline_check()) {
                branch.set_deadline_check(Arc::clone(deadline_check));
            }
            Arc::new(branch)
        }))
    }

    /// Marks the node: stores the cause and the state under the node's lock, takes the waiters, and cancels
    /// the own branch ("One cause" in the module's header). Returns `None` if the node is already marked or
    /// can't be cancelled.
    ///
    /// `from` is the branch above through which the cancel arrives; `None` if the token itself is cancelled.
    pub(super) fn mark_cancelled(
        &self,
        pass: &mut ActivePass,
        from: Option<&Arc<Branch>>,
    ) -> Option<Marked> {
        let mut inner = self.inner.lock();
        if self.is_marked_cancelled() || self.is_never() {
            return None;
        }
        let branch = self.branch.get();
        // Node above, then branch below.
        let below = branch.filter(|branch| branch.cancel(pass, from, None));
        // The own branch was cancelled past an orphan: so is the token, with the same cause.
        let from_elsewhere = match (below, branch) {
            (None, Some(branch)) => branch.cause(),
            _ => None,
        };
        let inherited = from.is_some() || from_elsewhere.is_some();
        let by_parent = match (from, &self.parent) {
            (Some(from), Some(parent)) => Arc::ptr_eq(from, parent),
            _ => false,
        };
        inner.cause = match from_elsewhere {
            // The parent's branch was cancelled before, and stores it.
            None if by_parent => None,
            None => Some(Arc::clone(pass.facts())),
            cause => cause,
        };
        let state = if inherited { INHERITED } else { CANCELLED };
        // Release: a reader of the state sees the cause and all writes before it (invariant 2).
        self.state.store(state, Ordering::Release);
        Some(Marked {
            inherited,
            waiters: std::mem::take(&mut inner.waiters),
            has_callbacks: inner.callbacks.is_some(),
            below: below.map(Arc::clone),
        })
    }

    /// Blocks until everything below the token is marked. Requires that the token is cancelled and that no
    /// lock is held.
    ///
    /// If the own branch is not marked yet, it will be marked by the call that cancelled the branch it is linked to or,
    /// past an orphan, the parent's branch.
    pub(super) fn wait_for_descendants(&self) {
        let Some(branch) = self.branch.get() else {
            return;
        };
        let passes = match branch.is_cancelled() {
            true => [branch.unfinished_pass(), None],
            false => {
                let home = branch.link().map(|link| link.branch);
                let cancelled = [home.as_ref(), self.parent.as_ref()];
                cancelled.map(|branch| branch?.unfinished_pass())
            }
        };
        CancelPass::wait_for(passes.into_iter().flatten().collect());
    }
}

/// The parts of a node that its canceller takes.
pub(super) struct Marked {
    /// True if the node was cancelled by the cancel of its parent's branch.
    pub(super) inherited: bool,
    pub(super) waiters: InlineList<Waker>,
    pub(super) has_callbacks: bool,
    /// The node's branch, if this call cancelled it. Its members are in the pass.
    pub(super) below: Option<Arc<Branch>>,
}

/// Removes the node's entry. The branches above are dropped by their own loop.
impl Drop for Node {
    #[inline]
    fn drop(&mut self) {
        // loom does not model the order given by the reference count. Here the lock gives it.
        #[cfg(cancelable_loom)]
        drop(self.inner.lock());
        if let Some(branch) = self.branch.get() {
            branch.orphan();
        }
        let callbacks = self.inner.get_mut().callbacks.take();
        // Relaxed: this is the last handle.
        if self.entry.load(Ordering::Relaxed) != NO_KEY {
            self.remove_entry_of_dropped();
        }
        if let Some(callbacks) = callbacks {
            drop_each(callbacks);
        }
    }
}

/// The closures are user code, whose drop may panic.
#[cold]
fn drop_each(callbacks: Box<Callbacks>) {
    callbacks.into_iter().for_each(|callback| {
        isolate("the drop of a cancellation callback", || drop(callback));
    });
}

// Unwind safe: no user code runs while the lists change, so a panic leaves them whole.
impl std::panic::UnwindSafe for Node {}
impl std::panic::RefUnwindSafe for Node {}
