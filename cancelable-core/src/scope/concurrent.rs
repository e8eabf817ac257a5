//! Work on many items in place, with a bound on the futures that run at once.
//!
//! Nothing is spawned: the futures are polled where the scope is, so they need be neither `Send` nor `'static`, and are
//! dropped with the body.

use crate::error::Cancelled;
use crate::operation::Operation;
use crate::record::deadlines;
use crate::token::WaitForCancellationFutureOwned;
use futures_core::Stream;
use futures_util::stream::{FuturesOrdered, FuturesUnordered};
use pin_project_lite::pin_project;
use std::fmt;
use std::future::{Future, poll_fn};
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The state of the items.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Pulling {
    Open,
    Exhausted,
    Cancelled,
}

pin_project! {
    /// A stream of the results of work on many items, from
    /// [`Scope::map_concurrent`](crate::Scope::map_concurrent).
    ///
    /// # Cancel safety
    ///
    /// Dropping the stream drops the running futures and the results that were not taken.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use futures_util::{StreamExt, stream};
    /// use std::num::NonZeroUsize;
    ///
    /// const AT_ONCE: NonZeroUsize = NonZeroUsize::new(2).unwrap();
    ///
    /// let outcome = rt::block_on(rt::scope("sum").run(async |op: Scope| {
    ///     let squares = op.map_concurrent(AT_ONCE, stream::iter(1..=4), |number| async move { number * number });
    ///     squares.unordered().fold(0, async |sum, square| sum + square).await
    /// }));
    /// assert_eq!(outcome.into_value(), Some(30));
    /// ```
    #[must_use = "a stream does nothing unless it is polled"]
    pub struct MapConcurrent<S, F, Fut>
    where
        Fut: Future,
    {
        #[pin]
        items: S,
        f: F,
        limit: NonZeroUsize,
        running: Running<Fut>,
        pulling: Pulling,
        // A future has ended after the cancel, so it may have ended early for the cancel.
        late: bool,
        cancelled: WaitForCancellationFutureOwned,
        operation: Operation,
    }
}

enum Running<Fut: Future> {
    Ordered {
        futures: FuturesOrdered<Timed<Fut>>,
    },
    AsTheyCome {
        futures: FuturesUnordered<Timed<Fut>>,
    },
}

pin_project! {
    /// The work on an item. Its output is the result, and whether the scope was cancelled when the work ended. The
    /// cancel is read here, because a result may wait for its turn.
    struct Timed<Fut> {
        #[pin]
        future: Fut,
        operation: Operation,
    }
}

impl<Fut: Future> Future for Timed<Fut> {
    type Output = (Fut::Output, bool);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.future.poll(cx));
        // Read after the poll, in which the future may have seen a cancel.
        Poll::Ready((
            result,
            deadlines::is_cancelled_by_now(this.operation.record()),
        ))
    }
}

impl<Fut: Future> Running<Fut> {
    /// Returns the number of futures and waiting results.
    fn len(&self) -> usize {
        match self {
            Self::Ordered { futures } => futures.len(),
            Self::AsTheyCome { futures } => futures.len(),
        }
    }

    fn push(&mut self, future: Timed<Fut>) {
        match self {
            Self::Ordered { futures } => futures.push_back(future),
            Self::AsTheyCome { futures } => futures.push(future),
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<(Fut::Output, bool)>> {
        match self {
            Self::Ordered { futures } => Pin::new(futures).poll_next(cx),
            Self::AsTheyCome { futures } => Pin::new(futures).poll_next(cx),
        }
    }
}

impl<S, F, Fut> MapConcurrent<S, F, Fut>
where
    S: Stream,
    F: FnMut(S::Item) -> Fut,
    Fut: Future,
{
    pub(crate) fn new(operation: &Operation, limit: NonZeroUsize, items: S, f: F) -> Self {
        Self {
            items,
            f,
            limit,
            running: Running::Ordered {
                futures: FuturesOrdered::new(),
            },
            pulling: Pulling::Open,
            late: false,
            cancelled: operation.token().clone().cancelled_owned(),
            operation: operation.clone(),
        }
    }

    /// Yields each result as soon as it is ready, so that a slow item delays no other.
    pub fn unordered(self) -> Self {
        let running = match self.running {
            // A stream that was not polled has no running futures. A stream that was polled is pinned and cannot be
            // passed by value, unless it is `Unpin`.
            Running::Ordered { futures } if futures.is_empty() => Running::AsTheyCome {
                futures: FuturesUnordered::new(),
            },
            begun => begun,
        };
        Self { running, ..self }
    }

    /// Returns whether the work on all items ended before any cancel of the scope. The answer is final when the
    /// stream has ended.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.pulling == Pulling::Exhausted && !self.late
    }

    /// Returns whether the stream has ended after a cancel.
    pub(crate) fn is_incomplete(&self) -> bool {
        let has_ended = self.pulling != Pulling::Open && self.running.len() == 0;
        has_ended && !self.is_complete()
    }

    /// Returns the operation whose cancel ends the stream.
    #[must_use]
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// Collects all results.
    ///
    /// # Errors
    ///
    /// The scope was cancelled before the work on all items had ended. Use
    /// [`collect_partial`](crate::stream::CancellableStream::collect_partial) to get the results so far.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the results so far.
    ///
    /// # Fairness
    ///
    /// The future yields to other tasks after every 64 results.
    pub async fn into_vec(self) -> Result<Vec<Fut::Output>, Cancelled> {
        let mut results = Vec::new();
        let mut stream = std::pin::pin!(self);
        let mut budget = BUDGET;
        while let Some(result) = poll_fn(|cx| take(stream.as_mut(), &mut budget, cx)).await {
            results.push(result);
        }
        match stream.is_complete() {
            true => Ok(results),
            // The scope is cancelled; otherwise the stream would be complete.
            false => stream.operation.check().map(|()| results),
        }
    }
}

/// The number of items that are taken in a row before other tasks run.
pub(crate) const BUDGET: u32 = 64;

/// Takes the next item. Pending for one poll when the budget is used up.
pub(crate) fn take<S: Stream>(
    stream: Pin<&mut S>,
    budget: &mut u32,
    cx: &mut Context<'_>,
) -> Poll<Option<S::Item>> {
    if *budget == 0 {
        *budget = BUDGET;
        cx.waker().wake_by_ref();
        return Poll::Pending;
    }
    let next = stream.poll_next(cx);
    *budget = if next.is_ready() { *budget - 1 } else { BUDGET };
    next
}

impl<S, F, Fut> Stream for MapConcurrent<S, F, Fut>
where
    S: Stream,
    F: FnMut(S::Item) -> Fut,
    Fut: Future,
{
    type Item = Fut::Output;

    /// Wakes: pending only after the running futures were polled and, while there is room, the items and the wait for the
    /// cancel. Each of them wakes.
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Fut::Output>> {
        let mut this = self.project();
        while *this.pulling == Pulling::Open && this.running.len() < this.limit.get() {
            let cancelled = deadlines::is_cancelled_by_now(this.operation.record());
            // If no item is left, the items may be at their end, and the cancel cuts nothing. Only a poll shows that,
            // because the items may also be pending for ever.
            if cancelled && this.items.size_hint().1 != Some(0) {
                *this.pulling = Pulling::Cancelled;
                break;
            }
            match this.items.as_mut().poll_next(cx) {
                Poll::Ready(Some(item)) => this.running.push(Timed {
                    future: (this.f)(item),
                    operation: this.operation.clone(),
                }),
                // A cancel that came meanwhile may have ended the items, as in `Operation::stream`.
                Poll::Ready(None)
                    if !cancelled && deadlines::is_cancelled_by_now(this.operation.record()) =>
                {
                    *this.pulling = Pulling::Cancelled;
                }
                Poll::Ready(None) => *this.pulling = Pulling::Exhausted,
                Poll::Pending => break,
            }
        }
        match this.running.poll_next(cx) {
            Poll::Ready(Some((result, is_late))) => {
                *this.late |= is_late;
                return Poll::Ready(Some(result));
            }
            Poll::Ready(None) if *this.pulling != Pulling::Open => return Poll::Ready(None),
            Poll::Ready(None) | Poll::Pending => {}
        }
        // Without room the items were not polled. The cancel is read when there is room.
        let waits_for_items =
            *this.pulling == Pulling::Open && this.running.len() < this.limit.get();
        if waits_for_items && Pin::new(this.cancelled).poll(cx).is_ready() {
            *this.pulling = Pulling::Cancelled;
            // The running futures are still polled.
            if this.running.len() == 0 {
                return Poll::Ready(None);
            }
        }
        Poll::Pending
    }
}

impl<S, F, Fut: Future> fmt::Debug for MapConcurrent<S, F, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapConcurrent")
            .field("operation", self.operation.label())
            .field("limit", &self.limit)
            .field("running", &self.running.len())
            .field("pulling", &self.pulling)
            .finish_non_exhaustive()
    }
}

pin_project! {
    /// A future of work on many items, from
    /// [`Scope::for_each_concurrent`](crate::Scope::for_each_concurrent).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the running futures.
    ///
    /// # Fairness
    ///
    /// The future yields to other tasks after every 64 items.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use futures_util::stream;
    /// use std::num::NonZeroUsize;
    ///
    /// const AT_ONCE: NonZeroUsize = NonZeroUsize::new(2).unwrap();
    ///
    /// let outcome = rt::block_on(rt::scope("print").try_run(async |op: Scope| {
    ///     let print = |name| async move { println!("{name}") };
    ///     op.for_each_concurrent(AT_ONCE, stream::iter(["a", "b"]), print).await
    /// }));
    /// assert!(outcome.complete().is_ok());
    /// ```
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

    /// Wakes: by the stream inside. Ends: each turn takes an item, and the budget ends the poll.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        while let Some(()) = ready!(take(this.map.as_mut(), this.budget, cx)) {}
        match this.map.is_complete() {
            true => Poll::Ready(Ok(())),
            // The scope is cancelled; otherwise the stream would be complete.
            false => Poll::Ready(this.map.operation().check_quietly()),
        }
    }
}

impl<S, F, Fut: Future> fmt::Debug for ForEachConcurrent<S, F, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ForEachConcurrent").field(&self.map).finish()
    }
}
