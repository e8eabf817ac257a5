//! The troubles of `docs/troubleshooting.md`, each reproduced. The texts that the page shows are those that a run
//! prints here.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail by a panic, as tests do"
)]

mod async_code;
mod debugging;
#[cfg(unix)]
mod monitoring;
mod page;
mod performance;
mod platforms;
#[cfg(target_os = "linux")]
mod process_1;
mod programs;
mod runtime_errors;
mod web;
