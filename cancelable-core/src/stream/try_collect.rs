//! The values of a stream of results, up to its first error or its cancel.

use super::{CutStream, Partial};
use crate::scope::{BUDGET, take};
use crate::sync::track_await;
use pin_project_lite::pin_project;
use std::borrow::BorrowMut;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    /// The values of a stream of results in a collection, or in one that is lent, from
    /// [`try_collect_partial`](CutStream::try_collect_partial) and
    /// [`try_collect_partial_into`](CutStream::try_collect_partial_into).
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the collection if it has it, and leaves every value in one that is lent.
    ///
    /// # Fairness
    ///
    /// It lets others run after every 64 values.
    #[must_use = "futures do nothing unless polled"]
    pub struct TryCollectPartial<S, C, P = C> {
        #[pin]
        stream: S,
        // Until it is ready.
        place: Option<P>,
        budget: u32,
        collection: PhantomData<fn() -> C>,
    }
}

impl<S, C, P> TryCollectPartial<S, C, P> {
    pub(super) fn new(stream: S, place: P) -> Self {
        Self {
            stream,
            place: Some(place),
            budget: BUDGET,
            collection: PhantomData,
        }
    }
}

impl<S, C, P, T, E> Future for TryCollectPartial<S, C, P>
where
    S: CutStream<Item = Result<T, E>>,
    C: Extend<T>,
    P: BorrowMut<C>,
{
    type Output = Partial<P, E>;

    #[cfg_attr(feature = "testing", track_caller)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Partial<P, E>> {
        track_await(self.advance(cx))
    }
}

impl<S, C, P, T, E> TryCollectPartial<S, C, P>
where
    S: CutStream<Item = Result<T, E>>,
    C: Extend<T>,
    P: BorrowMut<C>,
{
    /// Wakes: by the stream. Ends: a turn takes an item, and the budget ends the poll.
    fn advance(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Partial<P, E>> {
        let mut this = self.project();
        let mut failed = None;
        if let Some(place) = this.place.as_mut() {
            while let Some(next) = ready!(take(this.stream.as_mut(), this.budget, cx)) {
                match next {
                    Ok(value) => place.borrow_mut().extend(Some(value)),
                    Err(error) => {
                        failed = Some(error);
                        break;
                    }
                }
            }
        }
        match this.place.take() {
            Some(place) => Poll::Ready(Partial::new(place, this.stream.cut(), failed)),
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
