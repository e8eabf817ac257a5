//! Readers and writers that a cancel ends, for the traits of `futures`, which smol uses.
//!
//! This module exports the items of [`cancelable_core::io`], under the names that every adapter has.

pub use cancelable_core::io::{CopyError, CopyFuture, UntilCancelled, copy};
