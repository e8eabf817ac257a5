//! The reader of a registry's events, for async code on any runtime and for plain threads.

use super::event::Event;
use super::event_queue::EventQueue;
use super::listeners::Listeners;
use crate::sync::{ManualResetEvent, clock, track_await};
use futures_core::Stream;
use std::fmt;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// The events of a registry, in order for each operation; from
/// [`Registry::events`](super::Registry::events).
///
/// A [`Stream`] that does not end. Plain threads use [`wait`](Self::wait). A slow reader holds up no
/// operation: the oldest events are dropped, and [`Event::Missed`] in their place has the number.
///
/// # Cancel safety
///
/// A wait for the next event may be dropped at any time; no event is lost by that.
pub struct Events {
    listeners: Arc<Listeners>,
    queue: Arc<EventQueue>,
}

impl Events {
    pub(super) fn new(listeners: &Arc<Listeners>, bound: NonZeroUsize) -> Self {
        let queue = Arc::new(EventQueue::new(bound));
        listeners.add_queue(&queue);
        Self {
            listeners: Arc::clone(listeners),
            queue,
        }
    }

    /// Returns the next event, if there is one now.
    pub fn try_next(&mut self) -> Option<Event> {
        self.queue.try_next()
    }

    /// Blocks the thread until there is an event. In async code use the [`Stream`].
    pub fn wait(&mut self) -> Event {
        // Ends: without a limit each turn but the last follows a wake, with an event for this sole reader.
        loop {
            if let Some(event) = self.wait_timeout(Duration::MAX) {
                return event;
            }
        }
    }

    /// [`wait`](Self::wait), for at most `limit`. A limit that overflows the clock is no limit.
    pub fn wait_timeout(&mut self, limit: Duration) -> Option<Event> {
        let end = clock::now().checked_add(limit);
        // Ends: each turn but the last follows a wake, with an event for this sole reader.
        loop {
            let event = Arc::new(ManualResetEvent::new());
            let waker = Waker::from(Arc::clone(&event));
            if let Poll::Ready(event) = self.queue.poll_next(&Context::from_waker(&waker)) {
                return Some(event);
            }
            let left = end.map_or(Duration::MAX, |end| {
                end.saturating_duration_since(clock::now())
            });
            if !event.wait_timeout(left) {
                return self.queue.try_next();
            }
        }
    }

    /// Returns how many events were dropped so far.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.queue.missed()
    }
}

impl Stream for Events {
    type Item = Event;

    #[cfg_attr(feature = "testing", track_caller)]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        track_await(self.queue.poll_next(cx).map(Some))
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.listeners.remove_queue(&self.queue);
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("missed", &self.missed())
            .finish_non_exhaustive()
    }
}
