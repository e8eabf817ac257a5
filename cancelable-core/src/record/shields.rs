//! The shields of one operation: the shield that the operation was opened in, and the leases on its body.
//!
//! A *lease* keeps the body of a cancelled operation from being dropped (`leases.rs`). A shield that is open in
//! the body has one.

use super::shield_state::ShieldState;
use super::takeover::Takeover;
use crate::cause::OperationId;
use crate::sync::{AtomicBool, AtomicU32, AtomicU64, NumberMap, Ordering, WakerId, WakerSlot};
use crate::token::CallbackRegistration;
use std::panic::Location;
use std::sync::Arc;
use std::task::Context;
use std::time::Instant;

pub(crate) struct Shields<H> {
    /// The shield that the operation was opened in; see `shield_state.rs`.
    opened_in: Option<Arc<ShieldState<H>>>,
    /// The number of polls of the body while it had a lease.
    polls: AtomicU64,
    /// The number of leases that count.
    leases: AtomicU32,
    /// True while `opened_in` is open: no cancel and no deadline of an ancestor reaches the operation.
    is_isolated: AtomicBool,
    /// True while the body is in its final poll.
    is_in_final_poll: AtomicBool,
    /// True if the operation or an ancestor was opened inside a shield.
    is_shielded: bool,
}

impl<H> Shields<H> {
    pub(super) fn new(opened_in: Option<Arc<ShieldState<H>>>, is_parent_shielded: bool) -> Self {
        Self {
            polls: AtomicU64::new(0),
            leases: AtomicU32::new(0),
            is_isolated: AtomicBool::new(opened_in.is_some()),
            is_in_final_poll: AtomicBool::new(false),
            is_shielded: opened_in.is_some() || is_parent_shielded,
            opened_in,
        }
    }

    pub(super) fn opened_in(&self) -> Option<&Arc<ShieldState<H>>> {
        self.opened_in.as_ref()
    }

    /// Returns the shield that isolates the operation, if there is one.
    pub(super) fn isolated_by(&self) -> Option<&Arc<ShieldState<H>>> {
        self.opened_in().filter(|_| self.is_isolated())
    }

    pub(super) fn is_shielded(&self) -> bool {
        self.is_shielded
    }

    /// Returns whether no cancel and no deadline of an ancestor reaches the operation.
    pub(super) fn is_isolated(&self) -> bool {
        // Relaxed: the effects of a change arrive by the parent's token and by a wake of the run.
        self.is_isolated.load(Ordering::Relaxed)
    }

    /// Ends the isolation.
    pub(super) fn set_bound(&self) {
        self.is_isolated.store(false, Ordering::Relaxed);
    }

    pub(super) fn add_lease(&self) {
        // AcqRel: "Wakes" in the header of `leases.rs`.
        self.leases.fetch_add(1, Ordering::AcqRel);
    }

    /// Removes a lease. Returns whether it was the last lease.
    pub(super) fn remove_lease(&self) -> bool {
        // AcqRel: as above.
        self.leases.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Returns whether a lease on the body counts.
    pub(crate) fn has_leases(&self) -> bool {
        // AcqRel, an exchange: "Wakes" in the header of `leases.rs`.
        self.leases.fetch_add(0, Ordering::AcqRel) > 0
    }

    /// Returns [`has_leases`](Self::has_leases) for the task of the run, after its own poll.
    pub(super) fn has_leases_here(&self) -> bool {
        // Relaxed: a lease that another thread adds later is seen by the next poll, and a drop before that poll
        // hands it over.
        self.leases.load(Ordering::Relaxed) > 0
    }

    /// Counts a poll of the body, if the body has a lease. Each lease that is renewed in the poll notes the number.
    pub(crate) fn begin_poll(&self) {
        // Relaxed, all: see `Lease::renew`. No exchange, since only the task that polls the body counts.
        if self.has_leases_here() {
            let polls = self.polls.load(Ordering::Relaxed);
            self.polls.store(polls + 1, Ordering::Relaxed);
        }
    }

    /// Returns the number of the last counted poll.
    pub(crate) fn poll_number(&self) -> u64 {
        self.polls.load(Ordering::Relaxed)
    }

    pub(crate) fn is_in_final_poll(&self) -> bool {
        // Relaxed, here and in `FinalPoll`: set, read and reset in one poll of one task.
        self.is_in_final_poll.load(Ordering::Relaxed)
    }
}

/// The rare state of shields, under the record's lock.
#[derive(Default)]
pub(super) struct RareShields<H> {
    pub(super) leases: Leases<H>,
    /// The runs inside the operation that its body does not poll; see `outside_runs.rs`.
    pub(super) outside_runs: NumberMap<OperationId, Arc<Takeover<H>>>,
    /// The callback that cancels the operation with its parent, once the shield in which the operation was opened
    /// has ended.
    pub(super) parent_cancel: Option<CallbackRegistration>,
}

/// Marks the final poll of a body that a cancel is about to drop.
///
/// A cancel may come between a poll of the body and the check of the run. The body is then polled once more, so
/// that a stream or a wait for the token in it sees the cancel, and its output counts. A shield reads the mark,
/// since the cancel is delivered at the end of the shield: outside of a final poll, the shield returns its value
/// only to a body that will be polled again.
pub(crate) struct FinalPoll<'a>(&'a AtomicBool);

impl<'a> FinalPoll<'a> {
    pub(crate) fn of<H>(shields: &'a Shields<H>) -> Self {
        shields.is_in_final_poll.store(true, Ordering::Relaxed);
        Self(&shields.is_in_final_poll)
    }
}

/// A drop, so that a panic of the body resets the mark too.
impl Drop for FinalPoll<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// An open shield, for reports.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenShield {
    pub(crate) location: &'static Location<'static>,
    /// The time of the opening; `None` without a runtime.
    pub(crate) since: Option<Instant>,
}

/// The future that has a lease.
pub(crate) enum LeaseHolder<H> {
    Shield(OpenShield, Arc<ShieldState<H>>),
    /// A run inside the body.
    Run(Arc<Takeover<H>>),
    /// The body itself, in a blocking run.
    Body,
}

/// A lease, shared by its home and by the future that has it.
pub(crate) struct Lease<H> {
    holder: LeaseHolder<H>,
    /// The [poll number](Shields::poll_number) of the home at the last poll of the future.
    polled: AtomicU64,
    /// The waker of the task that polled the future last.
    waker: WakerSlot,
    /// True if the waker was taken, so that the next poll has to register another.
    is_waker_taken: AtomicBool,
    /// True if the lease counts: the run keeps the body for it. Written under the lock of the home's record.
    counts: AtomicBool,
}

impl<H> Lease<H> {
    pub(super) fn new(holder: LeaseHolder<H>, poll_number: u64) -> Arc<Self> {
        Arc::new(Self {
            holder,
            polled: AtomicU64::new(poll_number),
            waker: WakerSlot::new(),
            is_waker_taken: AtomicBool::new(false),
            counts: AtomicBool::new(false),
        })
    }

    pub(super) fn holder(&self) -> &LeaseHolder<H> {
        &self.holder
    }

    /// Records a poll of the future. `registered` is the waker that the future registered before.
    pub(super) fn renew(&self, poll: u64, registered: &mut Option<WakerId>, cx: &Context<'_>) {
        // Relaxed, here and for the poll number: a future that is polled in a poll of the body is polled by the
        // task that counts. A future that another task polls is on the list until it is polled there, and one
        // poll more or less proves nothing.
        self.polled.store(poll, Ordering::Relaxed);
        // Relaxed: a waker that is taken at the same time is woken, and leads to another poll.
        let waker = Some(WakerId::of(cx.waker()));
        if *registered != waker || self.is_waker_taken.load(Ordering::Relaxed) {
            self.is_waker_taken.store(false, Ordering::Relaxed);
            *registered = Some(self.waker.register(cx.waker()));
        }
    }

    pub(super) fn counts(&self) -> bool {
        // Relaxed: changed by the task that polls. Where a home revokes a lease during a poll elsewhere, the next
        // poll lets the lease count again.
        self.counts.load(Ordering::Relaxed)
    }

    /// Sets whether the lease counts, under the lock of the home's record. Returns whether that is a change.
    pub(super) fn set_counts(&self, counts: bool) -> bool {
        // Relaxed: written under the lock that is held here.
        self.counts.swap(counts, Ordering::Relaxed) != counts
    }

    fn is_unpolled(&self, poll: u64) -> bool {
        self.counts() && self.polled.load(Ordering::Relaxed) < poll
    }

    /// Wakes the task that polled the future last.
    pub(crate) fn wake(&self) {
        // Relaxed: see `renew`.
        self.is_waker_taken.store(true, Ordering::Relaxed);
        self.waker.wake("the waker of a future that is not polled");
    }
}

/// The leases on one body, in the order of their grant.
#[derive(Default)]
pub(super) struct Leases<H> {
    next: u64,
    entries: NumberMap<u64, Arc<Lease<H>>>,
}

impl<H> Leases<H> {
    pub(super) fn insert(&mut self, lease: &Arc<Lease<H>>) -> u64 {
        let key = self.next;
        self.next += 1;
        self.entries.insert(key, Arc::clone(lease));
        key
    }

    /// Removes a lease, for a drop after the lock: the drop of its waker is user code.
    pub(super) fn remove(&mut self, key: u64) -> Option<Arc<Lease<H>>> {
        self.entries.remove(&key)
    }

    pub(super) fn holders(&self) -> impl Iterator<Item = &LeaseHolder<H>> {
        self.entries.values().map(|lease| &lease.holder)
    }

    /// Returns the runs that have a lease.
    pub(super) fn runs(&self) -> impl Iterator<Item = &Arc<Takeover<H>>> {
        self.holders().filter_map(|holder| match holder {
            LeaseHolder::Run(run) => Some(run),
            LeaseHolder::Shield(..) | LeaseHolder::Body => None,
        })
    }

    /// Returns the leases that count and were not renewed in this poll of the body.
    pub(super) fn unpolled(&self, poll: u64) -> NumberMap<u64, Arc<Lease<H>>> {
        let entries = self.entries.iter();
        let unpolled = entries.filter(|(_, lease)| lease.is_unpolled(poll));
        unpolled
            .map(|(key, lease)| (*key, Arc::clone(lease)))
            .collect()
    }
}
