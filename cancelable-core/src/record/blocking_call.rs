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
    /// The time from the cancel of the call to its abandonment; `None` is for ever.
    abandon_after: Option<Duration>,
    state: Mutex<State>,
    /// The waker of the one task that awaits the handle. Woken after a change of the state, with the lock released.
    waiter: WakerSlot,
}

#[derive(Clone, Copy, Default)]
struct State {
    cancelled_at: Option<Instant>,
    abandoned: bool,
}

impl BlockingCall {
    pub(crate) fn new(runtime: RuntimeHandle, abandon_after: Option<Duration>) -> Self {
        Self {
            runtime,
            abandon_after,
            state: Mutex::new(State::default()),
            waiter: WakerSlot::new(),
        }
    }

    pub(crate) fn runtime(&self) -> &RuntimeHandle {
        &self.runtime
    }

    pub(crate) fn abandon_after(&self) -> Option<Duration> {
        self.abandon_after
    }

    /// Returns the time of its abandonment; `None` while it is not cancelled, or if it is never abandoned.
    pub(crate) fn due(&self) -> Option<Instant> {
        let cancelled_at = self.state.lock().cancelled_at?;
        cancelled_at.checked_add(self.abandon_after?)
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

    /// Notes the cancel. The time to its abandonment counts from here.
    pub(crate) fn note_cancel(&self) {
        let now = self.runtime.now();
        self.state.lock().cancelled_at.get_or_insert(now);
        self.notify();
    }

    pub(super) fn abandon(&self) {
        self.state.lock().abandoned = true;
        self.notify();
    }

    fn notify(&self) {
        self.waiter.wake("the waker of a join handle");
    }
}
