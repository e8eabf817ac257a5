//! The behaviours of every adapter, and those of Tokio alone.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail by a panic, as tests do"
)]

mod clock;
mod entering;
#[cfg(feature = "io")]
mod io;
mod lost_time;
mod probes;
mod timers;

conformance::suite!(cancelable_tokio);
