//! The timers of plain threads, and the thread that keeps them.
//!
//! # Invariants
//!
//! 1. While there is a timer on the list there is a keeper, a thread that sleeps until the earliest
//!    of them. It is started by the first timer and ends with the runtime, which every timer holds.
//! 2. One lock. Wakers are cloned before it and woken or dropped after it.

use super::Timer;
use crate::sync::{self, Condvar, Mutex, StoredWaker, escaped, log};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;
use std::time::Instant;

type Key = (Instant, u64);

pub(super) struct Clockwork {
    state: Mutex<State>,
    /// Notified when the keeper may have slept too long: an earlier timer came, or the last went.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    timers: BTreeMap<Key, StoredWaker>,
    next_id: u64,
    kept: bool,
    /// The runtime is gone.
    over: bool,
}

impl Clockwork {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State::default()),
            changed: Condvar::new(),
        })
    }

    fn insert(self: &Arc<Self>, at: Instant, waker: StoredWaker) -> Key {
        let (key, keep, wake) = {
            let mut state = self.state.lock();
            state.next_id += 1;
            let key = (at, state.next_id);
            state.timers.insert(key, waker);
            let first = state.timers.first_key_value().map(|(key, _)| *key) == Some(key);
            let keep = !std::mem::replace(&mut state.kept, true);
            (key, keep, first)
        };
        if keep {
            self.start_keeper();
        } else if wake {
            self.changed.notify_one();
        }
        key
    }

    /// Takes a timer off the list. The keeper may wake for it in vain.
    fn remove(&self, key: Key) -> Option<StoredWaker> {
        self.state.lock().timers.remove(&key)
    }

    /// Gives a timer on the list another waker, and the old one back; or the new one, if the timer
    /// is not there any more.
    fn exchange(&self, key: Key, waker: StoredWaker) -> Result<StoredWaker, StoredWaker> {
        match self.state.lock().timers.get_mut(&key) {
            Some(stored) => Ok(std::mem::replace(stored, waker)),
            None => Err(waker),
        }
    }

    /// Ends the keeper.
    pub(super) fn stop(&self) {
        self.state.lock().over = true;
        self.changed.notify_one();
    }

    fn start_keeper(self: &Arc<Self>) {
        let clockwork = Arc::clone(self);
        let name = "cancelable-timer".to_owned();
        let started = thread::Builder::new()
            .name(name)
            .spawn(move || clockwork.keep());
        if let Err(error) = started {
            log!(
                Error,
                "no thread was started to keep the time: {}",
                escaped(&error)
            );
            // The next timer tries again.
            self.state.lock().kept = false;
        }
    }

    /// What the keeper does, until the runtime is gone.
    fn keep(&self) {
        let mut state = self.state.lock();
        while !state.over {
            let Some((at, _)) = state.timers.first_key_value().map(|(key, _)| *key) else {
                state = sync::wait(&self.changed, state);
                continue;
            };
            if sync::clock::now() < at {
                // It may wake early, for whatever reason, and looks again.
                state = sync::wait_until(&self.changed, state, at);
                continue;
            }
            let due = state.timers.pop_first();
            drop(state);
            if let Some((_, waker)) = due {
                waker.wake("a waker");
            }
            state = self.state.lock();
        }
    }
}

pub(super) struct ThreadTimer {
    clockwork: Arc<Clockwork>,
    at: Instant,
    /// Its place on the list, from its first poll until it fired or was moved.
    key: Option<Key>,
}

impl ThreadTimer {
    pub(super) fn new(clockwork: Arc<Clockwork>, at: Instant) -> Self {
        Self {
            clockwork,
            at,
            key: None,
        }
    }

    fn leave(&mut self) {
        if let Some(key) = self.key.take() {
            drop(self.clockwork.remove(key));
        }
    }
}

impl Future for ThreadTimer {
    type Output = ();

    /// Wakes: the keeper looks at the clock after the waker is on the list, and wakes whatever it
    /// takes off. A timer that it took is due.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let waker = match self.key {
            Some(key) => match self.clockwork.exchange(key, StoredWaker::of(cx.waker())) {
                Ok(replaced) => {
                    drop(replaced);
                    return Poll::Pending;
                }
                // The keeper took it.
                Err(waker) => waker,
            },
            None => StoredWaker::of(cx.waker()),
        };
        self.key = None;
        if sync::clock::now() >= self.at {
            return Poll::Ready(());
        }
        let key = self.clockwork.insert(self.at, waker);
        self.key = Some(key);
        Poll::Pending
    }
}

impl Timer for ThreadTimer {
    fn reset(mut self: Pin<&mut Self>, at: Instant) {
        self.leave();
        self.at = at;
    }
}

impl Drop for ThreadTimer {
    fn drop(&mut self) {
        self.leave();
    }
}
