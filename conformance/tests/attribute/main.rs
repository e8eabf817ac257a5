//! The attribute `cancelable`, in a program and in a library.
//!
//! These tests are here because they need an adapter under the name `rt`. Misuse that must not
//! compile is in `tests/misuse`.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed by its panic"
)]

/// The adapter, under the name in the manifest of a program.
extern crate cancelable_tokio as rt;

mod bodies;
mod bounds;
mod errors;
mod others;
mod runtimes;
mod shapes;

use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Outcome, Scope};

/// Runs a body inside a scope of a manual runtime whose clock advances automatically. Calls of the body
/// inherit the runtime.
fn inside<T>(body: impl AsyncFnOnce(Scope) -> T) -> T {
    let manual = ManualRuntime::new();
    let builder = Scope::builder("outer").runtime(&manual.handle());
    let scope = builder.build().unwrap();
    let outcome: Outcome<T> = manual.block_on(scope.run(|scope| body(scope)));
    outcome.into_value().unwrap()
}
