//! Counts and durations of all operations of a registry.

use super::counts::Counts;
use super::histogram::Histogram;
use super::shards::Shards;
use crate::operation::Status;
use std::time::Duration;

/// The number of a registry's operations in each status, and how long those that have ended ran; from
/// [`Registry::statistics`](super::Registry::statistics).
///
/// The counts go back to when the registry was made or [cleared](super::Registry::clear), beyond its
/// history. Each is exact for a moment during the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistics {
    pub(super) pending: u64,
    pub(super) running: u64,
    pub(super) completed: u64,
    pub(super) cancelled: u64,
    pub(super) failed: u64,
    pub(super) never_run: u64,
    pub(super) durations: Option<Durations>,
}

/// How long operations that have ended ran, from entry to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Durations {
    pub(super) count: u64,
    pub(super) mean: Duration,
    pub(super) p50: Duration,
    pub(super) p99: Duration,
    pub(super) max: Duration,
}

impl Statistics {
    pub(super) fn of(shards: &Shards) -> Self {
        let (mut all, mut entered) = (Counts::default(), 0);
        for shard in shards.iter() {
            let (counts, of_shard) = shard.counts();
            all.add(&counts);
            entered += of_shard;
        }
        let ended = |status: Status| all.ended[status as usize];
        Self {
            pending: all.opened - entered - ended(Status::NeverRun),
            running: entered - all.entered_and_ended(),
            completed: ended(Status::Completed),
            cancelled: ended(Status::Cancelled),
            failed: ended(Status::Failed),
            never_run: ended(Status::NeverRun),
            durations: all.durations.as_deref().and_then(Durations::of),
        }
    }

    /// Returns how many operations have this status.
    #[must_use]
    pub fn count(&self, status: Status) -> u64 {
        match status {
            Status::Pending => self.pending,
            Status::Running => self.running,
            Status::Completed => self.completed,
            Status::Cancelled => self.cancelled,
            Status::Failed => self.failed,
            Status::NeverRun => self.never_run,
        }
    }

    /// Returns how many operations are open: pending or running.
    #[must_use]
    pub fn open(&self) -> u64 {
        // Saturating: statistics that were deserialised may have any numbers.
        self.pending.saturating_add(self.running)
    }

    /// Returns how many operations there were, open or ended.
    #[must_use]
    pub fn total(&self) -> u64 {
        let counts = Status::ALL.map(|status| self.count(status));
        counts.into_iter().fold(0, u64::saturating_add)
    }

    /// The durations; `None` until an operation with a runtime, which tells the time, has ended.
    #[must_use]
    pub fn durations(&self) -> Option<&Durations> {
        self.durations.as_ref()
    }
}

impl Durations {
    /// Returns the number of operations.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The mean, exact.
    #[must_use]
    pub fn mean(&self) -> Duration {
        self.mean
    }

    /// The median, to within 6.25 %.
    #[must_use]
    pub fn p50(&self) -> Duration {
        self.p50
    }

    /// The 99th percentile, to within 6.25 %.
    #[must_use]
    pub fn p99(&self) -> Duration {
        self.p99
    }

    /// The maximum, exact.
    #[must_use]
    pub fn max(&self) -> Duration {
        self.max
    }

    fn of(histogram: &Histogram) -> Option<Self> {
        Some(Self {
            count: histogram.count(),
            mean: histogram.mean()?,
            p50: histogram.percentile(50)?,
            p99: histogram.percentile(99)?,
            max: histogram.max(),
        })
    }
}
