//! The work that a signal sets off, run where it can hold up nobody.
//!
//! Cancelling a token runs the callbacks and wakers of its users, who may block. The thread that
//! reads signals must not, or the second Ctrl+C would wait behind what the first one is stuck in.
//! So work runs on threads that may hang ([`DetachedThreads`]): one that does keeps its thread, and
//! the others are served by further ones.
//!
//! Each work is done by one thread at a time. A signal that comes while its work is under way is
//! *due*, and the work is done for it afterwards; those of one kind that are due are merged. So a
//! signal is always followed by a whole turn of its work that has seen what was so when the signal
//! came, and however many come, an action that hangs costs one thread and an entry for each kind.

use crate::Signal;
use cancelable_core::runtime::DetachedThreads;
use cancelable_core::token::isolate;
use parking_lot::Mutex;
use std::sync::{Arc, LazyLock};

/// Something to do with a signal that was received. It must not panic.
pub(crate) type Action = Arc<dyn Fn(Signal) + Send + Sync>;

static THREADS: LazyLock<DetachedThreads> = LazyLock::new(|| DetachedThreads::new("signal-worker"));

/// An action, and the signals for which it has yet to be done.
pub(crate) struct Work {
    action: Action,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// In the order in which the first of each kind came, with how many there are of it.
    due: Vec<(Signal, u64)>,
    /// A thread has the work, or will have it.
    running: bool,
}

impl Work {
    pub(crate) fn new(action: Action) -> Arc<Self> {
        Arc::new(Self {
            action,
            state: Mutex::default(),
        })
    }

    /// Has the action done for `signal`, on another thread.
    pub(crate) fn begin(self: &Arc<Self>, signal: Signal) {
        let mut state = self.state.lock();
        match state.due.iter_mut().find(|(due, _)| *due == signal) {
            Some((_, times)) => *times += 1,
            None => state.due.push((signal, 1)),
        }
        // Whoever has the work looks for what is due under this lock before it lets go of it.
        if std::mem::replace(&mut state.running, true) {
            return;
        }
        drop(state);
        let work = Arc::clone(self);
        if let Err(refused) = THREADS.run(Box::new(move || work.run())) {
            isolate("a logger", || {
                log::warn!(target: "cancelable", signal = signal.name(); "no thread for {signal}, served where signals are read");
            });
            refused.into_inner()();
        }
    }

    /// Ends: each turn takes off one kind, and signals are rare beside the time of a turn; were they
    /// not, there would be work for each turn.
    fn run(&self) {
        loop {
            let next = {
                let mut state = self.state.lock();
                state.running = !state.due.is_empty();
                match state.running {
                    true => state.due.remove(0),
                    false => return,
                }
            };
            self.turn(next);
        }
    }

    fn turn(&self, (signal, times): (Signal, u64)) {
        isolate("a logger", || {
            log::debug!(target: "cancelable", signal = signal.name(), times = times; "{signal} received");
        });
        (self.action)(signal);
    }
}

/// Tells the log that a signal is the same request as one before it.
pub(crate) fn tell_of_repeat(signal: Signal) {
    static TELL: LazyLock<Arc<Work>> = LazyLock::new(|| {
        Work::new(Arc::new(|signal| {
            isolate("a logger", || {
                log::debug!(target: "cancelable", signal = signal.name(); "{signal} repeats the one shortly before it, and is the same request");
            });
        }))
    });
    // The logger itself is not asked here.
    if log::max_level() >= log::Level::Debug {
        TELL.begin(signal);
    }
}
