//! Outside runs: the runs inside an operation that its body does not poll, and the takeover of their open work
//! (`takeover.rs`).

use super::{Record, Takeover, leases};
use crate::cause::OperationId;
use crate::cause::ambient::Ambient;
use crate::report::Status;
use crate::sync::NumberMap;
use std::sync::{Arc, Weak};
use std::task::Context;

pub(crate) use super::takeover::SuspendedFinalizer;

/// A run that was taken over.
pub(crate) struct TakenRun {
    pub(crate) record: Arc<Record>,
    pub(crate) finalizer: Option<SuspendedFinalizer>,
    pub(crate) end: Status,
}

/// The guard of an outside run's entry on the list of the operation that waits for it.
pub(crate) struct OutsideGuard {
    owner: Arc<Record>,
    id: OperationId,
}

impl Drop for OutsideGuard {
    fn drop(&mut self) {
        let id = self.id;
        let entry = self
            .owner
            .on_rare(|rare| rare.shields.outside_runs.remove(&id));
        // Dropped after the lock: the entry may have a finalizer.
        drop(entry);
        self.owner.children.wake_joiner();
    }
}

pub(crate) fn new_takeover(record: &Arc<Record>) -> Arc<Takeover> {
    Takeover::new(record.label.id(), Arc::downgrade(record))
}

/// Returns whether the body of the parent does not poll this run. `before` is the current entry around its poll.
pub(crate) fn is_outside(record: &Record, before: Option<&Ambient>) -> bool {
    let parent = record.parent_it_may_outlive();
    parent.is_some_and(|parent| !before.is_some_and(|before| before.is_of(parent)))
}

/// Puts a run on the list of its nearest ancestor that has not ended.
pub(crate) fn list(record: &Record, takeover: &Arc<Takeover>) -> Option<OutsideGuard> {
    let id = record.label.id();
    for owner in record.ancestors() {
        let mut inner = owner.inner.lock();
        if !owner.is_settled_in(&inner) {
            let rare = inner.rare.get_or_insert_default();
            rare.shields.outside_runs.insert(id, Arc::clone(takeover));
            drop(inner);
            let owner = Arc::clone(owner);
            return Some(OutsideGuard { owner, id });
        }
    }
    None
}

/// Returns the outside runs that a cancelled operation waits for: those that are cancelled too and have open work.
///
/// Wakes: the waker of the join is registered before the list is read, and a run that leaves the list wakes the
/// join.
pub(crate) fn awaited(record: &Record, cx: &Context<'_>) -> NumberMap<OperationId, Arc<Takeover>> {
    if !record.is_cancelled() || !has_any(record) {
        return NumberMap::new();
    }
    record.children.register(cx);
    let runs = record.on_rare(|rare| {
        let mut runs = rare.shields.outside_runs.clone();
        let leased = rare.shields.leases.runs();
        runs.extend(leased.map(|run| (run.id(), Arc::clone(run))));
        runs
    });
    let is_awaited = |takeover: &Arc<Takeover>| {
        run_of(takeover).is_some_and(|run| {
            run.is_cancelled() && !run.status().is_terminal() && leases::has_open_work(&run)
        })
    };
    let runs = runs.unwrap_or_default().into_entries();
    runs.filter(|(_, takeover)| is_awaited(takeover)).collect()
}

/// Returns whether an operation may have to wait for an outside run. To be called after the drop of the body: a run
/// that has a lease then was not in the body.
pub(crate) fn has_any(record: &Record) -> bool {
    let has = record.on_rare(|rare| {
        !rare.shields.outside_runs.is_empty() || rare.shields.leases.runs().next().is_some()
    });
    has == Some(true)
}

/// Returns the operation of a run.
pub(crate) fn run_of(takeover: &Takeover) -> Option<Arc<Record>> {
    Weak::upgrade(takeover.handle())
}

/// Returns whether a run, or a run in its body, has children or finalizers.
pub(crate) fn has_open_work(takeover: &Takeover) -> bool {
    let mut inside: Vec<_> = run_of(takeover).into_iter().collect();
    // Ends, without recursion: as for `take_over`.
    while let Some(record) = inside.pop() {
        if !record.children.is_unused() || record.has_deferred() {
            return true;
        }
        record.on_rare(|rare| {
            let runs = rare.shields.leases.runs();
            inside.extend(runs.filter_map(|run| run_of(run)));
        });
    }
    false
}

/// Takes over a run, and before it the runs in its body, unless the run was polled after it had been polled `polls`
/// times.
pub(crate) fn take_over(takeover: &Takeover, polls: u64) -> Vec<TakenRun> {
    let mut taken = Vec::new();
    let mut inside: Vec<Arc<Takeover>> = Vec::new();
    take(takeover, Some(polls), &mut taken, &mut inside);
    // Ends: each step moves one level down. Not by recursion: the tree may be deep.
    while let Some(takeover) = inside.pop() {
        take(&takeover, None, &mut taken, &mut inside);
    }
    taken.reverse();
    taken
}

fn take(
    takeover: &Takeover,
    polls: Option<u64>,
    taken: &mut Vec<TakenRun>,
    inside: &mut Vec<Arc<Takeover>>,
) {
    let Some(record) = run_of(takeover) else {
        return;
    };
    let Some((finalizer, end)) = takeover.take_over(polls) else {
        return;
    };
    record.on_rare(|rare| {
        inside.extend(rare.shields.leases.runs().map(Arc::clone));
    });
    taken.push(TakenRun {
        record,
        finalizer,
        end,
    });
}
