//! A stream of results whose last item is the cancel.

use super::{CutStream, UntilCancelled};
use crate::error::Cancelled;
use crate::operation::Operation;
use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    /// The items of a stream of results until the first error, which a cancel is too, from
    /// [`try_until_cancelled`](super::CancelStreamExt::try_until_cancelled) and
    /// [`Operation::try_stream`]. A loop with `?` over it cannot take a cut for the end.
    ///
    /// # Cancel safety
    ///
    /// As for [`UntilCancelled`].
    #[must_use = "a stream does nothing unless it is polled"]
    pub struct TryUntilCancelled<S> {
        #[pin]
        stream: UntilCancelled<S>,
        ended: bool,
    }
}

impl<S> TryUntilCancelled<S> {
    pub(super) fn new(stream: UntilCancelled<S>) -> Self {
        Self {
            stream,
            ended: false,
        }
    }

    /// The stream inside.
    pub fn get_ref(&self) -> &S {
        self.stream.get_ref()
    }

    /// The stream inside, with all that was not pulled.
    pub fn into_inner(self) -> S {
        self.stream.into_inner()
    }
}

impl<S, T, E> Stream for TryUntilCancelled<S>
where
    S: Stream<Item = Result<T, E>>,
    E: From<Cancelled>,
{
    type Item = Result<T, E>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        if *this.ended {
            return Poll::Ready(None);
        }
        let next = match ready!(this.stream.as_mut().poll_next(cx)) {
            Some(Ok(item)) => return Poll::Ready(Some(Ok(item))),
            Some(Err(error)) => Some(Err(error)),
            None => this.stream.cut().map(|cancelled| Err(cancelled.into())),
        };
        *this.ended = true;
        Poll::Ready(next)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self.ended {
            true => (0, Some(0)),
            // One more, for the cancel.
            false => (
                0,
                self.stream
                    .size_hint()
                    .1
                    .and_then(|most| most.checked_add(1)),
            ),
        }
    }
}

impl<S, T, E> FusedStream for TryUntilCancelled<S>
where
    S: Stream<Item = Result<T, E>>,
    E: From<Cancelled>,
{
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl<S, T, E> CutStream for TryUntilCancelled<S>
where
    S: Stream<Item = Result<T, E>>,
    E: From<Cancelled>,
{
    fn cut(&self) -> Option<Cancelled> {
        self.stream.cut()
    }

    fn operation(&self) -> Option<&Operation> {
        self.stream.operation()
    }
}

impl<S> fmt::Debug for TryUntilCancelled<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TryUntilCancelled")
            .field(&self.stream)
            .finish()
    }
}
