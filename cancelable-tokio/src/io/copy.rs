//! Copying from a reader of Tokio to a writer of Tokio, with progress.

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

/// Copies all bytes from `reader` to `writer`, until the operation is cancelled, and flushes the
/// writer at the end. The bytes advance the operation's [progress](Operation::progress).
///
/// After a cancel nothing is read. What was read before is still written as far as the writer takes
/// it without waiting; the rest is in the error. A reader or a writer may be lent, as `&mut reader`.
///
/// # Errors
///
/// From the future: the operation was cancelled, or the reader or the writer has failed. The error
/// says how many bytes were copied by then.
///
/// # Examples
///
/// ```
/// use cancelable_core::Scope;
/// use cancelable_tokio as rt;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scope = Scope::builder("download").build()?;
/// let mut target = Vec::new();
/// let outcome = rt::block_on(scope.try_run(async |op: Scope| {
///     rt::io::copy(&b"all of it"[..], &mut target, &op).await
/// }));
/// assert_eq!(outcome.into_result()?, 9);
/// assert_eq!(target, b"all of it");
/// # Ok(())
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
    /// The copying of bytes, from [`copy`].
    ///
    /// # Cancel safety
    ///
    /// Cancelled by its operation it accounts for every byte. Dropped, it loses what was read and is
    /// not written yet, which is up to 8 KiB.
    ///
    /// # Fairness
    ///
    /// It lets others run after every 64 reads and writes.
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
