//! The subject of the suite: an adapter.

use cancelable_core::operation::Timeout;
use cancelable_core::runtime::NoRuntime;
use cancelable_core::scope::ScopeBuilder;
use cancelable_core::{RuntimeHandle, Scope};
use std::future::Future;
use std::time::Duration;

/// A runtime under test: the functions that every adapter has.
pub trait Subject: 'static {
    /// The adapter's `block_on`.
    fn block_on<F: Future>(future: F) -> F::Output;

    /// The adapter's `current`.
    ///
    /// # Errors
    ///
    /// The same as the adapter's.
    fn current() -> Result<RuntimeHandle, NoRuntime>;

    /// The adapter's `scope`.
    #[track_caller]
    fn scope(name: &'static str) -> ScopeBuilder {
        Scope::builder(name).default_runtime(Self::current)
    }

    /// The adapter's `timeout`.
    #[track_caller]
    fn timeout<F: Future>(limit: Duration, future: F) -> Timeout<F> {
        Timeout::new(limit, future, || Self::current().unwrap())
    }

    /// Runs a body with the current runtime.
    fn run<T>(body: impl AsyncFnOnce(RuntimeHandle) -> T) -> T {
        Self::block_on(async { body(Self::current().unwrap()).await })
    }
}
