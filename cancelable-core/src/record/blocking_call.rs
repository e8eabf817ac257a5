//! The state of a blocking call apart from its value: the time of its cancel, and its abandonment.
//!
//! A thread cannot be stopped, so a wait for a blocking call may have to end before the call. The end of the wait
//! has to be known to the scope, which joins the call, and to the task that awaits the handle of the call.

use crate::runtime::RuntimeHandle;
use crate::sync::{Mutex, WakerSlot};
use std::task::Context;
use std::time::{Duration, Instant};

pub(crate) struct BlockingCall {
    runtime: RuntimeHandle,
    /// The time from the cancel of the call to its abandonment; `None` if the call is never abandoned.
    grace: Option<Duration>,
    state: Mutex<State>,
    /// The waker of the one task that awaits the handle. Woken after a change of the state, with the lock released.
    waiter: WakerSlot,
}

#[derive(Clone, Copy, Default)]
struct State {
    cancelled_at: Option<Instant>,
    /// The time of a hard cancel, which ends the grace period.
    hard_cancelled_at: Option<Instant>,
    /// True if the thread is done.
    has_ended: bool,
    abandoned: bool,
}

impl BlockingCall {
    pub(crate) fn new(runtime: RuntimeHandle, grace: Option<Duration>) -> Self {
        Self {
            runtime,
            grace,
            state: Mutex::new(State::default()),
            waiter: WakerSlot::new(),
        }
    }

    pub(crate) fn runtime(&self) -> &RuntimeHandle {
        &self.runtime
    }

    pub(crate) fn grace(&self) -> Option<Duration> {
        self.grace
    }

    /// Returns the time at which the call is abandoned; `None` while the call is not cancelled, if its thread is
    /// done, or if the call is never abandoned.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due_after(|state| state.cancelled_at)
    }

    /// Returns [`due`](Self::due) for a call whose cancel at `now` may not be recorded yet.
    pub(crate) fn due_by(&self, now: Instant) -> Option<Instant> {
        self.due_after(|state| state.cancelled_at.or(Some(now)))
    }

    fn due_after(&self, cancelled_at: impl FnOnce(&State) -> Option<Instant>) -> Option<Instant> {
        let grace = self.grace?;
        let state = *self.state.lock();
        let cancelled_at = cancelled_at(&state).filter(|_| !state.has_ended)?;
        let hard_cancelled_at = state.hard_cancelled_at.map(|at| at.max(cancelled_at));
        cancelled_at
            .checked_add(grace)
            .into_iter()
            .chain(hard_cancelled_at)
            .min()
    }

    /// Returns the time from the cancel to the abandonment.
    pub(crate) fn waited(&self) -> Duration {
        let cancelled_at = self.state.lock().cancelled_at;
        let waited = self.due().zip(cancelled_at);
        let waited = waited.map(|(due, cancelled_at)| due.saturating_duration_since(cancelled_at));
        waited.or(self.grace).unwrap_or_default()
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.state.lock().abandoned
    }

    /// Registers the waker of a task for the next change. The task has to check the state again after this.
    pub(crate) fn register(&self, cx: &Context<'_>) {
        self.waiter.register(cx.waker());
    }

    /// Removes the waker.
    pub(crate) fn unregister(&self) {
        drop(self.waiter.take());
    }

    /// Records the cancel. The grace period counts from here.
    pub(crate) fn note_cancel(&self) {
        let now = self.runtime.now();
        self.state.lock().cancelled_at.get_or_insert(now);
        self.notify();
    }

    /// Ends the grace period.
    pub(crate) fn end_grace(&self) {
        let now = self.runtime.now();
        self.state.lock().hard_cancelled_at.get_or_insert(now);
        self.notify();
    }

    /// Records that the thread is done: the call is not abandoned any more.
    pub(crate) fn end(&self) {
        self.state.lock().has_ended = true;
    }

    pub(super) fn abandon(&self) {
        self.state.lock().abandoned = true;
        self.notify();
    }

    fn notify(&self) {
        self.waiter.wake("the waker of a join handle");
    }
}
