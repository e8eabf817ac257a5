//! The Tokio adapter of [`cancelable_core`], with Tokio's clock, timers and tasks.
//!
//! A program depends on it under the name `rt`. Then a change of runtime is a change of one line in the
//! manifest and of no code:
//!
//! ```toml
//! [dependencies]
//! cancelable-core = "0.1"
//! rt = { package = "cancelable-tokio", version = "0.1", features = ["signals"] }
//! ```
//!
//! All adapters have the same items with the same behaviour, which one test suite checks. The runtimes
//! cause two differences:
//!
//! - Outside Tokio there is no current runtime, and [`current`] says so.
//! - The time is Tokio's, so deadlines are exact in a test that pauses Tokio's clock.
//!
//! # Examples
//!
//! ```
//! use cancelable_tokio as rt;
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
mod clock;
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
