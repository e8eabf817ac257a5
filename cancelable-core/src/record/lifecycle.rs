//! The lifecycle of a record: opened, entered, closed, settled, or never run.
//!
//! *Closed* means that the status is an end. *Settled* means in addition that no part of the operation runs any
//! more and that no finalizer can be deferred to it. A record is closed and settled in one step, except if its
//! run was dropped: then its children and finalizers go on without the run.

use super::child_reports::{self, LostRun};
use super::handle_count::HandleKind;
use super::run_waker::{self, Registered};
use super::{Inner, Opening, Rare, Record, meters, notify, shielding};
use crate::report::{Report, Status};
use crate::source::Unstarted;
use crate::sync::{Latch, LatchWait, Ordering, StoredWaker, escape, is_logged, log};
use log::Level;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The results of the entry for the run.
pub(crate) struct Entered {
    pub(crate) sources: Option<Box<[Unstarted]>>,
    pub(crate) registered: Registered,
}

/// The end of an operation, for its outcome.
pub(crate) struct Ended {
    pub(crate) status: Status,
    pub(crate) elapsed: Option<Duration>,
    /// The report; `None` if it is empty.
    pub(crate) report: Option<Box<Report>>,
    /// True if there is a partial result for the outcome.
    pub(crate) has_partial: bool,
}

/// The error of an operation that cannot be settled yet: a child, an orphan or a finalizer has come, and has to
/// end first.
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

/// Takes the record from pending to running, once. Its timeout counts from `now`, and `waker` belongs to the task
/// that runs it, if there is one.
///
/// # Errors
///
/// The present status, if the record is not pending.
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
/// A child or an orphan has not been joined, or a finalizer has not run. The record is unchanged.
pub(crate) fn close(record: &Arc<Record>, end: Status) -> Result<Ended, Unfinished> {
    close_at(record, end, record.now(), || {})
}

/// Closes the record as [`close`] does, at `now`, for a run that has read the clock. The run withdraws its
/// waiters from the token in `rest`, which is called before the token is cancelled for the end.
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
    // The waker belongs to a task that has nothing more to do here and may end soon.
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

/// Takes the record from running to an end without settling it, after the loss of its run.
pub(crate) fn close_unsettled(record: &Arc<Record>, end: Status) {
    let now = record.now();
    let (elapsed, waker) = {
        let mut inner = record.inner.lock();
        let elapsed = end_with(record, &mut inner, end, now);
        (elapsed, std::mem::take(&mut inner.run_waker))
    };
    // The task has nothing more to do here, as in `close_at`.
    drop(waker);
    record.end_token();
    after_end(record, end, elapsed, now);
}

/// Settles a record that is closed already, and passes its report to an ancestor.
///
/// # Errors
///
/// The same as of [`close`].
pub(crate) fn settle(record: &Arc<Record>, run: LostRun) -> Result<(), Unfinished> {
    let rare = settle_with(record, &mut record.inner.lock())?;
    end_span(record);
    let (report, latch) = take_report(rare);
    // Before the waiters for the end are woken: they may read the outcome.
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
    // Only the run that entered closes, and it does so once, so the change is allowed.
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
    notify::ended(record, end, elapsed);
    leave_parent(record);
}

/// Closes the span. To be called when no code is inside it any more.
fn end_span(record: &Record) {
    let span = record.inner.lock().span.take();
    span.close();
}

fn leave_parent(record: &Record) {
    if let Some(parent) = record.parent_it_may_outlive() {
        parent.remove_dependent();
    }
}

/// Returns the end of an operation whose run was taken over.
pub(crate) fn ended(record: &Record) -> Ended {
    Ended {
        status: record.status(),
        elapsed: record.elapsed(),
        report: child_reports::take(record),
        has_partial: record.inner.lock().partial.is_some(),
    }
}

/// Returns a wait for the record to be settled; `None` if it is. The latch is made under the lock under which the
/// record is settled, so the end finds the latch.
pub(crate) fn wait_settled(record: &Record) -> Option<LatchWait> {
    let mut inner = record.inner.lock();
    if record.is_settled_in(&inner) {
        return None;
    }
    let rare = inner.rare.get_or_insert_default();
    Some(rare.end.get_or_insert_default().wait())
}

/// Counts a clone of a scope handle.
pub(crate) fn add_handle_clone(record: &Record) -> HandleKind {
    if record.status() != Status::Pending {
        return HandleKind::Clone(0);
    }
    record.handles.add();
    // A thread that does not know of the deferral has no handle that was made after it.
    if !record.has_deferred() {
        return HandleKind::Clone(0);
    }
    record.with_rare(|rare| rare.deferrals.add_clone())
}

/// Counts the handle of a run.
pub(crate) fn add_lasting_handle(record: &Record) -> HandleKind {
    if record.status() == Status::Pending {
        record.handles.add_lasting();
    }
    HandleKind::Lasting
}

/// Removes a scope handle. Returns whether no handle keeps the operation open any more.
fn remove_handle(record: &Record, kind: HandleKind) -> bool {
    if record.status() != Status::Pending {
        return false;
    }
    let (is_last, lasting) = record.handles.remove(kind);
    let none_counts = || record.with_rare(|rare| rare.deferrals.remove(kind, lasting));
    is_last || (record.has_deferred() && none_counts())
}

/// Removes a scope handle. If it was the last handle, closes the record as never run. Returns whether the record was
/// closed.
pub(crate) fn drop_handle(record: &Arc<Record>, kind: HandleKind) -> bool {
    remove_handle(record, kind) && close_unrun(record)
}

/// Closes a pending record as never run, and logs that. Returns whether it was pending.
pub(crate) fn close_unrun(record: &Arc<Record>) -> bool {
    let now = record.now();
    let sources = {
        let mut inner = record.inner.lock();
        if record.status.change(Status::NeverRun).is_err() {
            return false;
        }
        inner.ended = now;
        record.token.fix();
        // The sources will never start, and a handle may keep the record alive for long.
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
    notify::ended(record, Status::NeverRun, None);
    leave_parent(record);
    true
}

/// Takes the report, unless it is empty, and the latch for the end from the rare state of a settled record.
fn take_report(rare: Option<Box<Rare>>) -> (Option<Box<Report>>, Option<Arc<Latch>>) {
    let Some(mut rare) = rare else {
        return (None, None);
    };
    if let Some(bound) = rare.shields.parent_cancel.take() {
        // Does not wait for a running callback: it cancels, and code that it calls may wait for this end.
        bound.unregister();
    }
    let latch = rare.end.take();
    let report = child_reports::take_whole(&mut rare);
    let report = (!report.is_empty()).then(|| Box::new(report));
    (report, latch)
}

fn set_latch(latch: Option<Arc<Latch>>) {
    if let Some(latch) = latch {
        latch.set("the waker of a wait for an operation's end");
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

/// Writes the log line of a status. The line of an end has the error of a failure and the cause of a cancel.
#[cold]
fn write_status(record: &Record, status: Status) {
    let error = match status {
        Status::Failed => record.error(),
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
            "{label} is {status}, cancel cause: {cause}"
        ),
        (Some(error), Some(cause), Some(reason)) => log!(
            Debug, operation = name, id, status = word, error = &**error, reason,
            cause:% = cause;
            "{label} is {status}: {error}, cancel cause: {cause}"
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
