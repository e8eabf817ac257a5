//! The one timer of a run, which follows the effective deadline of its scope.

use crate::operation::Record;
use crate::runtime::{RuntimeHandle, Sleep};
use crate::sync::Ordering;
use std::future::Future;
use std::pin::Pin;
use std::task::Context;

/// A timer that is made at the first deadline and moved from then on.
#[derive(Default)]
pub(super) struct Timekeeper {
    sleep: Option<Sleep>,
    /// The number of moves that the timer has followed; none before its first look.
    followed: Option<u64>,
}

impl Timekeeper {
    /// Cancels the scope if its time is up. Otherwise the task is woken when that may be so, or
    /// when the scope's deadline is moved.
    ///
    /// Wakes: the waker is registered before the number of moves is read, and a move raises the
    /// number before it wakes, so no move is missed. The timer stands at the earliest deadline of
    /// the scope and everything it is a part of, as of this look. One of those above that moves
    /// further away makes it fire early, for which it is armed again; one that moves nearer is
    /// kept by the run of that scope, whose token cancels this one.
    pub(super) fn poll(&mut self, record: &Record, runtime: &RuntimeHandle, cx: &mut Context<'_>) {
        record.runner.register(cx.waker());
        // Acquire: pairs with the Release of the move, to read the deadline that came with it.
        let moves = record.moves.load(Ordering::Acquire);
        if self.followed != Some(moves) {
            self.followed = Some(moves);
            self.arm(record, runtime);
        }
        if !self.is_due(cx) || record.expire(runtime.now()) {
            return;
        }
        self.arm(record, runtime);
        if self.is_due(cx) {
            // It moved back meanwhile. One look more, at the next poll, rather than a loop here.
            cx.waker().wake_by_ref();
        }
    }

    fn is_due(&mut self, cx: &mut Context<'_>) -> bool {
        self.sleep
            .as_mut()
            .is_some_and(|sleep| Pin::new(sleep).poll(cx).is_ready())
    }

    fn arm(&mut self, record: &Record, runtime: &RuntimeHandle) {
        match (record.deadline(), &mut self.sleep) {
            (None, None) => {}
            (deadline, Some(sleep)) => sleep.reset(deadline),
            (deadline, none) => *none = Some(runtime.sleep_until(deadline)),
        }
    }
}
