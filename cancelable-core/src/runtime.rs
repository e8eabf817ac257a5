//! Runtimes: the clock, timers, tasks and blocking work, under one handle.
//!
//! A [`RuntimeHandle`] comes from the `current()` of an adapter crate. Its methods behave the same on every runtime:
//!
//! - The drop of a [`JoinHandle`] detaches the task. A panic of the task is an error of the join.
//! - Work that the runtime refuses or loses is an error of the join. The join does not hang.
//! - A value that is ready wins over a timer that is due.
//! - A point in time that the clock cannot express is `None`, which means never.
//! - A timer is registered at its first poll, so it may be made outside the runtime.
//!
//! An adapter implements [`RuntimeAdapter`] and [`Timer`]; the rest of this module is built on those two.
//!
//! # Examples
//!
//! ```
//! use std::time::Duration;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! rt::block_on(async {
//!     let runtime = rt::current()?;
//!     let clock = runtime.clone();
//!     let task = runtime.spawn(async move {
//!         clock.sleep(Duration::from_millis(1)).await;
//!         42
//!     });
//!     let hash = runtime.spawn_blocking(|| 6 * 7);
//!     assert_eq!((task.await?, hash.await?), (42, 42));
//! #   Ok(())
//! })
//! # }
//! ```

// The handle is erased. A type parameter on it would spread into every signature that takes a scope, and a
// library would have to name a runtime to be generic over it.

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
