//! A limit in time, with its location and text.

use crate::cause::{Cause, Reason};
use std::borrow::Cow;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A limit in time: a span that counts from the entry of a scope, or a point on the clock of the scope's runtime.
///
/// A [`Duration`] converts to a limit. A limit can have a text, which is the [message](Cause::message) of the cause. A
/// limit is a [`Source`](super::Source), so it can be a member of a group.
///
/// # Examples
///
/// ```
/// use cancelable_core::Scope;
/// use cancelable_core::scope::RunError;
/// use cancelable_core::source::Limit;
/// use std::time::Duration;
///
/// async fn fetch(scope: &Scope, tenant: &str) -> Result<String, RunError> {
///     let limit = Limit::after(Duration::from_secs(10))
///         .with_message(format!("the price list of {tenant} is slow"));
///     let page = scope.child("fetch").timeout(limit).run(async |_| String::from("page"));
///     page.await.into_result()
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Limit {
    kind: LimitKind,
    location: &'static Location<'static>,
    message: Option<Words>,
}

/// The text of a limit. One pointer, because each operation with a limit keeps it and few limits have a text.
pub(crate) type Words = Arc<Cow<'static, str>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LimitKind {
    After(Duration),
    At(Instant),
}

impl Limit {
    pub(crate) fn new(
        kind: LimitKind,
        location: &'static Location<'static>,
        message: Option<Words>,
    ) -> Self {
        Self {
            kind,
            location,
            message,
        }
    }

    /// Returns a limit that counts from the entry of the scope, or from the call if there is no scope. A span that
    /// is too long for the clock never ends.
    #[must_use]
    #[track_caller]
    pub fn after(span: Duration) -> Self {
        Self::new(LimitKind::After(span), Location::caller(), None)
    }

    /// Returns a limit at a point in time, on the clock of the scope's runtime.
    #[must_use]
    #[track_caller]
    pub fn at(point: Instant) -> Self {
        Self::new(LimitKind::At(point), Location::caller(), None)
    }

    /// Adds a text for the cause of a cancel by this limit.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.message = Some(Arc::new(message.into()));
        self
    }

    /// Sets the source location for the cause of a cancel by this limit. The default is the location at which the limit
    /// was made: a library that keeps the limits of its users names their code instead.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::source::Limit;
    /// use std::panic::Location;
    /// use std::time::Duration;
    ///
    /// #[track_caller]
    /// fn timeout(span: Duration) -> Limit {
    ///     Limit::after(span).with_location(Location::caller())
    /// }
    ///
    /// let line = line!() + 1;
    /// assert_eq!(timeout(Duration::from_secs(30)).location().line(), line);
    /// ```
    #[must_use]
    pub fn with_location(mut self, location: &'static Location<'static>) -> Self {
        self.location = location;
        self
    }

    /// The text of the limit.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        Some(self.message.as_deref()?)
    }

    /// The location in the source code where the limit was set.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.location
    }

    pub(crate) fn kind(&self) -> LimitKind {
        self.kind
    }

    /// The end of the limit if it counts from `start`; `None` if it never ends.
    pub(crate) fn due(&self, start: Instant) -> Option<Instant> {
        match self.kind {
            LimitKind::After(span) => start.checked_add(span),
            LimitKind::At(point) => Some(point),
        }
    }

    /// The cause of a cancel by this limit.
    pub(crate) fn cause(&self) -> Cause {
        let reason = match self.kind {
            LimitKind::After(limit) => Reason::TimedOut { limit },
            LimitKind::At(_) => Reason::DeadlineReached,
        };
        let cause = Cause::new(reason).with_location(self.location);
        match &self.message {
            Some(message) => cause.with_message(Cow::clone(message)),
            None => cause,
        }
    }

    pub(crate) fn into_words(self) -> Option<Words> {
        self.message
    }
}

/// A span from the entry of the scope, as by [`Limit::after`].
impl From<Duration> for Limit {
    #[track_caller]
    fn from(span: Duration) -> Self {
        Self::after(span)
    }
}
