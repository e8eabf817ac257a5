//! The system's side of a signal: its handler and its default action.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{Gate, Os, die_of, take_default};
#[cfg(windows)]
pub(crate) use windows::{Gate, Os, die_of, take_default};
