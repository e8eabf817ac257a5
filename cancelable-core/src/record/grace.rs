//! The grace period of a cancelled operation: how long its body may go on, clamped to what each cancelled
//! ancestor leaves.

use super::Record;
use crate::cause::Cause;
use crate::runtime::RuntimeHandle;
use crate::token::{CallbackRegistration, CancellationToken};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The rest of the grace period of a cancelled operation.
pub(crate) enum GraceLeft<'a> {
    /// Nothing, or nothing any more.
    Over,
    Open {
        /// Its end; `None` is never.
        until: Option<Instant>,
        /// The token of the nearest operation above that is not cancelled. Its cancel may shorten
        /// the grace period, and only that.
        above: Option<&'a CancellationToken>,
    },
}

/// Whether the operation's own options let the body go on after a cancel at all.
pub(crate) fn has_grace(record: &Record) -> bool {
    !grace_of(record).is_zero()
}

fn grace_of(record: &Record) -> Duration {
    let options = record.options.as_ref();
    options.map_or(Duration::ZERO, |options| options.grace)
}

/// The rest at `now`. Requires that the operation is cancelled.
///
/// The cancelled operations are the lower part of the line, so the first one that is not
/// cancelled is all that has to be watched for changes.
pub(crate) fn left(record: &Record, now: Instant) -> GraceLeft<'_> {
    let mut until = None;
    for on_line in record.with_binding_ancestors() {
        if !on_line.is_cancelled() {
            return GraceLeft::Open {
                until,
                above: Some(on_line.token()),
            };
        }
        let grace = grace_of(on_line);
        if grace.is_zero() {
            return GraceLeft::Over;
        }
        let end = note_cancelled_at(on_line, now).checked_add(grace);
        until = match (until, end) {
            (Some(until), Some(end)) => Some(end.min(until)),
            (until, end) => until.or(end),
        };
    }
    GraceLeft::Open { until, above: None }
}

/// The time of the cancel, by the clock of the runtime: now, if nobody saw the cancel before.
fn note_cancelled_at(record: &Record, now: Instant) -> Instant {
    record.with_rare(|rare| *rare.cancelled_at.get_or_insert(now))
}

/// The time of the cancel, by the operation's own clock, as asked at `now`.
///
/// A token that was cancelled outside every run has a cause by the system's clock. Where that is
/// another one it does not count, but the first look here does.
pub(crate) fn cancelled_at(record: &Record, now: Option<Instant>) -> Option<Instant> {
    let cause = record.cause()?;
    let noted = record.on_rare(|rare| rare.cancelled_at).flatten();
    let runtime = record.runtime.as_ref();
    let keeps_systems_time = || runtime.is_some_and(RuntimeHandle::keeps_systems_time);
    noted.or_else(
        || match cause.is_timed_by_system() && !keeps_systems_time() {
            true => Some(note_cancelled_at(record, now?)),
            false => cause.time(),
        },
    )
}

/// Takes the first look at a cancel, for a run that goes on after it.
pub(crate) fn note_cancelled(record: &Record) {
    if record.is_cancelled() {
        let now = record.now();
        cancelled_at(record, now);
    }
}

/// Has the time of the cancel noted on the thread that cancels. The cause does not have it: the token
/// that it comes from may have had another clock.
pub(crate) fn note_cancel(record: &Arc<Record>) -> CallbackRegistration {
    let weak = Arc::downgrade(record);
    record.token().on_cancel(move |cause| {
        let Some(record) = weak.upgrade() else {
            return;
        };
        if cause.is_end_of(&record.label) {
            return;
        }
        if let Some(now) = record.now() {
            note_cancelled_at(&record, now);
        }
    })
}

/// The time that is left of the grace period; `None` while the operation is not cancelled.
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
    match left(record, now) {
        GraceLeft::Over => Some(Duration::ZERO),
        GraceLeft::Open { until, .. } => {
            Some(until.map_or(Duration::MAX, |until| until.saturating_duration_since(now)))
        }
    }
}

/// Cancels, and ends the grace period of this operation and of those below it at once.
pub(crate) fn cancel_now(record: &Record, cause: Cause) -> bool {
    // What a dropped run has left goes on after the end, and is hurried all the same.
    if record.status().is_terminal() && record.is_settled() {
        return false;
    }
    // First, so that a task that is woken by the cancel finds the grace period over.
    hard_token(record).cancel_with(cause.clone());
    record.cancel(cause)
}

/// The token that ends the grace period at once. It is a child of the parent's such token. All of them up to the
/// outermost ancestor are made when one is first asked for: few operations are ever in their grace period.
pub(crate) fn hard_token(record: &Record) -> CancellationToken {
    let mut missing = Vec::new();
    let mut found = None;
    for on_line in record.with_binding_ancestors() {
        found = on_line.on_rare(|rare| rare.hard_token.clone()).flatten();
        if found.is_some() {
            break;
        }
        missing.push(on_line);
    }
    for on_line in missing.iter().rev() {
        let own = match &found {
            Some(above) => above.child_token(),
            None => CancellationToken::new(),
        };
        // Another thread may have been first, and then its token counts.
        found = Some(on_line.with_rare(|rare| match &rare.hard_token {
            Some(first) => first.clone(),
            None => rare.hard_token.insert(own.clone()).clone(),
        }));
    }
    // There is one: the line is never empty.
    found.unwrap_or_default()
}
