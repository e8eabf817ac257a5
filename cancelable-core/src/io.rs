//! Readers and writers that fail after a cancel, and a copy with progress, for the traits of `futures` on any
//! runtime.
//!
//! A program hangs in a read or a write that waits for the peer. [`UntilCancelled`] makes such a wait fail with an
//! [`io::Error`](std::io::Error) that carries a [`Cancelled`](crate::Cancelled). Code between the socket and the scope
//! needs no knowledge of either: the error passes through like any error of the socket.
//!
//! # Steps after a cancel
//!
//! | step | after the cancel |
//! |---|---|
//! | read, fill a buffer, seek | fails |
//! | write, flush | fails |
//! | close | still works, to write out the bytes that the writer has accepted |
//!
//! The token is read before a step, and not after. A step that is ready is never undone: bytes that were read are
//! returned, and bytes that were written are counted. The wrapper keeps no state of the cancel: each later step fails
//! again, and inside a shield of the operation no step fails.
//!
//! The kind of the error is `TimedOut` if time ran out, and `Other` otherwise. The kind is never `Interrupted`,
//! because the loops of the standard library retry after that kind.

// Wakes: as for streams (the header of `stream`). Two tasks may poll the reads and the writes, so each direction has its
// own wait.

mod copy;
mod until_cancelled;

pub use copy::{CopyError, CopyFuture, copy};
pub use until_cancelled::UntilCancelled;

/// The traits of `futures` for readers and writers.
pub use futures_io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite};
