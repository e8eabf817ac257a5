//! What a signal sets off, run where it can hold up nobody.
//!
//! Cancelling a token runs the callbacks and wakers of its users, who may block. The thread that
//! reads signals must not, or the second Ctrl+C would wait behind what the first one is stuck in.
//! So each signal's work has a thread of its own, which ends with it: signals are rare, and
//! between them the reading thread is the only one.

use crate::Signal;
use cancelable_core::token::isolate;
use std::sync::Arc;
use std::thread;

/// Something to do with a signal that was received. It must not panic.
pub(crate) type Work = Arc<dyn Fn(Signal) + Send + Sync>;

pub(crate) fn run(signal: Signal, work: Vec<Work>) {
    if work.is_empty() {
        return;
    }
    let ours: Arc<[Work]> = work.into();
    let theirs = Arc::clone(&ours);
    let thread = thread::Builder::new().name(format!("{signal} received"));
    if let Err(error) = thread.spawn(move || run_here(signal, &theirs)) {
        isolate("a logger", || {
            log::warn!(target: "cancelable", signal = signal.name(); "no thread for {signal}, served where signals are read: {error}");
        });
        run_here(signal, &ours);
    }
}

fn run_here(signal: Signal, work: &[Work]) {
    isolate("a logger", || {
        log::debug!(target: "cancelable", signal = signal.name(); "{signal} received");
    });
    work.iter().for_each(|work| work(signal));
}
