//! The deferral of a finalizer to the end of an operation, and its removal for its run.

use super::Record;
use super::finalizer::{CleanupOutput, Finalizer};
use crate::cause::Named;
use crate::error::{Refusal, RefusalReason, Rejected};
use crate::report::{CleanupError, Failure, Status};
use crate::sync::{Ordering, escape, log};
use std::borrow::Cow;
use std::future::Future;
use std::panic::Location;

/// Defers `future`, to run before all finalizers that were deferred so far.
///
/// # Errors
///
/// The record is settled; the future is returned.
pub(crate) fn defer<C>(
    record: &Record,
    name: Cow<'static, str>,
    location: &'static Location<'static>,
    future: C,
) -> Result<(), Rejected<C>>
where
    C: Future<Output: CleanupOutput> + Send + 'static,
{
    let mut inner = record.inner.lock();
    if record.is_settled_in(&inner) {
        drop(inner);
        let refusal = Refusal {
            operation: record.label.clone(),
            request: "a finalizer",
            reason: RefusalReason::Ended(record.status().words()),
        };
        return Err(refusal.with(future));
    }
    // Boxed only here, so that a refused future is returned as it was.
    let finalizer = Finalizer::new(name, location, future);
    let rare = inner.rare.get_or_insert_default();
    rare.cleanup.push(finalizer);
    // The finalizer may hold any scope handle; see `handle_count.rs`.
    if record.status() == Status::Pending {
        rare.deferrals.note();
    }
    // Relaxed: a hint. The end checks under the lock.
    record.deferred.store(true, Ordering::Relaxed);
    Ok(())
}

/// Takes out the next finalizer, and notes it as the running one.
pub(crate) fn next(record: &Record) -> Option<Finalizer> {
    let now = record.now();
    record.on_rare(|rare| rare.cleanup.next(now))?
}

pub(crate) fn note_poll(record: &Record) {
    let now = record.now();
    record.on_rare(|rare| rare.cleanup.note_poll(now));
}

/// Keeps the error of a finalizer for the outcome, and logs it: a run that was dropped may have no outcome.
pub(crate) fn note_error(record: &Record, error: CleanupError) {
    log!(
        Warn,
        operation = &*record.label.shown_name(), id = record.label.id().get(),
        finalizer = &*escape(error.name()), location:% = error.location();
        "{}: {error}", record.label
    );
    record.with_rare(|rare| rare.cleanup.errors.push(error));
}

/// Keeps and logs the loss of a finalizer that no runtime will run.
pub(crate) fn note_lost(record: &Record, finalizer: &Finalizer) {
    let (name, location) = (&finalizer.name, finalizer.location);
    log!(
        Warn,
        operation = &*record.label.shown_name(), id = record.label.id().get(),
        finalizer = &*escape(name), location:% = location;
        "{} of {} is lost, because no runtime runs it: it was deferred at {location}",
        Named("finalizer", name), record.label
    );
    let error = CleanupError::new(name.clone(), location, Failure::Lost);
    record.with_rare(|rare| rare.cleanup.errors.push(error));
}
