//! How often a hook may be called.

use crate::runtime::RuntimeHandle;
use crate::sync::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Lets one call through in each interval of the runtime's clock.
pub(super) struct Throttle {
    runtime: RuntimeHandle,
    start: Instant,
    interval: u64,
    /// From when on the next call may come, in nanoseconds since the start.
    due: AtomicU64,
}

impl Throttle {
    pub(super) fn new(runtime: RuntimeHandle, interval: Duration) -> Self {
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
