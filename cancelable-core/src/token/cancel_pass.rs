//! The first pass of one call of `cancel`, as other calls see it.
//!
//! Two calls whose trees overlap share the work: each branch is marked by the call that comes first,
//! and the other passes it by. This is how the other one knows whose work it was and when it is done,
//! because `cancel` must not return before. "Overlapping cancels" in the module's header has the
//! argument.

use super::inline_list::InlineList;
use super::member::Member;
use crate::cause::Facts;
use crate::sync::{AtomicBool, ManualResetEvent, Mutex, Ordering};
use std::sync::Arc;

/// What a cancelled branch keeps: the cause, and how far the call is that brought it.
#[derive(Debug)]
pub(super) struct CancelPass {
    facts: Arc<Facts>,
    /// Opened when this call has marked all that it was first to reach.
    marked: ManualResetEvent,
    /// The markings that this one passed by. Set before `marked` is opened and taken when all of them
    /// are over.
    met: Mutex<Vec<Arc<CancelPass>>>,
    /// Everything below all that it marked is marked, by whomever.
    over: AtomicBool,
}

impl CancelPass {
    fn with(facts: Arc<Facts>, over: bool) -> Arc<Self> {
        Arc::new(Self {
            facts,
            marked: ManualResetEvent::new(),
            met: Mutex::new(Vec::new()),
            over: AtomicBool::new(over),
        })
    }

    /// For a branch that is cancelled from birth, and so has nothing below it.
    pub(super) fn finished(facts: Arc<Facts>) -> Arc<Self> {
        Self::with(facts, true)
    }

    pub(super) fn facts(&self) -> &Arc<Facts> {
        &self.facts
    }

    pub(super) fn is_finished(&self) -> bool {
        // Acquire: pairs with the Release in `ActivePass::end`, so that who sees it sees every mark.
        self.over.load(Ordering::Acquire)
    }

    /// Blocks until all of `waiting`, and all that these have passed by, are over. To be called with
    /// no lock held and no pass of one's own begun.
    ///
    /// Ends: a pass never waits, so each gate is opened; and each round takes a marking that was not
    /// seen before, of which there are as many as there are calls at the time.
    pub(super) fn wait_for(mut waiting: Vec<Arc<Self>>) {
        let mut next = 0;
        while let Some(marking) = waiting.get(next).map(Arc::clone) {
            next += 1;
            if marking.is_finished() {
                continue;
            }
            marking.marked.wait();
            for met in marking.met.lock().iter() {
                if !waiting.iter().any(|known| Arc::ptr_eq(known, met)) {
                    waiting.push(Arc::clone(met));
                }
            }
        }
    }
}

/// One call's way through the objects that it marks.
#[derive(Debug)]
pub(super) struct ActivePass {
    facts: Arc<Facts>,
    /// Made for the first branch: a token without one costs no allocation.
    marking: Option<Arc<CancelPass>>,
    met: Vec<Arc<CancelPass>>,
    /// The members of the branch that was marked last, until they are told.
    pub(super) taken: InlineList<Member>,
}

impl ActivePass {
    pub(super) fn new(facts: Arc<Facts>) -> Self {
        Self {
            facts,
            marking: None,
            met: Vec::new(),
            taken: InlineList::default(),
        }
    }

    /// Takes the members of a branch, when those of the one before are being told.
    pub(super) fn take(&mut self, members: &mut InlineList<Member>) {
        std::mem::swap(&mut self.taken, members);
    }

    pub(super) fn facts(&self) -> &Arc<Facts> {
        &self.facts
    }

    /// What a branch keeps that this call marks.
    pub(super) fn marking(&mut self) -> Arc<CancelPass> {
        let marking = self
            .marking
            .get_or_insert_with(|| CancelPass::with(Arc::clone(&self.facts), false));
        Arc::clone(marking)
    }

    /// Notes that a branch which `other` has marked was passed by.
    pub(super) fn note_overlap(&mut self, other: &Arc<CancelPass>) {
        let known = |one: &Arc<CancelPass>| Arc::ptr_eq(one, other);
        if !other.is_finished() && !self.marking.iter().chain(&self.met).any(known) {
            self.met.push(Arc::clone(other));
        }
    }

    /// Ends the pass, and waits for those that it has met. To be called with no lock held.
    pub(super) fn end(self) {
        let Some(marking) = self.marking else {
            return CancelPass::wait_for(self.met);
        };
        if self.met.is_empty() {
            // Release: see `is_finished`.
            marking.over.store(true, Ordering::Release);
            return marking.marked.set();
        }
        *marking.met.lock() = self.met.clone();
        marking.marked.set();
        CancelPass::wait_for(self.met);
        // Release: as above.
        marking.over.store(true, Ordering::Release);
        // Who looks from now on needs them no more. Dropped with the lock given back.
        let met = std::mem::take(&mut *marking.met.lock());
        drop(met);
    }
}
