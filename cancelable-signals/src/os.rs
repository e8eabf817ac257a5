//! The system's side of a signal: how it is caught, and what its default action is.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{Gate, Os, die_of, take_default};
#[cfg(windows)]
pub(crate) use windows::{Gate, Os, die_of, take_default};
