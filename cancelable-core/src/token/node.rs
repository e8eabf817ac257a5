//! A token's own part: its state, its waiters and its callbacks.

use super::bag::{Bag, Key, NO_KEY};
use super::branch::{Above, Branch, Link, Member, OpenBranch};
use super::callback::Callbacks;
use super::marking::{Marking, Pass};
use crate::cause::{Cause, Facts};
use crate::sync::{AtomicU8, AtomicU32, Mutex, MutexGuard, Ordering, isolate};
use std::sync::{Arc, OnceLock};
use std::task::Waker;

// The states in order; from `CANCELLED` on the token is cancelled.
//
//   ALONE ──► LISTED ──► CANCELLED | INHERITED        NEVER stays
//
/// Has a parent and is no member of it: nothing has to be done when it is cancelled.
const ALONE: u8 = 0;
/// Is a member, or has no parent.
const LISTED: u8 = 1;
/// Can't be cancelled.
const NEVER: u8 = 2;
/// Was cancelled itself.
const CANCELLED: u8 = 3;
/// Was cancelled from above.
const INHERITED: u8 = 4;

/// The object behind a token's handles.
#[derive(Debug)]
pub(super) struct Node {
    state: AtomicU8,
    /// The node's entry in the branch that `home` names; `NO_KEY` if it has none. Read and changed
    /// under the lock, so that every access is relaxed: it stands beside the state because it
    /// takes no room there.
    entry: AtomicU32,
    inner: Mutex<Inner>,
    /// The branch of the parent, which is read as a second flag (invariant 4).
    parent: Option<Arc<Branch>>,
    /// What hangs below, once there was a child. Set under the lock.
    branch: OnceLock<Arc<Branch>>,
}

#[derive(Debug)]
pub(super) struct Inner {
    /// Set when the state says cancelled (invariant 2).
    cause: Option<Arc<Facts>>,
    /// Empty once the node is cancelled (invariant 6).
    pub(super) waiters: Bag<Waker>,
    pub(super) callbacks: Option<Box<Callbacks>>,
}

impl Node {
    fn with(state: u8, parent: Option<Arc<Branch>>, cause: Option<Arc<Facts>>) -> Arc<Self> {
        Arc::new(Self {
            state: AtomicU8::new(state),
            entry: AtomicU32::new(NO_KEY),
            inner: Mutex::new(Inner {
                cause,
                waiters: Bag::default(),
                callbacks: None,
            }),
            parent,
            branch: OnceLock::new(),
        })
    }

    pub(super) fn root() -> Arc<Self> {
        Self::with(LISTED, None, None)
    }

    pub(super) fn never() -> Arc<Self> {
        Self::with(NEVER, None, None)
    }

    /// A child that reads `branch`.
    pub(super) fn below(branch: Arc<Branch>) -> Arc<Self> {
        Self::with(ALONE, Some(branch), None)
    }

    #[inline]
    pub(super) fn is_cancelled(&self) -> bool {
        self.is_settled()
            || self
                .parent
                .as_ref()
                .is_some_and(|parent| parent.is_cancelled())
    }

    /// Whether the node's own state says cancelled, so that its waiters have been taken.
    #[inline]
    pub(super) fn is_settled(&self) -> bool {
        // Acquire: pairs with the Release in `settle`. Without it what came before could be missed.
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
        let above = self.parent.as_ref().and_then(|parent| parent.cause());
        // Acquire: as in `is_settled`.
        let (facts, inherited) = match self.state.load(Ordering::Acquire) {
            CANCELLED => (self.inner.lock().cause.clone()?, false),
            INHERITED => (self.inner.lock().cause.clone()?, true),
            _ => (above?, true),
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

    /// The node's entry; see the field.
    fn entry(&self, _locked: &Inner) -> Key {
        self.entry.load(Ordering::Relaxed)
    }

    pub(super) fn set_entry(&self, _locked: &Inner, entry: Key) {
        self.entry.store(entry, Ordering::Relaxed);
    }

    /// A new child.
    pub(super) fn child(self: &Arc<Self>) -> Arc<Self> {
        if self.is_never() {
            return Self::root();
        }
        let branch = match self.branch.get() {
            Some(branch) => Arc::clone(branch),
            None => self.make_branch(),
        };
        // A canceller sets this node's state, or the parent's branch, before this node's branch. A
        // child of a token that says cancelled has to say so too, also in between.
        if !branch.is_cancelled() {
            if let Some(cause) = self.cause() {
                return Self::with(INHERITED, Some(branch), Some(cause.into_facts()));
            }
        }
        Self::below(branch)
    }

    /// The branch in which this node has its entry, if it has one. The entry stands where this
    /// node's own branch is linked, so that both share it.
    fn home<'a>(&'a self, link: &'a Option<Link>) -> Option<&'a Arc<Branch>> {
        match link {
            Some(link) => Some(&link.branch),
            None => self.parent.as_ref(),
        }
    }

    /// Where its own branch is linked, if it has one that is.
    fn link(&self) -> Option<Link> {
        self.branch.get()?.link()
    }

    /// The node's lists, for adding a waiter or a callback: locked, not cancelled, and the node is a
    /// member (invariant 5). None if the token is cancelled.
    pub(super) fn open(self: &Arc<Self>) -> Option<MutexGuard<'_, Inner>> {
        // Ends: a round is repeated only if the node became LISTED or got its branch meanwhile, each
        // of which happens once, or if its branch was linked further up.
        loop {
            // Relaxed: a hint. LISTED is not taken back but by cancelling, which is looked for
            // under the lock; who misses it takes the longer way and finds the entry there.
            // NEVER has no parent and keeps its lists like a root, though nobody takes them.
            if matches!(self.state.load(Ordering::Relaxed), LISTED | NEVER) {
                let inner = self.inner.lock();
                return (!self.is_settled()).then_some(inner);
            }
            let link = self.link();
            let home = self.home(&link)?;
            // Branch above, then node below.
            let Some(mut open) = home.open() else {
                match self.settle_with(home) {
                    true => return None,
                    false => continue,
                }
            };
            let inner = self.inner.lock();
            if self.is_settled() {
                return None;
            }
            if !self
                .home(&self.link())
                .is_some_and(|now| Arc::ptr_eq(now, home))
            {
                continue;
            }
            if self.entry(&inner) == NO_KEY {
                self.enlist(&mut open, &inner);
            }
            return Some(inner);
        }
    }

    /// Makes the node say that it is cancelled, given that its home is. False if it became a member
    /// meanwhile, so that the home's canceller tells it.
    ///
    /// The home may stand above orphans (invariant 8) and be cancelled a moment before the parent's
    /// branch is. A wait that ends, or a callback that is refused, must find the token cancelled.
    fn settle_with(&self, home: &Branch) -> bool {
        if self.is_cancelled() {
            return true;
        }
        let cause = home.cause();
        let mut inner = self.inner.lock();
        // Relaxed: this state is set under the lock that is held here.
        if self.state.load(Ordering::Relaxed) == ALONE {
            inner.cause = cause;
            // Release: as in `settle`. There is nobody to tell: an ALONE node has no lists.
            self.state.store(INHERITED, Ordering::Release);
        }
        self.is_settled()
    }

    /// Makes the node a member of the branch `open`, which is its home. Both are locked.
    fn enlist(self: &Arc<Self>, open: &mut OpenBranch<'_>, inner: &Inner) {
        let node = Some(Arc::downgrade(self));
        let entry = match self.link() {
            Some(Link { key, .. }) => {
                open.edit(key, |member| member.node = node);
                key
            }
            None => open.insert(Member { node, branch: None }),
        };
        self.set_entry(inner, entry);
        // Relaxed: the lists that this speaks of are read under the lock that is held here.
        self.state.store(LISTED, Ordering::Relaxed);
    }

    /// Gives the node its branch, linked to the nearest branch above whose token is still there.
    ///
    /// The branch of a node that is cancelled is so from the start: a canceller looks for a branch
    /// after it has set the state under the node's lock, so it tells each branch that was set
    /// before that, and this sees the state for each that is set after.
    pub(super) fn make_branch(self: &Arc<Self>) -> Arc<Branch> {
        let Some(parent) = &self.parent else {
            let inner = self.inner.lock();
            if let Some(branch) = self.branch.get() {
                return Arc::clone(branch);
            }
            let branch = match inner.cause.clone() {
                Some(cause) => Branch::new_cancelled(cause),
                None => Branch::new(Above::Nothing, 1),
            };
            return self.set_branch(&inner, branch);
        };
        let above = parent.past_orphans();
        // Branch above, then node below.
        let mut open = above.open();
        let cause_above = match open {
            Some(_) => None,
            None => above.cause(),
        };
        let inner = self.inner.lock();
        if let Some(branch) = self.branch.get() {
            return Arc::clone(branch);
        }
        let (Some(open_above), None) = (&mut open, &inner.cause) else {
            let cause = inner.cause.clone().or(cause_above);
            let branch =
                cause.map_or_else(|| Branch::new(Above::Nothing, 1), Branch::new_cancelled);
            return self.set_branch(&inner, branch);
        };
        let entry = self.entry(&inner);
        let (key, moved_from) = match entry {
            NO_KEY => (open_above.insert(Member::default()), NO_KEY),
            key if Arc::ptr_eq(&above, parent) => (key, NO_KEY),
            _ => {
                let node = Some(Arc::downgrade(self));
                let key = open_above.insert(Member { node, branch: None });
                self.set_entry(&inner, key);
                (key, entry)
            }
        };
        let branch = Branch::new(Above::one(Arc::clone(&above), key), 1);
        let branch = self.set_branch(&inner, branch);
        open_above.edit(key, |member| member.branch = Some(Arc::downgrade(&branch)));
        drop(inner);
        drop(open);
        if moved_from != NO_KEY {
            parent.forget_node(moved_from);
        }
        branch
    }

    /// Sets the branch under the node's lock.
    fn set_branch(&self, _locked: &MutexGuard<'_, Inner>, branch: Branch) -> Arc<Branch> {
        let branch = Arc::new(branch);
        // Only here, under the lock, after the branch was found missing: it can't fail or wait.
        let _ = self.branch.set(Arc::clone(&branch));
        branch
    }

    /// Stores the cause and the state, under the node's lock, takes the waiters, and cancels the branch
    /// ("One cause" in the module's header). None if the node is settled already or can't be cancelled.
    pub(super) fn settle(&self, pass: &mut Pass, inherited: bool) -> Option<Settled> {
        let mut inner = self.inner.lock();
        if self.is_settled() || self.is_never() {
            return None;
        }
        let branch = self.branch.get();
        // Node above, then branch below.
        let below =
            branch.and_then(|branch| Some((Arc::clone(branch), branch.cancel(pass, None)?)));
        // The branch has been told past an orphan: the token is as well, and by the same cause.
        let told = match (&below, branch) {
            (None, Some(branch)) => branch.cause(),
            _ => None,
        };
        let inherited = inherited || told.is_some();
        inner.cause = Some(told.unwrap_or_else(|| Arc::clone(pass.facts())));
        let state = if inherited { INHERITED } else { CANCELLED };
        // Release: whoever reads the state sees the cause and all that came before (invariant 2).
        self.state.store(state, Ordering::Release);
        Some(Settled {
            inherited,
            waiters: std::mem::take(&mut inner.waiters),
            has_callbacks: inner.callbacks.is_some(),
            below,
        })
    }

    /// Waits until everything below the token says cancelled, given that the token does.
    ///
    /// If its own branch does not yet, then it is about to be told by the call that cancelled the
    /// branch to which it is linked or, where that one is past an orphan, the parent's.
    pub(super) fn wait_below(&self) {
        let Some(branch) = self.branch.get() else {
            return;
        };
        let above = match branch.is_cancelled() {
            true => [branch.marking_under_way(), None],
            false => {
                let home = branch.link().map(|link| link.branch);
                let markings = [home.as_ref(), self.parent.as_ref()];
                markings.map(|branch| branch?.marking_under_way())
            }
        };
        Marking::wait_for(above.into_iter().flatten().collect());
    }
}

/// What a node leaves to whoever cancelled it.
pub(super) struct Settled {
    /// Whether it was cancelled from above.
    pub(super) inherited: bool,
    pub(super) waiters: Bag<Waker>,
    pub(super) has_callbacks: bool,
    /// Its branch and the members that are to be told, if it has one that was not told before.
    pub(super) below: Option<(Arc<Branch>, Bag<Member>)>,
}

/// Takes the node out of the list above it. The branches above are dropped by their own loop.
impl Drop for Node {
    fn drop(&mut self) {
        if let Some(branch) = self.branch.get() {
            branch.orphan();
        }
        let inner = self.inner.get_mut();
        let callbacks = inner.callbacks.take();
        // Relaxed: nobody else has the node any longer.
        let entry = self.entry.load(Ordering::Relaxed);
        if entry != NO_KEY {
            if let Some(home) = self.home(&self.link()) {
                home.forget_node(entry);
            }
        }
        // The closures are a user's, and dropping one may panic.
        if let Some(callbacks) = callbacks {
            callbacks.into_iter().for_each(|callback| {
                isolate("the drop of a cancellation callback", || drop(callback));
            });
        }
    }
}
