//! The behaviours that every adapter has, and those that are Tokio's own.

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
