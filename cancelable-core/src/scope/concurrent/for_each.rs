//! Doing something for each of many items in place, a bounded number of them at once.

use super::map::{BUDGET, MapConcurrent, ZeroConcurrency, take};
use crate::error::Cancelled;
use crate::scope::{Items, Scope};
use futures_core::Stream;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

impl Scope {
    /// Does `f` for each of `items`, an iterator or a stream, with no more than `limit` under way at
    /// once.
    ///
    /// An item is pulled when there is room for it. It is cancelled with the scope: no more items are
    /// pulled, what is under way goes on to its end where the body does, and the answer is the error,
    /// however many items there were.
    ///
    /// # Errors
    ///
    /// A limit of zero, at once. And [`Cancelled`], from the future, if the scope was cancelled
    /// before the work on all items had ended.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "testing")] {
    /// use cancelable_core::Scope;
    /// use cancelable_core::testing::ManualRuntime;
    /// use std::cell::Cell;
    ///
    /// let sum = Cell::new(0);
    /// let scope = Scope::builder("sum").build().expect("it is sound");
    /// let outcome = ManualRuntime::new().block_on(scope.run(|op| {
    ///     let sum = &sum;
    ///     let add = move |number| async move { sum.set(sum.get() + number) };
    ///     let adding = op.for_each_concurrent(2, [1, 2, 3], add);
    ///     async move { adding.expect("two is not zero").await }
    /// }));
    /// assert!(outcome.complete().is_ok_and(|done| done.is_ok()));
    /// assert_eq!(sum.get(), 6);
    /// # }
    /// ```
    pub fn for_each_concurrent<Kind, I, F, Fut>(
        &self,
        limit: usize,
        items: I,
        f: F,
    ) -> Result<ForEachConcurrent<I::Stream, F, Fut>, ZeroConcurrency>
    where
        I: Items<Kind>,
        F: FnMut(I::Item) -> Fut,
        Fut: Future<Output = ()>,
    {
        Ok(ForEachConcurrent {
            map: self.map_concurrent(limit, items, f)?.unordered(),
            budget: BUDGET,
        })
    }
}

pin_project! {
    /// Work on many items, from [`Scope::for_each_concurrent`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the futures under way.
    ///
    /// # Fairness
    ///
    /// It lets others run after every 64 items.
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

impl<S, F, Fut> Future for ForEachConcurrent<S, F, Fut>
where
    S: Stream,
    F: FnMut(S::Item) -> Fut,
    Fut: Future<Output = ()>,
{
    type Output = Result<(), Cancelled>;

    /// Wakes: by the stream below. Ends: a turn takes an item, and the budget ends the poll.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        while let Some(()) = ready!(take(this.map.as_mut(), this.budget, cx)) {}
        match this.map.is_complete() {
            true => Poll::Ready(Ok(())),
            // It is cancelled, or it would be complete.
            false => Poll::Ready(this.map.operation().look()),
        }
    }
}

impl<S, F, Fut: Future> fmt::Debug for ForEachConcurrent<S, F, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ForEachConcurrent").field(&self.map).finish()
    }
}
