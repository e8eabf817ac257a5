//! The table of what one operation waits for before it ends: its children and blocking calls, what dropped runs
//! inside have left (*orphans*, `orphans.rs`), and holds (`keep_open.rs`); with the queue for permits and the failures.
//!
//! The table knows operations by their numbers. It keeps an opaque handle `H` to each, for reports, and returns it.
//!
//! # Invariants
//!
//! 1. A member is listed from before its task is handed to a runtime until everything of it is
//!    gone: its future is dropped and its result is reported. Its permit (`admission.rs`) removes it,
//!    on every way out, also where a runtime drops the task.
//! 2. Once the table is closed no member comes in. [`Children::close_if_done`] closes it in the step in
//!    which it finds nothing left, so none slips in between.
//! 3. `running` counts the children that are neither queued nor gone and never exceeds the limit. A
//!    permit that becomes free goes to the first of the queue under the same lock, so the order is
//!    the order of spawning and each permit that becomes free wakes one child.
//! 4. One lock, and neither user code nor a runtime's runs under it: wakers are cloned before,
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
    /// None where the scope says nothing.
    options: Option<Box<ChildOptions>>,
    /// The run that waits for the members.
    joiner: WakerSlot,
    /// | bits                 | listed             | comes in        |
    /// |----------------------|--------------------|-----------------|
    /// | none                 | nothing ever was   | anything        |
    /// | `OCCUPIED`           | something may be   | anything        |
    /// | `OCCUPIED`, `CLOSED` | something may be   | orphans         |
    /// | `CLOSED`             | nothing to join    | orphans         |
    ///
    /// Stored under the lock of the table, and read without it by a run that ends: most have no
    /// children, leave it at none, and pay nothing for them; see `admission.rs`.
    phase: AtomicU8,
    /// `None` until something is listed, and for most operations for ever.
    table: Mutex<Option<Box<Table<H>>>>,
}

/// Something was listed, and has to be joined.
const OCCUPIED: u8 = 1;
/// No member comes in any more.
const CLOSED: u8 = 2;

#[derive(Default)]
struct Table<H> {
    members: NumberMap<OperationId, Member<H>>,
    /// The number of members that are not waited for any more.
    abandoned: usize,
    running: usize,
    /// Children without a permit, in order of spawning, with their waker once they were polled.
    queue: NumberMap<OperationId, Option<StoredWaker>>,
    failures: Vec<ChildFailure>,
    /// The timer of the earliest abandonment; the joiner takes it out to poll it.
    abandon_timer: Option<Sleep>,
    /// The orphans that have not ended.
    orphans: NumberMap<OperationId, Orphan<H>>,
    /// Where each hold was taken that keeps the operation open.
    holds: NumberMap<u64, &'static Location<'static>>,
    /// The key of the next hold.
    next_hold: u64,
}

struct Member<H> {
    handle: H,
    /// The parts of a blocking call that a child has not.
    call: Option<Arc<BlockingCall>>,
    abandoned: bool,
}

struct Orphan<H> {
    handle: H,
    /// What it goes on on.
    runtime: RuntimeHandle,
}

/// A member that has not ended, for reports.
pub(super) struct OpenMember<H> {
    pub(super) handle: H,
    pub(super) is_blocking: bool,
    /// A blocking call that is not waited for any more.
    pub(super) is_abandoned: bool,
    /// A child that has not begun, because it waits for a admission.
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

    /// Lists a member. False if the table is closed.
    ///
    /// Whether the operation has ended is for the caller to look at after this; see `admission.rs`.
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
            let member = Member {
                handle,
                call,
                abandoned: false,
            };
            table.members.insert(id, member);
        });
        admitted.is_some()
    }

    /// Lists something that has to be joined, whatever the phase.
    fn insert<T>(&self, put: impl FnOnce(&mut Table<H>) -> T) -> T {
        let mut table = self.table.lock();
        // Relaxed, here and below: ordered by the locks, as `admission.rs` has it.
        let closed = self.phase.load(Ordering::Relaxed) & CLOSED;
        self.phase.store(closed | OCCUPIED, Ordering::Relaxed);
        put(table.get_or_insert_default())
    }

    /// [`insert`](Self::insert) unless the table is closed.
    fn insert_if_open<T>(&self, put: impl FnOnce(&mut Table<H>) -> T) -> Option<T> {
        let mut table = self.table.lock();
        if self.is_closed() {
            return None;
        }
        self.phase.store(OCCUPIED, Ordering::Relaxed);
        Some(put(table.get_or_insert_default()))
    }

    /// Lists a hold, which was taken at `place`. Also where no more are taken, for a copy of one that is listed.
    pub(super) fn insert_hold(&self, place: &'static Location<'static>) -> u64 {
        self.insert(|table| table.hold(place))
    }

    /// [`insert_hold`](Self::insert_hold) unless the table is closed.
    pub(super) fn insert_hold_if_open(&self, place: &'static Location<'static>) -> Option<u64> {
        self.insert_if_open(|table| table.hold(place))
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

    /// Where each hold was taken, in the order of taking.
    pub(super) fn holds(&self) -> Vec<&'static Location<'static>> {
        self.with_table(|table| table.holds.values().copied().collect())
            .unwrap_or_default()
    }

    pub(crate) fn hold_count(&self) -> usize {
        self.with_table(|table| table.holds.len()).unwrap_or(0)
    }

    pub(super) fn insert_orphan(&self, id: OperationId, handle: H, runtime: RuntimeHandle) {
        let orphan = Orphan { handle, runtime };
        self.insert(|table| drop(table.orphans.insert(id, orphan)));
    }

    pub(super) fn remove_orphan(&self, id: OperationId) {
        let removed = self.with_table(|table| (table.orphans.remove(&id), table.is_done()));
        // The entry goes after the lock: with it goes a handle of a runtime.
        if let Some((Some(_entry), true)) = removed {
            self.wake_joiner();
        }
    }

    /// Takes the orphans out of a table that is closed. They are not waited for any more.
    pub(crate) fn forget_orphans(&self) -> Vec<H> {
        let orphans = self.with_table(|table| std::mem::take(&mut table.orphans));
        // One that has come meanwhile is still to be joined.
        self.close_if_done();
        let orphans = orphans.unwrap_or_default().into_values();
        orphans.map(|orphan| orphan.handle).collect()
    }

    /// The orphans that have not ended, in the order in which their operations were opened.
    pub(super) fn orphans(&self) -> Vec<H> {
        self.with_table(|table| {
            let orphans = table.orphans.values();
            orphans.map(|orphan| orphan.handle.clone()).collect()
        })
        .unwrap_or_default()
    }

    pub(crate) fn orphan_count(&self) -> usize {
        self.with_table(|table| table.orphans.len()).unwrap_or(0)
    }

    /// A runtime on which an orphan goes on, if there is one.
    pub(crate) fn orphans_runtime(&self) -> Option<RuntimeHandle> {
        self.with_table(|table| {
            let first = table.orphans.values().next();
            first.map(|orphan| orphan.runtime.clone())
        })?
    }

    /// Closes the table if nothing is left, or only blocking calls that were abandoned. True if so.
    pub(super) fn close_if_done(&self) -> bool {
        let mut table = self.table.lock();
        let is_done = table.as_ref().is_none_or(|table| table.is_done());
        let mut timer = None;
        if is_done {
            self.phase.store(CLOSED, Ordering::Relaxed);
            timer = table.as_mut().and_then(|table| table.abandon_timer.take());
        }
        drop(table);
        // Its drop takes a timer out of the runtime, which is not our code. Nor is the waker, of a
        // task that has nothing more to do here.
        drop(timer);
        if is_done {
            drop(self.joiner.take());
        }
        is_done
    }

    /// Closes the table to members. True if there is nothing to wait for.
    pub(crate) fn close(&self) -> bool {
        let table = self.table.lock();
        let is_done = table.as_ref().is_none_or(|table| table.is_done());
        let occupied = u8::from(!is_done) * OCCUPIED;
        self.phase.store(CLOSED | occupied, Ordering::Relaxed);
        is_done
    }

    /// As [`close`](Self::close), and what is listed is not waited for.
    pub(crate) fn close_and_forget(&self) {
        let _table = self.table.lock();
        self.phase.store(CLOSED, Ordering::Relaxed);
    }

    fn is_closed(&self) -> bool {
        self.phase.load(Ordering::Relaxed) & CLOSED != 0
    }

    /// Whether nothing was ever listed, as far as this thread knows.
    pub(crate) fn is_unused(&self) -> bool {
        self.phase.load(Ordering::Relaxed) == 0
    }

    /// Whether something may have to be joined. Read under the lock of the record it belongs to, see `admission.rs`.
    pub(crate) fn is_occupied(&self) -> bool {
        self.phase.load(Ordering::Relaxed) & OCCUPIED != 0
    }

    /// Ready when the child has a permit.
    ///
    /// Wakes: the waker is stored under the lock under which permits are given, and a child that is
    /// not in the queue any more has its permit.
    pub(super) fn poll_permit(&self, id: OperationId, cx: &mut Context<'_>) -> Poll<()> {
        // Cloned before the lock and dropped after it: both are the user's code.
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

    /// Keeps a failure. True if the operation is to be cancelled for it, which is so for the first
    /// one unless they are collected.
    pub(crate) fn fail(&self, failure: &ChildFailure) -> bool {
        let mut table = self.table.lock();
        // A call that was abandoned may fail when nobody asks any more. While somebody is still waited for there is
        // a report to come, also of a run that was dropped.
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

    /// The failure that cancels the operation: the first, unless they are collected.
    pub(crate) fn failure(&self) -> Option<ChildFailure> {
        if self.options().collect_all {
            return None;
        }
        self.with_table(|table| table.failures.first().cloned())?
    }

    /// The failures so far: all of them if they are collected, and else the first. They are handed
    /// out once.
    pub(crate) fn take_failures(&self) -> Vec<ChildFailure> {
        self.with_table(|table| std::mem::take(&mut table.failures))
            .unwrap_or_default()
    }

    pub(super) fn has_failures(&self) -> bool {
        self.with_table(|table| !table.failures.is_empty())
            .unwrap_or(false)
    }

    /// The number of children and blocking calls that have not ended, the abandoned ones included.
    pub(crate) fn live(&self) -> usize {
        self.with_table(|table| table.members.len()).unwrap_or(0)
    }

    /// Whether a member or a hold has to be cancelled when the body fails.
    pub(crate) fn is_awaited(&self) -> bool {
        self.with_table(|table| !(table.members.is_empty() && table.holds.is_empty()))
            .unwrap_or(false)
    }

    /// The members that have not ended, in the order in which they were opened.
    pub(super) fn members(&self) -> Vec<OpenMember<H>> {
        self.with_table(|table| {
            let members = table.members.iter();
            let members = members.map(|(id, member)| OpenMember {
                handle: member.handle.clone(),
                is_blocking: member.call.is_some(),
                is_abandoned: member.abandoned,
                is_queued: table.queue.contains_key(id),
            });
            members.collect()
        })
        .unwrap_or_default()
    }

    /// Whether a member is a blocking call, and whether it waits for a permit.
    pub(crate) fn member_state(&self, id: OperationId) -> (bool, bool) {
        self.with_table(|table| {
            let member = table.members.get(&id);
            let is_blocking = member.is_some_and(|member| member.call.is_some());
            (is_blocking, table.queue.contains_key(&id))
        })
        .unwrap_or_default()
    }

    /// Some of the children that have a permit, and how many have one.
    pub(crate) fn permit_holders(&self) -> (Vec<H>, usize) {
        const MOST: usize = 3;
        self.with_table(|table| {
            let children = table.members.iter();
            let running = children
                .filter(|(id, member)| member.call.is_none() && !table.queue.contains_key(id));
            let some = running.map(|(_, member)| member.handle.clone());
            (some.take(MOST).collect(), table.running)
        })
        .unwrap_or_default()
    }

    /// Whether a member or an orphan has not ended, or there is a hold.
    pub(super) fn has_any(&self) -> bool {
        self.with_table(|table| {
            !(table.members.is_empty() && table.orphans.is_empty() && table.holds.is_empty())
        })
        .unwrap_or(false)
    }

    /// The blocking calls that are still waited for.
    pub(super) fn awaited_calls(&self) -> Vec<(OperationId, Arc<BlockingCall>)> {
        self.with_table(|table| {
            let awaited = table.members.iter().filter(|(_, member)| !member.abandoned);
            awaited
                .filter_map(|(id, member)| Some((*id, Arc::clone(member.call.as_ref()?))))
                .collect()
        })
        .unwrap_or_default()
    }

    pub(super) fn is_abandoned(&self, id: OperationId) -> bool {
        let is_abandoned = |table: &mut Table<H>| {
            let member = table.members.get(&id);
            member.is_some_and(|member| member.abandoned)
        };
        self.with_table(is_abandoned).unwrap_or(false)
    }

    /// Waits no longer for a blocking call, which is returned to the first caller. It has to wake the joiner.
    pub(super) fn abandon(&self, id: OperationId) -> Option<(H, Arc<BlockingCall>)> {
        self.with_table(|table| {
            let member = table.members.get_mut(&id)?;
            let call = member.call.as_ref().filter(|_| !member.abandoned)?;
            let found = (member.handle.clone(), Arc::clone(call));
            member.abandoned = true;
            table.abandoned += 1;
            Some(found)
        })?
    }

    /// Takes the timer of the earliest abandonment out, for a poll without the lock. Nobody else polls it.
    pub(super) fn take_abandon_timer(&self) -> Option<Sleep> {
        self.with_table(|table| table.abandon_timer.take())?
    }

    pub(super) fn put_abandon_timer(&self, timer: Sleep) {
        self.with_table(|table| table.abandon_timer = Some(timer));
    }

    /// Leaves the waker of the run that waits, also for what is on no list here. The run has to look again after
    /// this.
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
            let waker = table.free(id, member.as_ref());
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
}

/// A waker that came out of the queue when a child was removed.
enum Freed {
    /// Of the child that has the permit now, to be woken.
    Next(StoredWaker),
    /// Of the removed child, which never had a permit.
    Own(StoredWaker),
}

impl<H> Table<H> {
    /// Whether there is nothing to wait for.
    fn is_done(&self) -> bool {
        let all_abandoned = self.members.len() == self.abandoned;
        all_abandoned && self.orphans.is_empty() && self.holds.is_empty()
    }

    fn hold(&mut self, place: &'static Location<'static>) -> u64 {
        let key = self.next_hold;
        self.next_hold += 1;
        self.holds.insert(key, place);
        key
    }

    /// Takes back what a removed member had: its place in the queue, or its permit, which goes to the first there.
    fn free(&mut self, id: OperationId, member: Option<&Member<H>>) -> Option<Freed> {
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
            // The permit goes over, so the count stays.
            Some((_, next)) => next.map(Freed::Next),
            None => {
                self.running -= 1;
                None
            }
        }
    }
}
