//! Counts and durations of a registry.

use super::Registry;
use super::counts::Counts;
use super::histogram::Histogram;
use crate::operation::Status;
use std::time::Duration;

/// How many operations of a registry stand how, and how long those ran that have ended.
///
/// The counts go back to when the registry was made or [cleared](Registry::clear), not only as far
/// as its history. Each is exact as of a moment of the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistics {
    pub(super) pending: u64,
    pub(super) running: u64,
    pub(super) completed: u64,
    pub(super) cancelled: u64,
    pub(super) failed: u64,
    pub(super) abandoned: u64,
    pub(super) durations: Option<Durations>,
}

/// How long operations ran that have ended, from entry to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Durations {
    pub(super) count: u64,
    pub(super) mean: Duration,
    pub(super) p50: Duration,
    pub(super) p99: Duration,
    pub(super) max: Duration,
}

impl Statistics {
    /// How many operations have this status.
    #[must_use]
    pub fn count(&self, status: Status) -> u64 {
        match status {
            Status::Pending => self.pending,
            Status::Running => self.running,
            Status::Completed => self.completed,
            Status::Cancelled => self.cancelled,
            Status::Failed => self.failed,
            Status::Abandoned => self.abandoned,
        }
    }

    /// How many operations are open: pending or running.
    #[must_use]
    pub fn open(&self) -> u64 {
        // Those that were read back from elsewhere may say anything.
        self.pending.saturating_add(self.running)
    }

    /// How many operations there were, open or ended.
    #[must_use]
    pub fn total(&self) -> u64 {
        let ended = [self.completed, self.cancelled, self.failed, self.abandoned];
        ended.into_iter().fold(self.open(), u64::saturating_add)
    }

    /// How long operations ran; `None` while none has ended that has a runtime to tell the time.
    #[must_use]
    pub fn durations(&self) -> Option<&Durations> {
        self.durations.as_ref()
    }
}

impl Durations {
    /// Of how many operations.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The mean, which is exact.
    #[must_use]
    pub fn mean(&self) -> Duration {
        self.mean
    }

    /// What half of them do not exceed, to within 6.25 %.
    #[must_use]
    pub fn p50(&self) -> Duration {
        self.p50
    }

    /// What 99 of 100 do not exceed, to within 6.25 %.
    #[must_use]
    pub fn p99(&self) -> Duration {
        self.p99
    }

    /// The longest, which is exact.
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
            max: histogram.greatest(),
        })
    }
}

impl Registry {
    /// How many operations stand how, and how long those ran that have ended. It costs the same
    /// however many there are.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let (mut all, mut entered) = (Counts::default(), 0);
        for shard in &self.root.shards {
            let (tally, of_shard) = shard.tally();
            all.add(&tally);
            entered += of_shard;
        }
        Statistics {
            pending: all.opened - entered - all.abandoned,
            running: entered - all.entered_and_ended(),
            completed: all.completed,
            cancelled: all.cancelled,
            failed: all.failed,
            abandoned: all.abandoned,
            durations: all.durations.as_deref().and_then(Durations::of),
        }
    }
}
