//! Spawning: children and blocking calls, which the scope joins before its run returns.

use super::child_exit::{Admitted, ChildGuard, Shared};
use super::child_task::ChildTask;
use super::handle::ChildHandle;
use super::spawn_blocking::{blocking_call, start};
use crate::cause::ChildName;
use crate::error::{Refusal, RefusalReason, Rejected};
use crate::operation::Status;
use crate::record::blocking_call::BlockingCall;
use crate::record::{admission, lifecycle};
use crate::runtime::{Completion, RuntimeHandle};
use crate::scope::run::detached_teardown;
use crate::scope::{Outcome, Scope, ScopeBuilder};
use crate::sync::StoredWaker;
use crate::token::CancellationToken;
use futures_util::TryFutureExt;
use std::borrow::Cow;
use std::convert::{Infallible, identity};
use std::error::Error;
use std::future::Future;
use std::sync::Arc;

impl Scope {
    /// Starts `future` as a child of this scope: a task with an operation of its own, which the run of this scope
    /// joins before every outcome.
    ///
    /// The child is cancelled with this scope. A child fails if it panics or the runtime loses it. The first failure
    /// cancels the scope, unless the scope was built with [`collect_all`](ScopeBuilder::collect_all). The child's
    /// value, even an `Err`, is the output of the handle; use [`try_spawn`](Self::try_spawn) if an `Err` is to be a
    /// failure. A child that was cancelled has not failed. Listings, errors and logs call it `child`;
    /// [`spawn_named`](Self::spawn_named) gives it another name.
    ///
    /// If the run itself is dropped, the children are cancelled and end by themselves. The parent of this scope waits
    /// for them then.
    ///
    /// # Errors
    ///
    /// The scope is not running, is cancelled, or has no runtime. The future comes back.
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
    ///     let left = op.spawn(async { 1 + 2 }).expect("the scope is running");
    ///     let right = op.spawn(async { 3 + 4 }).expect("the scope is running");
    ///     left.await.unwrap_or(0) + right.await.unwrap_or(0)
    /// }));
    /// assert_eq!(outcome.into_value(), Some(10));
    /// # }
    /// ```
    #[track_caller]
    pub fn spawn<Fut>(&self, future: Fut) -> Result<ChildHandle<Fut::Output>, Rejected<Fut>>
    where
        Fut: Future + Send + 'static,
        Fut::Output: Send + 'static,
    {
        self.spawn_named(ChildName::CHILD, future)
    }

    /// [`spawn`](Self::spawn) for a future that may fail: an error makes the child fail.
    ///
    /// An error that is or holds the [`Cancelled`](crate::Cancelled) of a cancelled child is its cancellation, and no
    /// failure.
    ///
    /// # Errors
    ///
    /// As for [`spawn`](Self::spawn).
    #[track_caller]
    pub fn try_spawn<Fut, T, E>(&self, future: Fut) -> Result<ChildHandle<T>, Rejected<Fut>>
    where
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
    {
        self.try_spawn_named(ChildName::CHILD, future)
    }

    /// [`spawn`](Self::spawn) with a name for the child, instead of `child`.
    ///
    /// # Errors
    ///
    /// As for [`spawn`](Self::spawn).
    #[track_caller]
    pub fn spawn_named<Fut>(
        &self,
        name: impl Into<Cow<'static, str>>,
        future: Fut,
    ) -> Result<ChildHandle<Fut::Output>, Rejected<Fut>>
    where
        Fut: Future + Send + 'static,
        Fut::Output: Send + 'static,
    {
        match self.admit(self.child(name), None) {
            Ok(admitted) => Ok(admitted.start(|scope| scope.run(|_| future), never)),
            Err(refusal) => Err(refusal.with(future)),
        }
    }

    /// [`try_spawn`](Self::try_spawn) with a name for the child, which is in the text of its failure.
    ///
    /// # Errors
    ///
    /// As for [`spawn`](Self::spawn).
    #[track_caller]
    pub fn try_spawn_named<Fut, T, E>(
        &self,
        name: impl Into<Cow<'static, str>>,
        future: Fut,
    ) -> Result<ChildHandle<T>, Rejected<Fut>>
    where
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
    {
        match self.admit(self.child(name), None) {
            Ok(admitted) => Ok(admitted.start(
                |scope| scope.try_run(|_| future.map_err(share)).with_error_text(),
                identity,
            )),
            Err(refusal) => Err(refusal.with(future)),
        }
    }

    /// [`spawn`](Self::spawn) with all that a scope can have: `builder` gives the child its name, its time limit and
    /// its sources. The parent is this scope, whatever the builder says, and the body gets a handle of the child's
    /// scope.
    ///
    /// A time limit counts from when the child begins, not while the child waits for a place. A child that runs out
    /// of its own time is cancelled and has not failed.
    ///
    /// # Errors
    ///
    /// As for [`spawn`](Self::spawn), or the child cannot be built.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "testing")] {
    /// use cancelable_core::Scope;
    /// use cancelable_core::testing::ManualRuntime;
    /// use std::time::Duration;
    ///
    /// let manual = ManualRuntime::new();
    /// let scope = Scope::builder("sync").runtime(&manual.handle()).build().expect("it is sound");
    /// let outcome = manual.block_on(scope.run(|op| async move {
    ///     let fetch = op.child("fetch").timeout(Duration::from_secs(3));
    ///     let fetch = op.spawn_with(fetch, |op| async move { op.name().to_owned() });
    ///     fetch.expect("the scope is running").await
    /// }));
    /// assert_eq!(outcome.into_value().and_then(Result::ok).as_deref(), Some("fetch"));
    /// # }
    /// ```
    pub fn spawn_with<F, Fut>(
        &self,
        builder: ScopeBuilder,
        body: F,
    ) -> Result<ChildHandle<Fut::Output>, Rejected<F>>
    where
        F: FnOnce(Self) -> Fut + Send + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: Send + 'static,
    {
        match self.admit(builder, None) {
            Ok(admitted) => Ok(admitted.start(|scope| scope.run(body), never)),
            Err(refusal) => Err(refusal.with(body)),
        }
    }

    /// [`spawn_with`](Self::spawn_with) for a body that may fail, as in [`try_spawn`](Self::try_spawn).
    ///
    /// # Errors
    ///
    /// As for [`spawn_with`](Self::spawn_with).
    pub fn try_spawn_with<F, Fut, T, E>(
        &self,
        builder: ScopeBuilder,
        body: F,
    ) -> Result<ChildHandle<T>, Rejected<F>>
    where
        F: FnOnce(Self) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
    {
        match self.admit(builder, None) {
            Ok(admitted) => Ok(admitted.start(
                |scope| {
                    let body = |op| body(op).map_err(share);
                    scope.try_run(body).with_error_text()
                },
                identity,
            )),
            Err(refusal) => Err(refusal.with(body)),
        }
    }

    /// Runs `work` on a thread where it may block, as a part of this scope: with an operation of its own, which is
    /// the current one on that thread, and joined like a child.
    ///
    /// The token that `work` gets is cancelled with the scope. Nothing else stops it: let it call
    /// [`check`](CancellationToken::check) in its loops, or [`wait_timeout`](CancellationToken::wait_timeout) instead
    /// of sleeping. If it is cancelled before its thread begins, it is not run.
    ///
    /// The scope waits for the thread without a limit, unless the scope was built with
    /// [`abandon_blocking_after`](crate::scope::ScopeBuilder::abandon_blocking_after). A call that was abandoned is
    /// [`is_abandoned`](super::ChildError::is_abandoned), and its thread goes on. Its failures count as those of a
    /// child do, see [`spawn`](Self::spawn).
    ///
    /// The thread may see a cancel before the task of the scope does. A body that awaits the handle and then returns
    /// has completed, with a partial result of the thread: end the body with a [`check`](crate::Operation::check), as
    /// in [`try_run`](Self::try_run).
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
    pub fn spawn_blocking<W, T>(&self, work: W) -> Result<ChildHandle<T>, Rejected<W>>
    where
        W: FnOnce(CancellationToken) -> T + Send + 'static,
        T: Send + 'static,
    {
        self.spawn_blocking_named(ChildName::BLOCKING_CALL, work)
    }

    /// [`spawn_blocking`](Self::spawn_blocking) for work that may fail: an error makes the call fail, unless it is or
    /// holds the [`Cancelled`](crate::Cancelled) of a cancelled call.
    ///
    /// # Errors
    ///
    /// As for [`spawn_blocking`](Self::spawn_blocking).
    #[track_caller]
    pub fn try_spawn_blocking<W, T, E>(&self, work: W) -> Result<ChildHandle<T>, Rejected<W>>
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
    ) -> Result<ChildHandle<T>, Rejected<W>>
    where
        W: FnOnce(CancellationToken) -> T + Send + 'static,
        T: Send + 'static,
    {
        match self.admit(self.child(name), Some(blocking_call)) {
            Ok(admitted) => Ok(start(admitted, |token| Ok(work(token)), never)),
            Err(refusal) => Err(refusal.with(work)),
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
    ) -> Result<ChildHandle<T>, Rejected<W>>
    where
        W: FnOnce(CancellationToken) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + 'static,
    {
        match self.admit(self.child(name), Some(blocking_call)) {
            Ok(admitted) => Ok(start(admitted, work, share)),
            Err(refusal) => Err(refusal.with(work)),
        }
    }

    /// How many children and blocking calls of this scope have not ended.
    #[must_use]
    pub fn live_children(&self) -> usize {
        self.record().children.live()
    }

    /// Builds the scope of a child, or of a blocking call if `call` makes one, and lists it.
    fn admit(
        &self,
        builder: ScopeBuilder,
        call: Option<fn(RuntimeHandle, &Self) -> BlockingCall>,
    ) -> Result<Admitted, Refusal> {
        let record = self.record();
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
        if let Err(cancelled) = self.look() {
            return Err(refusal(RefusalReason::Cancelled(cancelled)));
        }
        let Some(runtime) = record.runtime.clone() else {
            return Err(refusal(RefusalReason::NoRuntime));
        };
        let scope = builder
            .spawned_by(self)
            .build()
            .map_err(|error| refusal(error.into_refusal_reason()))?;
        let call = call.map(|call| Arc::new(call(runtime.clone(), self)));
        let Some(place) = admission::admit(record, scope.record(), call.clone()) else {
            // Its user has not abandoned it, so its end is not reported as that.
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
            place,
            runtime,
        })
    }
}

impl Admitted {
    /// Starts the run that `run` makes of the child's scope.
    fn start<R, T, E>(self, run: impl FnOnce(&Scope) -> R, share: fn(E) -> Shared) -> ChildHandle<T>
    where
        R: Future<Output = Outcome<T, E>> + Send + 'static,
        T: Send + 'static,
        E: 'static,
    {
        let Self {
            scope,
            place,
            runtime,
            ..
        } = self;
        let (completion, join) = Completion::new(runtime.name());
        let guard = ChildGuard::new(scope.record().clone(), place);
        let child = ChildHandle::new(scope.operation().clone(), join, None);
        let queue = scope.record().token().clone().cancelled_owned();
        runtime.start(Box::pin(ChildTask::new(
            run(&scope),
            queue,
            share,
            completion,
            guard,
        )));
        child
    }
}

/// The conversion of the error of a child that cannot fail.
fn never(error: Infallible) -> Shared {
    match error {}
}

/// The conversion of a child's error, for its handle and its scope.
fn share<E: Into<Box<dyn Error + Send + Sync>>>(error: E) -> Shared {
    Arc::from(error.into())
}
