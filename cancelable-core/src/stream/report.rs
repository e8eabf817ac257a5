//! The progress of a stream: the number of its delivered items.

use crate::operation::Progress;
use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;
use std::fmt;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A counter that advances the progress in steps, and by the rest at its drop.
struct Counter {
    progress: Progress,
    every: u64,
    /// The number of items that are counted and not yet reported.
    unreported: u64,
}

impl Counter {
    fn count(&mut self) {
        self.unreported += 1;
        if self.unreported == self.every {
            self.report();
        }
    }

    fn report(&mut self) {
        match std::mem::take(&mut self.unreported) {
            0 => {}
            unreported => self.progress.advance(unreported),
        }
    }
}

/// Reports the rest, because delivered items count even if the stream is dropped before its end.
impl Drop for Counter {
    fn drop(&mut self) {
        self.report();
    }
}

pin_project! {
    /// A stream that advances a progress, from [`report_every`](super::CancellableStream::report_every).
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use cancelable_core::stream::{self, CancellableStream, ReportEvery};
    /// use futures_util::StreamExt;
    /// use std::num::NonZeroUsize;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # rt::block_on(async {
    /// const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();
    ///
    /// let scope = rt::scope("import").build()?;
    /// let run = scope.run(async |op: Scope| {
    ///     let rows = op.stream(stream::iter(["a", "b", "c"]));
    ///     let mut rows: ReportEvery<_> = rows.report_every(TWO, op.progress());
    ///     rows.next().await;
    ///     // The drop reports the rest.
    /// });
    /// run.await.complete()?;
    /// assert_eq!(scope.progress().position(), 1);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    #[must_use = "a stream does nothing unless it is polled"]
    pub struct ReportEvery<S> {
        #[pin]
        stream: S,
        counter: Counter,
    }
}

impl<S> ReportEvery<S> {
    pub(super) fn new(stream: S, every: NonZeroUsize, progress: Progress) -> Self {
        Self {
            stream,
            counter: Counter {
                progress,
                // No platform has more than 64 bits.
                every: every.get() as u64,
                unreported: 0,
            },
        }
    }

    /// Returns the inner stream.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// Returns the inner stream, and drops the step.
    pub fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: Stream> Stream for ReportEvery<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        let next = ready!(this.stream.poll_next(cx));
        match &next {
            Some(_) => this.counter.count(),
            None => this.counter.report(),
        }
        Poll::Ready(next)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}

impl<S: FusedStream> FusedStream for ReportEvery<S> {
    fn is_terminated(&self) -> bool {
        self.stream.is_terminated()
    }
}

impl<S: fmt::Debug> fmt::Debug for ReportEvery<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReportEvery")
            .field("stream", &self.stream)
            .field("every", &self.counter.every)
            .finish_non_exhaustive()
    }
}
