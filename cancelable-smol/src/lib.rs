//! The smol adapter of [`cancelable_core`]: scopes, deadlines and tasks on smol's timers and threads.
//!
//! ```no_run
//! use cancelable_smol as rt;
//! use std::time::Duration;
//!
//! # #[cfg(feature = "signals")]
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
//! # #[cfg(not(feature = "signals"))]
//! # fn main() {}
//! ```
//!
//! A program depends on the adapter under the name `rt`, so a change of runtime is a change of one line in the
//! manifest and of no code:
//!
//! ```toml
//! [dependencies]
//! cancelable-core = "0.1"
//! rt = { package = "cancelable-smol", version = "0.1", features = ["signals"] }
//! ```
//!
//! Guides: [scopes], [sources], [servers], [registries], [streams], [child processes], [all guarantees].
//!
//! [scopes]: https://github.com/cancelable-rs/cancelable/blob/main/docs/scopes.md
//! [sources]: https://github.com/cancelable-rs/cancelable/blob/main/docs/sources.md
//! [servers]: https://github.com/cancelable-rs/cancelable/blob/main/docs/servers.md
//! [registries]: https://github.com/cancelable-rs/cancelable/blob/main/docs/registry.md
//! [streams]: https://github.com/cancelable-rs/cancelable/blob/main/docs/streams.md
//! [child processes]: https://github.com/cancelable-rs/cancelable/blob/main/docs/processes.md
//! [all guarantees]: https://github.com/cancelable-rs/cancelable/blob/main/docs/semantics.md
//!
//! All adapters have the same items with the same behaviour, which one test suite checks. The runtimes cause
//! two differences:
//!
//! - smol is one runtime for the whole process, so [`current`] returns it on every thread.
//! - The time is the system's, because smol has no clock of its own.
//!
//! smol is several crates under one name. This adapter uses three of them: `async-io` for timers, `blocking` for
//! blocking work, and `async-executor` for an executor of its own. That executor has a thread for each core, or
//! the number of threads in the environment variable `SMOL_THREADS`. The executor runs beside `smol::spawn` and beside other
//! executors of a program. The tasks of those executors may use this crate too.

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
