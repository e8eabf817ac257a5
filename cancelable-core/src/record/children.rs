//! The children and the blocking calls of one operation, and what it has adopted (`orphans.rs`): who
//! has not ended, who waits for a place, who failed.
//!
//! # Invariants
//!
//! 1. A member is listed from before its task is handed to a runtime until everything of it is
//!    gone: its future is dropped and its result is reported. Its [`Place`] takes it off the list,
//!    on every way out, also where a runtime drops the task.
//! 2. Once the nursery is shut no member comes in. [`Nursery::poll_joined`] shuts it in the step in
//!    which it finds nobody left, so none slips in between.
//! 3. `running` counts the children that are neither queued nor gone and never exceeds the limit. A
//!    place that becomes free goes to the first of the queue under the same lock, so the order is
//!    the order of spawning and each place that becomes free wakes one child.
//! 4. One lock, and nothing of a user's or a runtime's runs under it: wakers are cloned before,
//!    woken and dropped after.

use super::Record;
use super::blocking_call::Call;
use super::orphans::Orphan;
use super::place::Place;
use crate::cause::OperationId;
use crate::report::ChildFailure;
use crate::runtime::Sleep;
use crate::sync::{AtomicU8, Mutex, NumberMap, Ordering, StoredWaker, WakerSlot};
use std::num::NonZeroUsize;
use std::panic::Location;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

/// What a scope says about its children when it is built.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Terms {
    /// How many children run at once; none is any number.
    pub(crate) concurrency: Option<NonZeroUsize>,
    /// Failures are collected, and none of them cancels.
    pub(crate) collect_all: bool,
    /// How long after its cancel a blocking call is waited for; none is for ever.
    pub(crate) abandon_after: Option<Duration>,
}

impl Terms {
    /// Whether it says anything.
    pub(crate) fn is_set(&self) -> bool {
        self.concurrency.is_some() || self.collect_all || self.abandon_after.is_some()
    }
}

/// What holds where a scope says nothing.
static NO_TERMS: Terms = Terms {
    concurrency: None,
    collect_all: false,
    abandon_after: None,
};

pub(crate) struct Nursery {
    /// None where the scope says nothing.
    terms: Option<Box<Terms>>,
    /// The run that waits for the members.
    joiner: WakerSlot,
    /// | bits               | who is in          | who comes in    |
    /// |--------------------|--------------------|-----------------|
    /// | none               | nobody ever was    | anyone          |
    /// | `OCCUPIED`         | somebody may be    | anyone          |
    /// | `OCCUPIED`, `SHUT` | somebody may be    | what is adopted |
    /// | `SHUT`             | nobody to wait for | what is adopted |
    ///
    /// Stored under the lock of the yard, and read without it by a run that ends: most have no
    /// children, leave it at none, and pay nothing for them; see `admit`.
    phase: AtomicU8,
    /// None until somebody comes in, and for most operations for ever.
    yard: Mutex<Option<Box<Yard>>>,
}

/// Somebody came in, and has to be joined.
const OCCUPIED: u8 = 1;
/// No member comes in any more.
const SHUT: u8 = 2;

#[derive(Default)]
pub(crate) struct Yard {
    pub(crate) members: NumberMap<OperationId, Member>,
    /// How many of the members are not waited for any more.
    pub(crate) abandoned: usize,
    running: usize,
    /// Children without a place, in order of spawning, with their waker once they were polled.
    queue: NumberMap<OperationId, Option<StoredWaker>>,
    failures: Vec<ChildFailure>,
    /// The timer of the earliest abandonment; the joiner takes it out to poll it.
    pub(crate) patience: Option<Sleep>,
    /// What was adopted and has not ended.
    pub(crate) orphans: NumberMap<OperationId, Orphan>,
    /// Where each guard was taken that keeps the operation open; see `keep_open.rs`.
    pub(crate) guards: NumberMap<u64, &'static Location<'static>>,
    /// The key of the next guard.
    next_guard: u64,
}

pub(crate) struct Member {
    /// Weak: the record holds its parent's, and that one holds this list.
    pub(crate) record: Weak<Record>,
    /// What a blocking call has and a child has not.
    pub(crate) call: Option<Arc<Call>>,
    pub(crate) abandoned: bool,
}

/// A member that has not ended, for reports.
pub(crate) struct Straggling {
    pub(crate) record: Arc<Record>,
    pub(crate) is_blocking: bool,
    /// A blocking call that is not waited for any more.
    pub(crate) is_abandoned: bool,
    /// A child that has not begun, because it waits for a place.
    pub(crate) is_queued: bool,
}

impl Nursery {
    pub(crate) fn new(terms: Option<Box<Terms>>) -> Self {
        Self {
            terms,
            joiner: WakerSlot::new(),
            phase: AtomicU8::new(0),
            yard: Mutex::new(None),
        }
    }

    pub(crate) fn terms(&self) -> &Terms {
        self.terms.as_deref().unwrap_or(&NO_TERMS)
    }

    /// Takes a member in; none if the nursery is shut, or its operation has ended.
    ///
    /// A run that ends does not lock a nursery that is unused. It reads the phase under the lock of its
    /// record while it seals that, and here the phase is stored before the seal is looked at under the
    /// same lock. So either it sees that the nursery is used, or the seal is seen here.
    pub(crate) fn admit(
        owner: &Arc<Record>,
        record: &Arc<Record>,
        call: Option<Arc<Call>>,
    ) -> Option<Place> {
        let nursery = &owner.nursery;
        let id = record.label.id();
        let mut yard = nursery.yard.lock();
        if nursery.is_shut() {
            return None;
        }
        // Relaxed, here and below: ordered by the locks, as said above.
        nursery.phase.store(OCCUPIED, Ordering::Relaxed);
        let listed = yard.get_or_insert_default();
        if call.is_none() {
            match nursery.terms().concurrency {
                Some(limit) if listed.running >= limit.get() => {
                    listed.queue.insert(id, None);
                }
                _ => listed.running += 1,
            }
        }
        let member = Member {
            record: Arc::downgrade(record),
            call,
            abandoned: false,
        };
        listed.members.insert(id, member);
        drop(yard);
        let place = Place::new(Arc::clone(owner), id);
        match owner.is_sealed() {
            true => None,
            false => Some(place),
        }
    }

    /// Ready when nobody is left, or only blocking calls that were abandoned; it is shut then.
    /// One run waits at a time.
    ///
    /// Wakes: the waker is registered before the list is looked at for the last time, and who leaves
    /// takes itself off it before it wakes. A blocking call that was cancelled wakes too, for its
    /// abandonment to be timed.
    pub(crate) fn poll_joined(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.shut_if_done() {
            return Poll::Ready(());
        }
        self.joiner.register(cx.waker());
        if self.terms().abandon_after.is_some() {
            self.abandon_overdue(cx);
        }
        match self.shut_if_done() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    pub(crate) fn shut_if_done(&self) -> bool {
        let mut yard = self.yard.lock();
        let done = yard.as_ref().is_none_or(|yard| yard.is_done());
        let mut patience = None;
        if done {
            self.phase.store(SHUT, Ordering::Relaxed);
            patience = yard.as_mut().and_then(|yard| yard.patience.take());
        }
        drop(yard);
        // Its drop takes a timer out of the runtime, which is not our code. Nor is the waker, of a
        // task that has nothing more to do here.
        drop(patience);
        if done {
            drop(self.joiner.take());
        }
        done
    }

    /// No member comes in any more. True if there is nobody to wait for.
    pub(crate) fn shut(&self) -> bool {
        let yard = self.yard.lock();
        let done = yard.as_ref().is_none_or(|yard| yard.is_done());
        let occupied = u8::from(!done) * OCCUPIED;
        self.phase.store(SHUT | occupied, Ordering::Relaxed);
        done
    }

    /// As [`shut`](Self::shut), and whoever is in is not waited for.
    pub(crate) fn desert(&self) {
        let _yard = self.yard.lock();
        self.phase.store(SHUT, Ordering::Relaxed);
    }

    /// Puts something on the list that has to be joined.
    pub(crate) fn occupy<T>(&self, put: impl FnOnce(&mut Yard) -> T) -> T {
        let mut yard = self.yard.lock();
        let shut = self.phase.load(Ordering::Relaxed) & SHUT;
        self.phase.store(shut | OCCUPIED, Ordering::Relaxed);
        put(yard.get_or_insert_default())
    }

    /// [`occupy`](Self::occupy) unless the nursery is shut.
    pub(crate) fn occupy_open<T>(&self, put: impl FnOnce(&mut Yard) -> T) -> Option<T> {
        let mut yard = self.yard.lock();
        if self.is_shut() {
            return None;
        }
        self.phase.store(OCCUPIED, Ordering::Relaxed);
        Some(put(yard.get_or_insert_default()))
    }

    fn is_shut(&self) -> bool {
        self.phase.load(Ordering::Relaxed) & SHUT != 0
    }

    /// Whether nobody ever came in, as far as this thread has heard.
    pub(crate) fn is_unused(&self) -> bool {
        self.phase.load(Ordering::Relaxed) == 0
    }

    /// Whether somebody may have to be joined. Read under the lock of the record it holds, see `admit`.
    pub(crate) fn is_occupied(&self) -> bool {
        self.phase.load(Ordering::Relaxed) & OCCUPIED != 0
    }

    /// Ready when the child has a place.
    ///
    /// Wakes: the waker is stored under the lock under which places are given, and a child that is
    /// not in the queue any more has its place.
    pub(crate) fn poll_place(&self, id: OperationId, cx: &mut Context<'_>) -> Poll<()> {
        // Cloned before the lock and dropped after it: both are the user's code.
        let mut waker = Some(StoredWaker::of(cx.waker()));
        let queued = self.with_yard(|yard| match yard.queue.get_mut(&id) {
            Some(stored) => {
                std::mem::swap(stored, &mut waker);
                true
            }
            None => false,
        });
        match queued {
            Some(true) => Poll::Pending,
            _ => Poll::Ready(()),
        }
    }

    /// Keeps a failure. True if the operation is to be cancelled for it, which is so for the first
    /// one unless they are collected.
    pub(crate) fn fail(&self, failure: &ChildFailure) -> bool {
        let mut yard = self.yard.lock();
        // A call that was abandoned may fail when nobody asks any more. While somebody is still waited for there is
        // a report to come, also of a run that was dropped.
        if self.is_shut() && !self.is_occupied() {
            return false;
        }
        let failures = &mut yard.get_or_insert_default().failures;
        let first = failures.is_empty();
        if first || self.terms().collect_all {
            failures.push(failure.clone());
        }
        first && !self.terms().collect_all
    }

    /// The failure that cancels the operation: the first, unless they are collected.
    pub(crate) fn failure(&self) -> Option<ChildFailure> {
        if self.terms().collect_all {
            return None;
        }
        self.with_yard(|yard| yard.failures.first().cloned())?
    }

    /// The failures so far: all of them if they are collected, and else the first. They are handed
    /// out once.
    pub(crate) fn take_failures(&self) -> Vec<ChildFailure> {
        self.with_yard(|yard| std::mem::take(&mut yard.failures))
            .unwrap_or_default()
    }

    pub(crate) fn has_failures(&self) -> bool {
        self.with_yard(|yard| !yard.failures.is_empty())
            .unwrap_or(false)
    }

    /// How many children and blocking calls have not ended, the abandoned ones included.
    pub(crate) fn live(&self) -> usize {
        self.with_yard(|yard| yard.members.len()).unwrap_or(0)
    }

    /// Whether there is somebody who has to hear that the body failed.
    pub(crate) fn is_awaited(&self) -> bool {
        self.with_yard(|yard| !(yard.members.is_empty() && yard.guards.is_empty()))
            .unwrap_or(false)
    }

    /// Those that have not ended, in the order in which they were opened.
    pub(crate) fn stragglers(&self) -> Vec<Straggling> {
        self.with_yard(|yard| {
            let entries = yard.members.iter();
            let alive = entries.filter_map(|(id, member)| {
                Some(Straggling {
                    record: member.record.upgrade()?,
                    is_blocking: member.call.is_some(),
                    is_abandoned: member.abandoned,
                    is_queued: yard.queue.contains_key(id),
                })
            });
            alive.collect()
        })
        .unwrap_or_default()
    }

    /// Whether a member is a blocking call, and whether it waits for a place.
    pub(crate) fn membership(&self, id: OperationId) -> (bool, bool) {
        self.with_yard(|yard| {
            let member = yard.members.get(&id);
            let is_blocking = member.is_some_and(|member| member.call.is_some());
            (is_blocking, yard.queue.contains_key(&id))
        })
        .unwrap_or_default()
    }

    /// Some of the children that have a place, and how many have one.
    pub(crate) fn place_holders(&self) -> (Vec<Arc<Record>>, usize) {
        const MOST: usize = 3;
        self.with_yard(|yard| {
            let children = yard.members.iter();
            let running = children
                .filter(|(id, member)| member.call.is_none() && !yard.queue.contains_key(id));
            let some = running.filter_map(|(_, member)| member.record.upgrade());
            (some.take(MOST).collect(), yard.running)
        })
        .unwrap_or_default()
    }

    /// Has the run woken that waits, also for what is on no list here. It is to look again after this.
    pub(crate) fn follow(&self, cx: &Context<'_>) {
        self.joiner.register(cx.waker());
    }

    pub(crate) fn wake_joiner(&self) {
        self.joiner.wake("the waker of a run");
    }

    pub(crate) fn leave(&self, id: OperationId) {
        let left = self.with_yard(|yard| {
            let member = yard.members.remove(&id);
            let waker = yard.free(id, member.as_ref());
            (member, waker, yard.is_done())
        });
        let Some((member, waker, done)) = left else {
            return;
        };
        drop(member);
        match waker {
            Some(Freed::Next(waker)) => {
                waker.wake("the waker of a child");
            }
            Some(Freed::Own(waker)) => {
                drop(waker);
            }
            None => {}
        }
        if done {
            self.wake_joiner();
        }
    }

    pub(crate) fn with_yard<T>(&self, act: impl FnOnce(&mut Yard) -> T) -> Option<T> {
        Some(act(self.yard.lock().as_mut()?))
    }
}

/// A waker that came out of the queue when a child left.
enum Freed {
    /// Of the child that has the place now, to be woken.
    Next(StoredWaker),
    /// Of the child that left without ever having had a place.
    Own(StoredWaker),
}

impl Yard {
    /// Whether there is nobody to wait for.
    pub(crate) fn is_done(&self) -> bool {
        let all_abandoned = self.members.len() == self.abandoned;
        all_abandoned && self.orphans.is_empty() && self.guards.is_empty()
    }

    /// Puts a guard on the list.
    pub(crate) fn guard(&mut self, taken_at: &'static Location<'static>) -> u64 {
        let key = self.next_guard;
        self.next_guard += 1;
        self.guards.insert(key, taken_at);
        key
    }

    /// Gives what a member that left had: its place in the queue, or its place to the first there.
    fn free(&mut self, id: OperationId, member: Option<&Member>) -> Option<Freed> {
        let member = member?;
        if member.abandoned {
            self.abandoned -= 1;
        }
        if member.call.is_some() {
            return None;
        }
        if let Some(own) = self.queue.remove(&id) {
            return own.map(Freed::Own);
        }
        match self.queue.pop_first() {
            // The place goes over, so the count stays.
            Some((_, next)) => next.map(Freed::Next),
            None => {
                self.running -= 1;
                None
            }
        }
    }
}
