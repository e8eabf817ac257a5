//! Work that blocks a thread, as a part of a scope.
//!
//! A thread cannot be stopped from outside. It is told of the cancel through its token, and the
//! scope waits for its end; or for no longer than a given time, and then says that it did not end.

use super::abandon_timer::Patience;
use super::completion::{End, Membership, Shared};
use super::spawn::{Entry, never, share};
use crate::cause::ChildName;
use crate::operation::Status;
use crate::record::blocking_call::BlockingCall;
use crate::record::{lifecycle, notes, token_clock};
use crate::runtime::Completion;
use crate::scope::run::detached_teardown;
use crate::scope::run::output::may_be_stop;
use crate::scope::run::teardown::WindUp;
use crate::scope::{Child, ChildError, Scope, SpawnError};
use crate::sync::{StoredWaker, isolate};
use crate::token::{CallbackRegistration, CancellationToken};
use std::borrow::Cow;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

impl Scope {
    /// Runs `work` on a thread where it may block, as a part of this scope: with an operation of its
    /// own, which is the current one on that thread, and joined like a child.
    ///
    /// The token that it is given is cancelled with the scope. Nothing else stops it: let it ask
    /// [`check`](CancellationToken::check) in its loops, or
    /// [`wait_timeout`](CancellationToken::wait_timeout) instead of sleeping. If it was cancelled
    /// before its thread began, it is not run.
    ///
    /// The scope waits for the thread, for as long as it takes unless it was built with
    /// [`abandon_blocking_after`](crate::scope::ScopeBuilder::abandon_blocking_after). A call that was
    /// given up is [`is_abandoned`](ChildError::is_abandoned), and its thread goes on. Its failures
    /// count as those of a child do, see [`spawn`](Self::spawn).
    ///
    /// The thread may hear of a cancel before the task of the scope does. A body that awaits the handle
    /// and then returns has completed, with what the thread had until then: end it with a
    /// [`check`](crate::Operation::check), as in [`try_run`](Self::try_run).
    ///
    /// # Errors
    ///
    /// The scope is not running, is cancelled, or has no runtime. The work comes back.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "testing")] {
    /// use cancelable_core::Scope;
    /// use cancelable_core::testing::ManualRuntime;
    ///
    /// let manual = ManualRuntime::new();
    /// let scope = Scope::builder("sum").runtime(&manual.handle()).build().expect("it is sound");
    /// let outcome = manual.block_on(scope.run(|op| async move {
    ///     let sum = op.try_spawn_blocking(|token| {
    ///         let mut sum = 0_u64;
    ///         for number in 1..=1000 {
    ///             token.check()?;
    ///             sum += number;
    ///         }
    ///         Ok::<_, cancelable_core::Cancelled>(sum)
    ///     });
    ///     sum.expect("the scope is running").await
    /// }));
    /// assert_eq!(outcome.into_value().and_then(Result::ok), Some(500_500));
    /// # }
    /// ```
    #[track_caller]
    pub fn spawn_blocking<W, T>(&self, work: W) -> Result<Child<T>, SpawnError<W>>
    where
        W: FnOnce(CancellationToken) -> T + Send + 'static,
        T: Send + 'static,
    {
        self.spawn_blocking_named(ChildName::BLOCKING_CALL, work)
    }

    /// [`spawn_blocking`](Self::spawn_blocking) for work that may fail: an error is a failure of the
    /// call, except the [`Cancelled`](crate::Cancelled) of one that was cancelled.
    ///
    /// # Errors
    ///
    /// As for [`spawn_blocking`](Self::spawn_blocking).
    #[track_caller]
    pub fn try_spawn_blocking<W, T, E>(&self, work: W) -> Result<Child<T>, SpawnError<W>>
    where
        W: FnOnce(CancellationToken) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + 'static,
    {
        self.try_spawn_blocking_named(ChildName::BLOCKING_CALL, work)
    }

    /// [`spawn_blocking`](Self::spawn_blocking) with a name.
    ///
    /// # Errors
    ///
    /// As for [`spawn_blocking`](Self::spawn_blocking).
    #[track_caller]
    pub fn spawn_blocking_named<W, T>(
        &self,
        name: impl Into<Cow<'static, str>>,
        work: W,
    ) -> Result<Child<T>, SpawnError<W>>
    where
        W: FnOnce(CancellationToken) -> T + Send + 'static,
        T: Send + 'static,
    {
        match self.admit(self.child(name), Some(call_of)) {
            Ok(entry) => Ok(start(entry, |token| Ok(work(token)), never)),
            Err(why) => Err(SpawnError::new(why, work)),
        }
    }

    /// [`try_spawn_blocking`](Self::try_spawn_blocking) with a name.
    ///
    /// # Errors
    ///
    /// As for [`spawn_blocking`](Self::spawn_blocking).
    #[track_caller]
    pub fn try_spawn_blocking_named<W, T, E>(
        &self,
        name: impl Into<Cow<'static, str>>,
        work: W,
    ) -> Result<Child<T>, SpawnError<W>>
    where
        W: FnOnce(CancellationToken) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + 'static,
    {
        match self.admit(self.child(name), Some(call_of)) {
            Ok(entry) => Ok(start(entry, work, share)),
            Err(why) => Err(SpawnError::new(why, work)),
        }
    }
}

fn call_of(runtime: crate::RuntimeHandle, scope: &Scope) -> BlockingCall {
    BlockingCall::new(runtime, scope.record().children.options().abandon_after)
}

fn start<W, T, E>(entry: Entry, work: W, share: fn(E) -> Shared) -> Child<T>
where
    W: FnOnce(CancellationToken) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: 'static,
{
    let Entry {
        scope,
        call,
        place,
        runtime,
    } = entry;
    let (completion, join) = Completion::new(runtime.name());
    let owner = place.owner().clone();
    let patience = call
        .as_ref()
        .and_then(|call| Patience::new(&owner, scope.id(), call));
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
    let child = Child::new(scope.operation().clone(), join, patience);
    let job = Job {
        work,
        share,
        on_cancel,
        completion,
        membership: Membership::new(scope.record().clone(), place),
        scope,
    };
    runtime.start_blocking(Box::new(move || job.run()));
    child
}

/// A blocking call as the thread gets it.
struct Job<W, T, E> {
    // Dropped in this order where a runtime drops it without running it, as the parts of a
    // `ChildTask` are.
    work: W,
    share: fn(E) -> Shared,
    /// Tells the scope when to stop waiting, if it ever does.
    on_cancel: Option<CallbackRegistration>,
    completion: Completion<Result<T, ChildError>>,
    membership: Membership,
    scope: Scope,
}

impl<W, T, E> Job<W, T, E>
where
    W: FnOnce(CancellationToken) -> Result<T, E>,
{
    fn run(self) {
        let Self {
            work,
            share,
            on_cancel,
            mut completion,
            mut membership,
            scope,
        } = self;
        completion.start();
        let result = perform(&scope, work, share);
        // The call's end is no longer waited for with a limit.
        drop(on_cancel);
        let result = membership.end(result);
        completion.report(Ok(result));
        drop(membership);
    }
}

/// Runs the work as the operation of `scope`, unless that is cancelled, and closes it.
fn perform<W, T, E>(scope: &Scope, work: W, share: fn(E) -> Shared) -> Result<T, End>
where
    W: FnOnce(CancellationToken) -> Result<T, E>,
{
    let record = scope.record();
    // Nobody else has the scope, so it was not entered before.
    let _ = lifecycle::enter(record, record.now(), StoredWaker::default());
    let mut slot = None;
    let inside = record.enter_here(&mut slot);
    if scope.look().is_err() {
        isolate("the drop of a blocking call", || drop(work));
        drop(inside);
        detached_teardown::close(record, Status::Cancelled, WindUp::default(), Vec::new());
        return Err(End::before_begin(record));
    }
    let token = token_clock::hand_out(record).clone();
    // Unwind safe: the work is consumed. What makes an error of its error is the user's code too.
    let done = catch_unwind(AssertUnwindSafe(|| work(token).map_err(share)));
    drop(inside);
    let result = match done {
        Ok(result) => result.map_err(|error| match record.cause() {
            Some(cause) if may_be_stop::<E>(record) => {
                End::Stopped(record.cancelled_for(cause, scope.elapsed()), error)
            }
            _ => End::Failed(error),
        }),
        Err(payload) => Err(End::Panicked(payload)),
    };
    let end = match &result {
        Ok(_) => Status::Completed,
        Err(End::Stopped(..)) => Status::Cancelled,
        Err(failed) => {
            notes::note_error(record, &failed.text());
            Status::Failed
        }
    };
    // What the call has deferred is not for its thread to run.
    detached_teardown::close(record, end, WindUp::default(), Vec::new());
    result
}
