//! A copy from a reader of Tokio to a writer of Tokio, with progress.

use super::CopyError;
use super::as_futures::AsFutures;
use cancelable_core::Operation;
use cancelable_core::io;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite};

/// Copies all bytes from `reader` to `writer`, until the operation is cancelled, and flushes the writer at the end.
/// The bytes advance the operation's [progress](Operation::progress).
///
/// After a cancel nothing is read. Bytes that were read before are still written, as far as the writer accepts them
/// without a wait. The rest is in the error. The reader and the writer may be borrowed, as `&mut reader`.
///
/// # Errors
///
/// The operation was cancelled, or the reader or the writer has failed. The error has the number of copied bytes.
///
/// # Examples
///
/// ```
/// use cancelable_core::Scope;
/// use cancelable_tokio as rt;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # rt::block_on(async {
/// let scope = rt::scope("download").build()?;
/// let mut target = Vec::new();
/// let run = scope.run(async |op: Scope| rt::io::copy(&b"all of it"[..], &mut target, &op).await);
/// assert_eq!(run.await.complete()??, 9);
/// assert_eq!(target, b"all of it");
/// # Ok(())
/// # })
/// # }
/// ```
pub fn copy<R: AsyncRead, W: AsyncWrite>(
    reader: R,
    writer: W,
    operation: &Operation,
) -> CopyFuture<R, W> {
    CopyFuture {
        copying: io::copy(AsFutures::new(reader), AsFutures::new(writer), operation),
    }
}

pin_project! {
    /// The future of a copy, from [`copy`].
    ///
    /// # Cancel safety
    ///
    /// After a cancel of the operation, the error accounts for every byte. Dropping the future loses the bytes that
    /// were read and not written, at most 8 KiB.
    ///
    /// # Fairness
    ///
    /// The future yields to other tasks after every 64 reads and writes.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use cancelable_tokio as rt;
    /// use rt::io::CopyFuture;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let download = rt::scope("download").run(async |op: Scope| {
    ///     let copying: CopyFuture<_, _> = rt::io::copy(&b"all of it"[..], tokio::io::sink(), &op);
    ///     copying.await
    /// });
    /// assert_eq!(rt::block_on(download).complete()??, 9);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "futures do nothing unless polled"]
    pub struct CopyFuture<R, W> {
        #[pin]
        copying: io::CopyFuture<AsFutures<R>, AsFutures<W>>,
    }
}

impl<R: AsyncRead, W: AsyncWrite> Future for CopyFuture<R, W> {
    type Output = Result<u64, CopyError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().copying.poll(cx)
    }
}

impl<R, W> fmt::Debug for CopyFuture<R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.copying.fmt(f)
    }
}
