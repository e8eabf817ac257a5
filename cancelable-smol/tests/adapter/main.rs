//! The behaviours of every adapter, and those of smol alone.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail by a panic, as tests do"
)]

mod beside_smol;
mod stand_in;

conformance::suite!(cancelable_smol);
