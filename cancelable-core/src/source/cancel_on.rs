//! A cancel whose callbacks run on a runtime.
//!
//! The token knows no runtime: it returns the callbacks that a cancel has not called, and they run where that value
//! is dropped. So no callback is lost, even if a runtime drops its job.

use crate::cause::Cause;
use crate::runtime::RuntimeHandle;
use crate::sync::isolate;
use crate::token::CancellationToken;

/// Cancels `token` here, and runs its callbacks on `runtime`, so that a slow callback does not delay the caller.
/// Returns true if this call cancelled the token.
///
/// When this returns, every descendant is cancelled, and all waiters were woken. The callbacks, and the hooks of the
/// cancel, run after that as one blocking job of the runtime, in their usual order. A callback that is unregistered
/// before its turn never runs. If the runtime takes no more work, the callbacks run in this call; if it drops the
/// job, they run in that drop.
///
/// # Examples
///
/// ```
/// use cancelable_core::source::cancel_on;
/// use cancelable_core::{CancellationToken, Reason, RuntimeHandle};
///
/// /// Stops the workers from an async task, which their callbacks must not block.
/// fn stop(runtime: &RuntimeHandle, workers: &CancellationToken) {
///     cancel_on(runtime, workers, Reason::ShuttingDown);
/// }
/// ```
#[track_caller]
pub fn cancel_on(
    runtime: &RuntimeHandle,
    token: &CancellationToken,
    cause: impl Into<Cause>,
) -> bool {
    let mut cause = cause.into();
    if !token.is_cancelled() {
        cause = cause.stamped(|| runtime.now());
    }
    let (first, uncalled) = token.cancel_deferring_callbacks(cause);
    if !uncalled.is_empty() {
        // A runtime that panics instead of taking the job has dropped the job.
        isolate("a runtime that was given callbacks", || {
            runtime.spawn_blocking(move || drop(uncalled)).detach();
        });
    }
    first
}
