//! The events that one reader has not read yet: a bounded queue that loses the oldest and counts
//! what it lost.
//!
//! Whoever puts an event on it holds the lock for a push, and never waits for the reader.

use super::Event;
use crate::cause::OperationId;
use crate::sync::{Mutex, StoredWaker};
use std::collections::{BTreeSet, VecDeque};
use std::num::NonZeroUsize;
use std::task::{Context, Poll};

pub(super) struct EventQueue {
    bound: NonZeroUsize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    events: VecDeque<Event>,
    /// Whose progress is among them.
    progressed: BTreeSet<OperationId>,
    /// Lost, and not told to the reader yet.
    lost: u64,
    /// All that were ever lost.
    missed: u64,
    waker: Option<StoredWaker>,
}

/// What comes after a push, with no lock held: the reader is woken, and what had to go is dropped.
#[must_use]
pub(super) struct Aftermath {
    waker: Option<StoredWaker>,
    evicted: Option<Event>,
}

impl Aftermath {
    pub(super) fn happen(self) {
        if let Some(waker) = self.waker {
            waker.wake("the waker of a reader of events");
        }
        // It may be the last to hold an operation.
        drop(self.evicted);
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
        match std::mem::take(&mut self.lost) {
            0 => self.pop(),
            lost => Some(Event::Missed(lost)),
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

    pub(super) fn push(&self, event: Event) -> Aftermath {
        let mut state = self.state.lock();
        if let Event::Progress(operation) = &event {
            // One that was not read yet shows the same.
            if !state.progressed.insert(operation.id()) {
                return Aftermath {
                    waker: None,
                    evicted: Some(event),
                };
            }
        }
        let evicted = match state.events.len() >= self.bound.get() {
            true => {
                state.lost += 1;
                state.missed += 1;
                state.pop()
            }
            false => None,
        };
        state.events.push_back(event);
        Aftermath {
            waker: state.waker.take(),
            evicted,
        }
    }

    pub(super) fn try_next(&self) -> Option<Event> {
        self.state.lock().next()
    }

    pub(super) fn missed(&self) -> u64 {
        self.state.lock().missed
    }

    /// The next event.
    ///
    /// Wakes: the waker is stored under the lock under which nothing was found, and who puts
    /// something there takes the waker under the same lock.
    pub(super) fn poll_next(&self, cx: &Context<'_>) -> Poll<Event> {
        if let Some(event) = self.try_next() {
            return Poll::Ready(event);
        }
        // Cloned before the lock and dropped after it: both are the user's code.
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
