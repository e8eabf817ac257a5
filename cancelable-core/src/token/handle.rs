//! The token's handle, which users hold.

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

/// A flag that requests work to stop, with its cause and its waiters.
///
/// Clones are handles to the same token. A [child](Self::child_token) is cancelled with its parent and never
/// cancels the parent. The token has the methods of `tokio_util::sync::CancellationToken`, with the same types and
/// the same meaning; a project migrates by changing its `use` lines.
///
/// A cancel stops no code. A cancel changes the result of [`is_cancelled`] and [`check`], wakes the tasks and threads
/// in [`cancelled`] and [`wait`], and runs the callbacks of [`on_cancel`].
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
///
/// assert!(request.is_cancelled());
/// let cause = request.cause().ok_or("not cancelled")?;
/// assert_eq!(cause.message(), Some("deploy"));
/// assert!(cause.is_inherited());
/// # Ok::<(), &str>(())
/// ```
pub struct CancellationToken {
    node: Arc<Node>,
}

impl CancellationToken {
    /// Creates a token that is not cancelled and has no parent.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    ///
    /// let token = CancellationToken::new();
    /// assert!(!token.is_cancelled());
    /// ```
    pub fn new() -> Self {
        Self::from_node(Node::root())
    }

    /// Creates a token that cannot be cancelled: [`cancel`](Self::cancel) changes nothing, and
    /// [`try_cancel`](Self::try_cancel) returns false.
    ///
    /// For a function that takes a token, where the caller never cancels. A child of such a token is like a token
    /// without a parent.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    ///
    /// let token = CancellationToken::never();
    /// assert!(!token.try_cancel());
    /// assert!(!token.is_cancelled());
    /// ```
    #[must_use]
    pub fn never() -> Self {
        Self::from_node(Node::never())
    }

    /// Creates a token that is cancelled from the start, without a line in the log; [`log_cancel`](Self::log_cancel)
    /// writes the line.
    pub(crate) fn new_cancelled(cause: Cause) -> Self {
        Self::from_node(Node::new_cancelled(cancel::stamped_facts(cause)))
    }

    /// Returns whether the token has a deadline check: its own, or that of the token it was made from.
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

    /// Cancels the token of an operation that has ended, without a line in the log, which has a line for the end
    /// of the operation.
    pub(crate) fn cancel_unlogged(&self, cause: Cause) {
        cancel::cancel_unlogged(&self.node, cause);
    }

    /// Blocks until everything below is marked. Requires that this token is cancelled and that no lock is
    /// held.
    pub(crate) fn wait_for_descendants(&self) {
        self.node.wait_for_descendants();
    }

    /// Returns the deadline check of the token that this token was made from.
    pub(crate) fn deadline_check_above(&self) -> Option<&Arc<dyn DeadlineCheck>> {
        self.node.deadline_check_above()
    }

    /// Turns a new token into the token of an operation, with a deadline check of its own. Stores the label for
    /// the line in the log about its cancel, unless that level is off.
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

    /// Creates a token that is cancelled with this token, and can also be cancelled alone.
    ///
    /// A child of a cancelled token is cancelled from the start. A child outlives its parent: if the parent is
    /// dropped, the child is still cancelled with the ancestors above.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    ///
    /// let server = CancellationToken::new();
    /// let (first, second) = (server.child_token(), server.child_token());
    /// first.cancel();
    /// assert!(!server.is_cancelled() && !second.is_cancelled());
    /// server.cancel();
    /// assert!(second.is_cancelled());
    /// ```
    pub fn child_token(&self) -> Self {
        Self::from_node(self.node.child())
    }

    /// Cancels this token and its descendants, with the reason [`Reason::Requested`] and the caller's location.
    /// A token that is already cancelled keeps its first cause.
    ///
    /// When `cancel` returns, every descendant reports cancelled, and the wakers and callbacks that this call
    /// reached have been called. If two threads cancel at the same time, each thread calls the callbacks that it
    /// reached first. A waker or callback that panics stops no other; see
    /// [`isolated_panics`](super::isolated_panics).
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{CancellationToken, Reason};
    ///
    /// let token = CancellationToken::new();
    /// token.cancel();
    /// assert_eq!(token.reason(), Some(Reason::Requested));
    /// ```
    #[track_caller]
    pub fn cancel(&self) {
        self.cancel_with(Reason::Requested);
    }

    /// Cancels the token as [`cancel`](Self::cancel) does, and returns whether this call was the first. Exactly
    /// one caller gets true, however many threads race.
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

    /// Cancels the token with a cause, and returns whether this call was the first. The cause is a [`Cause`], a
    /// [`Reason`] or a message.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{CancellationToken, Cause, Reason};
    ///
    /// let token = CancellationToken::new();
    /// let cause = Cause::new(Reason::ShuttingDown).with_message("deploy of build 71");
    /// assert!(token.cancel_with(cause));
    /// assert!(!token.cancel_with("too late"));
    /// assert_eq!(token.message().as_deref(), Some("deploy of build 71"));
    /// ```
    #[track_caller]
    pub fn cancel_with(&self, cause: impl Into<Cause>) -> bool {
        cancel::cancel(&self.node, cause.into())
    }

    /// Cancels as [`cancel_with`](Self::cancel_with) does, and defers the callbacks to the drop of the second
    /// result.
    pub(crate) fn cancel_deferring_callbacks(&self, cause: Cause) -> (bool, PendingCallbacks) {
        cancel::cancel_deferring_callbacks(&self.node, cause)
    }

    /// Returns whether this token or an ancestor was cancelled. Costs one or two atomic loads at any depth.
    ///
    /// `is_cancelled` reads no clock. A loop that calls only this function, and never returns to the poll of its
    /// scope, does not see a deadline that has passed; [`check`](Self::check) does.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use std::thread;
    ///
    /// let token = CancellationToken::new();
    /// thread::scope(|scope| {
    ///     scope.spawn(|| {
    ///         while !token.is_cancelled() {
    ///             thread::yield_now();
    ///         }
    ///     });
    ///     token.cancel();
    /// });
    /// ```
    #[inline]
    pub fn is_cancelled(&self) -> bool {
        self.node.is_cancelled()
    }

    /// Returns the cause of the cancellation; `None` before it. A cause never changes.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    ///
    /// let token = CancellationToken::new();
    /// assert!(token.cause().is_none());
    /// token.cancel_with("the disk is full");
    /// let text = token.cause().map(|cause| cause.to_string());
    /// assert!(text.is_some_and(|text| text.starts_with("cancel requested: the disk is full (at ")));
    /// ```
    #[must_use]
    pub fn cause(&self) -> Option<Cause> {
        self.node.cause()
    }

    /// Returns the [reason](Cause::reason) of the cause; `None` before the cancellation.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{CancellationToken, Reason};
    ///
    /// let token = CancellationToken::new();
    /// drop(token.clone().drop_guard());
    /// assert_eq!(token.reason(), Some(Reason::GuardDropped));
    /// ```
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        Some(self.cause()?.reason().clone())
    }

    /// Returns the [message](Cause::message) of the cause; `None` before the cancellation, and if there is no
    /// message.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    ///
    /// let token = CancellationToken::new();
    /// token.cancel_with("the user left");
    /// assert_eq!(token.message().as_deref(), Some("the user left"));
    /// ```
    #[must_use]
    pub fn message(&self) -> Option<String> {
        Some(self.cause()?.message()?.to_owned())
    }

    /// Returns the [time](Cause::time) of the cancellation; `None` before it.
    ///
    /// The clock is that of the runtime that decided the cancel, or the system's monotonic clock for a cancel
    /// without a runtime at hand.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use std::time::Duration;
    ///
    /// let token = CancellationToken::new();
    /// assert_eq!(token.cancelled_at(), None);
    /// token.cancel();
    /// let since = token.cancelled_at().map(|at| at.elapsed());
    /// assert!(since.is_some_and(|since| since < Duration::from_secs(60)));
    /// ```
    #[must_use]
    pub fn cancelled_at(&self) -> Option<Instant> {
        self.cause()?.time()
    }

    /// Returns an error once the token is cancelled, so that `?` ends the calling function.
    ///
    /// The token of an operation, and a token made from it, also checks the operation's deadline, so that work
    /// which never yields notices the deadline here. The clock is read at each call while calls are slow, and about
    /// every hundred microseconds while calls are fast.
    ///
    /// # Errors
    ///
    /// [`Cancelled`], with the cause, at every call once the token is cancelled.
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
    /// The future may be dropped at any time: the token stays cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use std::thread;
    ///
    /// let token = CancellationToken::new();
    /// thread::scope(|scope| {
    ///     scope.spawn(|| rt::block_on(token.cancelled()));
    ///     token.cancel();
    /// });
    /// ```
    pub fn cancelled(&self) -> WaitForCancellationFuture<'_> {
        WaitForCancellationFuture::new(self)
    }

    /// Waits until the token is cancelled, as [`cancelled`](Self::cancelled) does, with a future that owns the
    /// token.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any time: the token stays cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use std::thread;
    ///
    /// let token = CancellationToken::new();
    /// let cancelled = token.clone().cancelled_owned();
    /// let waiter = thread::spawn(|| rt::block_on(cancelled));
    /// token.cancel();
    /// assert!(waiter.join().is_ok());
    /// ```
    pub fn cancelled_owned(self) -> WaitForCancellationFutureOwned {
        WaitForCancellationFutureOwned::new(self)
    }

    /// Blocks this thread until the token is cancelled. In async code, use [`cancelled`](Self::cancelled).
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use std::thread;
    ///
    /// let token = CancellationToken::new();
    /// thread::scope(|scope| {
    ///     scope.spawn(|| token.wait());
    ///     token.cancel();
    /// });
    /// ```
    pub fn wait(&self) {
        wait::block(&self.node, None);
    }

    /// Blocks this thread until the token is cancelled, for at most `limit`. Returns whether the token is
    /// cancelled. A limit that overflows the clock never ends.
    ///
    /// # Examples
    ///
    /// A pause that a cancel ends early:
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use std::time::Duration;
    ///
    /// let token = CancellationToken::new();
    /// let mut attempts = 0;
    /// while !token.wait_timeout(Duration::from_millis(1)) {
    ///     attempts += 1;
    ///     if attempts == 3 {
    ///         token.cancel();
    ///     }
    /// }
    /// assert_eq!(attempts, 3);
    /// ```
    pub fn wait_timeout(&self, limit: Duration) -> bool {
        wait::block(&self.node, Some(limit))
    }

    /// Runs `future` until it is ready or the token is cancelled, which gives `None`.
    ///
    /// If the token is cancelled before the first poll, `future` is never polled. In every later poll `future` is
    /// polled before the token is read, so its output wins over a cancel in the same poll. `future` is dropped when
    /// the run is ready.
    ///
    /// # Cancel safety
    ///
    /// The same as that of `future`.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use std::future::{pending, ready};
    ///
    /// let token = CancellationToken::new();
    /// rt::block_on(async {
    ///     assert_eq!(token.run_until_cancelled(ready(7)).await, Some(7));
    ///     token.cancel();
    ///     assert_eq!(token.run_until_cancelled(pending::<u32>()).await, None);
    /// });
    /// ```
    pub fn run_until_cancelled<F: Future>(&self, future: F) -> RunUntilCancelled<'_, F> {
        RunUntilCancelled::new(self, future)
    }

    /// Runs `future` as [`run_until_cancelled`](Self::run_until_cancelled) does, with a future that owns the token,
    /// so that the run can be spawned.
    ///
    /// # Cancel safety
    ///
    /// The same as that of `future`.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use std::future::pending;
    /// use std::thread;
    ///
    /// let token = CancellationToken::new();
    /// let run = token.clone().run_until_cancelled_owned(pending::<u32>());
    /// let worker = thread::spawn(|| rt::block_on(run));
    /// token.cancel();
    /// assert!(matches!(worker.join(), Ok(None)));
    /// ```
    pub fn run_until_cancelled_owned<F: Future>(self, future: F) -> RunUntilCancelledOwned<F> {
        RunUntilCancelledOwned::new(self, future)
    }

    /// Returns a guard that owns the token and cancels it when the guard is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    ///
    /// let token = CancellationToken::new();
    /// {
    ///     let _guard = token.clone().drop_guard();
    ///     assert!(!token.is_cancelled());
    /// }
    /// assert!(token.is_cancelled());
    /// ```
    #[track_caller]
    pub fn drop_guard(self) -> DropGuard {
        DropGuard::new(self)
    }

    /// Returns a guard that borrows the token and cancels it when the guard is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    ///
    /// fn parse(text: &str, token: &CancellationToken) -> Result<u32, std::num::ParseIntError> {
    ///     // Cancels the token if a `?` leaves the function.
    ///     let guard = token.drop_guard_ref();
    ///     let number = text.parse()?;
    ///     guard.disarm();
    ///     Ok(number)
    /// }
    ///
    /// let token = CancellationToken::new();
    /// assert!(parse("7", &token).is_ok() && !token.is_cancelled());
    /// assert!(parse("seven", &token).is_err() && token.is_cancelled());
    /// ```
    #[track_caller]
    pub fn drop_guard_ref(&self) -> DropGuardRef<'_> {
        DropGuardRef::new(self)
    }

    /// Registers `callback`, which runs with the cause when the token is cancelled, on the thread that cancels it.
    /// If the token is already cancelled, the callback runs now, on this thread.
    ///
    /// A callback runs once, or never if it is unregistered before its turn. Dropping the registration unregisters
    /// the callback. Callbacks run after all waiters were woken: the last registered first, a parent's before its
    /// children's.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use std::sync::mpsc;
    ///
    /// let token = CancellationToken::new();
    /// let (sender, receiver) = mpsc::channel();
    /// let registration = token.on_cancel(move |cause| {
    ///     let _ = sender.send(cause.message().map(str::to_owned));
    /// });
    /// token.cancel_with("the user left");
    /// assert_eq!(receiver.recv()?.as_deref(), Some("the user left"));
    /// drop(registration);
    /// # Ok::<(), mpsc::RecvError>(())
    /// ```
    pub fn on_cancel<F>(&self, callback: F) -> CallbackRegistration
    where
        F: FnOnce(&Cause) + Send + 'static,
    {
        self.try_on_cancel(callback).unwrap_or_else(|already| {
            already.run();
            CallbackRegistration::spent()
        })
    }

    /// Registers `callback` as [`on_cancel`](Self::on_cancel) does, and never runs it now.
    ///
    /// # Errors
    ///
    /// [`AlreadyCancelled`], which has the callback, if the token is already cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    ///
    /// let token = CancellationToken::new();
    /// token.cancel_with("the user left");
    /// let already = token.try_on_cancel(|_| println!("closing")).unwrap_err();
    /// assert_eq!(already.cause().message(), Some("the user left"));
    /// ```
    pub fn try_on_cancel<F>(&self, callback: F) -> Result<CallbackRegistration, AlreadyCancelled<F>>
    where
        F: FnOnce(&Cause) + Send + 'static,
    {
        callback::register(&self.node, callback)
    }

    /// Returns a handle that does not keep the token alive.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    ///
    /// let token = CancellationToken::new();
    /// let weak = token.downgrade();
    /// assert_eq!(weak.upgrade(), Some(token.clone()));
    /// drop(token);
    /// assert_eq!(weak.upgrade(), None);
    /// ```
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

/// Equality by identity: handles to the same token are equal.
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
