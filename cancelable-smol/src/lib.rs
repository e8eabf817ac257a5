//! The smol adapter of [`cancelable_core`], with smol's timers and tasks.
//!
//! A program depends on it under the name `rt`. Then a change of runtime is a change of one line in the
//! manifest and of no code:
//!
//! ```toml
//! [dependencies]
//! cancelable-core = "0.1"
//! rt = { package = "cancelable-smol", version = "0.1", features = ["signals"] }
//! ```
//!
//! All adapters have the same items with the same behaviour, which one test suite checks. The runtimes
//! cause two differences:
//!
//! - smol is one runtime for the whole process, so [`current`] returns it on every thread.
//! - The time is the system's, as smol has no clock of its own.
//!
//! smol is several crates under one name. This adapter uses three of them: `async-io` for timers,
//! `blocking` for blocking work, and `async-executor` for an executor of its own, which runs tasks
//! on as many threads as there are cores, or as `SMOL_THREADS` says. It runs beside `smol::spawn`
//! and beside a program's own executors, whose tasks may use everything here too.
//!
//! # Examples
//!
//! ```
//! use cancelable_smol as rt;
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
mod executor;
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
