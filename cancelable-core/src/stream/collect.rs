//! All items of a stream, or those that came before it was cut.

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
    /// The items of a stream in a collection, or in one that is lent, from
    /// [`collect_partial`](CutStream::collect_partial) and
    /// [`collect_partial_into`](CutStream::collect_partial_into).
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the collection if it has it, and leaves every item in one that is lent.
    ///
    /// # Fairness
    ///
    /// It lets others run after every 64 items.
    #[must_use = "futures do nothing unless polled"]
    pub struct CollectPartial<S, C, P = C> {
        #[pin]
        stream: S,
        // Until it is ready.
        place: Option<P>,
        budget: u32,
        collection: PhantomData<fn() -> C>,
    }
}

impl<S, C, P> CollectPartial<S, C, P> {
    pub(super) fn new(stream: S, place: P) -> Self {
        Self {
            stream,
            place: Some(place),
            budget: BUDGET,
            collection: PhantomData,
        }
    }
}

impl<S, C, P> Future for CollectPartial<S, C, P>
where
    S: CutStream,
    C: Extend<S::Item>,
    P: BorrowMut<C>,
{
    type Output = Partial<P>;

    #[cfg_attr(feature = "testing", track_caller)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Partial<P>> {
        track_await(self.advance(cx))
    }
}

impl<S, C, P> CollectPartial<S, C, P>
where
    S: CutStream,
    C: Extend<S::Item>,
    P: BorrowMut<C>,
{
    /// Wakes: by the stream. Ends: a turn takes an item, and the budget ends the poll.
    fn advance(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Partial<P>> {
        let mut this = self.project();
        if let Some(place) = this.place.as_mut() {
            while let Some(item) = ready!(take(this.stream.as_mut(), this.budget, cx)) {
                place.borrow_mut().extend(Some(item));
            }
        }
        match this.place.take() {
            Some(place) => Poll::Ready(Partial::new(place, this.stream.cut(), None)),
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
