//! A connection whose client may not stop reading for ever.

use cancelable_core::{CancellationToken, Cause, Reason};
use pin_project_lite::pin_project;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// The length of the preface of HTTP/2, by which the HTTP implementation tells the versions apart.
pub(crate) const PREFACE: usize = 24;

pin_project! {
    /// A connection that fails when its client has read nothing for some time.
    pub(crate) struct StalledIo<I> {
        #[pin]
        io: I,
        limit: Option<Duration>,
        // Set while a write is pending. Boxed, since hyper moves the connection.
        timer: Option<Pin<Box<Sleep>>>,
        // The number of bytes that were read, up to the length of a preface.
        begun: Arc<AtomicUsize>,
        connection: CancellationToken,
    }
}

impl<I> StalledIo<I> {
    pub(crate) fn new(
        io: I,
        limit: Option<Duration>,
        begun: Arc<AtomicUsize>,
        connection: CancellationToken,
    ) -> Self {
        Self {
            io,
            limit,
            timer: None,
            begun,
            connection,
        }
    }
}

impl<I: AsyncWrite> StalledIo<I> {
    /// Wakes: the write was polled with `cx`, and the timer is too.
    fn bounded<T>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut I>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let this = self.project();
        let polled = write(this.io, cx);
        let Some(limit) = *this.limit else {
            return polled;
        };
        if polled.is_ready() {
            *this.timer = None;
            return polled;
        }
        let timer = this.timer.get_or_insert_with(|| Box::pin(sleep(limit)));
        match timer.as_mut().poll(cx) {
            Poll::Ready(()) => {
                let cause = Cause::new(Reason::Disconnected);
                let words = format!("the client has read nothing for {limit:?}");
                this.connection.cancel_with(cause.with_message(words));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<I: AsyncRead> AsyncRead for StalledIo<I> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.project();
        let before = buffer.filled().len();
        let polled = this.io.poll_read(cx, buffer);
        // Relaxed: the task that reads is the one that asks for the number.
        let begun = this.begun.load(Ordering::Relaxed);
        if begun < PREFACE {
            let read = buffer.filled().len() - before;
            this.begun.store(begun + read, Ordering::Relaxed);
        }
        polled
    }
}

impl<I: AsyncWrite> AsyncWrite for StalledIo<I> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.bounded(cx, |io, cx| io.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.bounded(cx, |io, cx| io.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.bounded(cx, |io, cx| io.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.bounded(cx, |io, cx| io.poll_shutdown(cx))
    }
}
