//! The line from an operation up through everything it is a part of: where its effective deadline
//! comes from, and whose deadline it was when time runs out.
//!
//! Each record is locked alone, one after the other. A deadline that moves meanwhile is seen by
//! the next look, to which the move leads: it wakes the run whose deadline it is.
//!
//! # What is kept
//!
//! A line may be long, and every spawn, entry and `check` asks for the effective deadline. So a record
//! keeps the earliest deadline of those above it, with the count of moves that it found before it looked at
//! them, and what it keeps holds as long as the count is the same. One count serves the whole process.
//!
//! It goes up with a move of a deadline that is a part of what is kept somewhere below: who looks at a record
//! for what it is about to keep marks it, and who moves a deadline goes by the mark, both under the
//! record's lock. So the look comes before the move, and then the mark is found, the count goes up, and
//! what is kept with the count from before holds no more; or it comes after, and finds the new deadline.
//! An operation that nothing was opened below, as most are, moves its deadline for nobody else. It goes up too
//! when a shield ends, as what was opened inside is bound again by what is above: that is stored before the
//! count.

use super::own_deadline::FromAbove;
use super::run_waker;
use super::{Inner, Record};
use crate::cause::Cause;
use crate::source::{Limit, LimitKind};
use crate::sync::Ordering;
use crate::sync::unmodelled::AtomicU64;
use std::time::{Duration, Instant};

/// How often a deadline was moved that is a part of what is kept. Not loom's, which has no statics: the
/// record's lock orders it.
static MOVES: AtomicU64 = AtomicU64::new(1);

/// The count of moves, to be read before what is to be kept with it.
pub(crate) fn moves() -> u64 {
    // Acquire: pairs with the Release in `line_changed`. Who reads a count finds the deadlines that it
    // goes with.
    MOVES.load(Ordering::Acquire)
}

/// To be called when a line has become another, after what says so is stored.
pub(crate) fn line_changed() {
    // Release: see `moves`.
    MOVES.fetch_add(1, Ordering::Release);
}

impl Inner {
    /// To be called under the lock under which the deadline was moved.
    pub(crate) fn deadline_moved(&mut self) {
        if std::mem::take(&mut self.is_kept_below) {
            line_changed();
        }
    }

    fn kept(&self, moves: u64) -> Option<FromAbove> {
        Some(self.from_above).filter(|kept| kept.moves == moves)
    }
}

impl Record {
    /// This record and those above it that bind it, innermost first. What was opened inside a
    /// shield that is open is the end of its line.
    pub(crate) fn line(&self) -> impl Iterator<Item = &Record> {
        std::iter::successors(Some(self), |record| record.above())
    }

    pub(crate) fn above(&self) -> Option<&Record> {
        match self.is_isolated() {
            true => None,
            false => self.parent.as_deref(),
        }
    }

    fn own_due(&self) -> Option<Instant> {
        self.inner.lock().deadline.due().map(|due| due.at)
    }

    /// Why this record is cancelled at `now`, if its own deadline is reached then.
    fn overdue(&self, now: Instant) -> Option<Cause> {
        let (limit, counted_from) = {
            let inner = self.inner.lock();
            let due = inner.deadline.due().filter(|due| due.at <= now)?;
            let counted_from = inner.started.and_then(|start| due.counted_from(start));
            (due.limit(), counted_from)
        };
        Some(limit.cause().counted_from(counted_from))
    }

    /// The earliest deadline on the line.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.own_due().into_iter().chain(self.due_above()).min()
    }

    /// The earliest deadline on the line, for who keeps it with the count of moves that it read before.
    pub(crate) fn deadline_to_keep(&self) -> Option<Instant> {
        let own = {
            let mut inner = self.inner.lock();
            inner.is_kept_below = true;
            inner.deadline.due().map(|due| due.at)
        };
        own.into_iter().chain(self.due_above()).min()
    }

    /// The earliest deadline of those above.
    pub(crate) fn due_above(&self) -> Option<Instant> {
        let mut next = self.above();
        next?;
        let moves = moves();
        if let Some(kept) = self.inner.lock().kept(moves) {
            return kept.due;
        }
        // Up to the first that has kept it, and then down again to keep it: a line of any length is
        // walked once for all that are on it.
        let (mut walked, mut due) = (Vec::new(), None);
        // Ends: every turn goes one ancestor up, and there is no cycle.
        while let Some(record) = next {
            #[cfg(test)]
            tests::WALKED.with(|walked| walked.set(walked.get() + 1));
            let (own, kept) = {
                let mut inner = record.inner.lock();
                inner.is_kept_below = true;
                (inner.deadline.due().map(|due| due.at), inner.kept(moves))
            };
            if let Some(kept) = kept {
                due = own.into_iter().chain(kept.due).min();
                break;
            }
            walked.push((record, own));
            next = record.above();
        }
        for (record, own) in walked.into_iter().rev() {
            record.inner.lock().from_above = FromAbove { due, moves };
            due = own.into_iter().chain(due).min();
        }
        self.inner.lock().from_above = FromAbove { due, moves };
        due
    }

    /// The deadline that comes from above, given the one of a record that may be the next there.
    pub(crate) fn deadline_above(
        &self,
        known: Option<(&Record, Option<Instant>)>,
    ) -> Option<Instant> {
        // Without a clock there is no deadline, and the line may be long.
        self.runtime.as_ref()?;
        let above = self.above()?;
        match known {
            Some((record, deadline)) if std::ptr::eq(above, record) => deadline,
            _ => self.due_above(),
        }
    }

    pub(crate) fn remaining(&self) -> Option<Duration> {
        let now = self.now()?;
        // The lock must not be held over the walk above.
        let own = self.inner.lock().deadline.due_from(now);
        let earliest = self.limit_here(own.into_iter().chain(self.due_above()).min())?;
        Some(earliest.saturating_duration_since(now))
    }

    /// Cancels for a deadline on the line that is reached at `now`: the outermost such, because
    /// the scopes inside it end with it in any case. True if this operation is cancelled.
    ///
    /// The operation whose deadline it was is cancelled, and the others inherit. If it has ended
    /// already, nothing of it is left to cancel, and the next one below that has not is cancelled
    /// in its place, with the same cause. One that has ended, with all below it, is bound by its own
    /// deadline no more.
    pub(crate) fn expire(&self, now: Instant) -> bool {
        let mut outermost = None;
        let mut target = None;
        for record in self.line() {
            if !record.status().is_closed() {
                target = Some(record);
            }
            let Some(target) = target else {
                continue;
            };
            if let Some(cause) = record.overdue(now) {
                outermost = Some((record, cause, target));
            }
        }
        if let Some((record, cause, target)) = outermost {
            target.cancel(cause.with_operation(record.label.clone()).with_time(now));
        }
        self.is_cancelled()
    }

    /// As [`expire`](Self::expire), now, where there is a clock and a deadline. The time, if it was asked.
    ///
    /// Where a token of another operation cancels it, that one's clock is looked at too.
    pub(crate) fn expire_if_due(&self) -> Option<Instant> {
        if self.is_linked() {
            self.look_at_links();
        }
        // The clock first: without one there is no deadline, and the line may be long.
        let runtime = self.runtime.as_ref()?;
        let deadline = self.deadline()?;
        let now = runtime.now();
        if deadline <= now {
            self.expire(now);
        }
        Some(now)
    }

    /// Whether it is cancelled, also by a deadline that nobody has noticed yet. An end is no cancel here, as
    /// a stream may outlive its run.
    pub(crate) fn is_cancelled_by_now(&self) -> bool {
        if !self.is_cancelled() {
            self.expire_if_due();
        }
        self.is_cancelled()
    }

    /// Puts `limit` in the place of this record's own deadline.
    ///
    /// The run is called under the lock under which the deadline moves, so it finds the new one.
    pub(crate) fn move_deadline(&self, limit: Limit, now: Instant) {
        // One that is over at its entry is over now.
        let is_nothing = matches!(limit.kind(), LimitKind::After(span) if span.is_zero());
        let waker = {
            let mut inner = self.inner.lock();
            let counts = is_nothing || inner.started.is_some();
            inner.deadline.replace(limit, counts.then_some(now));
            inner.deadline_moved();
            self.take_runner(&mut inner)
        };
        self.expire_if_due();
        run_waker::wake(waker);
    }
}

#[cfg(test)]
mod tests {
    use super::super::own_deadline::OwnDeadline;
    use super::super::token_cell::Stop;
    use super::super::{Account, Opening, Record};
    use crate::cause::OperationLabel;
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
        Record::open(Opening {
            label: OperationLabel::new(name),
            parent: parent.map(Arc::clone),
            stop: Stop::below(above),
            runtime: None,
            opened_at: Location::caller(),
            deadline: OwnDeadline::default(),
            sources: None,
            terms: None,
            policy: None,
            spawned: false,
            shelter: None,
            account: Account::default(),
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
            let ask = |index: usize| assert_eq!(line[index].deadline(), None);
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
            last.move_deadline(at(now + Duration::from_secs(3600)), now);
            last.enter(Some(now), StoredWaker::default())
                .expect("it is pending");
            assert!(last.deadline().is_some(), "{step}");
            spawned.push(open("part", Some(&last)));
        }
        let walked = WALKED.with(Cell::get);
        assert!(walked < 2 * LENGTH, "{walked}");
    }

    /// What a walk finds that keeps nothing.
    fn walked(record: &Record) -> Option<Instant> {
        record.line().filter_map(Record::own_due).min()
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
                1 => record.move_deadline(at(point), now),
                2 => {
                    let span = Duration::from_secs(3600 + random(1000));
                    record.move_deadline(
                        Limit::new(LimitKind::After(span), Location::caller(), None),
                        now,
                    );
                }
                3 => drop(record.enter(Some(now), StoredWaker::default())),
                _ => assert_eq!(record.deadline(), walked(record)),
            }
        }
        for record in &tree {
            assert_eq!(record.deadline(), walked(record));
        }
    }
}
