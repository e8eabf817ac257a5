//! The steps of a record's life: entered, closed, or abandoned.

use super::record::Record;
use super::status::Status;
use crate::source::Source;
use std::time::{Duration, Instant};

impl Record {
    /// Takes the record from pending to running, once, and hands out its sources. Its timeout
    /// counts from `now`.
    ///
    /// # Errors
    ///
    /// The present status, if the record was entered or abandoned before.
    pub(crate) fn enter(&self, now: Option<Instant>) -> Result<Vec<Box<dyn Source>>, Status> {
        self.status.change(Status::Running)?;
        let sources = {
            let mut inner = self.inner.lock();
            inner.started = now;
            if let Some(now) = now {
                inner.deadline.enter(now);
            }
            std::mem::take(&mut inner.sources)
        };
        self.log_status(Status::Running);
        Ok(sources)
    }

    /// Takes the record from running to an end, and says how long it ran.
    pub(crate) fn close(&self, end: Status) -> Option<Duration> {
        let now = self.now();
        let elapsed = {
            let mut inner = self.inner.lock();
            inner.ended = now;
            now.zip(inner.started)
                .map(|(now, started)| now.saturating_duration_since(started))
        };
        // Only the run that entered closes, and it does so once, so the table allows it.
        if self.status.change(end).is_ok() {
            self.log_status(end);
        }
        // The waker belongs to a task that has nothing more to do here and may be gone soon.
        drop(self.runner.take());
        elapsed
    }

    /// Gives a pending record up, and says so: nobody can enter it any more.
    pub(crate) fn abandon(&self) {
        if self.status.change(Status::Abandoned).is_err() {
            return;
        }
        log::warn!(
            target: "cancelable",
            operation = self.label.name(), id = self.label.id().get(),
            status = Status::Abandoned.as_str(), opened_at:% = self.opened_at;
            "{} was dropped without being run; it was opened at {}", self.label, self.opened_at
        );
        // Nothing will start them, and a handle may keep the record for long.
        let sources = std::mem::take(&mut self.inner.lock().sources);
        drop(sources);
    }
}
