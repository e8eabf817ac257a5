//! The one timer of a run, which follows the effective deadline of its scope.

use crate::operation::{Followed, Record};
use crate::runtime::{RuntimeHandle, Timer};
use std::pin::Pin;
use std::task::Context;
use std::time::Instant;

/// A timer that is made at the first deadline that has to be waited for, and moved from then on.
#[derive(Default)]
pub(super) struct Timekeeper {
    /// When the timer is to ring, as of the last look; none is never.
    deadline: Option<Instant>,
    timer: Option<Pin<Box<dyn Timer>>>,
    state: State,
}

/// Where the timer stands.
#[derive(Clone, Copy, Default)]
enum State {
    /// Elsewhere than at the deadline.
    #[default]
    Behind,
    /// At the deadline.
    Armed,
    /// There, and it has rung, so that it must not be polled before it is moved.
    Rung,
}

impl Timekeeper {
    /// Begins with what the run found when it entered at `now` and left its waker. A deadline that
    /// has been reached cancels.
    pub(super) fn enter(&mut self, record: &Record, followed: &Followed, now: Instant) {
        self.follow(record, followed);
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            record.expire(now);
        }
    }

    /// Cancels the scope if its time is up. Otherwise the task is woken when that may be so, or
    /// when the scope's deadline is moved. `followed` is what the run found if it has just left its waker.
    ///
    /// Wakes: for a move, see `record/run_waker.rs`. The timer stands at the earliest deadline of the
    /// scope and everything it is a part of, as of this look. One of those above that moves further
    /// away makes it ring early, for which it is armed again; one that moves nearer is kept by the
    /// run of that scope, whose token cancels this one.
    pub(super) fn poll(
        &mut self,
        record: &Record,
        runtime: &RuntimeHandle,
        followed: Option<&Followed>,
        cx: &mut Context<'_>,
    ) {
        if let Some(followed) = followed {
            self.follow(record, followed);
        }
        // One that is cancelled leaves the deadlines above to the runs whose they are.
        if !self.has_rung(runtime, cx) || record.is_cancelled() || record.expire(runtime.now()) {
            return;
        }
        self.deadline = record.deadline();
        self.state = State::Behind;
        if self.has_rung(runtime, cx) {
            // It moved back meanwhile. One look more, at the next poll, rather than a loop here.
            cx.waker().wake_by_ref();
        }
    }

    /// Whether there was a deadline at the last look.
    pub(super) fn is_set(&self) -> bool {
        self.deadline.is_some()
    }

    /// Stops. The timer goes back to the runtime that it is of.
    pub(super) fn end(&mut self, runtime: Option<&RuntimeHandle>) {
        if let (Some(timer), Some(runtime)) = (self.timer.take(), runtime) {
            runtime.retire(timer);
        }
        self.deadline = None;
        self.state = State::Behind;
    }

    fn follow(&mut self, record: &Record, followed: &Followed) {
        let deadline = record.deadline_of(followed);
        if deadline != self.deadline {
            self.deadline = deadline;
            self.state = State::Behind;
        }
    }

    fn has_rung(&mut self, runtime: &RuntimeHandle, cx: &mut Context<'_>) -> bool {
        let Some(at) = self.deadline else {
            return false;
        };
        let timer = match (self.state, &mut self.timer) {
            (State::Rung, _) => return true,
            (State::Armed, Some(timer)) => timer,
            (_, Some(timer)) => {
                timer.as_mut().reset(at);
                timer
            }
            (_, none) => none.insert(runtime.alarm(at)),
        };
        let rung = timer.as_mut().poll(cx).is_ready();
        self.state = if rung { State::Rung } else { State::Armed };
        rung
    }
}
