//! The layer without axum, crowds of clients, stops under load, and foreign clients.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail by a panic, as tests do"
)]

mod alone;
mod crowds;
mod foreign_clients;
mod grpc;
mod hyper_alone;
mod stops_under_load;
#[allow(
    dead_code,
    reason = "the helpers of the axum tests, not all of which are used here"
)]
#[path = "../../../cancelable-axum/tests/axum/support.rs"]
mod support;
