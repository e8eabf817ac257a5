//! The handle that users hold.

use super::callback::{self, AlreadyCancelled, CallbackRegistration};
use super::cancel::{self, PendingCallbacks};
use super::deadline_check::DeadlineCheck;
use super::guard::{DropGuard, DropGuardRef};
use super::node::Node;
use super::run_until::{RunUntilCancelled, RunUntilCancelledOwned};
use super::wait::{self, WaitForCancellationFuture, WaitForCancellationFutureOwned};
use super::weak::WeakCancellationToken;
use crate::cause::{Cause, OperationLabel, Reason};
use crate::error::Cancelled;
use crate::sync::is_logged;
use std::fmt;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A flag that says "stop", its cause, and those who wait for it.
///
/// Clones are handles to the same token. A [child](Self::child_token) is cancelled with its parent
/// and never cancels it. The methods of `tokio_util::sync::CancellationToken` are here with the
/// same types and the same meaning; a project moves over by changing its `use` lines.
///
/// Cancelling stops nothing by itself: it tells those who look ([`is_cancelled`], [`check`]), wakes
/// those who wait ([`cancelled`], [`wait`]) and runs callbacks ([`on_cancel`]).
///
/// [`is_cancelled`]: Self::is_cancelled
/// [`check`]: Self::check
/// [`cancelled`]: Self::cancelled
/// [`wait`]: Self::wait
/// [`on_cancel`]: Self::on_cancel
///
/// # Examples
///
/// ```
/// use cancelable_core::CancellationToken;
///
/// let server = CancellationToken::new();
/// let request = server.child_token();
/// assert!(server.cancel_with("deploy"));
/// assert!(request.is_cancelled());
/// let cause = request.cause().expect("it is cancelled");
/// assert_eq!(cause.message(), Some("deploy"));
/// assert!(cause.is_inherited());
/// ```
pub struct CancellationToken {
    node: Arc<Node>,
}

impl CancellationToken {
    /// A token that is not cancelled and has no parent.
    pub fn new() -> Self {
        Self::from_node(Node::root())
    }

    /// A token that can't be cancelled: [`try_cancel`](Self::try_cancel) answers false and changes nothing.
    /// Its children are like tokens without a parent.
    #[must_use]
    pub fn never() -> Self {
        Self::from_node(Node::never())
    }

    /// A token that is cancelled from the start, which is not logged yet: [`log_cancel`](Self::log_cancel)
    /// does that.
    pub(crate) fn new_cancelled(cause: Cause) -> Self {
        Self::from_node(Node::new_cancelled(cancel::stamped_facts(cause)))
    }

    /// Returns whether the token has a deadline check, its own or that of the token it was made of.
    #[inline]
    pub(crate) fn has_deadline_check(&self) -> bool {
        self.node.deadline_check().is_some()
    }

    /// Sets the token's deadline check.
    pub(crate) fn set_deadline_check(&self, deadline_check: Arc<dyn DeadlineCheck>) {
        self.node.own_branch().set_deadline_check(deadline_check);
    }

    /// Returns the token's deadline check, if it has one.
    pub(crate) fn deadline_check(&self) -> Option<&Arc<dyn DeadlineCheck>> {
        self.node.deadline_check()
    }

    /// Logs that the token was cancelled.
    pub(crate) fn log_cancel(&self) {
        cancel::log_cancel(&self.node, || self.cause());
    }

    /// Cancels the token of an operation that has ended. Not logged: the end of the operation is.
    pub(crate) fn cancel_unlogged(&self, cause: Cause) {
        cancel::cancel_unlogged(&self.node, cause);
    }

    /// Blocks until everything below is marked. Requires that this token is cancelled and that no lock is
    /// held.
    pub(crate) fn wait_for_descendants(&self) {
        self.node.wait_for_descendants();
    }

    /// The deadline check of the token that this one was made of.
    pub(crate) fn deadline_check_above(&self) -> Option<&Arc<dyn DeadlineCheck>> {
        self.node.deadline_check_above()
    }

    /// Makes a new token the token of an operation: its deadline check is then its own. Stores the label for
    /// the line that the log gets of its cancel, unless that level is off.
    pub(crate) fn of_operation(self, label: &OperationLabel) -> Self {
        let token = Self::from_node(self.node.for_operation());
        if is_logged(log::Level::Debug) {
            token.node.set_operation(label);
        }
        token
    }

    pub(super) fn from_node(node: Arc<Node>) -> Self {
        Self { node }
    }

    pub(super) fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// A token that is cancelled when this one is, and can be cancelled by itself.
    ///
    /// A child of a cancelled token is cancelled from the start. The parent may be dropped before the
    /// child, which then is still cancelled with the ancestors above.
    pub fn child_token(&self) -> Self {
        Self::from_node(self.node.child())
    }

    /// Cancels this token and its descendants, with the reason [`Reason::Requested`] located at the
    /// caller. A token that is cancelled already keeps its first cause.
    ///
    /// When it returns, every descendant reports cancelled. The wakers and callbacks that this call
    /// reached have been called by then; another thread that cancels at the same time calls those that
    /// it reached first. A waker or callback that panics stops no other; see
    /// [`isolated_panics`](super::isolated_panics).
    ///
    /// [`try_cancel`](Self::try_cancel) tells whether this call was the first.
    #[track_caller]
    pub fn cancel(&self) {
        self.cancel_with(Reason::Requested);
    }

    /// [`cancel`](Self::cancel) that returns whether this call cancelled the token: true to exactly one
    /// caller, however many threads race.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    ///
    /// let token = CancellationToken::new();
    /// assert!(token.try_cancel());
    /// assert!(!token.try_cancel());
    /// ```
    #[track_caller]
    pub fn try_cancel(&self) -> bool {
        self.cancel_with(Reason::Requested)
    }

    /// [`try_cancel`](Self::try_cancel) with a cause: a [`Cause`], a [`Reason`], or a text.
    #[track_caller]
    pub fn cancel_with(&self, cause: impl Into<Cause>) -> bool {
        cancel::cancel(&self.node, cause.into())
    }

    /// [`cancel_with`](Self::cancel_with) that defers the callbacks to the drop of the second result.
    pub(crate) fn cancel_deferring_callbacks(&self, cause: Cause) -> (bool, PendingCallbacks) {
        cancel::cancel_deferring_callbacks(&self.node, cause)
    }

    /// Whether this token or an ancestor was cancelled. Costs one or two atomic loads at any depth.
    ///
    /// It looks at no clock: a loop that asks this alone, and never lets the run of its scope be polled,
    /// does not see that the scope's time is up. [`check`](Self::check) does.
    #[inline]
    pub fn is_cancelled(&self) -> bool {
        self.node.is_cancelled()
    }

    /// Why it was cancelled; `None` while it is not. The answer never changes once there is one.
    #[must_use]
    pub fn cause(&self) -> Option<Cause> {
        self.node.cause()
    }

    /// What kind of thing cancelled it; `None` while it is not cancelled.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        Some(self.cause()?.reason().clone())
    }

    /// The words that were given with the cause, if there were any.
    #[must_use]
    pub fn message(&self) -> Option<String> {
        Some(self.cause()?.message()?.to_owned())
    }

    /// When it was cancelled, on the clock of the runtime that decided it or, for a cancel without a
    /// runtime at hand, on the system's monotonic clock.
    #[must_use]
    pub fn cancelled_at(&self) -> Option<Instant> {
        self.cause()?.time()
    }

    /// Ends a function by `?` once the token is cancelled.
    ///
    /// That of an operation, and one that was made of it, looks at the operation's clock now and then, so
    /// that work which never yields notices the deadline here: at each call where calls are slow, and
    /// about each hundred microseconds where they are fast.
    ///
    /// # Errors
    ///
    /// [`Cancelled`], with the cause, once the token is cancelled, and from then on every time.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{CancellationToken, error::Cancelled};
    ///
    /// fn sum(numbers: &[u64], token: &CancellationToken) -> Result<u64, Cancelled> {
    ///     let mut sum = 0;
    ///     for number in numbers {
    ///         token.check()?;
    ///         sum += number;
    ///     }
    ///     Ok(sum)
    /// }
    /// # assert_eq!(sum(&[1, 2], &CancellationToken::new()).ok(), Some(3));
    /// ```
    #[inline]
    pub fn check(&self) -> Result<(), Cancelled> {
        match self.node.is_cancelled_by_now() {
            false => Ok(()),
            true => self
                .cause()
                .map_or(Ok(()), |cause| Err(self.cancelled_for(cause))),
        }
    }

    /// Returns the error for work that stops for `cause`, by which this token was cancelled.
    #[cold]
    pub(crate) fn cancelled_for(&self, cause: Cause) -> Cancelled {
        // On a thread or in a task where no operation runs, the deadline check knows the token's operation.
        Cancelled::new(cause).or_marked(|cause| self.deadline_check()?.mark(cause))
    }

    /// Waits until the token is cancelled.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any time.
    pub fn cancelled(&self) -> WaitForCancellationFuture<'_> {
        WaitForCancellationFuture::new(self)
    }

    /// [`cancelled`](Self::cancelled) with a future that owns the token.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any time.
    pub fn cancelled_owned(self) -> WaitForCancellationFutureOwned {
        WaitForCancellationFutureOwned::new(self)
    }

    /// Blocks this thread until the token is cancelled. For plain threads: in async code use
    /// [`cancelled`](Self::cancelled).
    pub fn wait(&self) {
        wait::block(&self.node, None);
    }

    /// Blocks this thread until the token is cancelled, for `limit` at most. True if it is
    /// cancelled.
    ///
    /// A limit that overflows the clock means for ever.
    pub fn wait_timeout(&self, limit: Duration) -> bool {
        wait::block(&self.node, Some(limit))
    }

    /// Runs `future` until it is ready or the token is cancelled: `None` if it was cancelled first.
    ///
    /// A token that is cancelled when this is first polled does not poll the future. Afterwards the future
    /// is polled first, so that its output wins over a cancel seen in the same poll. It is dropped when
    /// this is ready.
    ///
    /// # Cancel safety
    ///
    /// As safe as `future` is.
    pub fn run_until_cancelled<F: Future>(&self, future: F) -> RunUntilCancelled<'_, F> {
        RunUntilCancelled::new(self, future)
    }

    /// [`run_until_cancelled`](Self::run_until_cancelled) with a future that owns the token.
    ///
    /// # Cancel safety
    ///
    /// As safe as `future` is.
    pub fn run_until_cancelled_owned<F: Future>(self, future: F) -> RunUntilCancelledOwned<F> {
        RunUntilCancelledOwned::new(self, future)
    }

    /// A guard that cancels the token when it is dropped.
    #[track_caller]
    pub fn drop_guard(self) -> DropGuard {
        DropGuard::new(self)
    }

    /// [`drop_guard`](Self::drop_guard) that borrows the token.
    #[track_caller]
    pub fn drop_guard_ref(&self) -> DropGuardRef<'_> {
        DropGuardRef::new(self)
    }

    /// Runs `callback` with the cause when the token is cancelled, on the thread that cancels it, or
    /// at once on this one if it is cancelled already.
    ///
    /// It runs once, or never if it is unregistered before, which dropping the registration does.
    /// Callbacks run after all waiters were woken, the last registered first, a parent's before its
    /// children's.
    pub fn on_cancel<F>(&self, callback: F) -> CallbackRegistration
    where
        F: FnOnce(&Cause) + Send + 'static,
    {
        self.try_on_cancel(callback).unwrap_or_else(|already| {
            already.run();
            CallbackRegistration::spent()
        })
    }

    /// [`on_cancel`](Self::on_cancel) that runs nothing on this thread.
    ///
    /// # Errors
    ///
    /// [`AlreadyCancelled`] hands the callback back if the token is cancelled already.
    pub fn try_on_cancel<F>(&self, callback: F) -> Result<CallbackRegistration, AlreadyCancelled<F>>
    where
        F: FnOnce(&Cause) + Send + 'static,
    {
        callback::register(&self.node, callback)
    }

    /// A handle that does not keep the token alive.
    #[must_use]
    pub fn downgrade(&self) -> WeakCancellationToken {
        WeakCancellationToken::new(&self.node)
    }
}

impl Clone for CancellationToken {
    #[inline]
    fn clone(&self) -> Self {
        Self {
            node: Arc::clone(&self.node),
        }
    }
}

impl Default for CancellationToken {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CancellationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("CancellationToken");
        debug.field("is_cancelled", &self.is_cancelled());
        if let Some(cause) = self.cause() {
            debug.field("cause", &cause);
        }
        debug.finish()
    }
}

/// Two handles are equal if they are handles to the same token.
impl PartialEq for CancellationToken {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.node, &other.node)
    }
}

impl Eq for CancellationToken {}

impl Hash for CancellationToken {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.node).hash(state);
    }
}

// Unwind safe: no user code runs while the token's lists change, so a panic leaves them whole.
impl UnwindSafe for CancellationToken {}
impl RefUnwindSafe for CancellationToken {}
