//! The state of a blocking call apart from its value: when it was cancelled, and whether it is still waited for.
//!
//! A thread cannot be stopped, so a wait for it may have to end without it. When that is has to be
//! known to the scope, which joins the call, and to the task that awaits the call's handle.

use crate::runtime::RuntimeHandle;
use crate::sync::{Mutex, WakerSlot};
use std::task::Context;
use std::time::{Duration, Instant};

pub(crate) struct BlockingCall {
    runtime: RuntimeHandle,
    /// The time that the call is waited for after its cancel; `None` is for ever.
    abandon_after: Option<Duration>,
    state: Mutex<State>,
    /// Of the one task that awaits the handle; woken after the state has changed, with its lock
    /// released.
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

    /// When it will be waited for no longer. None while it is not cancelled, or if it is waited for
    /// in any case.
    pub(crate) fn due(&self) -> Option<Instant> {
        let cancelled_at = self.state.lock().cancelled_at?;
        cancelled_at.checked_add(self.abandon_after?)
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.state.lock().abandoned
    }

    /// Has the task woken by the next change. It is to look again after this.
    pub(crate) fn register(&self, cx: &Context<'_>) {
        self.waiter.register(cx.waker());
    }

    /// Takes back what [`register`](Self::register) has left.
    pub(crate) fn unregister(&self) {
        drop(self.waiter.take());
    }

    /// From now on its abandonment is timed.
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
