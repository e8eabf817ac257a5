//! The table of everything that one operation joins before it ends, with the queue for permits and the failures.
//! An entry is a *member*, which is a child or a blocking call; an *orphan* of a dropped run inside
//! (`orphans.rs`); or a *hold* (`admission.rs`).
//!
//! The table identifies operations by their numbers. For reports it keeps an opaque handle `H` to each, and
//! returns it.
//!
//! # Invariants
//!
//! 1. A member is listed from before its task is passed to a runtime until its future is dropped and its result
//!    is reported. Its [`Admission`](super::admission::Admission) removes it on every way out, also when a
//!    runtime drops the task.
//! 2. A closed table accepts no member. [`Children::close_if_done`] closes the table in the step in which it
//!    finds nothing to join, so no member is accepted in between.
//! 3. `running` counts the listed children that are not queued, and never exceeds the limit. A free permit goes
//!    to the first child of the queue under the same lock. So children begin in the order of spawning, and each
//!    free permit wakes one child.
//! 4. There is one lock, and neither user code nor code of a runtime runs under it: wakers are cloned before, and
//!    woken and dropped after.

use super::blocking_call::BlockingCall;
use super::options::{ChildOptions, NO_CHILD_OPTIONS};
use crate::cause::OperationId;
use crate::report::ChildFailure;
use crate::runtime::{RuntimeHandle, Sleep};
use crate::sync::{AtomicU8, Mutex, NumberMap, Ordering, StoredWaker, WakerSlot};
use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll};

pub(crate) struct Children<H> {
    /// The options for children; `None` for the defaults.
    options: Option<Box<ChildOptions>>,
    /// The run that waits for the members.
    joiner: WakerSlot,
    /// | bits                 | entries                 | accepts         |
    /// |----------------------|-------------------------|-----------------|
    /// | none                 | there never was one     | any entry       |
    /// | `OCCUPIED`           | there may be some       | any entry       |
    /// | `OCCUPIED`, `CLOSED` | there may be some       | orphans         |
    /// | `CLOSED`             | none to join            | orphans         |
    ///
    /// Stored under the lock of the table, and read without it by a run that ends. Most runs have no children,
    /// leave this at none, and pay nothing; see `admission.rs`.
    phase: AtomicU8,
    /// The table of members; `None` until the first entry. Most operations never have an entry.
    table: Mutex<Option<Box<Table<H>>>>,
}

/// The bit of a table that may have entries to join.
const OCCUPIED: u8 = 1;
/// The bit of a table that accepts no member any more.
const CLOSED: u8 = 2;

#[derive(Default)]
struct Table<H> {
    members: NumberMap<OperationId, Member<H>>,
    /// The number of members whose abandonment is done.
    abandoned: usize,
    /// The number of blocking calls that have a grace period, after which they are abandoned.
    limited_calls: usize,
    running: usize,
    /// The children without a permit, in the order of spawning. Each has its waker here once it was polled.
    queue: NumberMap<OperationId, Option<StoredWaker>>,
    failures: Vec<ChildFailure>,
    /// The timer of the earliest abandonment; the joiner takes it out to poll it.
    abandon_timer: Option<Sleep>,
    orphans: NumberMap<OperationId, Orphan<H>>,
    /// The locations at which the holds were taken.
    holds: NumberMap<u64, &'static Location<'static>>,
    /// The key of the next hold.
    next_hold: u64,
}

struct Member<H> {
    handle: H,
    /// The state of a blocking call; `None` for a child.
    call: Option<Arc<BlockingCall>>,
    abandonment: Abandonment,
}

#[derive(Clone, Copy, PartialEq)]
enum Abandonment {
    None,
    /// The call is being abandoned: the joiner still waits for it, until the call is reported.
    Begun,
    /// The joiner waits for the call no more.
    Done,
}

struct Orphan<H> {
    handle: H,
    /// The runtime of the child's task.
    runtime: RuntimeHandle,
}

/// A member that has not ended, for reports.
pub(super) struct OpenMember<H> {
    pub(super) handle: H,
    pub(super) is_blocking: bool,
    /// True for a blocking call that was abandoned.
    pub(super) is_abandoned: bool,
    /// True for a child that has not begun, because it waits for a permit.
    pub(super) is_queued: bool,
}

impl<H: Clone + Default> Children<H> {
    pub(super) fn new(options: Option<Box<ChildOptions>>) -> Self {
        Self {
            options,
            joiner: WakerSlot::new(),
            phase: AtomicU8::new(0),
            table: Mutex::new(None),
        }
    }

    pub(crate) fn options(&self) -> &ChildOptions {
        self.options.as_deref().unwrap_or(&NO_CHILD_OPTIONS)
    }

    /// Lists a member. Returns false if the table is closed.
    ///
    /// After this the caller has to check whether the operation has ended; see `admission.rs`.
    pub(super) fn admit(
        &self,
        id: OperationId,
        handle: H,
        call: Option<Arc<BlockingCall>>,
    ) -> bool {
        let limit = self.options().concurrency;
        let admitted = self.insert_if_open(|table| {
            if call.is_none() {
                match limit {
                    Some(limit) if table.running >= limit.get() => {
                        table.queue.insert(id, None);
                    }
                    _ => table.running += 1,
                }
            }
            table.limited_calls +=
                usize::from(call.as_ref().is_some_and(|call| call.grace().is_some()));
            let member = Member {
                handle,
                call,
                abandonment: Abandonment::None,
            };
            table.members.insert(id, member);
        });
        admitted.is_some()
    }

    /// Inserts an entry in any phase.
    fn insert<T>(&self, put: impl FnOnce(&mut Table<H>) -> T) -> T {
        let mut table = self.table.lock();
        // Relaxed, here and below: ordered by the locks; see `admission.rs`.
        let closed = self.phase.load(Ordering::Relaxed) & CLOSED;
        self.phase.store(closed | OCCUPIED, Ordering::Relaxed);
        put(table.get_or_insert_default())
    }

    /// Calls [`insert`](Self::insert) unless the table is closed.
    fn insert_if_open<T>(&self, put: impl FnOnce(&mut Table<H>) -> T) -> Option<T> {
        let mut table = self.table.lock();
        if self.is_closed() {
            return None;
        }
        self.phase.store(OCCUPIED, Ordering::Relaxed);
        Some(put(table.get_or_insert_default()))
    }

    /// Lists a hold in any phase, for a clone of a hold that is listed. Returns its key.
    pub(super) fn insert_hold(&self, taken_at: &'static Location<'static>) -> u64 {
        self.insert(|table| table.hold(taken_at))
    }

    /// Calls [`insert_hold`](Self::insert_hold) unless the table is closed.
    pub(super) fn insert_hold_if_open(&self, taken_at: &'static Location<'static>) -> Option<u64> {
        self.insert_if_open(|table| table.hold(taken_at))
    }

    pub(super) fn remove_hold(&self, key: u64) {
        let is_done = self.with_table(|table| {
            table.holds.remove(&key);
            table.is_done()
        });
        if is_done == Some(true) {
            self.wake_joiner();
        }
    }

    /// Returns the locations of the holds, in the order of taking.
    pub(super) fn holds(&self) -> Vec<&'static Location<'static>> {
        self.read(|table| table.holds.values().copied().collect())
    }

    pub(crate) fn hold_count(&self) -> usize {
        self.read(|table| table.holds.len())
    }

    pub(super) fn insert_orphan(&self, id: OperationId, handle: H, runtime: RuntimeHandle) {
        let orphan = Orphan { handle, runtime };
        self.insert(|table| drop(table.orphans.insert(id, orphan)));
    }

    pub(super) fn remove_orphan(&self, id: OperationId) {
        let removed = self.with_table(|table| (table.orphans.remove(&id), table.is_done()));
        // Dropped after the lock: the entry has a handle of a runtime.
        if let Some((Some(_entry), true)) = removed {
            self.wake_joiner();
        }
    }

    /// Takes the orphans out of a closed table. The orphans are not joined any more.
    pub(crate) fn forget_orphans(&self) -> Vec<H> {
        let orphans = self.with_table(|table| std::mem::take(&mut table.orphans));
        // An orphan that has come meanwhile still has to be joined.
        self.close_if_done();
        let orphans = orphans.unwrap_or_default().into_values();
        orphans.map(|orphan| orphan.handle).collect()
    }

    /// Returns the orphans that have not ended, in the order in which their operations were opened.
    pub(super) fn orphans(&self) -> Vec<H> {
        self.read(|table| {
            let orphans = table.orphans.values();
            orphans.map(|orphan| orphan.handle.clone()).collect()
        })
    }

    pub(crate) fn orphan_count(&self) -> usize {
        self.read(|table| table.orphans.len())
    }

    /// Returns the runtime of an orphan, if there is an orphan.
    pub(crate) fn orphans_runtime(&self) -> Option<RuntimeHandle> {
        self.with_table(|table| {
            let first = table.orphans.values().next();
            first.map(|orphan| orphan.runtime.clone())
        })?
    }

    /// Closes the table if nothing is left to join, or only blocking calls that were abandoned. Returns whether
    /// it did.
    pub(super) fn close_if_done(&self) -> bool {
        let mut table = self.table.lock();
        let is_done = table.as_ref().is_none_or(|table| table.is_done());
        let mut timer = None;
        if is_done {
            self.phase.store(CLOSED, Ordering::Relaxed);
            timer = table.as_mut().and_then(|table| table.abandon_timer.take());
        }
        drop(table);
        // After the lock: the drop of a timer is code of the runtime, and the drop of a waker is user code. The
        // task has nothing more to do here.
        drop(timer);
        if is_done {
            drop(self.joiner.take());
        }
        is_done
    }

    /// Closes the table to members. Returns whether there is nothing to join.
    pub(crate) fn close(&self) -> bool {
        let table = self.table.lock();
        let is_done = table.as_ref().is_none_or(|table| table.is_done());
        let occupied = u8::from(!is_done) * OCCUPIED;
        self.phase.store(CLOSED | occupied, Ordering::Relaxed);
        is_done
    }

    /// Closes the table to members. The present entries are not joined.
    pub(crate) fn close_and_forget(&self) {
        let _table = self.table.lock();
        self.phase.store(CLOSED, Ordering::Relaxed);
    }

    fn is_closed(&self) -> bool {
        self.phase.load(Ordering::Relaxed) & CLOSED != 0
    }

    /// Returns whether nothing was ever listed. An entry of another thread may not be visible yet.
    pub(crate) fn is_unused(&self) -> bool {
        self.phase.load(Ordering::Relaxed) == 0
    }

    /// Returns whether there may be entries to join. Called under the record's lock; see `admission.rs`.
    pub(crate) fn is_occupied(&self) -> bool {
        self.phase.load(Ordering::Relaxed) & OCCUPIED != 0
    }

    /// Returns ready when the child has a permit.
    ///
    /// Wakes: the waker is stored under the lock under which permits are given, and a child that is not in the
    /// queue any more has its permit.
    pub(super) fn poll_permit(&self, id: OperationId, cx: &mut Context<'_>) -> Poll<()> {
        // Cloned before the lock and dropped after it: both run user code.
        let mut waker = Some(StoredWaker::of(cx.waker()));
        let queued = self.with_table(|table| match table.queue.get_mut(&id) {
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

    /// Keeps a failure. Returns whether the operation has to be cancelled for it, which is true of the first
    /// failure unless failures are collected.
    pub(crate) fn fail(&self, failure: &ChildFailure) -> bool {
        let mut table = self.table.lock();
        // An abandoned call may fail after the last report. While an entry has to be joined there is a report to
        // come, also of a run that was dropped.
        if self.is_closed() && !self.is_occupied() {
            return false;
        }
        let failures = &mut table.get_or_insert_default().failures;
        let first = failures.is_empty();
        if first || self.options().collect_all {
            failures.push(failure.clone());
        }
        first && !self.options().collect_all
    }

    /// Returns the failure that cancels the operation: the first, unless failures are collected.
    pub(crate) fn failure(&self) -> Option<ChildFailure> {
        if self.options().collect_all {
            return None;
        }
        self.with_table(|table| table.failures.first().cloned())?
    }

    /// Takes the failures so far: all if failures are collected, and else the first. Each is returned once.
    pub(crate) fn take_failures(&self) -> Vec<ChildFailure> {
        self.read(|table| std::mem::take(&mut table.failures))
    }

    pub(super) fn has_failures(&self) -> bool {
        self.read(|table| !table.failures.is_empty())
    }

    /// Returns the number of children and blocking calls that have not ended, with the abandoned calls.
    pub(crate) fn live(&self) -> usize {
        self.read(|table| table.members.len())
    }

    /// Returns whether there is a member or a hold, for which a failure of the body cancels the operation.
    pub(crate) fn is_awaited(&self) -> bool {
        self.read(|table| !(table.members.is_empty() && table.holds.is_empty()))
    }

    /// Returns the members that have not ended, in the order in which they were opened.
    pub(super) fn members(&self) -> Vec<OpenMember<H>> {
        self.read(|table| {
            let members = table.members.iter();
            let members = members.map(|(id, member)| OpenMember {
                handle: member.handle.clone(),
                is_blocking: member.call.is_some(),
                is_abandoned: member.is_abandoned(),
                is_queued: table.queue.contains_key(id),
            });
            members.collect()
        })
    }

    /// Returns whether a member is a blocking call, and whether it waits for a permit.
    pub(crate) fn member_state(&self, id: OperationId) -> (bool, bool) {
        self.read(|table| {
            let member = table.members.get(&id);
            let is_blocking = member.is_some_and(|member| member.call.is_some());
            (is_blocking, table.queue.contains_key(&id))
        })
    }

    /// Returns some of the children that have a permit, and the number of all that have one.
    pub(crate) fn permit_holders(&self) -> (Vec<H>, usize) {
        const MOST: usize = 3;
        self.read(|table| {
            let children = table.members.iter();
            let running = children
                .filter(|(id, member)| member.call.is_none() && !table.queue.contains_key(id));
            let some = running.map(|(_, member)| member.handle.clone());
            (some.take(MOST).collect(), table.running)
        })
    }

    /// Returns whether there is a member, an orphan or a hold.
    pub(super) fn has_any(&self) -> bool {
        self.read(|table| {
            !(table.members.is_empty() && table.orphans.is_empty() && table.holds.is_empty())
        })
    }

    /// Returns the blocking call with this number.
    pub(super) fn call(&self, id: OperationId) -> Option<Arc<BlockingCall>> {
        self.with_table(|table| table.members.get(&id)?.call.clone())?
    }

    /// Returns the blocking calls that were not abandoned; none if no call has a grace period.
    pub(super) fn awaited_calls(&self) -> Vec<(OperationId, Arc<BlockingCall>)> {
        self.read(|table| {
            if table.limited_calls == 0 {
                return Vec::new();
            }
            let awaited = table
                .members
                .iter()
                .filter(|(_, member)| !member.is_abandoned());
            awaited
                .filter_map(|(id, member)| Some((*id, Arc::clone(member.call.as_ref()?))))
                .collect()
        })
    }

    pub(super) fn is_abandoned(&self, id: OperationId) -> bool {
        let is_abandoned = |table: &mut Table<H>| {
            let member = table.members.get(&id);
            member.is_some_and(Member::is_abandoned)
        };
        self.read(is_abandoned)
    }

    /// Begins the abandonment of a blocking call. Returns the call to the first caller, who has to report it and
    /// then call [`end_abandonment`](Self::end_abandonment).
    pub(super) fn begin_abandonment(&self, id: OperationId) -> Option<(H, Arc<BlockingCall>)> {
        self.with_table(|table| {
            let member = table.members.get_mut(&id)?;
            let call = member.call.as_ref().filter(|_| !member.is_abandoned())?;
            let found = (member.handle.clone(), Arc::clone(call));
            member.abandonment = Abandonment::Begun;
            Some(found)
        })?
    }

    /// Ends the wait for a blocking call that is being abandoned, unless the call has ended, and wakes the joiner.
    pub(super) fn end_abandonment(&self, id: OperationId) {
        self.with_table(|table| {
            if let Some(member) = table.members.get_mut(&id) {
                member.abandonment = Abandonment::Done;
                table.abandoned += 1;
            }
        });
        self.wake_joiner();
    }

    /// Takes the timer of the earliest abandonment out, for a poll without the lock. Only the joiner polls it.
    pub(super) fn take_abandon_timer(&self) -> Option<Sleep> {
        self.with_table(|table| table.abandon_timer.take())?
    }

    pub(super) fn put_abandon_timer(&self, timer: Sleep) {
        self.with_table(|table| table.abandon_timer = Some(timer));
    }

    /// Registers the waker of the run that joins, also for waits on work outside of this table. The run has to
    /// check again after this.
    pub(super) fn register(&self, cx: &Context<'_>) {
        self.joiner.register(cx.waker());
    }

    pub(crate) fn wake_joiner(&self) {
        self.joiner.wake("the waker of a run");
    }

    /// Removes a member.
    pub(super) fn remove(&self, id: OperationId) {
        let removed = self.with_table(|table| {
            let member = table.members.remove(&id);
            let waker = table.release(id, member.as_ref());
            (member, waker, table.is_done())
        });
        let Some((member, waker, is_done)) = removed else {
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
        if is_done {
            self.wake_joiner();
        }
    }

    fn with_table<T>(&self, act: impl FnOnce(&mut Table<H>) -> T) -> Option<T> {
        Some(act(self.table.lock().as_mut()?))
    }

    /// Calls `read` with the table. Returns the default if there never was an entry.
    fn read<T: Default>(&self, read: impl FnOnce(&mut Table<H>) -> T) -> T {
        self.with_table(read).unwrap_or_default()
    }
}

/// A waker that came out of the queue when a child was removed.
enum Freed {
    /// The waker of the child that has the permit now, to be woken.
    Next(StoredWaker),
    /// The waker of the removed child, which never had a permit.
    Own(StoredWaker),
}

impl<H> Member<H> {
    /// Returns whether the member is a blocking call that is abandoned, or is being abandoned.
    fn is_abandoned(&self) -> bool {
        self.abandonment != Abandonment::None
    }
}

impl<H> Table<H> {
    /// Returns whether there is nothing to join.
    fn is_done(&self) -> bool {
        let all_abandoned = self.members.len() == self.abandoned;
        all_abandoned && self.orphans.is_empty() && self.holds.is_empty()
    }

    fn hold(&mut self, taken_at: &'static Location<'static>) -> u64 {
        let key = self.next_hold;
        self.next_hold += 1;
        self.holds.insert(key, taken_at);
        key
    }

    /// Takes back the queue entry or the permit of a removed member. A permit is given to the first child of the queue.
    fn release(&mut self, id: OperationId, member: Option<&Member<H>>) -> Option<Freed> {
        let member = member?;
        if member.abandonment == Abandonment::Done {
            self.abandoned -= 1;
        }
        if let Some(call) = &member.call {
            self.limited_calls -= usize::from(call.grace().is_some());
            return None;
        }
        if let Some(own) = self.queue.remove(&id) {
            return own.map(Freed::Own);
        }
        match self.queue.pop_first() {
            // The permit moves to the next child, so the count stays.
            Some((_, next)) => next.map(Freed::Next),
            None => {
                self.running -= 1;
                None
            }
        }
    }
}
