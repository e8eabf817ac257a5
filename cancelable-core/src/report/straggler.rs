//! Stragglers: work of an operation that has not ended, with the known reason.

use crate::cause::{ChildName, HumanDuration, Named, OperationId, OperationLabel};
use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::time::Duration;

/// A piece of an operation's work that has not ended: it still runs, or was dropped at the end of its grace
/// period or of a budget. [`Operation::unfinished`](crate::Operation::unfinished) and
/// [`Outcome::stragglers`](crate::Outcome::stragglers) list stragglers.
///
/// Durations count up to the report.
///
/// # Examples
///
/// ```
/// use cancelable_core::operation::StragglerKind;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scope = rt::scope("import").build()?;
/// let outcome = rt::block_on(scope.run(async |op| {
///     let hold = op.hold();
///     let unfinished = op.unfinished();
///     drop(hold);
///     unfinished
/// }));
/// let unfinished = outcome.into_value().unwrap_or_default();
/// let kinds: Vec<_> = unfinished.iter().map(|straggler| straggler.kind()).collect();
/// assert_eq!(kinds, [StragglerKind::Operation, StragglerKind::Hold]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Straggler {
    pub(crate) kind: StragglerKind,
    pub(crate) operation: OperationLabel,
    /// The name of the finalizer, if the straggler is one.
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
///
/// # Examples
///
/// ```
/// use cancelable_core::operation::StragglerKind;
///
/// assert_eq!(StragglerKind::Blocking.as_str(), "blocking call");
/// ```
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
    /// A [hold](crate::Scope::hold). The code that has it ends it.
    Hold,
}

impl StragglerKind {
    /// The kind as lower-case words, for logs and labels.
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
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scope = rt::scope("transfer").build()?;
/// let outcome = rt::block_on(scope.run(async |op| {
///     let commit = async { op.unfinished() };
///     op.shield(commit).await
/// }));
/// let unfinished = outcome.into_value().unwrap_or_default();
/// let shield = unfinished[0].shield().ok_or("the commit runs under a shield")?;
/// assert!(shield.location().file().ends_with(".rs"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ShieldSite {
    pub(crate) location: &'static Location<'static>,
    pub(crate) open_for: Option<Duration>,
}

impl ShieldSite {
    /// The location in the source where the shield was opened.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.location
    }

    /// The time since the shield was opened; `None` without a runtime.
    #[must_use]
    pub fn open_for(&self) -> Option<Duration> {
        self.open_for
    }

    /// Writes the clause that ends a sentence about code under the shield.
    pub(crate) fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let location = self.location;
        let (file, line) = (location.file(), location.line());
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

    /// The label of the operation; for a finalizer or a hold, of the operation that has it.
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

    /// The location in the source where the straggler was opened, spawned, deferred or taken.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.location
    }

    /// The time since the cancel; `None` if the operation is not cancelled, or has no runtime.
    #[must_use]
    pub fn cancelled_for(&self) -> Option<Duration> {
        self.cancelled_for
    }

    /// The time since the last poll. Polls are recorded in finalizers, and in operations that have a grace period
    /// or a watchdog, their own or an ancestor's; `None` elsewhere.
    #[must_use]
    pub fn polled_ago(&self) -> Option<Duration> {
        self.polled_ago
    }

    /// The time since the last call of [`Operation::check`], recorded where polls are.
    ///
    /// [`Operation::check`]: crate::Operation::check
    #[must_use]
    pub fn checked_ago(&self) -> Option<Duration> {
        self.checked_ago
    }

    /// The shield that was opened last, of those that are open in the operation or below it.
    #[must_use]
    pub fn shield(&self) -> Option<&ShieldSite> {
        self.shield.as_ref()
    }

    /// Returns whether the straggler is a child that waits for a permit and has not begun.
    #[must_use]
    pub fn is_queued(&self) -> bool {
        self.is_queued
    }

    /// Returns whether the straggler is a blocking call that was abandoned: the scope does not wait for it any
    /// more.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.is_abandoned
    }

    /// Returns whether the straggler was woken and then not polled within a short time. Then
    /// [`polled_ago`](Self::polled_ago) is the time since the wake.
    #[must_use]
    pub fn is_unpolled(&self) -> bool {
        self.is_unpolled
    }

    /// Returns the operation whose body the straggler is. A body may be reported several times, a finalizer is
    /// reported once.
    pub(crate) fn body(&self) -> Option<OperationId> {
        let is_body = self.finalizer.is_none() && self.kind != StragglerKind::Hold;
        is_body.then(|| self.operation.id())
    }
}

/// A sentence without its full stop, such as `operation import, opened at src/main.rs:14, still runs 3 s
/// after it was cancelled; last polled 1 s ago`.
impl fmt::Display for Straggler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, location) = (self.kind.as_str(), self.location);
        let (file, line) = (location.file(), location.line());
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
