//! What a shard counts.

use super::histogram::Histogram;
use crate::operation::Status;
use std::time::Duration;

#[derive(Clone, Default)]
pub(super) struct Counts {
    pub(super) opened: u64,
    pub(super) completed: u64,
    pub(super) cancelled: u64,
    pub(super) failed: u64,
    pub(super) abandoned: u64,
    /// None until something has ended that knows how long it ran.
    pub(super) durations: Option<Box<Histogram>>,
}

impl Counts {
    /// The tally of a shard in which nothing has ended.
    pub(super) fn of_open(opened: u64) -> Self {
        Self {
            opened,
            ..Self::default()
        }
    }

    pub(super) fn end(&mut self, end: Status, elapsed: Option<Duration>) {
        match end {
            Status::Completed => self.completed += 1,
            Status::Cancelled => self.cancelled += 1,
            Status::Failed => self.failed += 1,
            Status::Abandoned => self.abandoned += 1,
            // No ends.
            Status::Pending | Status::Running => return,
        }
        if let Some(elapsed) = elapsed {
            self.durations.get_or_insert_default().add(elapsed);
        }
    }

    /// How many have ended that were entered; what was abandoned was not.
    pub(super) fn entered_and_ended(&self) -> u64 {
        self.completed + self.cancelled + self.failed
    }

    /// How many have not ended.
    pub(super) fn open(&self) -> u64 {
        self.opened - self.entered_and_ended() - self.abandoned
    }

    /// Adds what another shard has counted.
    pub(super) fn add(&mut self, other: &Self) {
        self.opened += other.opened;
        self.completed += other.completed;
        self.cancelled += other.cancelled;
        self.failed += other.failed;
        self.abandoned += other.abandoned;
        if let Some(durations) = &other.durations {
            self.durations.get_or_insert_default().merge(durations);
        }
    }
}
