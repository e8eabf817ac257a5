//! Streams that a cancel ends. Every item that was pulled is delivered, and the items so far can be collected.
//!
//! Dropping a loop over a stream loses the state of the loop. Therefore a cancel does not drop a stream here. The stream
//! ends, and the code after the loop (a last chunk, a partial result, a place to resume from) runs as at the end of the
//! input.
//!
//! [`Operation::stream`] and [`CancelStreamExt::until_cancelled`] make such a stream from any [`Stream`]. The result is
//! a [`CancellableStream`], which can tell a cancel from the end of the input, and has steps such as
//! [`report_every`](CancellableStream::report_every) and [`collect_partial`](CancellableStream::collect_partial).
//!
//! # Pulled items are delivered
//!
//! The token is read before the inner stream is polled, and not after. So an item that the inner stream yields is
//! always delivered. A step that holds items (a chunk) yields them when the inner stream ends, before its own end.
//!
//! # The end of the input and the cancel
//!
//! The end of a stream is `Ready(None)`. A size hint of zero is not the end, because a stream that is pending forever may
//! have that hint too. A stream whose hint is zero is polled even after the cancel, because its last item may have
//! caused the cancel. If the stream ends at that poll, it is complete.

// Wakes. While items are ready, no waker is registered, and an item costs one read of the token. An inner stream
// that returns pending has the waker. Then the waker is registered with the token, which reads its state again
// under its lock after it has stored the waker ("No lost wake-up" in the header of `token`). So the next item and
// the cancel both wake the task, and a cancel between the two steps is seen at once. The registration stays for the
// next poll that returns pending. The waker is removed when the stream ends or is dropped. Until then a cancel may
// wake the task without need.

mod cancellable_stream;
mod chunks;
mod collect;
mod keep_last;
mod report;
mod stop_check;
mod until_cancelled;

pub use cancellable_stream::CancellableStream;
pub use chunks::{ChunksWithin, TryChunksWithin};
pub use collect::{CollectPartial, Collected, TryCollectPartial};
/// The function `iter` of `futures`: returns the items of an iterator as a stream.
pub use futures_util::stream::iter;
pub use keep_last::{KeepLast, LastItems};
pub use report::ReportEvery;
pub use stop_check::StopCheck;
pub use until_cancelled::{CancelStreamExt, TryUntilCancelled, UntilCancelled};

use crate::error::Cancelled;
use crate::operation::Operation;
use futures_core::Stream;

impl Operation {
    /// Returns the items of `stream` until the operation is cancelled. Then the stream ends.
    ///
    /// An item that `stream` has yielded is always delivered. After a cancel the stream yields nothing more. Inside a
    /// [shield](Self::shield) of the operation, and in its finalizers, a cancel does not end the stream. The stream
    /// reads the clock from time to time, so a stream that is always ready notices a deadline.
    ///
    /// If `stream` itself ends because of the same cancel while it is polled, the result counts as complete. In this
    /// crate, only [`map_concurrent`](crate::Scope::map_concurrent) returns such a stream, which needs no wrapper.
    ///
    /// A stream can outlive the run of its operation. A cancel of an ancestor still ends the stream. The timer of the
    /// operation's own deadline ends with the run, so that deadline does not wake a pending stream. The cancellation
    /// names the operation, with the duration of its run. To keep to the deadline, use the stream up inside the run.
    ///
    /// # Cancel safety
    ///
    /// The wait for an item may be dropped at any time: no item is lost. [`into_inner`](UntilCancelled::into_inner)
    /// returns the inner stream.
    ///
    /// # Fairness
    ///
    /// While a loop over a stream that is always ready awaits nothing else, no other task of the thread runs.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use cancelable_core::stream::CancellableStream;
    /// use futures_util::{StreamExt, stream};
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # rt::block_on(async {
    /// let scope = rt::scope("sum").timeout(Duration::from_millis(2)).build()?;
    /// let run = scope.run(async |op: Scope| {
    ///     // Three numbers, and no end.
    ///     let mut numbers = op.stream(stream::iter(1..4).chain(stream::pending()));
    ///     let mut sum = 0;
    ///     while let Some(number) = numbers.next().await {
    ///         sum += number;
    ///     }
    ///     (sum, numbers.cancellation().is_some_and(|cancelled| cancelled.is_timeout()))
    /// });
    /// assert_eq!(run.await.into_value(), Some((6, true)));
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub fn stream<S: Stream>(&self, stream: S) -> UntilCancelled<S> {
        UntilCancelled::new(stream, self.into())
    }

    /// Returns the results of `stream` until the first error. A cancel of the operation is an error too, and the last
    /// item. Otherwise as [`stream`](Self::stream).
    ///
    /// # Cancel safety
    ///
    /// As for [`stream`](Self::stream).
    ///
    /// # Fairness
    ///
    /// As for [`stream`](Self::stream).
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use futures_util::{StreamExt, TryStreamExt, stream};
    /// use std::io;
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # rt::block_on(async {
    /// let scope = rt::scope("upload").timeout(Duration::from_millis(2)).build()?;
    /// let run = scope.run(async |op: Scope| {
    ///     let parts = stream::iter([Ok::<_, io::Error>("first part")]).chain(stream::pending());
    ///     let mut parts = op.try_stream(parts);
    ///     let mut bytes = 0;
    ///     while let Some(part) = parts.try_next().await? {
    ///         bytes += part.len();
    ///     }
    ///     Ok::<_, io::Error>(bytes)
    /// });
    /// let result = run.await.into_value().ok_or("the body was dropped")?;
    /// assert_eq!(result.map_err(|error| error.kind()), Err(io::ErrorKind::TimedOut));
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub fn try_stream<S, T, E>(&self, stream: S) -> TryUntilCancelled<S>
    where
        S: Stream<Item = Result<T, E>>,
        E: From<Cancelled>,
    {
        TryUntilCancelled::new(self.stream(stream))
    }
}
