//! What is left of a scope whose run was dropped: its children to be joined and its finalizers to
//! be run, by a task of the runtime, because a drop cannot wait.

use super::wind_up::WindUp;
use crate::cause::ambient::Ambient;
use crate::operation::{Record, Status};
use crate::sync::isolate;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// Closes the operation of a run that was dropped, and hands over what is left to do.
pub(super) fn close(record: &Arc<Record>, end: Status, wind_up: WindUp) {
    record.nursery.close();
    let is_idle = record.nursery.live() == 0 && !wind_up.has_begun();
    if is_idle && record.close(end).is_ok() {
        return;
    }
    record.close_unsettled(end);
    HandedOver::start(record, wind_up);
}

/// Settles an operation that was abandoned, and hands over what was deferred to it.
pub(super) fn settle(record: &Arc<Record>) {
    if record.settle().is_err() {
        HandedOver::start(record, WindUp::default());
    }
}

struct HandedOver {
    record: Arc<Record>,
    /// The operation's entry.
    slot: Option<Ambient>,
    wind_up: WindUp,
    done: bool,
}

impl HandedOver {
    fn start(record: &Arc<Record>, wind_up: WindUp) {
        let task = Self {
            record: Arc::clone(record),
            slot: None,
            wind_up,
            done: false,
        };
        match &record.runtime {
            // A runtime that is gone drops it.
            Some(runtime) => runtime.spawn(task).detach(),
            None => drop(task),
        }
    }
}

impl Future for HandedOver {
    type Output = ();

    /// Wakes: pending only while the children or a finalizer are, which have the waker then. Ends:
    /// each turn of the loop follows one that was deferred meanwhile.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let record = &this.record;
        let _inside = record.enter_here(&mut this.slot);
        loop {
            ready!(this.wind_up.poll_joined(record, cx));
            ready!(this.wind_up.poll_cleanup(record, cx));
            if record.settle().is_ok() {
                this.done = true;
                return Poll::Ready(());
            }
        }
    }
}

/// A runtime that goes away just drops its tasks. Whoever waits for the end must be told all the
/// same, and what will not be run must be named.
impl Drop for HandedOver {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let record = &self.record;
        let _inside = record.enter_here(&mut self.slot);
        record.nursery.close();
        // Ends: a finalizer that is dropped may defer another one, which it can do once.
        loop {
            for finalizer in self.wind_up.lost(record) {
                record.log_lost(&finalizer);
                isolate("the drop of a finalizer", || drop(finalizer));
            }
            if record.settle().is_ok() {
                return;
            }
        }
    }
}
