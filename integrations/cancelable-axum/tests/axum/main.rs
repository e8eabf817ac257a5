//! A real server on loopback, and clients that write to sockets by hand.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail by a panic, as tests do"
)]

mod clients_that_leave;
mod drains;
mod keys;
mod misuse;
mod stalls;
mod support;
mod takeovers;
#[cfg(feature = "ws")]
mod websockets;
