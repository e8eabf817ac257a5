//! A timer on the clock that is moved by hand.

use super::machine::{Machine, TimerKey};
use crate::runtime::Timer;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

pub(super) struct ManualTimer {
    machine: Arc<Machine>,
    /// Its place among the timers, which it holds until it fired, and again after a reset.
    key: TimerKey,
}

impl ManualTimer {
    pub(super) fn new(machine: Arc<Machine>, at: Instant) -> Self {
        let key = {
            let mut state = machine.state.lock();
            let key = (at, state.new_id());
            state.timers.insert(key, None);
            key
        };
        Self { machine, key }
    }
}

impl Future for ManualTimer {
    type Output = ();

    /// Wakes: the waker is in the list before the lock is released, and the time moves under that
    /// lock, past every timer in the list that it then wakes.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Cloned before the lock is taken, and the replaced one dropped after it: both are the
        // user's code.
        let waker = cx.waker().clone();
        let (replaced, reached) = {
            let mut state = self.machine.state.lock();
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
        let mut state = this.machine.state.lock();
        let waker = state.timers.remove(&this.key).flatten();
        this.key.0 = at;
        state.timers.insert(this.key, waker);
    }
}

impl Drop for ManualTimer {
    fn drop(&mut self) {
        let removed = self.machine.state.lock().timers.remove(&self.key);
        drop(removed);
    }
}
