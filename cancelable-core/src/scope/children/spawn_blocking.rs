//! The job of a blocking call: work on a thread, as a part of a scope.
//!
//! A thread cannot be stopped from outside. Its token says that it is cancelled, and the scope waits for its end; or
//! for no longer than a given time, after which the call is abandoned.

use super::child_exit::{Admitted, ChildExit, ChildGuard, Shared};
use super::errors::ChildError;
use super::handle::{AbandonTimer, ChildHandle};
use crate::operation::Status;
use crate::record::blocking_call::BlockingCall;
use crate::record::{lifecycle, notes, token_clock};
use crate::runtime::{Completion, RuntimeHandle};
use crate::scope::Scope;
use crate::scope::run::{detached_teardown, may_say_cancelled};
use crate::sync::{StoredWaker, isolate};
use crate::token::{CallbackRegistration, CancellationToken};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The call of a scope's blocking work.
pub(super) fn blocking_call(runtime: RuntimeHandle, scope: &Scope) -> BlockingCall {
    BlockingCall::new(runtime, scope.record().children.options().abandon_after)
}

/// Starts an admitted blocking call on a thread.
pub(super) fn start<W, T, E>(admitted: Admitted, work: W, share: fn(E) -> Shared) -> ChildHandle<T>
where
    W: FnOnce(CancellationToken) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: 'static,
{
    let Admitted {
        scope,
        call,
        place,
        runtime,
    } = admitted;
    let (completion, join) = Completion::new(runtime.name());
    let owner = place.owner().clone();
    let abandon_timer = call
        .as_ref()
        .and_then(|call| AbandonTimer::new(&owner, scope.id(), call));
    let on_cancel = call
        .filter(|call| call.abandon_after().is_some())
        .map(|call| {
            let label = scope.label().clone();
            scope.record().token().on_cancel(move |cause| {
                if cause.is_end_of(&label) {
                    return;
                }
                call.note_cancel();
                owner.children.wake_joiner();
            })
        });
    let child = ChildHandle::new(scope.operation().clone(), join, abandon_timer);
    let job = BlockingJob {
        work,
        share,
        on_cancel,
        completion,
        guard: ChildGuard::new(scope.record().clone(), place),
        scope,
    };
    runtime.start_blocking(Box::new(move || job.run()));
    child
}

/// The job of the thread.
struct BlockingJob<W, T, E> {
    // Dropped in this order where a runtime drops the job without running it, as the parts of a `ChildTask` are.
    work: W,
    share: fn(E) -> Shared,
    /// Starts the time after which the scope abandons the call, if it ever does.
    on_cancel: Option<CallbackRegistration>,
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
            on_cancel,
            mut completion,
            mut guard,
            scope,
        } = self;
        completion.start();
        let result = perform(&scope, work, share);
        // The call has ended, and is not abandoned any more.
        drop(on_cancel);
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
    // Nobody else has the scope, so it is entered here first.
    let _ = lifecycle::enter(record, record.now(), StoredWaker::default());
    let mut slot = None;
    let inside = record.enter_here(&mut slot);
    if scope.look().is_err() {
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
            Some(cause) if may_say_cancelled::<E>(record) => {
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
            notes::note_error(record, &failed.text());
            Status::Failed
        }
    };
    // What the call has deferred runs as a task, not on its thread.
    detached_teardown::close(record, end);
    result
}
