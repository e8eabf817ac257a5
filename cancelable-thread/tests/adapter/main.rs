//! The behaviours of every adapter, and those of threads alone.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail by a panic, as tests do"
)]

mod block_on;
mod children;
mod own_clock;
mod run_blocking;
mod timers;

conformance::suite!(cancelable_thread);
