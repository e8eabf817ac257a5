//! A limit in time, and where in the source it was set.

use crate::cause::{Cause, Reason};
use std::panic::Location;
use std::time::{Duration, Instant};

/// A limit in time: a span that counts from the entry of a scope, or a point.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    kind: LimitKind,
    location: &'static Location<'static>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LimitKind {
    After(Duration),
    At(Instant),
}

impl Limit {
    pub(crate) fn new(kind: LimitKind, location: &'static Location<'static>) -> Self {
        Self { kind, location }
    }

    /// A span of time, counted from the entry of the scope. One too long for the clock is no limit.
    #[must_use]
    #[track_caller]
    pub fn after(span: Duration) -> Self {
        Self {
            kind: LimitKind::After(span),
            location: Location::caller(),
        }
    }

    /// A point in time, on the clock of the scope's runtime.
    #[must_use]
    #[track_caller]
    pub fn at(point: Instant) -> Self {
        Self {
            kind: LimitKind::At(point),
            location: Location::caller(),
        }
    }

    /// Where in the source the limit was set.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.location
    }

    pub(crate) fn kind(&self) -> LimitKind {
        self.kind
    }

    /// The point in time that the limit means when it counts from `start`; `None` is never.
    pub(crate) fn due(&self, start: Instant) -> Option<Instant> {
        match self.kind {
            LimitKind::After(span) => start.checked_add(span),
            LimitKind::At(point) => Some(point),
        }
    }

    /// Why something is cancelled that runs into this limit.
    pub(crate) fn cause(&self) -> Cause {
        let reason = match self.kind {
            LimitKind::After(limit) => Reason::TimedOut { limit },
            LimitKind::At(_) => Reason::DeadlineReached,
        };
        Cause::new(reason).with_location(self.location)
    }
}
