//! Waiting until nothing of an operation runs any more.

use super::record::Record;
use super::status::Status;
use crate::sync::awaited;
use event_listener::EventListener;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// Completes when the body, the children, what dropped runs inside have left and the finalizers of an
/// operation are done, from [`Operation::closed`](super::Operation::closed) and
/// [`Operation::cancel_and_wait`](super::Operation::cancel_and_wait).
///
/// # Cancel safety
///
/// Dropping it ends the wait, nothing else.
#[must_use = "futures do nothing unless polled"]
pub struct Closed {
    record: Arc<Record>,
    listener: Option<EventListener>,
}

impl Closed {
    pub(super) fn new(record: Arc<Record>) -> Self {
        Self {
            record,
            listener: None,
        }
    }
}

impl Closed {
    /// Wakes: the listener is registered before the record is looked at a last time, and a record
    /// is settled before its listeners are notified. Ends: a notification is sent once, after which
    /// the record is settled.
    fn advance(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Status> {
        loop {
            if self.record.is_settled() {
                self.listener = None;
                return Poll::Ready(self.record.status());
            }
            match &mut self.listener {
                None => self.listener = Some(self.record.settled_event().listen()),
                Some(listener) => {
                    ready!(Pin::new(listener).poll(cx));
                    self.listener = None;
                }
            }
        }
    }
}

impl Future for Closed {
    type Output = Status;

    #[cfg_attr(feature = "testing", track_caller)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Status> {
        awaited(self.advance(cx))
    }
}

impl fmt::Debug for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Closed").field(&self.record.label).finish()
    }
}
