//! The counts of one shard, or of all shards.

use super::histogram::Histogram;
use crate::operation::Status;
use std::time::Duration;

#[derive(Clone, Default)]
pub(super) struct Counts {
    pub(super) opened: u64,
    /// The number of ended operations by status; zero for `Pending` and `Running`.
    pub(super) ended: [u64; Status::ALL.len()],
    /// The durations of ended operations; `None` until an operation with a runtime has ended. An operation
    /// without a runtime has no duration.
    pub(super) durations: Option<Box<Histogram>>,
}

impl Counts {
    /// Returns the counts of a shard in which no operation has ended.
    pub(super) fn of_open(opened: u64) -> Self {
        Self {
            opened,
            ..Self::default()
        }
    }

    pub(super) fn add_end(&mut self, end: Status, elapsed: Option<Duration>) {
        self.ended[end as usize] += 1;
        if let Some(elapsed) = elapsed {
            self.durations.get_or_insert_default().add(elapsed);
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
    }
}
