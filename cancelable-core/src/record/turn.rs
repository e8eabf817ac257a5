//! Whose turn it is with what a run has to wait for: the run's, as long as somebody polls it; or a task's, that
//! does in its place what follows the drop of a run.
//!
//! The body of a run that another task polls, such as that of a response, holds nobody's body. The nearest
//! operation above that has not ended waits for what that run has open, once it is cancelled itself: at its join,
//! as it waits for what a dropped run has left. If nobody polls the run although it was woken, its children and
//! finalizers are *taken over* (`scope/run/stalled.rs`): its operation is closed, and they go on as those of a dropped
//! run do. Its body is where it was, and is dropped by the next poll or with the run; it is polled no more.
//!
//! # Invariants
//!
//! 1. A run has a turn from the first pending answer on with which it has something open, and gives it back when
//!    it is closed. Its polls are inside `begin` and `end`.
//! 2. It is taken over between two polls, and once: both sides do that under the lock of the turn. A run that
//!    finds itself taken over polls neither its body nor a finalizer, and hands over nothing when it is dropped.
//! 3. What lies in the body of a run that is taken over is taken over before it, the innermost first, since
//!    nobody polls that either. So it is on the list of the one around it in time.
//! 4. A finalizer under way lies in the turn while nobody polls the run.
//!
//! # Wakes and locks
//!
//! The run leaves the list of the operation that waits for it before it wakes that; see
//! [`Record::runs_away`]. The lock of a turn is the only one that is held with it, and nothing of a user's runs
//! under it.

use super::Record;
use crate::cause::OperationId;
use crate::cause::ambient::Ambient;
use crate::report::Status;
use crate::report::Straggler;
use crate::sync::{Mutex, NumberMap, WakerSlot};
use std::any::Any;
use std::sync::{Arc, Weak};
use std::task::Context;
use std::time::Duration;

/// A finalizer under way, for whoever knows the type.
pub(crate) type Parked = Box<dyn Any + Send>;

/// See the head of this file.
pub(crate) struct Turn {
    id: OperationId,
    /// Weak: the record holds its parent's, and that one lists this.
    record: Weak<Record>,
    state: Mutex<State>,
    /// Of the task that polled it last.
    waker: WakerSlot,
}

struct State {
    stage: Stage,
    polls: u64,
    parked: Option<Parked>,
    /// How the operation ends if the run is taken over.
    end: Status,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Polled,
    Waiting,
    TakenOver,
}

/// What is taken over of a run.
pub(crate) struct Taken {
    pub(crate) record: Arc<Record>,
    pub(crate) parked: Option<Parked>,
    pub(crate) end: Status,
}

impl Turn {
    fn new(record: &Arc<Record>) -> Arc<Self> {
        Arc::new(Self {
            id: record.label.id(),
            record: Arc::downgrade(record),
            state: Mutex::new(State {
                stage: Stage::Polled,
                polls: 0,
                parked: None,
                end: Status::Cancelled,
            }),
            waker: WakerSlot::new(),
        })
    }

    pub(crate) fn record(&self) -> Option<Arc<Record>> {
        self.record.upgrade()
    }

    /// Begins a poll or the drop of the run, and gives back what was parked.
    ///
    /// # Errors
    ///
    /// It was taken over.
    pub(crate) fn begin(&self) -> Result<Option<Parked>, ()> {
        let mut state = self.state.lock();
        if state.stage == Stage::TakenOver {
            return Err(());
        }
        state.stage = Stage::Polled;
        state.polls += 1;
        Ok(state.parked.take())
    }

    /// Ends a poll that answers pending.
    pub(crate) fn end(&self, parked: Option<Parked>, end: Status, cx: &Context<'_>) {
        self.waker.register(cx.waker());
        let mut state = self.state.lock();
        state.stage = Stage::Waiting;
        state.parked = parked;
        state.end = end;
    }

    /// How often it was polled, and whether it is so right now.
    pub(crate) fn polls(&self) -> (u64, bool) {
        let state = self.state.lock();
        (state.polls, state.stage == Stage::Polled)
    }

    pub(crate) fn wake(&self) {
        self.waker.wake("the waker of a run that is not polled");
    }

    /// What is to be said of it, woken so long ago and not polled since.
    pub(crate) fn straggler(&self, unpolled_for: Option<Duration>) -> Option<Straggler> {
        Some(self.record()?.as_unpolled(unpolled_for, None))
    }

    /// Whether it, or a run that lies in its body, has something that outlives a drop.
    pub(crate) fn leaves_something(&self) -> bool {
        let mut inside: Vec<_> = self.record().into_iter().collect();
        // Ends, and is no recursion: as for `take_over`.
        while let Some(record) = inside.pop() {
            if !record.nursery.is_unused() || record.has_deferred() {
                return true;
            }
            record.on_aside(|aside| {
                let runs = aside.holds.runs();
                inside.extend(runs.filter_map(|turn| turn.record()));
            });
        }
        false
    }

    /// Takes over the run, and before it what lies in its body, if nobody has polled it since it was polled
    /// `polls` times.
    pub(crate) fn take_over(&self, polls: u64) -> Vec<Taken> {
        let mut taken = Vec::new();
        let mut inside: Vec<Arc<Self>> = Vec::new();
        self.take(Some(polls), &mut taken, &mut inside);
        // Ends: each turn goes one level down. Not by recursion: the tree may be deep.
        while let Some(turn) = inside.pop() {
            turn.take(None, &mut taken, &mut inside);
        }
        taken.reverse();
        taken
    }

    fn take(&self, polls: Option<u64>, taken: &mut Vec<Taken>, inside: &mut Vec<Arc<Self>>) {
        let Some(record) = self.record() else { return };
        let (parked, end) = {
            let mut state = self.state.lock();
            let is_same = polls.is_none_or(|polls| polls == state.polls);
            if state.stage != Stage::Waiting || !is_same {
                return;
            }
            state.stage = Stage::TakenOver;
            (state.parked.take(), state.end)
        };
        record.on_aside(|aside| {
            inside.extend(aside.holds.runs().map(Arc::clone));
        });
        taken.push(Taken {
            record,
            parked,
            end,
        });
    }
}

/// A run's entry on the list of the operation above whose body does not poll it.
pub(crate) struct Away {
    owner: Arc<Record>,
    id: OperationId,
}

impl Drop for Away {
    fn drop(&mut self) {
        let id = self.id;
        let entry = self.owner.on_aside(|aside| aside.away.remove(&id));
        // The entry goes after the lock: with it may go a finalizer.
        drop(entry);
        self.owner.nursery.wake_joiner();
    }
}

impl Record {
    pub(crate) fn new_turn(self: &Arc<Self>) -> Arc<Turn> {
        Turn::new(self)
    }

    /// Whether the body of its parent does not poll it, where `before` was the current entry around its poll.
    pub(crate) fn is_away(&self, before: Option<&Ambient>) -> bool {
        let parent = self.parent.as_ref().filter(|_| !self.spawned);
        parent.is_some_and(|parent| !before.is_some_and(|before| before.is_of(parent)))
    }

    /// Puts a run on the list of the nearest operation above that has not ended.
    pub(crate) fn go_away(&self, turn: &Arc<Turn>) -> Option<Away> {
        let id = self.label.id();
        // Ends: every turn goes one ancestor up, and there is no cycle.
        let above = std::iter::successors(self.parent.as_ref(), |record| record.parent.as_ref());
        for owner in above {
            let mut inner = owner.inner.lock();
            if !inner.settled {
                let aside = inner.aside.get_or_insert_default();
                aside.away.insert(id, Arc::clone(turn));
                drop(inner);
                let owner = Arc::clone(owner);
                return Some(Away { owner, id });
            }
        }
        None
    }

    /// The runs that it waits for though its body does not poll them: those that are cancelled, as it is, and
    /// have something open.
    ///
    /// Wakes: the waker is left with the joiner before the list is looked at, and who leaves the list wakes that.
    pub(crate) fn runs_away(&self, cx: &Context<'_>) -> NumberMap<OperationId, Arc<Turn>> {
        if !self.is_cancelled() || !self.has_away() {
            return NumberMap::new();
        }
        self.nursery.follow(cx);
        let away = self.on_aside(|aside| {
            let mut away = aside.away.clone();
            let kept = aside.holds.runs();
            away.extend(kept.map(|turn| (turn.id, Arc::clone(turn))));
            away
        });
        let is_waited_for = |turn: &Arc<Turn>| {
            let record = turn.record();
            record.is_some_and(|record| {
                record.is_cancelled() && !record.status().is_closed() && record.has_open()
            })
        };
        let away = away.unwrap_or_default().into_entries();
        away.filter(|(_, turn)| is_waited_for(turn)).collect()
    }

    /// Whether it may have to wait for a run that its body does not poll. To be asked once the body is gone: a run
    /// that was polled in that and is still there did not lie in it.
    pub(crate) fn has_away(&self) -> bool {
        let has =
            self.on_aside(|aside| !aside.away.is_empty() || aside.holds.runs().next().is_some());
        has == Some(true)
    }
}
