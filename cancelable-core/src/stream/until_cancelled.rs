//! A stream of the items until a cancel.

use super::{CancellableStream, StopCheck};
use crate::error::Cancelled;
use crate::token::CancellationToken;
use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Methods of streams for the cancellation by a token. For an operation, use
/// [`Operation::stream`](crate::Operation::stream).
///
/// # Examples
///
/// ```
/// use cancelable_core::CancellationToken;
/// use cancelable_core::stream::CancelStreamExt;
/// use futures_util::{StreamExt, stream};
///
/// # rt::block_on(async {
/// let token = CancellationToken::new();
/// let mut numbers = stream::iter(1..).until_cancelled(&token);
/// let mut sum = 0;
/// while let Some(number) = numbers.next().await {
///     sum += number;
///     if sum > 9 {
///         token.cancel();
///     }
/// }
/// assert_eq!(sum, 10);
/// # });
/// ```
pub trait CancelStreamExt: Stream {
    /// Returns the items until `token` is cancelled. Then the stream ends. An item that was pulled is always
    /// delivered.
    ///
    /// A bare token has no shields. The token of an operation notices the operation's deadline too.
    ///
    /// # Cancel safety
    ///
    /// As for [`UntilCancelled`].
    fn until_cancelled(self, token: &CancellationToken) -> UntilCancelled<Self>
    where
        Self: Sized,
    {
        UntilCancelled::new(self, token.into())
    }

    /// Returns the results until the first error. A cancel of `token` is an error too, and the last item.
    ///
    /// # Cancel safety
    ///
    /// As for [`UntilCancelled`].
    fn try_until_cancelled<T, E>(self, token: &CancellationToken) -> TryUntilCancelled<Self>
    where
        Self: Stream<Item = Result<T, E>> + Sized,
        E: From<Cancelled>,
    {
        TryUntilCancelled::new(self.until_cancelled(token))
    }
}

impl<S: Stream + ?Sized> CancelStreamExt for S {}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Open,
    /// The inner stream came to its own end.
    Exhausted,
    Cancelled,
}

impl State {
    fn is_end(self) -> bool {
        matches!(self, Self::Exhausted | Self::Cancelled)
    }
}

pin_project! {
    /// A stream of the items until a cancel, from [`until_cancelled`](CancelStreamExt::until_cancelled) and
    /// [`Operation::stream`](crate::Operation::stream).
    ///
    /// # Cancel safety
    ///
    /// An item is delivered in the poll in which it is pulled, so a drop loses no item.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use cancelable_core::stream::CancelStreamExt;
    /// use futures_util::{StreamExt, stream};
    ///
    /// # rt::block_on(async {
    /// let token = CancellationToken::new();
    /// let mut numbers = stream::iter(1..4).until_cancelled(&token);
    /// assert_eq!(numbers.next().await, Some(1));
    /// token.cancel();
    /// assert_eq!(numbers.next().await, None);
    /// // The items that were not pulled are still in the inner stream.
    /// let rest: Vec<_> = numbers.into_inner().collect().await;
    /// assert_eq!(rest, [2, 3]);
    /// # });
    /// ```
    #[must_use = "a stream does nothing unless it is polled"]
    pub struct UntilCancelled<S> {
        #[pin]
        stream: S,
        stop_check: StopCheck,
        state: State,
    }
}

impl<S> UntilCancelled<S> {
    pub(super) fn new(stream: S, stop_check: StopCheck) -> Self {
        Self {
            stream,
            stop_check,
            state: State::Open,
        }
    }

    /// Returns the inner stream.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// Returns the inner stream. An item that is pulled from it directly is not yielded by this stream.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Returns the inner stream, pinned.
    pub fn get_pin_mut(self: Pin<&mut Self>) -> Pin<&mut S> {
        self.project().stream
    }

    /// Returns the inner stream, with all items that were not pulled.
    pub fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: Stream> Stream for UntilCancelled<S> {
    type Item = S::Item;

    /// Wakes: see "Wakes" in the header of the module `stream`.
    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        if this.state.is_end() {
            return Poll::Ready(None);
        }
        // Nothing is pulled after the cancel. A stream with no items left may be at its end, and then the cancel kept
        // nothing back. Only a poll shows the end, since the stream may also be pending forever.
        *this.state = if this.stop_check.is_cancelled() && this.stream.size_hint().1 != Some(0) {
            State::Cancelled
        } else {
            match this.stream.as_mut().poll_next(cx) {
                Poll::Ready(Some(item)) => return Poll::Ready(Some(item)),
                Poll::Ready(None) => State::Exhausted,
                Poll::Pending => {
                    ready!(this.stop_check.poll_cancelled(cx));
                    State::Cancelled
                }
            }
        };
        this.stop_check.unregister();
        Poll::Ready(None)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        if self.state.is_end() {
            return (0, Some(0));
        }
        let most = self.stream.size_hint().1;
        // A caller that polls a stream with no items left for its end, as `poll_next` does, would take the cancel for
        // the end.
        let may_be_cancelled = most == Some(0) && self.stop_check.cause().is_some();
        (0, if may_be_cancelled { None } else { most })
    }
}

impl<S: Stream> FusedStream for UntilCancelled<S> {
    fn is_terminated(&self) -> bool {
        self.state.is_end()
    }
}

impl<S: Stream> CancellableStream for UntilCancelled<S> {
    fn cancellation(&self) -> Option<Cancelled> {
        match self.state {
            State::Cancelled => self.stop_check.cancellation(),
            State::Open | State::Exhausted => None,
        }
    }
}

impl<S> fmt::Debug for UntilCancelled<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UntilCancelled")
            .field("stop_check", &self.stop_check)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

pin_project! {
    /// A stream of the results until the first error or the cancel, which is an error too. From
    /// [`try_until_cancelled`](CancelStreamExt::try_until_cancelled) and
    /// [`Operation::try_stream`](crate::Operation::try_stream).
    ///
    /// A loop with `?` over the stream cannot take a cancel for the end of the input.
    ///
    /// # Cancel safety
    ///
    /// As for [`UntilCancelled`].
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use cancelable_core::stream::CancelStreamExt;
    /// use futures_util::{TryStreamExt, stream};
    /// use std::io;
    ///
    /// # fn main() -> io::Result<()> {
    /// # rt::block_on(async {
    /// let token = CancellationToken::new();
    /// let lines = stream::iter(["a", "b"].map(Ok::<_, io::Error>));
    /// let mut lines = lines.try_until_cancelled(&token);
    /// assert_eq!(lines.try_next().await?, Some("a"));
    /// token.cancel();
    /// assert!(lines.try_next().await.is_err());
    /// assert_eq!(lines.try_next().await?, None);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
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

    /// Returns the inner stream.
    pub fn get_ref(&self) -> &S {
        self.stream.get_ref()
    }

    /// Returns the inner stream, with all results that were not pulled.
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
            None => this
                .stream
                .cancellation()
                .map(|cancelled| Err(cancelled.into())),
        };
        *this.ended = true;
        Poll::Ready(next)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self.ended {
            true => (0, Some(0)),
            // The cancel is one more item.
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

impl<S, T, E> CancellableStream for TryUntilCancelled<S>
where
    S: Stream<Item = Result<T, E>>,
    E: From<Cancelled>,
{
    fn cancellation(&self) -> Option<Cancelled> {
        self.stream.cancellation()
    }
}

impl<S> fmt::Debug for TryUntilCancelled<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TryUntilCancelled")
            .field(&self.stream)
            .finish()
    }
}
