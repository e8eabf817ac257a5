//! The deadline that an operation has of its own, before those above it are looked at.

use crate::source::{Limit, LimitKind, Words};
use std::panic::Location;
use std::time::{Duration, Instant};

/// A point in time, and the limit from which it follows. Smaller than a limit with a point, because it
/// is moved with an operation that is opened.
#[derive(Clone, Debug)]
pub(crate) struct Due {
    pub(crate) at: Instant,
    /// None for a limit that was a point from the start.
    span: Option<Duration>,
    set_at: &'static Location<'static>,
    words: Option<Words>,
}

impl Due {
    pub(crate) fn limit(&self) -> Limit {
        let kind = match self.span {
            Some(span) => LimitKind::After(span),
            None => LimitKind::At(self.at),
        };
        Limit::new(kind, self.set_at, self.words.clone())
    }

    /// How long after `start` the span began to count, if it was set later than that.
    pub(crate) fn counted_from(&self, start: Instant) -> Option<Duration> {
        let counted_from = self.at.checked_sub(self.span?)?;
        let passed = counted_from.checked_duration_since(start)?;
        (!passed.is_zero()).then_some(passed)
    }
}

/// The earliest deadline of the operations above, as of a count of moves; see `deadlines.rs`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FromAbove {
    pub(crate) due: Option<Instant>,
    /// Zero if it was never asked for.
    pub(crate) moves: u64,
}

/// A span that counts from entry, and where it was set.
#[derive(Clone, Debug)]
struct Pending {
    span: Duration,
    set_at: &'static Location<'static>,
    words: Option<Words>,
}

/// The limits that were set on one operation, of which the earliest counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnDeadline {
    /// The shortest one. It becomes a point at entry and is none from then on.
    pending: Option<Pending>,
    /// The earliest point.
    due: Option<Due>,
}

impl OwnDeadline {
    /// Adds a limit before entry.
    pub(crate) fn add(&mut self, limit: Limit) {
        let set_at = limit.location();
        match limit.kind() {
            LimitKind::After(span) => {
                let shortest = self.pending.as_ref();
                if shortest.is_none_or(|shortest| span < shortest.span) {
                    let words = limit.into_words();
                    self.pending = Some(Pending {
                        span,
                        set_at,
                        words,
                    });
                }
            }
            LimitKind::At(at) => self.add_due(Due {
                at,
                span: None,
                set_at,
                words: limit.into_words(),
            }),
        }
    }

    fn add_due(&mut self, due: Due) {
        let earliest = self.due.as_ref();
        if earliest.is_none_or(|earliest| due.at < earliest.at) {
            self.due = Some(due);
        }
    }

    /// Whether there is any limit, even one that the clock cannot express.
    pub(crate) fn is_set(&self) -> bool {
        self.pending.is_some() || self.due.is_some()
    }

    /// Lets the span count from `start`.
    pub(crate) fn enter(&mut self, start: Instant) {
        let Some(pending) = self.pending.take() else {
            return;
        };
        let Pending {
            span,
            set_at,
            words,
        } = pending;
        // Too far away for the clock is never.
        if let Some(at) = start.checked_add(span) {
            let span = Some(span);
            self.add_due(Due {
                at,
                span,
                set_at,
                words,
            });
        }
    }

    /// Puts `limit` in the place of all others. A span counts from `now` if there is one, and from
    /// entry else.
    pub(crate) fn replace(&mut self, limit: Limit, now: Option<Instant>) {
        *self = Self::default();
        self.add(limit);
        if let Some(now) = now {
            self.enter(now);
        }
    }

    /// The point that counts; a span is none before entry.
    pub(crate) fn due(&self) -> Option<&Due> {
        self.due.as_ref()
    }

    /// The point that would count if the operation were entered at `now`.
    pub(crate) fn due_from(&self, now: Instant) -> Option<Instant> {
        let pending = self.pending.as_ref();
        let pending = pending.and_then(|pending| now.checked_add(pending.span));
        let due = self.due.as_ref().map(|due| due.at);
        pending.into_iter().chain(due).min()
    }
}
