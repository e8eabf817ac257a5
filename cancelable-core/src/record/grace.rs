//! The grace period of a cancelled operation: the time for which its body is still polled. The grace period of
//! each cancelled ancestor limits it.

use super::Record;
use super::blocking_call::BlockingCall;
use crate::cause::Cause;
use crate::runtime::RuntimeHandle;
use crate::token::{CallbackRegistration, CancellationToken};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The rest of the grace period of a cancelled operation.
pub(crate) enum GraceLeft<'a> {
    /// The grace period has passed, or there is none.
    Over,
    Open {
        /// The end of the grace period; `None` is never.
        until: Option<Instant>,
        /// The token of the nearest ancestor that is not cancelled. Only its cancel may shorten the grace period.
        ancestor: Option<&'a CancellationToken>,
    },
}

/// Returns whether the operation's own options have a grace period.
pub(crate) fn has_grace(record: &Record) -> bool {
    !grace_of(record).is_zero()
}

fn grace_of(record: &Record) -> Duration {
    let options = record.options.as_ref();
    let grace = options.and_then(|options| options.grace);
    grace.unwrap_or_default()
}

/// Returns the blocking call of the operation, if it is one and has a grace period.
fn limited_call(record: &Record) -> Option<Arc<BlockingCall>> {
    let parent = record.parent.as_ref().filter(|_| record.spawned)?;
    let call = parent.children.call(record.label.id());
    call.filter(|call| call.grace().is_some())
}

/// Returns whether the operation has a grace period, as a body or as a blocking call.
pub(crate) fn is_given(record: &Record) -> bool {
    has_grace(record) || limited_call(record).is_some()
}

/// Returns the rest of the grace period at `now`. Requires that the operation is cancelled.
///
/// A cancel covers all descendants. So of the ancestors, only the first that is not cancelled can change the
/// result.
pub(crate) fn left(record: &Record, now: Instant) -> GraceLeft<'_> {
    let mut until = None;
    for operation in record.with_binding_ancestors() {
        if !operation.is_cancelled() {
            return GraceLeft::Open {
                until,
                ancestor: Some(operation.token()),
            };
        }
        let grace = grace_of(operation);
        if grace.is_zero() {
            return GraceLeft::Over;
        }
        let end = note_cancelled_at(operation, now).checked_add(grace);
        until = match (until, end) {
            (Some(until), Some(end)) => Some(end.min(until)),
            (until, end) => until.or(end),
        };
    }
    GraceLeft::Open {
        until,
        ancestor: None,
    }
}

/// Returns the time of the cancel by the clock of the runtime: `now`, if the cancel was not noted before.
fn note_cancelled_at(record: &Record, now: Instant) -> Instant {
    record.with_lasting(|lasting| *lasting.cancelled_at.get_or_insert(now))
}

/// Returns the time of the cancel by the operation's own clock, which reads `now`.
///
/// A token that was cancelled outside every run has a cause with a time of the system's clock. If the operation
/// has another clock, that time does not count, and the time of the first call here is used.
pub(crate) fn cancelled_at(record: &Record, now: Option<Instant>) -> Option<Instant> {
    let cause = record.cause()?;
    let noted = record.on_lasting(|lasting| lasting.cancelled_at).flatten();
    let runtime = record.runtime.as_ref();
    let keeps_systems_time = || runtime.is_some_and(RuntimeHandle::keeps_systems_time);
    noted.or_else(
        || match cause.is_timed_by_system() && !keeps_systems_time() {
            true => Some(note_cancelled_at(record, now?)),
            false => cause.time(),
        },
    )
}

/// Returns the time from the cancel to the end, or to now; `None` for an operation that is not cancelled, and without
/// a runtime.
pub(crate) fn stopping_for(record: &Record) -> Option<Duration> {
    if !record.is_cancelled() {
        return None;
    }
    let until = record.ended_at().or_else(|| record.now())?;
    let since = stopping_since(record, until)?;
    Some(until.saturating_duration_since(since))
}

/// Returns the time of the cancel, or of the opening of an operation that was opened later; `now` is the time of the
/// end if the operation has ended.
pub(crate) fn stopping_since(record: &Record, now: Instant) -> Option<Instant> {
    record.runtime.as_ref()?;
    let cancelled = cancelled_at(record, Some(now))?;
    // As for the age of a snapshot.
    let opened = record.opened.or_else(|| record.started_at());
    Some(opened.map_or(cancelled, |opened| opened.max(cancelled)))
}

/// Records the time of the cancel if the operation is cancelled. Called by a poll of the run.
pub(crate) fn note_cancelled(record: &Record) {
    if record.is_cancelled() {
        let now = record.now();
        cancelled_at(record, now);
    }
}

/// Registers a callback that notes the time of the cancel on the thread that cancels. The cause may have
/// another time: the token that it comes from may have another clock.
pub(crate) fn note_cancel(record: &Arc<Record>) -> CallbackRegistration {
    record.on_cancel(|record, _| {
        if let Some(now) = record.now() {
            note_cancelled_at(record, now);
        }
    })
}

/// Returns the rest of the grace period; `None` while the operation is not cancelled.
pub(crate) fn remaining(record: &Record) -> Option<Duration> {
    if !record.is_cancelled() {
        return None;
    }
    if record.status().is_terminal() || hard_token(record).is_cancelled() {
        return Some(Duration::ZERO);
    }
    let Some(now) = record.now() else {
        return Some(Duration::ZERO);
    };
    if let Some(call) = limited_call(record) {
        let due = call.due_by(now);
        return Some(due.map_or(Duration::MAX, |due| due.saturating_duration_since(now)));
    }
    match left(record, now) {
        GraceLeft::Over => Some(Duration::ZERO),
        GraceLeft::Open { until, .. } => {
            Some(until.map_or(Duration::MAX, |until| until.saturating_duration_since(now)))
        }
    }
}

/// Cancels the operation, and ends its grace period and that of its descendants at once.
pub(crate) fn cancel_now(record: &Record, cause: Cause) -> bool {
    // The teardown of a dropped run continues after the end, and its grace periods end too.
    if record.status().is_terminal() && record.is_settled() {
        return false;
    }
    // First, so that a task that is woken by the cancel finds the grace period over.
    hard_token(record).cancel_with(cause.clone());
    record.cancel(cause)
}

/// Returns the token that ends the grace period at once. The token is a child of the parent's hard token. The
/// hard tokens of all ancestors are made with the first of them, since few operations are ever in their grace
/// period.
pub(crate) fn hard_token(record: &Record) -> CancellationToken {
    let mut missing = Vec::new();
    let mut found = None;
    for operation in record.with_binding_ancestors() {
        found = operation.on_rare(|rare| rare.hard_token.clone()).flatten();
        if found.is_some() {
            break;
        }
        missing.push(operation);
    }
    for operation in missing.iter().rev() {
        let own = match &found {
            Some(parent) => parent.child_token(),
            None => CancellationToken::new(),
        };
        // The token of another thread that was first is used.
        found = Some(operation.with_rare(|rare| match &rare.hard_token {
            Some(first) => first.clone(),
            None => rare.hard_token.insert(own.clone()).clone(),
        }));
    }
    // There is always a token, since the loop has at least one record.
    found.unwrap_or_default()
}
