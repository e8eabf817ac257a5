//! The machine behind a run.
//!
//! # States
//!
//! | body        | status of the operation | watch                  | a poll                        |
//! |-------------|-------------------------|------------------------|-------------------------------|
//! | `Unentered` | any                     | empty                  | enters, or is refused         |
//! | `Entered`   | running                 | sources, timer, wait   | polls the body, then the watch |
//! | `Over`      | closed                  | empty                  | is refused                    |
//!
//! # Invariants
//!
//! 1. The body, the sources and every drop of theirs run with the operation as the current one, and
//!    what was current before is put back on every way out.
//! 2. From its first poll on the body is polled before the watch, and its value ends the run
//!    whatever the watch would say. Before that it is started only if nothing has cancelled.
//! 3. Whoever entered closes: each way out of `Entered` (value, cancel, panic, drop) closes the
//!    operation after the body is dropped. A run that was refused closes nothing.
//! 4. When it answers pending, the body and the watch have both been polled with its waker, so it
//!    is woken by the body and by everything that may cancel.

use super::watch::Watch;
use super::{Outcome, Refused, RunError, Scope, SourceFailed};
use crate::cause::ambient::Ambient;
use crate::cause::{Cause, Reason};
use crate::error::Cancelled;
use crate::operation::{Inside, Record, Status};
use crate::sync::isolate;
use pin_project_lite::pin_project;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::thread;

pin_project! {
    pub(super) struct Drive<F, Fut> {
        scope: Scope,
        // This operation's entry, and while it is polled the one that was current before.
        slot: Option<Ambient>,
        // Whether it was this run that entered, and so has to close.
        entered: bool,
        #[pin]
        body: Body<F, Fut>,
        watch: Watch,
    }

    impl<F, Fut> PinnedDrop for Drive<F, Fut> {
        fn drop(this: Pin<&mut Self>) {
            this.abort();
        }
    }
}

pin_project! {
    #[project = BodyProj]
    #[project_replace = BodyTaken]
    enum Body<F, Fut> {
        Unentered { make: F },
        Entered { #[pin] future: Fut },
        Over,
    }
}

/// How a run ends, before its output is read as a value or an error.
enum End<O> {
    Output(O),
    Cancelled,
    SourceFailed(SourceFailed),
    Refused(Refused),
}

impl<F, Fut> Drive<F, Fut> {
    pub(super) fn new(scope: Scope, make: F) -> Self {
        let slot = Some(scope.record().ambient());
        Self {
            scope,
            slot,
            entered: false,
            body: Body::Unentered { make },
            watch: Watch::default(),
        }
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
    /// Polls the run; `read` says whether an output of the body is a value or an error.
    pub(super) fn poll<T, E>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        read: fn(Fut::Output) -> Result<T, E>,
    ) -> Poll<Outcome<T, E>> {
        let mut this = self.project();
        let record = this.scope.record();
        let inside = Inside::enter(this.slot);
        let advanced = catch_unwind(AssertUnwindSafe(|| {
            advance(this.scope, this.entered, this.body.as_mut(), this.watch, cx)
        }));
        let end = match advanced {
            Ok(poll) => ready!(poll),
            Err(panic) => {
                isolate("the drop of a body", || this.body.set(Body::Over));
                *this.watch = Watch::default();
                if *this.entered {
                    record.close(Status::Failed);
                }
                drop(inside);
                resume_unwind(panic);
            }
        };
        isolate("the drop of a body", || this.body.set(Body::Over));
        *this.watch = Watch::default();
        Poll::Ready(finish(record, end, read))
    }
}

/// One step of the run. A panic in here is the body's.
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
    match body.as_mut().project() {
        BodyProj::Entered { future } => {
            if let Poll::Ready(output) = future.poll(cx) {
                return Poll::Ready(End::Output(output));
            }
        }
        BodyProj::Unentered { .. } | BodyProj::Over => {
            return Poll::Ready(End::Refused(Refused::new(
                record.label.clone(),
                record.status(),
            )));
        }
    }
    ready!(watch.poll(record, cx));
    // As above.
    body.set(Body::Over);
    Poll::Ready(End::Cancelled)
}

/// Enters the operation and starts its sources. An `Err` is the end of the run, before its body
/// was started.
fn enter<O>(
    record: &Record,
    entered: &mut bool,
    watch: &mut Watch,
    cx: &mut Context<'_>,
) -> Result<(), End<O>> {
    let sources = match record.enter(record.now()) {
        Ok(sources) => sources,
        Err(status) => return Err(End::Refused(Refused::new(record.label.clone(), status))),
    };
    *entered = true;
    if !record.token.is_cancelled() {
        record.expire_if_due();
    }
    if record.token.is_cancelled() {
        return Err(End::Cancelled);
    }
    if sources.is_empty() {
        return Ok(());
    }
    if let Err((name, error)) = watch.start(record, sources) {
        return Err(End::SourceFailed(SourceFailed::new(
            record.label.clone(),
            name,
            error,
        )));
    }
    watch.poll_sources(record, cx);
    match record.token.is_cancelled() {
        true => Err(End::Cancelled),
        false => Ok(()),
    }
}

/// Closes the operation, unless the run never entered it, and says what became of it.
fn finish<O, T, E>(record: &Record, end: End<O>, read: fn(O) -> Result<T, E>) -> Outcome<T, E> {
    let (status, result) = match end {
        End::Refused(refused) => {
            let status = refused.status();
            return Outcome::new(
                status,
                record.token.cause(),
                None,
                Err(RunError::Refused(refused)),
            );
        }
        End::Output(output) => match read(output) {
            Ok(value) => (Status::Completed, Ok(value)),
            Err(error) => (Status::Failed, Err(Some(RunError::Failed(error)))),
        },
        End::SourceFailed(failed) => (Status::Failed, Err(Some(RunError::SourceFailed(failed)))),
        End::Cancelled => (Status::Cancelled, Err(None)),
    };
    let elapsed = record.close(status);
    let cause = record.token.cause();
    let result = result.map_err(|error| {
        error.unwrap_or_else(|| {
            // A cancelled token has a cause; the other arm only spares a panic.
            let cause = cause
                .clone()
                .unwrap_or_else(|| Cause::new(Reason::Requested));
            RunError::Cancelled(Cancelled::new(cause).of(record.label.clone(), elapsed))
        })
    });
    Outcome::new(status, cause, elapsed, result)
}

impl<F, Fut> Drive<F, Fut> {
    /// What dropping does: an entered run cancels its operation, drops the body and closes.
    fn abort(self: Pin<&mut Self>) {
        let mut this = self.project();
        if !matches!(this.body.as_mut().project(), BodyProj::Entered { .. }) {
            return;
        }
        let record = this.scope.record();
        let inside = Inside::enter(this.slot);
        // Before the cancel, which would wake a task that has no use for it any more.
        *this.watch = Watch::default();
        let cause = Cause::new(Reason::RunDropped).with_location(record.opened_at);
        record.cancel(cause.with_operation(record.label.clone()));
        let dropped = catch_unwind(AssertUnwindSafe(|| this.body.set(Body::Over)));
        record.close(if dropped.is_ok() {
            Status::Cancelled
        } else {
            Status::Failed
        });
        drop(inside);
        if let Err(panic) = dropped {
            // A second panic during unwinding would abort the process.
            match thread::panicking() {
                true => isolate("the drop of a body", || resume_unwind(panic)),
                false => resume_unwind(panic),
            };
        }
    }
}
