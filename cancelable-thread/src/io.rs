//! Readers and writers that a cancel ends, for the traits of `futures`.
//!
//! The same items as in [`cancelable_core::io`], under the names of every adapter.

pub use cancelable_core::io::{CopyError, CopyFuture, UntilCancelled, copy};
