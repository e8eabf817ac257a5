//! Sources for a file that appears, changes or disappears.
//!
//! A `FileCheck` compares the file with its state at the entry of the scope. The next check comes with an event of the
//! system, which is a hint that something has changed, or after the interval. `Events` watches folders, because a file
//! may not exist yet and an editor replaces it, and the file itself if its content matters. All of this may block, and
//! runs on threads for probes.

mod anchors;
mod check;
mod event_filter;
mod events;
mod file_event;
mod findings;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod inotify;
mod mount;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod notified;
mod snapshot;
mod source;
mod watch;

pub use source::{FileSource, file_appears, file_changes, file_disappears};

#[cfg(test)]
mod tests;
