//! The line from an operation up through everything it is a part of: where its effective deadline
//! comes from, and whose deadline it was when time runs out.
//!
//! Each record is locked alone, one after the other. A deadline that moves meanwhile is seen by
//! the next look, to which the move leads: it wakes the run whose deadline it is.

use super::deadline::Due;
use super::record::Record;
use crate::source::Limit;
use crate::sync::{Ordering, isolate};
use std::task::Waker;
use std::time::{Duration, Instant};

impl Record {
    /// This record and those above it, innermost first.
    fn line(&self) -> impl Iterator<Item = &Record> {
        std::iter::successors(Some(self), |record| record.parent.as_deref())
    }

    fn own_due(&self) -> Option<Due> {
        self.inner.lock().deadline.due()
    }

    /// The earlier of `own` and the deadlines above.
    pub(super) fn bounded(&self, own: Option<Due>) -> Option<Instant> {
        let above = self.parent.as_ref().and_then(|parent| parent.deadline());
        own.map(|due| due.at).into_iter().chain(above).min()
    }

    /// The earliest deadline on the line.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.line()
            .filter_map(|record| Some(record.own_due()?.at))
            .min()
    }

    pub(super) fn remaining(&self) -> Option<Duration> {
        let now = self.now()?;
        // Copied out: the lock must not be held over the walk above.
        let own = self.inner.lock().deadline;
        let earliest = self.bounded(own.due_from(now))?;
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
            if let Some(due) = record.own_due() {
                if due.at <= now {
                    outermost = Some((record, due.limit, target));
                }
            }
        }
        if let Some((record, limit, target)) = outermost {
            target.cancel(
                limit
                    .cause()
                    .with_operation(record.label.clone())
                    .with_time(now),
            );
        }
        self.token.is_cancelled()
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
    pub(crate) fn move_deadline(&self, limit: Limit, now: Instant) {
        let (entered, runner) = {
            let mut inner = self.inner.lock();
            let entered = inner.started.is_some();
            inner.deadline.replace(limit, entered.then_some(now));
            // Relaxed: it changes under the lock, and who finds it changed takes the lock to read
            // the deadline. Who misses it is woken below.
            self.moves.fetch_add(1, Ordering::Relaxed);
            (entered, inner.runner.take())
        };
        if entered {
            self.expire_if_due();
        }
        if let Some(runner) = runner {
            // A waker is code of a user.
            isolate("a waker", || runner.wake());
        }
    }

    /// Keeps `runner` for the next move of the deadline. Answers how many moves there were and the
    /// effective deadline after them.
    ///
    /// No wake is lost: this stores the waker and reads the deadline under the lock under which a
    /// move changes the deadline and takes the waker. Whichever comes second sees the other.
    pub(crate) fn follow(&self, runner: Waker) -> (u64, Option<Instant>) {
        let (replaced, moves, own) = {
            let mut inner = self.inner.lock();
            let replaced = inner.runner.replace(runner);
            (replaced, self.moves(), inner.deadline.due())
        };
        drop(replaced);
        (moves, self.bounded(own))
    }

    /// How many moves of the deadline there were, as a hint: see [`follow`](Self::follow).
    pub(crate) fn moves(&self) -> u64 {
        // Relaxed: as in `move_deadline`.
        self.moves.load(Ordering::Relaxed)
    }
}
