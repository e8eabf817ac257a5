//! How often a hook may be called.

use crate::cause::OperationLabel;
use crate::runtime::RuntimeHandle;
use crate::sync::{AtomicU64, Ordering, SyncWrapper};
use std::error::Error;
use std::fmt;
use std::time::{Duration, Instant};

/// Lets one call through in each interval of the runtime's clock.
pub(crate) struct Throttle {
    runtime: RuntimeHandle,
    start: Instant,
    interval: u64,
    /// From when on the next call may come, in nanoseconds since the start.
    due: AtomicU64,
}

impl Throttle {
    pub(crate) fn new(runtime: RuntimeHandle, interval: Duration) -> Self {
        Self {
            start: runtime.now(),
            runtime,
            interval: nanos(interval),
            due: AtomicU64::new(0),
        }
    }

    /// Whether a call is due. It says so to one caller, who has to make it.
    pub(super) fn is_due(&self) -> bool {
        let now = nanos(self.runtime.now().saturating_duration_since(self.start));
        // Relaxed: a time that nothing else is ordered by. What a caller finds who is told no is
        // found again by a later call.
        let due = self.due.load(Ordering::Relaxed);
        let next = now.saturating_add(self.interval);
        let take = || {
            self.due
                .compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed)
        };
        now >= due && take().is_ok()
    }
}

/// Saturates after 584 years.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A hook was to be called once in an interval, and its operation has no runtime to tell the time.
pub struct ThrottleWithoutRuntime<H> {
    operation: OperationLabel,
    hook: SyncWrapper<H>,
}

impl<H> ThrottleWithoutRuntime<H> {
    pub(crate) fn new(operation: OperationLabel, hook: H) -> Self {
        Self {
            operation,
            hook: SyncWrapper::new(hook),
        }
    }

    /// The operation.
    #[must_use]
    pub fn operation(&self) -> &OperationLabel {
        &self.operation
    }

    /// The hook, which was not registered.
    pub fn into_inner(self) -> H {
        self.hook.into_inner()
    }
}

impl<H> fmt::Debug for ThrottleWithoutRuntime<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThrottleWithoutRuntime")
            .field("operation", &self.operation)
            .finish_non_exhaustive()
    }
}

impl<H> fmt::Display for ThrottleWithoutRuntime<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a progress hook of scope {} has no runtime for its interval: build the scope with one",
            self.operation
        )
    }
}

impl<H> Error for ThrottleWithoutRuntime<H> {}
