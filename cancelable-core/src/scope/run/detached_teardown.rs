//! What is left of a scope whose run was dropped: its children to be joined and its finalizers to
//! be run, by a task of the runtime, because a drop cannot wait. The scope that it was in waits for that
//! task in its place (`record/orphans.rs`), and reports what goes wrong in it (`record/child_reports.rs`).

use super::teardown::WindUp;
use crate::cause::ambient::Ambient;
use crate::operation::{Adoption, Lost, Record, Status, Taken};
use crate::runtime::RuntimeHandle;
use crate::source::Watched;
use crate::sync::isolate;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// Closes the operation of a run that was dropped, and hands over what is left to do. Its sources are
/// dropped when all of it has ended: a signal that comes while finalizers run must not take the default
/// action in the middle of one.
pub(in crate::scope) fn close(
    record: &Arc<Record>,
    end: Status,
    wind_up: WindUp,
    sources: Vec<Watched>,
) {
    close_lost(record, Lost::Dropped, end, wind_up, sources);
}

fn close_lost(
    record: &Arc<Record>,
    run: Lost,
    end: Status,
    wind_up: WindUp,
    sources: Vec<Watched>,
) {
    let is_idle = record.nursery.shut() && !wind_up.has_begun() && !record.has_away();
    if is_idle {
        if let Ok(closing) = record.close(end) {
            record.report_up(closing.report, run);
            return;
        }
    }
    let mut task = HandedOver::new(record, run, wind_up);
    task.sources = sources;
    record.close_unsettled(end);
    task.start();
}

/// Does for a run that nobody polls what [`close`] does for one that was dropped, except for the drop of its body
/// and of its sources, which are the run's.
pub(super) fn take_over(taken: Taken) {
    let wind_up = WindUp::unpark(taken.parked);
    close_lost(
        &taken.record,
        Lost::TakenOver,
        taken.end,
        wind_up,
        Vec::new(),
    );
}

/// Settles an operation that was abandoned, and hands over what was deferred to it.
pub(in crate::scope) fn settle(record: &Arc<Record>) {
    // What it had adopted may have ended.
    record.nursery.shut();
    if record.settle(Lost::Dropped).is_err() {
        HandedOver::new(record, Lost::Dropped, WindUp::default()).start();
    }
}

struct HandedOver {
    record: Arc<Record>,
    run: Lost,
    /// The operation's entry.
    slot: Option<Ambient>,
    wind_up: WindUp,
    /// What it goes on on.
    runtime: Option<RuntimeHandle>,
    /// Given back when the operation is settled.
    adoption: Option<Adoption>,
    /// What the run watched.
    sources: Vec<Watched>,
    done: bool,
}

impl HandedOver {
    fn new(record: &Arc<Record>, run: Lost, wind_up: WindUp) -> Self {
        let mut task = Self {
            record: Arc::clone(record),
            run,
            slot: None,
            wind_up,
            runtime: record.runtime.clone(),
            adoption: None,
            sources: Vec::new(),
            done: false,
        };
        if task.runtime.is_none() {
            // What is left inside goes on on a runtime of its own, and only that is waited for.
            task.runtime = record.nursery.orphans_runtime();
        }
        if let Some(runtime) = &task.runtime {
            task.adoption = record.be_adopted(runtime);
        }
        task
    }

    fn start(mut self) {
        if self.record.runtime.is_none() {
            self.lose();
        }
        // A runtime that is gone drops it.
        if let Some(runtime) = self.runtime.take() {
            runtime.spawn(self).detach();
        }
    }

    /// Drops what was deferred, because there is nothing to run it.
    fn lose(&mut self) {
        let _inside = self.record.enter_here(&mut self.slot);
        for finalizer in self.wind_up.lost(&self.record) {
            self.record.note_lost(&finalizer);
            isolate("the drop of a finalizer", || drop(finalizer));
        }
    }
}

impl Future for HandedOver {
    type Output = ();

    /// Wakes: pending only while the children, the orphans or a finalizer are, which have the waker then.
    /// Ends: each turn of the loop follows one that was deferred or adopted meanwhile.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let record = &this.record;
        let _inside = record.enter_here(&mut this.slot);
        loop {
            ready!(this.wind_up.poll_joined(record, cx));
            ready!(this.wind_up.poll_cleanup(record, cx));
            if record.settle(this.run).is_ok() {
                this.done = true;
                this.sources = Vec::new();
                this.adoption = None;
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
        // Ends: a finalizer that is dropped may defer another one, which it can do once.
        loop {
            self.lose();
            self.record.nursery.desert();
            if self.record.settle(self.run).is_ok() {
                return;
            }
        }
    }
}
