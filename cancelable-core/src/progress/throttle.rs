//! A limit on the frequency of calls to a hook.

use crate::runtime::RuntimeHandle;
use crate::sync::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Permits one call in each interval of the runtime's clock.
pub(crate) struct Throttle {
    runtime: RuntimeHandle,
    start: Instant,
    interval: u64,
    /// The earliest time of the next call, in nanoseconds since the start.
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

    /// Returns whether a call is due. Exactly one caller gets true, and has to make the call.
    pub(super) fn is_due(&self) -> bool {
        let now = nanos(self.runtime.now().saturating_duration_since(self.start));
        // Relaxed: the time orders no other access. The change of a caller that gets false is in the
        // figures of a later call.
        let due = self.due.load(Ordering::Relaxed);
        let next = now.saturating_add(self.interval);
        let take = || {
            self.due
                .compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed)
        };
        now >= due && take().is_ok()
    }
}

/// Returns the nanoseconds of a time. Saturates after 584 years.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
