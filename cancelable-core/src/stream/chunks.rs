//! Items in chunks, of which none is held back at the end.

use super::CutStream;
use super::chunk::Chunk;
use crate::error::Cancelled;
use crate::operation::Operation;
use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

pin_project! {
    /// Chunks of items, and at the end what is left, from
    /// [`chunks_flushed`](CutStream::chunks_flushed).
    ///
    /// # Cancel safety
    ///
    /// The wait for a chunk may be given up: its items stay here. When the stream itself is dropped
    /// they are dropped with it, if they are not taken out by [`into_inner`](Self::into_inner).
    #[must_use = "a stream does nothing unless it is polled"]
    pub struct ChunksFlushed<S>
    where
        S: Stream,
    {
        #[pin]
        stream: S,
        chunk: Chunk<S::Item>,
        ended: bool,
    }
}

impl<S: Stream> ChunksFlushed<S> {
    pub(super) fn new(stream: S, chunk: Chunk<S::Item>) -> Self {
        Self {
            stream,
            chunk,
            ended: false,
        }
    }

    /// The stream inside.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// The items that wait for their chunk to be full.
    pub fn waiting(&self) -> &[S::Item] {
        self.chunk.items()
    }

    /// The stream inside, and the items that wait for their chunk to be full.
    pub fn into_inner(self) -> (S, Vec<S::Item>) {
        (self.stream, self.chunk.into_items())
    }
}

impl<S: Stream> Stream for ChunksFlushed<S> {
    type Item = Vec<S::Item>;

    /// Wakes: pending only after the stream inside was, and by the time limit. Ends: each turn of the
    /// loop adds an item to a chunk of bounded size.
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        if *this.ended {
            return Poll::Ready(None);
        }
        loop {
            match this.stream.as_mut().poll_next(cx) {
                Poll::Ready(Some(item)) => {
                    if let Some(full) = this.chunk.put(item) {
                        return Poll::Ready(Some(full));
                    }
                }
                Poll::Ready(None) => {
                    *this.ended = true;
                    return Poll::Ready(this.chunk.flush());
                }
                Poll::Pending => return this.chunk.poll_due(cx).map(Some),
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        if self.ended {
            return (0, Some(0));
        }
        let (least, most) = self.stream.size_hint();
        let most = match self.chunk.is_by_size_alone() {
            true => most.map(|most| self.chunk.chunks_of(most)),
            // Each item may be a chunk of its own.
            false => most.and_then(|most| most.checked_add(1)),
        };
        (self.chunk.chunks_of(least), most)
    }
}

impl<S: Stream> FusedStream for ChunksFlushed<S> {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl<S: CutStream> CutStream for ChunksFlushed<S> {
    fn cut(&self) -> Option<Cancelled> {
        self.stream.cut()
    }

    fn operation(&self) -> Option<&Operation> {
        self.stream.operation()
    }
}

impl<S: Stream + fmt::Debug> fmt::Debug for ChunksFlushed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunksFlushed")
            .field("stream", &self.stream)
            .field("waiting", &self.chunk.items().len())
            .finish_non_exhaustive()
    }
}
