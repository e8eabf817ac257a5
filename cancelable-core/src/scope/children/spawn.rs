//! The four verbs that start a child or a blocking call, which the scope joins before its run returns.

use super::blocking_job;
use super::child_exit::{Admitted, ChildExit, ChildGuard, Shared};
use super::child_task::ChildTask;
use super::grace_watch::GraceWatch;
use super::handle::{AbandonTimer, ChildHandle};
use super::supervised_call::{CallError, SupervisedCall};
use crate::cause::{ChildName, OperationLabel};
use crate::error::{Refusal, RefusalReason, Rejected};
use crate::operation::Status;
use crate::record::blocking_call::BlockingCall;
use crate::record::{admission, lifecycle};
use crate::runtime::Completion;
use crate::scope::run::detached_teardown;
use crate::scope::{Outcome, RunError, Scope, ScopeBuilder};
use crate::sync::StoredWaker;
use crate::token::CancellationToken;
use futures_util::TryFutureExt;
use std::convert::{Infallible, identity};
use std::error::Error;
use std::future::Future;
use std::sync::Arc;

impl Scope {
    /// Starts `future` as a child of this scope: a task with an operation of its own, which the run of this scope
    /// joins before it returns an outcome.
    ///
    /// The child is cancelled with this scope. A child fails if it panics or the runtime loses it. The first failure
    /// cancels the scope, unless the scope was built with [`collect_all`](ScopeBuilder::collect_all). The output of
    /// the handle is the value of the future, even an `Err`; with [`try_spawn`](Self::try_spawn) an `Err` is a
    /// failure. A cancelled child has not failed.
    ///
    /// Listings, errors and logs call the child `child`. [`child(name)`](Self::child) gives a child a name, a time
    /// limit and all else that a scope can have; see [`ScopeBuilder::spawn`].
    ///
    /// If the run itself is dropped, the children are cancelled and end on the runtime. In that case the parent of
    /// this scope waits for them.
    ///
    /// # Errors
    ///
    /// The scope is not running, is cancelled, or has no runtime. The error contains the future.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use cancelable_core::scope::RunError;
    /// use std::error::Error;
    ///
    /// # fn main() -> Result<(), Box<dyn Error>> {
    /// let sum = rt::block_on(async {
    ///     let outcome = rt::scope("sum").try_run(async |op: Scope| {
    ///         let left = op.spawn(async { 1 + 2 })?;
    ///         let right = op.spawn(async { 3 + 4 })?;
    ///         Ok::<_, Box<dyn Error>>(left.await? + right.await?)
    ///     });
    ///     outcome.await.complete().map_err(RunError::flatten)
    /// })?;
    /// assert_eq!(sum, 10);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn spawn<Fut>(&self, future: Fut) -> Result<ChildHandle<Fut::Output>, Rejected<Fut>>
    where
        Fut: Future + Send + 'static,
        Fut::Output: Send + 'static,
    {
        match self.child(ChildName::CHILD).admit(Member::Child) {
            Ok(admitted) => Ok(admitted.start(|scope| scope.run(|_| future), infallible_exit)),
            Err(refusal) => Err(refusal.with(future)),
        }
    }

    /// Spawns a future that may fail, as [`spawn`](Self::spawn) does. An error makes the child fail.
    ///
    /// An error that is or contains the [`Cancelled`](crate::Cancelled) of a cancelled child counts as a
    /// cancellation, not as a failure.
    ///
    /// # Errors
    ///
    /// As for [`spawn`](Self::spawn).
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use cancelable_core::scope::RunError;
    /// use std::error::Error;
    ///
    /// # fn main() -> Result<(), Box<dyn Error>> {
    /// let sum = rt::block_on(async {
    ///     let outcome = rt::scope("sum").try_run(async |op: Scope| {
    ///         let left = op.try_spawn(async { "1".parse::<u32>() })?;
    ///         let right = op.try_spawn(async { "2".parse::<u32>() })?;
    ///         Ok::<_, Box<dyn Error>>(left.await? + right.await?)
    ///     });
    ///     outcome.await.complete().map_err(RunError::flatten)
    /// })?;
    /// assert_eq!(sum, 3);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn try_spawn<Fut, T, E>(&self, future: Fut) -> Result<ChildHandle<T>, Rejected<Fut>>
    where
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
    {
        match self.child(ChildName::CHILD).admit(Member::Child) {
            Ok(admitted) => Ok(admitted.start(
                |scope| scope.try_run(|_| future.map_err(share)).with_error_text(),
                shared_exit,
            )),
            Err(refusal) => Err(refusal.with(future)),
        }
    }

    /// Runs `work` as a blocking call of this scope, on a thread where it may block. The call has an operation of its
    /// own, which is the current one on that thread, and is joined as a child is.
    ///
    /// The token that `work` gets is cancelled with the scope. Nothing else stops the work. The work can call
    /// [`check`](CancellationToken::check) in its loops, or [`wait_timeout`](CancellationToken::wait_timeout) instead
    /// of sleeping. Work that is cancelled before its thread begins is not run.
    ///
    /// The scope waits for the thread without a limit, unless the call has a
    /// [grace period](ScopeBuilder::spawn_blocking). The failures of a call count as those of a child do, see
    /// [`spawn`](Self::spawn).
    ///
    /// The thread may see a cancel before the task of the scope does. A body that awaits the handle and then returns
    /// has completed, with a partial result of the thread: end the body with a [`check`](crate::Operation::check), as
    /// in [`try_run`](Self::try_run).
    ///
    /// # Errors
    ///
    /// The scope is not running, is cancelled, or has no runtime. The error contains the work.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{CancellationToken, Cancelled, Scope};
    /// use cancelable_core::scope::RunError;
    /// use std::error::Error;
    ///
    /// fn sum(token: CancellationToken) -> Result<u64, Cancelled> {
    ///     let mut sum = 0;
    ///     for number in 1..=1000 {
    ///         token.check()?;
    ///         sum += number;
    ///     }
    ///     Ok(sum)
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn Error>> {
    /// let sum = rt::block_on(async {
    ///     let outcome = rt::scope("sum").try_run(async |op: Scope| {
    ///         let sum = op.try_spawn_blocking(sum)?;
    ///         Ok::<_, Box<dyn Error>>(sum.await?)
    ///     });
    ///     outcome.await.complete().map_err(RunError::flatten)
    /// })?;
    /// assert_eq!(sum, 500_500);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn spawn_blocking<W, T>(&self, work: W) -> Result<ChildHandle<T>, Rejected<W>>
    where
        W: FnOnce(CancellationToken) -> T + Send + 'static,
        T: Send + 'static,
    {
        self.child(ChildName::BLOCKING_CALL).spawn_blocking(work)
    }

    /// Starts blocking work that may fail, as [`spawn_blocking`](Self::spawn_blocking) does. An error makes the
    /// call fail, unless the error is or contains the [`Cancelled`](crate::Cancelled) of a cancelled call.
    ///
    /// # Errors
    ///
    /// As for [`spawn_blocking`](Self::spawn_blocking).
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use cancelable_core::scope::RunError;
    /// use std::error::Error;
    ///
    /// # fn main() -> Result<(), Box<dyn Error>> {
    /// let size = rt::block_on(async {
    ///     let outcome = rt::scope("size").try_run(async |op: Scope| {
    ///         let size = op.try_spawn_blocking(|_| std::fs::metadata("Cargo.toml").map(|file| file.len()))?;
    ///         Ok::<_, Box<dyn Error>>(size.await?)
    ///     });
    ///     outcome.await.complete().map_err(RunError::flatten)
    /// })?;
    /// assert!(size > 0);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn try_spawn_blocking<W, T, E>(&self, work: W) -> Result<ChildHandle<T>, Rejected<W>>
    where
        W: FnOnce(CancellationToken) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + 'static,
    {
        self.child(ChildName::BLOCKING_CALL)
            .try_spawn_blocking(work)
    }

    /// Returns the number of children and blocking calls of this scope that have not ended.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { rt::block_on(async {
    /// let scope = rt::scope("crawl").build()?;
    /// let outcome = scope.run(async |op| {
    ///     let page = op.spawn(std::future::pending::<()>());
    ///     let live = op.live_children();
    ///     op.cancel();
    ///     page.is_ok().then_some(live)
    /// });
    /// assert_eq!(outcome.await.into_value().flatten(), Some(1));
    /// assert_eq!(scope.live_children(), 0);
    /// # Ok(()) }) }
    /// ```
    #[must_use]
    pub fn live_children(&self) -> usize {
        self.record().children.live()
    }
}

/// The parent type of a builder that can [spawn](ScopeBuilder::spawn): a [`Scope`], in a builder from
/// [`Scope::child`]. The trait exists for the message of the compiler about any other builder.
#[diagnostic::on_unimplemented(
    message = "this builder is from no scope, so no scope would join what it spawns",
    label = "`rt::scope` and `Scope::builder` open a scope to `run`",
    note = "spawn inside the run of a scope: `op.child(\"name\").spawn(body)`, or `op.spawn(future)`"
)]
pub trait ChildOf {}

impl ChildOf for Scope {}

impl<P> ScopeBuilder<P> {
    /// Starts `body` in the scope, as a child of the scope that this builder is [from](Scope::child). The body gets a
    /// handle of its own scope, and has everything that was set here: name, time limit, sources, hooks. All else is
    /// as for [`Scope::spawn`].
    ///
    /// A time limit counts from when the child begins, not while the child waits for a
    /// [permit](Self::concurrency). A child whose own time is up is cancelled and has not failed.
    ///
    /// # Errors
    ///
    /// As for [`Scope::spawn`], or the child cannot be built. The error contains the body.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use cancelable_core::scope::RunError;
    /// use std::error::Error;
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn Error>> {
    /// let name = rt::block_on(async {
    ///     let outcome = rt::scope("sync").try_run(async |op: Scope| {
    ///         let fetch = op.child("fetch").timeout(Duration::from_secs(3));
    ///         let fetch = fetch.spawn(async |op: Scope| op.name().to_owned())?;
    ///         Ok::<_, Box<dyn Error>>(fetch.await?)
    ///     });
    ///     outcome.await.complete().map_err(RunError::flatten)
    /// })?;
    /// assert_eq!(name, "fetch");
    /// # Ok(())
    /// # }
    /// ```
    pub fn spawn<F, Fut>(self, body: F) -> Result<ChildHandle<Fut::Output>, Rejected<F>>
    where
        P: ChildOf,
        F: FnOnce(Scope) -> Fut + Send + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: Send + 'static,
    {
        match self.admit(Member::Child) {
            Ok(admitted) => Ok(admitted.start(|scope| scope.run(body), infallible_exit)),
            Err(refusal) => Err(refusal.with(body)),
        }
    }

    /// Spawns a body that may fail, as [`Scope::try_spawn`] does.
    ///
    /// # Errors
    ///
    /// As for [`spawn`](Self::spawn).
    pub fn try_spawn<F, Fut, T, E>(self, body: F) -> Result<ChildHandle<T>, Rejected<F>>
    where
        P: ChildOf,
        F: FnOnce(Scope) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
    {
        match self.admit(Member::Child) {
            Ok(admitted) => Ok(admitted.start(
                |scope| {
                    let body = |op| body(op).map_err(share);
                    scope.try_run(body).with_error_text()
                },
                shared_exit,
            )),
            Err(refusal) => Err(refusal.with(body)),
        }
    }

    /// Runs `work` as a blocking call of the scope that this builder is [from](Scope::child), with everything that
    /// was set here. All else is as for [`Scope::spawn_blocking`].
    ///
    /// A [`timeout`](Self::timeout) cancels the token of the call; it counts from when the call begins. A
    /// [`grace`](Self::grace) is how long the call is waited for after its cancel. A call that has not ended then
    /// is abandoned: its thread continues, its handle returns an error that
    /// [`is_abandoned`](super::ChildError::is_abandoned), and the log has a warning. With zero that is at once, and
    /// without a grace the scope waits without a limit. The grace periods of the ancestors bound their bodies, and
    /// not this wait.
    ///
    /// # Errors
    ///
    /// As for [`Scope::spawn_blocking`], or the call cannot be built. The error contains the work.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use cancelable_core::scope::RunError;
    /// use std::error::Error;
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn Error>> {
    /// let sum = rt::block_on(async {
    ///     let outcome = rt::scope("import").try_run(async |op: Scope| {
    ///         let sum = op.child("sum").timeout(Duration::from_secs(30)).grace(Duration::from_secs(5));
    ///         let sum = sum.try_spawn_blocking(|token| {
    ///             // The time limit makes the check fail.
    ///             (1..=1000).try_fold(0, |sum, number| token.check().map(|()| sum + number))
    ///         })?;
    ///         Ok::<_, Box<dyn Error>>(sum.await?)
    ///     });
    ///     outcome.await.complete().map_err(RunError::flatten)
    /// })?;
    /// assert_eq!(sum, 500_500);
    /// # Ok(())
    /// # }
    /// ```
    pub fn spawn_blocking<W, T>(self, work: W) -> Result<ChildHandle<T>, Rejected<W>>
    where
        P: ChildOf,
        W: FnOnce(CancellationToken) -> T + Send + 'static,
        T: Send + 'static,
    {
        match self.admit(Member::BlockingCall) {
            Ok(admitted) => Ok(admitted.start_call(|token| Ok(work(token)), never)),
            Err(refusal) => Err(refusal.with(work)),
        }
    }

    /// Starts blocking work that may fail, as [`Scope::try_spawn_blocking`] does.
    ///
    /// # Errors
    ///
    /// As for [`spawn_blocking`](Self::spawn_blocking).
    pub fn try_spawn_blocking<W, T, E>(self, work: W) -> Result<ChildHandle<T>, Rejected<W>>
    where
        P: ChildOf,
        W: FnOnce(CancellationToken) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + 'static,
    {
        match self.admit(Member::BlockingCall) {
            Ok(admitted) => Ok(admitted.start_call(work, share)),
            Err(refusal) => Err(refusal.with(work)),
        }
    }

    /// Builds the scope of a child or of a blocking call, and lists it in the table of its parent.
    fn admit(mut self, member: Member) -> Result<Admitted, Refusal> {
        let needs_polling = self.needs_polling();
        let grace = match member {
            Member::Child => None,
            // The grace period of a call is not that of a body: no poll could drop the work.
            Member::BlockingCall => self.take_grace(),
        };
        let Some(parent) = self.spawner() else {
            // Never happens: a builder of this type has a parent.
            return Err(Refusal {
                operation: OperationLabel::new(self.into_name()),
                request: "a child",
                reason: RefusalReason::Pending,
            });
        };
        let record = parent.record();
        let refusal = |reason| Refusal {
            operation: record.label.clone(),
            request: "a child",
            reason,
        };
        let status = record.status();
        match status {
            Status::Running => {}
            Status::Pending => return Err(refusal(RefusalReason::Pending)),
            ended => return Err(refusal(RefusalReason::Ended(ended.words()))),
        }
        if let Err(cancelled) = parent.check_quietly() {
            return Err(refusal(RefusalReason::Cancelled(cancelled)));
        }
        let Some(runtime) = record.runtime.clone() else {
            return Err(refusal(RefusalReason::NoRuntime));
        };
        let scope = self
            .build()
            .map_err(|error| refusal(error.into_refusal_reason()))?;
        let call = match member {
            Member::Child => None,
            Member::BlockingCall => Some(Arc::new(BlockingCall::new(runtime.clone(), grace))),
        };
        let Some(admission) = admission::admit(record, scope.record(), call.clone()) else {
            // The caller has not abandoned the scope, so its end is not reported as that.
            if lifecycle::enter(scope.record(), None, StoredWaker::default()).is_ok() {
                detached_teardown::close(scope.record(), Status::Cancelled);
            }
            let reason = match record.status() {
                Status::Running => RefusalReason::Ending,
                status => RefusalReason::Ended(status.words()),
            };
            return Err(refusal(reason));
        };
        Ok(Admitted {
            scope,
            call,
            admission,
            runtime,
            needs_polling,
        })
    }
}

/// The kind of a new entry in the table of the parent.
#[derive(Clone, Copy)]
enum Member {
    Child,
    BlockingCall,
}

impl Admitted {
    /// Starts the child: a task that runs the future which `run` makes from the child's scope.
    fn start<R, T, E>(
        self,
        run: impl FnOnce(&Scope) -> R,
        exit: fn(RunError<E>) -> ChildExit,
    ) -> ChildHandle<T>
    where
        R: Future<Output = Outcome<T, E>> + Send + 'static,
        T: Send + 'static,
        E: 'static,
    {
        let Self {
            scope,
            call,
            admission,
            runtime,
            ..
        } = self;
        let (completion, join) = Completion::new(runtime.name());
        let abandon_timer =
            call.and_then(|call| AbandonTimer::new(admission.owner(), scope.id(), call));
        let guard = ChildGuard::new(scope.record().clone(), admission);
        let child = ChildHandle::new(scope.operation().clone(), join, abandon_timer);
        let queue = scope.record().token().clone().cancelled_owned();
        runtime.start(Box::pin(ChildTask::new(
            run(&scope),
            queue,
            exit,
            completion,
            guard,
        )));
        child
    }

    /// Starts `work` on a thread. A call whose cancel may need a poll has a task beside its thread.
    fn start_call<W, T, E>(self, work: W, share: fn(E) -> Shared) -> ChildHandle<T>
    where
        W: FnOnce(CancellationToken) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: 'static,
    {
        if !self.needs_polling {
            return blocking_job::start(self, work, share);
        }
        let grace = GraceWatch::new(&self);
        let runtime = self.runtime.clone();
        let run = move |scope: &Scope| {
            let body = move |op: Scope| {
                SupervisedCall::new(Arc::clone(op.record()), runtime, grace, work, share)
            };
            scope.try_run(body).with_error_text()
        };
        self.start(run, CallError::exit)
    }
}

/// Converts the error of work that cannot fail.
fn never(error: Infallible) -> Shared {
    match error {}
}

/// Converts the error of a child, for its handle and its scope.
fn share<E: Into<Box<dyn Error + Send + Sync>>>(error: E) -> Shared {
    Arc::from(error.into())
}

/// Returns the exit of a child that cannot fail.
fn infallible_exit(error: RunError) -> ChildExit {
    ChildExit::of(error, never)
}

/// Returns the exit of a child whose error is shared.
fn shared_exit(error: RunError<Shared>) -> ChildExit {
    ChildExit::of(error, identity)
}
