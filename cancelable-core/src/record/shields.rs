//! The shields of one operation: the one that it was opened in, and the holds of those that are open in its body.

use super::holder::Holders;
use super::shelter::Shelter;
use super::turn::Turn;
use crate::cause::OperationId;
use crate::sync::{AtomicBool, AtomicU32, AtomicU64, NumberMap, Ordering};
use crate::token::CallbackRegistration;
use std::sync::Arc;

pub(crate) struct Shields<H> {
    /// The shield that the operation was opened in; see `shelter.rs`.
    shelter: Option<Arc<Shelter<H>>>,
    /// How often its body was polled while there was a hold on it; see `holds.rs`.
    turn: AtomicU64,
    /// How many holds on its body count; see `holds.rs`.
    holds: AtomicU32,
    /// That shield is open: no cancel and no deadline from above reaches the operation.
    is_isolated: AtomicBool,
    /// The body is at its last poll; see `final_poll.rs`.
    is_at_final_poll: AtomicBool,
    /// The operation or an ancestor was opened inside a shield.
    is_sheltered: bool,
}

impl<H> Shields<H> {
    /// `is_above_sheltered` says the same of the parent.
    pub(super) fn new(shelter: Option<Arc<Shelter<H>>>, is_above_sheltered: bool) -> Self {
        Self {
            turn: AtomicU64::new(0),
            holds: AtomicU32::new(0),
            is_isolated: AtomicBool::new(shelter.is_some()),
            is_at_final_poll: AtomicBool::new(false),
            is_sheltered: shelter.is_some() || is_above_sheltered,
            shelter,
        }
    }

    pub(super) fn shelter(&self) -> Option<&Arc<Shelter<H>>> {
        self.shelter.as_ref()
    }

    /// The shield that isolates the operation, if one does.
    pub(super) fn isolating(&self) -> Option<&Arc<Shelter<H>>> {
        self.shelter().filter(|_| self.is_isolated())
    }

    pub(super) fn is_sheltered(&self) -> bool {
        self.is_sheltered
    }

    /// Whether no cancel and no deadline from above reaches the operation.
    pub(super) fn is_isolated(&self) -> bool {
        // Relaxed: what follows of a change comes by the token above and by a wake of the run.
        self.is_isolated.load(Ordering::Relaxed)
    }

    pub(super) fn set_bound(&self) {
        self.is_isolated.store(false, Ordering::Relaxed);
    }

    pub(super) fn add_hold(&self) {
        // AcqRel: "Wakes" in the head of `holds.rs`.
        self.holds.fetch_add(1, Ordering::AcqRel);
    }

    /// True if it was the last.
    pub(super) fn remove_hold(&self) -> bool {
        // AcqRel: as above.
        self.holds.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Whether a hold on the body counts.
    pub(crate) fn has_holds(&self) -> bool {
        // AcqRel, an exchange: "Wakes" in the head of `holds.rs`.
        self.holds.fetch_add(0, Ordering::AcqRel) > 0
    }

    /// [`has_holds`](Self::has_holds) as the task of the run sees it after its own poll.
    pub(super) fn has_holds_here(&self) -> bool {
        // Relaxed: what another thread adds later is seen by the next poll, and is handed over by a drop before
        // that.
        self.holds.load(Ordering::Relaxed) > 0
    }

    /// Begins a poll of the body, if there is a hold on it. Each holder that is polled notes this number.
    pub(crate) fn begin_turn(&self) {
        // Relaxed, all: see `Holder::note_poll`. No exchange, since only the task that polls the body counts.
        if self.has_holds_here() {
            let turn = self.turn.load(Ordering::Relaxed);
            self.turn.store(turn + 1, Ordering::Relaxed);
        }
    }

    /// The number of the last poll of the body.
    pub(crate) fn turn(&self) -> u64 {
        self.turn.load(Ordering::Relaxed)
    }

    // Relaxed, both: it is set, read and reset in one poll of one task.
    pub(super) fn set_at_final_poll(&self, is_at_it: bool) {
        self.is_at_final_poll.store(is_at_it, Ordering::Relaxed);
    }

    pub(crate) fn is_at_final_poll(&self) -> bool {
        self.is_at_final_poll.load(Ordering::Relaxed)
    }
}

/// The state of shields that few operations have, under the record's lock.
#[derive(Default)]
pub(super) struct RareShields<H> {
    /// The holders that keep the body from being dropped by a cancel, in the order in which they came.
    pub(super) holders: Holders<H>,
    /// The runs that are a part of the operation, and that its body does not poll; see `away.rs`.
    pub(super) away: NumberMap<OperationId, Arc<Turn<H>>>,
    /// Cancels the operation with its parent, once the shield that it was opened in has ended.
    pub(super) bound: Option<CallbackRegistration>,
}
