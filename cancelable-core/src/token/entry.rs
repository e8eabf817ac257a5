//! A node's entry in the list above it.

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
    /// The node's entry; see the field.
    pub(super) fn entry(&self, _locked: &Inner) -> Key {
        self.entry.load(Ordering::Relaxed)
    }

    pub(super) fn set_entry(&self, _locked: &Inner, entry: Key) {
        self.entry.store(entry, Ordering::Relaxed);
    }

    /// The branch in which this node has its entry, if it has one. The entry stands where this
    /// node's own branch is linked, so that both share it.
    fn home<'a>(&'a self, link: &'a Option<Link>) -> Option<&'a Arc<Branch>> {
        match link {
            Some(link) => Some(&link.branch),
            None => self.parent(),
        }
    }

    /// Where its own branch is linked, if it has one that is.
    fn link(&self) -> Option<Link> {
        self.branch()?.link()
    }

    /// The node's lists, for adding a waiter or a callback: locked, not cancelled, and the node is a
    /// member (invariant 5). None if the token is cancelled.
    pub(super) fn open(self: &Arc<Self>) -> Option<MutexGuard<'_, Inner>> {
        // Ends: a round is repeated only if the node became LINKED or got its branch meanwhile, each
        // of which happens once, or if its branch was linked further up.
        loop {
            // Relaxed: a hint. LINKED is not taken back but by cancelling, which is looked for
            // under the lock; who misses it takes the longer way and finds the entry there.
            // NEVER has no parent and keeps its callbacks like a root, though nobody takes them.
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

    /// Makes the node say that it is cancelled, given that its home is. False if it became a member
    /// meanwhile, so that the home's canceller tells it.
    ///
    /// The home may stand above orphans (invariant 8) and be cancelled a moment before the parent's
    /// branch is. A wait that ends, or a callback that is refused, must find the token cancelled.
    fn mark_cancelled_with(&self, home: &Branch) -> bool {
        if self.is_cancelled() {
            return true;
        }
        let cause = home.cause();
        let mut inner = self.lock();
        // Relaxed: this state is set under the lock that is held here. The home is not the parent's
        // branch, or else the token were cancelled; so the node has a branch, and is not linked_waiter.
        if matches!(
            self.state.load(Ordering::Relaxed),
            UNLINKED | WAITER_UNLINKED
        ) {
            inner.cause = cause;
            // Release: as in `mark_cancelled`. There is nobody to tell: a node that is no member has no lists.
            self.state.store(INHERITED, Ordering::Release);
        }
        self.is_marked_cancelled()
    }

    /// Makes the node a member of the branch `open`, which is its home, if it is not. Both are locked.
    /// A waiter that stands there for the node moves to the node's list, with the key 0.
    pub(super) fn link_node(self: &Arc<Self>, open: &mut OpenBranch<'_>, inner: &mut Inner) {
        // Relaxed: changed under the locks that are held here.
        let state = self.state.load(Ordering::Relaxed);
        if state == LINKED {
            return;
        }
        let node = Arc::downgrade(self);
        if state == WAITER_LINKED {
            // The list is empty, because the node was never LINKED.
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
        // Relaxed: the lists that this speaks of are read under the lock that is held here.
        self.state.store(LINKED, Ordering::Relaxed);
    }

    /// Takes the entry out, for a node that was cancelled itself, and not from above. To be called once all
    /// that is below it says cancelled: a canceller of the list finds nothing here then to wait for.
    ///
    /// So a token that is cancelled and kept, by a handle or by a registration, costs its parent nothing. With a
    /// join leaves what it was made of: nobody but the token and those below it hang there.
    pub(super) fn unlink(&self) {
        self.remove_entry();
        if let Some(parent) = self.parent() {
            parent.unlink_inputs();
        }
    }

    fn remove_entry(&self) {
        // Ends: a round is repeated only if the own branch was linked further up meanwhile, and the line is
        // finite.
        loop {
            let link = self.link();
            // Relaxed: a node that is marked gets no entry any more.
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

    /// Takes the entry out, for a node that has one and is being dropped.
    pub(super) fn remove_entry_of_dropped(&self) {
        if let Some(home) = self.home(&self.link()) {
            // Relaxed: nobody else has the node any longer.
            home.remove_node(self.entry.load(Ordering::Relaxed));
        }
    }
}
