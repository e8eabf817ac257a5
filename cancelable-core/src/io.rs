//! Readers and writers that a cancel cuts: the traits of `futures`, on any runtime.
//!
//! A read or a write that waits for the other side is where programs hang. [`UntilCancelled`] makes
//! such a wait fail with an [`io::Error`](std::io::Error) that carries a
//! [`Cancelled`](crate::Cancelled), so that code between the socket and the scope, which knows of
//! neither, passes it on as any error of the stream.
//!
//! # What is cut
//!
//! | step | after the cancel |
//! |---|---|
//! | read, fill a buffer, seek | fails |
//! | write, flush | fails |
//! | close | goes on, so that what the writer has accepted can be written out |
//!
//! The cancel is looked at before the step, and not after. A step that is ready is never undone: what
//! was read is given, what was written is counted. Nothing is remembered here: each later step fails
//! again, and inside a shield of the operation none does.
//!
//! The kind of the error is `TimedOut` when time ran out and `Other` else. It is never `Interrupted`,
//! at which the loops of the standard library try again.
//!
//! # Wakes
//!
//! As for streams (the header of `stream`). Reads and writes may be polled by two tasks, so each side
//! has a wait of its own.

mod copy;
mod copy_error;
mod until_cancelled;

pub use copy::{Copying, copy};
pub use copy_error::CopyError;
pub use until_cancelled::UntilCancelled;

/// The traits of `futures` that this module is about.
pub use futures_io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite};
