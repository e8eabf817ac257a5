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
//! An application depends on this crate and on one adapter (`cancelable-tokio`, `cancelable-smol`,
//! `cancelable-async-std`, or `cancelable-thread` for plain threads). A library depends on this crate alone.
//!
//! # Features
//!
//! Each feature is a layer on those that it needs. `scope` and `stream` are on by default; the token
//! alone is there with `default-features = false`, which builds in a fraction of the time.
//!
//! | feature | gives | needs |
//! |---|---|---|
//! | none | [`token`], [`cause`], [`error`] | |
//! | `scope` | [`scope`], [`operation`], [`source`], [`registry`], [`runtime`] | |
//! | `stream` | [`stream`]: streams that a cancel ends | `scope` |
//! | `io` | `io`: readers and writers of the `futures` traits that a cancel cuts | `stream` |
//! | `macros` | the attribute `cancelable`, which gives an async function a scope of its own | `scope` |
//! | `testing` | `testing`: a runtime whose time is moved by hand, and a checker of await points | `scope` |
//! | `serde` | causes, errors and snapshots that can be serialised | |
//! | `tracing` | a span of `tracing` for each scope | `scope` |

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    any(not(feature = "stream"), target_family = "wasm"),
    allow(
        dead_code,
        unused_imports,
        reason = "a module has parts for the layers above it, and for threads; the build with all of them finds what none uses"
    )
)]

pub mod cause;
pub mod error;
#[cfg(feature = "io")]
pub mod io;
#[cfg(feature = "scope")]
pub mod operation;
#[cfg(feature = "scope")]
mod progress;
#[cfg(feature = "scope")]
mod record;
#[cfg(feature = "scope")]
pub mod registry;
#[cfg(feature = "scope")]
mod report;
#[cfg(feature = "scope")]
pub mod runtime;
#[cfg(feature = "scope")]
pub mod scope;
#[cfg(feature = "scope")]
pub mod source;
#[cfg(feature = "stream")]
pub mod stream;
mod sync;
pub mod token;

#[cfg(feature = "testing")]
pub mod testing;

#[cfg(feature = "macros")]
pub use cancelable_macros::cancelable;
pub use cause::{Cause, Reason};
pub use error::Cancelled;
#[cfg(feature = "scope")]
pub use operation::{Operation, Status, current};
#[cfg(feature = "scope")]
pub use registry::Registry;
#[cfg(feature = "scope")]
pub use runtime::RuntimeHandle;
#[cfg(feature = "scope")]
pub use scope::{Outcome, Scope};
#[cfg(feature = "scope")]
pub use source::Source;
pub use token::CancellationToken;
