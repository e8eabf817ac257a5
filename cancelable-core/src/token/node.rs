//! A token's own part: its state, its waiters and its callbacks.

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

// The states in order; up to `NEVER` there is no parent to look at, and from `CANCELLED` on the token
// is cancelled.
//
//   ROOT ─────────────────────────────────► CANCELLED
//   UNLINKED ──► WAITER_LINKED ──► WAITER_UNLINKED ──► LINKED ──► CANCELLED | INHERITED        NEVER stays
//
// A step may leave out those between. All steps of a node that has a parent, up to LINKED, are made under
// the lock of the parent's branch, or of the home where that is another (invariant 9).
/// Has no parent.
pub(super) const ROOT: u8 = 0;
/// Can't be cancelled.
pub(super) const NEVER: u8 = 1;
/// Is no member of its parent: nothing has to be done when it is cancelled.
pub(super) const UNLINKED: u8 = 2;
/// Its one waiter is a member in its stead.
pub(super) const WAITER_LINKED: u8 = 3;
/// Is no member, and was WAITER_LINKED before.
pub(super) const WAITER_UNLINKED: u8 = 4;
/// Is a member.
pub(super) const LINKED: u8 = 5;
/// Was cancelled itself.
const CANCELLED: u8 = 6;
/// Was cancelled from above.
pub(super) const INHERITED: u8 = 7;

/// The object behind a token's handles.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) state: AtomicU8,
    /// How often a wait has found the lists locked; up to `MAX_CONTENTIONS`. Read and changed under the lock.
    pub(super) met: AtomicU8,
    /// The key of the node, or of the waiter in its stead, in the branch that `home` names; `NO_KEY` if
    /// it has none. Read and changed under the lock, or under that branch's for the waiter, so that every
    /// access is relaxed: it stands beside the state because it takes no room there.
    pub(super) entry: AtomicU32,
    /// It is an operation's: its deadline_check is its own and not that of the token above. It takes room that is
    /// there beside the state.
    of_operation: bool,
    inner: Mutex<Inner>,
    /// The branch of the parent, which is read as a second flag (invariant 4).
    parent: Option<Arc<Branch>>,
    /// What hangs below, once there was a child. Set under the lock.
    branch: OnceLock<Arc<Branch>>,
}

#[derive(Debug)]
pub(super) struct Inner {
    /// Set when the state says cancelled (invariant 2). None in a node that is INHERITED by way of its
    /// parent's branch: that keeps it.
    pub(super) cause: Option<Arc<Facts>>,
    /// Empty once the node is cancelled (invariant 6).
    pub(super) waiters: InlineList<Waker>,
    pub(super) callbacks: Option<Box<Callbacks>>,
}

/// A root's.
impl Default for Node {
    fn default() -> Self {
        Self::with(ROOT, None, None)
    }
}

impl Node {
    fn with(state: u8, parent: Option<Arc<Branch>>, cause: Option<Arc<Facts>>) -> Self {
        Self {
            state: AtomicU8::new(state),
            met: AtomicU8::new(0),
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

    /// Notes for the log that it is the token of this operation.
    pub(super) fn set_operation(&self, label: &OperationLabel) {
        let mut inner = self.inner.lock();
        inner.callbacks.get_or_insert_default().operation = Some(label.clone());
    }

    /// The operation whose token it is, where that was noted.
    pub(super) fn operation(&self) -> Option<OperationLabel> {
        self.inner.lock().callbacks.as_ref()?.operation.clone()
    }

    pub(super) fn root() -> Arc<Self> {
        // std writes a default where it is to lie, and what is given to `Arc::new` it copies there.
        Arc::default()
    }

    pub(super) fn never() -> Arc<Self> {
        Arc::new(Self::with(NEVER, None, None))
    }

    /// One that was cancelled itself, before it had anything below.
    pub(super) fn new_cancelled(facts: Arc<Facts>) -> Arc<Self> {
        Arc::new(Self::with(CANCELLED, None, Some(facts)))
    }

    /// A child that reads `branch`.
    pub(super) fn below(branch: Arc<Branch>) -> Arc<Self> {
        Arc::new(Self::with(UNLINKED, Some(branch), None))
    }

    /// Marks a new node as an operation's.
    pub(super) fn for_operation(mut self: Arc<Self>) -> Arc<Self> {
        // Nobody else has it yet.
        if let Some(node) = Arc::get_mut(&mut self) {
            node.of_operation = true;
        }
        self
    }

    /// Its deadline_check: that of its branch, or else of its parent's.
    #[inline]
    pub(super) fn deadline_check(&self) -> Option<&Arc<dyn DeadlineCheck>> {
        let own = self.branch.get().and_then(|branch| branch.deadline_check());
        match self.of_operation {
            true => own,
            false => own.or_else(|| self.parent.as_ref()?.deadline_check()),
        }
    }

    /// As [`is_cancelled`](Self::is_cancelled), for who may be all that runs: it has the deadline_check look now
    /// and then.
    #[inline]
    pub(super) fn is_cancelled_by_now(&self) -> bool {
        if self.is_cancelled() {
            return true;
        }
        match self.deadline_check() {
            Some(deadline_check) if deadline_check::is_due(deadline_check) => {
                deadline_check::run(deadline_check);
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

    /// Whether the node's own state says cancelled, so that its waiters have been taken.
    #[inline]
    pub(super) fn is_marked_cancelled(&self) -> bool {
        // Acquire: pairs with the Release in `mark_cancelled`. Without it what came before could be missed.
        self.state.load(Ordering::Acquire) >= CANCELLED
    }

    pub(super) fn is_never(&self) -> bool {
        // Relaxed: set at birth and never changed.
        self.state.load(Ordering::Relaxed) == NEVER
    }

    /// Why the token was cancelled, if it was.
    ///
    /// The parent's branch is read first. Should this node have been cancelled itself before that
    /// branch was, then that came first under the branch's lock, so it is visible to whoever has
    /// seen the branch cancelled. The other way round, a reader that stops between the two loads could
    /// report the branch's cause for a node that has its own.
    pub(super) fn cause(&self) -> Option<Cause> {
        let above = || self.parent.as_ref().and_then(|parent| parent.cause());
        let from_above = above();
        // Acquire: as in `is_marked_cancelled`.
        let (facts, inherited) = match self.state.load(Ordering::Acquire) {
            CANCELLED => (self.inner.lock().cause.clone()?, false),
            INHERITED => {
                let own = self.inner.lock().cause.clone();
                // Asked once more: it was cancelled before the state that was just seen was set.
                (own.or_else(above)?, true)
            }
            _ => (from_above?, true),
        };
        Some(Cause::from_facts(facts, inherited))
    }

    pub(super) fn parent(&self) -> Option<&Arc<Branch>> {
        self.parent.as_ref()
    }

    /// What hangs below, if there ever was a child.
    pub(super) fn branch(&self) -> Option<&Arc<Branch>> {
        self.branch.get()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock()
    }

    pub(super) fn try_lock(&self) -> Option<MutexGuard<'_, Inner>> {
        self.inner.try_lock()
    }

    /// A new child.
    pub(super) fn child(self: &Arc<Self>) -> Arc<Self> {
        if self.is_never() {
            return Self::root();
        }
        let branch = self.own_branch();
        // A canceller sets this node's state, or the parent's branch, before this node's branch. A
        // child of a token that says cancelled has to say so too, also in between.
        if self.is_cancelled() && !branch.is_cancelled() {
            if let Some(cause) = self.cause() {
                let facts = Some(cause.into_facts());
                return Arc::new(Self::with(INHERITED, Some(branch), facts));
            }
        }
        Self::below(branch)
    }

    /// What hangs below, made if it is not there.
    pub(super) fn own_branch(self: &Arc<Self>) -> Arc<Branch> {
        match self.branch.get() {
            Some(branch) => Arc::clone(branch),
            None => self.make_branch(),
        }
    }

    /// Gives the node its branch, linked to the nearest branch above whose token is still there.
    ///
    /// The branch of a node that is cancelled is so from the start: a canceller looks for a branch
    /// after it has set the state under the node's lock, so it tells each branch that was set
    /// before that, and this sees the state for each that is set after.
    fn make_branch(self: &Arc<Self>) -> Arc<Branch> {
        let Some(parent) = &self.parent else {
            let inner = self.inner.lock();
            let cause = inner.cause.clone();
            return self.set_branch(&inner, cause, Above::Nothing);
        };
        let above = parent.past_orphans();
        // Branch above, then the parent's where that is an orphan and so another one, then node below.
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
            // Its home is about to be another than the parent's branch.
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

    /// Sets the branch under the node's lock, if there is none: cancelled if there is a cause, or else
    /// linked to `above`.
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
        // Only here, under the lock, so that it never waits.
        Arc::clone(self.branch.get_or_init(|| {
            let branch = made();
            let above = self.parent.as_ref().filter(|_| !self.of_operation);
            if let Some(deadline_check) = above.and_then(|above| above.deadline_check()) {
                branch.set_deadline_check(Arc::clone(deadline_check));
            }
            Arc::new(branch)
        }))
    }

    /// Stores the cause and the state, under the node's lock, takes the waiters, and cancels the branch
    /// ("One cause" in the module's header). None if the node is marked already or can't be cancelled.
    ///
    /// `from` is the branch above that this comes from, if it does not come from the token itself.
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
        // The branch has been told past an orphan: the token is as well, and by the same cause.
        let told = match (below, branch) {
            (None, Some(branch)) => branch.cause(),
            _ => None,
        };
        let inherited = from.is_some() || told.is_some();
        let by_parent = match (from, &self.parent) {
            (Some(from), Some(parent)) => Arc::ptr_eq(from, parent),
            _ => false,
        };
        inner.cause = match told {
            // The parent's branch has it, and was cancelled before.
            None if by_parent => None,
            None => Some(Arc::clone(pass.facts())),
            told => told,
        };
        let state = if inherited { INHERITED } else { CANCELLED };
        // Release: whoever reads the state sees the cause and all that came before (invariant 2).
        self.state.store(state, Ordering::Release);
        Some(Marked {
            inherited,
            waiters: std::mem::take(&mut inner.waiters),
            has_callbacks: inner.callbacks.is_some(),
            below: below.map(Arc::clone),
        })
    }

    /// Waits until everything below the token says cancelled, given that the token does.
    ///
    /// If its own branch does not yet, then it is about to be told by the call that cancelled the
    /// branch to which it is linked or, where that one is past an orphan, the parent's.
    pub(super) fn wait_for_descendants(&self) {
        let Some(branch) = self.branch.get() else {
            return;
        };
        let above = match branch.is_cancelled() {
            true => [branch.unfinished_pass(), None],
            false => {
                let home = branch.link().map(|link| link.branch);
                let markings = [home.as_ref(), self.parent.as_ref()];
                markings.map(|branch| branch?.unfinished_pass())
            }
        };
        CancelPass::wait_for(above.into_iter().flatten().collect());
    }
}

/// What a node leaves to whoever cancelled it.
pub(super) struct Marked {
    /// Whether it was cancelled from above.
    pub(super) inherited: bool,
    pub(super) waiters: InlineList<Waker>,
    pub(super) has_callbacks: bool,
    /// Its branch, if it has one that was not told before. Its members are with the pass.
    pub(super) below: Option<Arc<Branch>>,
}

/// Takes the node out of the list above it. The branches above are dropped by their own loop.
impl Drop for Node {
    #[inline]
    fn drop(&mut self) {
        // loom knows nothing of the order that the reference count gives. Here the lock gives it.
        #[cfg(cancelable_loom)]
        drop(self.inner.lock());
        if let Some(branch) = self.branch.get() {
            branch.orphan();
        }
        let callbacks = self.inner.get_mut().callbacks.take();
        // Relaxed: nobody else has the node any longer.
        if self.entry.load(Ordering::Relaxed) != NO_KEY {
            self.remove_entry_of_dropped();
        }
        if let Some(callbacks) = callbacks {
            drop_each(callbacks);
        }
    }
}

/// The closures are a user's, and dropping one may panic.
#[cold]
fn drop_each(callbacks: Box<Callbacks>) {
    callbacks.into_iter().for_each(|callback| {
        isolate("the drop of a cancellation callback", || drop(callback));
    });
}

// A node that a panic passed by is still whole: no code of a user runs while its lists change.
impl std::panic::UnwindSafe for Node {}
impl std::panic::RefUnwindSafe for Node {}
