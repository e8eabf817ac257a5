//! How the task that runs an operation is told to look at it again: its deadline was moved, its token
//! was made (`token_cell.rs`), or the last ticket on it was given back.
//!
//! The waker lies under the record's lock, with a number that goes up under the same lock whenever
//! the waker is taken. A run that has left its waker keeps the number it found then. As long as the
//! number is the same the waker is still there, so a poll costs one load; and if the run reads an
//! old number, the waker was taken by someone who wakes it. Either way no call is lost.
//!
//! A run with a runtime leaves its waker when it enters, for moves of the deadline. One whose
//! token was not made yet leaves it when it first waits, and each when it waits for a ticket.
//!
//! Wakers are cloned before the lock and called or dropped after it.

use super::{Inner, Record};
use crate::sync::{Ordering, StoredWaker, WakerId};
use std::task::Waker;
use std::time::Instant;

/// What a run finds when it leaves its waker.
#[derive(Clone, Copy, Default)]
pub(crate) struct Followed {
    /// How often the run had been called until then.
    pub(crate) calls: u64,
    /// Which waker was left, which is a clone; while it lies here no other comes to have the same.
    pub(crate) waker: Option<WakerId>,
    /// The operation's own deadline.
    due: Option<Instant>,
}

impl Record {
    /// Leaves the waker of the task that runs the operation.
    pub(crate) fn follow(&self, waker: &Waker) -> Followed {
        let mut waker = StoredWaker::of(waker);
        let mut inner = self.inner.lock();
        let followed = self.follow_with(&mut inner, &mut waker);
        drop(inner);
        // A replaced one.
        drop(waker);
        followed
    }

    /// [`follow`](Self::follow) under the lock. The waker that is left over is for the caller to drop.
    pub(crate) fn follow_with(&self, inner: &mut Inner, waker: &mut StoredWaker) -> Followed {
        std::mem::swap(&mut inner.runner, waker);
        Followed {
            // Relaxed: it changes under the lock that is held here.
            calls: self.calls.load(Ordering::Relaxed),
            waker: inner.runner.id(),
            due: inner.deadline.due().map(|due| due.at),
        }
    }

    /// How often the run was called.
    pub(crate) fn calls(&self) -> u64 {
        // Relaxed: an old number is as good, see above; what belongs to the number is read under
        // the lock.
        self.calls.load(Ordering::Relaxed)
    }

    /// Has the task that runs the operation look at it again.
    pub(crate) fn call_runner(&self) {
        let waker = self.take_runner(&mut self.inner.lock());
        wake(waker);
    }

    /// The waker of a run that is to be called, for [`wake`] after the lock.
    pub(crate) fn take_runner(&self, inner: &mut Inner) -> StoredWaker {
        let calls = self.calls.load(Ordering::Relaxed);
        self.calls.store(calls + 1, Ordering::Relaxed);
        std::mem::take(&mut inner.runner)
    }

    /// The earliest deadline on the line, given what was found of this record's own.
    pub(crate) fn deadline_of(&self, followed: &Followed) -> Option<Instant> {
        followed.due.into_iter().chain(self.due_above()).min()
    }
}

/// Calls a run.
pub(crate) fn wake(waker: StoredWaker) {
    waker.wake("the waker of a run");
}
