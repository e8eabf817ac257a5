//! The line from an operation up through everything it is a part of: where its effective deadline
//! comes from, and whose deadline it was when time runs out.
//!
//! Each record is locked alone, one after the other. A deadline that moves meanwhile is seen by
//! the next look, to which the move leads: it wakes the run whose deadline it is.

use super::record::Record;
use super::runner;
use crate::cause::Cause;
use crate::source::{Limit, LimitKind};
use std::time::{Duration, Instant};

impl Record {
    /// This record and those above it that bind it, innermost first. What was opened inside a
    /// shield that is open is the end of its line.
    pub(super) fn line(&self) -> impl Iterator<Item = &Record> {
        std::iter::successors(Some(self), |record| record.above())
    }

    pub(super) fn above(&self) -> Option<&Record> {
        match self.is_isolated() {
            true => None,
            false => self.parent.as_deref(),
        }
    }

    fn own_due(&self) -> Option<Instant> {
        self.inner.lock().deadline.due().map(|due| due.at)
    }

    /// Why this record is cancelled at `now`, if its own deadline is reached then.
    fn overdue(&self, now: Instant) -> Option<Cause> {
        let (limit, counted_from) = {
            let inner = self.inner.lock();
            let due = inner.deadline.due().filter(|due| due.at <= now)?;
            let counted_from = inner.started.and_then(|start| due.counted_from(start));
            (due.limit(), counted_from)
        };
        Some(limit.cause().counted_from(counted_from))
    }

    /// The earliest deadline on the line.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.line().filter_map(Self::own_due).min()
    }

    /// The deadline that comes from above, given the one of a record that may be the next there.
    pub(crate) fn deadline_above(
        &self,
        known: Option<(&Record, Option<Instant>)>,
    ) -> Option<Instant> {
        // Without a clock there is no deadline, and the line may be long.
        self.runtime.as_ref()?;
        let above = self.above()?;
        match known {
            Some((record, deadline)) if std::ptr::eq(above, record) => deadline,
            _ => above.deadline(),
        }
    }

    pub(super) fn remaining(&self) -> Option<Duration> {
        let now = self.now()?;
        // The lock must not be held over the walk above.
        let own = self.inner.lock().deadline.due_from(now);
        let above = self.above().and_then(|above| above.deadline());
        let earliest = own.into_iter().chain(above).min()?;
        Some(earliest.saturating_duration_since(now))
    }

    /// Cancels for a deadline on the line that is reached at `now`: the outermost such, because
    /// the scopes inside it end with it in any case. True if this operation is cancelled.
    ///
    /// The operation whose deadline it was is cancelled, and the others inherit. If it has ended
    /// already, nothing of it is left to cancel, and the next one below that has not is cancelled
    /// in its place, with the same cause.
    pub(crate) fn expire(&self, now: Instant) -> bool {
        let mut outermost = None;
        let mut target = self;
        for record in self.line() {
            if !record.status().is_closed() {
                target = record;
            }
            if let Some(cause) = record.overdue(now) {
                outermost = Some((record, cause, target));
            }
        }
        if let Some((record, cause, target)) = outermost {
            target.cancel(cause.with_operation(record.label.clone()).with_time(now));
        }
        self.is_cancelled()
    }

    /// As [`expire`](Self::expire), now, where there is a clock and a deadline.
    pub(crate) fn expire_if_due(&self) {
        // The clock first: without one there is no deadline, and the line may be long.
        let Some(runtime) = &self.runtime else {
            return;
        };
        if let Some(deadline) = self.deadline() {
            let now = runtime.now();
            if deadline <= now {
                self.expire(now);
            }
        }
    }

    /// Puts `limit` in the place of this record's own deadline.
    ///
    /// The run is called under the lock under which the deadline moves, so it finds the new one.
    pub(crate) fn move_deadline(&self, limit: Limit, now: Instant) {
        // One that is over at its entry is over now.
        let is_nothing = matches!(limit.kind(), LimitKind::After(span) if span.is_zero());
        let waker = {
            let mut inner = self.inner.lock();
            let counts = is_nothing || inner.started.is_some();
            inner.deadline.replace(limit, counts.then_some(now));
            self.take_runner(&mut inner)
        };
        self.expire_if_due();
        runner::wake(waker);
    }
}
