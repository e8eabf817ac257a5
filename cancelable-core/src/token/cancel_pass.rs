//! The first pass of a `cancel` call, as other calls see it.
//!
//! Calls whose trees overlap share the work: the first call to reach a branch marks it, and later calls skip
//! it. `cancel` must not return before everything below is marked. So a later call notes the pass that marked
//! the branch, and waits for that pass. "Overlapping cancels" in the module's header has the argument.

use super::inline_list::InlineList;
use super::member::Member;
use crate::cause::Facts;
use crate::sync::{AtomicBool, ManualResetEvent, Mutex, Ordering};
use std::sync::Arc;

/// The shared part of a first pass, stored in the branches that it cancelled: the cause and its progress.
#[derive(Debug)]
pub(super) struct CancelPass {
    facts: Arc<Facts>,
    /// The event that is set when the call has marked every object that it was the first to reach.
    marked: ManualResetEvent,
    /// The passes whose branches this pass skipped. Stored before `marked` is set; taken when all of them are
    /// finished.
    overlapped: Mutex<Vec<Arc<CancelPass>>>,
    /// True once everything below the objects that this pass marked is marked, by any pass.
    finished: AtomicBool,
}

impl CancelPass {
    fn with(facts: Arc<Facts>, finished: bool) -> Arc<Self> {
        Arc::new(Self {
            facts,
            marked: ManualResetEvent::new(),
            overlapped: Mutex::new(Vec::new()),
            finished: AtomicBool::new(finished),
        })
    }

    /// Creates a finished pass, for a branch that is cancelled when it is made and so has nothing below it.
    pub(super) fn finished(facts: Arc<Facts>) -> Arc<Self> {
        Self::with(facts, true)
    }

    pub(super) fn facts(&self) -> &Arc<Facts> {
        &self.facts
    }

    pub(super) fn is_finished(&self) -> bool {
        // Acquire: pairs with the Release in `ActivePass::finish`, so a reader of true sees every mark.
        self.finished.load(Ordering::Acquire)
    }

    /// Blocks until every pass in `waiting`, and every pass that those skipped, is finished. Requires that no
    /// lock is held and that the caller has no unfinished pass of its own.
    ///
    /// Ends: a pass never waits before it sets its event, so each event is set. Each round takes a pass that
    /// was not seen before, and there are at most as many as there are concurrent calls.
    pub(super) fn wait_for(mut waiting: Vec<Arc<Self>>) {
        let mut next = 0;
        while let Some(pass) = waiting.get(next).map(Arc::clone) {
            next += 1;
            if pass.is_finished() {
                continue;
            }
            pass.marked.wait();
            for overlapped in pass.overlapped.lock().iter() {
                if !waiting.iter().any(|known| Arc::ptr_eq(known, overlapped)) {
                    waiting.push(Arc::clone(overlapped));
                }
            }
        }
    }
}

/// The part of a first pass that only its own call sees.
#[derive(Debug)]
pub(super) struct ActivePass {
    facts: Arc<Facts>,
    /// The pass, made for the first branch: a token without a branch costs no allocation.
    shared: Option<Arc<CancelPass>>,
    overlapped: Vec<Arc<CancelPass>>,
    /// The members of the branch that was marked last, until they are notified.
    pub(super) members: InlineList<Member>,
}

impl ActivePass {
    pub(super) fn new(facts: Arc<Facts>) -> Self {
        Self {
            facts,
            shared: None,
            overlapped: Vec::new(),
            members: InlineList::default(),
        }
    }

    /// Takes the members of a branch, while the caller notifies those of the previous branch.
    pub(super) fn take_members(&mut self, members: &mut InlineList<Member>) {
        std::mem::swap(&mut self.members, members);
    }

    pub(super) fn facts(&self) -> &Arc<Facts> {
        &self.facts
    }

    /// Returns the shared part, for a branch that this pass cancels.
    pub(super) fn shared(&mut self) -> Arc<CancelPass> {
        let shared = self
            .shared
            .get_or_insert_with(|| CancelPass::with(Arc::clone(&self.facts), false));
        Arc::clone(shared)
    }

    /// Records that this pass skipped a branch which `other` had marked.
    pub(super) fn note_overlap(&mut self, other: &Arc<CancelPass>) {
        let known = |one: &Arc<CancelPass>| Arc::ptr_eq(one, other);
        if !other.is_finished() && !self.shared.iter().chain(&self.overlapped).any(known) {
            self.overlapped.push(Arc::clone(other));
        }
    }

    /// Finishes the pass: sets its event, then waits for the passes that it overlapped. Requires that no lock
    /// is held.
    pub(super) fn finish(self) {
        let Some(shared) = self.shared else {
            return CancelPass::wait_for(self.overlapped);
        };
        if self.overlapped.is_empty() {
            // Release: see `is_finished`.
            shared.finished.store(true, Ordering::Release);
            return shared.marked.set();
        }
        *shared.overlapped.lock() = self.overlapped.clone();
        shared.marked.set();
        CancelPass::wait_for(self.overlapped);
        // Release: see `is_finished`.
        shared.finished.store(true, Ordering::Release);
        // Later waiters need them no longer. Dropped after the lock is released.
        let overlapped = std::mem::take(&mut *shared.overlapped.lock());
        drop(overlapped);
    }
}
