//! The operation: a handle to the state of one piece of work, with its name, status, cause and deadline.
//!
//! A scope writes the state (`record.rs`). Anyone may keep an [`Operation`] to read it and to cancel the work. The
//! handle lives on after the work has ended.

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
use crate::record::{Record, deadlines, finalizers, grace, notes, stragglers, token_clock};
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
/// It reads the record, can ask for cancellation, and adds to the end of the work: it
/// [defers](Self::defer) finalizers, and takes the partial result. It neither runs the work, nor starts children
/// in it, nor moves its deadline: that is what a [`Scope`](crate::Scope) is for. Code that runs inside has it by
/// [`current`], so what must end in time whatever that code does has a
/// [cleanup budget](crate::scope::ScopeBuilder::cleanup_budget).
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

    /// Returns whether it has ended, and its children and finalizers too: what [`finished`](Self::finished) waits
    /// for.
    ///
    /// An operation whose [status](Self::status) is terminal may still have a child that stops, or a finalizer that
    /// runs.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.status().is_terminal() && self.record.is_settled()
    }

    /// This operation, or the nearest that it is a part of, of which something goes on. A hook of an end
    /// and a drop may run in one that is over.
    pub(crate) fn nearest_open(self) -> Option<Self> {
        if !self.is_finished() {
            return Some(self);
        }
        let parents = std::iter::successors(self.record.parent.clone(), |it| it.parent.clone());
        parents.map(Self::new).find(|parent| !parent.is_finished())
    }

    /// The number and the name.
    #[must_use]
    pub fn label(&self) -> &OperationLabel {
        &self.record.label
    }

    /// The number, which no other operation of this process has.
    #[must_use]
    pub fn id(&self) -> OperationId {
        self.record.label.id()
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.record.label.name()
    }

    /// What the operation is called that this one is a part of.
    #[must_use]
    pub fn parent(&self) -> Option<&OperationLabel> {
        self.record.parent.as_ref().map(|parent| &parent.label)
    }

    /// Where in the source it was opened.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.record.location
    }

    /// How it stands.
    #[must_use]
    pub fn status(&self) -> Status {
        self.record.status()
    }

    /// The token that cancels it. Its children's tokens are children of this one.
    ///
    /// It is made when it is first asked for. A run that waits already is woken for that, on this
    /// thread, and goes on to wait for this one.
    ///
    /// Where the operation ends without having been cancelled, its token is cancelled then with
    /// [`Reason::ScopeEnded`], so that what was handed it does not wait or work for ever.
    #[must_use]
    pub fn token(&self) -> &CancellationToken {
        token_clock::hand_out(&self.record)
    }

    /// The runtime that keeps its time, if it was given one.
    #[must_use]
    pub fn runtime(&self) -> Option<&RuntimeHandle> {
        self.record.runtime.as_ref()
    }

    /// Why cancellation was asked for, if it was before the end, whatever came of it.
    #[must_use]
    pub fn cause(&self) -> Option<Cause> {
        self.record.cause()
    }

    /// Whether cancellation was asked for before the end. What comes later changes nothing here, and
    /// neither does the end, which the [`token`](Self::token) tells of.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.record.is_cancelled()
    }

    /// Fails once cancellation was asked for, and from then on every time. It also looks at the
    /// clock, so work that never yields notices its deadline here.
    ///
    /// It fails too when the operation has ended, with [`Reason::ScopeEnded`] if that was not for a cancel: a
    /// task that was handed the operation has nobody to work for then.
    ///
    /// # Errors
    ///
    /// The cause of the cancellation, or that the operation has ended.
    pub fn check(&self) -> Result<(), Cancelled> {
        stragglers::note_check(&self.record);
        self.look()
    }

    /// [`check`](Self::check) by the library itself, which is no look of the work's at its token.
    pub(crate) fn look(&self) -> Result<(), Cancelled> {
        if !self.is_cancelled() {
            deadlines::expire_if_due(&self.record);
        }
        match self.record.halt() {
            None => Ok(()),
            Some(cause) => Err(self.record.cancelled_for(cause, self.elapsed())),
        }
    }

    /// Completes when cancellation is asked for, or when the operation has ended without it.
    ///
    /// # Cancel safety
    ///
    /// Dropping it unregisters it, nothing else.
    pub fn cancelled(&self) -> WaitForCancellationFuture<'_> {
        token_clock::hand_out(&self.record).cancelled()
    }

    /// Asks for cancellation. An operation that is cancelled already keeps its first cause, and one that
    /// has ended keeps its record.
    #[track_caller]
    pub fn cancel(&self) {
        self.cancel_with(Cause::new(Reason::Requested));
    }

    /// Asks for cancellation and says why; true for the one call that was first, before the end.
    #[track_caller]
    pub fn cancel_with(&self, cause: impl Into<Cause>) -> bool {
        self.record.cancel(cause.into())
    }

    /// Asks for cancellation and ends the grace period of this operation and of those below it at
    /// once: what a second Ctrl+C means. Shields that are polled still finish. True if this is what cancelled it.
    #[track_caller]
    pub fn cancel_now(&self, cause: impl Into<Cause>) -> bool {
        grace::cancel_now(&self.record, cause.into())
    }

    /// Completes when the body, the children, what dropped runs inside have left and the finalizers are
    /// done, with how it ended. Any number of callers may wait, before and after that.
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends the wait, nothing else.
    pub fn finished(&self) -> Finished {
        Finished::new(Arc::clone(&self.record))
    }

    /// Runs `code` on this thread as a part of the operation: below it, [`current`] is this operation, and
    /// what is opened, logged or cancelled there is put down to it. For a thread of any pool, where no run
    /// polls. What was current before is current again afterwards, also after a panic.
    ///
    /// It neither starts the operation nor keeps it from ending; [`Scope::hold`](crate::Scope::hold) does
    /// that.
    ///
    /// # Panics
    ///
    /// If `code` does.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::error::Rejected;
    /// use cancelable_core::{Scope, current};
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

    /// Lets `future` run to its end although the operation, or one that it is a part of, is
    /// cancelled. It is polled in place, where the shield is awaited.
    ///
    /// The run keeps polling its body while a shield is open in it or in a scope inside it, and
    /// drops it as soon as the last one ends: awaiting a shield is a point where a cancel arrives.
    /// Nothing is hidden from handles, [`is_cancelled`](Self::is_cancelled) stays true. A scope that
    /// is opened inside is cancelled neither by the operation nor by a deadline from above. A child
    /// that is spawned inside is not shielded. With the end of the shield the future is dropped, and a scope that
    /// was opened inside and goes on is bound again by what it is a part of.
    ///
    /// It protects what polls it inside the run of the operation. Elsewhere, in a task of its own or in a
    /// body that is no part of the operation, it is the future itself. One that is kept and not polled holds up
    /// nothing either: it is woken, and given up if it was not polled a tenth of a second later.
    ///
    /// # Cancel safety
    ///
    /// Dropping the shield drops the future.
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
    /// let runtime = manual.handle();
    /// let scope = Scope::builder("transfer")
    ///     .runtime(&runtime)
    ///     .timeout(Duration::from_secs(1))
    ///     .build()
    ///     .expect("it has a runtime");
    /// let mut committed = false;
    /// let outcome = manual.block_on(scope.run(async |op| {
    ///     op.shield(async {
    ///         runtime.sleep(Duration::from_secs(5)).await;
    ///         committed = true;
    ///     })
    ///     .await;
    ///     unreachable!("the cancel was due when the shield ended");
    /// }));
    /// assert!(outcome.is_cancelled());
    /// assert!(committed);
    /// # }
    /// ```
    #[track_caller]
    pub fn shield<F: Future>(&self, future: F) -> Shield<F> {
        Shield::new(Arc::clone(&self.record), future)
    }

    /// Runs `future` at the end of the operation, whichever way it ends: value, error, panic,
    /// cancel, or the drop of its run.
    ///
    /// What was deferred last runs first, after the children have been joined, shielded from the
    /// cancel and within the [cleanup budget](crate::scope::ScopeBuilder::cleanup_budget). One that
    /// fails or panics does not stop the others; the outcome has
    /// [what went wrong](crate::Outcome::cleanup_errors). Where the run is dropped, the runtime of
    /// the scope runs them, and the scope above waits; without one they are lost, and the log says so.
    ///
    /// # Errors
    ///
    /// The operation has ended. The future comes back.
    #[track_caller]
    pub fn defer<C>(&self, future: C) -> Result<(), Rejected<C>>
    where
        C: Future<Output: CleanupOutput> + Send + 'static,
    {
        let place = Location::caller();
        finalizers::defer(&self.record, "finalizer".into(), place, future)
    }

    /// [`defer`](Self::defer) with a name for logs and reports.
    ///
    /// # Errors
    ///
    /// As for [`defer`](Self::defer).
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
    #[must_use]
    pub fn partial(&self) -> Partial<'_> {
        Partial::new(&self.record)
    }

    /// Sets the value of a key in the metadata, for lists and reports.
    ///
    /// A [`Registry`](crate::Registry) keeps the metadata that an operation had at its end.
    pub fn set_metadata(
        &self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) {
        notes::set_metadata(&self.record, key.into(), value.into());
    }

    /// The metadata, as it is now.
    #[must_use]
    pub fn metadata(&self) -> Arc<Metadata> {
        notes::metadata(&self.record).unwrap_or_default()
    }

    /// The reason of its failure, in words: the text of a panic, of a failed child or of a source that did not
    /// start. For an error of its body see [`TryRun::with_error_text`].
    ///
    /// [`TryRun::with_error_text`]: crate::scope::TryRun::with_error_text
    #[must_use]
    pub fn error(&self) -> Option<Arc<str>> {
        notes::error(&self.record)
    }

    /// A snapshot of all that is known of it now.
    #[must_use]
    pub fn snapshot(&self) -> OperationSnapshot {
        OperationSnapshot::of(&self.record, self.record.now())
    }

    /// How much of its grace period is left, clamped to what the cancelled operations above leave;
    /// `None` while it is not cancelled.
    #[must_use]
    pub fn grace_remaining(&self) -> Option<Duration> {
        grace::remaining(&self.record)
    }

    /// Everything of this operation and below it that has not ended, with what is known of why.
    ///
    /// Children, blocking calls and finalizers are always known. Scopes that were opened inside in
    /// place, and when something was last polled, are known where a grace period or a watchdog is
    /// set, here or above.
    #[must_use]
    pub fn unfinished(&self) -> Vec<Straggler> {
        stragglers::all(&self.record)
    }

    /// When it must end: the earliest of its own deadline and those of everything it is a part of.
    ///
    /// A timeout counts from entry, so one of its own is no deadline before that.
    ///
    /// Inside a shield of it and in a finalizer that deadline does not reach the code that asks. It is told
    /// the shield's own then, which is the earliest of [`within`](Shield::within) of the shields around it, or
    /// the cleanup budget, or none.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        shielding::limit_here(&self.record, deadlines::effective(&self.record))
    }

    /// How much time is left until [`deadline`](Self::deadline), zero if it has passed; `None` if
    /// there is no deadline. Before entry its own timeout counts as if it were entered now.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        deadlines::remaining(&self.record)
    }

    /// When it was entered, if it was and has a runtime to tell the time.
    #[must_use]
    pub fn started_at(&self) -> Option<Instant> {
        self.record.started_at()
    }

    /// When it ended, if it has and has a runtime to tell the time.
    #[must_use]
    pub fn ended_at(&self) -> Option<Instant> {
        self.record.ended_at()
    }

    /// How long it has run, up to its end if it has ended. `None` if it was never entered or has no
    /// runtime to tell the time.
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
