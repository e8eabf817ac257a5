//! Reading what happens in a registry, from async code on any runtime and from plain threads.

use super::queue::Queue;
use super::{Event, Registry};
use crate::sync::{ManualResetEvent, clock, track_await};
use futures_core::Stream;
use std::fmt;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// How many events wait for a reader unless it says.
const BOUND: NonZeroUsize = NonZeroUsize::new(1024).unwrap();

/// What happens in a registry, in the order in which it happens to each operation; from
/// [`Registry::events`].
///
/// A [`Stream`] that does not end. Plain threads use [`wait`](Self::wait). A reader that is slow
/// holds nobody up: the oldest events are lost, and it is told how many, by [`Event::Missed`] in
/// their place.
///
/// # Cancel safety
///
/// A wait for the next event may be dropped at any time; no event is lost by that.
pub struct Events {
    registry: Registry,
    queue: Arc<Queue>,
}

impl Registry {
    /// Everything that happens from now on. Up to 1024 events wait for the reader.
    ///
    /// What is open already is in [`list`](Self::list). To miss nothing, ask for the events first:
    /// what is opened meanwhile may be in both. Of what was asked to stop already, that is told
    /// first, unless another reader or hook was there when it happened.
    #[must_use = "events are kept for as long as this lives"]
    pub fn events(&self) -> Events {
        self.events_within(BOUND)
    }

    /// [`events`](Self::events), of which up to `bound` wait for the reader.
    #[must_use = "events are kept for as long as this lives"]
    pub fn events_within(&self, bound: NonZeroUsize) -> Events {
        let queue = Arc::new(Queue::new(bound));
        self.root.hub.add_queue(&queue);
        self.observe_all();
        Events {
            registry: self.clone(),
            queue,
        }
    }

    /// Has cancels and progress of what is open told from now on, after someone has begun to listen; see
    /// `Shard::opened` for what is opened meanwhile.
    pub(super) fn observe_all(&self) {
        for record in self.listed().into_records() {
            if self.root.hub.wants_cancels() {
                record.observe_cancel();
            }
            record.observe_progress();
        }
    }
}

impl Events {
    /// The next event, if there is one now.
    pub fn try_next(&mut self) -> Option<Event> {
        self.queue.try_next()
    }

    /// Blocks this thread until there is an event. For plain threads: in async code it is a
    /// [`Stream`].
    pub fn wait(&mut self) -> Event {
        // Ends: without a limit each turn but the last follows a wake, with an event for this sole reader.
        loop {
            if let Some(event) = self.wait_timeout(Duration::MAX) {
                return event;
            }
        }
    }

    /// [`wait`](Self::wait), for `limit` at most. One that overflows the clock is for ever.
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

    /// How many events were lost so far, all together.
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
        self.registry.root.hub.remove_queue(&self.queue);
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("missed", &self.missed())
            .finish_non_exhaustive()
    }
}
