//! A file that appears, changes or disappears.
//!
//! A [`Look`] compares what a file is with what it was. What makes the source look again is an
//! event of the system, as a hint that something has happened, or else the interval. Events come
//! through [`Events`], which watches folders, since a file may not be there yet and an editor
//! replaces it; and the file itself where its content matters. All of this may block and happens on threads for looks.

mod anchors;
mod error;
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

pub use error::InvalidWatch;
pub use source::{FileSource, file_appears, file_changes, file_disappears};

#[cfg(test)]
mod tests;
