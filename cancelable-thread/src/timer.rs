//! The timers of plain threads, and the thread that wakes the waiting tasks.
//!
//! # Invariants
//!
//! 1. While a timer is on the list, the timer thread sleeps until the earliest time on the list. The first timer
//!    starts the thread, which never ends.
//! 2. There is one lock. Wakers are cloned before the lock is taken, and woken or dropped after its release.
//! 3. Only the timer thread listens to `changed`. No waker of a user is on the list of an event.

use cancelable_core::cause::escaped;
use cancelable_core::runtime::Timer;
use cancelable_core::token::isolate;
use event_listener::{Event, Listener, listener};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Instant;

/// The time of a timer, and its number in the order of registration.
type Key = (Instant, u64);

static TIMERS: Timers = Timers {
    list: Mutex::new(List {
        wakers: BTreeMap::new(),
        next_id: 0,
        has_thread: false,
    }),
    changed: Event::new(),
};

/// Returns the time of the system's clock, by which the timers are due.
#[allow(
    clippy::disallowed_methods,
    reason = "threads have no clock of their own, and this is where the core asks for it"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The timers of the process.
struct Timers {
    list: Mutex<List>,
    /// The event that the insertion of the earliest timer notifies, since the timer thread would sleep too long
    /// for it.
    changed: Event,
}

struct List {
    wakers: BTreeMap<Key, Waker>,
    next_id: u64,
    has_thread: bool,
}

impl Timers {
    fn insert(&'static self, at: Instant, waker: Waker) -> Key {
        let (key, is_first, had_thread) = {
            let mut list = self.list.lock();
            list.next_id += 1;
            let key = (at, list.next_id);
            list.wakers.insert(key, waker);
            let first = list.wakers.first_key_value().map(|(key, _)| *key);
            let had_thread = mem::replace(&mut list.has_thread, true);
            (key, first == Some(key), had_thread)
        };
        if !had_thread {
            self.start_thread();
        } else if is_first {
            self.changed.notify(1);
        }
        key
    }

    /// Removes a timer from the list. The timer thread may wake in vain.
    fn remove(&self, key: Key) -> Option<Waker> {
        self.list.lock().wakers.remove(&key)
    }

    /// Replaces the waker of a timer on the list, and returns the old waker. If the timer is no longer on the list,
    /// returns the new waker as the error.
    fn exchange(&self, key: Key, waker: Waker) -> Result<Waker, Waker> {
        match self.list.lock().wakers.get_mut(&key) {
            Some(stored) => Ok(mem::replace(stored, waker)),
            None => Err(waker),
        }
    }

    fn start_thread(&'static self) {
        let name = "cancelable-time".to_owned();
        let thread = thread::Builder::new().name(name);
        if let Err(error) = thread.spawn(|| self.keep_time()) {
            // The next timer tries again.
            self.list.lock().has_thread = false;
            isolate("a logger", || {
                log::error!(
                    target: "cancelable",
                    "no thread was started for timers: {}", escaped(&error)
                );
            });
        }
    }

    /// Runs the timer thread, which never ends.
    fn keep_time(&self) {
        loop {
            // No timer is missed: the thread listens before it reads the list. So an earlier timer is on the list
            // at the read, or its notification ends the wait.
            listener!(self.changed => changed);
            let (due, next) = self.list.lock().take_due(now());
            if due.is_empty() {
                match next {
                    Some(at) => drop(changed.wait_deadline(at)),
                    None => changed.wait(),
                }
            }
            for waker in due {
                isolate("a waker", || waker.wake());
            }
        }
    }
}

impl List {
    /// Removes the timers that are due. Returns their wakers, and the time of the first timer that is not due.
    fn take_due(&mut self, now: Instant) -> (Vec<Waker>, Option<Instant>) {
        let mut due = Vec::new();
        // Ends: each turn but the last removes a timer from the list.
        while let Some(first) = self.wakers.first_entry() {
            let (at, _) = *first.key();
            if at > now {
                return (due, Some(at));
            }
            due.push(first.remove());
        }
        (due, None)
    }
}

/// A timer on the list of the process.
pub(crate) struct ThreadTimer {
    at: Instant,
    /// The key of the timer on the list, from its first poll until it is due or is moved.
    key: Option<Key>,
}

impl ThreadTimer {
    pub(crate) fn new(at: Instant) -> Self {
        Self { at, key: None }
    }

    fn leave(&mut self) {
        let waker = self.key.take().and_then(|key| TIMERS.remove(key));
        // In isolation: the drop of a timer may run while a panic unwinds.
        isolate("the drop of a waker", || drop(waker));
    }
}

impl Future for ThreadTimer {
    type Output = ();

    /// Wakes: the timer thread reads the clock after the waker is on the list, and wakes each waker that it
    /// removes. A removed timer is due.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut waker = cx.waker().clone();
        if let Some(key) = self.key {
            match TIMERS.exchange(key, waker) {
                Ok(_replaced) => return Poll::Pending,
                // The timer thread removed the timer.
                Err(unused) => waker = unused,
            }
            self.key = None;
        }
        if now() >= self.at {
            return Poll::Ready(());
        }
        self.key = Some(TIMERS.insert(self.at, waker));
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
