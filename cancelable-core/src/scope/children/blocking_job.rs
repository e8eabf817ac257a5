//! The job of a blocking call: work on a thread, which the scope joins.
//!
//! A thread cannot be stopped from outside. Its token is cancelled, and the scope waits for its end, or for no longer
//! than the call's grace period, after which the call is abandoned. A call with a time limit, a source or a watchdog
//! has a task beside its thread; see `supervised_call.rs`.

use super::child_exit::{Admitted, ChildExit, ChildGuard, Shared};
use super::errors::ChildError;
use super::grace_watch::GraceWatch;
use super::handle::{AbandonTimer, ChildHandle};
use crate::operation::Status;
use crate::record::{lifecycle, token_clock};
use crate::runtime::Completion;
use crate::scope::Scope;
use crate::scope::run::{detached_teardown, may_hold_cancelled};
use crate::sync::{StoredWaker, isolate};
use crate::token::CancellationToken;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Starts an admitted blocking call on a thread.
pub(super) fn start<W, T, E>(admitted: Admitted, work: W, share: fn(E) -> Shared) -> ChildHandle<T>
where
    W: FnOnce(CancellationToken) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: 'static,
{
    let grace = GraceWatch::new(&admitted);
    let Admitted {
        scope,
        call,
        admission,
        runtime,
        ..
    } = admitted;
    let (completion, join) = Completion::new(runtime.name());
    let abandon_timer =
        call.and_then(|call| AbandonTimer::new(admission.owner(), scope.id(), call));
    let child = ChildHandle::new(scope.operation().clone(), join, abandon_timer);
    let job = BlockingJob {
        work,
        share,
        grace,
        completion,
        guard: ChildGuard::new(scope.record().clone(), admission),
        scope,
    };
    runtime.start_blocking(Box::new(move || job.run()));
    child
}

/// The job of the thread.
struct BlockingJob<W, T, E> {
    // Dropped in this order if a runtime drops the job without running it, as the fields of a `ChildTask` are.
    work: W,
    share: fn(E) -> Shared,
    /// The watch of the grace period; `None` for a call that is never abandoned.
    grace: Option<GraceWatch>,
    completion: Completion<Result<T, ChildError>>,
    guard: ChildGuard,
    scope: Scope,
}

impl<W, T, E> BlockingJob<W, T, E>
where
    W: FnOnce(CancellationToken) -> Result<T, E>,
{
    fn run(self) {
        let Self {
            work,
            share,
            grace,
            mut completion,
            mut guard,
            scope,
        } = self;
        completion.start();
        let result = perform(&scope, work, share);
        // The thread is done.
        drop(grace);
        let result = guard.exit(result);
        completion.report(Ok(result));
        drop(guard);
    }
}

/// Runs the work as the operation of `scope`, unless that is cancelled, and closes it.
fn perform<W, T, E>(scope: &Scope, work: W, share: fn(E) -> Shared) -> Result<T, ChildExit>
where
    W: FnOnce(CancellationToken) -> Result<T, E>,
{
    let record = scope.record();
    // No other code has the scope, so the entry succeeds.
    let _ = lifecycle::enter(record, record.now(), StoredWaker::default());
    let mut slot = None;
    let inside = record.enter_here(&mut slot);
    if scope.check_quietly().is_err() {
        isolate("the drop of a blocking call", || drop(work));
        drop(inside);
        detached_teardown::close(record, Status::Cancelled);
        return Err(ChildExit::before_begin(record));
    }
    let token = token_clock::hand_out(record).clone();
    // Unwind safe: the work is consumed. The conversion of its error is user code too.
    let done = catch_unwind(AssertUnwindSafe(|| work(token).map_err(share)));
    drop(inside);
    let result = match done {
        Ok(result) => result.map_err(|error| match record.cause() {
            Some(cause) if may_hold_cancelled::<E>(record) => {
                ChildExit::Stopped(record.cancelled_for(cause, scope.elapsed()), error)
            }
            _ => ChildExit::Failed(error),
        }),
        Err(payload) => Err(ChildExit::Panicked(payload)),
    };
    let end = match &result {
        Ok(_) => Status::Completed,
        Err(ChildExit::Stopped(..)) => Status::Cancelled,
        Err(failed) => {
            record.note_error(&failed.text());
            Status::Failed
        }
    };
    // The finalizers of the call run as a task, not on this thread.
    detached_teardown::close(record, end);
    result
}
