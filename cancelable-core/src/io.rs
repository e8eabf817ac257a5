//! Readers and writers that a cancel cuts: the traits of `futures`, on any runtime.
//!
//! Programs hang in a read or a write that waits for the other side. [`UntilCancelled`] makes such a wait fail with
//! an [`io::Error`](std::io::Error) that carries a [`Cancelled`](crate::Cancelled), so that code between the socket
//! and the scope, which knows neither, passes it on like any error of the socket.
//!
//! # What is cut
//!
//! | step | after the cancel |
//! |---|---|
//! | read, fill a buffer, seek | fails |
//! | write, flush | fails |
//! | close | goes on, so that what the writer has accepted can be written out |
//!
//! The token is read before the step, and not after. A step that is ready is never undone: bytes that were read are
//! returned, and bytes that were written are counted. No state is kept: each later step fails again, and inside a
//! shield of the operation no step fails.
//!
//! The kind of the error is `TimedOut` if time ran out, and `Other` otherwise. It is never `Interrupted`, at which
//! the loops of the standard library try again.
//!
//! # Wakes
//!
//! As for streams (the header of `stream`). Reads and writes may be polled by two tasks, so each side has a wait of
//! its own.

mod copy;
mod until_cancelled;

pub use copy::{CopyError, CopyFuture, copy};
pub use until_cancelled::UntilCancelled;

/// The traits of `futures` that this module implements.
pub use futures_io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite};
