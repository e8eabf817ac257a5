//! A future that waits until nothing of an operation runs any more.

use crate::record::{Record, lifecycle};
use crate::report::Status;
use crate::sync::{LatchWait, track_await};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// Completes when the body, the children, what dropped runs inside have left and the finalizers of an
/// operation are done, from [`Operation::finished`](super::Operation::finished).
///
/// # Cancel safety
///
/// Dropping it ends the wait, nothing else.
#[must_use = "futures do nothing unless polled"]
pub struct Finished {
    record: Arc<Record>,
    /// Made when it first waits.
    wait: Option<LatchWait>,
}

impl Finished {
    pub(crate) fn new(record: Arc<Record>) -> Self {
        Self { record, wait: None }
    }
}

impl Finished {
    /// Wakes: by the latch, which is set once the record is settled.
    fn advance(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Status> {
        let this = &mut *self;
        if !this.record.is_settled() {
            if this.wait.is_none() {
                this.wait = lifecycle::wait_settled(&this.record);
            }
            if let Some(wait) = &mut this.wait {
                ready!(Pin::new(wait).poll(cx));
            }
        }
        this.wait = None;
        Poll::Ready(this.record.status())
    }
}

impl Future for Finished {
    type Output = Status;

    #[cfg_attr(feature = "testing", track_caller)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Status> {
        track_await(self.advance(cx))
    }
}

impl fmt::Debug for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Finished").field(&self.record.label).finish()
    }
}
