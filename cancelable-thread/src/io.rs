//! Readers and writers that a cancel cuts, of the traits of `futures`.
//!
//! They are those of [`cancelable_core::io`], under the names that every adapter has.

pub use cancelable_core::io::{CopyError, CopyFuture, UntilCancelled, copy};
