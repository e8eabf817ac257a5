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
    /// Not polled yet, or it gave an item when it was.
    Open,
    /// It has answered pending, so it has not ended, whatever its size hint says.
    Waiting,
    /// The stream inside has ended, or has nothing left to give.
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
        *this.state = match this.cut_off.is_cut() {
            // Although it is cancelled by now, it has missed nothing.
            true if *this.state == State::Open && this.stream.size_hint().1 == Some(0) => {
                State::Exhausted
            }
            true => State::Cut,
            false => match this.stream.as_mut().poll_next(cx) {
                Poll::Ready(Some(item)) => {
                    *this.state = State::Open;
                    return Poll::Ready(Some(item));
                }
                Poll::Ready(None) => State::Exhausted,
                Poll::Pending => {
                    *this.state = State::Waiting;
                    ready!(this.cut_off.poll_cut(cx));
                    State::Cut
                }
            },
        };
        this.cut_off.leave();
        Poll::Ready(None)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self.state.is_end() {
            false => (0, self.stream.size_hint().1),
            true => (0, Some(0)),
        }
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
            State::Open | State::Waiting | State::Exhausted => None,
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
