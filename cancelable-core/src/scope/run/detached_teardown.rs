//! The teardown of a scope as a task of the runtime, after its run was dropped, because a drop cannot wait.
//!
//! # What happens when a run is dropped
//!
//! 1. The operation is cancelled, for `RunDropped` or the cause that the user gave (`StateMachine::abort`).
//! 2. The body is dropped, and with it the runs inside, which go through the same steps first. What they leave is
//!    then on the list of this operation.
//! 3. If nothing is open, the operation is closed and settled at once ([`close_run`]), and that is all.
//! 4. Otherwise a task is made that owns the teardown and the sources. The nearest ancestor that has not ended adopts
//!    it: that ancestor joins the task as it joins a child, before its own finalizers (`record/orphans.rs`), and
//!    reports what goes wrong in it (`record/child_reports.rs`).
//! 5. The operation is closed: it has its status and its end, and hooks and the registry are notified.
//! 6. The task is started on the scope's runtime. It joins the children, which the cancel has reached, and then runs
//!    the finalizers, until the record can be settled: nothing runs and nothing can be deferred any more.
//! 7. Only then the sources are dropped: a signal that comes while finalizers run must not take the default action in
//!    the middle of one. Last, the adoption is given back, which wakes the ancestor.
//! 8. If there is no runtime, or it drops the task, the finalizers that are left are dropped and logged. The record
//!    is settled all the same, so that whoever waits for its end is woken.
//!
//! A run that is stalled is taken over by the same steps from 3 on; its body stays where it is (`record/takeover.rs`).

use super::teardown::Teardown;
use crate::cause::ambient::Ambient;
use crate::operation::Status;
use crate::record::child_reports::{self, LostRun};
use crate::record::orphans::{self, OrphanGuard};
use crate::record::outside_runs::{self, TakenRun};
use crate::record::{Record, finalizers, lifecycle};
use crate::runtime::RuntimeHandle;
use crate::source::Watched;
use crate::sync::isolate;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// Closes the operation of a run that was dropped, and starts a task for what is open: steps 3 to 6.
pub(super) fn close_run(
    record: &Arc<Record>,
    end: Status,
    teardown: Teardown,
    sources: Vec<Watched>,
) {
    close_lost(record, LostRun::Dropped, end, teardown, sources);
}

fn close_lost(
    record: &Arc<Record>,
    run: LostRun,
    end: Status,
    teardown: Teardown,
    sources: Vec<Watched>,
) {
    let is_idle =
        record.children.close() && !teardown.has_begun() && !outside_runs::has_any(record);
    if is_idle {
        if let Ok(ended) = lifecycle::close(record, end) {
            child_reports::propagate_lost(record, ended.report, run);
            return;
        }
    }
    let mut task = DetachedTeardown::new(record, run, teardown);
    task.sources = sources;
    lifecycle::close_unsettled(record, end);
    task.start();
}

/// Closes an operation that was entered and has no run.
pub(crate) fn close(record: &Arc<Record>, end: Status) {
    close_run(record, end, Teardown::default(), Vec::new());
}

/// Closes the operation of a stalled run. Its body and its sources stay with the run.
pub(super) fn take_over(taken: TakenRun) {
    let teardown = Teardown::resume(taken.finalizer);
    close_lost(
        &taken.record,
        LostRun::TakenOver,
        taken.end,
        teardown,
        Vec::new(),
    );
}

/// Settles an operation that was never run. What was deferred to it runs in a task.
pub(crate) fn settle(record: &Arc<Record>) {
    // What it had adopted may have ended.
    record.children.close();
    if lifecycle::settle(record, LostRun::Dropped).is_err() {
        DetachedTeardown::new(record, LostRun::Dropped, Teardown::default()).start();
    }
}

struct DetachedTeardown {
    record: Arc<Record>,
    /// The way in which the run was lost.
    run: LostRun,
    /// The operation's entry.
    slot: Option<Ambient>,
    teardown: Teardown,
    /// The runtime of the task.
    runtime: Option<RuntimeHandle>,
    /// Given back when the operation is settled.
    adoption: Option<OrphanGuard>,
    /// The sources of the run.
    sources: Vec<Watched>,
    done: bool,
}

impl DetachedTeardown {
    fn new(record: &Arc<Record>, run: LostRun, teardown: Teardown) -> Self {
        let mut task = Self {
            record: Arc::clone(record),
            run,
            slot: None,
            teardown,
            runtime: record.runtime.clone(),
            adoption: None,
            sources: Vec::new(),
            done: false,
        };
        if task.runtime.is_none() {
            // An orphan goes on on a runtime of its own, and is all that this waits for.
            task.runtime = record.children.orphans_runtime();
        }
        if let Some(runtime) = &task.runtime {
            task.adoption = orphans::adopt(record, runtime);
        }
        task
    }

    fn start(mut self) {
        if self.record.runtime.is_none() {
            self.drop_unrun();
        }
        // A runtime that is gone drops it.
        if let Some(runtime) = self.runtime.take() {
            runtime.spawn(self).detach();
        }
    }

    /// Drops the finalizers, because there is nothing to run them.
    fn drop_unrun(&mut self) {
        let _inside = self.record.enter_here(&mut self.slot);
        for finalizer in self.teardown.take_unrun(&self.record) {
            finalizers::note_lost(&self.record, &finalizer);
            isolate("the drop of a finalizer", || drop(finalizer));
        }
    }
}

impl Future for DetachedTeardown {
    type Output = ();

    /// Wakes: pending only while the children, the orphans or a finalizer are, which have the waker then. Ends: each
    /// turn of the loop follows one that was deferred or adopted meanwhile.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let record = &this.record;
        let _inside = record.enter_here(&mut this.slot);
        loop {
            ready!(this.teardown.poll_joined(record, take_over, cx));
            ready!(this.teardown.poll_finalizers(record, cx));
            if lifecycle::settle(record, this.run).is_ok() {
                this.done = true;
                this.sources = Vec::new();
                this.adoption = None;
                return Poll::Ready(());
            }
        }
    }
}

/// Step 8: a runtime that goes away just drops its tasks.
impl Drop for DetachedTeardown {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        // Ends: a finalizer that is dropped may defer another one, which it can do once.
        loop {
            self.drop_unrun();
            self.record.children.close_and_forget();
            if lifecycle::settle(&self.record, self.run).is_ok() {
                return;
            }
        }
    }
}
