//! Cancellation for async Rust on any runtime: tokens, deadlines and signals that stop work and say why it stopped.
//!
//! An application depends on this crate and on one adapter under the name `rt`:
//!
//! ```sh
//! cargo add cancelable-core
//! cargo add cancelable-tokio --rename rt --features signals
//! ```
//!
//! The other adapters are `cancelable-smol`, `cancelable-async-std` and `cancelable-thread`, for programs without an
//! async runtime. A library depends on this crate alone.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     rt::block_on(async {
//!         let runtime = rt::current()?;
//!         let import = rt::scope("import")
//!             .timeout(Duration::from_secs(3))
//!             .source(rt::ctrl_c())
//!             .run(async |_| {
//!                 for row in 1..=10 {
//!                     println!("row {row}");
//!                     runtime.sleep(Duration::from_millis(1200)).await;
//!                 }
//!             });
//!         import.await.complete()?;
//!         println!("all rows imported");
//!         Ok(())
//!     })
//! }
//! ```
//!
//! The program prints 3 rows and ends with exit code 1 and
//! `Error: import cancelled after 3 s: timed out (limit 3 s, set at src/main.rs:7)`.
//!
//! # The parts
//!
//! - A [`CancellationToken`] has the methods of `tokio_util::sync::CancellationToken`, and keeps the [`Cause`] of its
//!   cancellation: reason, message, source location, time.
//! - A [`Scope`] runs a future below a deadline and other sources, and joins the children that it spawned. An
//!   [`Outcome`] is the result.
//! - A [`Source`] cancels a scope: a [time limit](source::Limit), a [condition](source::condition), a signal, another
//!   token, a type of your own.
//! - An [`Operation`] is a handle to the state of a running scope: status, deadline, cause, progress, children.
//! - A [`Registry`] lists running operations and cancels them by id, name or filter.
//! - [`stream`] and [`io`] end streams, readers and writers at a cancellation, without the loss of an item that was
//!   read.
//! - [`testing`] moves the time by hand, and cancels a future at each of its await points.
//!
//! # Guides
//!
//! The module [`guide`] has the guides, from [scopes](guide::scopes), [servers](guide::servers) and
//! [coming from tokio-util](guide::coming_from_tokio_util) to [what is promised](guide::semantics).
//!
//! # Features
//!
//! Each feature builds on the features that it needs. `scope` and `stream` are on by default. With
//! `default-features = false` only the token remains, which builds in a fraction of the time.
//!
//! | feature | gives | needs |
//! |---|---|---|
//! | none | [`token`], [`cause`], [`error`] | |
//! | `scope` | [`scope`], [`operation`], [`source`], [`registry`], [`runtime`] | |
//! | `stream` | [`stream`]: streams that end at a cancellation | `scope` |
//! | `io` | [`io`]: readers and writers of the `futures` traits that end at a cancellation | `stream` |
//! | `macros` | the attribute [`cancelable`](macro@cancelable): an async function with a scope of its own | `scope` |
//! | `testing` | [`testing`]: a runtime whose time is moved by hand, and a checker of await points | `scope` |
//! | `serde` | serialisation of causes, errors and snapshots | |
//! | `tracing` | a span of `tracing` for each scope | `scope` |

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    any(not(feature = "stream"), target_family = "wasm"),
    allow(
        dead_code,
        unused_imports,
        reason = "some items are used only by other layers or by threads; a build with all features finds unused items"
    )
)]

pub mod cause;
pub mod error;
#[cfg(all(doc, not(doctest), feature = "scope"))]
// A page needs no feature.
#[cfg_attr(docsrs, doc(auto_cfg = false))]
pub mod guide;
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
