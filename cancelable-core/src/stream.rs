//! Streams that a cancel ends: what was pulled is delivered, what came of them can be had.
//!
//! Dropping a loop over a stream in the middle loses what the loop holds. So a stream is not dropped
//! by a cancel here: it ends, and the code after it (a last chunk, a partial result, a place to
//! resume from) runs as it does at the end of the input.
//!
//! [`Operation::stream`] and [`CancelStreamExt::until_cancelled`] make such a stream of any
//! [`Stream`]. It is a [`CutStream`]: it knows whether it was cut, and so do those that are built on
//! it here.
//!
//! # What is never lost
//!
//! The cancel is looked at before the stream inside is polled and not after, so an item that it hands
//! over is always delivered. Each part of a chain that holds items (a chunk) gives them when the part
//! below it ends, before it ends itself.
//!
//! # The end and the cut
//!
//! Only a stream's answer is its end, not a size hint of zero, which one that waits for ever has too.
//! Where the hint says that nothing is left, the stream is asked also after the cancel: the last item
//! may have been the one that cancelled, and then nothing was cut.
//!
//! # Wakes
//!
//! While items are ready nothing is registered anywhere: an item costs a look at the token. When the
//! stream inside answers pending it has the waker. Then the token is asked to wake too, and reads its
//! state again under its lock after it has stored the waker ("No lost wake-up" in the header of
//! `token`). So whichever of the two comes next wakes the task, and a cancel that came in between is
//! seen at once. The registration stays for the next time the stream is pending, and is taken back
//! when the stream ends or is dropped; a cancel meanwhile may wake a task once for nothing.

mod chunk;
mod chunks;
mod collect;
mod cut_off;
mod cut_stream;
mod ext;
mod keep_last;
mod map_concurrent;
mod partial;
mod report;
mod step_error;
mod try_chunks;
mod try_collect;
mod try_until_cancelled;
mod until_cancelled;

pub use chunks::ChunksFlushed;
pub use collect::CollectPartial;
pub use cut_off::CutOff;
pub use cut_stream::CutStream;
pub use ext::CancelStreamExt;
pub use keep_last::{KeepCopies, KeepLast, LastItems};
pub use partial::Partial;
pub use report::ReportEvery;
pub use step_error::StepError;
pub use try_chunks::TryChunksFlushed;
pub use try_collect::TryCollectPartial;
pub use try_until_cancelled::TryUntilCancelled;
pub use until_cancelled::UntilCancelled;

use crate::error::Cancelled;
use crate::operation::Operation;
use futures_core::Stream;

impl Operation {
    /// The items of `stream` until the operation is cancelled; then it ends.
    ///
    /// An item that `stream` has handed over is delivered in any case. The stream is level-triggered:
    /// once cut it yields nothing more. Inside a [shield](Self::shield) of the operation, and in what
    /// it deferred, the stream is not cut. Now and then it looks at the clock, so that a stream that is
    /// always ready notices a deadline.
    ///
    /// A stream that ends by itself at the same cancel seems to have come to its own end, if the cancel
    /// comes while it is polled. Of this crate, that is what
    /// [`map_concurrent`](crate::Scope::map_concurrent) gives, which needs no such wrapper.
    ///
    /// A stream that is returned out of the run of its operation is cut by a cancel from above as long as
    /// it is used. The timer of the operation's own deadline goes with the run, so a stream that waits is
    /// not woken for that. The cut is told as one of the operation, with the time that its run took. What
    /// must keep to the deadline is to be used up inside the run.
    ///
    /// # Cancel safety
    ///
    /// Awaiting an item may be given up at any time, and the item is not pulled. What the stream was
    /// made of is in [`into_inner`](UntilCancelled::into_inner).
    ///
    /// # Fairness
    ///
    /// It is polled as often as its user does. A stream that is always ready, in a loop that awaits
    /// nothing else, lets nobody else run until it is cut.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "testing")] {
    /// use cancelable_core::Scope;
    /// use cancelable_core::stream::CutStream;
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

    /// [`stream`](Self::stream) for a stream of results: it ends after the first error, and a cancel
    /// is the last item, as an error.
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
