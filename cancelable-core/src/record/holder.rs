//! The holds on the body of one operation, as a list of their holders. `holds.rs` says what a hold is.

use super::shelter::Shelter;
use super::turn::Turn;
use crate::sync::{AtomicBool, AtomicU64, NumberMap, Ordering, WakerId, WakerSlot};
use std::panic::Location;
use std::sync::Arc;
use std::task::Context;
use std::time::Instant;

/// A shield that is open, for reports.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenShield {
    pub(crate) location: &'static Location<'static>,
    /// None where no runtime tells the time.
    pub(crate) since: Option<Instant>,
}

/// The holder of a hold.
pub(crate) enum Holding<H> {
    Shield(OpenShield, Arc<Shelter<H>>),
    /// A run inside.
    Run(Arc<Turn<H>>),
    /// The body itself, of a blocking run.
    Body,
}

/// The entry of a hold, shared by its home and by the future that has it.
pub(crate) struct Holder<H> {
    holding: Holding<H>,
    /// The turn of the home in which it was last polled; see [`Shields::begin_turn`](super::shields::Shields::begin_turn).
    polled: AtomicU64,
    /// Of the task that polled it last.
    waker: WakerSlot,
    /// The waker was taken, so that the next poll has to leave another one.
    is_waker_taken: AtomicBool,
    /// Written under the lock of the home's record.
    counts: AtomicBool,
}

impl<H> Holder<H> {
    pub(super) fn new(holding: Holding<H>, turn: u64) -> Arc<Self> {
        Arc::new(Self {
            holding,
            polled: AtomicU64::new(turn),
            waker: WakerSlot::new(),
            is_waker_taken: AtomicBool::new(false),
            counts: AtomicBool::new(false),
        })
    }

    pub(super) fn holding(&self) -> &Holding<H> {
        &self.holding
    }

    /// Notes a poll in this turn of the home. `left` is the waker that its future has left before.
    pub(super) fn note_poll(&self, turn: u64, left: &mut Option<WakerId>, cx: &Context<'_>) {
        // Relaxed, here and for the turn: a future that is polled in a turn is polled by the task that counts the
        // turns. A future that another task polls is on the list until it is polled there, and one poll more or less
        // is no proof.
        self.polled.store(turn, Ordering::Relaxed);
        // Relaxed: a waker that is taken beside this is woken, and leads to another poll.
        let waker = Some(WakerId::of(cx.waker()));
        if *left != waker || self.is_waker_taken.load(Ordering::Relaxed) {
            self.is_waker_taken.store(false, Ordering::Relaxed);
            *left = Some(self.waker.register(cx.waker()));
        }
    }

    pub(super) fn counts(&self) -> bool {
        // Relaxed: it is changed by the task that polls, and where a home gives a hold up beside a poll
        // elsewhere, the next poll counts it again.
        self.counts.load(Ordering::Relaxed)
    }

    /// Has it count or not, under the lock of the home's record. True if that is a change.
    pub(super) fn set_counts(&self, counts: bool) -> bool {
        // Relaxed: written under the lock that is held here.
        self.counts.swap(counts, Ordering::Relaxed) != counts
    }

    fn is_unpolled(&self, turn: u64) -> bool {
        self.counts() && self.polled.load(Ordering::Relaxed) < turn
    }

    /// Wakes the task that polled it last.
    pub(crate) fn wake(&self) {
        // Relaxed: see `note_poll`.
        self.is_waker_taken.store(true, Ordering::Relaxed);
        self.waker.wake("the waker of a future that is not polled");
    }
}

/// The holders of one body.
#[derive(Default)]
pub(super) struct Holders<H> {
    next: u64,
    entries: NumberMap<u64, Arc<Holder<H>>>,
}

impl<H> Holders<H> {
    pub(super) fn insert(&mut self, holder: &Arc<Holder<H>>) -> u64 {
        let key = self.next;
        self.next += 1;
        self.entries.insert(key, Arc::clone(holder));
        key
    }

    /// Removes a holder, for a drop after the lock: with it may go a waker, which is not our code.
    pub(super) fn remove(&mut self, key: u64) -> Option<Arc<Holder<H>>> {
        self.entries.remove(&key)
    }

    pub(super) fn holdings(&self) -> impl Iterator<Item = &Holding<H>> {
        self.entries.values().map(|holder| &holder.holding)
    }

    /// The runs that have a hold.
    pub(super) fn runs(&self) -> impl Iterator<Item = &Arc<Turn<H>>> {
        self.holdings().filter_map(|holding| match holding {
            Holding::Run(turn) => Some(turn),
            Holding::Shield(..) | Holding::Body => None,
        })
    }

    /// The holders that count, and whose futures this turn did not poll.
    pub(super) fn unpolled(&self, turn: u64) -> NumberMap<u64, Arc<Holder<H>>> {
        let entries = self.entries.iter();
        let unpolled = entries.filter(|(_, holder)| holder.is_unpolled(turn));
        unpolled
            .map(|(key, holder)| (*key, Arc::clone(holder)))
            .collect()
    }
}
