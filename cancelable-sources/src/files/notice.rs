//! The findings of events since the last look, and the wait of the source for the next event.

use cancelable_core::runtime::DetachedThreads;
use cancelable_core::token::isolate;
use parking_lot::Mutex;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Written by the thread of the events, read by looks. No user code runs under the lock: a waker is cloned
/// before it, and woken or dropped after it.
#[derive(Default)]
pub(super) struct Notice(Mutex<State>);

#[derive(Default)]
struct State {
    seen: Seen,
    /// The number of notes so far.
    notes: u64,
    /// The waker of the task that waits for the next note: the one task of the source.
    waiter: Option<Waker>,
}

/// The findings of events about the file itself. A look alone would miss a state of a moment, and a change that
/// keeps length and modification time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// It was created, or another file was moved to its path.
    pub(super) appeared: bool,
    /// It was written to.
    pub(super) written: bool,
    /// The system has lost events or watches.
    pub(super) broken: bool,
}

impl Notice {
    /// Records a finding, and wakes the source to look again. The waker is called on another thread, because
    /// the thread of the events serves other files too and a waker may block. A panic of the waker ends there.
    pub(super) fn note(&self, change: impl FnOnce(&mut Seen)) {
        let waiter = {
            let mut state = self.0.lock();
            change(&mut state.seen);
            state.notes += 1;
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

    /// Returns a future that completes with the next note.
    pub(super) fn next(&self) -> Next<'_> {
        let known = self.0.lock().notes;
        Next {
            notice: self,
            known,
        }
    }

    pub(super) fn take(&self) -> Seen {
        std::mem::take(&mut self.0.lock().seen)
    }
}

/// A wait for the next note.
pub(super) struct Next<'a> {
    notice: &'a Notice,
    /// The number of notes when the wait was made.
    known: u64,
}

impl Future for Next<'_> {
    type Output = ();

    /// Wakes: the waker is stored under the lock under which there was no further note, and a note takes
    /// it under the same lock.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut waker = Some(cx.waker().clone());
        let polled = {
            let mut state = self.notice.0.lock();
            match state.notes == self.known {
                true => {
                    std::mem::swap(&mut state.waiter, &mut waker);
                    Poll::Pending
                }
                false => Poll::Ready(()),
            }
        };
        // The replaced waker, or the own one if a note has come.
        drop(waker);
        polled
    }
}

/// Removes the waker: the watch of the file may outlive the wait.
impl Drop for Next<'_> {
    fn drop(&mut self) {
        let waiter = self.notice.0.lock().waiter.take();
        drop(waiter);
    }
}
