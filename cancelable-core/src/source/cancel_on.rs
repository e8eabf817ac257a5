//! A cancel whose callbacks run elsewhere.
//!
//! It stands above the token, which knows no runtime: the token gives out what a cancel has left to call, and
//! that runs where it is dropped. So no callback is lost, also where a runtime drops the job it is in.

use crate::cause::Cause;
use crate::runtime::RuntimeHandle;
use crate::sync::isolate;
use crate::token::CancellationToken;

/// Cancels `token` here, and runs its callbacks on `runtime`: a slow one does not hold up the caller. True
/// if this call cancelled it.
///
/// When it returns, every descendant says cancelled, and all waiters were woken. The callbacks, and the
/// hooks that tell of a cancel, run after that as one blocking job of the runtime, in their usual order.
/// One that is unregistered before its turn never runs. Where the runtime takes no more work they run here,
/// and where it drops the job they run there.
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
        // A runtime that panics instead of taking the job has dropped it.
        isolate("a runtime that was given callbacks", || {
            runtime.spawn_blocking(move || drop(uncalled)).detach();
        });
    }
    first
}
