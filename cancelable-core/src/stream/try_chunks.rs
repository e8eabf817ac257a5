//! Items of a stream of results in chunks, of which none is held back at an error.

use super::CutStream;
use super::chunk::Chunk;
use crate::error::Cancelled;
use crate::operation::Operation;
use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

/// How far a stream of chunks is.
enum Stage<E> {
    Open,
    /// What came before the error was given, and the error comes next.
    Failed(E),
    Ended,
}

pin_project! {
    /// Chunks of values; at the end, and before the first error, what is left, from
    /// [`try_chunks_flushed`](CutStream::try_chunks_flushed). It ends after the error.
    ///
    /// # Cancel safety
    ///
    /// As for [`ChunksFlushed`](super::ChunksFlushed).
    #[must_use = "a stream does nothing unless it is polled"]
    pub struct TryChunksFlushed<S, T, E> {
        #[pin]
        stream: S,
        chunk: Chunk<T>,
        stage: Stage<E>,
    }
}

impl<S, T, E> TryChunksFlushed<S, T, E> {
    pub(super) fn new(stream: S, chunk: Chunk<T>) -> Self {
        Self {
            stream,
            chunk,
            stage: Stage::Open,
        }
    }

    /// The stream inside.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// The values that wait for their chunk to be full.
    pub fn waiting(&self) -> &[T] {
        self.chunk.items()
    }

    /// The stream inside, and the values that wait for their chunk to be full.
    pub fn into_inner(self) -> (S, Vec<T>) {
        (self.stream, self.chunk.into_items())
    }
}

impl<S, T, E> Stream for TryChunksFlushed<S, T, E>
where
    S: Stream<Item = Result<T, E>>,
{
    type Item = Result<Vec<T>, E>;

    /// Wakes and ends: as the chunks of a plain stream.
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        match std::mem::replace(this.stage, Stage::Ended) {
            Stage::Open => *this.stage = Stage::Open,
            Stage::Failed(error) => return Poll::Ready(Some(Err(error))),
            Stage::Ended => return Poll::Ready(None),
        }
        loop {
            match this.stream.as_mut().poll_next(cx) {
                Poll::Ready(Some(Ok(item))) => {
                    if let Some(full) = this.chunk.put(item) {
                        return Poll::Ready(Some(Ok(full)));
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    let Some(items) = this.chunk.flush() else {
                        *this.stage = Stage::Ended;
                        return Poll::Ready(Some(Err(error)));
                    };
                    *this.stage = Stage::Failed(error);
                    return Poll::Ready(Some(Ok(items)));
                }
                Poll::Ready(None) => {
                    *this.stage = Stage::Ended;
                    return Poll::Ready(this.chunk.flush().map(Ok));
                }
                Poll::Pending => return this.chunk.poll_due(cx).map(|items| Some(Ok(items))),
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self.stage {
            // The error may be the next item.
            Stage::Open => (
                0,
                self.stream
                    .size_hint()
                    .1
                    .and_then(|most| most.checked_add(1)),
            ),
            Stage::Failed(_) => (1, Some(1)),
            Stage::Ended => (0, Some(0)),
        }
    }
}

impl<S, T, E> FusedStream for TryChunksFlushed<S, T, E>
where
    S: Stream<Item = Result<T, E>>,
{
    fn is_terminated(&self) -> bool {
        matches!(self.stage, Stage::Ended)
    }
}

impl<S, T, E> CutStream for TryChunksFlushed<S, T, E>
where
    S: CutStream<Item = Result<T, E>>,
{
    fn cut(&self) -> Option<Cancelled> {
        self.stream.cut()
    }

    fn operation(&self) -> Option<&Operation> {
        self.stream.operation()
    }
}

impl<S: fmt::Debug, T, E> fmt::Debug for TryChunksFlushed<S, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryChunksFlushed")
            .field("stream", &self.stream)
            .field("waiting", &self.chunk.items().len())
            .finish_non_exhaustive()
    }
}
