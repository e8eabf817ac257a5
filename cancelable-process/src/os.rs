//! What the systems do differently: groups, signals, and waiting without taking the status.

#[cfg(target_os = "linux")]
mod members;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{Started, Target, can_send, start, watch};
#[cfg(windows)]
pub(crate) use windows::{Started, Target, can_send, start, watch};
