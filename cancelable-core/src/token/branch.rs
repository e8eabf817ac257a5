//! What hangs below a token: the flag its children read, and the members to tell.

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

/// A marking is at most this many branches up.
const CLIMB: u8 = 3;

/// The shared part of all children of one token.
#[derive(Debug)]
pub(super) struct Branch {
    /// `LIVE` or `CANCELLED`; invariants 1 to 3.
    state: AtomicU8,
    /// How many branches up the marking is, once it is cancelled: 0 if it is here. Set under the lock
    /// before the state, so that every access is relaxed.
    climb: AtomicU8,
    inner: Mutex<Inner>,
    /// By whom it was cancelled, and the cause; set under the lock before the state (invariant 2). A
    /// branch that was told by the one above leaves it to that one, and only a few in a row do so: a
    /// reference count for each level of a deep tree is what a cancel would spend most on.
    marking: OnceLock<Arc<CancelPass>>,
    /// Whether the token that this branch hangs below is gone (invariant 8).
    orphaned: AtomicBool,
    above: Above,
    /// Where the waiters of the token go that this branch hangs below, once threads have met at the
    /// token's own list. Set under the node's lock while the node is not marked.
    sharded_waiters: OnceLock<Box<ShardedWaiters>>,
    /// What the token and those that are made of it look at when they are asked inline.
    deadline_check: OnceLock<Arc<dyn DeadlineCheck>>,
}

#[derive(Debug)]
struct Inner {
    /// Empty once the branch is cancelled (invariant 6).
    members: InlineList<Member>,
    /// What was the entry of this branch above, once it was told by way of that: whoever cancels hands it
    /// over, so that to give it back costs when the branch goes and not in the middle of a cancel.
    entry: Option<Weak<Branch>>,
}

impl Branch {
    /// A live branch. `above` lists it, or does so soon.
    pub(super) fn new(above: Above) -> Self {
        Self::with(LIVE, OnceLock::new(), above)
    }

    /// The branch of a token that is cancelled already: linked to nothing, because nothing can
    /// change it.
    pub(super) fn new_cancelled(cause: Arc<Facts>) -> Self {
        let marking = OnceLock::from(CancelPass::finished(cause));
        Self::with(CANCELLED, marking, Above::Nothing)
    }

    fn with(state: u8, marking: OnceLock<Arc<CancelPass>>, above: Above) -> Self {
        Self {
            state: AtomicU8::new(state),
            climb: AtomicU8::new(0),
            inner: Mutex::new(Inner {
                members: InlineList::default(),
                entry: None,
            }),
            marking,
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

    /// Gives the branch its deadline_check, if it has none.
    pub(super) fn set_deadline_check(&self, deadline_check: Arc<dyn DeadlineCheck>) {
        // Another thread may have been first, with one that does the same.
        let _ = self.deadline_check.set(deadline_check);
    }

    #[inline]
    pub(super) fn is_cancelled(&self) -> bool {
        // Acquire: pairs with the Release in `cancel`. Without it what came before could be missed.
        self.state.load(Ordering::Acquire) == CANCELLED
    }

    /// Set if the branch is cancelled. Takes no lock but those of links, so it may be asked under any.
    ///
    /// Ends: a branch that has none was told by the one to which it is linked, which is cancelled too and
    /// so stays its link; and that goes on for `CLIMB` steps at most.
    fn marking(&self) -> Option<Arc<CancelPass>> {
        if !self.is_cancelled() {
            return None;
        }
        if let Some(marking) = self.marking.get() {
            return Some(Arc::clone(marking));
        }
        let mut branch = self.link()?.branch;
        loop {
            if let Some(marking) = branch.marking.get() {
                return Some(Arc::clone(marking));
            }
            branch = branch.link()?.branch;
        }
    }

    /// Set if the branch is cancelled.
    pub(super) fn cause(&self) -> Option<Arc<Facts>> {
        Some(Arc::clone(self.marking()?.facts()))
    }

    /// The call that cancelled the branch, if it may not have reached everything below yet.
    pub(super) fn unfinished_pass(&self) -> Option<Arc<CancelPass>> {
        self.marking().filter(|marking| !marking.is_finished())
    }

    /// The members for changing, while there are any to change: None if the branch is cancelled.
    pub(super) fn open(&self) -> Option<OpenBranch<'_>> {
        let inner = self.inner.lock();
        // The state changes under this lock only, so what is read here holds while it is held.
        (!self.is_cancelled()).then_some(OpenBranch(inner))
    }

    /// Cancels this branch and puts its members into `pass`, whose caller has to tell them. False if that
    /// has happened before, which the pass takes note of, or if an all-of still waits for other inputs.
    ///
    /// `from` is the branch above that this comes from, which the same pass has cancelled unless this is
    /// a join; `entry` is what was the entry there.
    pub(super) fn cancel(
        &self,
        pass: &mut ActivePass,
        from: Option<&Arc<Self>>,
        entry: Option<Weak<Self>>,
    ) -> bool {
        let mut inner = self.inner.lock();
        if self.is_cancelled() {
            drop(inner);
            self.marking()
                .iter()
                .for_each(|marking| pass.note_overlap(marking));
            return false;
        }
        let climb = match (&self.above, from) {
            (Above::Inputs(inputs), _) if !inputs.count(from) => return false,
            // Relaxed: see the field. It was set by this thread.
            (Above::One(_), Some(from)) => (from.climb.load(Ordering::Relaxed) + 1) % (CLIMB + 1),
            _ => 0,
        };
        match climb {
            // Under the lock and while the state says live, so it is not set and this never waits.
            0 => drop(self.marking.set(pass.marking())),
            _ => self.climb.store(climb, Ordering::Relaxed),
        }
        inner.entry = entry;
        // Release: whoever reads CANCELLED sees the cause and all that came before (invariant 2).
        self.state.store(CANCELLED, Ordering::Release);
        pass.take(&mut inner.members);
        true
    }

    /// The input of a join by which it was cancelled.
    pub(super) fn cancelled_input(&self) -> Option<usize> {
        let _locked = self.inner.lock();
        match &self.above {
            Above::Inputs(inputs) => inputs.decided_by(),
            Above::Nothing | Above::One(_) => None,
        }
    }

    /// The waiters of the token, once they are a sharded_waiters.
    #[inline]
    pub(super) fn sharded_waiters(&self) -> Option<&ShardedWaiters> {
        self.sharded_waiters
            .get()
            .map(|sharded_waiters| &**sharded_waiters)
    }

    /// Has the waiters be a sharded_waiters from now on. The token's node is locked and not marked.
    pub(super) fn shard_waiters(&self) {
        // Only under the node's lock, so that it never waits.
        self.sharded_waiters
            .get_or_init(|| Box::new(ShardedWaiters::new()));
    }

    pub(super) fn above(&self) -> &Above {
        &self.above
    }

    /// Where it is linked, unless it is a root's or a join's.
    pub(super) fn link(&self) -> Option<Link> {
        match &self.above {
            Above::One(link) => Some(link.lock().clone()),
            Above::Nothing | Above::Inputs(_) => None,
        }
    }

    /// Notes that its entry was taken out of the branch to which it is linked, which is locked.
    pub(super) fn note_entry_removed(&self) {
        if let Above::One(link) = &self.above {
            link.lock().key = NO_KEY;
        }
    }

    /// Notes the entries of a join, once it is linked to all of its inputs. It may be cancelled by then.
    pub(super) fn set_keys(&self, inputs: &Inputs, keys: Box<[Key]>) {
        {
            let _locked = self.inner.lock();
            // Only here, once.
            let _ = inputs.keys.set(keys);
        }
        // Whoever cancelled it looked for the keys under the same lock, after its marking was over. So either
        // it has found them, or it is seen here that the marking is over.
        if self.marking().is_some_and(|marking| marking.is_finished()) {
            self.unlink_inputs();
        }
    }

    /// Takes the entries of a join out of its inputs' lists, if that is what it is. To be called when nothing
    /// below it is left to be told, and everything there says cancelled: see `Node::unlink`.
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
            if inputs.left.swap(true, Ordering::Relaxed) {
                return;
            }
            keys
        };
        for ((input, _), key) in inputs.given.iter().zip(keys) {
            // An input without a key was not linked.
            if *key != NO_KEY {
                input.remove_branch(*key);
            }
        }
    }

    /// The token is gone: those below are linked above it, so that it need not stay for them.
    pub(super) fn orphan(&self) {
        // Release: pairs with the Acquire in `past_orphans`, so that who passes an orphan by knows
        // whether its token was cancelled while it lived. Who misses the flag links one level lower,
        // which is as right and keeps one more branch alive.
        self.orphaned.store(true, Ordering::Release);
        if !self.inner.lock().members.is_empty() {
            self.propagate();
        }
    }

    /// Moves the branches below to the one above, with the entries of their tokens. Joins stay, and
    /// whatever is just being dropped.
    fn propagate(&self) {
        let Some(Link { branch: above, .. }) = self.link() else {
            return;
        };
        // Dropped when no lock is held: one of them may be the last.
        let mut held = Vec::new();
        // Branch above, then this one, then a node below it.
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
            held.push((Arc::clone(&below), node.clone()));
            // A node whose handles are gone is about to look for its entry where it was.
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

    /// This branch or the first one above it that is not orphaned, which cancels the same tokens.
    ///
    /// A cancelled orphan is not passed by: its own token may have been cancelled, and those above
    /// not. One that is not cancelled is from now on cancelled only by those above it.
    ///
    /// Ends: it goes up a finite chain.
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

    /// Removes this branch from those above it. The references to them are for the caller to drop,
    /// without recursion: the first is returned, the other inputs of a join go to `others`.
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
                // loom knows nothing of the order that the reference count gives. Here the lock gives it.
                #[cfg(cancelable_loom)]
                drop(self.inner.lock());
                let Inputs {
                    given, keys, left, ..
                } = *inputs;
                // Relaxed: nobody else has the branch any longer.
                let keys = match left.load(Ordering::Relaxed) {
                    true => Box::default(),
                    false => keys.into_inner().unwrap_or_default(),
                };
                for (index, (branch, _)) in given.into_vec().into_iter().enumerate() {
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

    /// Takes the branch out of the entry `key`.
    fn remove_branch(&self, key: Key) {
        let Some(mut open) = self.open() else {
            return; // Invariant 6: the entry was taken.
        };
        let forgotten = open.edit(key, |member| member.branch_mut()?.take());
        drop(open);
        drop(forgotten);
    }

    /// Takes the node, or its waiter, out of the entry `key`.
    pub(super) fn remove_node(&self, key: Key) {
        let (false, Some(mut open)) = (self.is_cancelled(), self.open()) else {
            return; // Invariant 6: the entry was taken.
        };
        let waiter = open.take_waiter(key);
        let forgotten = open.edit(key, |member| member.node_mut()?.take());
        drop(open);
        drop_waker(waiter);
        drop(forgotten);
    }
}

/// A loop in place of recursion: branches hold those above them, and a chain may have a million.
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

/// A branch that is locked and not cancelled.
pub(super) struct OpenBranch<'a>(MutexGuard<'a, Inner>);

impl OpenBranch<'_> {
    pub(super) fn insert(&mut self, member: Member) -> Key {
        self.0.members.insert(member)
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<Member> {
        self.0.members.remove(key)
    }

    /// Changes an entry, and removes it if that leaves it empty.
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

    /// Removes the entry, if it is a waiter's.
    pub(super) fn take_waiter(&mut self, key: Key) -> Option<Waker> {
        self.waiter_mut(key)?;
        match self.0.members.remove(key) {
            Some(Member::Waiter(waker)) => Some(waker),
            _ => None,
        }
    }

    /// The waker of a waiter's entry.
    pub(super) fn waiter_mut(&mut self, key: Key) -> Option<&mut Waker> {
        match self.0.members.get_mut(key)? {
            Member::Waiter(waker) => Some(waker),
            Member::Token { .. } => None,
        }
    }

    /// Puts the node into its waiter's entry, and gives the waiter.
    pub(super) fn replace_waiter_by_node(&mut self, key: Key, node: Weak<Node>) -> Option<Waker> {
        let entry = self.0.members.get_mut(key)?;
        match std::mem::replace(entry, Member::node(node)) {
            Member::Waiter(waker) => Some(waker),
            Member::Token { .. } => None,
        }
    }
}
