//! The reason: the kind of a cause.

use std::fmt;
use std::time::Duration;

/// The kind of a [`Cause`](super::Cause).
///
/// # Examples
///
/// ```
/// use cancelable_core::{CancellationToken, Reason};
///
/// let token = CancellationToken::new();
/// token.cancel_with(Reason::ShuttingDown);
/// match token.reason() {
///     Some(Reason::ShuttingDown) => println!("flush and leave"),
///     Some(reason) if reason.is_timeout() => println!("try again later"),
///     Some(reason) => println!("stopped: {reason}"),
///     None => println!("still running"),
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// A call requested it: `cancel()` or a variant of it.
    Requested,
    /// A drop guard was dropped.
    GuardDropped,
    /// A time limit ran out.
    TimedOut {
        /// The limit that was set.
        limit: Duration,
    },
    /// A deadline was reached.
    DeadlineReached,
    /// The process received a signal.
    Signal {
        /// The signal's number on this platform.
        number: i32,
        /// The signal's name, such as `SIGTERM`.
        name: &'static str,
    },
    /// A condition became true.
    Condition,
    /// A source of the user fired.
    Source,
    /// A resource exceeded its limit.
    Resource,
    /// A file appeared, changed or disappeared.
    File,
    /// The future that polled the work was dropped.
    RunDropped,
    /// A child of the scope failed, or its body did while children were running.
    ChildFailed,
    /// The program, or one of its components, is shutting down.
    ShuttingDown,
    /// The client left, so the result of the work is not needed.
    Disconnected,
    /// Another process requested the cancellation.
    Remote,
    /// The connection to the process that requested the work is lost.
    PeerLost,
    /// The scope of the token has ended. The cancel stops whatever still uses the token; it does not change how the
    /// scope ended.
    ScopeEnded,
}

impl Reason {
    /// The reasons without data.
    pub(super) const PLAIN: &'static [Self] = &[
        Self::Requested,
        Self::GuardDropped,
        Self::DeadlineReached,
        Self::Condition,
        Self::Source,
        Self::Resource,
        Self::File,
        Self::RunDropped,
        Self::ChildFailed,
        Self::ShuttingDown,
        Self::Disconnected,
        Self::Remote,
        Self::PeerLost,
        Self::ScopeEnded,
    ];

    /// Returns the phrase for people; `None` for a phrase that has data or names the scope.
    pub(super) fn phrase(&self) -> Option<&'static str> {
        Some(match self {
            Self::Requested => "cancel requested",
            Self::GuardDropped => "its drop guard was dropped",
            Self::DeadlineReached => "deadline reached",
            Self::Condition => "a watched condition came true",
            Self::Source => "a source fired",
            Self::Resource => "a resource went over its limit",
            Self::File => "a watched file changed",
            Self::RunDropped => "the future that ran it was dropped",
            Self::ChildFailed => "failure in the scope",
            Self::ShuttingDown => "shutting down",
            Self::Disconnected => "the client left",
            Self::Remote => "cancel requested from another process",
            Self::PeerLost => "the connection to the peer is lost",
            Self::TimedOut { .. } => "timed out",
            Self::Signal { .. } | Self::ScopeEnded => return None,
        })
    }

    /// Returns the reason as a lower-case word, for logs and labels.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Reason;
    ///
    /// assert_eq!(Reason::ShuttingDown.as_str(), "shutting_down");
    /// ```
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::GuardDropped => "guard_dropped",
            Self::TimedOut { .. } => "timed_out",
            Self::DeadlineReached => "deadline_reached",
            Self::Signal { .. } => "signal",
            Self::Condition => "condition",
            Self::Source => "source",
            Self::Resource => "resource",
            Self::File => "file",
            Self::RunDropped => "run_dropped",
            Self::ChildFailed => "child_failed",
            Self::ShuttingDown => "shutting_down",
            Self::Disconnected => "disconnected",
            Self::Remote => "remote",
            Self::PeerLost => "peer_lost",
            Self::ScopeEnded => "scope_ended",
        }
    }

    /// Returns whether time ran out: a limit or a deadline.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Reason;
    /// use std::time::Duration;
    ///
    /// let limit = Duration::from_secs(3);
    /// assert!(Reason::TimedOut { limit }.is_timeout());
    /// assert!(!Reason::File.is_timeout());
    /// ```
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::TimedOut { .. } | Self::DeadlineReached)
    }
}

/// Writes the word of [`as_str`](Reason::as_str). The `Display` of a [`Cause`](super::Cause) is a phrase.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
