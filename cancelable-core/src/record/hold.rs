//! Why the body of a cancelled operation is polled on: a future inside it must not be dropped yet.
//!
//! A *hold* is kept by such a future: by a shield that is open, by a run that has children, finalizers or holds
//! of its own, and by the body of a blocking run. It stands on the list of its *home*, the operation whose body
//! polled that future last. A run that is cancelled looks at its list after each poll of its body, and drops the
//! body once no hold counts any more.
//!
//! # Invariants
//!
//! 1. A hold is where the polls are. Whoever has one says at each of its polls which operation is current there:
//!    that is the home, and with a home of its own each level holds the next one up. So a run that another task
//!    polls has no hold on a body that it does not lie in (`turn.rs` has what it has instead).
//! 2. A hold does not count while the code that polls its future is inside a shield: the shield has the hold, and
//!    when that ends nothing inside it holds the body any longer.
//! 3. A run never holds the body of an operation that it is no part of, and neither does a child, which has a task
//!    of its own. A shield that is polled outside the run of its operation has no hold.
//! 4. Who has a hold and is not polled loses it. Not having been polled is no proof by itself, since a combinator
//!    may poll only what was woken: the future is woken first, and loses the hold if it has not been polled a
//!    short time later although the body has (`scope/run/stalled.rs`). One that is polled again holds again.
//!
//! # Wakes
//!
//! A run that finds a hold leaves its waker (`run_waker.rs`) and looks once more. Who gives up the last hold lowers
//! the count and then looks whether the home is cancelled. Both go to the count by an exchange, so one of them
//! comes second: either the run sees that nothing holds it, or the other side sees the cancel and calls the run.
//!
//! # Locks
//!
//! The list lies under the lock of the home's record, which is the only one that is held here. Wakers are left,
//! taken and dropped outside it.

use super::Record;
use super::shelter::Shelter;
use super::turn::Turn;
use crate::cause::ambient::Ambient;
use crate::report::Straggler;
use crate::sync::{AtomicBool, AtomicU64, NumberMap, Ordering, WakerId, WakerSlot};
use std::panic::Location;
use std::sync::Arc;
use std::task::Context;
use std::time::{Duration, Instant};

/// A shield that is open, for reports.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenShield {
    pub(crate) opened_at: &'static Location<'static>,
    /// None where no runtime tells the time.
    pub(crate) since: Option<Instant>,
}

/// What has a hold.
pub(crate) enum Holding {
    Shield(OpenShield, Arc<Shelter>),
    /// A run inside.
    Run(Arc<Turn>),
    /// The body itself, of a blocking run.
    Body,
}

/// The entry of a hold, shared by its home and by the future that has it.
pub(crate) struct Holder {
    holding: Holding,
    /// The turn of the home in which it was last polled; see [`Record::begin_turn`].
    polled: AtomicU64,
    /// Of the task that polled it last.
    waker: WakerSlot,
    /// The waker was taken, so that the next poll has to leave another one.
    is_waker_taken: AtomicBool,
    /// A copy of what the home's list says, written under its lock.
    counts: AtomicBool,
}

/// The holds on one body.
#[derive(Default)]
pub(crate) struct Holds {
    next: u64,
    entries: NumberMap<u64, Arc<Holder>>,
}

impl Holds {
    /// The runs that have one.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &Arc<Turn>> {
        let holders = self.entries.values();
        holders.filter_map(|holder| match &holder.holding {
            Holding::Run(turn) => Some(turn),
            Holding::Shield(..) | Holding::Body => None,
        })
    }
}

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
        let holder = Arc::new(Holder {
            holding,
            polled: AtomicU64::new(home.turn()),
            waker: WakerSlot::new(),
            is_waker_taken: AtomicBool::new(false),
            counts: AtomicBool::new(false),
        });
        let key = home.with_aside(|aside| {
            let holds = &mut aside.holds;
            let key = holds.next;
            holds.next += 1;
            holds.entries.insert(key, Arc::clone(&holder));
            key
        });
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
        // Relaxed, here and in `begin_turn`: whoever is polled in a turn is polled by the task that counts the
        // turns. One that another task polls is on the list until it is polled there, and one poll more or less
        // is no proof.
        holder.polled.store(self.home.turn(), Ordering::Relaxed);
        let waker = Some(WakerId::of(cx.waker()));
        // Relaxed: a waker that is taken beside this is woken, and leads to another poll.
        if self.left != waker || holder.is_waker_taken.load(Ordering::Relaxed) {
            holder.is_waker_taken.store(false, Ordering::Relaxed);
            self.left = Some(holder.waker.register(cx.waker()));
        }
        // Relaxed: it is changed by the task that polls, and where a home gives a hold up beside a poll
        // elsewhere, the next poll counts it again.
        if holder.counts.load(Ordering::Relaxed) != counts {
            self.home.count_hold(holder, counts);
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.home.count_hold(&self.holder, false);
        let key = self.key;
        let entry = self.home.on_aside(|aside| aside.holds.entries.remove(&key));
        // With it may go the waker, which is not our code.
        drop(entry);
        if let Holding::Run(_) = self.holder.holding {
            // Of a home that has lost its body and waits for this run, which was not in it.
            self.home.nursery.wake_joiner();
        }
    }
}

impl Holder {
    /// Wakes the task that polled it last.
    pub(crate) fn wake(&self) {
        // Relaxed: see `note_poll`.
        self.is_waker_taken.store(true, Ordering::Relaxed);
        self.waker.wake("the waker of a future that is not polled");
    }

    /// What is to be said of it where it is held and not polled by `home`.
    pub(crate) fn straggler(&self, home: &Record, unpolled_for: Option<Duration>) -> Straggler {
        let run = match &self.holding {
            Holding::Run(turn) => turn.record(),
            Holding::Shield(..) | Holding::Body => None,
        };
        match (run, &self.holding) {
            (Some(run), _) => run.as_unpolled(unpolled_for, None),
            (None, Holding::Shield(shield, _)) => home.as_unpolled(unpolled_for, Some(shield)),
            (None, _) => home.as_unpolled(unpolled_for, None),
        }
    }
}

impl Record {
    /// Has a hold count or not, and calls the run of a cancelled operation whose last one it was.
    fn count_hold(&self, holder: &Holder, counts: bool) {
        let last = {
            let _inner = self.inner.lock();
            // Relaxed: written under the lock that is held here.
            if holder.counts.swap(counts, Ordering::Relaxed) == counts {
                return;
            }
            // AcqRel: "Wakes" in the head of this file.
            match counts {
                true => {
                    self.holds.fetch_add(1, Ordering::AcqRel);
                    false
                }
                false => self.holds.fetch_sub(1, Ordering::AcqRel) == 1,
            }
        };
        if last && self.is_cancelled() {
            self.call_runner();
        }
    }

    /// Whether a cancelled body has to be polled on. The task is woken when the last hold goes.
    ///
    /// Wakes: see the head of this file.
    pub(crate) fn is_held(&self, cx: &Context<'_>) -> bool {
        if !self.has_holds() {
            return false;
        }
        self.follow(cx.waker());
        self.has_holds()
    }

    /// Whether a hold on its body counts.
    pub(crate) fn has_holds(&self) -> bool {
        // AcqRel, an exchange: "Wakes" in the head of this file.
        self.holds.fetch_add(0, Ordering::AcqRel) > 0
    }

    /// Whether a drop of the body that this run lies in would leave something behind: children, finalizers, or
    /// what holds its own body.
    pub(crate) fn has_open(&self) -> bool {
        // Relaxed: asked by the task of the run after its own poll. What another thread adds later is seen by the
        // next poll, and is handed over by a drop before that.
        !self.nursery.is_unused() || self.has_deferred() || self.holds.load(Ordering::Relaxed) > 0
    }

    /// Begins a poll of the body, if there is a hold on it. Who has one and is polled says so by this number.
    pub(crate) fn begin_turn(&self) {
        // Relaxed, all: see `Hold::note_poll`. No exchange, since only the task that polls the body counts.
        if self.holds.load(Ordering::Relaxed) > 0 {
            let turn = self.turn.load(Ordering::Relaxed);
            self.turn.store(turn + 1, Ordering::Relaxed);
        }
    }

    /// The number of the last poll of the body.
    pub(crate) fn turn(&self) -> u64 {
        self.turn.load(Ordering::Relaxed)
    }

    /// The holds that count, and whose futures the last turn did not poll.
    pub(crate) fn unpolled_holders(&self) -> NumberMap<u64, Arc<Holder>> {
        let turn = self.turn();
        let unpolled = self.on_aside(|aside| {
            let entries = aside.holds.entries.iter();
            let unpolled = entries.filter(|(_, holder)| {
                holder.counts.load(Ordering::Relaxed)
                    && holder.polled.load(Ordering::Relaxed) < turn
            });
            unpolled
                .map(|(key, holder)| (*key, Arc::clone(holder)))
                .collect()
        });
        unpolled.unwrap_or_default()
    }

    /// Takes the hold from a future that was not polled. True if it counted.
    pub(crate) fn give_up(&self, holder: &Holder) -> bool {
        let counted = holder.counts.load(Ordering::Relaxed);
        self.count_hold(holder, false);
        if let Holding::Shield(_, shelter) = &holder.holding {
            shelter.end();
        }
        counted
    }

    /// The shield that was opened last of those that are open in this operation and in the runs that its body
    /// polls.
    pub(crate) fn open_shield(&self) -> Option<OpenShield> {
        let mut found: Vec<OpenShield> = Vec::new();
        let mut inside: Vec<Arc<Self>> = Vec::new();
        self.look_for_shields(&mut found, &mut inside);
        // Ends: each turn goes one level down, and nothing polls what it lies in. Not by recursion: the tree may
        // be deep.
        while let Some(record) = inside.pop() {
            record.look_for_shields(&mut found, &mut inside);
        }
        found.into_iter().max_by_key(|shield| shield.since)
    }

    fn look_for_shields(&self, found: &mut Vec<OpenShield>, inside: &mut Vec<Arc<Self>>) {
        self.on_aside(|aside| {
            for holder in aside.holds.entries.values() {
                match &holder.holding {
                    Holding::Shield(shield, _) => found.push(*shield),
                    Holding::Run(turn) => inside.extend(turn.record()),
                    Holding::Body => {}
                }
            }
        });
    }

    /// Keeps the hold of a run that has answered pending, where the body of `before` polls it; see the head of
    /// this file.
    pub(crate) fn keep_hold(
        self: &Arc<Self>,
        hold: &mut Option<Hold>,
        turn: &Arc<Turn>,
        before: Option<&Ambient>,
        cx: &Context<'_>,
    ) {
        if self.spawned || !self.has_open() {
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
            .and_then(Self::of)
            .filter(|home| self.is_part_of(home));
        let holding = || Holding::Run(Arc::clone(turn));
        *hold = home.map(|home| Hold::open(home, holding(), counts, cx));
    }
}
