//! The adapter of [`cancelable_core`] for programs without an async runtime: scopes, deadlines and tasks on plain
//! threads.
//!
//! ```no_run
//! use cancelable_thread as rt;
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
//! # Features
//!
//! No feature is on by default.
//!
//! | feature | gives |
//! |---|---|
//! | `signals` | the items of `cancelable-signals`: `ctrl_c`, `terminate`, `signal`, `Escalation` and the rest |
//! | `process` | the items of `cancelable-process`: `Command`, `Process`, `Init` and the rest |
//! | `io` | `io::UntilCancelled` and `io::copy`, for readers and writers of the traits of `futures` |
//! | `resources` | sources of `cancelable-sources`: `memory_limit`, `cpu_limit`, `disk_limit`, `gauge_limit` and the rest |
//! | `files` | sources of `cancelable-sources`: `file_appears`, `file_changes`, `file_disappears` |
//!
//! # Guides
//!
//! [threads and blocking work], [scopes], [sources], [servers], [registries], [streams], [progress], [child processes],
//! [coming from tokio-util], [all guarantees], [writing an adapter], [design].
//!
//! [threads and blocking work]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/threads/index.html
//! [scopes]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/scopes/index.html
//! [sources]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/sources/index.html
//! [servers]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/servers/index.html
//! [registries]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/registry/index.html
//! [streams]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/streams/index.html
//! [progress]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/progress/index.html
//! [child processes]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/processes/index.html
//! [coming from tokio-util]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/coming_from_tokio_util/index.html
//! [all guarantees]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/semantics/index.html
//! [writing an adapter]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/writing_an_adapter/index.html
//! [design]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/design/index.html
//!
//! # The name `rt`
//!
//! A program depends on the adapter under the name `rt`, so a change of runtime is a change of one line in the
//! manifest and of no code:
//!
//! ```toml
//! [dependencies]
//! cancelable-core = "0.1"
//! rt = { package = "cancelable-thread", version = "0.1", features = ["signals"] }
//! ```
//!
//! # Differences between the adapters
//!
//! All adapters have the same items with the same behaviour, which one test suite checks. The runtimes cause
//! three differences:
//!
//! - The runtime is the whole process's, so [`current`] returns it on every thread.
//! - The time is the system's. One thread serves all timers; the first timer starts it.
//! - Each task and each blocking call has a thread of its own. A program with many tasks takes another adapter.
//!
//! A program without async code runs a closure in a scope by
//! [`run_blocking`](cancelable_core::Scope::run_blocking), with a deadline, signals and children as in any scope:
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
