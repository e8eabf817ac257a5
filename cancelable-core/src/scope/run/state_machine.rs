//! The state machine of a run: the poll loop.
//!
//! # States
//!
//! | body        | what goes on              | status of the operation | a poll                     |
//! |-------------|---------------------------|-------------------------|----------------------------|
//! | `Unentered` | nothing                   | any                     | enters, or is refused      |
//! | `Entered`   | the body                  | running                 | polls the body, then the cancel sources; after a cancel the leases and the grace too |
//! | `Ended`     | children, then finalizers | running                 | joins, then cleans up, with the cancel sources beside |
//! | `Over`      | nothing                   | closed                  | is refused                 |
//!
//! A body that has ended, in whichever way, goes through `Ended` in the same poll if nothing is open, and is not
//! stored there then.
//!
//! # Invariants
//!
//! 1. The body, the sources, the finalizers and every drop of theirs run with the operation as the current one, and
//!    the operation that was current before is put back on every way out.
//! 2. From its first poll on, the body is polled before the cancel sources, and its value ends it whatever the
//!    sources would say. Before that, the body is started only if nothing has cancelled the scope.
//! 3. A cancelled body is polled on while a lease on it counts (`record/leases.rs`) and until its grace is over. It is
//!    dropped in the poll in which neither is so any more. The body was polled since the cancel: where the cancel
//!    came after its poll, the body is polled once more before it is dropped.
//! 4. The body is dropped before the children are joined. The children, and what dropped runs inside have left
//!    (`record/orphans.rs`), have ended before the first finalizer is polled. A panic of the body is kept until then,
//!    and goes on to the caller.
//! 5. Whoever entered closes: each way out of a run that entered (value, cancel, panic, drop) closes the operation. A
//!    run that was refused closes nothing. A run that is dropped drops its body first, so that what the runs inside
//!    leave is on its list, and then hands what is open to a task (`detached_teardown.rs`).
//! 6. A run that was taken over because nobody polled it (`record/takeover.rs`) is closed by its detached teardown. Its
//!    next poll drops the body, waits for that teardown, and answers as the run would have.
//! 7. When it answers pending, everything that can make the next step possible has its waker: the body and the cancel
//!    sources; or the children, and the cancel sources beside them; or the finalizer and its budget, and the cancel
//!    sources beside them.
//! 8. The cancel sources are watched until the operation has closed. They and the clock are checked once more, after
//!    all that the run polls, before it closes, and the sources are dropped after that. So a request is on record in
//!    the outcome, or its source still has it when it is dropped.

use super::cancel_sources::CancelSources;
use super::detached_teardown;
use super::exit::{Exit, OutputKind};
use super::suspension::Suspension;
use super::teardown::Teardown;
use crate::cause::ambient::Ambient;
use crate::cause::{Cause, Reason};
use crate::operation::Status;
use crate::record::shields::FinalPoll;
use crate::record::{Record, child_reports, grace, lifecycle, notes, stragglers};
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
        // This operation's entry from the first poll on; while the run is polled, the entry that was current before.
        slot: Option<Ambient>,
        // This run has entered the operation, and so has to close it.
        entered: bool,
        #[pin]
        body: Body<F, Fut>,
        sources: CancelSources,
        teardown: Teardown,
        // Released after a detached teardown is on the list of an ancestor.
        suspension: Suspension,
        // Gives the text of an output that is an error.
        describe: Option<fn(&Fut::Output) -> String>,
        // The cause for a drop of this, where the user gave one.
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
        // A run that has not entered may be refused because another one has, whose mark it is.
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
        // Ends: each turn but the last ran a finalizer that was deferred in between.
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
                    // A panic of the task's waker, in its clone. The output of the body is kept for a later poll;
                    // without one, the drop of the run closes and hands over.
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
                    // Nobody sees the outcome of a child, and its handle tells of a panic.
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
    /// Takes the exit of a body that has ended.
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

/// One poll of the body, which enters the scope first if need be. A panic in here is the body's.
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
            // Not isolated, so that a panic of this drop is the caller's.
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
            // The run is polled after its end. A run that has closed does not close again.
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
        // It may have opened a shield.
        ready!(sources.poll_release(record, cx));
    }
    // After the final poll, in which the body may have ended.
    sources.note_stragglers(record);
    // Not isolated, as above.
    body.set(Body::Over);
    Poll::Ready(Exit::Cancelled)
}

/// Enters the operation and starts its sources.
///
/// # Errors
///
/// The exit of a run whose body is not to be started.
fn enter<O>(
    record: &Arc<Record>,
    entered: &mut bool,
    sources: &mut CancelSources,
    cx: &mut Context<'_>,
) -> Result<(), Exit<O>> {
    // Not isolated: a clock that panics here could not keep the scope's limits.
    let now = record.runtime.as_ref().map(RuntimeHandle::now);
    // Without a runtime there is no deadline to be moved, so nobody wakes for one.
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

/// One poll of what follows the body. Ready when the children have ended and every finalizer has run. A body that
/// failed cancels its children, unless failures are collected.
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
            // A cancel that came before the failure is the cause, although nothing was polled since.
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
    // No cancel stops a finalizer, but the request is on record.
    if finalized.is_pending() && sources.poll(record, cx).is_ready() {
        grace::note_cancelled(record);
    }
    finalized
}

impl<F, Fut: Future> StateMachine<F, Fut> {
    /// The drop of the run: an entered run cancels its operation, drops the body and closes.
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
        // Before the cancel, which would wake a task that no longer polls this run.
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
                notes::note_error(record, &format!("panicked: {}", panic_text(panic.as_ref())));
                Status::Failed
            }
        };
        detached_teardown::close_run(record, end, std::mem::take(this.teardown), sources);
        drop(inside);
        this.suspension.release();
        if let Err(panic) = dropped {
            // A second panic during unwinding would abort the process.
            match thread::panicking() {
                true => isolate("the drop of a body", || resume_unwind(panic)),
                false => resume_unwind(panic),
            };
        }
    }
}
