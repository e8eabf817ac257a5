//! The behaviours that every adapter has, and those that are smol's own.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail by a panic, as tests do"
)]

mod beside_smol;
mod stand_in;

conformance::suite!(cancelable_smol);
