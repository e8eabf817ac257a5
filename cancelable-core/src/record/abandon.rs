//! The join of the children, and the abandonment of blocking calls that have not ended in time after their cancel.
//!
//! A blocking call is abandoned by the run that joins it, or by the task that awaits its handle while the body
//! still runs. The first of them abandons the call, and the other finds it abandoned.

use super::{Record, stragglers};
use crate::cause::OperationId;
use crate::runtime::RuntimeHandle;
use crate::sync::log;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

/// Returns ready when nothing is left to join, or only blocking calls that were abandoned. The table is closed
/// from then on. One run waits at a time.
///
/// Wakes: the waker is registered before the table is checked for the last time, and an entry is removed before
/// its owner is woken. The cancel of a blocking call wakes too, so that its abandonment is timed.
pub(crate) fn poll_joined(record: &Record, cx: &mut Context<'_>) -> Poll<()> {
    let children = &record.children;
    if children.close_if_done() {
        return Poll::Ready(());
    }
    children.register(cx);
    abandon_overdue(record, cx);
    match children.close_if_done() {
        true => Poll::Ready(()),
        false => Poll::Pending,
    }
}

/// Abandons the calls whose time is up, and sets the timer for the next call.
fn abandon_overdue(record: &Record, cx: &mut Context<'_>) {
    let children = &record.children;
    // Ends: each round after the first follows a timer that has passed the earliest time, so it abandons at least
    // one call.
    loop {
        let mut earliest: Option<(Instant, RuntimeHandle)> = None;
        for (id, call) in children.awaited_calls() {
            match call.due() {
                Some(due) if due <= call.runtime().now() => abandon_call(record, id),
                Some(due) if earliest.as_ref().is_none_or(|(at, _)| due < *at) => {
                    earliest = Some((due, call.runtime().clone()));
                }
                _ => {}
            }
        }
        let Some((due, runtime)) = earliest else {
            return;
        };
        // Taken out for the poll, which runs code of the runtime.
        let mut timer = match children.take_abandon_timer() {
            Some(timer) => timer,
            None => runtime.sleep_until(due),
        };
        if timer.deadline() != Some(due) {
            timer.reset(due);
        }
        let polled = Pin::new(&mut timer).poll(cx);
        children.put_abandon_timer(timer);
        if polled.is_pending() {
            return;
        }
    }
}

/// Abandons a blocking call of `owner`, keeps it as a straggler of `owner`, and wakes the run that joins it.
pub(crate) fn abandon_call(owner: &Record, id: OperationId) {
    let Some((handle, call)) = owner.children.begin_abandonment(id) else {
        return;
    };
    if let Some(record) = handle.upgrade() {
        log!(
            Warn,
            operation = &*record.label.shown_name(), id = record.label.id().get(),
            location:% = record.location;
            "{} was abandoned: it has not ended after its cancel, and its thread still runs; \
             it was opened at {}", record.label, record.location
        );
        // Before the end of the abandonment: the run that joins the call may then end and take the stragglers.
        stragglers::keep_abandoned(owner, &record);
    }
    call.abandon();
    owner.children.end_abandonment(id);
}
