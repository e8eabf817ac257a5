//! The counter behind a progress, and its place in the tree of meters.
//!
//! # Invariants
//!
//! 1. A meter that is not detached is in its parent's list, and in no other. It is detached when it
//!    has ended and its own list is empty, once; then its sum moves to its parent, under the
//!    parent's lock. A detached meter takes nobody in.
//! 2. Who sums up reads a meter's list and what it has taken over under one lock, the parent before
//!    its parts. A part that is detached in between has been counted by the list and keeps its
//!    figures. So each counts once, and a sum falls only if a position is set back. A look at many
//!    keeps such sums (`subtree.rs`), with what the meter had taken over then, for the same reason.
//! 3. One lock is held at a time, and nothing of a user's runs under it.
//! 4. The figures of a meter that has ended stand still: what is added later is read by nobody.
//! 5. Who reads the position together with anything else does so under the lock, and so writes who
//!    sets it together with anything else. So several changes are seen as one.

use super::edit::{Edit, Notes};
use super::rate::Pace;
use super::totals::{Own, Sum};
use crate::cause::ambient::Running;
use crate::cause::{OperationId, OperationLabel};
use crate::runtime::RuntimeHandle;
use crate::sync::{AtomicU64, AtomicUsize, Mutex, Ordering};
use std::collections::BTreeMap;
use std::ptr;
use std::sync::{Arc, Weak};
use std::time::Instant;

/// What a meter tells of changes at it and below it.
pub(super) trait Listener: Send + Sync {
    /// `maker`, which is `owner` or below it, has made progress.
    fn changed(&self, owner: &Arc<Meter>, maker: &Arc<Meter>);

    /// `owner` has ended. It comes last, once.
    fn ended(&self, owner: &Arc<Meter>);
}

pub(super) struct Meter {
    pub(super) label: OperationLabel,
    operation: Weak<dyn Running>,
    parent: Option<Arc<Meter>>,
    runtime: Option<RuntimeHandle>,
    position: AtomicU64,
    /// How many hooks there are in the whole tree. While there are none, nobody looks further.
    heard: Arc<AtomicUsize>,
    /// How many of them are at this meter.
    hooks: AtomicUsize,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    notes: Notes,
    /// How much of the position was there at the start. Never more than the position, as far as
    /// anyone has looked: who sets that back below the start does again what was done before.
    before: u64,
    /// Those directly below that are not detached, in the order of their opening.
    parts: BTreeMap<OperationId, Arc<Meter>>,
    /// What the detached ones have left.
    left: Sum,
    listeners: Option<Arc<[Arc<dyn Listener>]>>,
    /// How fast it moves, alone and with everything below; none without a clock.
    pace: Option<(Pace, Pace)>,
    end: Option<End>,
    detached: bool,
}

/// What goes into a sum, read of one meter under one lock.
pub(super) struct Reading {
    pub(super) own: Own,
    pub(super) end: Option<End>,
    /// What the detached ones below have left.
    pub(super) left: Sum,
    /// The others directly below.
    pub(super) parts: Vec<Arc<Meter>>,
}

impl Reading {
    pub(super) fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Its own figures, with what is below.
    pub(super) fn with(&self, mut below: Sum) -> Sum {
        below.add(self.own, self.has_ended());
        below
    }
}

#[derive(Clone, Copy)]
pub(super) struct End {
    pub(super) at: Option<Instant>,
    position: u64,
}

impl Meter {
    /// A meter for `operation`, in the list of `parent` or, if that is detached, of one above it.
    pub(super) fn below(
        mut parent: Option<&Arc<Self>>,
        operation: &Arc<dyn Running>,
        runtime: Option<&RuntimeHandle>,
        now: Option<Instant>,
    ) -> Arc<Self> {
        // Ends: each turn goes one up.
        loop {
            let meter = Arc::new(Self {
                label: operation.label().clone(),
                operation: Arc::downgrade(operation),
                parent: parent.cloned(),
                runtime: runtime.cloned(),
                position: AtomicU64::new(0),
                heard: match parent {
                    Some(parent) => Arc::clone(&parent.heard),
                    None => Arc::new(AtomicUsize::new(0)),
                },
                hooks: AtomicUsize::new(0),
                inner: Mutex::new(Inner {
                    pace: now.map(|now| (Pace::new(now), Pace::new(now))),
                    ..Inner::default()
                }),
            });
            match parent {
                Some(above) if !above.take_in(&meter) => parent = above.parent.as_ref(),
                _ => return meter,
            }
        }
    }

    fn take_in(&self, part: &Arc<Self>) -> bool {
        let mut inner = self.inner.lock();
        if !inner.detached {
            inner.parts.insert(part.label.id(), Arc::clone(part));
        }
        !inner.detached
    }

    #[inline]
    pub(super) fn advance(self: &Arc<Self>, steps: u64) {
        // Relaxed, here and below: a position orders nothing. Who reads one twice never sees it fall,
        // because that is one variable.
        let mut position = self.position.load(Ordering::Relaxed);
        // Not one addition, which would wrap: nobody may see that. Ends: another turn is made because
        // somebody else has come through.
        while let Err(now) = self.position.compare_exchange_weak(
            position,
            position.saturating_add(steps),
            Ordering::Relaxed,
            Ordering::Relaxed,
        ) {
            position = now;
        }
        self.changed();
    }

    #[inline]
    pub(super) fn set_position(self: &Arc<Self>, position: u64) {
        self.position.store(position, Ordering::Relaxed);
        self.changed();
    }

    pub(super) fn apply(self: &Arc<Self>, edit: Edit) {
        // The clock is the runtime's, so it is read before the lock.
        let started = edit.start.and(self.runtime.as_ref());
        let started = started.map(RuntimeHandle::now);
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
            inner.notes.apply(edit);
        }
        self.changed();
    }

    /// Tells whoever listens, here and above.
    ///
    /// Relaxed: who registers while a change is made may miss it, and hears of the next one or of
    /// the end.
    #[inline]
    fn changed(self: &Arc<Self>) {
        if self.heard.load(Ordering::Relaxed) > 0 {
            self.tell();
        }
    }

    #[cold]
    fn tell(self: &Arc<Self>) {
        if self.inner.lock().end.is_some() {
            return;
        }
        let line = std::iter::successors(Some(self), |meter| meter.parent.as_ref());
        for owner in line.filter(|meter| meter.hooks.load(Ordering::Relaxed) > 0) {
            let listeners = owner.inner.lock().listeners.clone();
            for listener in listeners.iter().flat_map(|listeners| listeners.iter()) {
                listener.changed(owner, self);
            }
        }
    }

    /// Adds a hook, or tells it of the end if that has come.
    pub(super) fn add(self: &Arc<Self>, listener: Arc<dyn Listener>) {
        let replaced = {
            let mut inner = self.inner.lock();
            if inner.end.is_some() {
                drop(inner);
                return listener.ended(self);
            }
            let present = inner.listeners.iter().flat_map(|present| present.iter());
            let more = present.cloned().chain([listener]).collect();
            self.hooks.fetch_add(1, Ordering::Relaxed);
            self.heard.fetch_add(1, Ordering::Relaxed);
            inner.listeners.replace(more)
        };
        // It may be the last to know of a hook that has been removed meanwhile.
        drop(replaced);
    }

    /// Removes a hook, if it is there.
    pub(super) fn remove<L: Listener>(&self, listener: &L) {
        let replaced = {
            let mut inner = self.inner.lock();
            let Some(present) = &inner.listeners else {
                return;
            };
            let others = present
                .iter()
                .filter(|other| !ptr::addr_eq(Arc::as_ptr(other), listener))
                .cloned()
                .collect::<Arc<[_]>>();
            let removed = present.len() - others.len();
            self.hooks.fetch_sub(removed, Ordering::Relaxed);
            self.heard.fetch_sub(removed, Ordering::Relaxed);
            let others = Some(others).filter(|others| !others.is_empty());
            std::mem::replace(&mut inner.listeners, others)
        };
        drop(replaced);
    }

    /// Lets the figures stand still, tells the hooks of it, and leaves the tree as soon as nothing
    /// is below. Only the first call counts.
    pub(super) fn end(self: &Arc<Self>, at: Option<Instant>) {
        let listeners = {
            let mut inner = self.inner.lock();
            if inner.end.is_some() {
                return;
            }
            let position = self.position.load(Ordering::Relaxed);
            inner.end = Some(End { at, position });
            let listeners = inner.listeners.take();
            let count = listeners.as_ref().map_or(0, |listeners| listeners.len());
            self.hooks.fetch_sub(count, Ordering::Relaxed);
            self.heard.fetch_sub(count, Ordering::Relaxed);
            listeners
        };
        for listener in listeners.iter().flat_map(|listeners| listeners.iter()) {
            listener.ended(self);
        }
        self.leave();
    }

    /// Leaves the tree if it has ended and nothing is below, and so do those above for which it was
    /// the last. Ends: each turn goes one up.
    fn leave(&self) {
        let mut meter = self;
        loop {
            let sum = {
                let mut inner = meter.inner.lock();
                if inner.end.is_none() || inner.detached || !inner.parts.is_empty() {
                    return;
                }
                inner.detached = true;
                let own = meter.own_of(&mut inner);
                inner.sum(own)
            };
            let Some(parent) = &meter.parent else {
                return;
            };
            let part = {
                let mut inner = parent.inner.lock();
                inner.left.add_all(sum);
                inner.parts.remove(&meter.label.id())
            };
            drop(part);
            meter = parent;
        }
    }

    pub(super) fn own(&self) -> Own {
        self.own_of(&mut self.inner.lock())
    }

    fn own_of(&self, inner: &mut Inner) -> Own {
        let position = match inner.end {
            Some(end) => end.position,
            None => self.position.load(Ordering::Relaxed),
        };
        inner.before = inner.before.min(position);
        Own {
            position,
            total: inner.notes.total,
            before: inner.before,
        }
    }

    /// The time by the clock of its runtime, if it has one.
    pub(super) fn now(&self) -> Option<Instant> {
        self.runtime.as_ref().map(RuntimeHandle::now)
    }

    /// Its figures and what the work says of itself, under one lock.
    pub(super) fn describe(&self) -> (Notes, Reading) {
        let mut inner = self.inner.lock();
        (inner.notes.clone(), self.read(&mut inner))
    }

    /// Its own rate and that of everything together, by the steps that each has done at its time.
    pub(super) fn rates(
        &self,
        own: (Option<Instant>, u64),
        overall: (Option<Instant>, u64),
    ) -> (Option<f64>, Option<f64>) {
        match &mut self.inner.lock().pace {
            Some((own_pace, pace)) => (
                own.0.and_then(|at| own_pace.look(at, own.1)),
                overall.0.and_then(|at| pace.look(at, overall.1)),
            ),
            None => (None, None),
        }
    }

    /// Its own sum, for who goes on with those below it that are put on `open`.
    pub(super) fn sum_to(&self, open: &mut Vec<Arc<Self>>) -> Sum {
        let mut inner = self.inner.lock();
        open.extend(inner.parts.values().cloned());
        let own = self.own_of(&mut inner);
        inner.sum(own)
    }

    pub(super) fn reading(&self) -> Reading {
        self.read(&mut self.inner.lock())
    }

    /// Under one lock, as invariant 2 asks.
    fn read(&self, inner: &mut Inner) -> Reading {
        Reading {
            own: self.own_of(inner),
            end: inner.end,
            left: inner.left,
            parts: inner.parts.values().cloned().collect(),
        }
    }

    /// The operations of those directly below.
    pub(super) fn operations_below(&self) -> Vec<Arc<dyn Running>> {
        let inner = self.inner.lock();
        let parts = inner.parts.values();
        parts.filter_map(|part| part.operation.upgrade()).collect()
    }
}

impl Inner {
    /// Has the rates count from `now`. That of all together goes on if someone below has moved.
    fn start(&mut self, before: u64, now: Option<Instant>) {
        self.before = before;
        if let (Some(now), Some((own, overall))) = (now, &mut self.pace) {
            *own = Pace::new(now);
            if self.parts.is_empty() && self.left.done() == 0 {
                *overall = Pace::new(now);
            }
        }
    }

    /// Its own figures and what the detached ones have left.
    fn sum(&self, own: Own) -> Sum {
        let mut sum = self.left;
        sum.add(own, self.end.is_some());
        sum
    }
}

/// Not left to the compiler, as for the record: it would drop a long line by recursion.
impl Drop for Meter {
    fn drop(&mut self) {
        let mut parent = self.parent.take();
        // Ends: every turn goes one up, and there is no cycle.
        while let Some(meter) = parent {
            parent = Arc::into_inner(meter).and_then(|mut last| last.parent.take());
        }
    }
}

// Figures that a panic passed by are still whole: no code of a user runs while they change.
impl std::panic::UnwindSafe for Meter {}
impl std::panic::RefUnwindSafe for Meter {}
