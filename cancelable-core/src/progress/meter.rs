//! One counter of the tree behind progress.
//!
//! # Invariants
//!
//! 1. A meter is in its parent's list of children until it is detached, and in no other list. A meter is detached
//!    once, when it has ended and its own list is empty. Then its totals move to its parent, under the parent's
//!    lock. A detached meter accepts no child.
//! 2. A reader takes a meter's list and the totals that the meter has absorbed under one lock, and reads a parent
//!    before its children. A child that is detached in between has been counted by the list and keeps its figures. So
//!    each meter counts once, and a total position falls only if a position is set back. Totals that `subtree.rs`
//!    keeps include the totals that the meter had absorbed by then, for the same reason.
//! 3. One lock is held at a time, and no user code runs under it.
//! 4. The figures of a meter that has ended do not change: later additions are not read.
//! 5. The position is read or set together with other figures only under the lock. So several changes are seen as
//!    one.

use super::edit::{Description, Edit};
use super::rate::{Rate, Sample};
use super::totals::{Count, Totals};
use crate::cause::ambient::Running;
use crate::cause::{OperationId, OperationLabel};
use crate::runtime::RuntimeHandle;
use crate::sync::{AtomicU64, AtomicUsize, Mutex, NumberMap, Ordering};
use std::ptr;
use std::sync::{Arc, Weak};
use std::time::Instant;

/// A subscriber to the changes of the meter `owner` and of its descendants, called with no lock held.
pub(super) trait Subscriber: Send + Sync {
    /// Called when `maker`, which is `owner` or a descendant of it, has made progress.
    fn changed(&self, owner: &Arc<Meter>, maker: &Arc<Meter>);

    /// Called when `owner` has ended. No call follows.
    fn ended(&self, owner: &Arc<Meter>);
}

pub(super) struct Meter {
    pub(super) label: OperationLabel,
    operation: Weak<dyn Running>,
    parent: Option<Arc<Meter>>,
    runtime: Option<RuntimeHandle>,
    position: AtomicU64,
    /// The number of subscribers in the whole tree. While it is zero, a change notifies no subscriber.
    subscribers_of_tree: Arc<AtomicUsize>,
    /// The number of subscribers at this meter.
    subscribers: AtomicUsize,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    description: Description,
    /// The part of the position that was done before the start. A reader never sees it above the position: work
    /// that is set back below its start repeats steps that were done before.
    before: u64,
    /// The meters directly below that are not detached, in the order of opening.
    children: NumberMap<OperationId, Arc<Meter>>,
    /// The totals of the meters below that are detached.
    absorbed: Totals,
    subscribers: Option<Arc<[Arc<dyn Subscriber>]>>,
    /// The rate of the operation itself, and the rate of the whole subtree; `None` without a clock.
    rates: Option<(Rate, Rate)>,
    end: Option<End>,
    is_detached: bool,
}

#[derive(Clone, Copy)]
pub(super) struct End {
    pub(super) at: Option<Instant>,
    position: u64,
}

/// The figures of one meter, read under one lock.
pub(super) struct Reading {
    pub(super) count: Count,
    pub(super) end: Option<End>,
    /// The totals of the meters below that are detached.
    pub(super) absorbed: Totals,
    /// The other meters directly below.
    pub(super) children: Vec<Arc<Meter>>,
}

impl Reading {
    pub(super) fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Returns the meter's own figures added to `below`.
    pub(super) fn with(&self, mut below: Totals) -> Totals {
        below.add(self.count, self.has_ended());
        below
    }
}

impl Meter {
    /// Creates a meter for `operation` below `parent` or, if that is detached, below its nearest ancestor
    /// that is not.
    pub(super) fn below(
        mut parent: Option<&Arc<Self>>,
        operation: &Arc<dyn Running>,
        runtime: Option<&RuntimeHandle>,
        now: Option<Instant>,
    ) -> Arc<Self> {
        // Ends: each turn moves one ancestor up.
        loop {
            let meter = Arc::new(Self {
                label: operation.label().clone(),
                operation: Arc::downgrade(operation),
                parent: parent.cloned(),
                runtime: runtime.cloned(),
                position: AtomicU64::new(0),
                subscribers_of_tree: match parent {
                    Some(parent) => Arc::clone(&parent.subscribers_of_tree),
                    None => Arc::new(AtomicUsize::new(0)),
                },
                subscribers: AtomicUsize::new(0),
                inner: Mutex::new(Inner {
                    rates: now.map(|now| (Rate::new(now), Rate::new(now))),
                    ..Inner::default()
                }),
            });
            match parent {
                Some(above) if !above.insert(&meter) => parent = above.parent.as_ref(),
                _ => return meter,
            }
        }
    }

    /// Inserts a child. Returns false if the meter is detached.
    fn insert(&self, child: &Arc<Self>) -> bool {
        let mut inner = self.inner.lock();
        if !inner.is_detached {
            inner.children.insert(child.label.id(), Arc::clone(child));
        }
        !inner.is_detached
    }

    #[inline]
    pub(super) fn advance(self: &Arc<Self>, steps: u64) {
        // Relaxed, here and below: a position orders no other access. A reader of the position alone never sees
        // it fall, because it is one variable.
        let mut position = self.position.load(Ordering::Relaxed);
        // Not `fetch_add`, which wraps, and a reader could see the wrapped position. Ends: a turn fails only if
        // another thread's change has succeeded.
        while let Err(now) = self.position.compare_exchange_weak(
            position,
            position.saturating_add(steps),
            Ordering::Relaxed,
            Ordering::Relaxed,
        ) {
            position = now;
        }
        self.notify_if_followed();
    }

    #[inline]
    pub(super) fn set_position(self: &Arc<Self>, position: u64) {
        self.position.store(position, Ordering::Relaxed);
        self.notify_if_followed();
    }

    pub(super) fn apply(self: &Arc<Self>, edit: Edit) {
        // The clock is the runtime's, so it is read before the lock.
        let started = edit.start.and_then(|_| self.now());
        {
            let mut inner = self.inner.lock();
            if inner.end.is_some() {
                return;
            }
            if let Some(position) = edit.position {
                self.position.store(position, Ordering::Relaxed);
            }
            if let Some(before) = edit.start {
                inner.start(before, started);
            }
            inner.description.apply(edit);
        }
        self.notify_if_followed();
    }

    /// Notifies the subscribers of this meter and of its ancestors.
    ///
    /// Relaxed: a subscriber that is added at the same time may miss this change. The subscriber is notified of
    /// the next change or of the end.
    #[inline]
    fn notify_if_followed(self: &Arc<Self>) {
        if self.subscribers_of_tree.load(Ordering::Relaxed) > 0 {
            self.notify();
        }
    }

    #[cold]
    fn notify(self: &Arc<Self>) {
        if self.inner.lock().end.is_some() {
            return;
        }
        let line = std::iter::successors(Some(self), |meter| meter.parent.as_ref());
        for owner in line.filter(|meter| meter.subscribers.load(Ordering::Relaxed) > 0) {
            let subscribers = owner.inner.lock().subscribers.clone();
            for subscriber in subscribers.iter().flat_map(|all| all.iter()) {
                subscriber.changed(owner, self);
            }
        }
    }

    /// Adds a subscriber, or notifies it of the end if the meter has ended.
    pub(super) fn subscribe(self: &Arc<Self>, subscriber: Arc<dyn Subscriber>) {
        let replaced = {
            let mut inner = self.inner.lock();
            if inner.end.is_some() {
                drop(inner);
                return subscriber.ended(self);
            }
            let present = inner.subscribers.iter().flat_map(|all| all.iter());
            let more = present.cloned().chain([subscriber]);
            let more = more.collect::<Arc<[_]>>();
            self.count_subscribers(more.len() - 1, more.len());
            inner.subscribers.replace(more)
        };
        // The replaced list may have the last reference to a subscriber that was removed at the same time, and
        // so a user's hook.
        drop(replaced);
    }

    /// Removes a subscriber; does nothing if the subscriber is not on the list.
    pub(super) fn unsubscribe<S: Subscriber>(&self, subscriber: &S) {
        let replaced = {
            let mut inner = self.inner.lock();
            let Some(present) = &inner.subscribers else {
                return;
            };
            let others = present
                .iter()
                .filter(|other| !ptr::addr_eq(Arc::as_ptr(other), subscriber))
                .cloned()
                .collect::<Arc<[_]>>();
            self.count_subscribers(present.len(), others.len());
            let others = Some(others).filter(|others| !others.is_empty());
            std::mem::replace(&mut inner.subscribers, others)
        };
        drop(replaced);
    }

    /// Adjusts the counts of subscribers. Called under the lock that guards the list, with each change of the
    /// list.
    fn count_subscribers(&self, before: usize, after: usize) {
        self.subscribers.store(after, Ordering::Relaxed);
        // Wraps for a smaller count, so the addition subtracts.
        let more = after.wrapping_sub(before);
        self.subscribers_of_tree.fetch_add(more, Ordering::Relaxed);
    }

    /// Fixes the figures, notifies the subscribers, and leaves the tree as soon as nothing is below. Only
    /// the first call counts.
    pub(super) fn end(self: &Arc<Self>, at: Option<Instant>) {
        let subscribers = {
            let mut inner = self.inner.lock();
            if inner.end.is_some() {
                return;
            }
            let position = self.position.load(Ordering::Relaxed);
            inner.end = Some(End { at, position });
            let subscribers = inner.subscribers.take();
            self.count_subscribers(subscribers.as_ref().map_or(0, |all| all.len()), 0);
            subscribers
        };
        for subscriber in subscribers.iter().flat_map(|all| all.iter()) {
            subscriber.ended(self);
        }
        self.detach();
    }

    /// Detaches the meter if it has ended and has no child, and then each ancestor whose last child is gone. Ends:
    /// each turn moves one ancestor up.
    fn detach(&self) {
        let mut meter = self;
        loop {
            let totals = {
                let mut inner = meter.inner.lock();
                if inner.end.is_none() || inner.is_detached || !inner.children.is_empty() {
                    return;
                }
                inner.is_detached = true;
                let reading = meter.read(&mut inner);
                reading.with(reading.absorbed)
            };
            let Some(parent) = &meter.parent else {
                return;
            };
            let child = {
                let mut inner = parent.inner.lock();
                inner.absorbed.add_all(totals);
                inner.children.remove(&meter.label.id())
            };
            drop(child);
            meter = parent;
        }
    }

    /// Returns the time by the clock of the meter's runtime; `None` without a runtime.
    pub(super) fn now(&self) -> Option<Instant> {
        self.runtime.as_ref().map(RuntimeHandle::now)
    }

    pub(super) fn count(&self) -> Count {
        self.count_of(&mut self.inner.lock())
    }

    fn count_of(&self, inner: &mut Inner) -> Count {
        let position = match inner.end {
            Some(end) => end.position,
            None => self.position.load(Ordering::Relaxed),
        };
        inner.before = inner.before.min(position);
        Count {
            position,
            total: inner.description.total,
            before: inner.before,
        }
    }

    pub(super) fn reading(&self) -> Reading {
        self.read(&mut self.inner.lock())
    }

    /// The description and the figures, read under one lock.
    pub(super) fn described_reading(&self) -> (Description, Reading) {
        let mut inner = self.inner.lock();
        (inner.description.clone(), self.read(&mut inner))
    }

    fn read(&self, inner: &mut Inner) -> Reading {
        Reading {
            count: self.count_of(inner),
            end: inner.end,
            absorbed: inner.absorbed,
            children: inner.children.values().cloned().collect(),
        }
    }

    /// Returns the meter's own rate and the rate of the whole subtree, up to these samples.
    pub(super) fn rates(
        &self,
        own: Option<Sample>,
        overall: Option<Sample>,
    ) -> (Option<f64>, Option<f64>) {
        match &mut self.inner.lock().rates {
            Some((rate, overall_rate)) => (
                own.and_then(|own| rate.add(own)),
                overall.and_then(|overall| overall_rate.add(overall)),
            ),
            None => (None, None),
        }
    }

    /// Returns the operations of the meters directly below.
    pub(super) fn operations_below(&self) -> Vec<Arc<dyn Running>> {
        let inner = self.inner.lock();
        let children = inner.children.values();
        children
            .filter_map(|child| child.operation.upgrade())
            .collect()
    }
}

impl Inner {
    /// Counts the rates from `now`. The rate of the subtree continues if anything below has advanced.
    fn start(&mut self, before: u64, now: Option<Instant>) {
        self.before = before;
        if let (Some(now), Some((own, overall))) = (now, &mut self.rates) {
            *own = Rate::new(now);
            if self.children.is_empty() && self.absorbed.done() == 0 {
                *overall = Rate::new(now);
            }
        }
    }
}

/// Drops the ancestors in a loop, because the compiler's drop would recurse once for each ancestor.
impl Drop for Meter {
    fn drop(&mut self) {
        let mut parent = self.parent.take();
        // Ends: each turn moves one ancestor up, and there is no cycle.
        while let Some(meter) = parent {
            parent = Arc::into_inner(meter).and_then(|mut last| last.parent.take());
        }
    }
}

// Figures are consistent after a panic: no user code runs while they change.
impl std::panic::UnwindSafe for Meter {}
impl std::panic::RefUnwindSafe for Meter {}
