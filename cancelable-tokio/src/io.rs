//! Readers and writers that a cancel ends, for Tokio's traits.
//!
//! The same items as in [`cancelable_core::io`], which are for the traits of `futures`. A cancel ends the same
//! steps with the same errors. Tokio's shutdown is not ended, like the close of the traits of `futures`.

mod as_futures;
mod copy;
mod until_cancelled;

pub use cancelable_core::io::CopyError;
pub use copy::{CopyFuture, copy};
pub use until_cancelled::UntilCancelled;
