//! Operations: handles to running work, to observe it and to cancel it.
//!
//! Every scope has an [`Operation`]. Code inside a run has it from its [`Scope`](crate::Scope) or from [`current()`];
//! code outside keeps a clone, or finds it in a [`Registry`](crate::Registry).
//!
//! | to ... | use |
//! |---|---|
//! | cancel the work | [`cancel`](Operation::cancel), [`cancel_with`](Operation::cancel_with) |
//! | end its grace period | [`cancel_now`](Operation::cancel_now) |
//! | notice the cancel inside the work | [`check`](Operation::check), [`cancelled`](Operation::cancelled) |
//! | finish what must be finished | [`shield`](Operation::shield), [`defer`](Operation::defer) |
//! | wait for the end | [`finished`](Operation::finished) |
//! | report progress and keep results | [`progress`](Operation::progress), [`partial`](Operation::partial) |
//! | react to events | [`Hooks`], [`on_progress`](Operation::on_progress) |
//! | list what still runs | [`unfinished`](Operation::unfinished) |
//! | read everything at once | [`snapshot`](Operation::snapshot) |

mod activity;
mod current;
mod finished;
mod hooks;
mod partial;
mod progress;
#[cfg(feature = "serde")]
mod serde;
mod shield;
mod snapshot;
mod timeout;
mod weak;

pub use crate::record::finalizer::CleanupOutput;
pub(crate) use activity::Activity;
pub use current::current;
pub use finished::Finished;
pub use hooks::Hooks;
pub use partial::Partial;
pub use shield::Shield;
pub use snapshot::OperationSnapshot;
pub use timeout::Timeout;
pub use weak::WeakOperation;

pub use crate::progress::{
    FieldValue, Progress, ProgressChange, ProgressFigures, ProgressRegistration, ProgressSnapshot,
    ProgressUpdate,
};
pub use crate::report::{
    ChildFailure, CleanupError, Metadata, PartialSnapshot, ShieldSite, Status, Straggler,
    StragglerKind,
};

use crate::cause::{Cause, OperationId, OperationLabel, Reason};
use crate::error::{Cancelled, Rejected};
use crate::record::shielding;
use crate::record::{Record, deadlines, finalizers, grace, stragglers, token_clock};
use crate::runtime::RuntimeHandle;
use crate::token::{CancellationToken, WaitForCancellationFuture};
use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A handle to the record of one piece of work. Cloning is one reference count.
///
/// A handle reads the record, cancels the work, and adds to its end: it [defers](Self::defer) finalizers and keeps
/// a [partial result](Self::partial). A handle neither runs the work, nor starts children, nor moves the deadline:
/// those are methods of [`Scope`](crate::Scope). The record stays readable after the work has ended.
///
/// Any code inside the work can reach the handle by [`current()`]. A [cleanup
/// budget](crate::scope::ScopeBuilder::cleanup_budget) bounds the finalizers that such code defers.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scope = rt::scope("import").build()?;
/// let operation = scope.operation().clone();
/// let outcome = rt::block_on(scope.run(async |_| {
///     operation.cancel_with("the user closed the tab");
///     operation.cancelled().await;
/// }));
/// assert!(outcome.is_completed());
/// assert_eq!(operation.name(), "import");
/// let cause = operation.cause().ok_or("it was cancelled")?;
/// assert_eq!(cause.message(), Some("the user closed the tab"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Operation {
    record: Arc<Record>,
}

impl Operation {
    pub(crate) fn new(record: Arc<Record>) -> Self {
        Self { record }
    }

    pub(crate) fn record(&self) -> &Arc<Record> {
        &self.record
    }

    pub(crate) fn into_record(self) -> Arc<Record> {
        self.record
    }

    /// Returns whether the operation has ended, and its children and finalizers too. [`finished`](Self::finished)
    /// waits for that.
    ///
    /// An operation whose [status](Self::status) is terminal may still have a running child or finalizer.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = rt::scope("import").build()?;
    /// let operation = scope.operation().clone();
    /// let outcome = rt::block_on(scope.run(async |op| op.is_finished()));
    /// assert_eq!(outcome.into_value(), Some(false));
    /// assert!(operation.is_finished());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.status().is_terminal() && self.record.is_settled()
    }

    /// Returns this operation, or its nearest ancestor that is not finished. A hook of an end and a drop may run
    /// inside an operation that is finished.
    pub(crate) fn nearest_open(self) -> Option<Self> {
        if !self.is_finished() {
            return Some(self);
        }
        let parents = std::iter::successors(self.record.parent.clone(), |it| it.parent.clone());
        parents.map(Self::new).find(|parent| !parent.is_finished())
    }

    /// The id and the name.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = rt::scope("import").build()?;
    /// let label = scope.label();
    /// assert_eq!((label.id(), label.name()), (scope.id(), "import"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn label(&self) -> &OperationLabel {
        &self.record.label
    }

    /// The id, which is unique in this process.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Registry, Scope};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Registry::new();
    /// let scope = Scope::builder("import").register_in(&registry).build()?;
    /// let found = registry.get(scope.id()).ok_or("it is listed")?;
    /// assert_eq!(found.name(), "import");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn id(&self) -> OperationId {
        self.record.label.id()
    }

    /// The name.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = rt::scope("import").build()?;
    /// assert_eq!(scope.name(), "import");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn name(&self) -> &str {
        self.record.label.name()
    }

    /// The parent's label.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = rt::scope("server").build()?;
    /// let request = server.child("request").build()?;
    /// assert_eq!(request.parent(), Some(server.label()));
    /// assert_eq!(server.parent(), None);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn parent(&self) -> Option<&OperationLabel> {
        self.record.parent.as_ref().map(|parent| &parent.label)
    }

    /// The location in the source where the operation was opened.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = rt::scope("import").build()?;
    /// assert_eq!(scope.location().line(), line!() - 1);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.record.location
    }

    /// The status.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Status;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = rt::scope("import").build()?;
    /// assert_eq!(scope.status(), Status::Pending);
    /// let outcome = rt::block_on(scope.run(async |op| op.status()));
    /// assert_eq!(outcome.into_value(), Some(Status::Running));
    /// assert_eq!(scope.status(), Status::Completed);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn status(&self) -> Status {
        self.record.status()
    }

    /// The token that cancels the operation. The tokens of its children are children of this token.
    ///
    /// The token is made by the first call. A run that waits already is woken on this thread, and waits for the
    /// token from then on.
    ///
    /// At an end without a cancel the token is cancelled with [`Reason::ScopeEnded`]: code that has the token does
    /// not wait or work for ever.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{CancellationToken, Reason};
    ///
    /// fn count(token: &CancellationToken) -> u32 {
    ///     (0..).take_while(|_| !token.is_cancelled()).take(100).count() as u32
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = rt::scope("count").build()?;
    /// let outcome = rt::block_on(scope.run(async |op| count(op.token())));
    /// assert_eq!(outcome.into_value(), Some(100));
    /// assert_eq!(scope.token().reason(), Some(Reason::ScopeEnded));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn token(&self) -> &CancellationToken {
        token_clock::hand_out(&self.record)
    }

    /// The runtime that keeps the time of the operation. `None` if the scope was built without a runtime.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { rt::block_on(async {
    /// assert!(rt::scope("import").build()?.runtime().is_some());
    /// assert!(Scope::builder("import").build()?.runtime().is_none());
    /// # Ok(()) }) }
    /// ```
    #[must_use]
    pub fn runtime(&self) -> Option<&RuntimeHandle> {
        self.record.runtime.as_ref()
    }

    /// The cause of the cancel request, if cancel was requested before the end, however the operation ended.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Reason;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = rt::scope("import").build()?;
    /// assert!(scope.cause().is_none());
    /// scope.cancel();
    /// let cause = scope.cause().ok_or("it is cancelled")?;
    /// assert_eq!(*cause.reason(), Reason::Requested);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn cause(&self) -> Option<Cause> {
        self.record.cause()
    }

    /// Returns whether cancel was requested before the end. A later request changes nothing, and neither does the
    /// end; the [`token`](Self::token) shows the end.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = rt::scope("server").build()?;
    /// let request = server.child("request").build()?;
    /// request.cancel();
    /// assert!(request.is_cancelled());
    /// assert!(!server.is_cancelled());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.record.is_cancelled()
    }

    /// Returns an error if cancel was requested. Reads the clock too, so work that never yields notices its
    /// deadline.
    ///
    /// Returns an error also if the operation has ended, because the result of the work is no longer used then.
    /// At an end without a cancel the reason is [`Reason::ScopeEnded`].
    ///
    /// # Errors
    ///
    /// The cause of the cancel, or the end of the operation.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Cancelled;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = rt::scope("sum").build()?;
    /// let outcome = rt::block_on(scope.try_run(async |op| {
    ///     let mut sum = 0;
    ///     for number in 0..10 {
    ///         op.check()?;
    ///         sum += number;
    ///     }
    ///     Ok::<_, Cancelled>(sum)
    /// }));
    /// assert_eq!(outcome.into_result()?, 45);
    /// # Ok(())
    /// # }
    /// ```
    pub fn check(&self) -> Result<(), Cancelled> {
        stragglers::note_check(&self.record);
        self.check_quietly()
    }

    /// Checks for a cancel as [`check`](Self::check) does, for the library itself: the check is not recorded as a
    /// check by the work.
    pub(crate) fn check_quietly(&self) -> Result<(), Cancelled> {
        if !self.is_cancelled() {
            deadlines::expire_if_due(&self.record);
        }
        match self.record.halt() {
            None => Ok(()),
            Some(cause) => Err(self.record.cancelled_for(cause, self.elapsed())),
        }
    }

    /// Completes when cancel is requested, or when the operation has ended without a cancel.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future unregisters it and does nothing else.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let said = rt::block_on(async {
    ///     let (limit, grace) = (Duration::from_millis(1), Duration::from_secs(5));
    ///     let server = rt::scope("server").timeout(limit).grace(grace).run(async |op| {
    ///         op.cancelled().await;
    ///         "goodbye"
    ///     });
    ///     server.await.into_value()
    /// });
    /// assert_eq!(said, Some("goodbye"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn cancelled(&self) -> WaitForCancellationFuture<'_> {
        token_clock::hand_out(&self.record).cancelled()
    }

    /// Cancels the operation. An operation that is already cancelled keeps its first cause, and an operation that
    /// has ended stays as it ended.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = rt::scope("import").build()?;
    /// let outcome = rt::block_on(scope.run(async |op| {
    ///     op.cancel();
    ///     std::future::pending::<()>().await;
    /// }));
    /// assert!(outcome.is_cancelled());
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn cancel(&self) {
        self.cancel_with(Cause::new(Reason::Requested));
    }

    /// Cancels the operation with a cause. Returns whether this call cancelled the operation: true for the first call
    /// before the end, and for no other call.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Reason;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = rt::scope("import").build()?;
    /// assert!(scope.cancel_with("disk full"));
    /// assert!(!scope.cancel_with(Reason::Requested));
    /// let cause = scope.cause().ok_or("it is cancelled")?;
    /// assert_eq!(cause.message(), Some("disk full"));
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn cancel_with(&self, cause: impl Into<Cause>) -> bool {
        self.record.cancel(cause.into())
    }

    /// Cancels the operation and ends its grace period and those of its descendants at once, as a second Ctrl+C
    /// does. Shields that are polled still finish. Returns whether this call cancelled the operation.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::pending;
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let outcome = rt::block_on(async {
    ///     let server = rt::scope("server").grace(Duration::from_secs(60)).run(async |op| {
    ///         assert!(op.cancel_with("first Ctrl+C"));
    ///         assert!(!op.cancel_now("second Ctrl+C"), "it was cancelled before");
    ///         pending::<()>().await;
    ///     });
    ///     server.await
    /// });
    /// assert!(outcome.is_cancelled(), "without the grace period");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn cancel_now(&self, cause: impl Into<Cause>) -> bool {
        grace::cancel_now(&self.record, cause.into())
    }

    /// Completes when the operation is finished, with its status: the body, the children, what dropped runs inside
    /// have left, and the finalizers are done. Any number of callers may wait, before and after that.
    ///
    /// A finalizer that awaits the end of its own operation or of an ancestor waits for itself.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the wait and does nothing else.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Status;
    /// use futures_util::future::join;
    /// use std::future::pending;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = rt::scope("server").build()?;
    /// let server = scope.operation().clone();
    /// let stop = async {
    ///     server.cancel();
    ///     server.finished().await
    /// };
    /// let run = scope.run(async |_| pending::<()>().await);
    /// let (outcome, status) = rt::block_on(join(run, stop));
    /// assert!(outcome.is_cancelled());
    /// assert_eq!(status, Status::Cancelled);
    /// # Ok(())
    /// # }
    /// ```
    pub fn finished(&self) -> Finished {
        Finished::new(Arc::clone(&self.record))
    }

    /// Calls `code` on this thread inside the operation, and returns its result. In `code`, [`current()`] is this
    /// operation, and scopes, log lines and cancels belong to it. Use it on a thread of any pool, where no run
    /// polls. The previous current operation is restored afterwards, also after a panic.
    ///
    /// The call neither starts the operation nor keeps it from ending; [`Scope::hold`](crate::Scope::hold) keeps it
    /// open.
    ///
    /// # Panics
    ///
    /// If `code` panics.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Scope, current};
    /// use cancelable_core::error::Rejected;
    /// use std::thread;
    ///
    /// /// Hashes on a thread of its own, which the scope waits for.
    /// fn hash(scope: &Scope, page: Vec<u8>) -> Result<thread::JoinHandle<u64>, Rejected> {
    ///     let hold = scope.hold()?;
    ///     let operation = scope.operation().clone();
    ///     Ok(thread::spawn(move || {
    ///         let _hold = hold;
    ///         operation.in_scope(|| {
    ///             debug_assert!(current().is_some());
    ///             page.iter().map(|&byte| u64::from(byte)).sum()
    ///         })
    ///     }))
    /// }
    /// ```
    pub fn in_scope<T>(&self, code: impl FnOnce() -> T) -> T {
        let mut slot = None;
        let _inside = self.record.enter_from_elsewhere(&mut slot);
        code()
    }

    /// Lets `future` run to its end although the operation or an ancestor is cancelled. The future is polled in
    /// place, where the shield is awaited.
    ///
    /// While a shield is open in a body, or in a scope inside it, the run keeps polling that body. The run drops
    /// the body as soon as the last shield ends: a cancel is delivered where a shield is awaited.
    ///
    /// - Handles see the cancel: [`is_cancelled`](Self::is_cancelled) stays true.
    /// - A scope that is opened inside the shield is cancelled neither by the operation nor by an ancestor's
    ///   deadline. When the shield ends, a scope that is still open is bound by its ancestors again.
    /// - A child that is spawned inside the shield is not shielded.
    /// - A shield protects only inside the run of the operation. In a task of its own, or in the body of another
    ///   operation, the shield is the bare future.
    /// - A shield that is kept and not polled delays no cancel: its task is woken, and the shield is given up if it
    ///   is not polled within a tenth of a second.
    ///
    /// # Cancel safety
    ///
    /// Dropping the shield drops the future.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut is_committed = false;
    /// let outcome = rt::block_on(async {
    ///     let transfer = rt::scope("transfer").timeout(Duration::from_millis(1)).run(async |op| {
    ///         let commit = async {
    ///             op.cancelled().await; // The limit is over, and the commit is not cut.
    ///             is_committed = true;
    ///         };
    ///         op.shield(commit).await;
    ///         unreachable!("the cancel is delivered at the end of the shield");
    ///     });
    ///     transfer.await
    /// });
    /// assert!(outcome.is_cancelled() && is_committed);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn shield<F: Future>(&self, future: F) -> Shield<F> {
        Shield::new(Arc::clone(&self.record), future)
    }

    /// Defers a finalizer: `future` runs at the end of the operation, whichever way it ends: value, error, panic,
    /// cancel, or the drop of its run.
    ///
    /// The last finalizer runs first, after the children have been joined, shielded from the cancel and within the
    /// [cleanup budget](crate::scope::ScopeBuilder::cleanup_budget). A finalizer that fails or panics does not stop
    /// the others; the outcome has [its failure](crate::Outcome::cleanup_errors). If the run is dropped, the
    /// runtime of the scope runs the finalizers, and the parent waits for them. Without a runtime they are lost,
    /// and the log has a warning for each.
    ///
    /// # Errors
    ///
    /// The operation has ended. The error contains the future.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
    ///
    /// static IS_CLOSED: AtomicBool = AtomicBool::new(false);
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = rt::scope("import").build()?;
    /// let outcome = rt::block_on(scope.try_run(async |op| {
    ///     op.defer(async { IS_CLOSED.store(true, SeqCst) })?;
    ///     Err::<(), Box<dyn std::error::Error>>("the page is torn".into())
    /// }));
    /// assert!(outcome.into_result().is_err());
    /// assert!(IS_CLOSED.load(SeqCst));
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn defer<C>(&self, future: C) -> Result<(), Rejected<C>>
    where
        C: Future<Output: CleanupOutput> + Send + 'static,
    {
        let location = Location::caller();
        finalizers::defer(&self.record, "finalizer".into(), location, future)
    }

    /// Defers a finalizer as [`defer`](Self::defer) does, with a name for logs and reports.
    ///
    /// # Errors
    ///
    /// As for [`defer`](Self::defer).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = rt::scope("import").build()?;
    /// scope.defer_named("flush", async { Err(io::Error::other("disk full")) })?;
    /// let outcome = rt::block_on(scope.run(async |_| ()));
    /// assert_eq!(outcome.cleanup_errors()[0].name(), "flush");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn defer_named<C>(
        &self,
        name: impl Into<Cow<'static, str>>,
        future: C,
    ) -> Result<(), Rejected<C>>
    where
        C: Future<Output: CleanupOutput> + Send + 'static,
    {
        finalizers::defer(&self.record, name.into(), Location::caller(), future)
    }

    /// The partial result, for writing and reading.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = rt::scope("import").build()?;
    /// let outcome = rt::block_on(scope.run(async |op| {
    ///     op.partial().set("3 of 9 rows");
    ///     op.cancel();
    ///     std::future::pending::<()>().await;
    /// }));
    /// assert!(outcome.is_cancelled());
    /// assert_eq!(outcome.partial(), Some(&"3 of 9 rows"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn partial(&self) -> Partial<'_> {
        Partial::new(&self.record)
    }

    /// Sets the value of a key in the metadata, for lists and reports.
    ///
    /// A [`Registry`](crate::Registry) keeps the metadata that an operation had at its end.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = Scope::builder("import").metadata("user", "7").build()?;
    /// scope.set_metadata("file", "a.csv");
    /// assert_eq!(scope.metadata().get("file"), Some("a.csv"));
    /// assert_eq!(scope.snapshot().metadata().to_string(), "file=a.csv, user=7");
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_metadata(
        &self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) {
        self.record.set_metadata(key.into(), value.into());
    }

    /// The metadata at this moment.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = Scope::builder("import").metadata("user", "7").build()?;
    /// assert_eq!(scope.metadata().get("user"), Some("7"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn metadata(&self) -> Arc<Metadata> {
        self.record.metadata().unwrap_or_default()
    }

    /// The text of the failure: of a panic, of a failed child, or of a source that did not start. For an error of
    /// the body see [`TryRun::with_error_text`].
    ///
    /// [`TryRun::with_error_text`]: crate::scope::TryRun::with_error_text
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { rt::block_on(async {
    /// let scope = rt::scope("sync").build()?;
    /// let outcome = scope.run(async |op| {
    ///     op.child("fetch").try_spawn(async |_| Err::<(), _>("no route to host")).is_ok()
    /// }).await;
    /// assert!(outcome.complete().is_err());
    /// let error = scope.error().ok_or("the child has failed")?;
    /// assert!(error.contains("no route to host"));
    /// # Ok(()) }) }
    /// ```
    #[must_use]
    pub fn error(&self) -> Option<Arc<str>> {
        self.record.error()
    }

    /// Returns a snapshot of everything that is known of the operation at this moment.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Scope, Status};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = Scope::builder("import").build()?;
    /// scope.progress().set_total(10);
    /// scope.progress().advance(4);
    /// let snapshot = scope.snapshot();
    /// assert_eq!(snapshot.status(), Status::Pending);
    /// assert!(snapshot.to_string().ends_with("import: pending, at 4 of 10 (40 %)"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn snapshot(&self) -> OperationSnapshot {
        OperationSnapshot::of(&self.record, self.record.now())
    }

    /// The time left of the grace period, at most what the cancelled ancestors leave; `None` if the operation is
    /// not cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { rt::block_on(async {
    /// let grace = Duration::from_secs(5);
    /// let scope = rt::scope("server").grace(grace).build()?;
    /// let outcome = scope.run(async |op| {
    ///     assert_eq!(op.grace_remaining(), None);
    ///     op.cancel();
    ///     op.grace_remaining()
    /// }).await;
    /// assert!(outcome.into_value().flatten() <= Some(grace));
    /// # Ok(()) }) }
    /// ```
    #[must_use]
    pub fn grace_remaining(&self) -> Option<Duration> {
        grace::remaining(&self.record)
    }

    /// Returns everything in this operation and below it that runs and has not ended, with what is known of the
    /// reason.
    ///
    /// Children, blocking calls, holds and finalizers are always in the list. Scopes that were opened inside and
    /// are polled in place, and times of polls, are known where this operation or an ancestor has a grace period or
    /// a watchdog.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = rt::scope("crawl").build()?;
    /// let outcome = rt::block_on(scope.run(async |op| op.unfinished()));
    /// let unfinished = outcome.into_value().unwrap_or_default();
    /// // operation crawl, opened at src/main.rs:4, still runs
    /// assert!(unfinished[0].to_string().starts_with("operation crawl, opened at "));
    /// assert!(scope.unfinished().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn unfinished(&self) -> Vec<Straggler> {
        stragglers::all(&self.record)
    }

    /// The deadline: the earliest of the operation's own and those of its ancestors.
    ///
    /// A timeout counts from the entry, so before the entry the operation has no deadline of its own from a
    /// timeout.
    ///
    /// Code inside a shield of the operation or in a finalizer is not bound by that deadline. There the result is
    /// the limit of the shields around the code (the earliest [`within`](Shield::within)) or the cleanup budget, or
    /// `None`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { rt::block_on(async {
    /// let scope = rt::scope("call").timeout(Duration::from_secs(30)).build()?;
    /// assert_eq!(scope.deadline(), None);
    /// let outcome = scope.run(async |op| op.deadline().is_some()).await;
    /// assert_eq!(outcome.into_value(), Some(true));
    /// # Ok(()) }) }
    /// ```
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        shielding::limit_here(&self.record, deadlines::effective(&self.record))
    }

    /// The time left until the [`deadline`](Self::deadline), zero if it has passed; `None` without a deadline.
    /// Before the entry, the operation's own timeout counts from now.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// rt::block_on(async {
    ///     let limit = Duration::from_secs(30);
    ///     let call = rt::scope("call").timeout(limit).build()?;
    ///     assert_eq!(call.remaining(), Some(limit));
    ///     // The time that a request over the network may take.
    ///     let left = call.run(async |op| op.remaining()).await.into_value().flatten();
    ///     assert!(left <= Some(limit));
    ///     Ok(())
    /// })
    /// # }
    /// ```
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        deadlines::remaining(&self.record)
    }

    /// Returns the time since cancel was requested; after the end, the time from the request to the end. `None` for an
    /// operation that is not cancelled, or without a runtime.
    ///
    /// The time is at most the [age](OperationSnapshot::age): for an operation that was opened after the request, the
    /// time counts from the opening. If the request came from outside every operation and the runtime has a clock of
    /// its own, the time counts from the first moment at which the operation noticed the request.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = rt::block_on(async {
    ///     let scope = rt::scope("import").grace(Duration::from_secs(5)).build()?;
    ///     let run = scope.run(async |op| {
    ///         assert_eq!(op.stopping_for(), None);
    ///         op.cancel();
    ///         std::thread::sleep(Duration::from_millis(1)); // Cleans up.
    ///     });
    ///     assert!(run.await.is_completed());
    ///     Ok::<_, Box<dyn std::error::Error>>(scope)
    /// })?;
    /// assert!(scope.stopping_for() >= Some(Duration::from_millis(1)));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn stopping_for(&self) -> Option<Duration> {
        grace::stopping_for(&self.record)
    }

    /// The time of the entry. `None` before the entry, or without a runtime.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { rt::block_on(async {
    /// let scope = rt::scope("import").build()?;
    /// assert_eq!(scope.started_at(), None);
    /// let outcome = scope.run(async |op| op.started_at()).await;
    /// assert_eq!(outcome.into_value(), Some(scope.started_at()));
    /// # Ok(()) }) }
    /// ```
    #[must_use]
    pub fn started_at(&self) -> Option<Instant> {
        self.record.started_at()
    }

    /// The time of the end. `None` before the end, or without a runtime.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { rt::block_on(async {
    /// let scope = rt::scope("import").build()?;
    /// let outcome = scope.run(async |op| op.ended_at()).await;
    /// assert_eq!(outcome.into_value(), Some(None));
    /// assert!(scope.ended_at() >= scope.started_at());
    /// # Ok(()) }) }
    /// ```
    #[must_use]
    pub fn ended_at(&self) -> Option<Instant> {
        self.record.ended_at()
    }

    /// The time since the entry, up to the end if the operation has ended. `None` before the entry, or without a
    /// runtime.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { rt::block_on(async {
    /// let scope = rt::scope("import").build()?;
    /// let outcome = scope.run(async |op| op.elapsed()).await;
    /// let so_far = outcome.into_value().flatten();
    /// assert!(so_far.is_some() && so_far <= scope.elapsed());
    /// # Ok(()) }) }
    /// ```
    #[must_use]
    pub fn elapsed(&self) -> Option<Duration> {
        self.record.elapsed()
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation")
            .field("id", &self.id())
            .field("name", &self.name())
            .field("parent", &self.parent().map(OperationLabel::name))
            .field("status", &self.status())
            .field("cancelled", &self.is_cancelled())
            .field("location", &format_args!("{}", self.location()))
            .finish()
    }
}
