//! What the system's events have said since the last look, and who waits to hear of it.

use cancelable_core::runtime::DetachedThreads;
use cancelable_core::token::isolate;
use parking_lot::Mutex;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Written by the thread that the events come on, read by looks. Nothing of a user's runs under the
/// lock: a waker is cloned before it, and woken or dropped after it.
#[derive(Default)]
pub(super) struct Notice(Mutex<State>);

#[derive(Default)]
struct State {
    seen: Seen,
    /// How many notes there were.
    notes: u64,
    /// Of the task that waits for the next one. There is one task: the source's.
    waiter: Option<Waker>,
}

/// What an event has said of the file itself. A look alone would miss what is so for a moment only,
/// or what leaves length and time of the file as they were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// It was made, or something was moved to its place.
    pub(super) appeared: bool,
    /// It was written to.
    pub(super) written: bool,
    /// The system has lost events or watches.
    pub(super) broken: bool,
}

impl Notice {
    /// Takes note and has the source look again. It is woken on a thread apart, since the one that events
    /// come on serves others too, and a waker may block. A panic of it ends there.
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
        if let Err(refused) = DetachedThreads::for_looks().run(Box::new(wake)) {
            refused.into_inner()();
        }
    }

    /// Completes with the next note after this.
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
    /// How many notes there were when it was made.
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
        // One that was replaced, or is of no use.
        drop(waker);
        polled
    }
}

/// Takes the waker back: the watch of the file may go on for longer than the wait.
impl Drop for Next<'_> {
    fn drop(&mut self) {
        let waiter = self.notice.0.lock().waiter.take();
        drop(waiter);
    }
}
