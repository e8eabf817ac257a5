//! Leases on the body of a cancelled operation: a body with a lease is still polled, because a future inside it
//! must not be dropped.
//!
//! Such a future is an open shield, a run that has children, finalizers or leases of its own, or the body of a
//! blocking run. Its *lease* is on the list of its *home*, the operation whose body polled the future last. A
//! cancelled run checks its list after each poll of its body, and drops the body once no lease counts.
//!
//! # Invariants
//!
//! 1. The home follows the polls: at each poll the future makes the current operation its home. If operations are
//!    nested, each has a lease on the next outer operation. So a run that another task polls has no lease on a
//!    body that does not contain it. `outside_runs.rs` describes how its ancestor waits for it.
//! 2. A lease does not count while its future is polled inside a shield. The shield has a lease, and after the
//!    end of the shield nothing inside it keeps the body.
//! 3. A run never has a lease on the body of an operation that is not its ancestor, and neither has a child,
//!    which has a task of its own. A shield that is polled outside the run of its operation has no lease.
//! 4. A future that is not polled loses its lease. A missing poll alone proves nothing, since a combinator may
//!    poll only futures that were woken. So the future is woken first, and loses the lease if it has not been
//!    polled a short time later although the body has (`scope/run/stalled.rs`). A future that is polled again
//!    renews its lease.
//!
//! # Wakes
//!
//! A run that finds a lease registers its waker (`run_waker.rs`) and checks once more. The end of the last lease
//! lowers the count and then checks whether the home is cancelled. Both access the count by an exchange, so one
//! of them comes second: either the run sees that no lease is left, or the other side sees the cancel and wakes
//! the run.
//!
//! # Locks
//!
//! The list is under the lock of the home's record, which is the only lock that is held here. Wakers are
//! registered, taken and dropped outside it.

use super::shields::OpenShield;
use super::{Lease, LeaseHolder, Record, Takeover, run_waker, shielding};
use crate::cause::ambient::Ambient;
use crate::sync::{NumberMap, WakerId};
use std::sync::{Arc, Weak};
use std::task::Context;

/// The lease of one future. While it lives and counts, a cancel does not drop the body of its home.
pub(crate) struct LeaseGuard {
    home: Arc<Record>,
    key: u64,
    lease: Arc<Lease>,
    /// The waker that is registered.
    registered: Option<WakerId>,
}

impl LeaseGuard {
    /// Puts a lease on the list of `home`.
    pub(crate) fn open(
        home: Arc<Record>,
        holder: LeaseHolder,
        counts: bool,
        cx: &Context<'_>,
    ) -> Self {
        let lease = Lease::new(holder, home.shields.poll_number());
        let key = home.with_rare(|rare| rare.shields.leases.insert(&lease));
        let mut guard = Self {
            home,
            key,
            lease,
            registered: None,
        };
        guard.renew(counts, cx);
        guard
    }

    /// Returns the operation whose body the lease keeps.
    pub(crate) fn home(&self) -> &Arc<Record> {
        &self.home
    }

    /// Records a poll of the future, and whether the lease counts there.
    pub(crate) fn renew(&mut self, counts: bool, cx: &Context<'_>) {
        let lease = &self.lease;
        lease.renew(self.home.shields.poll_number(), &mut self.registered, cx);
        if lease.counts() != counts {
            set_counts(&self.home, lease, counts);
        }
    }
}

impl Drop for LeaseGuard {
    fn drop(&mut self) {
        set_counts(&self.home, &self.lease, false);
        let key = self.key;
        let removed = self.home.on_rare(|rare| rare.shields.leases.remove(key));
        drop(removed);
        if let LeaseHolder::Run(_) = self.lease.holder() {
            // For a home that has lost its body and waits for this run, which was not in the body.
            self.home.children.wake_joiner();
        }
    }
}

/// Sets whether a lease counts, and wakes the run of a cancelled operation after its last lease.
fn set_counts(home: &Record, lease: &Lease, counts: bool) {
    let last = {
        let _inner = home.inner.lock();
        if !lease.set_counts(counts) {
            return;
        }
        match counts {
            true => {
                home.shields.add_lease();
                false
            }
            false => home.shields.remove_lease(),
        }
    };
    if last && home.is_cancelled() {
        run_waker::wake_run(home);
    }
}

/// Returns whether a cancelled body has to be polled further. The task is woken at the end of the last lease.
///
/// Wakes: see the header of this file.
pub(crate) fn is_leased(record: &Record, cx: &Context<'_>) -> bool {
    if !record.shields.has_leases() {
        return false;
    }
    run_waker::register(record, cx.waker());
    record.shields.has_leases()
}

/// Returns whether a drop of this run would leave work: children, finalizers, or leases on its own body.
pub(crate) fn has_open_work(record: &Record) -> bool {
    !record.children.is_unused() || record.has_deferred() || record.shields.has_leases_here()
}

/// Returns the leases that count and were not renewed in the last poll of the body.
pub(crate) fn unpolled(record: &Record) -> NumberMap<u64, Arc<Lease>> {
    let poll = record.shields.poll_number();
    let unpolled = record.on_rare(|rare| rare.shields.leases.unpolled(poll));
    unpolled.unwrap_or_default()
}

/// Takes the lease from a future that was not polled. Returns whether the lease counted.
pub(crate) fn revoke(record: &Record, lease: &Lease) -> bool {
    let counted = lease.counts();
    set_counts(record, lease, false);
    if let LeaseHolder::Shield(_, shield) = lease.holder() {
        shielding::end(shield);
    }
    counted
}

/// Returns the youngest of the shields that are open in this operation and in the runs that its body polls.
pub(crate) fn open_shield(record: &Record) -> Option<OpenShield> {
    let mut found: Vec<OpenShield> = Vec::new();
    let mut inside: Vec<Arc<Record>> = Vec::new();
    find_shields(record, &mut found, &mut inside);
    // Ends: each step moves one level down, and no run is polled inside itself. Not by recursion: the tree may be
    // deep.
    while let Some(record) = inside.pop() {
        find_shields(&record, &mut found, &mut inside);
    }
    found.into_iter().max_by_key(|shield| shield.since)
}

fn find_shields(record: &Record, found: &mut Vec<OpenShield>, inside: &mut Vec<Arc<Record>>) {
    record.on_rare(|rare| {
        for holder in rare.shields.leases.holders() {
            match holder {
                LeaseHolder::Shield(shield, _) => found.push(*shield),
                LeaseHolder::Run(run) => inside.extend(Weak::upgrade(run.handle())),
                LeaseHolder::Body => {}
            }
        }
    });
}

/// Renews the lease of a run that has answered pending, on the body of `before`, which polls the run.
pub(crate) fn renew(
    record: &Arc<Record>,
    guard: &mut Option<LeaseGuard>,
    takeover: &Arc<Takeover>,
    before: Option<&Ambient>,
    cx: &Context<'_>,
) {
    if record.spawned || !has_open_work(record) {
        *guard = None;
        return;
    }
    let counts = before.is_some_and(|before| !before.is_shielded());
    if let (Some(guard), Some(before)) = (guard.as_mut(), before) {
        if before.is_of(guard.home()) {
            guard.renew(counts, cx);
            return;
        }
    }
    let home = before
        .and_then(Record::of)
        .filter(|home| record.is_within(home));
    let holder = || LeaseHolder::Run(Arc::clone(takeover));
    *guard = home.map(|home| LeaseGuard::open(home, holder(), counts, cx));
}
