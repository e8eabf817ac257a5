//! The one timer of a run, which follows the effective deadline of its scope.

use crate::record::run_waker::Registered;
use crate::record::{Record, deadlines};
use crate::runtime::{RuntimeHandle, Timer};
use std::pin::Pin;
use std::task::Context;
use std::time::Instant;

/// A timer that is made for the first deadline that has to be waited for, and moved from then on.
#[derive(Default)]
pub(super) struct DeadlineTimer {
    /// The effective deadline as of the last poll.
    deadline: Option<Instant>,
    timer: Option<Pin<Box<dyn Timer>>>,
    state: State,
}

/// The state of the timer.
#[derive(Clone, Copy, Default)]
enum State {
    /// Not set to the deadline.
    #[default]
    Stale,
    /// Set to the deadline.
    Armed,
    /// Set to the deadline and fired. It must not be polled before it is moved.
    Fired,
}

impl DeadlineTimer {
    /// Takes the deadline that the run found when it entered at `now` and left its waker. A deadline that has been
    /// reached cancels.
    pub(super) fn enter(&mut self, record: &Record, registered: &Registered, now: Instant) {
        self.follow(record, registered);
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            deadlines::expire(record, now);
        }
    }

    /// Cancels the scope if its time is up. Otherwise the task is woken when that may be so, or when the scope's
    /// deadline is moved. `registered` is what the run found if it has just left its waker.
    ///
    /// Wakes: for a move, see `record/run_waker.rs`. The timer is set to the earliest deadline of the scope and its
    /// ancestors, as of this poll. If an ancestor's deadline moves further away, the timer fires early and is armed
    /// again. If it moves nearer, the run of that ancestor keeps it, and its token cancels this scope.
    pub(super) fn poll(
        &mut self,
        record: &Record,
        runtime: &RuntimeHandle,
        registered: Option<&Registered>,
        cx: &mut Context<'_>,
    ) {
        if let Some(registered) = registered {
            self.follow(record, registered);
        }
        // A cancelled scope leaves the deadlines of its ancestors to their runs.
        if !self.has_fired(runtime, cx)
            || record.is_cancelled()
            || deadlines::expire(record, runtime.now())
        {
            return;
        }
        self.deadline = deadlines::effective(record);
        self.state = State::Stale;
        if self.has_fired(runtime, cx) {
            // It moved back meanwhile. Once more at the next poll, rather than a loop here.
            cx.waker().wake_by_ref();
        }
    }

    /// Whether there was a deadline at the last poll.
    pub(super) fn is_set(&self) -> bool {
        self.deadline.is_some()
    }

    /// Stops, and gives the timer back to its runtime.
    pub(super) fn stop(&mut self, runtime: Option<&RuntimeHandle>) {
        if let (Some(timer), Some(runtime)) = (self.timer.take(), runtime) {
            runtime.retire(timer);
        }
        self.deadline = None;
        self.state = State::Stale;
    }

    fn follow(&mut self, record: &Record, registered: &Registered) {
        let deadline = deadlines::effective_for(record, registered);
        if deadline != self.deadline {
            self.deadline = deadline;
            self.state = State::Stale;
        }
    }

    fn has_fired(&mut self, runtime: &RuntimeHandle, cx: &mut Context<'_>) -> bool {
        let Some(at) = self.deadline else {
            return false;
        };
        let timer = match (self.state, &mut self.timer) {
            (State::Fired, _) => return true,
            (State::Armed, Some(timer)) => timer,
            (_, Some(timer)) => {
                timer.as_mut().reset(at);
                timer
            }
            (_, none) => none.insert(runtime.timer(at)),
        };
        let fired = timer.as_mut().poll(cx).is_ready();
        self.state = if fired { State::Fired } else { State::Armed };
        fired
    }
}
