//! A bound around work: the sources that may cancel the work, its parent, its children and its end.
//!
//! [`Scope::builder`], or an adapter's `scope`, returns the builder of a [`Scope`]. [`run`](Scope::run) polls one
//! future, the *body*, beside the sources of the scope, and gives an [`Outcome`]. A run spawns nothing, so no part of
//! the body outlives it. A scope dereferences to its [`Operation`](crate::Operation), which has the state of the work.

mod build_error;
mod builder;
mod children;
mod concurrent;
mod handle;
mod hold;
mod outcome;
mod run;
mod run_error;
mod try_run_until;

pub use build_error::BuildError;
pub use builder::ScopeBuilder;
pub use children::{ChildError, ChildHandle, ChildOf};
pub(crate) use concurrent::{BUDGET, take};
pub use concurrent::{ForEachConcurrent, MapConcurrent};
pub use handle::Scope;
pub use hold::ScopeHold;
pub use outcome::Outcome;
pub use run::{Run, TryRun};
pub use run_error::{AlreadyRun, Flatten, RunError, SourceFailed};

pub use crate::error::Rejected;

use crate::error::{Refusal, RefusalReason};
use crate::record::deadlines;
use crate::source::Limit;
use futures_util::Stream;
use std::borrow::Cow;
use std::future::Future;
use std::num::NonZeroUsize;
use std::panic::Location;
use std::time::Instant;

impl Scope {
    /// Returns the builder of a scope. By default the parent is the operation that is current when the scope is
    /// built.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // Needs no runtime, because it has no time limit.
    /// let scope = Scope::builder("import").build()?;
    /// let outcome = rt::block_on(scope.run(async |_| 42));
    /// assert_eq!(outcome.complete()?, 42);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn builder(name: impl Into<Cow<'static, str>>) -> ScopeBuilder {
        ScopeBuilder::new(name.into())
    }

    /// Returns the builder of a scope whose parent is this scope.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = rt::scope("server").build()?;
    /// let request = server.child("request").build()?;
    /// assert_eq!(request.parent(), Some(server.label()));
    ///
    /// server.cancel();
    /// assert!(request.is_cancelled());
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn child(&self, name: impl Into<Cow<'static, str>>) -> ScopeBuilder<Self> {
        ScopeBuilder::below(self, name.into())
    }

    /// Runs a body to its end, or until the scope is cancelled, which drops the body.
    ///
    /// The body is polled where the returned future is polled: it need be neither `Send` nor `'static`. The first poll
    /// enters the scope, and the timeout counts from there. If the scope is cancelled before that, its time is up or
    /// one of its sources fires at once, the body is not started. In later polls the body is polled before the
    /// sources, so a value that it has produced is never thrown away.
    ///
    /// After the body the children are joined, and the children of dropped runs inside. Then the
    /// [deferred](crate::Operation::defer) finalizers run. A panic of the body continues in the caller after that.
    ///
    /// A body that returns has completed, even if the scope was cancelled before. Children and blocking calls may see
    /// the cancel first: a body that only joins them is woken by their end, and returns. To get an error for work that
    /// was cut, call [`Outcome::complete`].
    ///
    /// A scope runs once: another run of it is [refused](RunError::AlreadyRun).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the body and cancels the scope, with
    /// [`Reason::RunDropped`](crate::Reason::RunDropped) or the cause of [`if_dropped`](Run::if_dropped). The
    /// children end and the finalizers run on the runtime. The parent waits for them before it runs its own
    /// finalizers.
    ///
    /// # Fairness
    ///
    /// A body that never yields is not interrupted. Such a body calls [`check`](crate::Operation::check).
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// rt::block_on(async {
    ///     let scope = rt::scope("sum").build()?;
    ///     let numbers = vec![1, 2, 3];
    ///     // The body may borrow, because it is not spawned.
    ///     let outcome = scope.run(async |_| numbers.iter().sum::<u32>()).await;
    ///     assert_eq!(outcome.complete()?, 6);
    ///     Ok(())
    /// })
    /// # }
    /// ```
    pub fn run<F, Fut>(&self, body: F) -> Run<F, Fut>
    where
        F: FnOnce(Self) -> Fut,
        Fut: Future,
    {
        Run::new(Ok(self.for_run()), body)
    }

    /// Runs a body that may fail, as [`run`](Self::run) does. An error ends the scope as
    /// [`Status::Failed`](crate::Status::Failed).
    ///
    /// An error that contains the [`Cancelled`](crate::Cancelled) of this cancel, from `check()?` or from a stream,
    /// is not a failure: the scope ends as [`Status::Cancelled`](crate::Status::Cancelled), and the error is in
    /// [`RunError::Stopped`]. The `Cancelled` may be in a box, in an `io::Error` or in a variant of the error. An
    /// error that holds none is a failure, even if the scope is cancelled.
    ///
    /// If the error type of the body can hold any error, as `Box<dyn Error>` can, map the error of the outcome by
    /// [`RunError::flatten`].
    ///
    /// # Cancel safety
    ///
    /// As for [`run`](Self::run).
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Scope, Status};
    /// use std::error::Error;
    ///
    /// # fn main() -> Result<(), Box<dyn Error>> {
    /// rt::block_on(async {
    ///     let scope = rt::scope("parse").build()?;
    ///     let outcome = scope.try_run(async |op: Scope| {
    ///         op.check()?;
    ///         Ok::<u32, Box<dyn Error>>("seven".parse()?)
    ///     });
    ///     assert_eq!(outcome.await.status(), Status::Failed);
    ///     Ok(())
    /// })
    /// # }
    /// ```
    pub fn try_run<F, Fut, T, E>(&self, body: F) -> TryRun<F, Fut>
    where
        F: FnOnce(Self) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        TryRun::new(Ok(self.for_run()), body)
    }

    /// Runs a closure on this thread, in the scope: for plain threads, outside async code.
    ///
    /// A second thread polls the scope meanwhile. The deadline and the sources cancel the scope as in a
    /// [`run`](Self::run), on any runtime; a program without a runtime takes the adapter `cancelable-thread`. A cancel
    /// cannot stop the closure: let it call [`check`](crate::Operation::check), or wait by
    /// [`token().wait_timeout(..)`](crate::CancellationToken::wait_timeout). Its value counts even if the scope was
    /// cancelled. If the scope is cancelled when it is entered, the closure is not run.
    ///
    /// The run waits for children and finalizers, as any run does.
    ///
    /// # Panics
    ///
    /// If `body` panics, with its panic. If the system starts no thread.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = Scope::builder("count").build()?;
    /// let outcome = scope.run_blocking(|op| {
    ///     let mut count = 0;
    ///     while op.check().is_ok() {
    ///         count += 1;
    ///         if count == 1000 {
    ///             op.cancel_with("enough");
    ///         }
    ///     }
    ///     count
    /// });
    /// assert_eq!(outcome.into_value(), Some(1000));
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(not(target_family = "wasm"))]
    pub fn run_blocking<F, T>(&self, body: F) -> Outcome<T>
    where
        F: FnOnce(&Self) -> T,
    {
        run::run_blocking(self, |op| Ok(body(op)))
    }

    /// Runs a closure that may fail, as [`run_blocking`](Self::run_blocking) does. An error ends the scope as
    /// [`Status::Failed`](crate::Status::Failed).
    ///
    /// # Panics
    ///
    /// As for [`run_blocking`](Self::run_blocking).
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = Scope::builder("parse").build()?;
    /// let outcome = scope.try_run_blocking(|_| "7".parse::<u32>());
    /// assert_eq!(outcome.complete()?, 7);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(not(target_family = "wasm"))]
    pub fn try_run_blocking<F, T, E>(&self, body: F) -> Outcome<T, E>
    where
        F: FnOnce(&Self) -> Result<T, E>,
    {
        run::run_blocking(self, body)
    }

    /// Sets the scope's own time limit to `limit` from now, or from entry if the scope is not entered yet. The new
    /// limit replaces every limit that the scope was built with.
    ///
    /// A limit that is too long for the clock never ends. Zero cancels at once. The cause of a cancel names the
    /// new limit and when it was set: `import cancelled after 3 s: timed out (limit 2 s counted from 1 s on, set
    /// at src/main.rs:14)`.
    ///
    /// The new limit may extend the scope's own deadline. The deadlines of its ancestors still hold.
    ///
    /// A nearer deadline reaches the scopes below through the run of this scope, whose timer moves. If that run is
    /// kept and not polled, a scope below that another task polls has the new [`deadline`](crate::Operation::deadline) and
    /// sees it by [`check`](crate::Operation::check), but is woken only if the new deadline has passed already.
    ///
    /// # Errors
    ///
    /// The scope has ended, is cancelled, or has no runtime.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use cancelable_core::error::Rejected;
    /// use std::future::pending;
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// rt::block_on(async {
    ///     let scope = rt::scope("import").timeout(Duration::from_secs(60)).build()?;
    ///     let outcome = scope.try_run(async |op: Scope| {
    ///         op.set_timeout(Duration::from_millis(2))?;
    ///         pending::<Result<(), Rejected>>().await
    ///     });
    ///     assert!(outcome.await.is_timeout());
    ///     Ok(())
    /// })
    /// # }
    /// ```
    #[track_caller]
    pub fn set_timeout(&self, limit: impl Into<Limit>) -> Result<(), Rejected> {
        self.move_deadline(limit.into())
    }

    /// Sets the scope's own deadline to `point` on the clock of its runtime. The new deadline replaces every limit
    /// that the scope was built with. A point that has passed cancels at once.
    ///
    /// # Errors
    ///
    /// As for [`set_timeout`](Self::set_timeout).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// rt::block_on(async {
    ///     let scope = rt::scope("import").build()?;
    ///     let in_a_minute = rt::current()?.now() + Duration::from_secs(60);
    ///     scope.set_deadline(in_a_minute)?;
    ///     assert_eq!(scope.deadline(), Some(in_a_minute));
    ///     Ok(())
    /// })
    /// # }
    /// ```
    #[track_caller]
    pub fn set_deadline(&self, point: Instant) -> Result<(), Rejected> {
        self.move_deadline(Limit::at(point))
    }

    /// Keeps the scope from ending until the guard, and each clone of it, is dropped: for work on a thread or a
    /// pool of your own, which is not a child of the scope.
    ///
    /// The run waits for the guards when it joins its children: after the body, before the finalizers, and without a
    /// limit. A cancel does not end a hold, so let the work check the [token](crate::Operation::token). A body that fails
    /// cancels the scope, as for children. A guard can be taken as soon as the scope is built, and while it is
    /// cancelled. [Reports](crate::Operation::unfinished) name the hold by the location of this call. If the run is dropped,
    /// the runtime waits for the guards; without a runtime nothing does.
    ///
    /// # Errors
    ///
    /// The scope has ended, or no longer waits for children.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use cancelable_core::error::Rejected;
    /// use std::thread;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = rt::scope("flush").build()?;
    /// let outcome = rt::block_on(scope.try_run(async |op: Scope| {
    ///     let hold = op.hold()?;
    ///     thread::spawn(move || {
    ///         println!("{} is flushed", hold.operation().label());
    ///         drop(hold); // The scope may end from here on.
    ///     });
    ///     Ok::<(), Rejected>(())
    /// }));
    /// outcome.complete()?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn hold(&self) -> Result<ScopeHold, Rejected> {
        ScopeHold::of(self.operation(), Location::caller())
    }

    /// Maps the stream `items` by at most `limit` futures at once, and yields the results in the order of the items.
    ///
    /// Nothing is spawned: the futures are polled with this stream, so they need be neither `Send` nor `'static`. An
    /// item is pulled when there is room for it and the stream is polled. A result that waits for an earlier result
    /// takes up room.
    ///
    /// The stream is cancelled with the scope: no more items are pulled. The running futures are polled as long as
    /// the body is (in its last poll, in a grace period, in a shield), and every result is delivered before the
    /// stream ends. In that case the stream counts as cut, even if all items were pulled, since a future may have
    /// ended early for the cancel. The stream is whole if every future had ended before the cancel.
    ///
    /// The result is a [`CancellableStream`](crate::stream::CancellableStream), with
    /// [`collect_partial`](crate::stream::CancellableStream::collect_partial) and its like. Do not wrap it in
    /// [`stream`](crate::Operation::stream), which would take an end by this cancel for the end of the items.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use futures_util::stream;
    /// use std::num::NonZeroUsize;
    ///
    /// const AT_ONCE: NonZeroUsize = NonZeroUsize::new(2).unwrap();
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = rt::scope("squares").build()?;
    /// let outcome = rt::block_on(scope.try_run(async |op: Scope| {
    ///     let numbers = stream::iter(1..=4);
    ///     let squares = op.map_concurrent(AT_ONCE, numbers, |number| async move { number * number });
    ///     squares.into_vec().await
    /// }));
    /// assert_eq!(outcome.complete()?, [1, 4, 9, 16]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn map_concurrent<S, F, Fut>(
        &self,
        limit: NonZeroUsize,
        items: S,
        f: F,
    ) -> MapConcurrent<S, F, Fut>
    where
        S: Stream,
        F: FnMut(S::Item) -> Fut,
        Fut: Future,
    {
        MapConcurrent::new(self.operation(), limit, items, f)
    }

    /// Calls `f` for each item of the stream `items`, with at most `limit` futures at once.
    ///
    /// An item is pulled when there is room for it. The returned future is cancelled with the scope: no more items are
    /// pulled, the running futures are polled as long as the body is, and the output is the error, however many items
    /// were left.
    ///
    /// # Errors
    ///
    /// From the future: [`Cancelled`](crate::Cancelled) if the scope was cancelled before the work on all items had
    /// ended. For work that can fail, call [`map_concurrent`](Self::map_concurrent) and `try_collect_partial` of its
    /// stream, as in the second example.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use futures_util::stream;
    /// use std::cell::Cell;
    /// use std::num::NonZeroUsize;
    ///
    /// const AT_ONCE: NonZeroUsize = NonZeroUsize::new(2).unwrap();
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let sum = &Cell::new(0);
    /// let scope = rt::scope("sum").build()?;
    /// let outcome = rt::block_on(scope.try_run(async |op: Scope| {
    ///     let add = |number| async move { sum.set(sum.get() + number) };
    ///     op.for_each_concurrent(AT_ONCE, stream::iter([1, 2, 3]), add).await
    /// }));
    /// outcome.complete()?;
    /// assert_eq!(sum.get(), 6);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The first error of the work ends the collection, and the other futures are dropped:
    ///
    /// ```
    /// # #[cfg(feature = "stream")] {
    /// use cancelable_core::Scope;
    /// use cancelable_core::stream::CancellableStream;
    /// use futures_util::stream;
    /// use std::num::NonZeroUsize;
    ///
    /// const AT_ONCE: NonZeroUsize = NonZeroUsize::new(2).unwrap();
    ///
    /// let outcome = rt::block_on(rt::scope("parse").run(async |op: Scope| {
    ///     let parse = |text: &'static str| async move { text.parse::<u32>() };
    ///     let numbers = op.map_concurrent(AT_ONCE, stream::iter(["1", "two", "3"]), parse);
    ///     numbers.try_collect_partial::<Vec<_>, _, _>().await
    /// }));
    /// let collected = outcome.complete()?;
    /// assert_eq!(collected.items(), &[1]);
    /// assert!(collected.error().is_some());
    /// # }
    /// # Ok::<(), cancelable_core::scope::RunError>(())
    /// ```
    pub fn for_each_concurrent<S, F, Fut>(
        &self,
        limit: NonZeroUsize,
        items: S,
        f: F,
    ) -> ForEachConcurrent<S, F, Fut>
    where
        S: Stream,
        F: FnMut(S::Item) -> Fut,
        Fut: Future<Output = ()>,
    {
        ForEachConcurrent::new(self.map_concurrent(limit, items, f))
    }

    fn move_deadline(&self, limit: Limit) -> Result<(), Rejected> {
        let record = self.record();
        let refusal = |reason| {
            let refusal = Refusal {
                operation: record.label.clone(),
                request: "a new deadline",
                reason,
            };
            refusal.with(())
        };
        let status = record.status();
        if status.is_terminal() {
            return Err(refusal(RefusalReason::Ended(status.words())));
        }
        if let Some(cancelled) = record
            .is_cancelled()
            .then(|| self.check_quietly().err())
            .flatten()
        {
            return Err(refusal(RefusalReason::Cancelled(cancelled)));
        }
        let now = record
            .now()
            .ok_or_else(|| refusal(RefusalReason::NoRuntime))?;
        deadlines::set(record, limit, now);
        Ok(())
    }
}
