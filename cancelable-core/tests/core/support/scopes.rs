//! Scopes of which a test needs only the name.

use cancelable_core::Scope;
use cancelable_core::scope::ScopeBuilder;
use cancelable_core::testing::ManualRuntime;

/// A scope without a runtime.
#[track_caller]
pub(crate) fn open(name: &'static str) -> Scope {
    Scope::builder(name).build().expect("it needs no runtime")
}

/// A scope on a manual runtime.
#[track_caller]
pub(crate) fn open_on(manual: &ManualRuntime, name: &'static str) -> Scope {
    builder_on(manual, name).build().expect("it is sound")
}

/// The builder of a scope on a manual runtime.
#[track_caller]
pub(crate) fn builder_on(manual: &ManualRuntime, name: &'static str) -> ScopeBuilder {
    Scope::builder(name).runtime(&manual.handle())
}
