//! Where a token keeps those who wait for it: stored, exchanged, and taken back.
//!
//! There are three places, and a wait goes to the first that will do:
//!
//! - **In the token's stead** in the parent's list, for the first wait on a token that is nothing
//!   else's member: one lock when it comes, one when it leaves, and whoever cancels the parent wakes it
//!   without a look at the token. Once that wait has left, the token has had its turn: the waits after it
//!   use the token's own lock, so that tokens of one parent that are waited on again and again share none.
//! - **In the token's own list.**
//! - **In the token's crowd**, once threads have met at that list.

use super::bag::{Key, NO_KEY};
use super::branch::OpenBranch;
use super::crowd::{Crowd, Spot};
use super::member::Member;
use super::node::{ALONE, Inner, LISTED, NEVER, Node, ROOT, SPARED, WAITED};
use crate::sync::{MutexGuard, Ordering, StoredWaker, drop_waker};
use std::sync::Arc;
use std::task::Waker;

/// How often a wait has to find the token's list locked before the waits go to a crowd. It takes room
/// for each token that has one, so it is not made for a chance meeting.
pub(super) const MEETINGS: u8 = if cfg!(cancelable_loom) { 1 } else { 16 };

/// Where a waiter is stored. Good until the token is cancelled (invariant 6).
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// Nowhere: the token can't be cancelled.
    Nowhere,
    /// In the token's list. The key 0 also stands for the waiter in the parent's list, because that
    /// one gets this key when it moves to the token's own.
    List(Key),
    Crowd(Spot),
}

impl Node {
    /// Stores `waker`. None if the token is cancelled.
    ///
    /// Wakes: see "No lost wake-up" in the module's header.
    pub(super) fn store(self: &Arc<Self>, waker: StoredWaker) -> Option<Place> {
        let mut waker = waker;
        // Relaxed: a hint. Each way looks again under its lock.
        match self.state.load(Ordering::Relaxed) {
            NEVER => return Some(Place::Nowhere),
            ALONE => match self.spare(waker) {
                Ok(place) => return place,
                Err(back) => waker = back,
            },
            ROOT | LISTED => {
                if let Some(crowd) = self.crowd() {
                    let spot = crowd.insert(waker, || self.is_settled())?;
                    return Some(Place::Crowd(spot));
                }
                let (mut inner, is_crowded) = self.lock_and_count();
                if self.is_settled() {
                    return None;
                }
                let key = inner.waiters.insert(waker.take()?);
                drop(inner);
                if is_crowded {
                    self.gather();
                }
                return Some(Place::List(key));
            }
            _ => {}
        }
        let mut inner = self.open()?;
        Some(Place::List(inner.waiters.insert(waker.take()?)))
    }

    /// Stores the waker in the parent's list, in place of the node. Hands it back if the node is or was a
    /// member; `Ok(None)` if the token is cancelled.
    fn spare(&self, waker: StoredWaker) -> Result<Option<Place>, StoredWaker> {
        let Some(parent) = self.parent() else {
            return Err(waker);
        };
        let Some(mut open) = parent.open() else {
            return Ok(None);
        };
        // Relaxed: changed from ALONE under the lock that is held here, by the token's own cancel as
        // well. With a branch of its own the node may have its home elsewhere (invariant 9).
        if self.state.load(Ordering::Relaxed) != ALONE || self.branch().is_some() {
            drop(open);
            return Err(waker);
        }
        let Some(waker) = waker.take() else {
            return Ok(None);
        };
        let entry = open.insert(Member::Waiter(waker));
        self.entry.store(entry, Ordering::Relaxed);
        self.state.store(SPARED, Ordering::Relaxed);
        Ok(Some(Place::List(0)))
    }

    /// Does `change` while the node is spared, with the parent's list and the entry in it; None if the
    /// node is not spared (any more), so that its waiter, if it has not been taken, is in its own list.
    /// `Some(None)` if the waiter was taken by whoever cancelled the parent.
    fn while_spared<R>(
        &self,
        change: impl FnOnce(&mut OpenBranch<'_>, Key) -> R,
    ) -> Option<Option<R>> {
        let is_spared = || self.state.load(Ordering::Relaxed) == SPARED;
        // Relaxed: a hint, looked at again below. A wait that was stored here has seen the state set.
        if !is_spared() {
            return None;
        }
        let parent = self.parent()?;
        let open = match parent.is_cancelled() {
            true => None,
            false => parent.open(),
        };
        // Relaxed: the state changes from SPARED under the parent's lock only. It is held here, or was
        // after the branch had been cancelled, and then nothing changes it any more.
        if !is_spared() {
            return None;
        }
        Some(open.map(|mut open| change(&mut open, self.entry.load(Ordering::Relaxed))))
    }

    /// Exchanges the waker at `place`. False if the token is cancelled.
    pub(super) fn replace(&self, place: Place, waker: StoredWaker) -> bool {
        let mut waker = waker.take();
        // What is left in `waker`, or comes out, is dropped with no lock held.
        let replaced = match place {
            Place::Nowhere => waker.take(),
            Place::Crowd(spot) => self.crowd().and_then(|crowd| {
                let waker = waker.take()?;
                crowd.replace(spot, waker).ok()
            }),
            Place::List(key) => {
                let spared = self.while_spared(|open, entry| {
                    let stored = open.waiter_mut(entry)?;
                    Some(std::mem::replace(stored, waker.take()?))
                });
                match spared {
                    Some(replaced) => replaced.flatten(),
                    None => {
                        let mut inner = self.lock();
                        let stored = inner.waiters.get_mut(key);
                        stored.and_then(|stored| Some(std::mem::replace(stored, waker.take()?)))
                    }
                }
            }
        };
        let is_stored = replaced.is_some();
        drop_waker(waker);
        drop_waker(replaced);
        is_stored
    }

    /// Takes the waker at `place` back.
    pub(super) fn remove(&self, place: Place) {
        let removed = match place {
            Place::Nowhere => None,
            // A settled node's lists have been taken, or are about to be by a call that wakes them.
            Place::Crowd(_) | Place::List(_) if self.is_settled() => None,
            Place::Crowd(spot) => self.crowd().and_then(|crowd| crowd.remove(spot)),
            Place::List(key) => match self.while_spared(|open, _| self.take_spared(open)) {
                Some(removed) => removed.flatten(),
                None => {
                    let mut inner = self.lock();
                    inner.waiters.remove(key)
                }
            },
        };
        drop_waker(removed);
    }

    /// Takes the waiter that stands in the parent's list for the node, if one does. The parent's list is
    /// `open`.
    pub(super) fn take_spared(&self, open: &mut OpenBranch<'_>) -> Option<Waker> {
        // Relaxed: changed under the lock that is held here.
        if self.state.load(Ordering::Relaxed) != SPARED {
            return None;
        }
        let waker = open.take_waiter(self.entry.load(Ordering::Relaxed));
        self.entry.store(NO_KEY, Ordering::Relaxed);
        self.state.store(WAITED, Ordering::Relaxed);
        waker
    }

    /// The waiters of several threads, once there were.
    #[inline]
    pub(super) fn crowd(&self) -> Option<&Crowd> {
        self.branch()?.crowd()
    }

    /// Locks the node's lists for a wait. True if waits have found them locked too often.
    fn lock_and_count(&self) -> (MutexGuard<'_, Inner>, bool) {
        let (inner, is_met) = match self.try_lock() {
            Some(inner) => (inner, false),
            None => (self.lock(), true),
        };
        // loom does not have one thread try a lock while another holds it. A second waiter stands in for
        // that.
        #[cfg(cancelable_loom)]
        let is_met = is_met || !inner.waiters.is_empty();
        if !is_met {
            return (inner, false);
        }
        // Relaxed: only under the lock that is held here.
        let met = self.met.load(Ordering::Relaxed).saturating_add(1);
        self.met.store(met, Ordering::Relaxed);
        (inner, met >= MEETINGS)
    }

    /// Has the waits from now on go to a crowd. Those that are stored stay where they are.
    ///
    /// Whoever settles the node does it under the lock that is held here: it finds the crowd, or is found.
    fn gather(self: &Arc<Self>) {
        let branch = self.own_branch();
        let _locked = self.lock();
        if !self.is_settled() {
            branch.set_crowd();
        }
    }
}
