//! The items of a stream in a collection: all items, or the items before a cancel.

use crate::cause::Cause;
use crate::error::Cancelled;
use crate::scope::{BUDGET, take};
use crate::sync::track_await;
use futures_core::Stream;
use pin_project_lite::pin_project;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The items of a stream, and the cancel or the error that ended the stream early, if any. From
/// [`collect_partial`](super::CancellableStream::collect_partial) and
/// [`try_collect_partial`](super::CancellableStream::try_collect_partial).
///
/// # Examples
///
/// ```
/// use cancelable_core::CancellationToken;
/// use cancelable_core::stream::{self, CancelStreamExt, CancellableStream};
///
/// # rt::block_on(async {
/// let token = CancellationToken::new();
/// let numbers = || stream::iter(1..4).until_cancelled(&token);
/// let all = numbers().collect_partial::<Vec<_>>().await;
/// assert_eq!(all.into_complete().ok(), Some(vec![1, 2, 3]));
///
/// token.cancel_with("enough");
/// let none = numbers().collect_partial::<Vec<_>>().await;
/// assert!(!none.is_complete());
/// assert_eq!(none.cause().and_then(|cause| cause.message()), Some("enough"));
/// # });
/// ```
#[derive(Clone, Debug)]
#[must_use = "the items may not be complete"]
pub struct Collected<C, E = Infallible> {
    items: C,
    cancellation: Option<Cancelled>,
    error: Option<E>,
}

impl<C, E> Collected<C, E> {
    /// Returns the items.
    pub fn items(&self) -> &C {
        &self.items
    }

    /// Returns the items, complete or not.
    pub fn into_items(self) -> C {
        self.items
    }

    /// Returns whether the stream came to its own end, without an error.
    pub fn is_complete(&self) -> bool {
        self.cancellation.is_none() && self.error.is_none()
    }

    /// Returns the cause of the cancel, if a cancel ended the stream.
    pub fn cause(&self) -> Option<&Cause> {
        self.cancellation.as_ref().map(Cancelled::cause)
    }

    /// Returns the cancellation, if a cancel ended the stream.
    pub fn cancellation(&self) -> Option<&Cancelled> {
        self.cancellation.as_ref()
    }

    /// Returns the error, if an error ended the stream. A stream that yields its cancel as an error has both.
    pub fn error(&self) -> Option<&E> {
        self.error.as_ref()
    }

    /// Returns the items, the cancellation and the error.
    pub fn into_parts(self) -> (C, Option<Cancelled>, Option<E>) {
        (self.items, self.cancellation, self.error)
    }

    /// Returns the items, if they are complete.
    ///
    /// # Errors
    ///
    /// The items are not complete. The error is the value itself.
    pub fn into_complete(self) -> Result<C, Self> {
        match self.is_complete() {
            true => Ok(self.items),
            false => Err(self),
        }
    }
}

pin_project! {
    /// The future of the items of a stream, from [`collect_partial`](super::CancellableStream::collect_partial).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the items.
    ///
    /// # Fairness
    ///
    /// The future yields to other tasks after every 64 items.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use cancelable_core::stream::{self, CancelStreamExt, CancellableStream, CollectPartial};
    ///
    /// # rt::block_on(async {
    /// let numbers = stream::iter(1..4).until_cancelled(&CancellationToken::new());
    /// let collect: CollectPartial<_, Vec<_>> = numbers.collect_partial();
    /// assert!(collect.await.is_complete());
    /// # });
    /// ```
    #[must_use = "futures do nothing unless polled"]
    pub struct CollectPartial<S, C> {
        #[pin]
        stream: S,
        // `None` after the end.
        items: Option<C>,
        // Returns the cancellation that ended the stream. A function, because this file does not import the trait.
        cancellation: fn(&S) -> Option<Cancelled>,
        budget: u32,
    }
}

impl<S, C: Default> CollectPartial<S, C> {
    pub(super) fn new(stream: S, cancellation: fn(&S) -> Option<Cancelled>) -> Self {
        Self {
            stream,
            items: Some(C::default()),
            cancellation,
            budget: BUDGET,
        }
    }
}

impl<S: Stream, C: Extend<S::Item>> Future for CollectPartial<S, C> {
    type Output = Collected<C>;

    #[cfg_attr(feature = "testing", track_caller)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Collected<C>> {
        track_await(self.advance(cx))
    }
}

impl<S: Stream, C: Extend<S::Item>> CollectPartial<S, C> {
    /// Wakes: by the stream. Ends: each turn takes an item, and the budget ends the poll.
    fn advance(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Collected<C>> {
        let mut this = self.project();
        if let Some(items) = this.items.as_mut() {
            while let Some(item) = ready!(take(this.stream.as_mut(), this.budget, cx)) {
                items.extend(Some(item));
            }
        }
        match this.items.take() {
            Some(items) => Poll::Ready(Collected {
                items,
                cancellation: (this.cancellation)(&*this.stream),
                error: None,
            }),
            // Polled after the end.
            None => Poll::Pending,
        }
    }
}

impl<S: fmt::Debug, C> fmt::Debug for CollectPartial<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CollectPartial").field(&self.stream).finish()
    }
}

pin_project! {
    /// The future of the values of a stream of results, from
    /// [`try_collect_partial`](super::CancellableStream::try_collect_partial).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the values.
    ///
    /// # Fairness
    ///
    /// The future yields to other tasks after every 64 values.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use cancelable_core::stream::{self, CancelStreamExt, CancellableStream, TryCollectPartial};
    ///
    /// # rt::block_on(async {
    /// let lines = stream::iter([Ok("a"), Err("torn")]).until_cancelled(&CancellationToken::new());
    /// let collect: TryCollectPartial<_, Vec<_>> = lines.try_collect_partial();
    /// let (lines, cancellation, error) = collect.await.into_parts();
    /// assert_eq!((lines, error), (vec!["a"], Some("torn")));
    /// assert!(cancellation.is_none());
    /// # });
    /// ```
    #[must_use = "futures do nothing unless polled"]
    pub struct TryCollectPartial<S, C> {
        #[pin]
        stream: S,
        // `None` after the end.
        items: Option<C>,
        // Returns the cancellation that ended the stream.
        cancellation: fn(&S) -> Option<Cancelled>,
        budget: u32,
    }
}

impl<S, C: Default> TryCollectPartial<S, C> {
    pub(super) fn new(stream: S, cancellation: fn(&S) -> Option<Cancelled>) -> Self {
        Self {
            stream,
            items: Some(C::default()),
            cancellation,
            budget: BUDGET,
        }
    }
}

impl<S, C, T, E> Future for TryCollectPartial<S, C>
where
    S: Stream<Item = Result<T, E>>,
    C: Extend<T>,
{
    type Output = Collected<C, E>;

    #[cfg_attr(feature = "testing", track_caller)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Collected<C, E>> {
        track_await(self.advance(cx))
    }
}

impl<S, C, T, E> TryCollectPartial<S, C>
where
    S: Stream<Item = Result<T, E>>,
    C: Extend<T>,
{
    /// Wakes: by the stream. Ends: each turn takes a value, and the budget ends the poll.
    fn advance(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Collected<C, E>> {
        let mut this = self.project();
        let mut failed = None;
        if let Some(items) = this.items.as_mut() {
            while let Some(next) = ready!(take(this.stream.as_mut(), this.budget, cx)) {
                match next {
                    Ok(value) => items.extend(Some(value)),
                    Err(error) => {
                        failed = Some(error);
                        break;
                    }
                }
            }
        }
        match this.items.take() {
            Some(items) => Poll::Ready(Collected {
                items,
                cancellation: (this.cancellation)(&*this.stream),
                error: failed,
            }),
            // Polled after the end.
            None => Poll::Pending,
        }
    }
}

impl<S: fmt::Debug, C> fmt::Debug for TryCollectPartial<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TryCollectPartial")
            .field(&self.stream)
            .finish()
    }
}
