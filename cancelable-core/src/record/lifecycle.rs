//! The steps of a record's life: entered, closed, settled, or abandoned.
//!
//! *Closed* means that the status is an end. *Settled* means in addition that nothing of the
//! operation runs any more and that nothing can be deferred to it. The two come together, except
//! where the run was dropped and its children and finalizers go on without it.

use super::aside::Aside;
use super::child_reports::Lost;
use super::children::Nursery;
use super::run_waker::Followed;
use super::{Inner, Record};
use crate::report::Report;
use crate::report::Status;
use crate::source::Unstarted;
use crate::sync::{Latch, LatchWait, StoredWaker, log};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a run that enters takes over.
pub(crate) struct Entered {
    pub(crate) sources: Option<Box<[Unstarted]>>,
    pub(crate) followed: Followed,
}

/// How an operation was closed.
pub(crate) struct Closing {
    pub(crate) status: Status,
    pub(crate) elapsed: Option<Duration>,
    /// None where there is nothing to say.
    pub(crate) report: Option<Box<Report>>,
    /// There is a partial result for the outcome to take.
    pub(crate) has_partial: bool,
}

/// A child came in, an orphan did, or something was deferred, and has to end before the operation can be
/// settled.
pub(crate) struct Unfinished;

impl Record {
    /// Takes the record from pending to running, once. Its timeout counts from `now`, and `waker`
    /// is the one of the task that runs it, if it has one.
    ///
    /// # Errors
    ///
    /// The present status, if the record was entered or abandoned before.
    pub(crate) fn enter(
        self: &Arc<Self>,
        now: Option<Instant>,
        mut waker: StoredWaker,
    ) -> Result<Entered, Status> {
        let entered = {
            let mut inner = self.inner.lock();
            self.status.change(Status::Running)?;
            inner.started = now;
            if let Some(now) = now {
                inner.deadline.enter(now);
                inner.deadline_moved();
            }
            Entered {
                sources: inner.sources.take(),
                followed: self.follow_with(&mut inner, &mut waker),
            }
        };
        if let Some(parent) = self.watching_parent() {
            let (id, record) = (self.label.id(), Arc::downgrade(self));
            parent.with_aside(|aside| aside.inside.insert(id, record));
        }
        self.log_status(Status::Running);
        self.notify_entered();
        Ok(entered)
    }

    fn watching_parent(&self) -> Option<&Arc<Self>> {
        self.parent.as_ref().filter(|parent| parent.watched)
    }

    /// Takes the record from running to an end and settles it.
    ///
    /// # Errors
    ///
    /// A child or an orphan has not been joined, or something was deferred that has not run. Nothing has
    /// changed.
    pub(crate) fn close(self: &Arc<Self>, end: Status) -> Result<Closing, Unfinished> {
        self.close_at(end, self.now(), || {})
    }

    /// [`close`](Self::close) at `now`, for a run that has looked at the clock for its last time. It takes
    /// back what it has left at the token in `rest`, which is called before that is cancelled.
    pub(crate) fn close_at(
        self: &Arc<Self>,
        end: Status,
        now: Option<Instant>,
        rest: impl FnOnce(),
    ) -> Result<Closing, Unfinished> {
        let (elapsed, aside, has_partial, waker) = {
            let mut inner = self.inner.lock();
            let aside = inner.seal(&self.nursery)?;
            let has_partial = inner.partial.as_ref().is_some_and(|slot| slot.is_filled());
            let elapsed = self.end(&mut inner, end, now);
            (
                elapsed,
                aside,
                has_partial,
                std::mem::take(&mut inner.runner),
            )
        };
        // The waker belongs to a task that has nothing more to do here and may be gone soon.
        drop(waker);
        rest();
        self.end_token();
        self.after_end(end, elapsed, now);
        self.end_span();
        let (report, latch) = let_go(aside);
        tell_settled(latch);
        Ok(Closing {
            status: end,
            elapsed,
            report,
            has_partial,
        })
    }

    /// Takes the record from running to an end, without settling it: it has lost its run.
    pub(crate) fn close_unsettled(self: &Arc<Self>, end: Status) {
        let now = self.now();
        let (elapsed, waker) = {
            let mut inner = self.inner.lock();
            let elapsed = self.end(&mut inner, end, now);
            (elapsed, std::mem::take(&mut inner.runner))
        };
        // As above.
        drop(waker);
        self.end_token();
        self.after_end(end, elapsed, now);
    }

    /// Settles a record that is closed already, and has what is above report on it.
    ///
    /// # Errors
    ///
    /// As for [`close`](Self::close).
    pub(crate) fn settle(self: &Arc<Self>, run: Lost) -> Result<(), Unfinished> {
        let aside = self.inner.lock().seal(&self.nursery)?;
        self.end_span();
        let (report, latch) = let_go(aside);
        // Before who waits for the end goes on: it may look at the outcome.
        self.report_up(report, run);
        tell_settled(latch);
        Ok(())
    }

    fn end(&self, inner: &mut Inner, end: Status, now: Option<Instant>) -> Option<Duration> {
        inner.ended = now;
        // Only the run that entered closes, and it does so once, so the table allows it.
        let _ = self.status.change(end);
        self.fix_cancel();
        now.zip(inner.started)
            .map(|(now, started)| now.saturating_duration_since(started))
    }

    #[inline]
    fn after_end(self: &Arc<Self>, end: Status, elapsed: Option<Duration>, now: Option<Instant>) {
        if let Some(parent) = self.watching_parent() {
            let id = self.label.id();
            parent.on_aside(|aside| aside.inside.remove(&id));
        }
        if let Some(shelter) = &self.shelter {
            shelter.outermost().leave(self.label.id());
        }
        self.end_progress(now);
        self.log_status(end);
        self.notify_closed(end, elapsed);
        self.leave_parent();
    }

    /// Closes the span, as soon as no code is inside it any more.
    fn end_span(&self) {
        let span = self.inner.lock().span.take();
        span.close();
    }

    /// A spawned child is joined, so nothing of it goes on after the end of its scope.
    pub(crate) fn parent_it_may_outlive(&self) -> Option<&Arc<Self>> {
        self.parent.as_ref().filter(|_| !self.spawned)
    }

    fn leave_parent(&self) {
        if let Some(parent) = self.parent_it_may_outlive() {
            parent.end_inside();
        }
    }

    /// How an operation was closed, for a run that was taken over.
    pub(crate) fn closing(&self) -> Closing {
        Closing {
            status: self.status(),
            elapsed: self.elapsed(),
            report: self.take_report(),
            has_partial: self.inner.lock().partial.is_some(),
        }
    }

    /// Whether nothing can be attached any more.
    pub(crate) fn is_sealed(&self) -> bool {
        self.inner.lock().sealed
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.inner.lock().settled
    }

    /// Completes when the record is settled; none if it is. Made under the lock under which the record is
    /// sealed, so whoever seals it finds the latch.
    pub(crate) fn wait_settled(&self) -> Option<LatchWait> {
        let mut inner = self.inner.lock();
        if inner.settled {
            return None;
        }
        let aside = inner.aside.get_or_insert_default();
        Some(aside.settled.get_or_insert_default().wait())
    }

    /// Gives a pending record up, and says so: nobody can enter it any more. True if it was pending.
    pub(crate) fn abandon(self: &Arc<Self>) -> bool {
        let now = self.now();
        let sources = {
            let mut inner = self.inner.lock();
            if self.status.change(Status::Abandoned).is_err() {
                return false;
            }
            inner.ended = now;
            self.fix_cancel();
            // Nothing will start them, and a handle may keep the record for long.
            inner.sources.take()
        };
        self.log_cancel();
        log!(
            Warn,
            operation = &*self.label.shown_name(), id = self.label.id().get(),
            status = Status::Abandoned.as_str(), opened_at:% = self.opened_at;
            "{} was dropped without being run; it was opened at {}", self.label, self.opened_at
        );
        drop(sources);
        if let Some(shelter) = &self.shelter {
            shelter.outermost().leave(self.label.id());
        }
        self.end_token();
        self.end_progress(now);
        self.end_span();
        self.notify_closed(Status::Abandoned, None);
        self.leave_parent();
        true
    }
}

/// Lets go of what lay beside a record that is settled: its report, if there is something to say, and what those
/// wait for who wait for its end.
fn let_go(aside: Option<Box<Aside>>) -> (Option<Box<Report>>, Option<Arc<Latch>>) {
    let Some(mut aside) = aside else {
        return (None, None);
    };
    if let Some(bound) = aside.bound.take() {
        // Without waiting for a callback that runs: it cancels, and what it calls may wait for this end.
        bound.unregister();
    }
    let latch = aside.settled.take();
    let report = aside.take_whole_report();
    let report = (!report.is_empty()).then(|| Box::new(report));
    (report, latch)
}

fn tell_settled(latch: Option<Arc<Latch>>) {
    if let Some(latch) = latch {
        latch.set("the waker of who waits for an operation's end");
    }
}

impl Inner {
    fn seal(&mut self, nursery: &Nursery) -> Result<Option<Box<Aside>>, Unfinished> {
        let aside = self.aside.as_ref();
        if nursery.is_occupied() || aside.is_some_and(|aside| !aside.finalizers.is_empty()) {
            return Err(Unfinished);
        }
        self.sealed = true;
        self.settled = true;
        Ok(self.aside.take())
    }
}
