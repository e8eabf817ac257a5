//! Holds: the reasons to poll on the body of a cancelled operation, because a future inside it must not be dropped yet.
//!
//! A *hold* is kept by such a future: by a shield that is open, by a run that has children, finalizers or holds
//! of its own, and by the body of a blocking run. It stands on the list of its *home*, the operation whose body
//! polled that future last. A run that is cancelled looks at its list after each poll of its body, and drops the
//! body once no hold counts any more.
//!
//! # Invariants
//!
//! 1. A hold is where the polls are. Its future notes at each poll which operation is current there:
//!    that is the home, and with a home of its own each level holds the next one up. So a run that another task
//!    polls has no hold on a body that it does not lie in (`away.rs` has what it has instead).
//! 2. A hold does not count while the code that polls its future is inside a shield: the shield has the hold, and
//!    when that ends nothing inside it holds the body any longer.
//! 3. A run never holds the body of an operation that it is no part of, and neither does a child, which has a task
//!    of its own. A shield that is polled outside the run of its operation has no hold.
//! 4. A future that has a hold and is not polled loses it. Not having been polled is no proof by itself, since a combinator
//!    may poll only what was woken: the future is woken first, and loses the hold if it has not been polled a
//!    short time later although the body has (`scope/run/stalled.rs`). One that is polled again holds again.
//!
//! # Wakes
//!
//! A run that finds a hold leaves its waker (`run_waker.rs`) and looks once more. The end of the last hold lowers
//! the count and then looks whether the home is cancelled. Both go to the count by an exchange, so one of them
//! comes second: either the run sees that nothing holds it, or the other side sees the cancel and wakes the run.
//!
//! # Locks
//!
//! The list lies under the lock of the home's record, which is the only one that is held here. Wakers are left,
//! taken and dropped outside it.

use super::holder::OpenShield;
use super::{Holder, Holding, Record, Turn, run_waker, shelters};
use crate::cause::ambient::Ambient;
use crate::sync::{NumberMap, WakerId};
use std::sync::{Arc, Weak};
use std::task::Context;

/// While it lives and counts, the body of its home is not dropped by a cancel.
pub(crate) struct Hold {
    home: Arc<Record>,
    key: u64,
    holder: Arc<Holder>,
    /// The waker that lies there.
    left: Option<WakerId>,
}

impl Hold {
    /// Puts a hold on the list of `home`.
    pub(crate) fn open(
        home: Arc<Record>,
        holding: Holding,
        counts: bool,
        cx: &Context<'_>,
    ) -> Self {
        let holder = Holder::new(holding, home.shields.turn());
        let key = home.with_rare(|rare| rare.shields.holders.insert(&holder));
        let mut hold = Self {
            home,
            key,
            holder,
            left: None,
        };
        hold.note_poll(counts, cx);
        hold
    }

    /// The operation whose body it holds.
    pub(crate) fn home(&self) -> &Arc<Record> {
        &self.home
    }

    /// Notes that its future is polled, and whether it counts there.
    pub(crate) fn note_poll(&mut self, counts: bool, cx: &Context<'_>) {
        let holder = &self.holder;
        holder.note_poll(self.home.shields.turn(), &mut self.left, cx);
        if holder.counts() != counts {
            count(&self.home, holder, counts);
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        count(&self.home, &self.holder, false);
        let key = self.key;
        let removed = self.home.on_rare(|rare| rare.shields.holders.remove(key));
        drop(removed);
        if let Holding::Run(_) = self.holder.holding() {
            // Of a home that has lost its body and waits for this run, which was not in it.
            self.home.children.wake_joiner();
        }
    }
}

/// Has a hold count or not, and wakes the run of a cancelled operation whose last one it was.
fn count(home: &Record, holder: &Holder, counts: bool) {
    let last = {
        let _inner = home.inner.lock();
        if !holder.set_counts(counts) {
            return;
        }
        match counts {
            true => {
                home.shields.add_hold();
                false
            }
            false => home.shields.remove_hold(),
        }
    };
    if last && home.is_cancelled() {
        run_waker::wake_run(home);
    }
}

/// Whether a cancelled body has to be polled on. The task is woken when the last hold goes.
///
/// Wakes: see the head of this file.
pub(crate) fn is_held(record: &Record, cx: &Context<'_>) -> bool {
    if !record.shields.has_holds() {
        return false;
    }
    run_waker::follow(record, cx.waker());
    record.shields.has_holds()
}

/// Whether a drop of the body that this run lies in would leave something behind: children, finalizers, or
/// what holds its own body.
pub(crate) fn has_open(record: &Record) -> bool {
    !record.children.is_unused() || record.has_deferred() || record.shields.has_holds_here()
}

/// The holds that count, and whose futures the last turn did not poll.
pub(crate) fn unpolled(record: &Record) -> NumberMap<u64, Arc<Holder>> {
    let turn = record.shields.turn();
    let unpolled = record.on_rare(|rare| rare.shields.holders.unpolled(turn));
    unpolled.unwrap_or_default()
}

/// Takes the hold from a future that was not polled. True if it counted.
pub(crate) fn give_up(record: &Record, holder: &Holder) -> bool {
    let counted = holder.counts();
    count(record, holder, false);
    if let Holding::Shield(_, shelter) = holder.holding() {
        shelters::end(shelter);
    }
    counted
}

/// The shield that was opened last of those that are open in this operation and in the runs that its body
/// polls.
pub(crate) fn open_shield(record: &Record) -> Option<OpenShield> {
    let mut found: Vec<OpenShield> = Vec::new();
    let mut inside: Vec<Arc<Record>> = Vec::new();
    find_shields(record, &mut found, &mut inside);
    // Ends: each turn goes one level down, and nothing polls what it lies in. Not by recursion: the tree may
    // be deep.
    while let Some(record) = inside.pop() {
        find_shields(&record, &mut found, &mut inside);
    }
    found.into_iter().max_by_key(|shield| shield.since)
}

fn find_shields(record: &Record, found: &mut Vec<OpenShield>, inside: &mut Vec<Arc<Record>>) {
    record.on_rare(|rare| {
        for holding in rare.shields.holders.holdings() {
            match holding {
                Holding::Shield(shield, _) => found.push(*shield),
                Holding::Run(turn) => inside.extend(Weak::upgrade(turn.handle())),
                Holding::Body => {}
            }
        }
    });
}

/// Keeps the hold of a run that has answered pending, where the body of `before` polls it; see the head of
/// this file.
pub(crate) fn keep(
    record: &Arc<Record>,
    hold: &mut Option<Hold>,
    turn: &Arc<Turn>,
    before: Option<&Ambient>,
    cx: &Context<'_>,
) {
    if record.spawned || !has_open(record) {
        *hold = None;
        return;
    }
    let counts = before.is_some_and(|before| !before.is_shielded());
    if let (Some(hold), Some(before)) = (hold.as_mut(), before) {
        if before.is_of(hold.home()) {
            hold.note_poll(counts, cx);
            return;
        }
    }
    let home = before
        .and_then(Record::of)
        .filter(|home| record.is_part_of(home));
    let holding = || Holding::Run(Arc::clone(turn));
    *hold = home.map(|home| Hold::open(home, holding(), counts, cx));
}
