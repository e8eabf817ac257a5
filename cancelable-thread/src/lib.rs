//! The adapter of [`cancelable_core`] for programs without an async runtime: plain threads behind its seam.
//!
//! A program depends on it under the name `rt`, so that another runtime is another line in its
//! manifest and no other code:
//!
//! ```toml
//! [dependencies]
//! cancelable-core = "0.1"
//! rt = { package = "cancelable-thread", version = "0.1", features = ["signals"] }
//! ```
//!
//! All adapters have the same items. What they do is the same too, and the same tests ask for it.
//! Three things differ because the runtimes do:
//!
//! - The threads are those of the whole process, so that [`current`] finds the runtime everywhere.
//! - The time is the system's. One thread keeps all timers; the first timer starts it.
//! - Each task and each blocking call has a thread of its own. A program with many tasks takes another
//!   adapter.
//!
//! A program without async code runs closures in scopes by
//! [`run_blocking`](cancelable_core::Scope::run_blocking), with deadlines, signals and children as in any
//! scope.
//!
//! # Examples
//!
//! ```
//! use cancelable_thread as rt;
//! use std::time::Duration;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let count = rt::scope("count").timeout(Duration::from_millis(1)).build()?;
//! let counted = count.run_blocking(|op| (0_u64..).take_while(|_| op.check().is_ok()).count());
//! assert!(counted.cause().is_some_and(|cause| cause.is_timeout()));
//! # Ok(())
//! # }
//! ```
//!
//! ```
//! use cancelable_thread as rt;
//! use std::time::Duration;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let greeting = rt::block_on(async {
//!     let runtime = rt::current()?;
//!     let greet = rt::scope("greet").timeout(Duration::from_secs(3)).run(async |_| {
//!         runtime.sleep(Duration::from_millis(1)).await;
//!         "hello"
//!     });
//!     greet.await.complete().map_err(Box::<dyn std::error::Error>::from)
//! })?;
//! assert_eq!(greeting, "hello");
//! # Ok(())
//! # }
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod block_on;
#[cfg(feature = "io")]
pub mod io;
mod runtime;
mod scope;
mod timer;

pub use block_on::block_on;
pub use runtime::current;
pub use scope::{scope, timeout};

#[cfg(feature = "process")]
pub use cancelable_process::{
    Command, Init, Output, Process, ProcessError, ProcessFailed, ProcessOutcome, StopSignal,
    exit_as,
};
#[cfg(feature = "signals")]
pub use cancelable_signals::{
    Disposition, Escalation, InvalidSignal, Signal, SignalGuard, SignalSource, Step, WatchError,
    cancel_on_signal, ctrl_c, dump_on_signal, dump_on_signal_to, exit_by, shutdown, signal,
    signals, terminate,
};
#[cfg(feature = "files")]
pub use cancelable_sources::{FileSource, file_appears, file_changes, file_disappears};
#[cfg(feature = "resources")]
pub use cancelable_sources::{
    Gauge, GaugeUnit, ResourceSource, cpu_limit, disk_limit, gauge_limit, memory_limit,
    process_cpu_limit, process_memory_limit,
};
