//! The work that a signal starts, on threads that may hang.
//!
//! The cancel of a token runs callbacks and wakers of users, which may block. The thread that reads signals must not
//! block, or the second Ctrl+C would wait for the work of the first. So work runs on [`DetachedThreads`]: work that hangs
//! keeps its thread, and other threads do the other work.
//!
//! Each work is done by one thread at a time. A signal that comes while its work runs is *due*, and the work runs for it
//! afterwards; due signals of one kind are merged. So after each signal there is a complete run of its work that began
//! after the signal came. An action that hangs costs one thread and one entry for each kind of signal.

use crate::Signal;
use cancelable_core::runtime::DetachedThreads;
use cancelable_core::token::isolate;
use parking_lot::Mutex;
use std::sync::{Arc, LazyLock};

/// A reaction to a received signal. The work must not panic.
pub(crate) type Action = Arc<dyn Fn(Signal) + Send + Sync>;

static THREADS: LazyLock<DetachedThreads> = LazyLock::new(|| DetachedThreads::new("signal-worker"));

/// An action, and the signals for which it has yet to run.
pub(crate) struct Work {
    action: Action,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The due signals in the order in which the first of each kind came, with the number of signals of that
    /// kind.
    due: Vec<(Signal, u64)>,
    /// True if a thread runs the work, or is about to.
    running: bool,
}

impl Work {
    pub(crate) fn new(action: Action) -> Arc<Self> {
        Arc::new(Self {
            action,
            state: Mutex::default(),
        })
    }

    /// Runs the action for `signal` on another thread.
    pub(crate) fn begin(self: &Arc<Self>, signal: Signal) {
        let mut state = self.state.lock();
        match state.due.iter_mut().find(|(due, _)| *due == signal) {
            Some((_, times)) => *times += 1,
            None => state.due.push((signal, 1)),
        }
        // The thread that runs the work reads `due` under this lock before it clears `running`.
        if std::mem::replace(&mut state.running, true) {
            return;
        }
        drop(state);
        let work = Arc::clone(self);
        if let Err(refused) = THREADS.run(Box::new(move || work.run())) {
            isolate("a logger", || {
                log::warn!(target: "cancelable", signal = signal.name(); "no thread was started for the action of {signal}, which runs on the thread that reads signals");
            });
            refused.into_inner()();
        }
    }

    /// Ends: each turn removes one kind, and a turn is short compared with the time between two signals. If it is
    /// not, each turn has work.
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

/// Logs that a signal is the same request as an earlier signal.
pub(crate) fn log_repeat(signal: Signal) {
    static LOG: LazyLock<Arc<Work>> = LazyLock::new(|| {
        Work::new(Arc::new(|signal| {
            isolate("a logger", || {
                log::debug!(target: "cancelable", signal = signal.name(); "{signal} was received again within a short time, and counts as the same request");
            });
        }))
    });
    // The logger, which is user code, is not called here.
    if log::max_level() >= log::Level::Debug {
        LOG.begin(signal);
    }
}
