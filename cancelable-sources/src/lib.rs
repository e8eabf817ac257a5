//! Sources of cancellation: memory, CPU, disks and files, on any async runtime.
//!
//! ```no_run
//! # #[cfg(all(feature = "files", feature = "resources"))]
//! use cancelable_sources::{file_appears, memory_limit};
//! use std::time::Duration;
//!
//! # #[cfg(all(feature = "files", feature = "resources"))]
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     rt::block_on(async {
//!         let runtime = rt::current()?;
//!         let import = rt::scope("import")
//!             .source(memory_limit(90.0)?.sustained(Duration::from_secs(5)))
//!             .source(file_appears("/run/import/stop")?)
//!             .run(async |_| runtime.sleep(Duration::from_secs(60)).await);
//!         import.await.complete()?;
//!         println!("imported");
//!         Ok(())
//!     })
//! }
//! # #[cfg(not(all(feature = "files", feature = "resources")))]
//! # fn main() {}
//! ```
//!
//! # Features
//!
//! No feature is on by default.
//!
//! | feature | function | fires |
//! |---|---|---|
//! | `resources` | `memory_limit`, `cpu_limit` | when the container or the machine is at the limit |
//! | | `process_memory_limit`, `process_cpu_limit` | when this process is at the limit |
//! | | `disk_limit` | when the disk of a path is at the limit |
//! | | `gauge_limit` | when a `Gauge` of the program is at the limit |
//! | `files` | `file_appears`, `file_changes`, `file_disappears` | by events of the system; without events, by a check in an interval |
//!
//! # Guides
//!
//! [sources], [scopes], [all guarantees].
//!
//! [sources]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/sources/index.html
//! [scopes]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/scopes/index.html
//! [all guarantees]: https://docs.rs/cancelable-core/latest/cancelable_core/guide/semantics/index.html
//!
//! # Readings and events
//!
//! Each function returns a source for a scope. A source reads a value in an interval, on a thread for probes, or gets
//! events of the system. It cancels the scope with a cause that names its finding, and ends with the scope. The adapter
//! crates have the same names, under the features `resources` and `files`.
//!
//! # Resources
//!
//! | function | measures |
//! |---|---|
//! | [`memory_limit`] | the memory in use of the container, or of the machine if the container has no lower limit |
//! | [`cpu_limit`] | the CPU time of the container, of the cores of this process, or of the machine |
//! | [`process_memory_limit`], [`process_cpu_limit`] | this process alone |
//! | [`disk_limit`] | the used space of the disk of a path |
//! | [`gauge_limit`] | a [`Gauge`] of the program |
//!
//! Limits of Linux' control groups count, of versions 1 and 2, on every level above the process. Page cache that the
//! kernel can reclaim does not count as used. For a process that is bound to some cores, by a cpuset or by its affinity,
//! these cores are 100 percent.
//!
//! # Files
//!
//! - [`file_appears`], [`file_changes`] and [`file_disappears`] watch one path, which need not exist.
//! - Events of the system report a change. Without events, because the system grants no more watches or the file is on a
//!   network mount, the source checks the file in an interval.
//! - On Linux all files of the process share one instance of inotify and one thread.
//! - The watch is set up before the first check of the file, so no change is missed between them.
//!
//! # Limits
//!
//! - CPU figures are means over the time between two readings. The first reading is zero, and readings less than 200 ms
//!   apart have the same figure.
//! - A network disk that does not answer is not read again until it answers.
//! - On Windows a disk is found by its drive letter.
//! - Limits other than those of control groups are not known: `ulimit`, job objects of Windows.
//! - A file that disappears and is back within a tenth of a second counts as replaced.
//! - macOS reports changes with a delay, and several changes as one. A state of a moment may be missed there, and so may
//!   a change that keeps length and modification time.
//! - On systems other than Linux a write through another hard link is found at every tenth interval.
//! - On Windows network drives with a letter count as local. Use [`FileSource::polling`] for them.
//! - The system has no events for a mount over a mount point, or for a renamed ancestor of the folder. These changes are
//!   found at every tenth interval, too.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "files")]
mod files;
#[cfg(feature = "resources")]
mod resources;

#[cfg(feature = "files")]
pub use files::{FileSource, file_appears, file_changes, file_disappears};
#[cfg(feature = "resources")]
pub use resources::{
    Gauge, GaugeUnit, ResourceSource, cpu_limit, disk_limit, gauge_limit, memory_limit,
    process_cpu_limit, process_memory_limit,
};

#[cfg(all(doctest, feature = "resources", feature = "files"))]
#[doc = include_str!("../README.md")]
struct Readme;
