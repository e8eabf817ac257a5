//! The kinds of cause.

use std::fmt;
use std::time::Duration;

/// What kind of thing cancelled.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Code asked for it, by `cancel()` and its like.
    Requested,
    /// A drop guard went out of scope.
    GuardDropped,
    /// A time limit ran out.
    TimedOut {
        /// The limit that was set.
        limit: Duration,
    },
    /// A point in time was reached.
    DeadlineReached,
    /// The process received a signal.
    Signal {
        /// The signal's number on this platform.
        number: i32,
        /// The signal's name, such as `SIGTERM`.
        name: &'static str,
    },
    /// A condition that was watched came true.
    Condition,
    /// A source of the user's own fired.
    Source,
    /// A resource went over its limit.
    Resource,
    /// A file appeared, changed or disappeared.
    File,
    /// The future that polled the work was dropped.
    RunDropped,
    /// Something that was running beside it failed.
    ChildFailed,
    /// The program, or the part of it that this belongs to, is shutting down.
    ShuttingDown,
    /// The scope whose token it is has ended, so what was handed the token has nobody to work for. It is
    /// no cancellation of the scope: that has ended as it has.
    ScopeEnded,
}

impl Reason {
    /// The reason as one lower-case word, for logs and labels.
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
            Self::ScopeEnded => "scope_ended",
        }
    }

    /// Whether time ran out: a limit or a deadline.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::TimedOut { .. } | Self::DeadlineReached)
    }
}

/// The word of [`as_str`](Reason::as_str). A sentence is the `Display` of a [`Cause`](super::Cause).
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
