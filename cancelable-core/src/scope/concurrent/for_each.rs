//! The future of work on many items.

use super::map::{BUDGET, MapConcurrent, take};
use crate::error::Cancelled;
use futures_core::Stream;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    /// Work on many items, from [`Scope::for_each_concurrent`](crate::Scope::for_each_concurrent).
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the futures under way.
    ///
    /// # Fairness
    ///
    /// It yields to other tasks after every 64 items.
    #[must_use = "futures do nothing unless polled"]
    pub struct ForEachConcurrent<S, F, Fut>
    where
        Fut: Future,
    {
        #[pin]
        map: MapConcurrent<S, F, Fut>,
        budget: u32,
    }
}

impl<S, F, Fut> ForEachConcurrent<S, F, Fut>
where
    S: Stream,
    F: FnMut(S::Item) -> Fut,
    Fut: Future<Output = ()>,
{
    pub(crate) fn new(map: MapConcurrent<S, F, Fut>) -> Self {
        Self {
            map: map.unordered(),
            budget: BUDGET,
        }
    }
}

impl<S, F, Fut> Future for ForEachConcurrent<S, F, Fut>
where
    S: Stream,
    F: FnMut(S::Item) -> Fut,
    Fut: Future<Output = ()>,
{
    type Output = Result<(), Cancelled>;

    /// Wakes: by the stream below. Ends: each turn takes an item, and the budget ends the poll.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        while let Some(()) = ready!(take(this.map.as_mut(), this.budget, cx)) {}
        match this.map.is_complete() {
            true => Poll::Ready(Ok(())),
            // The scope is cancelled, or the stream would be complete.
            false => Poll::Ready(this.map.operation().look()),
        }
    }
}

impl<S, F, Fut: Future> fmt::Debug for ForEachConcurrent<S, F, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ForEachConcurrent").field(&self.map).finish()
    }
}
