//! Scopes and time limits on the runtime of this thread.

use crate::current;
use crate::runtime::of_the_process;
use cancelable_core::Scope;
use cancelable_core::operation::Timeout;
use cancelable_core::scope::ScopeBuilder;
use cancelable_core::source::Limit;
use std::borrow::Cow;
use std::future::Future;

/// Returns the builder of a scope, as [`Scope::builder`] does, with the runtime of this thread as the default.
///
/// Inside an operation the scope has the operation's runtime. Otherwise `build` calls [`current`].
///
/// # Examples
///
/// ```
/// use cancelable_thread as rt;
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

/// Limits the time of `future` to `limit` from this call. A value that is ready wins over the limit.
///
/// The time is that of the current operation's runtime, or else of this thread's runtime.
/// The call opens no scope; see [`Timeout`].
///
/// # Errors
///
/// [`Cancelled`](cancelable_core::Cancelled) at the limit, with the location of this call.
///
/// # Cancel safety
///
/// The drop drops the future and has no other effect.
///
/// # Examples
///
/// ```
/// use cancelable_thread as rt;
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
