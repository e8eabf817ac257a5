//! The effective deadline of an operation, which is the earliest of its own and of every ancestor that binds it;
//! and the cancel of the operation whose deadline has passed.
//!
//! Each record is locked alone, one after the other. A deadline that moves meanwhile is seen by the next check,
//! which the move causes: it wakes the run of that operation. The cache of the walk is in `own_deadline.rs`.

use super::own_deadline::epoch;
use super::run_waker::{self, Registered};
use super::{Record, shielding};
use crate::cause::Cause;
use crate::source::{Limit, LimitKind};
use std::time::{Duration, Instant};

/// Returns the effective deadline.
pub(crate) fn effective(record: &Record) -> Option<Instant> {
    let own = record.inner.lock().deadlines.own_due();
    own.into_iter().chain(of_ancestors(record)).min()
}

/// Returns the effective deadline for a run that has read the own deadline when it registered its waker.
pub(crate) fn effective_for(record: &Record, registered: &Registered) -> Option<Instant> {
    registered.due.into_iter().chain(of_ancestors(record)).min()
}

/// Returns the effective deadline for a caller that caches it with the epoch that it has read before.
pub(super) fn effective_for_cache(record: &Record) -> Option<Instant> {
    let own = record.inner.lock().deadlines.own_due_for_cache();
    own.into_iter().chain(of_ancestors(record)).min()
}

/// Returns the earliest deadline of the ancestors that bind the record.
fn of_ancestors(record: &Record) -> Option<Instant> {
    let mut next = record.binding_parent();
    next?;
    let epoch = epoch();
    if let Some(cached) = record.inner.lock().deadlines.cached(epoch) {
        return cached;
    }
    // Up to the first ancestor with a cached deadline, and then down again to cache: any number of ancestors is
    // walked once for all records below.
    let (mut walked, mut due) = (Vec::new(), None);
    // Ends: each step moves to the parent, and there is no cycle.
    while let Some(ancestor) = next {
        #[cfg(test)]
        tests::WALKED.with(|walked| walked.set(walked.get() + 1));
        let (own, cached) = {
            let deadlines = &mut ancestor.inner.lock().deadlines;
            (deadlines.own_due_for_cache(), deadlines.cached(epoch))
        };
        if let Some(cached) = cached {
            due = own.into_iter().chain(cached).min();
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

/// Returns the earliest deadline of the ancestors. `known` is a record that may be the parent, with its effective
/// deadline.
pub(crate) fn inherited(
    record: &Record,
    known: Option<(&Record, Option<Instant>)>,
) -> Option<Instant> {
    // Without a clock there is no deadline, and there may be many ancestors.
    record.runtime.as_ref()?;
    let parent = record.binding_parent()?;
    match known {
        Some((known, deadline)) if std::ptr::eq(parent, known) => deadline,
        _ => of_ancestors(record),
    }
}

/// Returns the time that is left to the calling code.
pub(crate) fn remaining(record: &Record) -> Option<Duration> {
    let now = record.now()?;
    // The lock must not be held during the walk.
    let own = record.inner.lock().deadlines.own.due_from(now);
    let earliest = own.into_iter().chain(of_ancestors(record)).min();
    let earliest = shielding::limit_here(record, earliest)?;
    Some(earliest.saturating_duration_since(now))
}

/// Returns the cause of the record's cancel at `now`, if its own deadline has passed.
fn overdue(record: &Record, now: Instant) -> Option<Cause> {
    let (limit, counted_from) = {
        let inner = record.inner.lock();
        let due = inner.deadlines.overdue(now)?;
        let counted_from = inner.started.and_then(|start| due.counted_from(start));
        (due.limit(), counted_from)
    };
    Some(limit.cause().counted_from(counted_from))
}

/// Cancels for a deadline of the record or of an ancestor that binds it and has passed at `now`: the outermost
/// such deadline, because the scopes inside end with it. Returns whether this operation is cancelled.
///
/// The operation with that deadline is cancelled, and its descendants inherit the cancel. If that operation has
/// already ended, the nearest operation inside it that has not ended is cancelled instead, with the same cause.
/// The deadline of an ancestor does not count if the ancestor and all operations between it and this operation
/// have ended.
pub(crate) fn expire(record: &Record, now: Instant) -> bool {
    let mut outermost = None;
    let mut target = None;
    for ancestor in record.with_binding_ancestors() {
        if !ancestor.status().is_terminal() {
            target = Some(ancestor);
        }
        let Some(target) = target else {
            continue;
        };
        if let Some(cause) = overdue(ancestor, now) {
            outermost = Some((ancestor, cause, target));
        }
    }
    if let Some((owner, cause, target)) = outermost {
        target.cancel(cause.with_operation(owner.label.clone()).with_time(now));
    }
    record.is_cancelled()
}

/// Calls [`expire`] with the present time, if there is a clock and a deadline. Returns the time if it was read.
///
/// If a token of another operation cancels this operation, the deadline of the other operation is checked too.
pub(crate) fn expire_if_due(record: &Record) -> Option<Instant> {
    if record.token.is_linked() {
        record.check_links();
    }
    // The clock first: without a clock there is no deadline, and there may be many ancestors.
    let runtime = record.runtime.as_ref()?;
    let deadline = effective(record)?;
    let now = runtime.now();
    if deadline <= now {
        expire(record, now);
    }
    Some(now)
}

/// Returns whether the operation is cancelled, also by a deadline whose passing was not noticed yet. An end does
/// not count as a cancel here, since a stream may outlive its run.
pub(crate) fn is_cancelled_by_now(record: &Record) -> bool {
    if !record.is_cancelled() {
        expire_if_due(record);
    }
    record.is_cancelled()
}

/// Replaces the record's own deadline by `limit`.
///
/// The waker of the run is taken under the lock under which the deadline moves, so the run finds the new deadline.
pub(crate) fn set(record: &Record, limit: Limit, now: Instant) {
    // A span of zero has passed at entry, and so counts from now.
    let is_zero = matches!(limit.kind(), LimitKind::After(span) if span.is_zero());
    let waker = {
        let mut inner = record.inner.lock();
        let counts = is_zero || inner.started.is_some();
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
        /// The number of records that were visited on the way up.
        pub(crate) static WALKED: Cell<usize> = const { Cell::new(0) };
    }

    /// Opens an operation as a scope does, without a clock.
    fn open(name: &'static str, parent: Option<&Arc<Record>>) -> Arc<Record> {
        let inherited = parent.map(|parent| parent.token().clone());
        lifecycle::open(Opening {
            label: OperationLabel::new(name),
            parent: parent.map(Arc::clone),
            token: TokenCell::inheriting(inherited),
            runtime: None,
            location: Location::caller(),
            deadline: OwnDeadline::default(),
            sources: None,
            child_options: None,
            options: None,
            spawned: false,
            shield: None,
            observers: Observers::default(),
        })
    }

    fn chain(length: usize) -> Vec<Arc<Record>> {
        let mut chain = vec![open("root", None)];
        for _ in 1..length {
            chain.push(open("child", chain.last()));
        }
        chain
    }

    fn at(point: Instant) -> Limit {
        Limit::new(LimitKind::At(point), Location::caller(), None)
    }

    /// One test, because the epoch belongs to the process.
    #[test]
    fn r20_ancestors_are_walked_once_for_all_descendants_and_the_cache_is_what_a_walk_finds() {
        each_ancestor_is_walked_once();
        the_cache_is_what_a_walk_finds();
    }

    fn each_ancestor_is_walked_once() {
        const LENGTH: usize = 2000;
        for leaf_first in [false, true] {
            let chain = chain(LENGTH);
            let ask = |index: usize| assert_eq!(super::effective(&chain[index]), None);
            WALKED.with(|walked| walked.set(0));
            match leaf_first {
                true => (0..LENGTH).rev().for_each(ask),
                false => (0..LENGTH).for_each(ask),
            }
            let walked = WALKED.with(Cell::get);
            assert!(walked < 2 * LENGTH, "{walked}");
        }
        // As children are spawned: each has its limit and enters before the next is opened. The deadline of an
        // operation without descendants is in no cache.
        WALKED.with(|walked| walked.set(0));
        let now = clock::now();
        let mut spawned = chain(1);
        for step in 0..LENGTH {
            let last = spawned.last().expect("it has a root").clone();
            super::set(&last, at(now + Duration::from_secs(3600)), now);
            lifecycle::enter(&last, Some(now), StoredWaker::default()).expect("it is pending");
            assert!(super::effective(&last).is_some(), "{step}");
            spawned.push(open("child", Some(&last)));
        }
        let walked = WALKED.with(Cell::get);
        assert!(walked < 2 * LENGTH, "{walked}");
    }

    /// Returns the effective deadline by a walk without a cache.
    fn walked(record: &Record) -> Option<Instant> {
        let records = record.with_binding_ancestors();
        records
            .filter_map(|record| record.inner.lock().deadlines.own_due())
            .min()
    }

    fn the_cache_is_what_a_walk_finds() {
        let now = clock::now();
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        let mut random = |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        };
        let mut tree = chain(1);
        for _ in 0..20_000 {
            let one = usize::try_from(random(tree.len() as u64)).expect("it fits");
            let point = now + Duration::from_secs(3600 + random(1000));
            let record = &tree[one];
            match random(8) {
                0 if tree.len() < 60 => {
                    let child = open("child", Some(record));
                    tree.push(child);
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
