//! Chunks of the items of a stream with a time limit. No item is held back at the end or at an error.

use crate::runtime::{RuntimeHandle, Sleep};
use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// The most items for which a chunk reserves room, so that a large chunk of a short stream costs little.
const ROOM: usize = 256;

/// The items of a chunk that is not full yet.
#[derive(Debug)]
struct Chunk<T> {
    items: Vec<T>,
    /// The number of items of a full chunk.
    size: NonZeroUsize,
    limit: TimeLimit,
}

/// The limit on the wait of the first item of a chunk for the others.
#[derive(Debug)]
pub(super) struct TimeLimit {
    runtime: RuntimeHandle,
    span: Duration,
    /// The timer, set to the end of the wait while the chunk has items.
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

    /// Starts the wait of a first item. A limit that the clock cannot express never comes.
    fn start(&mut self) {
        self.sleep.reset(self.runtime.now().checked_add(self.span));
    }
}

impl<T> Chunk<T> {
    fn new(size: NonZeroUsize, limit: TimeLimit) -> Self {
        Self {
            items: Vec::new(),
            size,
            limit,
        }
    }

    /// Adds an item. Returns the chunk if the item made it full.
    fn put(&mut self, item: T) -> Option<Vec<T>> {
        if self.items.is_empty() {
            self.items.reserve(self.size.get().min(ROOM));
            self.limit.start();
        }
        self.items.push(item);
        (self.items.len() == self.size.get()).then(|| std::mem::take(&mut self.items))
    }

    /// Takes the items, if there are any.
    fn flush(&mut self) -> Option<Vec<T>> {
        (!self.items.is_empty()).then(|| std::mem::take(&mut self.items))
    }

    /// Returns the chunk once its time limit has come. Requires that no item is ready.
    ///
    /// Wakes: by the timer if the chunk has items, and otherwise by the next item.
    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<Vec<T>> {
        if self.items.is_empty() {
            return Poll::Pending;
        }
        ready!(Pin::new(&mut self.limit.sleep).poll(cx));
        Poll::Ready(std::mem::take(&mut self.items))
    }

    /// Returns the least number of chunks that `more` items make, with a last chunk that may not be full.
    fn chunks_of(&self, more: usize) -> usize {
        self.items
            .len()
            .saturating_add(more)
            .div_ceil(self.size.get())
    }
}

pin_project! {
    /// A stream of chunks of items, from [`chunks_within`](super::CancellableStream::chunks_within).
    ///
    /// # Cancel safety
    ///
    /// The wait for a chunk may be dropped: the items stay in the stream. Dropping the stream drops them, unless
    /// [`into_inner`](Self::into_inner) has returned them.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use cancelable_core::stream::{CancelStreamExt, CancellableStream};
    /// use futures_util::{FutureExt, StreamExt, stream};
    /// use std::num::NonZeroUsize;
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # rt::block_on(async {
    /// const THREE: NonZeroUsize = NonZeroUsize::new(3).unwrap();
    /// const HOUR: Duration = Duration::from_secs(3600);
    ///
    /// let numbers = stream::iter([1, 2]).chain(stream::pending());
    /// let numbers = numbers.until_cancelled(&CancellationToken::new());
    /// let mut chunks = numbers.chunks_within(THREE, HOUR, &rt::current()?);
    /// assert!(chunks.next().now_or_never().is_none());
    /// assert_eq!(chunks.waiting(), [1, 2]);
    /// let (_numbers, waiting) = chunks.into_inner();
    /// assert_eq!(waiting, [1, 2]);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    #[must_use = "a stream does nothing unless it is polled"]
    pub struct ChunksWithin<S>
    where
        S: Stream,
    {
        #[pin]
        stream: S,
        chunk: Chunk<S::Item>,
        ended: bool,
    }
}

impl<S: Stream> ChunksWithin<S> {
    pub(super) fn new(stream: S, size: NonZeroUsize, limit: TimeLimit) -> Self {
        Self {
            stream,
            chunk: Chunk::new(size, limit),
            ended: false,
        }
    }

    /// Returns the inner stream.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// Returns the items of the chunk that is not full yet.
    pub fn waiting(&self) -> &[S::Item] {
        &self.chunk.items
    }

    /// Returns the inner stream, and the items of the chunk that is not full yet.
    pub fn into_inner(self) -> (S, Vec<S::Item>) {
        (self.stream, self.chunk.items)
    }
}

impl<S: Stream> Stream for ChunksWithin<S> {
    type Item = Vec<S::Item>;

    /// Wakes: by the inner stream, which was pending, and by the time limit. Ends: each turn of the loop adds an
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
        // Each item may be a chunk of its own.
        let most = most.and_then(|most| most.checked_add(1));
        (self.chunk.chunks_of(least), most)
    }
}

impl<S: Stream> FusedStream for ChunksWithin<S> {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl<S: Stream + fmt::Debug> fmt::Debug for ChunksWithin<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunksWithin")
            .field("stream", &self.stream)
            .field("waiting", &self.chunk.items.len())
            .finish_non_exhaustive()
    }
}

/// The stage of a stream of chunks of values.
enum Stage<E> {
    Open,
    /// The values before the error were yielded, and the error comes next.
    Failed(E),
    Ended,
}

pin_project! {
    /// A stream of chunks of values, from [`try_chunks_within`](super::CancellableStream::try_chunks_within). The
    /// stream ends after the first error.
    ///
    /// # Cancel safety
    ///
    /// As for [`ChunksWithin`].
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use cancelable_core::stream::{self, CancelStreamExt, CancellableStream, TryChunksWithin};
    /// use futures_util::StreamExt;
    /// use std::num::NonZeroUsize;
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # rt::block_on(async {
    /// const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();
    /// const HOUR: Duration = Duration::from_secs(3600);
    ///
    /// let lines = stream::iter([Ok("a"), Err("torn")]).until_cancelled(&CancellationToken::new());
    /// let mut chunks: TryChunksWithin<_, _, _> = lines.try_chunks_within(TWO, HOUR, &rt::current()?);
    /// assert_eq!(chunks.next().await, Some(Ok(vec!["a"])));
    /// assert!(chunks.waiting().is_empty());
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    #[must_use = "a stream does nothing unless it is polled"]
    pub struct TryChunksWithin<S, T, E> {
        #[pin]
        stream: S,
        chunk: Chunk<T>,
        stage: Stage<E>,
    }
}

impl<S, T, E> TryChunksWithin<S, T, E> {
    pub(super) fn new(stream: S, size: NonZeroUsize, limit: TimeLimit) -> Self {
        Self {
            stream,
            chunk: Chunk::new(size, limit),
            stage: Stage::Open,
        }
    }

    /// Returns the inner stream.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// Returns the values of the chunk that is not full yet.
    pub fn waiting(&self) -> &[T] {
        &self.chunk.items
    }

    /// Returns the inner stream, and the values of the chunk that is not full yet.
    pub fn into_inner(self) -> (S, Vec<T>) {
        (self.stream, self.chunk.items)
    }
}

impl<S, T, E> Stream for TryChunksWithin<S, T, E>
where
    S: Stream<Item = Result<T, E>>,
{
    type Item = Result<Vec<T>, E>;

    /// Wakes and ends: as for [`ChunksWithin`].
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
            Stage::Open => {
                // The chunk that is not full yet is one more.
                let most = self.stream.size_hint().1;
                (0, most.and_then(|most| most.checked_add(1)))
            }
            Stage::Failed(_) => (1, Some(1)),
            Stage::Ended => (0, Some(0)),
        }
    }
}

impl<S, T, E> FusedStream for TryChunksWithin<S, T, E>
where
    S: Stream<Item = Result<T, E>>,
{
    fn is_terminated(&self) -> bool {
        matches!(self.stage, Stage::Ended)
    }
}

impl<S: fmt::Debug, T, E> fmt::Debug for TryChunksWithin<S, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryChunksWithin")
            .field("stream", &self.stream)
            .field("waiting", &self.chunk.items.len())
            .finish_non_exhaustive()
    }
}
