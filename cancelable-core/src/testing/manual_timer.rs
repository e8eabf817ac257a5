//! The timer of the manual runtime.

use super::executor::{Executor, TimerKey};
use crate::runtime::Timer;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

pub(super) struct ManualTimer {
    executor: Arc<Executor>,
    /// The key of the timer, which is in the list until the timer fires, and again after a reset.
    key: TimerKey,
}

impl ManualTimer {
    pub(super) fn new(executor: Arc<Executor>, at: Instant) -> Self {
        let key = {
            let mut state = executor.state.lock();
            let key = (at, state.new_id());
            state.timers.insert(key, None);
            key
        };
        Self { executor, key }
    }
}

impl Future for ManualTimer {
    type Output = ();

    /// Wakes: the waker is in the list before the lock is released. The time moves under the same lock, and then wakes
    /// every timer in the list that is due.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Cloned before the lock, and the replaced waker dropped after it: both run user code.
        let waker = cx.waker().clone();
        let (replaced, reached) = {
            let mut state = self.executor.state.lock();
            if state.now >= self.key.0 {
                (state.timers.remove(&self.key), true)
            } else {
                (state.timers.insert(self.key, Some(waker)), false)
            }
        };
        drop(replaced);
        if reached {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

impl Timer for ManualTimer {
    fn reset(self: Pin<&mut Self>, at: Instant) {
        let this = self.get_mut();
        let mut state = this.executor.state.lock();
        let waker = state.timers.remove(&this.key).flatten();
        this.key.0 = at;
        state.timers.insert(this.key, waker);
    }
}

impl Drop for ManualTimer {
    fn drop(&mut self) {
        let removed = self.executor.state.lock().timers.remove(&self.key);
        drop(removed);
    }
}
