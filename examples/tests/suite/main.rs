//! The example programs as their users meet them: real processes, signals, files and pipes.
//!
//! The example packages all run this one source. A test never sleeps and never bounds a time: it waits for a line
//! that the program prints at that point, and for the program's end.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod command_line;
#[cfg(target_os = "linux")]
mod hanging;
mod headers;
#[cfg(target_os = "linux")]
mod init;
#[cfg(unix)]
mod interruptions;
#[cfg(target_os = "linux")]
mod jobs;
mod kit;
mod lines;
mod manifests;
mod monitor;
#[cfg(unix)]
mod output;
#[cfg(unix)]
mod pipeline;
#[cfg(target_os = "linux")]
mod programs;
mod readme;
mod retry;
#[cfg(unix)]
mod running;
mod small;
#[cfg(unix)]
mod stopping;
#[cfg(target_os = "linux")]
mod supervise;
#[cfg(target_os = "linux")]
mod terminal;
mod transaction;
#[cfg(unix)]
mod trouble;
