//! The differences between the systems: groups, signals, and waiting without taking the status.

#[cfg(unix)]
pub(crate) mod job;
#[cfg(target_os = "linux")]
mod members;
#[cfg(target_os = "linux")]
mod stat;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{Started, Target, can_send, start, watch};
#[cfg(windows)]
pub(crate) use windows::{Started, Target, can_send, start, watch};

/// The process group of a process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum GroupKind {
    /// A group of its own.
    Own,
    /// The group of this program.
    Foreground,
    /// A group of its own, which is a job of this program's terminal.
    Job,
}
