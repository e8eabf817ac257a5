//! The deadline that an operation has of its own, before those above it are looked at.

use crate::source::{Limit, LimitKind};
use std::time::{Duration, Instant};

/// A point in time, and the limit from which it follows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    pub(super) at: Instant,
    pub(super) limit: Limit,
}

/// The limits that were set on one operation, of which the earliest counts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OwnDeadline {
    /// The one of the shortest span. It becomes a point at entry and is none from then on.
    span: Option<Limit>,
    /// The earliest point.
    due: Option<Due>,
}

impl OwnDeadline {
    /// Adds a limit before entry.
    pub(crate) fn add(&mut self, limit: Limit) {
        match limit.kind() {
            LimitKind::After(span) => {
                if self.span().is_none_or(|shortest| span < shortest) {
                    self.span = Some(limit);
                }
            }
            LimitKind::At(at) => self.add_due(at, limit),
        }
    }

    fn span(&self) -> Option<Duration> {
        match self.span?.kind() {
            LimitKind::After(span) => Some(span),
            LimitKind::At(_) => None,
        }
    }

    fn add_due(&mut self, at: Instant, limit: Limit) {
        if self.due.is_none_or(|due| at < due.at) {
            self.due = Some(Due { at, limit });
        }
    }

    /// Whether there is any limit, even one that the clock cannot express.
    pub(crate) fn is_set(&self) -> bool {
        self.span.is_some() || self.due.is_some()
    }

    /// Lets the span count from `start`.
    pub(super) fn enter(&mut self, start: Instant) {
        if let Some(limit) = self.span.take() {
            if let Some(at) = limit.due(start) {
                self.add_due(at, limit);
            }
        }
    }

    /// Puts `limit` in the place of all others. A span counts from `now` if there is one, and from
    /// entry else.
    pub(super) fn replace(&mut self, limit: Limit, now: Option<Instant>) {
        *self = Self::default();
        self.add(limit);
        if let Some(now) = now {
            self.enter(now);
        }
    }

    /// The point that counts; a span is none before entry.
    pub(super) fn due(&self) -> Option<Due> {
        self.due
    }

    /// The point that would count if the operation were entered at `now`.
    pub(super) fn due_from(mut self, now: Instant) -> Option<Due> {
        self.enter(now);
        self.due
    }
}
