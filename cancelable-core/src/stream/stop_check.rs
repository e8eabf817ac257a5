//! The check of a stream, a reader or a writer for its cancel, before each step.

use crate::cause::Cause;
use crate::error::Cancelled;
use crate::operation::Operation;
use crate::record::cancel::DependentGuard;
use crate::record::{deadlines, shielding};
use crate::scope::Scope;
use crate::token::{CancellationToken, Pacing, Seen, Wait, look};
use std::fmt;
use std::io;
use std::task::{Context, Poll, ready};

/// The cut of a stream, a reader or a writer: by a token, or by an operation with its shields and deadline.
///
/// The wrappers of this library are made with it, and it is public for wrappers of other traits. Before each step
/// call [`is_cancelled`](Self::is_cancelled); where the step answers pending, call [`poll_cancelled`](Self::poll_cancelled); for readers and
/// writers [`poll_io`](Self::poll_io) does both. It wakes one task: the last that has polled it.
///
/// # Examples
///
/// ```
/// use cancelable_core::CancellationToken;
/// use cancelable_core::stream::StopCheck;
/// use std::task::{Context, Poll};
///
/// /// A step that has a value sooner or later, or is cut.
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
    /// `None` for a bare token, which knows neither shields nor a deadline.
    operation: Option<Operation>,
    /// Keeps the end of the operation from cutting what outlives its run; only a cancel cuts it then. `None` if the
    /// operation had ended before.
    dependent: Option<DependentGuard>,
    /// Registered once a step was pending, and left when this is dropped.
    wait: Wait,
    /// Which steps read the clock.
    pacing: Pacing,
    /// Each step has to, because the operation's clock is not the system's. Known once the clock was read.
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

    /// Whether the next step must not be made. This reads the token; now and then it reads the clock too, if there is
    /// a deadline: of the operation, or of the operation that the token is of.
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
                        // The clock is that of an operation whose token cancels this one.
                        None if record.token.is_linked() => self.pacing.note(None),
                        None => self.pacing.rest(),
                    }
                }
                None => match self.token.deadline_check() {
                    Some(check) => match look(check) {
                        Seen::Nothing => {}
                        Seen::At(seen) => self.pacing.note(seen),
                    },
                    None => self.pacing.rest(),
                },
            }
        }
        self.token.is_cancelled() && !self.is_shielded()
    }

    /// Ready if a step that answered pending is cut. Otherwise the task of `cx` is woken when it is.
    ///
    /// Wakes: the token keeps the waker before this answers pending; or the token is cancelled and the step is made
    /// inside a shield, where only the step itself can go on, and the step has the waker.
    pub fn poll_cancelled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.wait.poll(&self.token, cx));
        match self.is_shielded() {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
    }

    /// Makes a step of a reader or writer, or returns [`io_error`](Self::io_error) if it is cut: all that a wrapper of such
    /// traits has to do.
    ///
    /// Wakes: a step that is pending has the waker, and the cut has it too.
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

    /// Takes the waker back from the token, when no step follows.
    pub(super) fn leave(&mut self) {
        self.wait.remove(&self.token);
    }

    /// The error of a step that is cut; `None` while there is no cancel.
    #[must_use]
    pub fn cancellation(&self) -> Option<Cancelled> {
        let cause = self.cause()?;
        Some(match &self.operation {
            None => self.token.cancelled_for(cause),
            Some(operation) => operation.record().cancelled_for(cause, operation.elapsed()),
        })
    }

    /// [`cancellation`](Self::cancellation) as the error of a reader or writer: `TimedOut` if time ran out, and `Other`
    /// otherwise.
    #[must_use]
    pub fn io_error(&self) -> io::Error {
        match self.cancellation() {
            Some(cancelled) => cancelled.into(),
            None => io::Error::other("not cancelled"),
        }
    }

    /// The cause of the cut, which may wait for the end of a shield.
    #[must_use]
    pub fn cause(&self) -> Option<Cause> {
        self.token.cause()
    }

    /// The operation, if this was made of one.
    #[must_use]
    pub fn operation(&self) -> Option<&Operation> {
        self.operation.as_ref()
    }

    /// Whether the current code runs inside a shield of the operation or of an ancestor.
    fn is_shielded(&self) -> bool {
        let shelter = |operation: &Operation| shielding::shield_from(operation.record());
        self.operation.as_ref().and_then(shelter).is_some()
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

/// A clone is cut by the same cancel, and has a wait of its own: a reader and a writer that two tasks poll need one
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

/// The token outlives this and would keep the waker.
impl Drop for StopCheck {
    fn drop(&mut self) {
        self.leave();
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
