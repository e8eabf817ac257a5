//! The one timer of a run, which follows the effective deadline of its scope.

use crate::operation::Record;
use crate::runtime::{RuntimeHandle, Sleep};
use std::future::Future;
use std::pin::Pin;
use std::ptr;
use std::task::{Context, Waker};
use std::time::Instant;

/// A timer that is made at the first deadline and moved from then on.
#[derive(Default)]
pub(super) struct Timekeeper {
    sleep: Option<Sleep>,
    /// None before its first look.
    followed: Option<Followed>,
}

/// What the record was last asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Followed {
    /// The number of moves that the timer has followed.
    moves: u64,
    /// The waker that the record keeps, as two addresses. The record's clone keeps them from being
    /// used for another one, so the same addresses are the same waker.
    waker: (usize, usize),
}

impl Followed {
    fn new(moves: u64, waker: &Waker) -> Self {
        let vtable = ptr::from_ref(waker.vtable());
        Self {
            moves,
            waker: (waker.data().addr(), vtable.addr()),
        }
    }
}

impl Timekeeper {
    /// Cancels the scope if its time is up. Otherwise the task is woken when that may be so, or
    /// when the scope's deadline is moved.
    ///
    /// Wakes: the record has this waker and the timer stands at the deadline after as many moves as
    /// there were when it got the waker, for which see [`Record::follow`]. A move takes the waker,
    /// and its number is then not the one here, so the record is followed again. The timer stands at
    /// the earliest deadline of the scope and everything it is a part of, as of that look. One of
    /// those above that moves further away makes it fire early, for which it is armed again; one
    /// that moves nearer is kept by the run of that scope, whose token cancels this one.
    pub(super) fn poll(&mut self, record: &Record, runtime: &RuntimeHandle, cx: &mut Context<'_>) {
        let present = Followed::new(record.moves(), cx.waker());
        if self.followed != Some(present) {
            let (moves, deadline) = record.follow(cx.waker().clone());
            self.followed = Some(Followed { moves, ..present });
            self.arm(runtime, deadline);
        }
        if !self.is_due(cx) || record.expire(runtime.now()) {
            return;
        }
        self.arm(runtime, record.deadline());
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

    fn arm(&mut self, runtime: &RuntimeHandle, deadline: Option<Instant>) {
        match &mut self.sleep {
            Some(sleep) if sleep.deadline() == deadline => {}
            Some(sleep) => sleep.reset(deadline),
            None if deadline.is_none() => {}
            none => *none = Some(runtime.sleep_until(deadline)),
        }
    }
}
