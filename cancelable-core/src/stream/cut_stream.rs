//! Streams that know whether they were cut, and what can be built on them.

use super::chunk::{Chunk, TimeLimit};
use super::{
    ChunksFlushed, CollectPartial, KeepCopies, KeepLast, ReportEvery, StepError, TryChunksFlushed,
    TryCollectPartial,
};
use crate::error::Cancelled;
use crate::operation::Operation;
use futures_core::Stream;
use std::ops::DerefMut;
use std::pin::Pin;
use std::time::Duration;

/// A stream that a cancel ends, and that knows whether it did.
///
/// What is built here is such a stream again. A `map` or `filter` of another crate does not know it:
/// put those below, as in `op.stream(records.map(parse)).chunks_flushed(100)`.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "testing")] {
/// use cancelable_core::CancellationToken;
/// use cancelable_core::stream::{CancelStreamExt, CutStream};
/// use cancelable_core::testing::ManualRuntime;
/// use futures_util::{StreamExt, stream};
///
/// let token = CancellationToken::new();
/// // Cancelled while the fifth is on its way, which is delivered nevertheless.
/// let numbers = stream::iter(1..).inspect(|number| {
///     if *number == 5 {
///         token.cancel();
///     }
/// });
/// let chunks = numbers.until_cancelled(&token).chunks_flushed(3).expect("three is not zero");
/// let partial = ManualRuntime::new().block_on(chunks.collect_partial::<Vec<_>>());
/// assert!(!partial.is_complete());
/// assert_eq!(partial.into_items(), [vec![1, 2, 3], vec![4, 5]]);
/// # }
/// ```
pub trait CutStream: Stream {
    /// The cancel that ended the stream; `None` before its end, and if it came to its own end.
    fn cut(&self) -> Option<Cancelled>;

    /// The operation whose cancel ends it; `None` if it is a bare token.
    fn operation(&self) -> Option<&Operation>;

    /// Advances the [progress](Operation::progress) of the stream's operation by `items`, each time
    /// that so many were delivered, and by the rest at the end.
    ///
    /// # Errors
    ///
    /// The number is zero, or the stream is of no operation.
    fn report_every(self, items: usize) -> Result<ReportEvery<Self>, StepError>
    where
        Self: Sized,
    {
        report_every(self, "report_every", items, |_| true)
    }

    /// [`report_every`](Self::report_every) for a stream of results, which counts its values.
    ///
    /// # Errors
    ///
    /// As there.
    fn try_report_every<T, E>(self, values: usize) -> Result<ReportEvery<Self>, StepError>
    where
        Self: Stream<Item = Result<T, E>> + Sized,
    {
        report_every(self, "try_report_every", values, Result::is_ok)
    }

    /// Keeps copies of the last `most` items for [readers outside](KeepLast::last_items), while the
    /// stream runs and after.
    fn keep_last(self, most: usize) -> KeepCopies<Self>
    where
        Self: Sized,
        Self::Item: Clone,
    {
        KeepLast::new(self, most, |item| Some(item.clone()))
    }

    /// [`keep_last`](Self::keep_last) of what `keep` makes of an item, if it makes anything.
    fn keep_last_with<T, F>(self, most: usize, keep: F) -> KeepLast<Self, T, F>
    where
        Self: Sized,
        F: FnMut(&Self::Item) -> Option<T>,
    {
        KeepLast::new(self, most, keep)
    }

    /// The items in chunks of `size`. When the stream ends, by itself or by a cancel, what is left is
    /// the last chunk.
    ///
    /// # Errors
    ///
    /// The size is zero.
    fn chunks_flushed(self, size: usize) -> Result<ChunksFlushed<Self>, StepError>
    where
        Self: Sized,
    {
        let size = StepError::unless_zero("chunks_flushed", size)?;
        Ok(ChunksFlushed::new(self, Chunk::new(size, None)))
    }

    /// [`chunks_flushed`](Self::chunks_flushed), where a chunk is also given once its first item has
    /// waited for `span` and no other is ready.
    ///
    /// # Errors
    ///
    /// The size is zero, or the stream is of no operation with a runtime.
    fn chunks_flushed_within(
        self,
        size: usize,
        span: Duration,
    ) -> Result<ChunksFlushed<Self>, StepError>
    where
        Self: Sized,
    {
        let size = StepError::unless_zero("chunks_flushed_within", size)?;
        let limit = time_limit(&self, "chunks_flushed_within", span)?;
        Ok(ChunksFlushed::new(self, Chunk::new(size, Some(limit))))
    }

    /// [`chunks_flushed`](Self::chunks_flushed) of the values of a stream of results. Before the
    /// first error what is left is given as the last chunk; after it the stream ends.
    ///
    /// # Errors
    ///
    /// The size is zero.
    fn try_chunks_flushed<T, E>(
        self,
        size: usize,
    ) -> Result<TryChunksFlushed<Self, T, E>, StepError>
    where
        Self: Stream<Item = Result<T, E>> + Sized,
    {
        let size = StepError::unless_zero("try_chunks_flushed", size)?;
        Ok(TryChunksFlushed::new(self, Chunk::new(size, None)))
    }

    /// [`try_chunks_flushed`](Self::try_chunks_flushed) with the time limit of
    /// [`chunks_flushed_within`](Self::chunks_flushed_within).
    ///
    /// # Errors
    ///
    /// As there.
    fn try_chunks_flushed_within<T, E>(
        self,
        size: usize,
        span: Duration,
    ) -> Result<TryChunksFlushed<Self, T, E>, StepError>
    where
        Self: Stream<Item = Result<T, E>> + Sized,
    {
        let size = StepError::unless_zero("try_chunks_flushed_within", size)?;
        let limit = time_limit(&self, "try_chunks_flushed_within", span)?;
        Ok(TryChunksFlushed::new(self, Chunk::new(size, Some(limit))))
    }

    /// All items, or those that came before the cancel, and which of the two it is.
    ///
    /// # Cancel safety
    ///
    /// Cancelled by its token or operation it gives what it has. Dropping it drops the items; for
    /// that there is [`collect_partial_into`](Self::collect_partial_into).
    fn collect_partial<C>(self) -> CollectPartial<Self, C>
    where
        Self: Sized,
        C: Default + Extend<Self::Item>,
    {
        CollectPartial::new(self, C::default())
    }

    /// [`collect_partial`](Self::collect_partial) at the end of `items`, where they are also if the
    /// future is dropped.
    ///
    /// # Cancel safety
    ///
    /// Each item is in `items` in the poll in which it is pulled.
    fn collect_partial_into<C>(self, items: &mut C) -> CollectPartial<Self, C, &mut C>
    where
        Self: Sized,
        C: Extend<Self::Item>,
    {
        CollectPartial::new(self, items)
    }

    /// The values of a stream of results, up to its end, its cancel or its first error, and which of
    /// these it is.
    ///
    /// # Cancel safety
    ///
    /// As for [`collect_partial`](Self::collect_partial).
    fn try_collect_partial<C, T, E>(self) -> TryCollectPartial<Self, C>
    where
        Self: Stream<Item = Result<T, E>> + Sized,
        C: Default + Extend<T>,
    {
        TryCollectPartial::new(self, C::default())
    }

    /// [`try_collect_partial`](Self::try_collect_partial) at the end of `items`.
    ///
    /// # Cancel safety
    ///
    /// As for [`collect_partial_into`](Self::collect_partial_into).
    fn try_collect_partial_into<C, T, E>(self, items: &mut C) -> TryCollectPartial<Self, C, &mut C>
    where
        Self: Stream<Item = Result<T, E>> + Sized,
        C: Extend<T>,
    {
        TryCollectPartial::new(self, items)
    }
}

fn report_every<S: CutStream>(
    stream: S,
    step: &'static str,
    every: usize,
    counts: fn(&S::Item) -> bool,
) -> Result<ReportEvery<S>, StepError> {
    let every = StepError::unless_zero(step, every)?;
    let operation = stream.operation();
    let operation = operation.ok_or_else(|| StepError::no_operation(step))?;
    let progress = operation.progress().clone();
    Ok(ReportEvery::new(stream, every, progress, counts))
}

fn time_limit(
    stream: &(impl CutStream + ?Sized),
    step: &'static str,
    span: Duration,
) -> Result<TimeLimit, StepError> {
    let runtime = stream.operation().and_then(Operation::runtime);
    let runtime = runtime.ok_or_else(|| StepError::no_runtime(step))?;
    Ok(TimeLimit::new(runtime, span))
}

impl<S: CutStream + Unpin + ?Sized> CutStream for &mut S {
    fn cut(&self) -> Option<Cancelled> {
        (**self).cut()
    }

    fn operation(&self) -> Option<&Operation> {
        (**self).operation()
    }
}

impl<S: CutStream + Unpin + ?Sized> CutStream for Box<S> {
    fn cut(&self) -> Option<Cancelled> {
        (**self).cut()
    }

    fn operation(&self) -> Option<&Operation> {
        (**self).operation()
    }
}

impl<P> CutStream for Pin<P>
where
    P: DerefMut<Target: CutStream> + Unpin,
{
    fn cut(&self) -> Option<Cancelled> {
        (**self).cut()
    }

    fn operation(&self) -> Option<&Operation> {
        (**self).operation()
    }
}
