//! Readers and writers of Tokio's traits that a cancel ends.
//!
//! A cancel ends the same operations with the same errors on every runtime; see
//! [`cancelable_core::io`], which has the same items for the traits of `futures`. A cancel does not end
//! Tokio's shutdown, just as it does not end a close there.

mod as_futures;
mod copy;
mod until_cancelled;

pub use cancelable_core::io::CopyError;
pub use copy::{CopyFuture, copy};
pub use until_cancelled::UntilCancelled;
