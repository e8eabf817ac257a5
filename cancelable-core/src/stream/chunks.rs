//! Chunks of the items of a stream, none of which is held back at its end or at an error.

use crate::runtime::{RuntimeHandle, Sleep};
use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// The most items that a chunk reserves room for, so that a large chunk of a short stream costs little.
const ROOM: usize = 256;

/// The items of a chunk that is not full yet.
#[derive(Debug)]
pub(super) struct Chunk<T> {
    items: Vec<T>,
    /// How many items make the chunk full; at least 1.
    size: usize,
    limit: Option<TimeLimit>,
}

/// The limit on how long the first item of a chunk waits for the others.
#[derive(Debug)]
pub(super) struct TimeLimit {
    runtime: RuntimeHandle,
    span: Duration,
    /// Set to the end of that time while the chunk has items.
    sleep: Sleep,
}

impl TimeLimit {
    pub(super) fn new(runtime: &RuntimeHandle, span: Duration) -> Self {
        Self {
            runtime: runtime.clone(),
            span,
            sleep: runtime.sleep_until(None),
        }
    }
}

impl<T> Chunk<T> {
    pub(super) fn new(size: usize, limit: Option<TimeLimit>) -> Self {
        Self {
            items: Vec::new(),
            size,
            limit,
        }
    }

    /// Adds an item. Returns the chunk if that made it full.
    pub(super) fn put(&mut self, item: T) -> Option<Vec<T>> {
        if self.items.is_empty() {
            self.items.reserve(self.size.min(ROOM));
            if let Some(limit) = &mut self.limit {
                // A time beyond the clock is never.
                limit
                    .sleep
                    .reset(limit.runtime.now().checked_add(limit.span));
            }
        }
        self.items.push(item);
        (self.items.len() == self.size).then(|| std::mem::take(&mut self.items))
    }

    /// Takes the items, if there are any.
    pub(super) fn flush(&mut self) -> Option<Vec<T>> {
        (!self.items.is_empty()).then(|| std::mem::take(&mut self.items))
    }

    /// Ready with the chunk when its time is over. To be called when no item is ready.
    ///
    /// Wakes: by the timer, if the chunk has items. Otherwise by the next item.
    pub(super) fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<Vec<T>> {
        match &mut self.limit {
            Some(limit) if !self.items.is_empty() => {
                ready!(Pin::new(&mut limit.sleep).poll(cx));
                Poll::Ready(std::mem::take(&mut self.items))
            }
            _ => Poll::Pending,
        }
    }

    pub(super) fn items(&self) -> &[T] {
        &self.items
    }

    pub(super) fn into_items(self) -> Vec<T> {
        self.items
    }

    /// The number of chunks that `more` items make, of which the last may not be full.
    pub(super) fn chunks_of(&self, more: usize) -> usize {
        self.items.len().saturating_add(more).div_ceil(self.size)
    }

    /// Whether only the number of items decides when a chunk is yielded.
    pub(super) fn is_by_size_alone(&self) -> bool {
        self.limit.is_none()
    }
}

pin_project! {
    /// A stream of chunks of items, of which the last has the items that are left, from
    /// [`chunks_flushed`](super::CancellableStream::chunks_flushed).
    ///
    /// # Cancel safety
    ///
    /// The wait for a chunk may be dropped: its items stay here. Dropping the stream drops them, if they are not
    /// taken by [`into_inner`](Self::into_inner).
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

    /// Wakes: by the stream inside, which was pending, and by the time limit. Ends: each turn of the loop adds an
    /// item to a chunk of bounded size.
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

impl<S: Stream + fmt::Debug> fmt::Debug for ChunksFlushed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunksFlushed")
            .field("stream", &self.stream)
            .field("waiting", &self.chunk.items().len())
            .finish_non_exhaustive()
    }
}

/// The stage of a stream of chunks.
enum Stage<E> {
    Open,
    /// The values before the error were yielded, and the error comes next.
    Failed(E),
    Ended,
}

pin_project! {
    /// A stream of chunks of values, of which the last before the end or the first error has the values that are
    /// left, from [`try_chunks_flushed`](super::CancellableStream::try_chunks_flushed). It ends after the error.
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

    /// Wakes and ends: as for [`ChunksFlushed`].
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

impl<S: fmt::Debug, T, E> fmt::Debug for TryChunksFlushed<S, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryChunksFlushed")
            .field("stream", &self.stream)
            .field("waiting", &self.chunk.items().len())
            .finish_non_exhaustive()
    }
}
