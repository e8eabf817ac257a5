//! A reader or writer of Tokio whose steps fail once it is cancelled.

use cancelable_core::stream::StopCheck;
use pin_project_lite::pin_project;
use std::fmt;
use std::io::{self, IoSlice, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite, ReadBuf};

pin_project! {
    /// A reader or writer until a cancel, with the error that says so from then on.
    ///
    /// # Cancel safety
    ///
    /// As safe as what is inside: no byte is held here.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Cancelled, CancellationToken};
    /// use cancelable_tokio as rt;
    /// use rt::io::UntilCancelled;
    /// use std::future::poll_fn;
    /// use std::pin::Pin;
    /// use tokio::io::{AsyncRead, ReadBuf};
    ///
    /// let token = CancellationToken::new();
    /// let mut reader = UntilCancelled::new(&b"abcdef"[..], &token);
    /// token.cancel_with("the client has left");
    /// let mut bytes = [0; 3];
    /// let mut bytes = ReadBuf::new(&mut bytes);
    /// let read = poll_fn(|cx| Pin::new(&mut reader).poll_read(cx, &mut bytes));
    /// let error = rt::block_on(read).unwrap_err();
    /// let cancelled: &Cancelled = error.get_ref().and_then(|error| error.downcast_ref()).unwrap();
    /// assert_eq!(cancelled.cause().message(), Some("the client has left"));
    /// // What was not read is where it was.
    /// assert_eq!(reader.into_inner(), b"abcdef");
    /// ```
    pub struct UntilCancelled<T> {
        #[pin]
        inner: T,
        reading: StopCheck,
        writing: StopCheck,
    }
}

impl<T> UntilCancelled<T> {
    /// `inner`, cut by a token, an operation or a scope.
    pub fn new(inner: T, stop_check: impl Into<StopCheck>) -> Self {
        let reading = stop_check.into();
        Self {
            inner,
            writing: reading.clone(),
            reading,
        }
    }

    /// What is inside.
    pub fn get_ref(&self) -> &T {
        &self.inner
    }

    /// What is inside. A step that is made with it is not cut.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.inner
    }

    /// What is inside, pinned.
    pub fn get_pin_mut(self: Pin<&mut Self>) -> Pin<&mut T> {
        self.project().inner
    }

    /// What is inside.
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

    /// Not cut.
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
