//! The state machine of a run: the poll loop.
//!
//! # States
//!
//! | body        | runs                      | status of the operation | a poll                     |
//! |-------------|---------------------------|-------------------------|----------------------------|
//! | `Unentered` | nothing                   | any                     | enters, or is refused      |
//! | `Entered`   | the body                  | running                 | polls the body, then the cancel sources; after a cancel the leases and the grace period too |
//! | `Ended`     | children, then finalizers | running                 | joins, then cleans up, and polls the cancel sources |
//! | `Over`      | nothing                   | closed                  | is refused                 |
//!
//! A body that has ended passes through `Ended` in the same poll if nothing is open. Its exit is not stored then.
//!
//! # Invariants
//!
//! 1. The operation is current while the body, the sources and the finalizers are polled and dropped. Every way out
//!    restores the operation that was current before.
//! 2. The body is started only if nothing has cancelled the scope. In each later poll the body is polled before the
//!    cancel sources, so its value wins over a cancel.
//! 3. A cancelled body is polled while a lease on it counts (`record/leases.rs`) or its grace period lasts, and dropped
//!    in the poll that finds neither. Every body is polled after the cancel: if the cancel came after the poll of the
//!    body, the body is polled once more before it is dropped.
//! 4. The body is dropped before the children are joined. The children and the orphans of dropped runs inside
//!    (`record/orphans.rs`) have ended before the first finalizer is polled. A panic of the body is kept until the
//!    operation has closed, and then resumed in the caller.
//! 5. A run that entered closes the operation on every way out: value, cancel, panic, drop. A refused run closes
//!    nothing. The drop of a run drops the body first, so that the orphans of the runs inside are on this run's list,
//!    and then hands open work to a task (`detached_teardown.rs`).
//! 6. A run that is not polled may be taken over (`record/takeover.rs`): its detached teardown closes it. The next
//!    poll of such a run drops the body, waits for the teardown, and returns the outcome.
//! 7. A pending run has left its waker with everything that may allow the next step: the cancel sources, and the body,
//!    or the children, or the finalizer and its budget.
//! 8. The cancel sources are polled until the operation has closed. A last poll of them and a last read of the clock
//!    come after all other polls of the run and before the close. The sources are dropped after the close. So each
//!    request is on record in the outcome, or still in its source when the source is dropped.

use super::cancel_sources::CancelSources;
use super::detached_teardown;
use super::exit::{Exit, OutputKind};
use super::suspension::Suspension;
use super::teardown::Teardown;
use crate::cause::ambient::Ambient;
use crate::cause::{Cause, Reason};
use crate::operation::Status;
use crate::record::shields::FinalPoll;
use crate::record::{Record, child_reports, grace, lifecycle, stragglers};
use crate::runtime::RuntimeHandle;
use crate::scope::{AlreadyRun, Outcome, Scope, SourceFailed};
use crate::sync::{StoredWaker, isolate, panic_text};
use pin_project_lite::pin_project;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::thread;

pin_project! {
    pub(super) struct StateMachine<F, Fut>
    where
        Fut: Future,
    {
        scope: Scope,
        // From the first poll on, the entry of this operation. During a poll, the entry that was current before.
        slot: Option<Ambient>,
        // This run has entered the operation, so it must close it.
        entered: bool,
        #[pin]
        body: Body<F, Fut>,
        sources: CancelSources,
        teardown: Teardown,
        // Released once a detached teardown is on the list of an ancestor.
        suspension: Suspension,
        // Returns the text of an output that is an error.
        describe: Option<fn(&Fut::Output) -> String>,
        // The user's cause for a drop of the run.
        if_dropped: Option<Cause>,
    }

    impl<F, Fut> PinnedDrop for StateMachine<F, Fut>
    where
        Fut: Future,
    {
        fn drop(this: Pin<&mut Self>) {
            this.abort();
        }
    }
}

pin_project! {
    #[project = BodyProj]
    #[project_replace = BodyTaken]
    enum Body<F, Fut>
    where
        Fut: Future,
    {
        Unentered { make: F },
        Entered { #[pin] future: Fut },
        Ended { exit: Exit<Fut::Output> },
        Over,
    }
}

impl<F, Fut: Future> StateMachine<F, Fut> {
    pub(super) fn new(scope: Scope, make: F) -> Self {
        Self {
            scope,
            slot: None,
            entered: false,
            body: Body::Unentered { make },
            sources: CancelSources::default(),
            teardown: Teardown::default(),
            suspension: Suspension::default(),
            describe: None,
            if_dropped: None,
        }
    }

    pub(super) fn describe(&mut self, describe: fn(&Fut::Output) -> String) {
        self.describe = Some(describe);
    }

    pub(super) fn if_dropped(&mut self, cause: Cause) {
        self.if_dropped = Some(cause);
    }

    pub(super) fn scope(&self) -> &Scope {
        &self.scope
    }
}

impl<F, Fut> StateMachine<F, Fut>
where
    F: FnOnce(Scope) -> Fut,
    Fut: Future,
{
    /// Polls the run. `R` reads the output of the body.
    pub(super) fn poll<R: OutputKind<Fut::Output>>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Outcome<R::Value, R::Error>> {
        let mut this = self.project();
        let record = this.scope.record();
        // In a run that has not entered, the mark may belong to another run that has.
        if *this.entered {
            record.token.unpark();
        }
        let inside = record.enter_here(this.slot);
        if this.suspension.resume(this.teardown).is_err() {
            let exit = this.body.as_mut().take_exit().unwrap_or(Exit::Cancelled);
            isolate("the drop of a body", || this.body.set(Body::Over));
            drop(this.sources.stop(record));
            if this.suspension.poll_taken_over(record, cx).is_pending() {
                this.body.set(Body::Ended { exit });
                return Poll::Pending;
            }
            drop(inside);
            let ended = lifecycle::ended(record);
            stragglers::propagate(record, ended.report.as_deref());
            return Poll::Ready(exit.outcome::<R>(record, ended));
        }
        let exit = match this.body.as_mut().take_exit() {
            Some(exit) => exit,
            None => {
                stragglers::note_poll(record);
                let polled = catch_unwind(AssertUnwindSafe(|| {
                    poll_body(
                        this.scope,
                        this.entered,
                        this.body.as_mut(),
                        this.sources,
                        cx,
                    )
                }));
                let exit = match polled {
                    Ok(Poll::Ready(exit)) => exit,
                    Ok(Poll::Pending) => {
                        let (before, end) = (inside.before(), Status::Cancelled);
                        this.suspension
                            .suspend(record, before, this.teardown, end, cx);
                        return Poll::Pending;
                    }
                    Err(panic) => Exit::Panicked(panic),
                };
                isolate("the drop of a body", || this.body.set(Body::Over));
                exit.after_drop::<R>(record)
            }
        };
        if !*this.entered {
            return Poll::Ready(exit.refusal::<R>(record));
        }
        // Ends: each turn but the last ran a finalizer that was deferred after the teardown.
        loop {
            let fails = || exit.is_failure::<R>();
            let torn_down = catch_unwind(AssertUnwindSafe(|| {
                poll_teardown(record, this.teardown, this.sources, fails, cx)
            }));
            if !matches!(torn_down, Ok(Poll::Ready(()))) {
                stragglers::note_body_over(record);
                let end = exit.status::<R>(record);
                this.body.set(Body::Ended { exit });
                match torn_down {
                    Ok(_) => {
                        let before = inside.before();
                        this.suspension
                            .suspend(record, before, this.teardown, end, cx);
                        return Poll::Pending;
                    }
                    // The clone of the task's waker panicked. The exit is kept for a later poll. If there is none,
                    // the drop of the run closes the operation.
                    Err(panic) => resume_unwind(panic),
                }
            }
            let now = this.sources.final_poll(record, cx).or_else(|| record.now());
            let status = exit.status::<R>(record);
            if status == Status::Failed {
                exit.note_failure::<R>(record, *this.describe);
            }
            let stop = || drop(this.sources.stop(record));
            if let Ok(mut ended) = lifecycle::close_at(record, status, now, stop) {
                match record.spawned {
                    // The outcome of a child is discarded; the handle of the child has a panic.
                    true => child_reports::keep(record, ended.report.take()),
                    false => stragglers::propagate(record, ended.report.as_deref()),
                }
                drop(inside);
                this.suspension.release();
                return Poll::Ready(exit.outcome::<R>(record, ended));
            }
        }
    }
}

impl<F, Fut: Future> Body<F, Fut> {
    /// Takes the exit of an ended body.
    fn take_exit(mut self: Pin<&mut Self>) -> Option<Exit<Fut::Output>> {
        if !matches!(self.as_mut().project(), BodyProj::Ended { .. }) {
            return None;
        }
        match self.project_replace(Self::Over) {
            BodyTaken::Ended { exit } => Some(exit),
            _ => None,
        }
    }
}

/// Polls the body once, and enters the scope before the first poll. A panic in this function is the body's.
fn poll_body<F, Fut>(
    scope: &Scope,
    entered: &mut bool,
    mut body: Pin<&mut Body<F, Fut>>,
    sources: &mut CancelSources,
    cx: &mut Context<'_>,
) -> Poll<Exit<Fut::Output>>
where
    F: FnOnce(Scope) -> Fut,
    Fut: Future,
{
    let record = scope.record();
    if let BodyProj::Unentered { .. } = body.as_mut().project() {
        if let Err(exit) = enter(record, entered, sources, cx) {
            // Not isolated: a panic of this drop goes to the caller.
            body.set(Body::Over);
            return Poll::Ready(exit);
        }
        if let BodyTaken::Unentered { make } = body.as_mut().project_replace(Body::Over) {
            let future = make(scope.clone());
            body.set(Body::Entered { future });
        }
    }
    let was_cancelled = record.is_cancelled();
    record.shields.begin_poll();
    match body.as_mut().project() {
        BodyProj::Entered { future } => {
            if let Poll::Ready(output) = future.poll(cx) {
                return Poll::Ready(Exit::Output(output));
            }
        }
        _ => {
            // The run was polled after its end. A closed run does not close again.
            *entered &= !record.status().is_terminal();
            let refused = AlreadyRun::new(record.label.clone(), record.status());
            return Poll::Ready(Exit::AlreadyRun(Box::new(refused)));
        }
    }
    ready!(sources.poll(record, cx));
    record.log_cancel();
    ready!(sources.poll_release(record, cx));
    if let (false, BodyProj::Entered { future }) = (was_cancelled, body.as_mut().project()) {
        let _final_poll = FinalPoll::of(&record.shields);
        record.shields.begin_poll();
        if let Poll::Ready(output) = future.poll(cx) {
            return Poll::Ready(Exit::Output(output));
        }
        // The final poll may have opened a shield.
        ready!(sources.poll_release(record, cx));
    }
    // Noted after the final poll, in which the body may have ended.
    sources.note_stragglers(record);
    // Not isolated, as above.
    body.set(Body::Over);
    Poll::Ready(Exit::Cancelled)
}

/// Enters the operation and starts its sources.
///
/// # Errors
///
/// The exit of a run whose body must not be started.
fn enter<O>(
    record: &Arc<Record>,
    entered: &mut bool,
    sources: &mut CancelSources,
    cx: &mut Context<'_>,
) -> Result<(), Exit<O>> {
    // Not isolated: a clock that panics cannot keep the scope's limits.
    let now = record.runtime.as_ref().map(RuntimeHandle::now);
    // Without a runtime there is no deadline to move, so no wake for a moved deadline.
    let waker = now.map_or_else(StoredWaker::default, |_| StoredWaker::of(cx.waker()));
    let begun = match lifecycle::enter(record, now, waker) {
        Ok(begun) => begun,
        Err(status) => {
            let refused = AlreadyRun::new(record.label.clone(), status);
            return Err(Exit::AlreadyRun(Box::new(refused)));
        }
    };
    *entered = true;
    sources.register_callbacks(record);
    if let (false, Some(now)) = (record.is_cancelled(), now) {
        sources.enter(record, &begun.registered, now);
    }
    if record.is_cancelled() {
        return Err(Exit::Cancelled);
    }
    let Some(unstarted) = begun.sources else {
        return Ok(());
    };
    if let Err((name, error)) = sources.start(record, unstarted) {
        let failed = SourceFailed::new(record.label.clone(), name, error);
        return Err(Exit::SourceFailed(Box::new(failed)));
    }
    sources.poll_sources(record, cx);
    match record.is_cancelled() {
        true => Err(Exit::Cancelled),
        false => Ok(()),
    }
}

/// Polls the teardown once. Ready when the children have ended and every finalizer has run. A failed body cancels its
/// children, unless failures are collected.
fn poll_teardown(
    record: &Arc<Record>,
    teardown: &mut Teardown,
    sources: &mut CancelSources,
    fails: impl FnOnce() -> bool,
    cx: &mut Context<'_>,
) -> Poll<()> {
    let detach = detached_teardown::take_over;
    if teardown.poll_joined(record, detach, cx).is_pending() {
        if fails() && record.children.is_awaited() && !record.children.options().collect_all {
            // A cancel that came before the failure is the cause, even if nothing was polled since.
            sources.final_poll(record, cx);
            let cause = Cause::new(Reason::ChildFailed).with_location(record.location);
            record.cancel(cause.with_message("the body failed"));
        }
        // A cancel wakes the children, and the last child to end wakes this task.
        if sources.poll(record, cx).is_ready() {
            record.log_cancel();
            grace::note_cancelled(record);
        }
        return Poll::Pending;
    }
    let finalized = teardown.poll_finalizers(record, cx);
    // A cancel does not stop a finalizer. The request is on record.
    if finalized.is_pending() && sources.poll(record, cx).is_ready() {
        grace::note_cancelled(record);
    }
    finalized
}

impl<F, Fut: Future> StateMachine<F, Fut> {
    /// Handles the drop of the run: an entered run cancels its operation, drops the body and closes.
    fn abort(self: Pin<&mut Self>) {
        let mut this = self.project();
        let record = this.scope.record();
        if !*this.entered {
            return;
        }
        if this.suspension.resume(this.teardown).is_err() {
            let _inside = record.enter_here(this.slot);
            drop(this.sources.stop(record));
            isolate("the drop of a body", || this.body.set(Body::Over));
            return;
        }
        if record.status().is_terminal() {
            return;
        }
        let inside = record.enter_here(this.slot);
        // Comes before the cancel, which would wake a task that no longer polls this run.
        record.token.unpark();
        this.sources.disarm(record);
        let cause = this.if_dropped.take().unwrap_or_else(|| {
            let cause = Cause::new(Reason::RunDropped).with_location(record.location);
            cause.with_operation(record.label.clone())
        });
        if !record.cancel(cause) && this.sources.is_unaware() {
            record.warn_unreported_cancel();
        }
        let dropped = catch_unwind(AssertUnwindSafe(|| this.body.set(Body::Over)));
        let sources = this.sources.stop(record);
        let end = match &dropped {
            Ok(()) => Status::Cancelled,
            Err(panic) => {
                record.note_error(&format!("panicked: {}", panic_text(panic.as_ref())));
                Status::Failed
            }
        };
        detached_teardown::close_run(record, end, std::mem::take(this.teardown), sources);
        drop(inside);
        this.suspension.release();
        if let Err(panic) = dropped {
            // A second panic during unwinding aborts the process.
            match thread::panicking() {
                true => isolate("the drop of a body", || resume_unwind(panic)),
                false => resume_unwind(panic),
            };
        }
    }
}
