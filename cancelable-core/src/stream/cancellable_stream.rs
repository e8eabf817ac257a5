//! A stream that a cancel ends, and the steps on top of it.

use super::chunks::{ChunksWithin, TimeLimit, TryChunksWithin};
use super::collect::{CollectPartial, TryCollectPartial};
use super::keep_last::KeepLast;
use super::report::ReportEvery;
use crate::error::Cancelled;
use crate::operation::Progress;
use crate::runtime::RuntimeHandle;
use crate::scope::MapConcurrent;
use futures_core::{Stream, TryStream};
use futures_util::stream::{Chunks, TryChunks};
use std::future::Future;
use std::num::NonZeroUsize;
use std::ops::DerefMut;
use std::pin::Pin;
use std::time::Duration;

/// A stream that a cancel ends. [`cancellation`](Self::cancellation) distinguishes an end by a cancel from the end
/// of the input.
///
/// The methods of this trait return such streams. `chunks` and `try_chunks` of `futures` return such streams too: a
/// cancel is an end for them, at which they yield the rest of the items. Other adapters of `futures` return plain
/// streams. Apply those first, as in `op.stream(records.map(parse)).chunks(100)`.
///
/// # Examples
///
/// ```
/// use cancelable_core::CancellationToken;
/// use cancelable_core::stream::{CancelStreamExt, CancellableStream};
/// use futures_util::{StreamExt, stream};
///
/// # rt::block_on(async {
/// let token = CancellationToken::new();
/// // Cancelled while the fifth number is pulled. The fifth number is still delivered.
/// let numbers = stream::iter(1..).inspect(|number| {
///     if *number == 5 {
///         token.cancel();
///     }
/// });
/// let chunks = numbers.until_cancelled(&token).chunks(3);
/// let collected = chunks.collect_partial::<Vec<_>>().await;
/// assert!(!collected.is_complete());
/// assert_eq!(collected.into_items(), [vec![1, 2, 3], vec![4, 5]]);
/// # });
/// ```
pub trait CancellableStream: Stream {
    /// Returns the cancellation that ended the stream. `None` before the end, and if the stream came to its own end.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use cancelable_core::stream::{CancelStreamExt, CancellableStream};
    /// use futures_util::{StreamExt, stream};
    ///
    /// # rt::block_on(async {
    /// let token = CancellationToken::new();
    /// let mut numbers = stream::iter(1..).until_cancelled(&token);
    /// assert_eq!(numbers.next().await, Some(1));
    /// assert!(numbers.cancellation().is_none());
    /// token.cancel_with("enough");
    /// assert_eq!(numbers.next().await, None);
    /// let cancelled = numbers.cancellation();
    /// assert!(cancelled.is_some_and(|cancelled| cancelled.cause().message() == Some("enough")));
    /// # });
    /// ```
    fn cancellation(&self) -> Option<Cancelled>;

    /// Advances `progress` by `items` after each `items` delivered items, and by the rest at the end or the drop of
    /// the stream.
    ///
    /// Errors in a stream of results count too. To count the values alone, use `inspect_ok` of `futures`, as in
    /// `op.try_stream(results.inspect_ok(|_| op.progress().advance(1)))`.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use cancelable_core::stream::CancellableStream;
    /// use futures_util::stream;
    /// use std::num::NonZeroUsize;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # rt::block_on(async {
    /// const HUNDRED: NonZeroUsize = NonZeroUsize::new(100).unwrap();
    ///
    /// let scope = rt::scope("import").build()?;
    /// let run = scope.run(async |op: Scope| {
    ///     let rows = op.stream(stream::iter(0..250)).report_every(HUNDRED, op.progress());
    ///     rows.collect_partial::<Vec<_>>().await.is_complete()
    /// });
    /// assert!(run.await.complete()?);
    /// assert_eq!(scope.progress().position(), 250);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    fn report_every(self, items: NonZeroUsize, progress: &Progress) -> ReportEvery<Self>
    where
        Self: Sized,
    {
        ReportEvery::new(self, items, progress.clone())
    }

    /// Keeps copies of the last `most` items for [readers outside](KeepLast::last_items), during and after the life
    /// of the stream.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use cancelable_core::stream::{CancelStreamExt, CancellableStream};
    /// use futures_util::{StreamExt, stream};
    /// use std::num::NonZeroUsize;
    ///
    /// # rt::block_on(async {
    /// const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();
    ///
    /// let token = CancellationToken::new();
    /// let lines = stream::iter(["a", "b", "c"]).until_cancelled(&token).keep_last(TWO);
    /// let last = lines.last_items();
    /// assert_eq!(lines.count().await, 3);
    /// assert_eq!(last.to_vec(), ["b", "c"]);
    /// # });
    /// ```
    fn keep_last(self, most: NonZeroUsize) -> KeepLast<Self>
    where
        Self: Sized,
        Self::Item: Clone,
    {
        KeepLast::new(self, most)
    }

    /// Returns the items in chunks of `size`. A chunk with fewer items is yielded at the end of the stream, and when its
    /// first item has waited for `span` and no other item is ready.
    ///
    /// For chunks without a time limit, use `chunks` of `futures`.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use cancelable_core::stream::CancellableStream;
    /// use futures_util::{StreamExt, stream};
    /// use std::num::NonZeroUsize;
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # rt::block_on(async {
    /// const THREE: NonZeroUsize = NonZeroUsize::new(3).unwrap();
    /// const SPAN: Duration = Duration::from_millis(2);
    ///
    /// let runtime = rt::current()?;
    /// let scope = rt::scope("batches").build()?;
    /// let run = scope.run(async |op: Scope| {
    ///     // Four numbers, and no end.
    ///     let numbers = stream::iter(1..5).chain(stream::pending());
    ///     let mut chunks = op.stream(numbers).chunks_within(THREE, SPAN, &runtime);
    ///     (chunks.next().await, chunks.next().await)
    /// });
    /// assert_eq!(run.await.complete()?, (Some(vec![1, 2, 3]), Some(vec![4])));
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    fn chunks_within(
        self,
        size: NonZeroUsize,
        span: Duration,
        runtime: &RuntimeHandle,
    ) -> ChunksWithin<Self>
    where
        Self: Sized,
    {
        ChunksWithin::new(self, size, TimeLimit::new(runtime, span))
    }

    /// Returns the values of a stream of results in chunks, as [`chunks_within`](Self::chunks_within) does. The values
    /// before the first error are a chunk. Then comes the error, and the stream ends.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use cancelable_core::stream::{CancelStreamExt, CancellableStream};
    /// use futures_util::{StreamExt, stream};
    /// use std::num::NonZeroUsize;
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # rt::block_on(async {
    /// const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();
    /// const SPAN: Duration = Duration::from_secs(1);
    ///
    /// let lines = stream::iter([Ok("a"), Ok("b"), Ok("c"), Err("torn")]);
    /// let lines = lines.until_cancelled(&CancellationToken::new());
    /// let chunks: Vec<_> = lines.try_chunks_within(TWO, SPAN, &rt::current()?).collect().await;
    /// assert_eq!(chunks, [Ok(vec!["a", "b"]), Ok(vec!["c"]), Err("torn")]);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    fn try_chunks_within<T, E>(
        self,
        size: NonZeroUsize,
        span: Duration,
        runtime: &RuntimeHandle,
    ) -> TryChunksWithin<Self, T, E>
    where
        Self: Stream<Item = Result<T, E>> + Sized,
    {
        TryChunksWithin::new(self, size, TimeLimit::new(runtime, span))
    }

    /// Collects the items until the end of the stream. The output shows whether the items are complete.
    ///
    /// # Cancel safety
    ///
    /// A cancel of the stream's token or operation ends the stream, and the output has the items so far. Dropping the
    /// future drops the items. A loop that pushes each item into a collection outside keeps them.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::stream::CancellableStream;
    /// use futures_util::{StreamExt, stream};
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # rt::block_on(async {
    /// // Three numbers, and no end.
    /// let numbers = stream::iter(1..4).chain(stream::pending());
    /// let scope = rt::scope("import").timeout(Duration::from_millis(2)).build()?;
    /// let outcome = scope.run(|op| op.stream(numbers).collect_partial::<Vec<_>>()).await;
    /// let collected = outcome.into_value().ok_or("the body was dropped")?;
    /// assert!(!collected.is_complete());
    /// assert_eq!(collected.items(), &[1, 2, 3]);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    fn collect_partial<C>(self) -> CollectPartial<Self, C>
    where
        Self: Sized,
        C: Default + Extend<Self::Item>,
    {
        CollectPartial::new(self, Self::cancellation)
    }

    /// Collects the values of a stream of results until the first error or the end of the stream. The output shows
    /// whether the values are complete.
    ///
    /// # Cancel safety
    ///
    /// As for [`collect_partial`](Self::collect_partial).
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use cancelable_core::stream::{self, CancelStreamExt, CancellableStream};
    ///
    /// # rt::block_on(async {
    /// let lines = stream::iter([Ok("a"), Ok("b"), Err("torn"), Ok("c")]);
    /// let lines = lines.until_cancelled(&CancellationToken::new());
    /// let collected = lines.try_collect_partial::<Vec<_>, _, _>().await;
    /// assert_eq!(collected.error(), Some(&"torn"));
    /// assert_eq!(collected.into_items(), ["a", "b"]);
    /// # });
    /// ```
    fn try_collect_partial<C, T, E>(self) -> TryCollectPartial<Self, C>
    where
        Self: Stream<Item = Result<T, E>> + Sized,
        C: Default + Extend<T>,
    {
        TryCollectPartial::new(self, Self::cancellation)
    }
}

impl<S: CancellableStream + Unpin + ?Sized> CancellableStream for &mut S {
    fn cancellation(&self) -> Option<Cancelled> {
        (**self).cancellation()
    }
}

impl<S: CancellableStream + Unpin + ?Sized> CancellableStream for Box<S> {
    fn cancellation(&self) -> Option<Cancelled> {
        (**self).cancellation()
    }
}

impl<P> CancellableStream for Pin<P>
where
    P: DerefMut<Target: CancellableStream> + Unpin,
{
    fn cancellation(&self) -> Option<Cancelled> {
        (**self).cancellation()
    }
}

/// A cancel ended the stream if the cancel kept items from being pulled, or came while work on some items was under way.
/// The results of that work are yielded before the end.
impl<S, F, Fut> CancellableStream for MapConcurrent<S, F, Fut>
where
    S: Stream,
    F: FnMut(S::Item) -> Fut,
    Fut: Future,
{
    fn cancellation(&self) -> Option<Cancelled> {
        let operation = MapConcurrent::operation(self);
        let cause = operation.cause().filter(|_| self.is_incomplete())?;
        Some(operation.record().cancelled_for(cause, operation.elapsed()))
    }
}

/// A step ends with its inner stream, and has the cancellation of its inner stream.
macro_rules! cancelled_with_inner {
    ($([$($generics:tt)*] $Step:ty, where [$($bound:tt)*];)*) => {$(
        impl<$($generics)*> CancellableStream for $Step
        where
            $($bound)*
        {
            fn cancellation(&self) -> Option<Cancelled> {
                self.get_ref().cancellation()
            }
        }
    )*};
}

cancelled_with_inner! {
    [S] ReportEvery<S>, where [S: CancellableStream];
    [S] KeepLast<S>, where [S: CancellableStream<Item: Clone>];
    [S] ChunksWithin<S>, where [S: CancellableStream];
    [S, T, E] TryChunksWithin<S, T, E>, where [S: CancellableStream<Item = Result<T, E>>];
    [S] Chunks<S>, where [S: CancellableStream];
    [S] TryChunks<S>, where [S: CancellableStream + TryStream];
}
