//! Streams that a cancel ends: every item that was pulled is delivered, and the results so far can be collected.
//!
//! A loop over a stream that is dropped in the middle loses what it holds. So a cancel does not drop a stream here:
//! the stream ends, and the code after it (a last chunk, a partial result, a place to resume from) runs as it does at
//! the end of the input.
//!
//! [`Operation::stream`] and [`CancelStreamExt::until_cancelled`] make such a stream of any [`Stream`]. It is a
//! [`CancellableStream`]: it knows whether it was cut, and its steps give such streams again.
//!
//! # What is never lost
//!
//! The token is read before the stream inside is polled and not after, so an item that it yields is always delivered.
//! Each step of a chain that holds items (a chunk) yields them when the step below it ends, before it ends itself.
//!
//! # The end and the cut
//!
//! Only `Ready(None)` is the end of a stream, and not a size hint of zero, which a stream that is pending for ever
//! may have too. If the hint says that nothing is left, the stream is polled even after the cancel: its last item may
//! be what cancelled, and then nothing was cut.
//!
//! # Wakes
//!
//! While items are ready nothing is registered anywhere: an item costs one read of the token. When the stream inside
//! answers pending it has the waker. Then the waker is registered with the token, which reads its state again under
//! its lock after it has stored the waker ("No lost wake-up" in the header of `token`). So whichever of the two comes
//! next wakes the task, and a cancel that came in between is seen at once. The registration stays for the next time
//! the stream is pending, and is taken back when the stream ends or is dropped; a cancel meanwhile may wake a task
//! once for nothing.

mod cancellable_stream;
mod chunks;
mod collect;
mod keep_last;
mod report;
mod stop_check;
mod until_cancelled;

pub use cancellable_stream::{CancellableStream, StepError};
pub use chunks::{ChunksFlushed, TryChunksFlushed};
pub use collect::{CollectPartial, Collected, TryCollectPartial};
/// Returns the items of an iterator as a stream, from `futures`.
pub use futures_util::stream::iter;
pub use keep_last::{KeepCopies, KeepLast, LastItems};
pub use report::ReportEvery;
pub use stop_check::StopCheck;
pub use until_cancelled::{CancelStreamExt, TryUntilCancelled, UntilCancelled};

use crate::error::Cancelled;
use crate::operation::Operation;
use futures_core::Stream;

impl Operation {
    /// Returns the items of `stream` until the operation is cancelled; then the stream ends.
    ///
    /// An item that `stream` has yielded is always delivered. Once cut, the stream yields nothing more. Inside a
    /// [shield](Self::shield) of the operation, and in its finalizers, the stream is not cut. Now and then it reads
    /// the clock, so that a stream that is always ready notices a deadline.
    ///
    /// If `stream` ends by itself for the same cancel while it is polled, it counts as complete. Of this crate, only
    /// [`map_concurrent`](crate::Scope::map_concurrent) is such a stream, and it needs no wrapper.
    ///
    /// A stream that outlives the run of its operation is still cut by a cancel of an ancestor. The timer of the
    /// operation's own deadline ends with the run, so a pending stream is not woken for that deadline. The cut names
    /// the operation, with the duration of its run. To keep to the deadline, use the stream up inside the run.
    ///
    /// # Cancel safety
    ///
    /// The wait for an item may be dropped at any time, and the item is not pulled.
    /// [`into_inner`](UntilCancelled::into_inner) gives the stream inside back.
    ///
    /// # Fairness
    ///
    /// A stream that is always ready, in a loop that awaits nothing else, lets no other task run until it is cut.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "testing")] {
    /// use cancelable_core::Scope;
    /// use cancelable_core::stream::CancellableStream;
    /// use cancelable_core::testing::ManualRuntime;
    /// use futures_util::{StreamExt, stream};
    /// use std::time::Duration;
    ///
    /// let manual = ManualRuntime::new();
    /// let runtime = manual.handle();
    /// // One number a second, without end.
    /// let numbers = stream::unfold(0, move |last| {
    ///     let sleep = runtime.sleep(Duration::from_secs(1));
    ///     async move {
    ///         sleep.await;
    ///         Some((last + 1, last + 1))
    ///     }
    /// });
    /// let scope = Scope::builder("numbers")
    ///     .runtime(&manual.handle())
    ///     .timeout(Duration::from_millis(3500))
    ///     .build()
    ///     .expect("it has a runtime");
    /// let outcome = manual.block_on(scope.run(|op| op.stream(numbers).collect_partial::<Vec<_>>()));
    /// let partial = outcome.into_value().expect("it ends by itself");
    /// assert_eq!(partial.items(), &[1, 2, 3]);
    /// assert!(partial.cancelled().is_some_and(|cancelled| cancelled.is_timeout()));
    /// # }
    /// ```
    pub fn stream<S: Stream>(&self, stream: S) -> UntilCancelled<S> {
        UntilCancelled::new(stream, self.into())
    }

    /// [`stream`](Self::stream) for a stream of results: it ends after the first error, and a cancel is its last
    /// item, as an error.
    ///
    /// # Cancel safety
    ///
    /// As for [`stream`](Self::stream).
    ///
    /// # Fairness
    ///
    /// As for [`stream`](Self::stream).
    pub fn try_stream<S, T, E>(&self, stream: S) -> TryUntilCancelled<S>
    where
        S: Stream<Item = Result<T, E>>,
        E: From<Cancelled>,
    {
        TryUntilCancelled::new(self.stream(stream))
    }
}
