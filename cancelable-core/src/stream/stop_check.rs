//! The check of a stream, a reader or a writer for a cancel, before each step.

use crate::cause::Cause;
use crate::error::Cancelled;
use crate::operation::Operation;
use crate::record::cancel::DependentGuard;
use crate::record::{deadlines, shielding};
use crate::scope::Scope;
use crate::token::{CancellationToken, Checked, Pacing, Wait, check_deadlines};
use std::fmt;
use std::io;
use std::task::{Context, Poll, ready};

/// The check for a cancel of a token, or of an operation with its shields and deadline. For wrappers of traits that this
/// crate does not know.
///
/// A wrapper calls [`is_cancelled`](Self::is_cancelled) before each step, and
/// [`poll_cancelled`](Self::poll_cancelled) if the step returns pending. For readers and writers,
/// [`poll_io`](Self::poll_io) does both. A cancel wakes one task: the task of the last poll.
///
/// # Examples
///
/// ```
/// use cancelable_core::CancellationToken;
/// use cancelable_core::stream::StopCheck;
/// use std::task::{Context, Poll};
///
/// /// Makes a step of `inner`; `None` after a cancel.
/// fn step(
///     stop: &mut StopCheck,
///     cx: &mut Context<'_>,
///     mut inner: impl FnMut(&mut Context<'_>) -> Poll<u32>,
/// ) -> Poll<Option<u32>> {
///     if stop.is_cancelled() {
///         return Poll::Ready(None);
///     }
///     match inner(cx) {
///         Poll::Ready(value) => Poll::Ready(Some(value)),
///         Poll::Pending => stop.poll_cancelled(cx).map(|()| None),
///     }
/// }
/// # let token = CancellationToken::new();
/// # let mut stop = StopCheck::from(&token);
/// # let mut cx = Context::from_waker(std::task::Waker::noop());
/// # assert_eq!(step(&mut stop, &mut cx, |_| Poll::Ready(7)), Poll::Ready(Some(7)));
/// # assert_eq!(step(&mut stop, &mut cx, |_| Poll::Pending), Poll::Pending);
/// # token.cancel();
/// # assert_eq!(step(&mut stop, &mut cx, |_| Poll::Ready(7)), Poll::Ready(None));
/// ```
pub struct StopCheck {
    token: CancellationToken,
    /// The operation of the token; `None` for a bare token, which has neither shields nor a deadline.
    operation: Option<Operation>,
    /// The guard with which a stream that outlives the run of the operation continues until a cancel. `None` if the
    /// operation had already ended.
    dependent: Option<DependentGuard>,
    /// The wait for the token, registered after a pending step and removed at the drop.
    wait: Wait,
    /// The selection of the steps that read the clock.
    pacing: Pacing,
    /// Each step reads the clock, because the operation's clock is not the system's. `None` until the first reading.
    is_by_hand: Option<bool>,
}

impl StopCheck {
    fn new(token: &CancellationToken, operation: Option<&Operation>) -> Self {
        let open = operation.filter(|operation| !operation.status().is_terminal());
        Self {
            dependent: open.map(|operation| DependentGuard::of(operation.record())),
            token: token.clone(),
            operation: operation.cloned(),
            wait: Wait::new(),
            pacing: Pacing::new(),
            is_by_hand: None,
        }
    }

    /// Returns whether the next step must not be made, because of a cancel. False inside a shield of the operation.
    ///
    /// Each call reads the token. If the operation, or the operation of the token, has a deadline, some calls also read
    /// the clock.
    #[inline]
    #[must_use]
    pub fn is_cancelled(&mut self) -> bool {
        if !self.token.is_cancelled() && !self.pacing.is_due() {
            return false;
        }
        self.is_cancelled_slow()
    }

    #[cold]
    fn is_cancelled_slow(&mut self) -> bool {
        if !self.token.is_cancelled() {
            match &self.operation {
                Some(operation) => {
                    let record = operation.record();
                    match deadlines::expire_if_due(record) {
                        Some(now) => {
                            let is_by_hand = *self.is_by_hand.get_or_insert_with(|| {
                                let runtime = record.runtime.as_ref();
                                runtime.is_some_and(|runtime| !runtime.keeps_systems_time())
                            });
                            self.pacing.note((!is_by_hand).then_some(now));
                        }
                        // Another operation, whose token cancels this token, has the clock.
                        None if record.token.is_linked() => self.pacing.note(None),
                        None => self.pacing.rest(),
                    }
                }
                None => match self.token.deadline_check() {
                    Some(check) => match check_deadlines(check) {
                        Checked::NoDeadline => {}
                        Checked::At(seen) => self.pacing.note(seen),
                    },
                    None => self.pacing.rest(),
                },
            }
        }
        self.token.is_cancelled() && !self.is_shielded()
    }

    /// Waits for a cancel after a step that returned pending. A cancel wakes the task of `cx`.
    ///
    /// Wakes: the token keeps the waker before this returns pending. Or the token is cancelled and the step is made
    /// inside a shield; there only the step itself can continue, and the step has the waker.
    pub fn poll_cancelled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.wait.poll(&self.token, cx));
        match self.is_shielded() {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
    }

    /// Makes a step of a reader or writer. After a cancel, returns [`io_error`](Self::io_error) instead.
    ///
    /// Wakes: both the pending step and the wait for the cancel have the waker.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use cancelable_core::stream::StopCheck;
    /// use std::task::{Context, Poll};
    ///
    /// let token = CancellationToken::new();
    /// let mut stop = StopCheck::from(&token);
    /// let mut cx = Context::from_waker(std::task::Waker::noop());
    /// assert!(matches!(stop.poll_io(&mut cx, |_| Poll::Ready(Ok(7))), Poll::Ready(Ok(7))));
    /// token.cancel();
    /// assert!(matches!(stop.poll_io(&mut cx, |_| Poll::Ready(Ok(7))), Poll::Ready(Err(_))));
    /// ```
    pub fn poll_io<T>(
        &mut self,
        cx: &mut Context<'_>,
        step: impl FnOnce(&mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if !self.is_cancelled() {
            if let Poll::Ready(result) = step(cx) {
                return Poll::Ready(result);
            }
            ready!(self.poll_cancelled(cx));
        }
        Poll::Ready(Err(self.io_error()))
    }

    /// Removes the waker from the token. For the end, when no step follows.
    pub(super) fn unregister(&mut self) {
        self.wait.remove(&self.token);
    }

    /// Returns the cancellation, also inside a shield; `None` before a cancel.
    #[must_use]
    pub fn cancellation(&self) -> Option<Cancelled> {
        let cause = self.cause()?;
        Some(match &self.operation {
            None => self.token.cancelled_for(cause),
            Some(operation) => operation.record().cancelled_for(cause, operation.elapsed()),
        })
    }

    /// Returns the [`cancellation`](Self::cancellation) as the error of a reader or writer. The kind is `TimedOut` if
    /// time ran out, and `Other` otherwise.
    #[must_use]
    pub fn io_error(&self) -> io::Error {
        match self.cancellation() {
            Some(cancelled) => cancelled.into(),
            None => io::Error::other("not cancelled"),
        }
    }

    /// Returns the cause of the cancel, also inside a shield; `None` before a cancel.
    #[must_use]
    pub fn cause(&self) -> Option<Cause> {
        self.token.cause()
    }

    /// Returns the operation; `None` for a bare token.
    #[must_use]
    pub fn operation(&self) -> Option<&Operation> {
        self.operation.as_ref()
    }

    /// Returns whether the current code runs inside a shield of the operation or of an ancestor.
    fn is_shielded(&self) -> bool {
        let shield = |operation: &Operation| shielding::shield_from(operation.record());
        self.operation.as_ref().and_then(shield).is_some()
    }
}

impl From<&CancellationToken> for StopCheck {
    fn from(token: &CancellationToken) -> Self {
        Self::new(token, None)
    }
}

impl From<&Operation> for StopCheck {
    fn from(operation: &Operation) -> Self {
        Self::new(operation.record().token(), Some(operation))
    }
}

impl From<&Scope> for StopCheck {
    fn from(scope: &Scope) -> Self {
        scope.operation().into()
    }
}

/// A clone checks for the same cancel, and has its own wait. Two tasks that poll a reader and a writer need a check
/// each.
impl Clone for StopCheck {
    fn clone(&self) -> Self {
        let mut clone = Self::new(&self.token, self.operation.as_ref());
        if let (true, Some(operation)) = (self.dependent.is_some(), &self.operation) {
            clone.dependent = Some(DependentGuard::of(operation.record()));
        }
        clone
    }
}

/// Removes the waker, because the token may outlive the check.
impl Drop for StopCheck {
    fn drop(&mut self) {
        self.unregister();
    }
}

impl fmt::Debug for StopCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("StopCheck");
        match &self.operation {
            Some(operation) => debug.field("operation", operation),
            None => debug.field("token", &self.token),
        };
        debug.finish_non_exhaustive()
    }
}
