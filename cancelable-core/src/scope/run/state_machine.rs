//! The machine behind a run.
//!
//! # States
//!
//! | body        | what goes on              | status of the operation | a poll                     |
//! |-------------|---------------------------|-------------------------|----------------------------|
//! | `Unentered` | nothing                   | any                     | enters, or is refused      |
//! | `Entered`   | the body                  | running                 | polls the body, then the watch; after a cancel the shields and the grace too |
//! | `Ended`     | children, then finalizers | running                 | joins, then cleans up, with the watch beside |
//! | `Over`      | nothing                   | closed                  | is refused                 |
//!
//! A body that has ended, in whichever way, goes through `Ended` in the same poll if nothing is
//! open, and is not stored there then.
//!
//! # Invariants
//!
//! 1. The body, the sources, the finalizers and every drop of theirs run with the operation as the
//!    current one, and what was current before is put back on every way out.
//! 2. From its first poll on the body is polled before the watch, and its value ends it whatever
//!    the watch would say. Before that it is started only if nothing has cancelled.
//! 3. A cancelled body is polled on while a hold on it counts (`record/hold.rs`) and until
//!    its grace is over, and is dropped in the poll in which neither holds any more. It was polled
//!    since the cancel: where that came after its poll, it is polled once more before it is dropped.
//! 4. The body is dropped before the children are waited for, and these have ended before the first
//!    finalizer is polled; so has what dropped runs inside have left (`record/orphans.rs`). A panic
//!    of the body is kept until then, and goes on to the caller.
//! 5. Whoever entered closes: each way out of a run that entered (value, cancel, panic, drop)
//!    closes the operation. A run that was refused closes nothing. A run that is dropped drops its body,
//!    so that what runs inside leave is on its list, and then hands over what is open
//!    (`detached_teardown.rs`).
//! 6. A run that was taken over because nobody polled it (`record/turn.rs`) is closed by others. Its next poll
//!    drops the body, waits for what they do in its place, and answers as it would have.
//! 7. When it answers pending, everything that can make the next step possible has its waker: the
//!    body and the watch; or the nursery, and the watch beside it; or the finalizer and its budget, and the
//!    watch beside them.
//! 7. What asks for a cancel is watched until the operation has closed. The sources and the clock are looked
//!    at once more, after all that the run polls, before it closes, and the sources are dropped after that: a
//!    request is on record in the outcome, or its source still has it when it is dropped.

use super::cancel_sources::Watch;
use super::detached_teardown;
use super::exit::End;
use super::output::Reading;
use super::suspension::Place;
use super::teardown::WindUp;
use crate::cause::ambient::Ambient;
use crate::cause::{Cause, Reason};
use crate::operation::{Record, Status};
use crate::runtime::RuntimeHandle;
use crate::scope::{Outcome, Refused, Scope, SourceFailed};
use crate::sync::{StoredWaker, isolate, panic_text};
use pin_project_lite::pin_project;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::thread;

pin_project! {
    pub(super) struct Drive<F, Fut>
    where
        Fut: Future,
    {
        scope: Scope,
        // This operation's entry from the first poll on, and while it is polled the one that was
        // current before.
        slot: Option<Ambient>,
        // Whether it was this run that entered, and so has to close.
        entered: bool,
        #[pin]
        body: Body<F, Fut>,
        watch: Watch,
        wind_up: WindUp,
        // Given back after what is left is on the list of the scope above.
        place: Place,
        // The words of an output that is an error, where it has any.
        describe: Option<fn(&Fut::Output) -> String>,
        // What the operation is cancelled for if this is dropped, where that was said.
        if_dropped: Option<Cause>,
    }

    impl<F, Fut> PinnedDrop for Drive<F, Fut>
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
        Ended { end: End<Fut::Output> },
        Over,
    }
}

impl<F, Fut: Future> Drive<F, Fut> {
    pub(super) fn new(scope: Scope, make: F) -> Self {
        Self {
            scope,
            slot: None,
            entered: false,
            body: Body::Unentered { make },
            watch: Watch::default(),
            wind_up: WindUp::default(),
            place: Place::default(),
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

impl<F, Fut> Drive<F, Fut>
where
    F: FnOnce(Scope) -> Fut,
    Fut: Future,
{
    /// Polls the run; `R` says whether an output of the body is a value or an error.
    pub(super) fn poll<R: Reading<Fut::Output>>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Outcome<R::Value, R::Error>> {
        let mut this = self.project();
        let record = this.scope.record();
        // A run that has not entered may be refused because another one has, whose mark it is.
        if *this.entered {
            record.unpark();
        }
        let inside = record.enter_here(this.slot);
        if this.place.begin(this.wind_up).is_err() {
            let end = this.body.as_mut().take_end().unwrap_or(End::Cancelled);
            isolate("the drop of a body", || this.body.set(Body::Over));
            drop(this.watch.end(record));
            if this.place.poll_settled(record, cx).is_pending() {
                this.body.set(Body::Ended { end });
                return Poll::Pending;
            }
            drop(inside);
            let closing = record.closing();
            record.hand_up(closing.report.as_deref());
            return Poll::Ready(end.outcome::<R>(record, closing));
        }
        let end = match this.body.as_mut().take_end() {
            Some(end) => end,
            None => {
                record.note_poll();
                let advanced = catch_unwind(AssertUnwindSafe(|| {
                    advance(this.scope, this.entered, this.body.as_mut(), this.watch, cx)
                }));
                let end = match advanced {
                    Ok(Poll::Ready(end)) => end,
                    Ok(Poll::Pending) => {
                        let (before, end) = (inside.before(), Status::Cancelled);
                        this.place.keep(record, before, this.wind_up, end, cx);
                        return Poll::Pending;
                    }
                    Err(panic) => End::Panicked(panic),
                };
                isolate("the drop of a body", || this.body.set(Body::Over));
                end.judged::<R>(record)
            }
        };
        if !*this.entered {
            return Poll::Ready(end.refusal::<R>(record));
        }
        // Ends: each turn but the last ran a finalizer that was deferred in between.
        loop {
            let fails = || end.is_failure::<R>();
            let stepped = catch_unwind(AssertUnwindSafe(|| {
                after(record, this.wind_up, this.watch, fails, cx)
            }));
            if !matches!(stepped, Ok(Poll::Ready(()))) {
                record.note_body_over();
                let status = end.status::<R>(record);
                this.body.set(Body::Ended { end });
                match stepped {
                    Ok(_) => {
                        this.place
                            .keep(record, inside.before(), this.wind_up, status, cx);
                        return Poll::Pending;
                    }
                    // Of the task's waker, in its clone. What the body has produced is kept for the poll
                    // that may come, or else a drop closes and hands over.
                    Err(panic) => resume_unwind(panic),
                }
            }
            let now = this.watch.look(record, cx).or_else(|| record.now());
            let status = end.status::<R>(record);
            if status == Status::Failed {
                end.note_failure::<R>(record, *this.describe);
            }
            let rest = || drop(this.watch.end(record));
            if let Ok(mut closing) = record.close_at(status, now, rest) {
                match record.spawned {
                    // A child's outcome is seen by nobody, and its panic is told of by the handle.
                    true => record.keep_report(closing.report.take()),
                    false => record.hand_up(closing.report.as_deref()),
                }
                drop(inside);
                this.place.leave();
                return Poll::Ready(end.outcome::<R>(record, closing));
            }
        }
    }
}

impl<F, Fut: Future> Body<F, Fut> {
    /// Takes out the end of a body that has ended.
    fn take_end(mut self: Pin<&mut Self>) -> Option<End<Fut::Output>> {
        if !matches!(self.as_mut().project(), BodyProj::Ended { .. }) {
            return None;
        }
        match self.project_replace(Self::Over) {
            BodyTaken::Ended { end } => Some(end),
            _ => None,
        }
    }
}

/// One step of the body. A panic in here is the body's.
fn advance<F, Fut>(
    scope: &Scope,
    entered: &mut bool,
    mut body: Pin<&mut Body<F, Fut>>,
    watch: &mut Watch,
    cx: &mut Context<'_>,
) -> Poll<End<Fut::Output>>
where
    F: FnOnce(Scope) -> Fut,
    Fut: Future,
{
    let record = scope.record();
    if let BodyProj::Unentered { .. } = body.as_mut().project() {
        if let Err(end) = enter(record, entered, watch, cx) {
            // Outside the isolation that follows, so that a panic of this drop is the caller's.
            body.set(Body::Over);
            return Poll::Ready(end);
        }
        if let BodyTaken::Unentered { make } = body.as_mut().project_replace(Body::Over) {
            let future = make(scope.clone());
            body.set(Body::Entered { future });
        }
    }
    let knew = record.is_cancelled();
    record.begin_turn();
    match body.as_mut().project() {
        BodyProj::Entered { future } => {
            if let Poll::Ready(output) = future.poll(cx) {
                return Poll::Ready(End::Output(output));
            }
        }
        _ => {
            // Whoever polls a run after its end. One that has closed does not do so again.
            *entered &= !record.status().is_closed();
            let refused = Refused::new(record.label.clone(), record.status());
            return Poll::Ready(End::Refused(Box::new(refused)));
        }
    }
    ready!(watch.poll(record, cx));
    record.log_cancel();
    ready!(watch.poll_delivery(record, cx));
    if let (false, BodyProj::Entered { future }) = (knew, body.as_mut().project()) {
        let _last_look = record.last_look();
        record.begin_turn();
        if let Poll::Ready(output) = future.poll(cx) {
            return Poll::Ready(End::Output(output));
        }
        // It may have opened a shield.
        ready!(watch.poll_delivery(record, cx));
    }
    // After the last look, in which it may have ended.
    watch.note_unfinished(record);
    // As above.
    body.set(Body::Over);
    Poll::Ready(End::Cancelled)
}

/// Enters the operation and starts its sources. An `Err` is the end of the run, before its body
/// was started.
fn enter<O>(
    record: &Arc<Record>,
    entered: &mut bool,
    watch: &mut Watch,
    cx: &mut Context<'_>,
) -> Result<(), End<O>> {
    // Not isolated: a clock that panics here could not keep the scope's limits.
    let now = record.runtime.as_ref().map(RuntimeHandle::now);
    // Where nobody tells the time there is no deadline to be moved, so nobody calls.
    let waker = now.map_or_else(StoredWaker::default, |_| StoredWaker::of(cx.waker()));
    let begun = match record.enter(now, waker) {
        Ok(begun) => begun,
        Err(status) => {
            let refused = Refused::new(record.label.clone(), status);
            return Err(End::Refused(Box::new(refused)));
        }
    };
    *entered = true;
    watch.note_cancel(record);
    if let (false, Some(now)) = (record.is_cancelled(), now) {
        watch.keep_time(record, &begun.followed, now);
    }
    if record.is_cancelled() {
        return Err(End::Cancelled);
    }
    let Some(sources) = begun.sources else {
        return Ok(());
    };
    if let Err((name, error)) = watch.start(record, sources) {
        let failed = SourceFailed::new(record.label.clone(), name, error);
        return Err(End::SourceFailed(Box::new(failed)));
    }
    watch.poll_sources(record, cx);
    match record.is_cancelled() {
        true => Err(End::Cancelled),
        false => Ok(()),
    }
}

/// One step of what goes on after the body: ready when the children have ended and every finalizer
/// has run. A body that failed cancels its children, unless failures are collected.
fn after(
    record: &Arc<Record>,
    wind_up: &mut WindUp,
    watch: &mut Watch,
    fails: impl FnOnce() -> bool,
    cx: &mut Context<'_>,
) -> Poll<()> {
    if wind_up.poll_joined(record, cx).is_pending() {
        if fails() && record.nursery.is_awaited() && !record.nursery.terms().collect_all {
            // What came before the failure is the cause, although nobody has looked since.
            watch.look(record, cx);
            let cause = Cause::new(Reason::ChildFailed).with_location(record.opened_at);
            record.cancel(cause.with_message("the body failed"));
        }
        // What it cancels wakes the children, and the last of these wakes this.
        if watch.poll(record, cx).is_ready() {
            record.log_cancel();
            record.note_stopping();
        }
        return Poll::Pending;
    }
    let cleaned_up = wind_up.poll_cleanup(record, cx);
    // Nothing that it sees stops a finalizer, but it is on record.
    if cleaned_up.is_pending() && watch.poll(record, cx).is_ready() {
        record.note_stopping();
    }
    cleaned_up
}

impl<F, Fut: Future> Drive<F, Fut> {
    /// What dropping does: an entered run cancels its operation, drops the body and closes.
    fn abort(self: Pin<&mut Self>) {
        let mut this = self.project();
        let record = this.scope.record();
        if !*this.entered {
            return;
        }
        if this.place.begin(this.wind_up).is_err() {
            let _inside = record.enter_here(this.slot);
            drop(this.watch.end(record));
            isolate("the drop of a body", || this.body.set(Body::Over));
            return;
        }
        if record.status().is_closed() {
            return;
        }
        let inside = record.enter_here(this.slot);
        // Before the cancel, which would wake a task that has no use for it any more.
        record.unpark();
        this.watch.rest(record);
        let cause = this.if_dropped.take().unwrap_or_else(|| {
            let cause = Cause::new(Reason::RunDropped).with_location(record.opened_at);
            cause.with_operation(record.label.clone())
        });
        record.cancel(cause);
        let dropped = catch_unwind(AssertUnwindSafe(|| this.body.set(Body::Over)));
        let sources = this.watch.end(record);
        let end = match &dropped {
            Ok(()) => Status::Cancelled,
            Err(panic) => {
                record.note_error(&format!("panicked: {}", panic_text(panic.as_ref())));
                Status::Failed
            }
        };
        detached_teardown::close(record, end, std::mem::take(this.wind_up), sources);
        drop(inside);
        this.place.leave();
        if let Err(panic) = dropped {
            // A second panic during unwinding would abort the process.
            match thread::panicking() {
                true => isolate("the drop of a body", || resume_unwind(panic)),
                false => resume_unwind(panic),
            };
        }
    }
}
