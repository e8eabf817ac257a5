//! Readers and writers of Tokio's traits that a cancel cuts.
//!
//! What is cut, and with which error, is the same on every runtime: see
//! [`cancelable_core::io`], which has the same items for the traits of `futures`. What Tokio calls
//! shutdown is not cut, as closing is not there.

mod as_futures;
mod copy;
mod until_cancelled;

pub use cancelable_core::io::CopyError;
pub use copy::{Copying, copy};
pub use until_cancelled::UntilCancelled;
