//! Work of an operation that has not ended, and what is known of why.

use crate::cause::{ChildName, HumanDuration, Named, OperationId, OperationLabel};
use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::time::Duration;

/// A part of an operation that has not ended: it still runs, or it was dropped because its time was up.
///
/// All spans of time count up to the report.
#[derive(Clone, Debug)]
pub struct Straggler {
    pub(crate) kind: StragglerKind,
    pub(crate) operation: OperationLabel,
    /// The name, if it is a finalizer.
    pub(crate) finalizer: Option<Cow<'static, str>>,
    pub(crate) location: &'static Location<'static>,
    pub(crate) cancelled_for: Option<Duration>,
    pub(crate) polled_ago: Option<Duration>,
    pub(crate) checked_ago: Option<Duration>,
    pub(crate) shield: Option<ShieldSite>,
    pub(crate) is_queued: bool,
    pub(crate) is_abandoned: bool,
    pub(crate) is_unpolled: bool,
}

/// The kind of a [`Straggler`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StragglerKind {
    /// The body of an operation.
    Operation,
    /// A spawned child.
    Child,
    /// A deferred finalizer.
    Finalizer,
    /// A blocking call.
    Blocking,
    /// A [hold](crate::Scope::hold). Its end is up to the code that has it.
    Hold,
}

impl StragglerKind {
    /// The kind as one lower-case word, for logs and labels.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operation => "operation",
            Self::Child => ChildName::CHILD,
            Self::Finalizer => "finalizer",
            Self::Blocking => ChildName::BLOCKING_CALL,
            Self::Hold => "hold",
        }
    }
}

/// The shield that a [`Straggler`] runs under.
#[derive(Clone, Copy, Debug)]
pub struct ShieldSite {
    pub(crate) location: &'static Location<'static>,
    pub(crate) open_for: Option<Duration>,
}

impl ShieldSite {
    /// Where in the source it was opened.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.location
    }

    /// The time since it was opened; `None` without a runtime.
    #[must_use]
    pub fn open_for(&self) -> Option<Duration> {
        self.open_for
    }

    /// Writes the clause that ends a sentence about code under it.
    pub(crate) fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.location;
        let (file, line) = (place.file(), place.line());
        write!(f, "; under the shield opened at {file}:{line}")?;
        match self.open_for {
            Some(span) => write!(f, " {} ago", HumanDuration(span)),
            None => Ok(()),
        }
    }
}

impl Straggler {
    /// The kind.
    #[must_use]
    pub fn kind(&self) -> StragglerKind {
        self.kind
    }

    /// The operation; for a finalizer or a hold the operation that it belongs to.
    #[must_use]
    pub fn operation(&self) -> &OperationLabel {
        &self.operation
    }

    /// The name of the operation or of the finalizer.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.finalizer {
            Some(name) => name,
            None => self.operation.name(),
        }
    }

    /// Where in the source it was opened, spawned, deferred or taken.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.location
    }

    /// The time since its cancel; `None` if it was not cancelled, or has no runtime.
    #[must_use]
    pub fn cancelled_for(&self) -> Option<Duration> {
        self.cancelled_for
    }

    /// The time since its last poll. Polls are recorded in operations with a grace period or a watchdog and
    /// below them, and in finalizers; `None` elsewhere.
    #[must_use]
    pub fn polled_ago(&self) -> Option<Duration> {
        self.polled_ago
    }

    /// The time since its last call of [`Operation::check`], where polls are recorded too.
    ///
    /// [`Operation::check`]: crate::Operation::check
    #[must_use]
    pub fn checked_ago(&self) -> Option<Duration> {
        self.checked_ago
    }

    /// The last opened of the shields that are still open, in it or below it.
    #[must_use]
    pub fn shield(&self) -> Option<&ShieldSite> {
        self.shield.as_ref()
    }

    /// Whether it is a child that waits for a permit and has not begun.
    #[must_use]
    pub fn is_queued(&self) -> bool {
        self.is_queued
    }

    /// Whether it is a blocking call that the scope waits for no longer.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.is_abandoned
    }

    /// Whether it was woken, and was not polled within a short time. Then [`polled_ago`](Self::polled_ago) is
    /// the time since the wake.
    #[must_use]
    pub fn is_unpolled(&self) -> bool {
        self.is_unpolled
    }

    /// Returns the operation whose body it is. A body may be reported several times, a finalizer is reported
    /// once.
    pub(crate) fn body(&self) -> Option<OperationId> {
        let is_body = self.finalizer.is_none() && self.kind != StragglerKind::Hold;
        is_body.then(|| self.operation.id())
    }
}

/// A sentence without its full stop, such as `operation import, opened at src/main.rs:14, still runs 3 s
/// after it was cancelled; last polled 1 s ago`.
impl fmt::Display for Straggler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, place) = (self.kind.as_str(), self.location);
        let (file, line) = (place.file(), place.line());
        if self.kind == StragglerKind::Hold {
            write!(f, "{kind} of {}, taken", self.operation)?;
        } else if self.finalizer.is_some() {
            let named = Named(kind, self.name());
            write!(f, "{named} of {}, deferred", self.operation)?;
        } else {
            write!(f, "{}, opened", Named(kind, self.name()))?;
        }
        write!(f, " at {file}:{line}, ")?;
        f.write_str(match (self.is_queued, self.is_abandoned) {
            (true, _) => "waits for a permit",
            (_, true) => "was abandoned and still runs",
            _ if self.kind == StragglerKind::Hold => "is still held",
            _ => "still runs",
        })?;
        if let Some(span) = self.cancelled_for {
            write!(f, " {} after it was cancelled", HumanDuration(span))?;
        }
        match (self.is_unpolled, self.polled_ago) {
            (true, Some(span)) => write!(
                f,
                "; not polled since it was woken {} ago",
                HumanDuration(span)
            )?,
            (true, None) => f.write_str("; not polled since it was woken")?,
            (false, Some(span)) => write!(f, "; last polled {} ago", HumanDuration(span))?,
            (false, None) => {}
        }
        if let Some(span) = self.checked_ago {
            write!(f, "; last checked {} ago", HumanDuration(span))?;
        }
        match &self.shield {
            Some(shield) => shield.write(f),
            None => Ok(()),
        }
    }
}
