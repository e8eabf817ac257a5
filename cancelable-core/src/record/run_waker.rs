//! The waker of the run that polls an operation. It is woken when the deadline was moved, when the token was made
//! (`token_cell.rs`), and when the last hold on the body was given back.
//!
//! The waker lies under the record's lock, with a number that goes up under the same lock whenever
//! the waker is taken. A run that has left its waker keeps the number it found then. As long as the
//! number is the same the waker is still there, so a poll costs one load; and if the run reads an
//! old number, the waker was taken by another thread, which wakes it. Either way no wake is lost.
//!
//! A run with a runtime leaves its waker when it enters, for moves of the deadline. One whose
//! token was not made yet leaves it when it first waits, and each when it waits for a hold.
//!
//! Wakers are cloned before the lock and woken or dropped after it.

use super::{Inner, Record};
use crate::sync::{Ordering, StoredWaker, WakerId};
use std::task::Waker;
use std::time::Instant;

/// The state that a run finds when it leaves its waker.
#[derive(Clone, Copy, Default)]
pub(crate) struct Followed {
    /// The number of wakes of the run until then.
    pub(crate) wakes: u64,
    /// Which waker was left, which is a clone; while it lies here no other comes to have the same.
    pub(crate) waker: Option<WakerId>,
    /// The operation's own deadline.
    pub(super) due: Option<Instant>,
}

/// Leaves the waker of the task that runs the operation.
pub(crate) fn follow(record: &Record, waker: &Waker) -> Followed {
    let mut waker = StoredWaker::of(waker);
    let mut inner = record.inner.lock();
    let followed = follow_with(record, &mut inner, &mut waker);
    drop(inner);
    // A replaced one.
    drop(waker);
    followed
}

/// [`follow`] under the lock. The waker that is left over is for the caller to drop.
pub(super) fn follow_with(record: &Record, inner: &mut Inner, waker: &mut StoredWaker) -> Followed {
    std::mem::swap(&mut inner.run_waker, waker);
    Followed {
        // Relaxed: it changes under the lock that is held here.
        wakes: record.run_wakes.load(Ordering::Relaxed),
        waker: inner.run_waker.id(),
        due: inner.deadlines.own_due(),
    }
}

/// The number of wakes of the run.
pub(crate) fn wakes(record: &Record) -> u64 {
    // Relaxed: an old number is as good, see above; what belongs to the number is read under
    // the lock.
    record.run_wakes.load(Ordering::Relaxed)
}

/// Has the task that runs the operation look at it again.
pub(super) fn wake_run(record: &Record) {
    let waker = take(record, &mut record.inner.lock());
    wake(waker);
}

/// The waker of a run that is to be woken, for [`wake`] after the lock.
pub(super) fn take(record: &Record, inner: &mut Inner) -> StoredWaker {
    let wakes = record.run_wakes.load(Ordering::Relaxed);
    record.run_wakes.store(wakes + 1, Ordering::Relaxed);
    std::mem::take(&mut inner.run_waker)
}

/// Wakes a run.
pub(super) fn wake(waker: StoredWaker) {
    waker.wake("the waker of a run");
}
