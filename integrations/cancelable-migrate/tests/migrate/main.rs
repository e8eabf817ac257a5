//! The migration of small projects.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail by a panic, as tests do"
)]

mod command;
mod fixture;
mod imports;
mod manifests;
mod paths;
