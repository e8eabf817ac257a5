//! The attribute `cancelable`, as a program and a library use it.
//!
//! These tests stand here because they need an adapter under the name `rt`. Misuse that must not
//! compile is in `tests/misuse`.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed by its panic"
)]

/// As a program's manifest names it.
extern crate cancelable_tokio as rt;

mod bodies;
mod bounds;
mod errors;
mod others;
mod runtimes;
mod shapes;

use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Outcome, Scope};

/// Runs a body inside a scope of a runtime whose time moves by itself, so that what it calls
/// inherits it.
fn inside<T>(body: impl AsyncFnOnce(Scope) -> T) -> T {
    let manual = ManualRuntime::new();
    let builder = Scope::builder("outer").runtime(&manual.handle());
    let scope = builder.build().unwrap();
    let outcome: Outcome<T> = manual.block_on(scope.run(|scope| body(scope)));
    outcome.into_value().unwrap()
}
