//! A node's entry in its home, the branch above that lists it.

use super::branch::{Branch, OpenBranch};
use super::inline_list::{Key, NO_KEY};
use super::link::Link;
use super::member::Member;
use super::node::{
    INHERITED, Inner, LINKED, NEVER, Node, ROOT, UNLINKED, WAITER_LINKED, WAITER_UNLINKED,
};
use crate::sync::{MutexGuard, Ordering};
use std::sync::Arc;

impl Node {
    /// Returns the key of the entry; see the field.
    pub(super) fn entry(&self, _locked: &Inner) -> Key {
        self.entry.load(Ordering::Relaxed)
    }

    pub(super) fn set_entry(&self, _locked: &Inner, entry: Key) {
        self.entry.store(entry, Ordering::Relaxed);
    }

    /// Returns the home, the branch where this node has its entry. The node and its own branch share the
    /// entry, so the home is where the own branch is linked.
    fn home<'a>(&'a self, link: &'a Option<Link>) -> Option<&'a Arc<Branch>> {
        match link {
            Some(link) => Some(&link.branch),
            None => self.parent(),
        }
    }

    /// Returns the link of the own branch, if it has one.
    fn link(&self) -> Option<Link> {
        self.branch()?.link()
    }

    /// Locks the node's lists for a new waiter or callback, after making the node a member (invariant 5).
    /// Returns `None` if the token is cancelled.
    pub(super) fn open(self: &Arc<Self>) -> Option<MutexGuard<'_, Inner>> {
        // Ends: a round repeats only if the node became LINKED or got its branch meanwhile, each of which
        // happens once, or if its branch was linked further up.
        loop {
            // Relaxed: a hint. Only a cancel ends LINKED, which is checked under the lock; a thread that
            // misses LINKED takes the longer path and finds the entry there. NEVER has no parent and stores
            // callbacks as a root does, though nothing runs them.
            if matches!(self.state.load(Ordering::Relaxed), ROOT | LINKED | NEVER) {
                let inner = self.lock();
                return (!self.is_marked_cancelled()).then_some(inner);
            }
            let link = self.link();
            let home = self.home(&link)?;
            // Branch above, then node below.
            let Some(mut open) = home.open() else {
                match self.mark_cancelled_with(home) {
                    true => return None,
                    false => continue,
                }
            };
            let mut inner = self.lock();
            if self.is_marked_cancelled() {
                return None;
            }
            if !self
                .home(&self.link())
                .is_some_and(|now| Arc::ptr_eq(now, home))
            {
                continue;
            }
            self.link_node(&mut open, &mut inner);
            return Some(inner);
        }
    }

    /// Marks the node as INHERITED. Requires that its home is cancelled. Returns false if the node became a
    /// member meanwhile, so that the home's canceller notifies it.
    ///
    /// The home may be above orphans (invariant 8) and be cancelled a moment before the parent's branch. After a wait
    /// has ended, or a callback was rejected, the token must report cancelled.
    fn mark_cancelled_with(&self, home: &Branch) -> bool {
        if self.is_cancelled() {
            return true;
        }
        let cause = home.cause();
        let mut inner = self.lock();
        // Relaxed: this state is set under the lock that is held here. The home is not the parent's branch,
        // or else the token would be cancelled. So the node has a branch, and is not WAITER_LINKED.
        if matches!(
            self.state.load(Ordering::Relaxed),
            UNLINKED | WAITER_UNLINKED
        ) {
            inner.cause = cause;
            // Release: as in `mark_cancelled`. Nothing to notify: a node that is not a member has no waiters
            // or callbacks.
            self.state.store(INHERITED, Ordering::Release);
        }
        self.is_marked_cancelled()
    }

    /// Makes the node a member of `open`, which is its home. Requires that both are locked. A waiter in the
    /// node's place moves to the node's list, with the key 0.
    pub(super) fn link_node(self: &Arc<Self>, open: &mut OpenBranch<'_>, inner: &mut Inner) {
        // Relaxed: changed only under the locks that are held here.
        let state = self.state.load(Ordering::Relaxed);
        if state == LINKED {
            return;
        }
        let node = Arc::downgrade(self);
        if state == WAITER_LINKED {
            // The node's list is empty, because the node was never LINKED.
            let waiter = open.replace_waiter_by_node(self.entry(inner), node);
            if let Some(waiter) = waiter {
                inner.waiters.insert(waiter);
            }
        } else {
            let entry = match self.link() {
                Some(Link { key, .. }) => {
                    open.edit(key, |member| {
                        if let Some(place) = member.node_mut() {
                            *place = Some(node);
                        }
                    });
                    key
                }
                None => open.insert(Member::node(node)),
            };
            self.set_entry(inner, entry);
        }
        // Relaxed: the lists that this state describes are read under the lock that is held here.
        self.state.store(LINKED, Ordering::Relaxed);
    }

    /// Removes the entry of a node that was cancelled itself. Requires that everything below is marked, so
    /// that a canceller of the home has nothing here to wait for.
    ///
    /// A cancelled token that is kept by a handle or a registration then costs its parent nothing. The child
    /// of a join removes the join from its inputs as well: only that child and the tokens below it need the
    /// join.
    pub(super) fn unlink(&self) {
        self.remove_entry();
        if let Some(parent) = self.parent() {
            parent.unlink_inputs();
        }
    }

    fn remove_entry(&self) {
        // Ends: a round repeats only if the own branch was linked further up meanwhile, and the chain upwards
        // is finite.
        loop {
            let link = self.link();
            // Relaxed: a marked node gets no new entry.
            if link.is_none() && self.entry.load(Ordering::Relaxed) == NO_KEY {
                return;
            }
            let Some(home) = self.home(&link) else { return };
            let Some(mut open) = home.open() else {
                return; // Invariant 6: the entry was taken.
            };
            let inner = self.lock();
            let now = self.link();
            if !self.home(&now).is_some_and(|now| Arc::ptr_eq(now, home)) {
                continue;
            }
            let key = now.map_or_else(|| self.entry(&inner), |link| link.key);
            self.set_entry(&inner, NO_KEY);
            if let Some(branch) = self.branch() {
                branch.note_entry_removed();
            }
            let left = open.remove(key);
            drop((inner, open));
            drop(left);
            return;
        }
    }

    /// Removes the entry of a node that is being dropped.
    pub(super) fn remove_entry_of_dropped(&self) {
        if let Some(home) = self.home(&self.link()) {
            // Relaxed: this is the last handle.
            home.remove_node(self.entry.load(Ordering::Relaxed));
        }
    }
}
