//! Real signals, sent to real processes: this binary is both the tests and the programs that are
//! signalled. `child` has the programs, `parent` starts them; the other files are the tests.

#![allow(clippy::unwrap_used, reason = "a test ends at what goes wrong in it")]

mod child;
mod names;
mod sources;

#[cfg(unix)]
mod delivery;
#[cfg(unix)]
mod disposition;
#[cfg(unix)]
mod dump;
#[cfg(unix)]
mod escalation;
#[cfg(unix)]
mod exit;
#[cfg(target_os = "linux")]
mod forked;
#[cfg(unix)]
mod parent;
#[cfg(unix)]
mod race;
#[cfg(unix)]
mod repeats;
#[cfg(unix)]
mod requests;
