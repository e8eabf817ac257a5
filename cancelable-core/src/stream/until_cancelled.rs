//! A stream that ends when it is cancelled.

use super::{CutOff, CutStream};
use crate::error::Cancelled;
use crate::operation::Operation;
use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Open,
    /// The stream inside has answered that it has ended.
    Exhausted,
    Cut,
}

impl State {
    fn is_end(self) -> bool {
        matches!(self, Self::Exhausted | Self::Cut)
    }
}

pin_project! {
    /// The items of a stream until a cancel, from
    /// [`until_cancelled`](super::CancelStreamExt::until_cancelled) and [`Operation::stream`].
    ///
    /// # Cancel safety
    ///
    /// An item is delivered in the poll in which it is pulled, so none is lost by a drop.
    #[must_use = "a stream does nothing unless it is polled"]
    pub struct UntilCancelled<S> {
        #[pin]
        stream: S,
        cut_off: CutOff,
        state: State,
    }
}

impl<S> UntilCancelled<S> {
    pub(super) fn new(stream: S, cut_off: CutOff) -> Self {
        Self {
            stream,
            cut_off,
            state: State::Open,
        }
    }

    /// The stream inside.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// The stream inside. What is pulled from it here is not seen by this stream.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// The stream inside, pinned.
    pub fn get_pin_mut(self: Pin<&mut Self>) -> Pin<&mut S> {
        self.project().stream
    }

    /// The stream inside, with all that was not pulled.
    pub fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: Stream> Stream for UntilCancelled<S> {
    type Item = S::Item;

    /// Wakes: see the header of the module.
    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        if this.state.is_end() {
            return Poll::Ready(None);
        }
        // Nothing is pulled after the cancel. A stream that has nothing left to give may be at its end,
        // and then it has missed nothing; only its answer shows that, as it may wait for ever too.
        *this.state = if this.cut_off.is_cut() && this.stream.size_hint().1 != Some(0) {
            State::Cut
        } else {
            match this.stream.as_mut().poll_next(cx) {
                Poll::Ready(Some(item)) => return Poll::Ready(Some(item)),
                Poll::Ready(None) => State::Exhausted,
                Poll::Pending => {
                    ready!(this.cut_off.poll_cut(cx));
                    State::Cut
                }
            }
        };
        this.cut_off.leave();
        Poll::Ready(None)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        if self.state.is_end() {
            return (0, Some(0));
        }
        let most = self.stream.size_hint().1;
        // Whoever asks a stream for its end that has nothing left, as is done above, would be given the
        // cut for it.
        let may_be_cut = most == Some(0) && self.cut_off.cause().is_some();
        (0, if may_be_cut { None } else { most })
    }
}

impl<S: Stream> FusedStream for UntilCancelled<S> {
    fn is_terminated(&self) -> bool {
        self.state.is_end()
    }
}

impl<S: Stream> CutStream for UntilCancelled<S> {
    fn cut(&self) -> Option<Cancelled> {
        match self.state {
            State::Cut => self.cut_off.cancelled(),
            State::Open | State::Exhausted => None,
        }
    }

    fn operation(&self) -> Option<&Operation> {
        self.cut_off.operation()
    }
}

impl<S> fmt::Debug for UntilCancelled<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UntilCancelled")
            .field("cut_off", &self.cut_off)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
