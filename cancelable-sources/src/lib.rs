//! Memory, CPU, disks and files as causes of cancellation, on any async runtime.
//!
//! Each function here makes a source for a scope. A source looks from time to time, on a thread for
//! looks, or is told by the system; it cancels the scope with a cause that says what it saw,
//! and is gone with the scope. The adapter crates have the same names, under the features
//! `resources` and `files`.
//!
//! # Examples
//!
#![cfg_attr(all(feature = "resources", feature = "files"), doc = "```no_run")]
#![cfg_attr(not(all(feature = "resources", feature = "files")), doc = "```ignore")]
//! use cancelable_core::{RuntimeHandle, Scope};
//! use cancelable_sources::{file_appears, memory_limit};
//! use std::time::Duration;
//!
//! # async fn import() {}
//! # async fn run(runtime: RuntimeHandle) -> Result<(), Box<dyn std::error::Error>> {
//! let scope = Scope::builder("import")
//!     .runtime(&runtime)
//!     .source(memory_limit(90.0)?.sustained(Duration::from_secs(5)))
//!     .source(file_appears("/run/import/stop")?)
//!     .build()?;
//! if let Err(error) = scope.run(async |_| import().await).await.complete() {
//!     // "import cancelled after 41 s: a resource went over its limit: memory of the container at
//!     // 91.5 %, limit 90 % (set at src/main.rs:7)"
//!     eprintln!("{error}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Resources
//!
//! - [`memory_limit`] and [`cpu_limit`] look at what the machine has in use, or the container where
//!   that has less: limits of Linux' control groups count, of version 1 and 2, on every level above
//!   the process. The page cache that the kernel can take back does not count as used.
//!   A process that is bound to some cores, by a cpuset or by its affinity, has those for all there is.
//! - [`process_memory_limit`] and [`process_cpu_limit`] look at this process alone.
//! - [`disk_limit`] looks at the disk that a path is on.
//! - [`gauge_limit`] looks at whatever a [`Gauge`] of the program's own measures.
//!
//! # Files
//!
//! - [`file_appears`], [`file_changes`] and [`file_disappears`] watch one path, which need not exist.
//! - The system's events tell of a change where there are such events. Where there are none, because
//!   the system grants no more watches, or the file is on a network mount, the file is looked at in
//!   an interval.
//! - On Linux all files of the process share one instance of inotify and one thread.
//! - First the watch is set up and then the file is looked at, so no change falls between the two.
//!
//! # Limits
//!
//! - CPU figures are means over the time between two looks. The first look has none, and looks that
//!   are less than 200 ms apart see the same figure.
//! - A disk of a network that does not answer is not looked at again before it does.
//! - On Windows a disk is found by the letter of its drive.
//! - Other limits than those of control groups are not known: `ulimit`, job objects of Windows.
//! - A file that is gone and back within a tenth of a second was replaced.
//! - macOS tells of changes with a delay, and tells of several as one: what a file was for a moment
//!   may pass unseen there, and a change that keeps length and time of modification does so too.
//! - On other systems than Linux a write by another hard link of the file is seen at the look once in ten
//!   intervals.
//! - Network drives that have a letter on Windows are taken for local ones:
//!   [`FileSource::polling`] is for them.
//! - The system's events tell nothing of a mount point that is mounted over or of a parent of a
//!   parent that is renamed; for these a file is looked at once in ten intervals, too.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "files")]
mod files;
#[cfg(feature = "resources")]
mod resources;

#[cfg(feature = "files")]
pub use files::{FileSource, InvalidWatch, file_appears, file_changes, file_disappears};
#[cfg(feature = "resources")]
pub use resources::{
    Gauge, GaugeUnit, InvalidLimit, ResourceSource, cpu_limit, disk_limit, gauge_limit,
    memory_limit, process_cpu_limit, process_memory_limit,
};

#[cfg(all(doctest, feature = "resources", feature = "files"))]
#[doc = include_str!("../README.md")]
struct Readme;
