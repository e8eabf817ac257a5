//! The deadlines of one operation, under its record's lock: its own, and the earliest of its ancestors. The
//! latter is kept so that no check has to walk the ancestors.
//!
//! A line of ancestors may be long, and every spawn, entry and `check` asks for the effective deadline. So a record
//! keeps the earliest deadline of those above it, with the count of moves that was read before the ancestors were
//! asked, and what it keeps holds as long as the count is the same. One count serves the whole process.
//!
//! The count goes up with a move of a deadline that is a part of what is kept somewhere below: a reader that
//! keeps a record's deadline marks that record, and a move of the deadline looks at the mark, both under the
//! record's lock. So the look comes before the move, and then the mark is found, the count goes up, and what is
//! kept with the count from before holds no more; or it comes after, and finds the new deadline. An operation
//! that nothing was opened below, as most are, moves its deadline for nobody else. The count goes up too when a
//! shield ends, as what was opened inside is bound again by what is above: that is stored before the count.

use crate::source::{Limit, LimitKind, Words};
use crate::sync::Ordering;
use crate::sync::unmodelled::AtomicU64;
use std::panic::Location;
use std::time::{Duration, Instant};

/// How often a deadline was moved that is a part of what is kept. Not loom's, which has no statics: the
/// record's lock orders it.
static EPOCH: AtomicU64 = AtomicU64::new(1);

/// The count of moves, to be read before what is to be kept with it.
pub(super) fn epoch() -> u64 {
    // Acquire: pairs with the Release in `advance_epoch`. A thread that reads a count finds the deadlines that
    // it goes with.
    EPOCH.load(Ordering::Acquire)
}

/// To be called when a line of ancestors has become another, after what says so is stored.
pub(super) fn advance_epoch() {
    // Release: see `moves`.
    EPOCH.fetch_add(1, Ordering::Release);
}

/// The deadlines of one operation.
pub(super) struct Deadlines {
    own: OwnDeadline,
    /// The earliest of the operations above, as it is kept.
    above: Option<Instant>,
    /// In the upper bits the count of moves with which `above` is kept, zero if it never was. The lowest is
    /// [`CACHED_BELOW`]. One word, because every operation has it.
    marks: u64,
}

/// An operation below keeps a deadline that this one's own is a part of.
const CACHED_BELOW: u64 = 1;

impl Deadlines {
    pub(super) fn new(own: OwnDeadline) -> Self {
        Self {
            own,
            above: None,
            marks: 0,
        }
    }

    /// The point that counts; a span is none before entry.
    pub(super) fn own_due(&self) -> Option<Instant> {
        self.own.due.as_ref().map(|due| due.at)
    }

    /// [`own_due`](Self::own_due) for a caller that keeps it with the count of moves that it read before.
    pub(super) fn own_due_for_cache(&mut self) -> Option<Instant> {
        self.marks |= CACHED_BELOW;
        self.own_due()
    }

    /// The own deadline, if it is reached at `now`.
    pub(super) fn overdue(&self, now: Instant) -> Option<&Due> {
        self.own.due.as_ref().filter(|due| due.at <= now)
    }

    /// The point that would count if the operation were entered at `now`.
    pub(super) fn due_from(&self, now: Instant) -> Option<Instant> {
        self.own.due_from(now)
    }

    /// Lets a span count from `now`.
    pub(super) fn enter(&mut self, now: Instant) {
        self.own.enter(now);
        self.moved();
    }

    /// Puts `limit` in the place of all others. A span counts from `now` if there is one, and from
    /// entry else.
    pub(super) fn replace(&mut self, limit: Limit, now: Option<Instant>) {
        self.own.replace(limit, now);
        self.moved();
    }

    fn moved(&mut self) {
        if self.marks & CACHED_BELOW != 0 {
            self.marks &= !CACHED_BELOW;
            advance_epoch();
        }
    }

    /// The earliest deadline of the ancestors, if it is kept with this count.
    pub(super) fn cached(&self, epoch: u64) -> Option<Option<Instant>> {
        (self.marks >> 1 == epoch).then_some(self.above)
    }

    /// Keeps the earliest deadline of the ancestors.
    pub(super) fn cache(&mut self, due: Option<Instant>, epoch: u64) {
        self.above = due;
        self.marks = (epoch << 1) | (self.marks & CACHED_BELOW);
    }
}

/// A point in time, and the limit from which it follows. Smaller than a limit with a point, because it
/// is moved with an operation that is opened.
#[derive(Clone, Debug)]
pub(super) struct Due {
    at: Instant,
    /// None for a limit that was a point from the start.
    span: Option<Duration>,
    set_at: &'static Location<'static>,
    words: Option<Words>,
}

impl Due {
    pub(super) fn limit(&self) -> Limit {
        let kind = match self.span {
            Some(span) => LimitKind::After(span),
            None => LimitKind::At(self.at),
        };
        Limit::new(kind, self.set_at, self.words.clone())
    }

    /// How long after `start` the span began to count, if it was set later than that.
    pub(super) fn counted_from(&self, start: Instant) -> Option<Duration> {
        let counted_from = self.at.checked_sub(self.span?)?;
        let passed = counted_from.checked_duration_since(start)?;
        (!passed.is_zero()).then_some(passed)
    }
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
    fn enter(&mut self, start: Instant) {
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
    fn replace(&mut self, limit: Limit, now: Option<Instant>) {
        *self = Self::default();
        self.add(limit);
        if let Some(now) = now {
            self.enter(now);
        }
    }

    /// The point that would count if the operation were entered at `now`.
    fn due_from(&self, now: Instant) -> Option<Instant> {
        let pending = self.pending.as_ref();
        let pending = pending.and_then(|pending| now.checked_add(pending.span));
        let due = self.due.as_ref().map(|due| due.at);
        pending.into_iter().chain(due).min()
    }
}
