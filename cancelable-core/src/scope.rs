//! A bound around work: its sources of cancellation, its parent, its children and its end.
//!
//! A [`Scope`] is built, and then polls one future, the *body*, beside the sources that may cancel it. It spawns
//! nothing, so nothing of the body can outlive it. The run gives an [`Outcome`]. Meanwhile, the
//! [`Operation`](crate::Operation), to which a scope dereferences, tells the state of the work.

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
pub use children::{ChildError, ChildHandle};
pub(crate) use concurrent::{BUDGET, take};
pub use concurrent::{ForEachConcurrent, MapConcurrent};
pub use handle::Scope;
pub use hold::ScopeHold;
pub use outcome::Outcome;
pub use run::{Run, TryRun};
pub use run_error::{AlreadyRun, Flatten, RunError, SourceFailed};

use crate::error::{Refusal, RefusalReason, Rejected};
use crate::record::deadlines;
use crate::source::Limit;
use futures_util::Stream;
use std::borrow::Cow;
use std::future::Future;
use std::num::NonZeroUsize;
use std::panic::Location;
use std::time::Instant;

impl Scope {
    /// Returns the builder of a scope. By default its parent will be the operation that runs where it is built, if
    /// there is one.
    #[track_caller]
    pub fn builder(name: impl Into<Cow<'static, str>>) -> ScopeBuilder {
        ScopeBuilder::new(name.into())
    }

    /// Returns the builder of a scope whose parent is this one.
    #[track_caller]
    pub fn child(&self, name: impl Into<Cow<'static, str>>) -> ScopeBuilder<Self> {
        ScopeBuilder::below(self, name.into())
    }

    /// Runs a body to its end, or until the scope is cancelled, which drops it.
    ///
    /// The body is polled where this future is polled: it need be neither `Send` nor `'static`. The scope is entered
    /// at the first poll, and its timeout counts from there. If the scope is cancelled already, or its time is up, or
    /// a source of it fires at once, the body is not started. Afterwards the body is polled before anything else, so
    /// that a value it has produced is never thrown away.
    ///
    /// After the body the children are joined, and with them what dropped runs of scopes inside have left. Then the
    /// [deferred](crate::Operation::defer) finalizers run. A panic of the body goes on to the caller after that.
    ///
    /// A body that returns has completed, even if the scope was cancelled before that. Children and blocking calls
    /// may see the cancel first: a body that only joins them is woken by their end, and returns. The request is then
    /// in [`Outcome::cause`]. If work that was cut short must not pass for whole, read that, or end the body of
    /// [`try_run`](Self::try_run) with a [`check`](crate::Operation::check).
    ///
    /// A scope runs once: another run of it is refused.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the body and cancels the scope, with
    /// [`Reason::RunDropped`](crate::Reason::RunDropped) or the cause of [`if_dropped`](Run::if_dropped). Its
    /// children end and its finalizers run on the runtime, and its parent waits for that before its own finalizers.
    ///
    /// # Fairness
    ///
    /// A body that never yields is not interrupted. It can call [`check`](crate::Operation::check).
    pub fn run<F, Fut>(&self, body: F) -> Run<F, Fut>
    where
        F: FnOnce(Self) -> Fut,
        Fut: Future,
    {
        Run::new(Ok(self.for_run()), body)
    }

    /// [`run`](Self::run) for a body that may fail: an error ends the scope as
    /// [`Status::Failed`](crate::Status::Failed).
    ///
    /// An error that holds the [`Cancelled`](crate::Cancelled) of this cancel, which a `check()?` or a stream gave
    /// the body, is no failure: the scope ends as [`Status::Cancelled`](crate::Status::Cancelled), and the error is
    /// in [`RunError::Stopped`]. The `Cancelled` may be in a box, in an `io::Error` or in a variant of the error. An
    /// error that holds none is a failure, even if the scope is cancelled.
    ///
    /// A body that joins children may be woken by their end before it is dropped for the cancel that ended them. Let
    /// it [`check`](crate::Operation::check) before it returns that all is done.
    ///
    /// If the body's error is a type for everything, such as `Box<dyn Error>`, map the error of the outcome by
    /// [`RunError::flatten`].
    ///
    /// # Cancel safety
    ///
    /// As for [`run`](Self::run).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "testing")] {
    /// use cancelable_core::testing::ManualRuntime;
    /// use cancelable_core::{Cancelled, Scope};
    ///
    /// let manual = ManualRuntime::with_threads();
    /// let scope = Scope::builder("hash").runtime(&manual.handle()).build().expect("it is sound");
    /// let outcome = manual.block_on(scope.try_run(|op| async move {
    ///     // It stops at the cancel, and its handle gives what it has until then.
    ///     let worker = op.spawn_blocking(|token| token.is_cancelled());
    ///     let worker = worker.expect("the scope is running");
    ///     op.cancel();
    ///     let _ = worker.await;
    ///     op.check()?;
    ///     Ok::<_, Cancelled>("all of it")
    /// }));
    /// assert!(outcome.is_cancelled());
    /// # }
    /// ```
    pub fn try_run<F, Fut, T, E>(&self, body: F) -> TryRun<F, Fut>
    where
        F: FnOnce(Self) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        TryRun::new(Ok(self.for_run()), body)
    }

    /// Runs `body` on this thread, in the scope: for plain threads, outside async code.
    ///
    /// A second thread polls the scope meanwhile, so its deadline and its sources cancel it as they would in a
    /// [`run`](Self::run), on any runtime that it was built with; a program without one takes the adapter
    /// `cancelable-thread`. A cancel can't stop the closure: let it call [`check`](crate::Operation::check), or wait
    /// by [`token().wait_timeout(..)`](crate::CancellationToken::wait_timeout). Its value counts even if the scope
    /// was cancelled. If the scope is cancelled when it is entered, the closure is not run.
    ///
    /// Children and finalizers are waited for as in any run.
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
    /// let token = scope.token().clone();
    /// let counted = std::thread::spawn(move || {
    ///     let outcome = scope.run_blocking(|op| (0_u64..).take_while(|_| op.check().is_ok()).count());
    ///     outcome.into_value()
    /// });
    /// token.cancel_with("enough");
    /// let counted = counted.join().expect("it has not panicked");
    /// println!("{counted:?} numbers until it was told to stop");
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

    /// [`run_blocking`](Self::run_blocking) for a closure that may fail: an error ends the scope as
    /// [`Status::Failed`](crate::Status::Failed).
    ///
    /// # Panics
    ///
    /// As for [`run_blocking`](Self::run_blocking).
    #[cfg(not(target_family = "wasm"))]
    pub fn try_run_blocking<F, T, E>(&self, body: F) -> Outcome<T, E>
    where
        F: FnOnce(&Self) -> Result<T, E>,
    {
        run::run_blocking(self, body)
    }

    /// Sets the scope's own time limit to `limit` from now, or from entry if it is not entered yet, instead of every
    /// limit it was built with. A limit too long for the clock is none. The cause of a cancel names the new limit and
    /// when it was set: `import cancelled after 3 s: timed out (limit 2 s counted from 1 s on, set at
    /// src/main.rs:14)`.
    ///
    /// This may extend the scope's own deadline. The deadlines of its ancestors still hold. Zero cancels at once.
    ///
    /// A nearer deadline reaches the scopes below through the run of this scope, whose timer moves. If that run is
    /// kept and not polled, a scope below that another task polls has the new
    /// [`deadline`](crate::Operation::deadline) and sees it by [`check`](crate::Operation::check), but is woken only
    /// if the new deadline has passed already.
    ///
    /// # Errors
    ///
    /// The scope has ended, is cancelled, or has no runtime.
    #[track_caller]
    pub fn set_timeout(&self, limit: impl Into<Limit>) -> Result<(), Rejected> {
        self.move_deadline(limit.into())
    }

    /// Sets the scope's own deadline to `point` on the clock of its runtime, instead of every limit it was built
    /// with. A point that has passed cancels at once.
    ///
    /// # Errors
    ///
    /// As for [`set_timeout`](Self::set_timeout).
    #[track_caller]
    pub fn set_deadline(&self, point: Instant) -> Result<(), Rejected> {
        self.move_deadline(Limit::at(point))
    }

    /// Keeps the scope from ending until the guard, and each clone of it, is dropped: for work that is no child of
    /// the scope, on a thread or a pool of your own.
    ///
    /// The run waits for the guards when it joins its children: after the body, and before the finalizers, without a
    /// limit. A cancel does not end a hold, so let the work check the [token](crate::Operation::token); a body that
    /// fails cancels the scope, as for children. A guard can be taken as soon as the scope is built, and while it is
    /// cancelled. [Reports](crate::Operation::unfinished) name it by the place of this call. If the run is
    /// dropped, the runtime waits for the guards; without a runtime nobody does.
    ///
    /// # Errors
    ///
    /// The scope has ended, or does not wait any more.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use cancelable_core::error::Rejected;
    /// use std::thread;
    ///
    /// fn flush(scope: &Scope) -> Result<(), Rejected> {
    ///     let hold = scope.hold()?;
    ///     thread::spawn(move || {
    ///         while !hold.operation().is_cancelled() {
    ///             thread::yield_now(); // or work
    ///         }
    ///         drop(hold); // Now the scope may end.
    ///     });
    ///     Ok(())
    /// }
    /// ```
    #[track_caller]
    pub fn hold(&self) -> Result<ScopeHold, Rejected> {
        ScopeHold::of(self.operation(), Location::caller())
    }

    /// Maps the stream `items` by at most `limit` futures at once, and yields the results in the order
    /// of the items.
    ///
    /// Nothing is spawned: the futures are polled with this stream, so they need be neither `Send` nor `'static`. An
    /// item is pulled when there is room for it and the stream is polled; a result that waits for an earlier result
    /// takes up room.
    ///
    /// The stream is cancelled with the scope: no more items are pulled. The futures under way go on while the body
    /// does (at its last poll, in a grace period, in a shield), and every result is delivered before the stream ends.
    /// It counts as cut then, even if all items were pulled, since a future may have ended early for the cancel. It
    /// is whole if every future had ended before the cancel.
    ///
    /// So it is a [`CancellableStream`](crate::stream::CancellableStream), and
    /// [`collect_partial`](crate::stream::CancellableStream::collect_partial) and its like can be called on it. Do not wrap
    /// it in [`stream`](crate::Operation::stream), which would take an end by this cancel for the end of the items.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "testing")] {
    /// use cancelable_core::testing::ManualRuntime;
    /// use cancelable_core::{Scope, stream};
    /// use std::num::NonZeroUsize;
    ///
    /// const AT_ONCE: NonZeroUsize = NonZeroUsize::new(2).unwrap();
    ///
    /// let scope = Scope::builder("squares").build().expect("it is sound");
    /// let outcome = ManualRuntime::new().block_on(scope.run(|op| async move {
    ///     let numbers = stream::iter(1..=4);
    ///     let squares = op.map_concurrent(AT_ONCE, numbers, |number| async move { number * number });
    ///     squares.into_vec().await
    /// }));
    /// let squares = outcome.complete().expect("nobody asked it to stop");
    /// assert_eq!(squares.expect("nothing was cut"), [1, 4, 9, 16]);
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

    /// Calls `f` for each item of the stream `items`, with at most `limit` futures under way at once.
    ///
    /// An item is pulled when there is room for it. The future is cancelled with the scope: no more items are pulled,
    /// the futures under way go on while the body does, and the output is the error, however many items there were.
    ///
    /// # Errors
    ///
    /// [`Cancelled`](crate::Cancelled), from the future, if the scope was cancelled before the work on all items had
    /// ended.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "testing")] {
    /// use cancelable_core::testing::ManualRuntime;
    /// use cancelable_core::{Scope, stream};
    /// use std::cell::Cell;
    /// use std::num::NonZeroUsize;
    ///
    /// const AT_ONCE: NonZeroUsize = NonZeroUsize::new(2).unwrap();
    ///
    /// let sum = Cell::new(0);
    /// let scope = Scope::builder("sum").build().expect("it is sound");
    /// let outcome = ManualRuntime::new().block_on(scope.run(|op| {
    ///     let sum = &sum;
    ///     let add = move |number| async move { sum.set(sum.get() + number) };
    ///     let adding = op.for_each_concurrent(AT_ONCE, stream::iter([1, 2, 3]), add);
    ///     adding
    /// }));
    /// assert!(outcome.complete().is_ok_and(|done| done.is_ok()));
    /// assert_eq!(sum.get(), 6);
    /// # }
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
        if let Some(cancelled) = record.is_cancelled().then(|| self.look().err()).flatten() {
            return Err(refusal(RefusalReason::Cancelled(cancelled)));
        }
        let now = record
            .now()
            .ok_or_else(|| refusal(RefusalReason::NoRuntime))?;
        deadlines::set(record, limit, now);
        Ok(())
    }
}
