//! The teardown of a dropped run, as a task of the runtime, because a drop cannot wait.
//!
//! # Steps after the drop of a run
//!
//! 1. The operation is cancelled with `RunDropped` or the user's cause (`StateMachine::abort`).
//! 2. The body is dropped, and with it the runs inside, which take the same steps first. Their orphans are then on the
//!    list of this operation.
//! 3. If nothing is open, the operation is closed and settled at once ([`close_run`]), and the steps end here.
//! 4. Otherwise a task is made that owns the teardown and the sources. The nearest ancestor that has not ended adopts
//!    the task: the ancestor joins it as it joins a child, before its own finalizers (`record/orphans.rs`), and reports
//!    its failures (`record/child_reports.rs`).
//! 5. The operation is closed: it has its status and its end, and hooks and the registry are notified.
//! 6. The task is started on the scope's runtime. The task joins the children, which are cancelled, and then runs the
//!    finalizers, until the record can be settled: nothing runs and nothing more can be deferred.
//! 7. The sources are dropped after that, because a signal that comes during a finalizer must not take the default
//!    action. Last, the guard of the orphan is dropped, which wakes the ancestor.
//! 8. If there is no runtime, or the runtime drops the task, the remaining finalizers are dropped and logged. The
//!    record is settled in any case, so that every waiter for its end is woken.
//!
//! A stalled run is taken over by the same steps from 3 on; its body is not dropped (`record/takeover.rs`).

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

/// Closes the operation of a dropped run, and starts a task for open work: steps 3 to 6.
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

/// Closes an operation that was entered without a run.
pub(crate) fn close(record: &Arc<Record>, end: Status) {
    close_run(record, end, Teardown::default(), Vec::new());
}

/// Closes the operation of a stalled run. The body and the sources stay with the run.
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

/// Settles an operation that was never run. A task runs its finalizers.
pub(crate) fn settle(record: &Arc<Record>) {
    // The orphans that it had adopted may have ended.
    record.children.close();
    if lifecycle::settle(record, LostRun::Dropped).is_err() {
        DetachedTeardown::new(record, LostRun::Dropped, Teardown::default()).start();
    }
}

struct DetachedTeardown {
    record: Arc<Record>,
    /// The way in which the operation lost its run.
    run: LostRun,
    /// The operation's entry.
    slot: Option<Ambient>,
    teardown: Teardown,
    /// The runtime of the task.
    runtime: Option<RuntimeHandle>,
    /// The guard of the orphan, released when the operation is settled.
    guard: Option<OrphanGuard>,
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
            guard: None,
            sources: Vec::new(),
            done: false,
        };
        if task.runtime.is_none() {
            // Without a runtime the orphans are all that is left to wait for, so their runtime serves.
            task.runtime = record.children.orphans_runtime();
        }
        if let Some(runtime) = &task.runtime {
            task.guard = orphans::adopt(record, runtime);
        }
        task
    }

    fn start(mut self) {
        if self.record.runtime.is_none() {
            self.drop_unrun();
        }
        // A runtime that has stopped drops the task.
        if let Some(runtime) = self.runtime.take() {
            runtime.spawn(self).detach();
        }
    }

    /// Drops the finalizers, because no runtime runs them.
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

    /// Wakes: pending only while the children, the orphans or a finalizer are pending, and then they have the
    /// waker. Ends: each turn but the last follows a finalizer or an orphan that came meanwhile.
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
                this.guard = None;
                return Poll::Ready(());
            }
        }
    }
}

/// Step 8: a runtime that stops drops its tasks.
impl Drop for DetachedTeardown {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        // Ends: the drop of a finalizer may defer another finalizer, but runs once.
        loop {
            self.drop_unrun();
            self.record.children.close_and_forget();
            if lifecycle::settle(&self.record, self.run).is_ok() {
                return;
            }
        }
    }
}
