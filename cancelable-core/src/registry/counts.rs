//! The counts of one shard, or of all shards.

use super::histogram::Histogram;
use crate::operation::Status;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Clone, Default)]
pub(super) struct Counts {
    pub(super) opened: u64,
    /// The number of ended operations by status; zero for `Pending` and `Running`.
    pub(super) ended: [u64; Status::ALL.len()],
    /// The durations of ended operations; `None` until an operation with a runtime has ended. An operation
    /// without a runtime has no duration.
    pub(super) durations: Option<Box<Histogram>>,
    /// The times from the cancel to the end, by the word of the reason.
    pub(super) stopping: BTreeMap<&'static str, Box<Histogram>>,
}

/// The end of an operation, for the counts.
pub(super) struct End {
    pub(super) status: Status,
    /// `None` for an operation that was not entered or has no runtime.
    pub(super) elapsed: Option<Duration>,
    /// The word of the reason of its cancel, and the time since; `None` for an operation that was not cancelled, that
    /// was not entered, or that has no runtime.
    pub(super) stopping: Option<(&'static str, Duration)>,
}

impl Counts {
    /// Returns the counts of a shard in which no operation has ended.
    pub(super) fn of_open(opened: u64) -> Self {
        Self {
            opened,
            ..Self::default()
        }
    }

    pub(super) fn add_end(&mut self, end: &End) {
        self.ended[end.status as usize] += 1;
        if let Some(elapsed) = end.elapsed {
            self.durations.get_or_insert_default().add(elapsed);
        }
        if let Some((reason, time)) = end.stopping {
            self.stopping.entry(reason).or_default().add(time);
        }
    }

    /// Returns the number of operations that were entered and have ended. An operation that was never run was
    /// not entered.
    pub(super) fn entered_and_ended(&self) -> u64 {
        self.ended.iter().sum::<u64>() - self.ended[Status::NeverRun as usize]
    }

    pub(super) fn open(&self) -> u64 {
        self.opened - self.ended.iter().sum::<u64>()
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.opened += other.opened;
        for (own, other) in self.ended.iter_mut().zip(other.ended) {
            *own += other;
        }
        if let Some(durations) = &other.durations {
            self.durations.get_or_insert_default().merge(durations);
        }
        for (reason, times) in &other.stopping {
            self.stopping.entry(reason).or_default().merge(times);
        }
    }
}
