//! The timer of a run, which follows the effective deadline of its scope.

use crate::record::run_waker::Registered;
use crate::record::{Record, deadlines};
use crate::runtime::{RuntimeHandle, Timer};
use std::pin::Pin;
use std::task::Context;
use std::time::Instant;

/// The timer of a run, made for the first deadline in the future and moved to later deadlines.
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
    /// The timer is not set to the deadline.
    #[default]
    Stale,
    /// The timer is set to the deadline.
    Armed,
    /// The timer was set to the deadline and has fired. It must not be polled before it is moved.
    Fired,
}

impl DeadlineTimer {
    /// Takes the deadline that the run found on entry at `now`. A deadline that has passed cancels.
    pub(super) fn enter(&mut self, record: &Record, registered: &Registered, now: Instant) {
        self.follow(record, registered);
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            deadlines::expire(record, now);
        }
    }

    /// Cancels the scope if its time is up. `registered` is the registration, if the run has just left its waker.
    ///
    /// Wakes: by the timer, and by a move of the scope's deadline, see `record/run_waker.rs`. The timer is set to the
    /// earliest deadline of the scope and its ancestors, as of this poll. If an ancestor's deadline moves further away,
    /// the timer fires early and is armed again. If an ancestor's deadline moves nearer, the run of that ancestor keeps
    /// it, and its token cancels this scope.
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
        // The runs of the ancestors keep their own deadlines, so a cancelled scope has nothing to wait for.
        if !self.has_fired(runtime, cx)
            || record.is_cancelled()
            || deadlines::expire(record, runtime.now())
        {
            return;
        }
        self.deadline = deadlines::effective(record);
        self.state = State::Stale;
        if self.has_fired(runtime, cx) {
            // The deadline moved back meanwhile. The next poll tries again, which spares a loop here.
            cx.waker().wake_by_ref();
        }
    }

    /// Returns whether there was a deadline at the last poll.
    pub(super) fn is_set(&self) -> bool {
        self.deadline.is_some()
    }

    /// Stops, and returns the timer to its runtime.
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
