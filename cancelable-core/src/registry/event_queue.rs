//! The unread events of one reader: a bounded queue that drops the oldest events and counts them.
//!
//! A push never waits for the reader.

use super::event::Event;
use crate::cause::OperationId;
use crate::sync::{Mutex, NumberMap, StoredWaker};
use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::task::{Context, Poll};

pub(super) struct EventQueue {
    bound: NonZeroUsize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    events: VecDeque<Event>,
    /// The operations that have a progress event in the queue.
    progressed: NumberMap<OperationId, ()>,
    /// The number of dropped events since the last [`Event::Missed`].
    unreported: u64,
    /// The number of events that were ever dropped.
    missed: u64,
    waker: Option<StoredWaker>,
}

/// The rest of a push, for which no lock may be held: the wake of the reader, and the drop of an event.
#[must_use]
pub(super) struct Pushed {
    waker: Option<StoredWaker>,
    dropped: Option<Event>,
}

impl Pushed {
    pub(super) fn finish(self) {
        if let Some(waker) = self.waker {
            waker.wake("the waker of a reader of events");
        }
        // With no lock held: the event may have the last reference to an operation.
        drop(self.dropped);
    }
}

impl State {
    fn pop(&mut self) -> Option<Event> {
        let event = self.events.pop_front();
        if let Some(Event::Progress(operation)) = &event {
            self.progressed.remove(&operation.id());
        }
        event
    }

    fn next(&mut self) -> Option<Event> {
        match std::mem::take(&mut self.unreported) {
            0 => self.pop(),
            count => Some(Event::Missed(count)),
        }
    }
}

impl EventQueue {
    pub(super) fn new(bound: NonZeroUsize) -> Self {
        Self {
            bound,
            state: Mutex::new(State::default()),
        }
    }

    pub(super) fn push(&self, event: Event) -> Pushed {
        let mut state = self.state.lock();
        if let Event::Progress(operation) = &event {
            // The unread event of the same operation shows the same state.
            if state.progressed.insert(operation.id(), ()).is_some() {
                return Pushed {
                    waker: None,
                    dropped: Some(event),
                };
            }
        }
        let dropped = match state.events.len() >= self.bound.get() {
            true => {
                state.unreported += 1;
                state.missed += 1;
                state.pop()
            }
            false => None,
        };
        state.events.push_back(event);
        Pushed {
            waker: state.waker.take(),
            dropped,
        }
    }

    pub(super) fn try_next(&self) -> Option<Event> {
        self.state.lock().next()
    }

    pub(super) fn missed(&self) -> u64 {
        self.state.lock().missed
    }

    /// Wakes: the waker is stored under the lock under which the queue was found empty, and a push takes
    /// the waker under the same lock.
    pub(super) fn poll_next(&self, cx: &Context<'_>) -> Poll<Event> {
        if let Some(event) = self.try_next() {
            return Poll::Ready(event);
        }
        // Cloned before the lock and dropped after it: both are user code.
        let mut waker = Some(StoredWaker::of(cx.waker()));
        let next = {
            let mut state = self.state.lock();
            let next = state.next();
            if next.is_none() {
                std::mem::swap(&mut state.waker, &mut waker);
            }
            next
        };
        drop(waker);
        next.map_or(Poll::Pending, Poll::Ready)
    }
}
