//! The findings of events since the last check, and the wait of the source for the next event.

use cancelable_core::runtime::DetachedThreads;
use cancelable_core::token::isolate;
use parking_lot::Mutex;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// The findings of one source, written by the thread of the events and read by checks.
///
/// No user code runs under the lock: a waker is cloned before it is taken, and woken or dropped after it is released.
#[derive(Default)]
pub(super) struct Findings(Mutex<State>);

#[derive(Default)]
struct State {
    seen: Finding,
    /// The number of findings so far.
    count: u64,
    /// The waker of the task that waits for the next finding. A source has only one task.
    waiter: Option<Waker>,
}

/// The findings of events about the file itself. A check alone misses a state of a moment, and a change that keeps length
/// and modification time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Finding {
    /// True if the file was created, or another file was moved to its path.
    pub(super) appeared: bool,
    /// True if the file was written to.
    pub(super) written: bool,
    /// True if the system has lost events or watches.
    pub(super) broken: bool,
}

impl Findings {
    /// Records a finding, and wakes the source for the next check. The waker is called on another thread, because
    /// the thread of the events serves other files, too, and a waker may block. A panic of the waker is contained.
    pub(super) fn record(&self, change: impl FnOnce(&mut Finding)) {
        let waiter = {
            let mut state = self.0.lock();
            change(&mut state.seen);
            state.count += 1;
            state.waiter.take()
        };
        let Some(waiter) = waiter else { return };
        let wake = move || {
            isolate("the waker of a watched file", || waiter.wake());
        };
        if let Err(refused) = DetachedThreads::for_probes().run(Box::new(wake)) {
            refused.into_inner()();
        }
    }

    /// Returns a future that is ready at the next finding.
    pub(super) fn next(&self) -> Next<'_> {
        let known = self.0.lock().count;
        Next {
            findings: self,
            known,
        }
    }

    pub(super) fn take(&self) -> Finding {
        std::mem::take(&mut self.0.lock().seen)
    }
}

/// A wait for the next finding.
pub(super) struct Next<'a> {
    findings: &'a Findings,
    /// The number of findings when the wait was made.
    known: u64,
}

impl Future for Next<'_> {
    type Output = ();

    /// Wakes: the waker is stored under the lock under which there was no further finding, and the next finding takes
    /// the waker under the same lock.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut waker = Some(cx.waker().clone());
        let polled = {
            let mut state = self.findings.0.lock();
            match state.count == self.known {
                true => {
                    std::mem::swap(&mut state.waiter, &mut waker);
                    Poll::Pending
                }
                false => Poll::Ready(()),
            }
        };
        // The replaced waker, or the new waker if there is a finding.
        drop(waker);
        polled
    }
}

/// Removes the waker: the watch of the file may outlive the wait.
impl Drop for Next<'_> {
    fn drop(&mut self) {
        let waiter = self.findings.0.lock().waiter.take();
        drop(waiter);
    }
}
