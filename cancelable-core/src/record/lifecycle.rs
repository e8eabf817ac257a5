//! The steps of a record's life: opened, entered, closed, settled, or never run.
//!
//! *Closed* means that the status is an end. *Settled* means in addition that nothing of the
//! operation runs any more and that nothing can be deferred to it. The two come together, except
//! where the run was dropped and its children and finalizers go on without it.

use super::child_reports::{self, LostRun};
use super::run_waker::{self, Registered};
use super::{Inner, Opening, Rare, Record, meters, notes, notify, shielding};
use crate::report::{Report, Status};
use crate::source::Unstarted;
use crate::sync::{Latch, LatchWait, Ordering, StoredWaker, escape, is_logged, log};
use log::Level;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The parts that a run takes over when it enters.
pub(crate) struct Entered {
    pub(crate) sources: Option<Box<[Unstarted]>>,
    pub(crate) registered: Registered,
}

/// The closing of an operation, for its outcome.
pub(crate) struct Ended {
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

/// Opens a pending record with one scope handle.
pub(crate) fn open(opening: Opening) -> Arc<Record> {
    let record = Arc::new(Record::new(opening));
    shielding::insert(&record);
    if let Some(parent) = record.parent_it_may_outlive() {
        parent.add_dependent();
    }
    log_status(&record, Status::Pending);
    notify::opened(&record);
    record
}

/// Takes the record from pending to running, once. Its timeout counts from `now`, and `waker`
/// is the one of the task that runs it, if it has one.
///
/// # Errors
///
/// The present status, if the record was entered before, or was never run.
pub(crate) fn enter(
    record: &Arc<Record>,
    now: Option<Instant>,
    mut waker: StoredWaker,
) -> Result<Entered, Status> {
    let entered = {
        let mut inner = record.inner.lock();
        record.status.change(Status::Running)?;
        inner.started = now;
        if let Some(now) = now {
            inner.deadlines.enter(now);
        }
        Entered {
            sources: inner.sources.take(),
            registered: run_waker::register_with(record, &mut inner, &mut waker),
        }
    };
    if let Some(parent) = watching_parent(record) {
        let (id, handle) = (record.label.id(), Arc::downgrade(record));
        parent.with_rare(|rare| rare.diagnostics.inside.insert(id, handle));
    }
    log_status(record, Status::Running);
    notify::entered(record);
    Ok(entered)
}

fn watching_parent(record: &Record) -> Option<&Arc<Record>> {
    record.parent.as_ref().filter(|parent| parent.watched)
}

/// Takes the record from running to an end and settles it.
///
/// # Errors
///
/// A child or an orphan has not been joined, or something was deferred that has not run. Nothing has
/// changed.
pub(crate) fn close(record: &Arc<Record>, end: Status) -> Result<Ended, Unfinished> {
    close_at(record, end, record.now(), || {})
}

/// [`close`] at `now`, for a run that has looked at the clock for its last time. It takes
/// back what it has left at the token in `rest`, which is called before that is cancelled.
pub(crate) fn close_at(
    record: &Arc<Record>,
    end: Status,
    now: Option<Instant>,
    rest: impl FnOnce(),
) -> Result<Ended, Unfinished> {
    let (elapsed, rare, has_partial, waker) = {
        let mut inner = record.inner.lock();
        let rare = settle_with(record, &mut inner)?;
        let has_partial = inner.partial.as_ref().is_some_and(|slot| slot.is_filled());
        let elapsed = end_with(record, &mut inner, end, now);
        let waker = std::mem::take(&mut inner.run_waker);
        (elapsed, rare, has_partial, waker)
    };
    // The waker belongs to a task that has nothing more to do here and may be gone soon.
    drop(waker);
    rest();
    record.end_token();
    after_end(record, end, elapsed, now);
    end_span(record);
    let (report, latch) = take_report(rare);
    set_latch(latch);
    Ok(Ended {
        status: end,
        elapsed,
        report,
        has_partial,
    })
}

/// Takes the record from running to an end, without settling it: it has lost its run.
pub(crate) fn close_unsettled(record: &Arc<Record>, end: Status) {
    let now = record.now();
    let (elapsed, waker) = {
        let mut inner = record.inner.lock();
        let elapsed = end_with(record, &mut inner, end, now);
        (elapsed, std::mem::take(&mut inner.run_waker))
    };
    // As above.
    drop(waker);
    record.end_token();
    after_end(record, end, elapsed, now);
}

/// Settles a record that is closed already, and has what is above report on it.
///
/// # Errors
///
/// As for [`close`].
pub(crate) fn settle(record: &Arc<Record>, run: LostRun) -> Result<(), Unfinished> {
    let rare = settle_with(record, &mut record.inner.lock())?;
    end_span(record);
    let (report, latch) = take_report(rare);
    // Before the waiters for the end are woken: they may look at the outcome.
    child_reports::propagate_lost(record, report, run);
    set_latch(latch);
    Ok(())
}

fn end_with(
    record: &Record,
    inner: &mut Inner,
    end: Status,
    now: Option<Instant>,
) -> Option<Duration> {
    inner.ended = now;
    // Only the run that entered closes, and it does so once, so the table allows it.
    let _ = record.status.change(end);
    record.token.fix();
    now.zip(inner.started)
        .map(|(now, started)| now.saturating_duration_since(started))
}

#[inline]
fn after_end(record: &Arc<Record>, end: Status, elapsed: Option<Duration>, now: Option<Instant>) {
    if let Some(parent) = watching_parent(record) {
        let id = record.label.id();
        parent.on_rare(|rare| rare.diagnostics.inside.remove(&id));
    }
    shielding::remove(record);
    meters::end(record, now);
    log_status(record, end);
    notify::closed(record, end, elapsed);
    leave_parent(record);
}

/// Closes the span, as soon as no code is inside it any more.
fn end_span(record: &Record) {
    let span = record.inner.lock().span.take();
    span.close();
}

fn leave_parent(record: &Record) {
    if let Some(parent) = record.parent_it_may_outlive() {
        parent.remove_dependent();
    }
}

/// The closing of an operation, for a run that was taken over.
pub(crate) fn ended(record: &Record) -> Ended {
    Ended {
        status: record.status(),
        elapsed: record.elapsed(),
        report: child_reports::take(record),
        has_partial: record.inner.lock().partial.is_some(),
    }
}

/// Completes when the record is settled; none if it is. Made under the lock under which the record is
/// settled, so the end finds the latch.
pub(crate) fn wait_settled(record: &Record) -> Option<LatchWait> {
    let mut inner = record.inner.lock();
    if record.is_settled_in(&inner) {
        return None;
    }
    let rare = inner.rare.get_or_insert_default();
    Some(rare.end.get_or_insert_default().wait())
}

/// Gives a pending record up, and logs it: nobody can enter it any more. True if it was pending.
pub(crate) fn close_unrun(record: &Arc<Record>) -> bool {
    let now = record.now();
    let sources = {
        let mut inner = record.inner.lock();
        if record.status.change(Status::NeverRun).is_err() {
            return false;
        }
        inner.ended = now;
        record.token.fix();
        // Nothing will start them, and a handle may keep the record for long.
        inner.sources.take()
    };
    record.log_cancel();
    log!(
        Warn,
        operation = &*record.label.shown_name(), id = record.label.id().get(),
        status = Status::NeverRun.as_str(), location:% = record.location;
        "{} was dropped without being run; it was opened at {}", record.label, record.location
    );
    drop(sources);
    shielding::remove(record);
    record.end_token();
    meters::end(record, now);
    end_span(record);
    notify::closed(record, Status::NeverRun, None);
    leave_parent(record);
    true
}

/// Lets go of the rare state of a record that is settled: its report, if there is something to say, and the latch
/// for its end.
fn take_report(rare: Option<Box<Rare>>) -> (Option<Box<Report>>, Option<Arc<Latch>>) {
    let Some(mut rare) = rare else {
        return (None, None);
    };
    if let Some(bound) = rare.shields.parent_cancel.take() {
        // Without waiting for a callback that runs: it cancels, and what it calls may wait for this end.
        bound.unregister();
    }
    let latch = rare.end.take();
    let report = child_reports::take_whole(&mut rare);
    let report = (!report.is_empty()).then(|| Box::new(report));
    (report, latch)
}

fn set_latch(latch: Option<Arc<Latch>>) {
    if let Some(latch) = latch {
        latch.set("the waker of who waits for an operation's end");
    }
}

fn settle_with(record: &Record, inner: &mut Inner) -> Result<Option<Box<Rare>>, Unfinished> {
    let rare = inner.rare.as_ref();
    if record.children.is_occupied() || rare.is_some_and(|rare| rare.cleanup.has_waiting()) {
        return Err(Unfinished);
    }
    // Relaxed: under the lock.
    record.settled.store(true, Ordering::Relaxed);
    Ok(inner.rare.take())
}

fn log_status(record: &Record, status: Status) {
    if is_logged(Level::Debug) {
        write_status(record, status);
    }
}

/// The line of an end has the error, if it failed, and the cause, if it was asked to stop.
#[cold]
fn write_status(record: &Record, status: Status) {
    let error = match status {
        Status::Failed => notes::error(record),
        _ => None,
    };
    let error = error.as_deref().map(escape);
    let cause = match status.is_terminal() {
        true => record.cause(),
        false => None,
    };
    if cause.is_some() {
        record.log_cancel();
    }
    let reason = cause.as_ref().map(|cause| cause.reason().as_str());
    let (name, id) = (record.label.shown_name(), record.label.id().get());
    let (name, word) = (&*name, status.as_str());
    let label = &record.label;
    match (&error, &cause, reason) {
        (None, Some(cause), Some(reason)) => log!(
            Debug, operation = name, id, status = word, reason, cause:% = cause;
            "{label} is {status}, asked to stop: {cause}"
        ),
        (Some(error), Some(cause), Some(reason)) => log!(
            Debug, operation = name, id, status = word, error = &**error, reason,
            cause:% = cause;
            "{label} is {status}: {error}, asked to stop: {cause}"
        ),
        (Some(error), ..) => log!(
            Debug, operation = name, id, status = word, error = &**error;
            "{label} is {status}: {error}"
        ),
        _ => log!(
            Debug, operation = name, id, status = word;
            "{label} is {status}"
        ),
    }
}
