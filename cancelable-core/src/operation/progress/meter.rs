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
//!    keeps such sums (`below.rs`), with what the meter had taken over then, for the same reason.
//! 3. One lock is held at a time, and nothing of a user's runs under it.
//! 4. The figures of a meter that has ended stand still: what is added later is read by nobody.
//! 5. Who reads the position together with anything else does so under the lock, and so writes who
//!    sets it together with anything else. So several changes are seen as one.

use super::below::{Below, Reading};
use super::change::Edit;
use super::figures::ProgressFigures;
use super::listener::Listener;
use super::pace::Pace;
use super::snapshot::ProgressSnapshot;
use super::sum::{Own, Sum};
use super::{FieldValue, Record};
use crate::cause::{OperationId, OperationLabel};
use crate::runtime::RuntimeHandle;
use crate::sync::{AtomicU64, AtomicUsize, Mutex, Ordering};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Instant;

pub(super) struct Meter {
    pub(super) label: OperationLabel,
    record: Weak<Record>,
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
    listeners: Option<Arc<[Arc<Listener>]>>,
    /// How fast it moves, alone and with everything below; none without a clock.
    pace: Option<(Pace, Pace)>,
    end: Option<End>,
    detached: bool,
}

/// What the work says of itself, beside the position.
#[derive(Clone, Default)]
pub(super) struct Notes {
    pub(super) total: Option<u64>,
    pub(super) message: Option<Cow<'static, str>>,
    pub(super) fields: BTreeMap<Cow<'static, str>, FieldValue>,
}

#[derive(Clone, Copy)]
struct End {
    at: Option<Instant>,
    position: u64,
}

impl Meter {
    /// A meter for `record`, in the list of `parent` or, if that is detached, of one above it.
    pub(super) fn below(
        mut parent: Option<&Arc<Self>>,
        record: &Arc<Record>,
        now: Option<Instant>,
    ) -> Arc<Self> {
        // Ends: each turn goes one up.
        loop {
            let meter = Arc::new(Self {
                label: record.label.clone(),
                record: Arc::downgrade(record),
                parent: parent.cloned(),
                runtime: record.runtime.clone(),
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
                listener.tell(owner, self);
            }
        }
    }

    /// Adds a hook, or tells it of the end if that has come.
    pub(super) fn add(self: &Arc<Self>, listener: &Arc<Listener>) {
        let replaced = {
            let mut inner = self.inner.lock();
            if inner.end.is_some() {
                drop(inner);
                return listener.finish(self);
            }
            let present = inner.listeners.iter().flat_map(|present| present.iter());
            let more = present.chain([listener]).cloned().collect();
            self.hooks.fetch_add(1, Ordering::Relaxed);
            self.heard.fetch_add(1, Ordering::Relaxed);
            inner.listeners.replace(more)
        };
        // It may be the last to know of a hook that has been removed meanwhile.
        drop(replaced);
    }

    /// Removes a hook, if it is there.
    pub(super) fn remove(&self, listener: &Arc<Listener>) {
        let replaced = {
            let mut inner = self.inner.lock();
            let Some(present) = &inner.listeners else {
                return;
            };
            let others = present
                .iter()
                .filter(|other| !Arc::ptr_eq(other, listener))
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
            listener.finish(self);
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

    /// What it knows, for a caller that looks at others too if `known` is there.
    pub(super) fn snapshot(&self, known: Option<&mut Below>) -> ProgressSnapshot {
        let now = self.runtime.as_ref().map(RuntimeHandle::now);
        let (notes, end, reading) = {
            let mut inner = self.inner.lock();
            (inner.notes.clone(), inner.end, self.read(&mut inner))
        };
        let own = reading.own;
        let all_ended = end.is_some() && reading.parts.is_empty();
        let all = Below::sum(known, self.label.id(), reading).read();
        let at = |end: Option<End>| end.map_or(now, |end| end.at);
        let (rate, overall_rate) = match &mut self.inner.lock().pace {
            Some((own_pace, pace)) => (
                at(end).and_then(|at| own_pace.look(at, own.done())),
                at(end.filter(|_| all_ended)).and_then(|at| pace.look(at, all.done())),
            ),
            None => (None, None),
        };
        ProgressSnapshot {
            own: ProgressFigures::new(own, rate, end.is_some()),
            overall: ProgressFigures::new(all, overall_rate, all_ended),
            message: notes.message,
            fields: notes.fields,
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
            has_ended: inner.end.is_some(),
            left: inner.left,
            parts: inner.parts.values().cloned().collect(),
        }
    }

    /// The records of those directly below.
    pub(super) fn parts(&self) -> Vec<Arc<Record>> {
        let inner = self.inner.lock();
        let parts = inner.parts.values();
        parts.filter_map(|part| part.record.upgrade()).collect()
    }
}

impl Notes {
    fn apply(&mut self, edit: Edit) {
        if let Some(total) = edit.total {
            self.total = total;
        }
        if let Some(message) = edit.message {
            self.message = message;
        }
        for (key, value) in edit.fields {
            match value {
                Some(value) => self.fields.insert(key, value),
                None => self.fields.remove(&key),
            };
        }
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
