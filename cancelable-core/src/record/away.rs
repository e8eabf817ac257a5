//! The runs that an operation waits for although its body does not poll them, and the parts that are taken over of them
//! (`turn.rs`).

use super::{Record, Turn, holds};
use crate::cause::OperationId;
use crate::cause::ambient::Ambient;
use crate::report::Status;
use crate::sync::NumberMap;
use std::sync::{Arc, Weak};
use std::task::Context;

pub(crate) use super::turn::Parked;

/// The part of a run that is taken over.
pub(crate) struct Taken {
    pub(crate) record: Arc<Record>,
    pub(crate) parked: Option<Parked>,
    pub(crate) end: Status,
}

/// A run's entry on the list of the operation above whose body does not poll it.
pub(crate) struct Away {
    owner: Arc<Record>,
    id: OperationId,
}

impl Drop for Away {
    fn drop(&mut self) {
        let id = self.id;
        let entry = self.owner.on_rare(|rare| rare.shields.away.remove(&id));
        // The entry goes after the lock: with it may go a finalizer.
        drop(entry);
        self.owner.children.wake_joiner();
    }
}

pub(crate) fn new_turn(record: &Arc<Record>) -> Arc<Turn> {
    Turn::new(record.label.id(), Arc::downgrade(record))
}

/// Whether the body of the parent does not poll this run, where `before` was the current entry around its poll.
pub(crate) fn is_away(record: &Record, before: Option<&Ambient>) -> bool {
    let parent = record.parent_it_may_outlive();
    parent.is_some_and(|parent| !before.is_some_and(|before| before.is_of(parent)))
}

/// Puts a run on the list of the nearest operation above that has not ended.
pub(crate) fn go_away(record: &Record, turn: &Arc<Turn>) -> Option<Away> {
    let id = record.label.id();
    // Ends: every turn goes one ancestor up, and there is no cycle.
    let above = std::iter::successors(record.parent.as_ref(), |record| record.parent.as_ref());
    for owner in above {
        let mut inner = owner.inner.lock();
        if !owner.is_settled_in(&inner) {
            let rare = inner.rare.get_or_insert_default();
            rare.shields.away.insert(id, Arc::clone(turn));
            drop(inner);
            let owner = Arc::clone(owner);
            return Some(Away { owner, id });
        }
    }
    None
}

/// The runs that an operation waits for though its body does not poll them: those that are cancelled, as it is, and
/// have something open.
///
/// Wakes: the waker is left with the joiner before the list is looked at, and a run that leaves the list wakes that.
pub(crate) fn runs_away(record: &Record, cx: &Context<'_>) -> NumberMap<OperationId, Arc<Turn>> {
    if !record.is_cancelled() || !has_away(record) {
        return NumberMap::new();
    }
    record.children.follow(cx);
    let away = record.on_rare(|rare| {
        let mut away = rare.shields.away.clone();
        let held = rare.shields.holders.runs();
        away.extend(held.map(|turn| (turn.id(), Arc::clone(turn))));
        away
    });
    let is_waited_for = |turn: &Arc<Turn>| {
        run_of(turn).is_some_and(|run| {
            run.is_cancelled() && !run.status().is_terminal() && holds::has_open(&run)
        })
    };
    let away = away.unwrap_or_default().into_entries();
    away.filter(|(_, turn)| is_waited_for(turn)).collect()
}

/// Whether an operation may have to wait for a run that its body does not poll. To be asked once the body is gone: a
/// run that was polled in that and is still there did not lie in it.
pub(crate) fn has_away(record: &Record) -> bool {
    let has = record.on_rare(|rare| {
        !rare.shields.away.is_empty() || rare.shields.holders.runs().next().is_some()
    });
    has == Some(true)
}

/// The operation of a run.
pub(crate) fn run_of(turn: &Turn) -> Option<Arc<Record>> {
    Weak::upgrade(turn.handle())
}

/// Whether a run, or one that lies in its body, has something that outlives a drop.
pub(crate) fn leaves_something(turn: &Turn) -> bool {
    let mut inside: Vec<_> = run_of(turn).into_iter().collect();
    // Ends, and is no recursion: as for `take_over`.
    while let Some(record) = inside.pop() {
        if !record.children.is_unused() || record.has_deferred() {
            return true;
        }
        record.on_rare(|rare| {
            let runs = rare.shields.holders.runs();
            inside.extend(runs.filter_map(|turn| run_of(turn)));
        });
    }
    false
}

/// Takes over a run, and before it what lies in its body, if nobody has polled it since it was polled
/// `polls` times.
pub(crate) fn take_over(turn: &Turn, polls: u64) -> Vec<Taken> {
    let mut taken = Vec::new();
    let mut inside: Vec<Arc<Turn>> = Vec::new();
    take(turn, Some(polls), &mut taken, &mut inside);
    // Ends: each turn goes one level down. Not by recursion: the tree may be deep.
    while let Some(turn) = inside.pop() {
        take(&turn, None, &mut taken, &mut inside);
    }
    taken.reverse();
    taken
}

fn take(turn: &Turn, polls: Option<u64>, taken: &mut Vec<Taken>, inside: &mut Vec<Arc<Turn>>) {
    let Some(record) = run_of(turn) else { return };
    let Some((parked, end)) = turn.take_over(polls) else {
        return;
    };
    record.on_rare(|rare| {
        inside.extend(rare.shields.holders.runs().map(Arc::clone));
    });
    taken.push(Taken {
        record,
        parked,
        end,
    });
}
