//! A reader or writer of Tokio that fails after a cancel.

use cancelable_core::stream::StopCheck;
use pin_project_lite::pin_project;
use std::fmt;
use std::io::{self, IoSlice, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite, ReadBuf};

pin_project! {
    /// A reader or writer that fails after a cancel, with the error of the cancel.
    ///
    /// # Cancel safety
    ///
    /// As for the reader or writer inside: the wrapper holds no byte.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Cancelled, CancellationToken};
    /// use cancelable_tokio as rt;
    /// use rt::io::UntilCancelled;
    /// use tokio::io::AsyncReadExt;
    ///
    /// # fn main() -> std::io::Result<()> {
    /// # rt::block_on(async {
    /// let token = CancellationToken::new();
    /// let mut reader = UntilCancelled::new(&b"abcdef"[..], &token);
    /// let mut start = [0; 3];
    /// reader.read_exact(&mut start).await?;
    /// assert_eq!(&start, b"abc");
    ///
    /// token.cancel_with("the client has left");
    /// let error = reader.read_exact(&mut start).await.err();
    /// let inner = error.as_ref().and_then(|error| error.get_ref());
    /// let cancelled = inner.and_then(|inner| inner.downcast_ref::<Cancelled>());
    /// assert_eq!(cancelled.and_then(|cancelled| cancelled.cause().message()), Some("the client has left"));
    /// // The bytes that were not read are still there.
    /// assert_eq!(reader.into_inner(), b"def");
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub struct UntilCancelled<T> {
        #[pin]
        inner: T,
        reading: StopCheck,
        writing: StopCheck,
    }
}

impl<T> UntilCancelled<T> {
    /// Returns a wrapper of `inner` that fails after a cancel of a token, an operation or a scope.
    pub fn new(inner: T, stop_check: impl Into<StopCheck>) -> Self {
        let reading = stop_check.into();
        Self {
            inner,
            writing: reading.clone(),
            reading,
        }
    }

    /// Returns the reader or writer inside.
    pub fn get_ref(&self) -> &T {
        &self.inner
    }

    /// Returns the reader or writer inside. Its own steps do not fail after a cancel.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.inner
    }

    /// Returns the reader or writer inside, pinned.
    pub fn get_pin_mut(self: Pin<&mut Self>) -> Pin<&mut T> {
        self.project().inner
    }

    /// Returns the reader or writer inside.
    pub fn into_inner(self) -> T {
        self.inner
    }
}

impl<T: AsyncRead> AsyncRead for UntilCancelled<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.project();
        this.reading
            .poll_io(cx, |cx| this.inner.poll_read(cx, buffer))
    }
}

impl<T: AsyncBufRead> AsyncBufRead for UntilCancelled<T> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.project();
        this.reading.poll_io(cx, |cx| this.inner.poll_fill_buf(cx))
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        self.project().inner.consume(amount);
    }
}

impl<T: AsyncSeek> AsyncSeek for UntilCancelled<T> {
    fn start_seek(self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        let this = self.project();
        match this.reading.is_cancelled() {
            true => Err(this.reading.io_error()),
            false => this.inner.start_seek(position),
        }
    }

    fn poll_complete(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        let this = self.project();
        this.reading.poll_io(cx, |cx| this.inner.poll_complete(cx))
    }
}

impl<T: AsyncWrite> AsyncWrite for UntilCancelled<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        this.writing
            .poll_io(cx, |cx| this.inner.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        this.writing
            .poll_io(cx, |cx| this.inner.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        this.writing.poll_io(cx, |cx| this.inner.poll_flush(cx))
    }

    /// Does not fail after a cancel.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().inner.poll_shutdown(cx)
    }
}

impl<T: fmt::Debug> fmt::Debug for UntilCancelled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UntilCancelled")
            .field("inner", &self.inner)
            .field("stop_check", &self.reading)
            .finish_non_exhaustive()
    }
}
