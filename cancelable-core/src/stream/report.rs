//! Progress of a stream: how many of its items were delivered.

use super::CutStream;
use crate::error::Cancelled;
use crate::operation::{Operation, Progress};
use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Counts, and tells the progress every so often, and at the end of its own life what is left.
struct Tally {
    progress: Progress,
    every: u64,
    /// Counted and not told.
    untold: u64,
}

impl Tally {
    fn count(&mut self) {
        self.untold += 1;
        if self.untold == self.every {
            self.tell();
        }
    }

    fn tell(&mut self) {
        match std::mem::take(&mut self.untold) {
            0 => {}
            untold => self.progress.advance(untold),
        }
    }
}

/// What was delivered counts also where the stream is dropped before its end.
impl Drop for Tally {
    fn drop(&mut self) {
        self.tell();
    }
}

pin_project! {
    /// A stream that advances the progress of its operation, from
    /// [`report_every`](CutStream::report_every) and
    /// [`try_report_every`](CutStream::try_report_every).
    #[must_use = "a stream does nothing unless it is polled"]
    pub struct ReportEvery<S>
    where
        S: Stream,
    {
        #[pin]
        stream: S,
        counts: fn(&S::Item) -> bool,
        tally: Tally,
    }
}

impl<S: Stream> ReportEvery<S> {
    pub(super) fn new(
        stream: S,
        every: usize,
        progress: Progress,
        counts: fn(&S::Item) -> bool,
    ) -> Self {
        Self {
            stream,
            counts,
            tally: Tally {
                progress,
                // No platform has more than 64 bits.
                every: every as u64,
                untold: 0,
            },
        }
    }

    /// The stream inside.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// The stream inside.
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
            Some(item) if (this.counts)(item) => this.tally.count(),
            Some(_) => {}
            None => this.tally.tell(),
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

impl<S: CutStream> CutStream for ReportEvery<S> {
    fn cut(&self) -> Option<Cancelled> {
        self.stream.cut()
    }

    fn operation(&self) -> Option<&Operation> {
        self.stream.operation()
    }
}

impl<S: Stream + fmt::Debug> fmt::Debug for ReportEvery<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReportEvery")
            .field("stream", &self.stream)
            .field("every", &self.tally.every)
            .finish_non_exhaustive()
    }
}
