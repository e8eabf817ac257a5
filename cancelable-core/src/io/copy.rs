//! A copy from a reader to a writer, with progress.

use crate::error::Cancelled;
use crate::error::debug_as_sentence;
use crate::operation::{Operation, Progress};
use crate::stream::StopCheck;
use crate::sync::{escaped, track_await};
use futures_io::{AsyncRead, AsyncWrite};
use pin_project_lite::pin_project;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

const BUFFER: usize = 8 * 1024;

/// The number of reads and writes in a row before the copy yields to other tasks.
const BUDGET: u32 = 64;

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
/// use cancelable_core::{Scope, io};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # rt::block_on(async {
/// let scope = rt::scope("download").build()?;
/// let mut target = Vec::new();
/// let run = scope.run(async |op: Scope| io::copy(&b"all of it"[..], &mut target, &op).await);
/// assert_eq!(run.await.complete()??, 9);
/// assert_eq!(target, b"all of it");
/// assert_eq!(scope.progress().position(), 9);
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
        reader,
        writer,
        stop_check: operation.into(),
        progress: operation.progress().clone(),
        buffer: Box::new([0; BUFFER]),
        filled: 0..0,
        copied: 0,
        stage: Stage::Reading,
        unflushed: false,
        budget: BUDGET,
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    Reading,
    /// The reader has ended.
    Flushing,
}

pin_project! {
    #[project = CopyFutureProj]
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
    /// use cancelable_core::io::{self, CopyFuture};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # rt::block_on(async {
    /// let scope = rt::scope("echo").build()?;
    /// let mut target = Vec::new();
    /// let run = scope.run(async |op: Scope| {
    ///     let copy: CopyFuture<_, _> = io::copy(&b"echo"[..], &mut target, &op);
    ///     copy.await
    /// });
    /// assert_eq!(run.await.complete()??, 4);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    #[must_use = "futures do nothing unless polled"]
    pub struct CopyFuture<R, W> {
        #[pin]
        reader: R,
        #[pin]
        writer: W,
        stop_check: StopCheck,
        progress: Progress,
        buffer: Box<[u8; BUFFER]>,
        // The bytes of the buffer that were read and not written.
        filled: Range<usize>,
        copied: u64,
        stage: Stage,
        // Whether bytes were written since the last flush.
        unflushed: bool,
        budget: u32,
    }
}

/// The result of one read, write or flush.
enum Turn {
    Made,
    /// The final flush.
    Last,
}

impl<R: AsyncRead, W: AsyncWrite> Future for CopyFuture<R, W> {
    type Output = Result<u64, CopyError>;

    #[cfg_attr(feature = "testing", track_caller)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        track_await(self.project().advance(cx))
    }
}

impl<R: AsyncRead, W: AsyncWrite> CopyFutureProj<'_, R, W> {
    /// Wakes: pending only if a turn is pending (see `turn`), or after a wake when the budget is used up. Ends: each turn
    /// uses some of the budget.
    fn advance(&mut self, cx: &mut Context<'_>) -> Poll<Result<u64, CopyError>> {
        while *self.budget > 0 {
            *self.budget -= 1;
            let turn = self.turn(cx);
            if turn.is_pending() {
                *self.budget = BUDGET;
            }
            match ready!(turn) {
                Ok(Turn::Made) => {}
                Ok(Turn::Last) => return Poll::Ready(Ok(*self.copied)),
                Err(error) => {
                    let unwritten = unwritten(&self.buffer[..], self.filled).to_vec();
                    return Poll::Ready(Err(CopyError::new(*self.copied, unwritten, error)));
                }
            }
        }
        *self.budget = BUDGET;
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Makes one read, write or flush. Bytes that were read are written first, even after a cancel, as long as the writer
    /// accepts them.
    ///
    /// Wakes: both the pending reader or writer and the wait for the cancel have the waker.
    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Turn>> {
        let turn = if !unwritten(&self.buffer[..], self.filled).is_empty() {
            self.write(cx)
        } else if self.stop_check.is_cancelled() {
            return Poll::Ready(Err(self.stop_check.io_error()));
        } else if *self.stage == Stage::Reading {
            self.read(cx)
        } else {
            self.writer.as_mut().poll_flush(cx).map_ok(|()| Turn::Last)
        };
        if turn.is_pending() {
            ready!(self.stop_check.poll_cancelled(cx));
            return Poll::Ready(Err(self.stop_check.io_error()));
        }
        turn
    }

    fn write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Turn>> {
        let bytes = unwritten(&self.buffer[..], self.filled);
        let written = ready!(self.writer.as_mut().poll_write(cx, bytes))?;
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.filled.start += written;
        // No platform has more than 64 bits.
        *self.copied += written as u64;
        self.progress.advance(written as u64);
        *self.unflushed = true;
        Poll::Ready(Ok(Turn::Made))
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Turn>> {
        let read = self.reader.as_mut().poll_read(cx, &mut self.buffer[..]);
        if read.is_pending() && *self.unflushed {
            // The peer may wait for exactly these bytes. A pending flush is polled again at the next poll.
            ready!(self.writer.as_mut().poll_flush(cx))?;
            *self.unflushed = false;
        }
        let read = ready!(read)?;
        *self.filled = 0..read;
        if read == 0 {
            *self.stage = Stage::Flushing;
        }
        Poll::Ready(Ok(Turn::Made))
    }
}

/// Returns the bytes of the buffer that were read and not written.
fn unwritten<'a>(buffer: &'a [u8], filled: &Range<usize>) -> &'a [u8] {
    buffer.get(filled.clone()).unwrap_or_default()
}

impl<R, W> fmt::Debug for CopyFuture<R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyFuture")
            .field("copied", &self.copied)
            .field("stage", &self.stage)
            .field("stop_check", &self.stop_check)
            .finish_non_exhaustive()
    }
}

/// The end of a copy before the end of its reader: by a cancel, or by an error of the reader or the writer.
///
/// The error accounts for every byte that was read: the byte was written, or is in [`unwritten`](Self::unwritten).
///
/// # Examples
///
/// ```
/// use cancelable_core::{Scope, io};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # rt::block_on(async {
/// let scope = rt::scope("download").build()?;
/// // A target with room for 5 bytes.
/// let mut room = [0; 5];
/// let target = futures_util::io::Cursor::new(&mut room[..]);
/// let run = scope.run(async |op: Scope| io::copy(&b"too much"[..], target, &op).await);
/// let error = run.await.complete()?.err().ok_or("all was copied")?;
/// assert_eq!((error.copied(), error.unwritten()), (5, &b"uch"[..]));
/// assert!(error.cancellation().is_none());
/// # Ok(())
/// # })
/// # }
/// ```
pub struct CopyError {
    copied: u64,
    unwritten: Vec<u8>,
    error: io::Error,
}

impl CopyError {
    pub(super) fn new(copied: u64, unwritten: Vec<u8>, error: io::Error) -> Self {
        Self {
            copied,
            unwritten,
            error,
        }
    }

    /// Returns the number of bytes that the writer has accepted. The writer was not flushed after the last byte.
    #[must_use]
    pub fn copied(&self) -> u64 {
        self.copied
    }

    /// Returns the bytes that were read and not written: those after the [copied](Self::copied) bytes.
    #[must_use]
    pub fn unwritten(&self) -> &[u8] {
        &self.unwritten
    }

    /// Returns the cancellation, if a cancel ended the copy.
    #[must_use]
    pub fn cancellation(&self) -> Option<&Cancelled> {
        self.error.get_ref()?.downcast_ref()
    }

    /// Returns the error of the reader, of the writer, or of the cancel.
    #[must_use]
    pub fn error(&self) -> &io::Error {
        &self.error
    }
}

impl fmt::Display for CopyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "copy ended after {} bytes: {}",
            self.copied,
            escaped(&self.error)
        )
    }
}

debug_as_sentence!(CopyError {
    copied,
    unwritten,
    error
});

impl Error for CopyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

/// Returns the error of the reader, of the writer, or of the cancel, with its kind.
impl From<CopyError> for io::Error {
    fn from(error: CopyError) -> Self {
        error.error
    }
}
