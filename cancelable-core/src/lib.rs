//! Cancellation for async Rust on any runtime: what stops, who may stop it, and why it stopped.
//!
//! Data flows one way: a **source** (a deadline, a signal, a condition, another token) cancels a
//! **token**; a **scope** polls work beside its sources and drops the work when its token is
//! cancelled; an **operation** is the record of what the scope does, and a
//! **registry** lists the operations that are open.
//!
//! - [`CancellationToken`] has the methods of `tokio_util::sync::CancellationToken` and keeps the
//!   [`Cause`] of its cancellation: the reason, the place in the source, the time.
//! - [`Scope`] gives a future a deadline and other sources, without spawning it.
//! - [`stream`] ends streams at a cancel, so that nothing that was pulled is lost.
//! - [`Registry`] answers "what is still running?", and stops it by number, name or filter.
//! - [`RuntimeHandle`] is how this crate asks a runtime for the time; adapter crates supply it.
//!
//! With the feature `macros`, the attribute `cancelable` gives an async function a scope of its own.
//!
//! An application depends on this crate and on one adapter (`cancelable-tokio`,
//! `cancelable-smol`, `cancelable-async-std`). A library depends on this crate alone.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod cause;
pub mod error;
#[cfg(feature = "io")]
pub mod io;
pub mod operation;
mod progress;
pub mod registry;
mod report;
pub mod runtime;
pub mod scope;
pub mod source;
pub mod stream;
mod sync;
pub mod token;

#[cfg(feature = "testing")]
pub mod testing;

#[cfg(feature = "macros")]
pub use cancelable_macros::cancelable;
pub use cause::{Cause, Reason};
pub use error::Cancelled;
pub use operation::{Operation, Status, current};
pub use registry::Registry;
pub use runtime::RuntimeHandle;
pub use scope::{Outcome, Scope};
pub use source::Source;
pub use token::CancellationToken;
