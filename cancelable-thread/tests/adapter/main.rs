//! The behaviours that every adapter has, and those that are the threads' own.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail by a panic, as tests do"
)]

mod timers;

conformance::suite!(cancelable_thread);
