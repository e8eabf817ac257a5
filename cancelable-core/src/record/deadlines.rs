//! The effective deadline of an operation: the earliest on the line from it up through every ancestor that binds
//! it; and the cancel of whichever operation's deadline it was when time runs out.
//!
//! Each record is locked alone, one after the other. A deadline that moves meanwhile is seen by
//! the next look, to which the move leads: it wakes the run whose deadline it is. What is kept of a walk, and for
//! how long, stands in `own_deadline.rs`.

use super::own_deadline::epoch;
use super::run_waker::{self, Registered};
use super::{Record, shielding};
use crate::cause::Cause;
use crate::source::{Limit, LimitKind};
use std::time::{Duration, Instant};

/// The earliest deadline on the line.
pub(crate) fn effective(record: &Record) -> Option<Instant> {
    let own = record.inner.lock().deadlines.own_due();
    own.into_iter().chain(of_ancestors(record)).min()
}

/// The earliest deadline on the line, given what a run found of the record's own.
pub(crate) fn effective_for(record: &Record, registered: &Registered) -> Option<Instant> {
    registered.due.into_iter().chain(of_ancestors(record)).min()
}

/// The earliest deadline on the line, for a caller that keeps it with the count of moves that it read before.
pub(super) fn effective_for_cache(record: &Record) -> Option<Instant> {
    let own = record.inner.lock().deadlines.own_due_for_cache();
    own.into_iter().chain(of_ancestors(record)).min()
}

/// The earliest deadline of the ancestors that bind it.
fn of_ancestors(record: &Record) -> Option<Instant> {
    let mut next = record.binding_parent();
    next?;
    let epoch = epoch();
    if let Some(kept) = record.inner.lock().deadlines.cached(epoch) {
        return kept;
    }
    // Up to the first that has kept it, and then down again to keep it: a line of any length is
    // walked once for all that are on it.
    let (mut walked, mut due) = (Vec::new(), None);
    // Ends: every turn goes one ancestor up, and there is no cycle.
    while let Some(ancestor) = next {
        #[cfg(test)]
        tests::WALKED.with(|walked| walked.set(walked.get() + 1));
        let (own, kept) = {
            let deadlines = &mut ancestor.inner.lock().deadlines;
            (deadlines.own_due_for_cache(), deadlines.cached(epoch))
        };
        if let Some(kept) = kept {
            due = own.into_iter().chain(kept).min();
            break;
        }
        walked.push((ancestor, own));
        next = ancestor.binding_parent();
    }
    for (ancestor, own) in walked.into_iter().rev() {
        ancestor.inner.lock().deadlines.cache(due, epoch);
        due = own.into_iter().chain(due).min();
    }
    record.inner.lock().deadlines.cache(due, epoch);
    due
}

/// The deadline that comes from above, given the one of a record that may be the next there.
pub(crate) fn inherited(
    record: &Record,
    known: Option<(&Record, Option<Instant>)>,
) -> Option<Instant> {
    // Without a clock there is no deadline, and the line may be long.
    record.runtime.as_ref()?;
    let parent = record.binding_parent()?;
    match known {
        Some((known, deadline)) if std::ptr::eq(parent, known) => deadline,
        _ => of_ancestors(record),
    }
}

/// The time that is left to the code that asks.
pub(crate) fn remaining(record: &Record) -> Option<Duration> {
    let now = record.now()?;
    // The lock must not be held over the walk above.
    let own = record.inner.lock().deadlines.due_from(now);
    let earliest = own.into_iter().chain(of_ancestors(record)).min();
    let earliest = shielding::limit_here(record, earliest)?;
    Some(earliest.saturating_duration_since(now))
}

/// The cause of the cancel of the record at `now`, if its own deadline is reached then.
fn overdue(record: &Record, now: Instant) -> Option<Cause> {
    let (limit, counted_from) = {
        let inner = record.inner.lock();
        let due = inner.deadlines.overdue(now)?;
        let counted_from = inner.started.and_then(|start| due.counted_from(start));
        (due.limit(), counted_from)
    };
    Some(limit.cause().counted_from(counted_from))
}

/// Cancels for a deadline on the line that is reached at `now`: the outermost such, because
/// the scopes inside it end with it in any case. True if this operation is cancelled.
///
/// The operation whose deadline it was is cancelled, and the others inherit. If it has ended
/// already, nothing of it is left to cancel, and the next one below that has not is cancelled
/// in its place, with the same cause. One that has ended, with all below it, is bound by its own
/// deadline no more.
pub(crate) fn expire(record: &Record, now: Instant) -> bool {
    let mut outermost = None;
    let mut target = None;
    for on_line in record.with_binding_ancestors() {
        if !on_line.status().is_terminal() {
            target = Some(on_line);
        }
        let Some(target) = target else {
            continue;
        };
        if let Some(cause) = overdue(on_line, now) {
            outermost = Some((on_line, cause, target));
        }
    }
    if let Some((owner, cause, target)) = outermost {
        target.cancel(cause.with_operation(owner.label.clone()).with_time(now));
    }
    record.is_cancelled()
}

/// As [`expire`], now, where there is a clock and a deadline. The time, if it was asked.
///
/// Where a token of another operation cancels it, that one's clock is looked at too.
pub(crate) fn expire_if_due(record: &Record) -> Option<Instant> {
    if record.token.is_linked() {
        record.check_links();
    }
    // The clock first: without one there is no deadline, and the line may be long.
    let runtime = record.runtime.as_ref()?;
    let deadline = effective(record)?;
    let now = runtime.now();
    if deadline <= now {
        expire(record, now);
    }
    Some(now)
}

/// Whether it is cancelled, also by a deadline that nobody has noticed yet. An end is no cancel here, as
/// a stream may outlive its run.
pub(crate) fn is_cancelled_by_now(record: &Record) -> bool {
    if !record.is_cancelled() {
        expire_if_due(record);
    }
    record.is_cancelled()
}

/// Puts `limit` in the place of the record's own deadline.
///
/// The waker of the run is taken under the lock under which the deadline moves, so the run finds the new one.
pub(crate) fn set(record: &Record, limit: Limit, now: Instant) {
    // One that is over at its entry is over now.
    let is_nothing = matches!(limit.kind(), LimitKind::After(span) if span.is_zero());
    let waker = {
        let mut inner = record.inner.lock();
        let counts = is_nothing || inner.started.is_some();
        inner.deadlines.replace(limit, counts.then_some(now));
        run_waker::take(record, &mut inner)
    };
    expire_if_due(record);
    run_waker::wake(waker);
}

#[cfg(test)]
mod tests {
    use crate::cause::OperationLabel;
    use crate::record::own_deadline::OwnDeadline;
    use crate::record::token_cell::TokenCell;
    use crate::record::{Observers, Opening, Record, lifecycle};
    use crate::source::{Limit, LimitKind};
    use crate::sync::{StoredWaker, clock};
    use std::cell::Cell;
    use std::panic::Location;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    thread_local! {
        /// How many records were looked at on the way up.
        pub(crate) static WALKED: Cell<usize> = const { Cell::new(0) };
    }

    /// An operation as a scope opens it, without a clock.
    fn open(name: &'static str, parent: Option<&Arc<Record>>) -> Arc<Record> {
        let above = parent.map(|parent| parent.token().clone());
        lifecycle::open(Opening {
            label: OperationLabel::new(name),
            parent: parent.map(Arc::clone),
            token: TokenCell::inheriting(above),
            runtime: None,
            location: Location::caller(),
            deadline: OwnDeadline::default(),
            sources: None,
            child_options: None,
            options: None,
            spawned: false,
            shelter: None,
            observers: Observers::default(),
        })
    }

    fn line(length: usize) -> Vec<Arc<Record>> {
        let mut line = vec![open("root", None)];
        for _ in 1..length {
            line.push(open("part", line.last()));
        }
        line
    }

    fn at(point: Instant) -> Limit {
        Limit::new(LimitKind::At(point), Location::caller(), None)
    }

    /// One test: the count of moves is the process's.
    #[test]
    fn r20_a_line_is_walked_once_for_all_that_are_on_it_and_what_is_kept_is_what_a_walk_finds() {
        each_is_walked_once();
        what_is_kept_is_what_a_walk_finds();
    }

    fn each_is_walked_once() {
        const LENGTH: usize = 2000;
        for leaf_first in [false, true] {
            let line = line(LENGTH);
            let ask = |index: usize| assert_eq!(super::effective(&line[index]), None);
            WALKED.with(|walked| walked.set(0));
            match leaf_first {
                true => (0..LENGTH).rev().for_each(ask),
                false => (0..LENGTH).for_each(ask),
            }
            let walked = WALKED.with(Cell::get);
            assert!(walked < 2 * LENGTH, "{walked}");
        }
        // As it is spawned: each has its limit and enters before the next one is opened. One that nothing
        // was opened below moves no kept one.
        WALKED.with(|walked| walked.set(0));
        let now = clock::now();
        let mut spawned = line(1);
        for step in 0..LENGTH {
            let last = spawned.last().expect("it has a root").clone();
            super::set(&last, at(now + Duration::from_secs(3600)), now);
            lifecycle::enter(&last, Some(now), StoredWaker::default()).expect("it is pending");
            assert!(super::effective(&last).is_some(), "{step}");
            spawned.push(open("part", Some(&last)));
        }
        let walked = WALKED.with(Cell::get);
        assert!(walked < 2 * LENGTH, "{walked}");
    }

    /// What a walk finds that keeps nothing.
    fn walked(record: &Record) -> Option<Instant> {
        let line = record.with_binding_ancestors();
        line.filter_map(|record| record.inner.lock().deadlines.own_due())
            .min()
    }

    fn what_is_kept_is_what_a_walk_finds() {
        let now = clock::now();
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        let mut random = |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        };
        let mut tree = line(1);
        for _ in 0..20_000 {
            let one = usize::try_from(random(tree.len() as u64)).expect("it fits");
            let point = now + Duration::from_secs(3600 + random(1000));
            let record = &tree[one];
            match random(8) {
                0 if tree.len() < 60 => {
                    let part = open("part", Some(record));
                    tree.push(part);
                }
                1 => super::set(record, at(point), now),
                2 => {
                    let span = Duration::from_secs(3600 + random(1000));
                    super::set(
                        record,
                        Limit::new(LimitKind::After(span), Location::caller(), None),
                        now,
                    );
                }
                3 => drop(lifecycle::enter(record, Some(now), StoredWaker::default())),
                _ => assert_eq!(super::effective(record), walked(record)),
            }
        }
        for record in &tree {
            assert_eq!(super::effective(record), walked(record));
        }
    }
}
