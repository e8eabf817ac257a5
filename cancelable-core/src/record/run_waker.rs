//! The waker of the run that polls an operation. The run is woken when the deadline was moved, when the token was
//! made (`token_cell.rs`), and when the last lease on the body has ended.
//!
//! The waker is stored under the record's lock, with a number that goes up under the same lock whenever the waker
//! is taken. A run that registers its waker keeps the number of that moment. While the number is the same the
//! waker is still stored, so a poll costs one load. If the run reads an old number, another thread has taken the
//! waker and wakes it. Either way no wake is lost.
//!
//! A run with a runtime registers its waker when it enters, for moves of the deadline. A run whose token was not
//! made yet registers it at its first wait, and every run does when it waits for a lease.
//!
//! Wakers are cloned before the lock is taken, and woken or dropped after it is released.

use super::{Inner, Record};
use crate::sync::{Ordering, StoredWaker, WakerId};
use std::task::Waker;
use std::time::Instant;

/// The state that a run finds when it registers its waker.
#[derive(Clone, Copy, Default)]
pub(crate) struct Registered {
    /// The number of wakes of the run until then.
    pub(crate) wakes: u64,
    /// The identity of the stored clone. While the clone is stored no other waker gets the same.
    pub(crate) waker: Option<WakerId>,
    /// The operation's own deadline.
    pub(super) due: Option<Instant>,
}

/// Registers the waker of the task that runs the operation.
pub(crate) fn register(record: &Record, waker: &Waker) -> Registered {
    let mut waker = StoredWaker::of(waker);
    let mut inner = record.inner.lock();
    let registered = register_with(record, &mut inner, &mut waker);
    drop(inner);
    // The replaced waker.
    drop(waker);
    registered
}

/// Registers as [`register`] does, under the lock. Puts the replaced waker into `waker`, for the caller to drop.
pub(super) fn register_with(
    record: &Record,
    inner: &mut Inner,
    waker: &mut StoredWaker,
) -> Registered {
    std::mem::swap(&mut inner.run_waker, waker);
    Registered {
        // Relaxed: it changes under the lock that is held here.
        wakes: record.run_wakes.load(Ordering::Relaxed),
        waker: inner.run_waker.id(),
        due: inner.deadlines.own_due(),
    }
}

/// Returns the number of wakes of the run.
pub(crate) fn wakes(record: &Record) -> u64 {
    // Relaxed: an old number is valid too, see the header; the state that goes with the number is read under
    // the lock.
    record.run_wakes.load(Ordering::Relaxed)
}

/// Wakes the task that runs the operation.
pub(super) fn wake_run(record: &Record) {
    let waker = take(record, &mut record.inner.lock());
    wake(waker);
}

/// Takes the waker of a run, for [`wake`] after the lock.
pub(super) fn take(record: &Record, inner: &mut Inner) -> StoredWaker {
    let wakes = record.run_wakes.load(Ordering::Relaxed);
    record.run_wakes.store(wakes + 1, Ordering::Relaxed);
    std::mem::take(&mut inner.run_waker)
}

/// Wakes a run.
pub(super) fn wake(waker: StoredWaker) {
    waker.wake("the waker of a run");
}
