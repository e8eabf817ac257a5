//! A cancel whose callbacks run on a runtime.
//!
//! A token has no runtime. A deferring cancel returns the callbacks that it has not called, in a value that calls them
//! in its drop. So no callback is lost, even if a runtime drops its job.

use crate::cause::Cause;
use crate::runtime::RuntimeHandle;
use crate::sync::isolate;
use crate::token::CancellationToken;

/// Cancels `token` on this thread, and runs its callbacks on `runtime`, so that a slow callback does not delay the
/// caller. Returns whether this call cancelled the token.
///
/// When this function returns, every descendant is cancelled, and all waiters were woken. The callbacks, and the hooks
/// of the cancel, run after that as one blocking job of the runtime, in their usual order. A callback that is
/// unregistered before its turn never runs. If the runtime takes no more work, the callbacks run in this call; if the
/// runtime drops the job, the callbacks run in that drop.
///
/// # Examples
///
/// ```
/// use cancelable_core::source::cancel_on;
/// use cancelable_core::{CancellationToken, Reason};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> { rt::block_on(async {
/// let runtime = rt::current()?;
/// let workers = CancellationToken::new();
/// workers.on_cancel(|_| { /* closes connections, and may block */ }).detach();
///
/// assert!(cancel_on(&runtime, &workers, Reason::ShuttingDown));
/// assert!(workers.is_cancelled());
/// # Ok(()) }) }
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
