//! The reader of a registry's events, for async code and for plain threads.

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

/// A reader of the events of a registry, from [`Registry::events`](super::Registry::events).
///
/// The reader is a [`Stream`] without an end; plain threads call [`wait`](Self::wait). The events of each
/// operation come in order. A slow reader delays no operation: the oldest events are dropped, and
/// [`Event::Missed`] in their place has their number.
///
/// # Cancel safety
///
/// A wait for the next event may be dropped at any time. No event is lost.
///
/// # Examples
///
/// ```
/// use cancelable_core::Registry;
/// use futures_util::StreamExt;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// rt::block_on(async {
///     let registry = Registry::new();
///     let mut events = registry.events();
///     rt::scope("import").register_in(&registry).run(async |_| ()).await.complete()?;
///     let opened = events.next().await.ok_or("the stream has no end")?;
///     assert_eq!(opened.as_str(), "opened");
/// #   Ok(())
/// })
/// # }
/// ```
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

    /// Returns the next unread event, without a wait.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let mut events = registry.events();
    /// drop(Scope::builder("import").register_in(&registry).build()?);
    /// let mut kinds = Vec::new();
    /// while let Some(event) = events.try_next() {
    ///     kinds.push(event.as_str());
    /// }
    /// assert_eq!(kinds, ["opened", "ended"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_next(&mut self) -> Option<Event> {
        self.queue.try_next()
    }

    /// Blocks the thread until there is an event, and returns the event. Async code uses the [`Stream`].
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let mut events = registry.events();
    /// let reader = std::thread::spawn(move || events.wait().to_string());
    /// let _import = Scope::builder("import").register_in(&registry).build()?;
    /// let event = reader.join().map_err(|_| "the reader panicked")?;
    /// assert!(event.ends_with("import was opened"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait(&mut self) -> Event {
        // Ends: without a limit each turn but the last follows a wake, and each wake an event for this reader.
        loop {
            if let Some(event) = self.wait_timeout(Duration::MAX) {
                return event;
            }
        }
    }

    /// Blocks the thread until there is an event, for at most `limit`; `None` after `limit`. A limit that the
    /// clock cannot express does not apply.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Registry;
    /// use std::time::Duration;
    ///
    /// let registry = Registry::new();
    /// let mut events = registry.events();
    /// assert!(events.wait_timeout(Duration::from_millis(1)).is_none());
    /// ```
    pub fn wait_timeout(&mut self, limit: Duration) -> Option<Event> {
        let end = clock::now().checked_add(limit);
        // Ends: each turn but the last follows a wake, and each wake an event for this reader.
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

    /// Returns the number of events that were dropped so far.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Registry, Scope};
    /// use std::num::NonZeroUsize;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let events = registry.events_with_capacity(NonZeroUsize::MIN);
    /// drop(Scope::builder("import").register_in(&registry).build()?);
    /// assert_eq!(events.missed(), 1); // the opening, dropped for the end
    /// # Ok(())
    /// # }
    /// ```
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
