//! Real processes. A test never sleeps and never bounds a time: it waits for a line that a process prints, and
//! for the end of a pipe, which comes when all its writers have ended. The test moves the time of a grace period
//! by hand.

#![allow(clippy::unwrap_used, reason = "a test ends at what goes wrong in it")]

#[cfg(unix)]
mod endings;
#[cfg(unix)]
mod foreground;
#[cfg(unix)]
mod grace;
#[cfg(unix)]
mod groups;
#[cfg(unix)]
mod inherited;
#[cfg(target_os = "linux")]
mod init;
#[cfg(unix)]
mod kit;
mod names;
#[cfg(unix)]
mod output;
#[cfg(unix)]
mod scopes;
mod simple;
mod starting;
#[cfg(unix)]
mod wakers;
