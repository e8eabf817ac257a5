//! The shared part of a token's children: the flag that they read, and the members to notify.

use super::cancel_pass::{ActivePass, CancelPass};
use super::deadline_check::DeadlineCheck;
use super::inline_list::{InlineList, Key, NO_KEY};
use super::link::{Above, Inputs, Link};
use super::member::Member;
use super::node::Node;
use super::sharded_waiters::ShardedWaiters;
use crate::cause::Facts;
use crate::sync::{AtomicBool, AtomicU8, Mutex, MutexGuard, OnceLock, Ordering, drop_waker};
use std::sync::{Arc, Weak};
use std::task::Waker;

const LIVE: u8 = 0;
const CANCELLED: u8 = 1;

/// The limit of branches between a cancelled branch and the branch above it that stores its pass.
const MAX_CLIMB: u8 = 3;

/// The shared part of all children of one token. It outlives the token while a descendant lives.
#[derive(Debug)]
pub(super) struct Branch {
    /// The state: `LIVE` or `CANCELLED`; invariants 1 to 3.
    state: AtomicU8,
    /// The number of branches between this branch and the branch that stores its pass; 0 if this branch stores it.
    /// Set under the lock before the state, so every access is relaxed.
    climb: AtomicU8,
    inner: Mutex<Inner>,
    /// The pass that cancelled this branch, with the cause. Set under the lock before the state (invariant
    /// 2). A branch that was cancelled by the branch above it may leave this empty and use the pass of that branch,
    /// for at most `MAX_CLIMB` branches in a row: a reference count for each level would be the largest cost of
    /// cancelling a deep tree.
    pass: OnceLock<Arc<CancelPass>>,
    /// True once the branch's own token is dropped (invariant 8).
    orphaned: AtomicBool,
    above: Above,
    /// The shards for the waiters of the branch's own token, made after contention for the token's list. Set
    /// under the node's lock while the node is not marked.
    sharded_waiters: OnceLock<Box<ShardedWaiters>>,
    /// The deadline check for the branch's own token and the tokens made of it.
    deadline_check: OnceLock<Arc<dyn DeadlineCheck>>,
}

#[derive(Debug)]
struct Inner {
    /// The members. Empty once the branch is cancelled (invariant 6).
    members: InlineList<Member>,
    /// The weak reference that was this branch's entry in the branch above. The canceller moves the reference
    /// here, so that it is dropped with the branch and not during the cancel.
    entry: Option<Weak<Branch>>,
}

impl Branch {
    /// Creates a live branch. The caller links it to `above`.
    pub(super) fn new(above: Above) -> Self {
        Self::with(LIVE, OnceLock::new(), above)
    }

    /// Creates the branch of a token that is already cancelled. The branch is linked to nothing, because nothing can
    /// change it.
    pub(super) fn new_cancelled(cause: Arc<Facts>) -> Self {
        let pass = OnceLock::from(CancelPass::finished(cause));
        Self::with(CANCELLED, pass, Above::Nothing)
    }

    fn with(state: u8, pass: OnceLock<Arc<CancelPass>>, above: Above) -> Self {
        Self {
            state: AtomicU8::new(state),
            climb: AtomicU8::new(0),
            inner: Mutex::new(Inner {
                members: InlineList::default(),
                entry: None,
            }),
            pass,
            orphaned: AtomicBool::new(false),
            above,
            sharded_waiters: OnceLock::new(),
            deadline_check: OnceLock::new(),
        }
    }

    #[inline]
    pub(super) fn deadline_check(&self) -> Option<&Arc<dyn DeadlineCheck>> {
        self.deadline_check.get()
    }

    /// Sets the deadline check, if there is none.
    pub(super) fn set_deadline_check(&self, deadline_check: Arc<dyn DeadlineCheck>) {
        // Another thread may have set an equivalent check.
        let _ = self.deadline_check.set(deadline_check);
    }

    #[inline]
    pub(super) fn is_cancelled(&self) -> bool {
        // Acquire: pairs with the Release in `cancel`. Without it, writes before the cancel could be missed.
        self.state.load(Ordering::Acquire) == CANCELLED
    }

    /// Returns the pass that cancelled the branch; `None` while the branch is live. Takes no locks except
    /// those of links, so it may be called under any lock.
    ///
    /// Ends: a branch without a pass was cancelled by the branch it is linked to, which is cancelled too, so
    /// that link is final. At most `MAX_CLIMB` branches in a row have no pass.
    fn pass(&self) -> Option<Arc<CancelPass>> {
        if !self.is_cancelled() {
            return None;
        }
        if let Some(pass) = self.pass.get() {
            return Some(Arc::clone(pass));
        }
        let mut branch = self.link()?.branch;
        loop {
            if let Some(pass) = branch.pass.get() {
                return Some(Arc::clone(pass));
            }
            branch = branch.link()?.branch;
        }
    }

    /// Returns the cause; `None` while the branch is live.
    pub(super) fn cause(&self) -> Option<Arc<Facts>> {
        Some(Arc::clone(self.pass()?.facts()))
    }

    /// Returns the pass that cancelled the branch, if the pass may not have reached everything below.
    pub(super) fn unfinished_pass(&self) -> Option<Arc<CancelPass>> {
        self.pass().filter(|pass| !pass.is_finished())
    }

    /// Locks the members for changing; `None` if the branch is cancelled.
    pub(super) fn open(&self) -> Option<OpenBranch<'_>> {
        let inner = self.inner.lock();
        // The state changes only under this lock, so what is read here holds until the lock is released.
        (!self.is_cancelled()).then_some(OpenBranch(inner))
    }

    /// Cancels this branch and moves its members into `pass`, whose caller has to notify them. Returns false
    /// if the branch was already cancelled, which `pass` notes as an overlap, or if this is an all-of join
    /// that needs more inputs.
    ///
    /// `from` is the branch above through which the cancel arrives. The same pass has cancelled it, unless
    /// this branch is a join. `entry` was this branch's entry there.
    pub(super) fn cancel(
        &self,
        pass: &mut ActivePass,
        from: Option<&Arc<Self>>,
        entry: Option<Weak<Self>>,
    ) -> bool {
        let mut inner = self.inner.lock();
        if self.is_cancelled() {
            drop(inner);
            self.pass()
                .iter()
                .for_each(|other| pass.note_overlap(other));
            return false;
        }
        let climb = match (&self.above, from) {
            (Above::Inputs(inputs), _) if !inputs.note_cancelled(from) => return false,
            // Relaxed: see the field. This thread wrote it.
            (Above::One(_), Some(from)) => {
                (from.climb.load(Ordering::Relaxed) + 1) % (MAX_CLIMB + 1)
            }
            _ => 0,
        };
        match climb {
            // Under the lock and while the branch is live, so it is unset and this never blocks.
            0 => drop(self.pass.set(pass.shared())),
            _ => self.climb.store(climb, Ordering::Relaxed),
        }
        inner.entry = entry;
        // Release: a reader of CANCELLED sees the cause and all writes before it (invariant 2).
        self.state.store(CANCELLED, Ordering::Release);
        pass.take_members(&mut inner.members);
        true
    }

    /// Returns the index of the input that cancelled this join.
    pub(super) fn cancelled_input(&self) -> Option<usize> {
        let _locked = self.inner.lock();
        match &self.above {
            Above::Inputs(inputs) => inputs.last_needed(),
            Above::Nothing | Above::One(_) => None,
        }
    }

    /// Returns the token's sharded waiters, if there are any.
    #[inline]
    pub(super) fn sharded_waiters(&self) -> Option<&ShardedWaiters> {
        self.sharded_waiters
            .get()
            .map(|sharded_waiters| &**sharded_waiters)
    }

    /// Makes the token's sharded waiters. Requires that the token's node is locked and not marked.
    pub(super) fn shard_waiters(&self) {
        // Only under the node's lock, so this never blocks.
        self.sharded_waiters
            .get_or_init(|| Box::new(ShardedWaiters::new()));
    }

    pub(super) fn above(&self) -> &Above {
        &self.above
    }

    /// Returns the link; `None` for the branch of a root and for a join.
    pub(super) fn link(&self) -> Option<Link> {
        match &self.above {
            Above::One(link) => Some(link.lock().clone()),
            Above::Nothing | Above::Inputs(_) => None,
        }
    }

    /// Records that the branch's entry was removed. Requires that the branch it is linked to is locked.
    pub(super) fn note_entry_removed(&self) {
        if let Above::One(link) = &self.above {
            link.lock().key = NO_KEY;
        }
    }

    /// Stores the keys of a join's entries, once the join is linked to all inputs. The join may already be
    /// cancelled.
    pub(super) fn set_keys(&self, inputs: &Inputs, keys: Box<[Key]>) {
        {
            let _locked = self.inner.lock();
            // Set only here, once.
            let _ = inputs.keys.set(keys);
        }
        // The canceller of a join reads the keys under the same lock, after its pass is finished. So the
        // canceller found the keys, or this finds the pass finished.
        if self.pass().is_some_and(|pass| pass.is_finished()) {
            self.unlink_inputs();
        }
    }

    /// If this branch is a join, removes its entries from the lists of its inputs. Requires that everything
    /// below the join is marked and notified: see `Node::unlink`.
    pub(super) fn unlink_inputs(&self) {
        let Above::Inputs(inputs) = &self.above else {
            return;
        };
        let keys = {
            let _locked = self.inner.lock();
            let Some(keys) = inputs.keys.get() else {
                return;
            };
            // Relaxed: see the field.
            if inputs.unlinked.swap(true, Ordering::Relaxed) {
                return;
            }
            keys
        };
        for ((input, _), key) in inputs.branches.iter().zip(keys) {
            // An input without a key was not linked.
            if *key != NO_KEY {
                input.remove_branch(*key);
            }
        }
    }

    /// Marks the branch as orphaned, when its token is dropped. Links the branches below to the branch above, so that
    /// this branch can be dropped.
    pub(super) fn orphan(&self) {
        // Release: pairs with the Acquire in `past_orphans`, so that a thread which skips an orphan knows
        // whether its token was cancelled while it lived. A thread that misses the flag links one level
        // lower, which is also right and keeps one more branch alive.
        self.orphaned.store(true, Ordering::Release);
        if !self.inner.lock().members.is_empty() {
            self.propagate();
        }
    }

    /// Moves the entries of the branches below, and of their tokens, to the branch above. Joins stay, and so
    /// do nodes that are being dropped.
    fn propagate(&self) {
        let Some(Link { branch: above, .. }) = self.link() else {
            return;
        };
        // Dropped when no lock is held: each of these handles may be the last.
        let mut kept_alive = Vec::new();
        // Branch above, then this branch, then a node below it.
        let (Some(mut open_above), Some(mut open)) = (above.open(), self.open()) else {
            return;
        };
        for key in 0..open.0.members.bound() {
            let Some(Member::Token { node, branch }) = open.0.members.get_mut(key) else {
                continue;
            };
            let Some(below) = branch.as_ref().and_then(Weak::upgrade) else {
                continue;
            };
            let node = node.as_ref().map(Weak::upgrade);
            kept_alive.push((Arc::clone(&below), node.clone()));
            // A node without handles is about to look for its entry in this branch.
            let (Above::One(link), None | Some(Some(_))) = (&below.above, &node) else {
                continue;
            };
            let node = node.flatten();
            let inner = node.as_ref().map(|node| (node, node.lock()));
            let Some(member) = open.0.members.remove(key) else {
                continue;
            };
            let key = open_above.insert(member);
            *link.lock() = Link {
                branch: Arc::clone(&above),
                key,
            };
            if let Some((node, inner)) = &inner {
                node.set_entry(inner, key);
            }
        }
        drop((open, open_above));
    }

    /// Returns the nearest branch that is not orphaned: this branch or a branch above it. A cancel of that branch
    /// reaches the same tokens.
    ///
    /// A cancelled orphan is not skipped: its own token may have been cancelled, and the ancestors not. An
    /// orphan that is live can only be cancelled by the branches above it.
    ///
    /// Ends: the chain upwards is finite.
    pub(super) fn past_orphans(self: &Arc<Self>) -> Arc<Self> {
        let mut branch = Arc::clone(self);
        // Acquire: see `orphan`.
        while branch.orphaned.load(Ordering::Acquire) && !branch.is_cancelled() {
            match branch.link() {
                Some(link) => branch = link.branch,
                None => break,
            }
        }
        branch
    }

    /// Removes this branch from the branches above it. The caller drops the references to those branches, without
    /// recursion: one is returned, and the other inputs of a join are added to `others`.
    fn unlink(&mut self, others: &mut Vec<Arc<Branch>>) -> Option<Arc<Branch>> {
        match std::mem::replace(&mut self.above, Above::Nothing) {
            Above::Nothing => None,
            Above::One(mut link) => {
                let Link { branch, key } = link.get_mut().clone();
                drop(link);
                if key != NO_KEY {
                    branch.remove_branch(key);
                }
                Some(branch)
            }
            Above::Inputs(inputs) => {
                // loom does not model the order given by the reference count. Here the lock gives it.
                #[cfg(cancelable_loom)]
                drop(self.inner.lock());
                let Inputs {
                    branches,
                    keys,
                    unlinked,
                    ..
                } = *inputs;
                // Relaxed: this is the last handle.
                let keys = match unlinked.load(Ordering::Relaxed) {
                    true => Box::default(),
                    false => keys.into_inner().unwrap_or_default(),
                };
                for (index, (branch, _)) in branches.into_vec().into_iter().enumerate() {
                    // An input without a key was not linked.
                    if let Some(key) = keys.get(index).filter(|key| **key != NO_KEY) {
                        branch.remove_branch(*key);
                    }
                    others.push(branch);
                }
                others.pop()
            }
        }
    }

    /// Removes the branch from the entry `key`.
    fn remove_branch(&self, key: Key) {
        let Some(mut open) = self.open() else {
            return; // Invariant 6: the entry was taken.
        };
        let removed = open.edit(key, |member| member.branch_mut()?.take());
        drop(open);
        drop(removed);
    }

    /// Removes the node, or its waiter, from the entry `key`.
    pub(super) fn remove_node(&self, key: Key) {
        let (false, Some(mut open)) = (self.is_cancelled(), self.open()) else {
            return; // Invariant 6: the entry was taken.
        };
        let waiter = open.take_waiter(key);
        let removed = open.edit(key, |member| member.node_mut()?.take());
        drop(open);
        drop_waker(waiter);
        drop(removed);
    }
}

/// A loop, not recursion: a branch owns the branch above it, and a chain may have a million branches.
impl Drop for Branch {
    fn drop(&mut self) {
        let mut others = Vec::new();
        let mut next = self.unlink(&mut others);
        // Ends: each round drops one reference of a finite graph without cycles.
        while let Some(branch) = next {
            next = Arc::into_inner(branch).and_then(|mut last| last.unlink(&mut others));
            next = next.or_else(|| others.pop());
        }
    }
}

/// A branch that is locked and live.
pub(super) struct OpenBranch<'a>(MutexGuard<'a, Inner>);

impl OpenBranch<'_> {
    pub(super) fn insert(&mut self, member: Member) -> Key {
        self.0.members.insert(member)
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<Member> {
        self.0.members.remove(key)
    }

    /// Changes an entry, and removes it if it is empty afterwards.
    pub(super) fn edit<R: Default>(
        &mut self,
        key: Key,
        change: impl FnOnce(&mut Member) -> R,
    ) -> R {
        let Some(member) = self.0.members.get_mut(key) else {
            return R::default();
        };
        let result = change(member);
        if member.is_empty() {
            self.0.members.remove(key);
        }
        result
    }

    /// Removes the entry, if it is a waiter, and returns the waker.
    pub(super) fn take_waiter(&mut self, key: Key) -> Option<Waker> {
        self.waiter_mut(key)?;
        match self.0.members.remove(key) {
            Some(Member::Waiter(waker)) => Some(waker),
            _ => None,
        }
    }

    /// Returns the waker of an entry that is a waiter.
    pub(super) fn waiter_mut(&mut self, key: Key) -> Option<&mut Waker> {
        match self.0.members.get_mut(key)? {
            Member::Waiter(waker) => Some(waker),
            Member::Token { .. } => None,
        }
    }

    /// Replaces a waiter's entry by the node, and returns the waker.
    pub(super) fn replace_waiter_by_node(&mut self, key: Key, node: Weak<Node>) -> Option<Waker> {
        let entry = self.0.members.get_mut(key)?;
        match std::mem::replace(entry, Member::node(node)) {
            Member::Waiter(waker) => Some(waker),
            Member::Token { .. } => None,
        }
    }
}
