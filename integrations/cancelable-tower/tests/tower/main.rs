//! The layers without a server: futures and bodies are polled by hand, and a clock that the tests move.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail by a panic, as tests do"
)]

mod bodies;
mod clients_that_leave;
mod deadlines;
mod keys;
mod misuse;
mod outgoing;
mod support;
mod takeovers;
