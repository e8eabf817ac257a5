//! Streams that know whether they were cut, and the steps that can be built on them.

use super::chunks::{Chunk, ChunksFlushed, TimeLimit, TryChunksFlushed};
use super::collect::{CollectPartial, TryCollectPartial};
use super::keep_last::{KeepCopies, KeepLast};
use super::report::ReportEvery;
use crate::error::Cancelled;
use crate::operation::Operation;
use crate::scope::MapConcurrent;
use futures_core::Stream;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::ops::DerefMut;
use std::pin::Pin;
use std::time::Duration;

/// A stream that a cancel ends, and that knows whether it did.
///
/// The steps of this trait give such streams again. A `map` or `filter` of another crate gives a plain stream: put
/// those below, as in `op.stream(records.map(parse)).chunks_flushed(100)`.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "testing")] {
/// use cancelable_core::CancellationToken;
/// use cancelable_core::stream::{CancelStreamExt, CancellableStream};
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
pub trait CancellableStream: Stream {
    /// The cancel that ended the stream; `None` before its end, and if it ended by itself.
    fn cut(&self) -> Option<Cancelled>;

    /// The operation whose cancel ends the stream; `None` if it is a bare token.
    fn operation(&self) -> Option<&Operation>;

    /// Advances the [progress](Operation::progress) of the stream's operation by `items` after each `items` that were
    /// delivered, and by the rest at the end.
    ///
    /// # Errors
    ///
    /// The number is zero, or the stream has no operation.
    fn report_every(self, items: usize) -> Result<ReportEvery<Self>, StepError>
    where
        Self: Sized,
    {
        report_every(self, "report_every", items, |_| true)
    }

    /// [`report_every`](Self::report_every) for a stream of results; only values count.
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

    /// Keeps copies of the last `most` items for [readers outside](KeepLast::last_items), during and after the life
    /// of the stream.
    fn keep_last(self, most: usize) -> KeepCopies<Self>
    where
        Self: Sized,
        Self::Item: Clone,
    {
        KeepLast::new(self, most, |item| Some(item.clone()))
    }

    /// [`keep_last`](Self::keep_last) with the values that `keep` makes of items.
    fn keep_last_with<T, F>(self, most: usize, keep: F) -> KeepLast<Self, T, F>
    where
        Self: Sized,
        F: FnMut(&Self::Item) -> Option<T>,
    {
        KeepLast::new(self, most, keep)
    }

    /// Returns the items in chunks of `size`. When the stream ends, by itself or by a cancel, the items that are left
    /// are the last chunk.
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

    /// [`chunks_flushed`](Self::chunks_flushed) that also yields a chunk once its first item has waited for `span`
    /// and no other item is ready.
    ///
    /// # Errors
    ///
    /// The size is zero, or the stream has no operation with a runtime.
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

    /// [`chunks_flushed`](Self::chunks_flushed) of the values of a stream of results. The values before the first
    /// error are the last chunk; after the error the stream ends.
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

    /// Collects all items, or those before the cut, and says which of the two it is.
    ///
    /// # Cancel safety
    ///
    /// When its token or operation is cancelled, the output has the items so far. Dropping the future drops the
    /// items; [`collect_partial_into`](Self::collect_partial_into) keeps them.
    fn collect_partial<C>(self) -> CollectPartial<Self, C>
    where
        Self: Sized,
        C: Default + Extend<Self::Item>,
    {
        CollectPartial::new(self, C::default(), Self::cut)
    }

    /// [`collect_partial`](Self::collect_partial) that appends to `items`, where they stay if the future is dropped.
    ///
    /// # Cancel safety
    ///
    /// Each item is in `items` in the poll in which it is pulled.
    fn collect_partial_into<C>(self, items: &mut C) -> CollectPartial<Self, C, &mut C>
    where
        Self: Sized,
        C: Extend<Self::Item>,
    {
        CollectPartial::new(self, items, Self::cut)
    }

    /// Collects the values of a stream of results up to its end, its cut or its first error, and says which of these
    /// it is.
    ///
    /// # Cancel safety
    ///
    /// As for [`collect_partial`](Self::collect_partial).
    fn try_collect_partial<C, T, E>(self) -> TryCollectPartial<Self, C>
    where
        Self: Stream<Item = Result<T, E>> + Sized,
        C: Default + Extend<T>,
    {
        TryCollectPartial::new(self, C::default(), Self::cut)
    }

    /// [`try_collect_partial`](Self::try_collect_partial) that appends to `items`.
    ///
    /// # Cancel safety
    ///
    /// As for [`collect_partial_into`](Self::collect_partial_into).
    fn try_collect_partial_into<C, T, E>(self, items: &mut C) -> TryCollectPartial<Self, C, &mut C>
    where
        Self: Stream<Item = Result<T, E>> + Sized,
        C: Extend<T>,
    {
        TryCollectPartial::new(self, items, Self::cut)
    }
}

fn report_every<S: CancellableStream>(
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
    stream: &(impl CancellableStream + ?Sized),
    step: &'static str,
    span: Duration,
) -> Result<TimeLimit, StepError> {
    let runtime = stream.operation().and_then(Operation::runtime);
    let runtime = runtime.ok_or_else(|| StepError::no_runtime(step))?;
    Ok(TimeLimit::new(runtime, span))
}

impl<S: CancellableStream + Unpin + ?Sized> CancellableStream for &mut S {
    fn cut(&self) -> Option<Cancelled> {
        (**self).cut()
    }

    fn operation(&self) -> Option<&Operation> {
        (**self).operation()
    }
}

impl<S: CancellableStream + Unpin + ?Sized> CancellableStream for Box<S> {
    fn cut(&self) -> Option<Cancelled> {
        (**self).cut()
    }

    fn operation(&self) -> Option<&Operation> {
        (**self).operation()
    }
}

impl<P> CancellableStream for Pin<P>
where
    P: DerefMut<Target: CancellableStream> + Unpin,
{
    fn cut(&self) -> Option<Cancelled> {
        (**self).cut()
    }

    fn operation(&self) -> Option<&Operation> {
        (**self).operation()
    }
}

/// The stream is cut if the cancel kept items from being pulled, or came while work on some was under way. The
/// results of that work come first.
impl<S, F, Fut> CancellableStream for MapConcurrent<S, F, Fut>
where
    S: Stream,
    F: FnMut(S::Item) -> Fut,
    Fut: Future,
{
    fn cut(&self) -> Option<Cancelled> {
        let operation = MapConcurrent::operation(self);
        let cause = operation.cause().filter(|_| self.is_cut())?;
        Some(operation.record().cancelled_for(cause, operation.elapsed()))
    }

    fn operation(&self) -> Option<&Operation> {
        Some(MapConcurrent::operation(self))
    }
}

/// A step is cut if the stream below it is.
macro_rules! cut_by_inner {
    ($([$($generics:tt)*] $Step:ty, where [$($bound:tt)*];)*) => {$(
        impl<$($generics)*> CancellableStream for $Step
        where
            $($bound)*
        {
            fn cut(&self) -> Option<Cancelled> {
                self.get_ref().cut()
            }

            fn operation(&self) -> Option<&Operation> {
                self.get_ref().operation()
            }
        }
    )*};
}

cut_by_inner! {
    [S] ReportEvery<S>, where [S: CancellableStream];
    [S, T, F] KeepLast<S, T, F>, where [S: CancellableStream, F: FnMut(&S::Item) -> Option<T>];
    [S] ChunksFlushed<S>, where [S: CancellableStream];
    [S, T, E] TryChunksFlushed<S, T, E>, where [S: CancellableStream<Item = Result<T, E>>];
}

/// A step of a stream cannot be built as it was described.
#[derive(Clone, Debug)]
pub struct StepError {
    step: &'static str,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Zero,
    NoOperation,
    NoRuntime,
}

impl StepError {
    /// Fails if `count` is zero.
    pub(super) fn unless_zero(step: &'static str, count: usize) -> Result<usize, Self> {
        match count {
            0 => Err(Self::new(step, Kind::Zero)),
            count => Ok(count),
        }
    }

    pub(super) fn no_operation(step: &'static str) -> Self {
        Self::new(step, Kind::NoOperation)
    }

    pub(super) fn no_runtime(step: &'static str) -> Self {
        Self::new(step, Kind::NoRuntime)
    }

    fn new(step: &'static str, kind: Kind) -> Self {
        Self { step, kind }
    }

    /// Whether the step was given a number of zero items.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.kind == Kind::Zero
    }

    /// Whether the step needs an operation, and the stream has a bare token.
    #[must_use]
    pub fn is_without_operation(&self) -> bool {
        self.kind == Kind::NoOperation
    }

    /// Whether the step needs the time, and there is no runtime.
    #[must_use]
    pub fn is_without_runtime(&self) -> bool {
        self.kind == Kind::NoRuntime
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = self.step;
        match self.kind {
            Kind::Zero => write!(f, "`{step}` was given zero items: give it one at least"),
            Kind::NoOperation => write!(
                f,
                "`{step}` has no operation to report to: make the stream by `Operation::stream`"
            ),
            Kind::NoRuntime => write!(
                f,
                "`{step}` has no runtime to tell the time: make the stream by `Operation::stream` \
                 in a scope that has one"
            ),
        }
    }
}

impl Error for StepError {}
