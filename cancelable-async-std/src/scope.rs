//! Scopes and time limits on the runtime of this thread.

use crate::current;
use crate::runtime::of_the_process;
use cancelable_core::Scope;
use cancelable_core::scope::{ScopeBuilder, Timeout};
use cancelable_core::source::Limit;
use std::borrow::Cow;
use std::future::Future;

/// Starts to describe a scope, as [`Scope::builder`] does, on the runtime of this thread.
///
/// What it is a part of comes first: inside an operation it has the runtime of that. Where it is built
/// [`current`] is asked.
///
/// # Examples
///
/// ```
/// use cancelable_async_std as rt;
/// use std::time::Duration;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let rows = rt::block_on(async {
///     let import = rt::scope("import").timeout(Duration::from_secs(3)).run(async |_| 42);
///     import.await.into_result()
/// })?;
/// assert_eq!(rows, 42);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn scope(name: impl Into<Cow<'static, str>>) -> ScopeBuilder {
    Scope::builder(name).default_runtime(current)
}

/// Gives `future` no more than `limit` from this call to complete. A value that is ready wins.
///
/// The time is that of the operation that runs here, or else of this thread's runtime.
/// No scope is opened: see [`Timeout`].
///
/// # Errors
///
/// [`Cancelled`](cancelable_core::Cancelled) at the limit, with the place of this call.
///
/// # Cancel safety
///
/// Dropping it drops the future, nothing else.
///
/// # Examples
///
/// ```
/// use cancelable_async_std as rt;
/// use std::time::Duration;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let answer = rt::block_on(rt::timeout(Duration::from_secs(3), async { 42 }))?;
/// assert_eq!(answer, 42);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn timeout<F: Future>(limit: impl Into<Limit>, future: F) -> Timeout<F> {
    Timeout::new(limit, future, of_the_process)
}
