//! Sources for a file that appears, changes or disappears.
//!
//! A [`Look`] compares the file with its state at the entry of the scope. An event of the system, as a hint
//! that something has changed, or else the interval causes the next look. [`Events`] watches folders, because
//! a file may not exist yet and an editor replaces it. It also watches the file itself if the content matters.
//! All of this may block, and runs on threads for looks.

mod anchors;
mod events;
mod happening;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod inotify;
mod interest;
mod look;
mod mount;
mod notice;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod notified;
mod snapshot;
mod source;
mod watch;

pub use source::{FileSource, file_appears, file_changes, file_disappears};

#[cfg(test)]
mod tests;
