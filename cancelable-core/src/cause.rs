//! The cause of a cancellation: reason, message, time and place.
//!
//! The canceller makes a cause, the first token that it cancels stamps it, and that token and all its
//! descendants store it for ever.

pub(crate) mod ambient;
mod child_name;
pub(crate) use child_name::ChildName;
mod display;
pub(crate) use display::{HumanDuration, LocationShown};
mod label;
mod mark;
pub(crate) use mark::{Mark, MarkCell};
mod one_line;
pub(crate) use one_line::{Named, OneLine, one_line};
mod reason;
#[cfg(feature = "serde")]
pub(crate) mod serial;

pub use crate::sync::escaped;
pub use label::{OperationId, OperationLabel};
pub use reason::Reason;

use crate::sync::isolate;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Why a token was cancelled. Cloning is one reference count.
///
/// Its [`Display`](fmt::Display) is a phrase for people, such as
/// `timed out (limit 3 s, set at src/main.rs:14)`.
///
/// # Examples
///
/// ```
/// use cancelable_core::{CancellationToken, Cause, Reason};
///
/// let token = CancellationToken::new();
/// token.cancel_with(Cause::new(Reason::ShuttingDown).with_message("deploy of build 71"));
/// let cause = token.cause().expect("the token was cancelled on the line above");
/// assert_eq!(cause.reason(), &Reason::ShuttingDown);
/// assert_eq!(cause.message(), Some("deploy of build 71"));
/// ```
#[derive(Clone)]
pub struct Cause {
    facts: Arc<Facts>,
    inherited: bool,
}

/// The content of a cause, shared by every token that it reached.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    reason: Reason,
    message: Option<Cow<'static, str>>,
    location: &'static Location<'static>,
    /// None until a token was cancelled with it, unless the time was given.
    at: Option<Instant>,
    stamp: Stamp,
    operation: Option<OperationLabel>,
    /// When a time limit starts to count, after the entry of its operation; None at the entry.
    counted_from: Option<Duration>,
    /// Boxed by its own reference count: rare, and every cause is moved.
    error: Option<Arc<Underlying>>,
}

/// The source of a cause's time. The first cancel fills in what the cause lacks.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stamp {
    Missing,
    /// The time was given, or was read from the clock of a runtime.
    Set,
    /// The time was read from the system's clock, because no runtime was known.
    BySystem,
}

/// The error that led to a cause. `Some` until it is dropped.
#[derive(Debug)]
struct Underlying(Option<Arc<dyn Error + Send + Sync>>);

/// A canceller may drop the last reference to the error, whose drop is user code. A panic of it is caught, so
/// that no cancel unwinds.
impl Drop for Underlying {
    fn drop(&mut self) {
        let error = self.0.take();
        isolate("the drop of a cause's error", || drop(error));
    }
}

impl Cause {
    /// A cause of this kind, located at the caller.
    #[must_use]
    #[track_caller]
    pub fn new(reason: Reason) -> Self {
        let facts = Facts {
            reason,
            message: None,
            location: Location::caller(),
            at: None,
            stamp: Stamp::Missing,
            operation: None,
            counted_from: None,
            error: None,
        };
        Self {
            facts: Arc::new(facts),
            inherited: false,
        }
    }

    /// Adds words for people.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.edit().message = Some(message.into());
        self
    }

    /// Says where in the source the cancellation was decided, instead of where the cause was made.
    ///
    /// For a time limit this is where the limit was set.
    #[must_use]
    pub fn with_location(mut self, location: &'static Location<'static>) -> Self {
        self.edit().location = location;
        self
    }

    /// Says which operation decided it. Without this it is the one that runs when the token is
    /// cancelled, if there is one.
    #[must_use]
    pub fn with_operation(mut self, operation: OperationLabel) -> Self {
        self.edit().operation = Some(operation);
        self
    }

    /// Says when it was decided, by the clock of a runtime. Without this it is the time at which
    /// the first token was cancelled with it.
    #[must_use]
    pub fn with_time(mut self, at: Instant) -> Self {
        let facts = self.edit();
        facts.at = Some(at);
        if facts.stamp == Stamp::BySystem {
            facts.stamp = Stamp::Set;
        }
        self
    }

    /// Sets the time at which a time limit starts to count, if that is after the entry of its operation.
    pub(crate) fn counted_from(mut self, counted_from: Option<Duration>) -> Self {
        if counted_from.is_some() {
            self.edit().counted_from = counted_from;
        }
        self
    }

    /// Adds the error that led to the cancellation.
    #[must_use]
    pub fn with_error(mut self, error: Arc<dyn Error + Send + Sync>) -> Self {
        self.edit().error = Some(Arc::new(Underlying(Some(error))));
        self
    }

    /// What kind of cause this is.
    #[must_use]
    pub fn reason(&self) -> &Reason {
        &self.facts.reason
    }

    /// Whether time ran out: a limit or a deadline.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.reason().is_timeout()
    }

    /// The words that were given with it.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.facts.message.as_deref()
    }

    /// When the first token was cancelled with it, or the time that it was given; `None` before that.
    #[must_use]
    pub fn time(&self) -> Option<Instant> {
        self.facts.at
    }

    /// Where in the source the cancellation was decided.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.facts.location
    }

    /// The operation that decided it, if it was decided inside one.
    #[must_use]
    pub fn operation(&self) -> Option<&OperationLabel> {
        self.facts.operation.as_ref()
    }

    /// The error that led to it, if there was one.
    #[must_use]
    pub fn error(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.facts.error.as_ref()?.0.as_deref()
    }

    /// Whether the token that was asked got the cause from a token above it, rather than being
    /// cancelled itself.
    #[must_use]
    pub fn is_inherited(&self) -> bool {
        self.inherited
    }

    /// Whether both say the same because both come from one cancellation, however each was
    /// reached by it.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.facts, &other.facts)
    }

    /// Returns the cause with which an operation's token is cancelled once the operation has ended.
    pub(crate) fn scope_ended(
        scope: &OperationLabel,
        location: &'static Location<'static>,
    ) -> Self {
        Self::new(Reason::ScopeEnded)
            .with_location(location)
            .with_operation(scope.clone())
    }

    /// Returns whether the cause is only that this operation has ended, which is no cancellation of it.
    pub(crate) fn is_end_of(&self, scope: &OperationLabel) -> bool {
        *self.reason() == Reason::ScopeEnded
            && self
                .operation()
                .is_some_and(|ended| ended.id() == scope.id())
    }

    #[inline]
    fn fill(mut self, at: Instant, operation: Option<OperationLabel>, stamp: Stamp) -> Self {
        let facts = self.edit();
        facts.at = Some(at);
        facts.stamp = stamp;
        // A signal comes from outside. Its source runs on any thread: its own, or the scope's task. So the
        // running operation did not ask for the cancel.
        if facts.operation.is_none() && !matches!(facts.reason, Reason::Signal { .. }) {
            facts.operation = operation;
        }
        self
    }

    /// Returns whether a token was cancelled with this cause, or with one it was made from.
    pub(crate) fn is_stamped(&self) -> bool {
        self.facts.stamp != Stamp::Missing
    }

    /// Returns whether its time was read from the system's clock, which may differ from the caller's clock.
    pub(crate) fn is_timed_by_system(&self) -> bool {
        self.facts.stamp == Stamp::BySystem
    }

    pub(crate) fn into_facts(self) -> Arc<Facts> {
        self.facts
    }

    pub(crate) fn from_facts(facts: Arc<Facts>, inherited: bool) -> Self {
        Self { facts, inherited }
    }

    /// Returns the same cause, marked as inherited from another token.
    pub(crate) fn inherited(mut self) -> Self {
        self.inherited = true;
        self
    }

    /// Returns the facts for changing. Shared facts are copied first, so no other holder sees the change.
    fn edit(&mut self) -> &mut Facts {
        Arc::make_mut(&mut self.facts)
    }
}

impl From<Reason> for Cause {
    #[track_caller]
    fn from(reason: Reason) -> Self {
        Self::new(reason)
    }
}

impl From<&'static str> for Cause {
    #[track_caller]
    fn from(message: &'static str) -> Self {
        Self::new(Reason::Requested).with_message(message)
    }
}

impl From<String> for Cause {
    #[track_caller]
    fn from(message: String) -> Self {
        Self::new(Reason::Requested).with_message(message)
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cause")
            .field("reason", &self.facts.reason)
            .field("message", &self.facts.message)
            .field("location", &format_args!("{}", self.facts.location))
            .field("at", &self.facts.at)
            .field("operation", &self.facts.operation)
            .field("error", &self.error())
            .field("inherited", &self.inherited)
            .finish()
    }
}

// Unwind safe: the facts are never changed, and an error in them is only read.
impl std::panic::UnwindSafe for Facts {}
impl std::panic::RefUnwindSafe for Facts {}
