//! A future that waits until an operation and everything below it has ended.

use crate::record::{Record, lifecycle};
use crate::report::Status;
use crate::sync::{LatchWait, track_await};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// A future that completes when an operation is finished, from [`Operation::finished`](super::Operation::finished).
///
/// Finished means: the body, the children, what dropped runs inside have left, and the finalizers are done. The
/// output is the final status.
///
/// # Cancel safety
///
/// Dropping the future ends the wait and does nothing else.
///
/// # Examples
///
/// ```
/// use cancelable_core::Status;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scope = rt::scope("import").build()?;
/// let finished = scope.finished();
/// let outcome = rt::block_on(scope.run(async |_| ()));
/// assert!(outcome.is_completed());
/// assert_eq!(rt::block_on(finished), Status::Completed);
/// # Ok(())
/// # }
/// ```
#[must_use = "futures do nothing unless polled"]
pub struct Finished {
    record: Arc<Record>,
    /// The wait for the latch, made by the first poll that has to wait.
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
