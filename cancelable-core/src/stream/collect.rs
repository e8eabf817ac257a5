//! The items of a stream in a collection: all of them, or those that came before the cut.

use crate::cause::Cause;
use crate::error::Cancelled;
use crate::scope::{BUDGET, take};
use crate::sync::track_await;
use futures_core::Stream;
use pin_project_lite::pin_project;
use std::borrow::BorrowMut;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The items of a stream, and what ended it early, if anything did.
#[derive(Clone, Debug)]
#[must_use = "it says whether the items are all"]
pub struct Collected<C, E = Infallible> {
    items: C,
    cancelled: Option<Cancelled>,
    error: Option<E>,
}

impl<C, E> Collected<C, E> {
    pub(super) fn new(items: C, cancelled: Option<Cancelled>, error: Option<E>) -> Self {
        Self {
            items,
            cancelled,
            error,
        }
    }

    /// The items.
    pub fn items(&self) -> &C {
        &self.items
    }

    /// The items, whether complete or not.
    pub fn into_items(self) -> C {
        self.items
    }

    /// Whether the stream ended by itself, without an error.
    pub fn is_complete(&self) -> bool {
        self.cancelled.is_none() && self.error.is_none()
    }

    /// The cause of the cancel, if a cancel ended the stream.
    pub fn cause(&self) -> Option<&Cause> {
        self.cancelled.as_ref().map(Cancelled::cause)
    }

    /// The cancel as an error, if a cancel ended the stream.
    pub fn cancelled(&self) -> Option<&Cancelled> {
        self.cancelled.as_ref()
    }

    /// The error that ended the stream, if one did. A stream whose last item is its cancel ends with both.
    pub fn error(&self) -> Option<&E> {
        self.error.as_ref()
    }

    /// The items, the cancel and the error.
    pub fn into_parts(self) -> (C, Option<Cancelled>, Option<E>) {
        (self.items, self.cancelled, self.error)
    }

    /// The items, if they are complete.
    ///
    /// # Errors
    ///
    /// The items are not complete; the partial result comes back.
    pub fn into_complete(self) -> Result<C, Self> {
        match self.is_complete() {
            true => Ok(self.items),
            false => Err(self),
        }
    }
}

pin_project! {
    /// The future of the items of a stream in a collection, which may be borrowed, from
    /// [`collect_partial`](super::CancellableStream::collect_partial) and
    /// [`collect_partial_into`](super::CancellableStream::collect_partial_into).
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops a collection of its own, and leaves every item in one that is borrowed.
    ///
    /// # Fairness
    ///
    /// It yields to other tasks after every 64 items.
    #[must_use = "futures do nothing unless polled"]
    pub struct CollectPartial<S, C, P = C> {
        #[pin]
        stream: S,
        // `None` after the end.
        target: Option<P>,
        // Returns the cancel that cut the stream, once it has ended.
        cut: fn(&S) -> Option<Cancelled>,
        budget: u32,
        collection: PhantomData<fn() -> C>,
    }
}

impl<S, C, P> CollectPartial<S, C, P> {
    pub(super) fn new(stream: S, target: P, cut: fn(&S) -> Option<Cancelled>) -> Self {
        Self {
            stream,
            target: Some(target),
            cut,
            budget: BUDGET,
            collection: PhantomData,
        }
    }
}

impl<S, C, P> Future for CollectPartial<S, C, P>
where
    S: Stream,
    C: Extend<S::Item>,
    P: BorrowMut<C>,
{
    type Output = Collected<P>;

    #[cfg_attr(feature = "testing", track_caller)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Collected<P>> {
        track_await(self.advance(cx))
    }
}

impl<S, C, P> CollectPartial<S, C, P>
where
    S: Stream,
    C: Extend<S::Item>,
    P: BorrowMut<C>,
{
    /// Wakes: by the stream. Ends: each turn takes an item, and the budget ends the poll.
    fn advance(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Collected<P>> {
        let mut this = self.project();
        if let Some(target) = this.target.as_mut() {
            while let Some(item) = ready!(take(this.stream.as_mut(), this.budget, cx)) {
                target.borrow_mut().extend(Some(item));
            }
        }
        match this.target.take() {
            Some(target) => Poll::Ready(Collected::new(target, (this.cut)(&*this.stream), None)),
            // Polled after its end.
            None => Poll::Pending,
        }
    }
}

impl<S: fmt::Debug, C, P> fmt::Debug for CollectPartial<S, C, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CollectPartial").field(&self.stream).finish()
    }
}

pin_project! {
    /// The future of the values of a stream of results in a collection, which may be borrowed, from
    /// [`try_collect_partial`](super::CancellableStream::try_collect_partial) and
    /// [`try_collect_partial_into`](super::CancellableStream::try_collect_partial_into).
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops a collection of its own, and leaves every value in one that is borrowed.
    ///
    /// # Fairness
    ///
    /// It yields to other tasks after every 64 values.
    #[must_use = "futures do nothing unless polled"]
    pub struct TryCollectPartial<S, C, P = C> {
        #[pin]
        stream: S,
        // `None` after the end.
        target: Option<P>,
        // Returns the cancel that cut the stream, once it has ended.
        cut: fn(&S) -> Option<Cancelled>,
        budget: u32,
        collection: PhantomData<fn() -> C>,
    }
}

impl<S, C, P> TryCollectPartial<S, C, P> {
    pub(super) fn new(stream: S, target: P, cut: fn(&S) -> Option<Cancelled>) -> Self {
        Self {
            stream,
            target: Some(target),
            cut,
            budget: BUDGET,
            collection: PhantomData,
        }
    }
}

impl<S, C, P, T, E> Future for TryCollectPartial<S, C, P>
where
    S: Stream<Item = Result<T, E>>,
    C: Extend<T>,
    P: BorrowMut<C>,
{
    type Output = Collected<P, E>;

    #[cfg_attr(feature = "testing", track_caller)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Collected<P, E>> {
        track_await(self.advance(cx))
    }
}

impl<S, C, P, T, E> TryCollectPartial<S, C, P>
where
    S: Stream<Item = Result<T, E>>,
    C: Extend<T>,
    P: BorrowMut<C>,
{
    /// Wakes: by the stream. Ends: each turn takes a value, and the budget ends the poll.
    fn advance(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Collected<P, E>> {
        let mut this = self.project();
        let mut failed = None;
        if let Some(target) = this.target.as_mut() {
            while let Some(next) = ready!(take(this.stream.as_mut(), this.budget, cx)) {
                match next {
                    Ok(value) => target.borrow_mut().extend(Some(value)),
                    Err(error) => {
                        failed = Some(error);
                        break;
                    }
                }
            }
        }
        match this.target.take() {
            Some(target) => Poll::Ready(Collected::new(target, (this.cut)(&*this.stream), failed)),
            // Polled after its end.
            None => Poll::Pending,
        }
    }
}

impl<S: fmt::Debug, C, P> fmt::Debug for TryCollectPartial<S, C, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TryCollectPartial")
            .field(&self.stream)
            .finish()
    }
}
