//! What the suite is run against.

use cancelable_core::RuntimeHandle;
use cancelable_core::runtime::NoRuntime;
use std::future::Future;

/// A runtime under test: the two functions that every adapter has.
pub trait Subject: 'static {
    /// The adapter's `block_on`.
    fn block_on<F: Future>(future: F) -> F::Output;

    /// The adapter's `current`.
    ///
    /// # Errors
    ///
    /// As for the adapter.
    fn current() -> Result<RuntimeHandle, NoRuntime>;

    /// Runs a body with the current runtime.
    fn run<T>(body: impl AsyncFnOnce(RuntimeHandle) -> T) -> T {
        Self::block_on(async { body(Self::current().unwrap()).await })
    }
}
