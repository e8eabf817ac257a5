//! A cancel that comes when the manual time reaches a point.

use super::ManualRuntime;
use crate::cause::{Cause, Reason};
use crate::token::CancellationToken;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

/// Cancels as its wake.
struct Strike {
    token: CancellationToken,
    cause: Cause,
}

impl Wake for Strike {
    fn wake(self: Arc<Self>) {
        self.token.cancel_with(self.cause.clone());
    }
}

/// Cancels `token` when the time of `manual` reaches `at`; at once, if it has.
///
/// The cause has the place of this call and the time `at`. The cancel comes while the time moves,
/// before any task runs that a timer of the same time wakes. It is a timer and not a task:
/// `live_tasks` does not count it.
///
/// # Examples
///
/// ```
/// use cancelable_core::CancellationToken;
/// use cancelable_core::testing::{ManualRuntime, cancel_at};
/// use std::time::Duration;
///
/// let manual = ManualRuntime::new();
/// let token = CancellationToken::new();
/// let at = manual.now() + Duration::from_secs(3);
/// cancel_at(&manual, &token, at);
/// manual.block_on(token.cancelled());
/// assert_eq!(manual.now(), at);
/// ```
#[track_caller]
pub fn cancel_at(manual: &ManualRuntime, token: &CancellationToken, at: Instant) {
    let cause = Cause::new(Reason::Requested).with_time(at);
    if manual.now() >= at {
        token.cancel_with(cause);
        return;
    }
    let token = token.clone();
    manual.alarm(at, Waker::from(Arc::new(Strike { token, cause })));
}

/// As [`cancel_at`], when `after` has passed; never, if the clock cannot express that.
#[track_caller]
pub fn cancel_in(manual: &ManualRuntime, token: &CancellationToken, after: Duration) {
    if let Some(at) = manual.now().checked_add(after) {
        cancel_at(manual, token, at);
    }
}
