//! The seam between the policy in this crate and the mechanism of a runtime.
//!
//! A runtime supplies six things: its name, the time, a timer that can be moved, a place to run a
//! future, a place to run blocking work and a place for looks, which may never return. It implements
//! [`RuntimeAdapter`] for them, and that is all an adapter has to write; the place for looks is there already
//! ([`DetachedThreads`]). Everything a user touches ([`RuntimeHandle`], [`Sleep`],
//! [`JoinHandle`]) is built on these six here, once, so that it means the same on every runtime:
//!
//! - dropping a [`JoinHandle`] detaches, and a panic is a value that joining returns;
//! - work that a runtime refused or lost is an error that joining returns, never a hang;
//! - a value that is ready beats a timer that is due;
//! - a point in time that the clock cannot express is *never*, spelled `None`;
//! - a timer is asked of the runtime at its first poll, so it may be made outside the runtime.
//!
//! The handle is erased. A type parameter on it would spread into every signature that takes a
//! scope, and a library would have to name a runtime to be generic over it.

mod adapter;
#[cfg(not(target_family = "wasm"))]
mod detached_threads;
mod handle;
mod join;
mod join_error;
mod no_runtime;
mod refused;
mod sleep;
mod spare_timers;
mod supervised;
mod work;

pub use adapter::{RuntimeAdapter, Timer};
#[cfg(not(target_family = "wasm"))]
pub use detached_threads::DetachedThreads;
pub use handle::RuntimeHandle;
pub(crate) use join::Completion;
pub use join::JoinHandle;
pub use join_error::JoinError;
pub use no_runtime::NoRuntime;
pub use refused::Refused;
pub use sleep::Sleep;
pub use work::{Job, Task};
