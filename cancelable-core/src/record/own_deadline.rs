//! The deadlines of one operation, under its record's lock: its own, and the earliest of its ancestors. The
//! latter is cached, so that no check has to walk the ancestors.
//!
//! There may be many ancestors, and every spawn, entry and `check` reads the effective deadline. So a record
//! caches the earliest deadline of its ancestors together with the *epoch*, which is read before the ancestors
//! are. The cached deadline is valid while the epoch is the same. One epoch serves the whole process.
//!
//! The epoch advances with a move of a deadline that a descendant has cached. A reader that caches a record's
//! deadline marks that record, and a move of the deadline checks the mark, both under the record's lock. If the
//! read comes before the move, the move finds the mark and advances the epoch, which makes the cached deadline
//! invalid. If the read comes after the move, it finds the new deadline. The deadline of an operation without
//! descendants, as most are, is in no cache. The epoch advances also at the end of a shield, since the operations
//! that were opened inside are bound to their ancestors again: that change is stored before the epoch.

use crate::source::{Limit, LimitKind, Words};
use crate::sync::Ordering;
use crate::sync::unmodelled::AtomicU64;
use std::panic::Location;
use std::time::{Duration, Instant};

/// The number of moves of cached deadlines, and of ends of shields. Not loom's atomic, which cannot be a static:
/// the record's lock orders it.
static EPOCH: AtomicU64 = AtomicU64::new(1);

/// Returns the epoch. To be read before the deadlines that are cached with it.
pub(super) fn epoch() -> u64 {
    // Acquire: pairs with the Release in `advance_epoch`. A thread that reads an epoch finds the deadlines of
    // that epoch.
    EPOCH.load(Ordering::Acquire)
}

/// Advances the epoch. To be called after the change that makes cached deadlines invalid is stored.
pub(super) fn advance_epoch() {
    // Release: see `epoch`.
    EPOCH.fetch_add(1, Ordering::Release);
}

/// The deadlines of one operation.
pub(super) struct Deadlines {
    pub(super) own: OwnDeadline,
    /// The cached earliest deadline of the ancestors.
    inherited: Option<Instant>,
    /// The upper bits are the epoch of `inherited`, zero if it was never cached. The lowest bit is
    /// [`CACHED_BELOW`]. One word, because every operation has it.
    marks: u64,
}

/// A descendant has cached a deadline that depends on the own deadline.
const CACHED_BELOW: u64 = 1;

impl Deadlines {
    pub(super) fn new(own: OwnDeadline) -> Self {
        Self {
            own,
            inherited: None,
            marks: 0,
        }
    }

    /// Returns the point of the own deadline. A span has no point before entry.
    pub(super) fn own_due(&self) -> Option<Instant> {
        self.own.due.as_ref().map(|due| due.at)
    }

    /// Returns [`own_due`](Self::own_due) for a caller that caches the deadline with an epoch read before this
    /// call.
    pub(super) fn own_due_for_cache(&mut self) -> Option<Instant> {
        self.marks |= CACHED_BELOW;
        self.own_due()
    }

    /// Returns the own deadline, if it has passed at `now`.
    pub(super) fn overdue(&self, now: Instant) -> Option<&Due> {
        self.own.due.as_ref().filter(|due| due.at <= now)
    }

    /// Starts a span at `now`.
    pub(super) fn enter(&mut self, now: Instant) {
        self.own.enter(now);
        self.moved();
    }

    /// Replaces all limits by `limit`. A span counts from `now`, or from entry if `now` is `None`.
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

    /// Returns the earliest deadline of the ancestors, if it is cached in this epoch.
    pub(super) fn cached(&self, epoch: u64) -> Option<Option<Instant>> {
        (self.marks >> 1 == epoch).then_some(self.inherited)
    }

    /// Caches the earliest deadline of the ancestors.
    pub(super) fn cache(&mut self, due: Option<Instant>, epoch: u64) {
        self.inherited = due;
        self.marks = (epoch << 1) | (self.marks & CACHED_BELOW);
    }
}

/// A point in time, and the limit from which it follows. Smaller than a limit with a point, because it is moved
/// with an operation that is opened.
#[derive(Clone, Debug)]
pub(super) struct Due {
    at: Instant,
    /// The span of the limit; `None` for a limit that was given as a point in time.
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

    /// Returns the time from `start` to the start of the span, if the span was set later than `start`.
    pub(super) fn counted_from(&self, start: Instant) -> Option<Duration> {
        let counted_from = self.at.checked_sub(self.span?)?;
        let passed = counted_from.checked_duration_since(start)?;
        (!passed.is_zero()).then_some(passed)
    }
}

/// A span that counts from entry, and the location at which it was set.
#[derive(Clone, Debug)]
struct Pending {
    span: Duration,
    set_at: &'static Location<'static>,
    words: Option<Words>,
}

/// The limits of one operation, of which the earliest counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnDeadline {
    /// The shortest span. It becomes a point at entry, and is `None` from then on.
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

    /// Returns whether there is a limit, even one that the clock cannot express.
    pub(crate) fn is_set(&self) -> bool {
        self.pending.is_some() || self.due.is_some()
    }

    /// Starts the span at `start`.
    fn enter(&mut self, start: Instant) {
        let Some(pending) = self.pending.take() else {
            return;
        };
        let Pending {
            span,
            set_at,
            words,
        } = pending;
        // A point that the clock cannot express is never reached.
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

    /// Replaces all limits by `limit`. A span counts from `now`, or from entry if `now` is `None`.
    fn replace(&mut self, limit: Limit, now: Option<Instant>) {
        *self = Self::default();
        self.add(limit);
        if let Some(now) = now {
            self.enter(now);
        }
    }

    /// Returns the earliest point if the operation is entered at `now`.
    pub(super) fn due_from(&self, now: Instant) -> Option<Instant> {
        let pending = self.pending.as_ref();
        let pending = pending.and_then(|pending| now.checked_add(pending.span));
        let due = self.due.as_ref().map(|due| due.at);
        pending.into_iter().chain(due).min()
    }
}
