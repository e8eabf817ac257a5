//! The notes on one operation for reports on what has not stopped, under the record's lock.

use crate::cause::OperationId;
use crate::report::Straggler;
use crate::sync::NumberMap;
use std::time::Instant;

#[derive(Default)]
pub(super) struct Diagnostics<H> {
    pub(super) polled: Option<Instant>,
    pub(super) checked: Option<Instant>,
    /// The body has ended; what goes on are children and finalizers.
    pub(super) is_body_over: bool,
    /// The operations that run directly below, if this one watches them.
    pub(super) inside: NumberMap<OperationId, H>,
    /// The parts that were dropped at the end of their time.
    stragglers: Vec<Straggler>,
    /// The operations of which one of the stragglers is the body: that is reported once.
    bodies: NumberMap<OperationId, ()>,
}

impl<H> Diagnostics<H> {
    /// Whether a straggler was not reported before.
    pub(super) fn is_new(&mut self, straggler: &Straggler) -> bool {
        let body = straggler.body();
        body.is_none_or(|id| self.bodies.insert(id, ()).is_none())
    }

    pub(super) fn keep(&mut self, straggler: Straggler) {
        if self.is_new(&straggler) {
            self.stragglers.push(straggler);
        }
    }

    /// Returns how many stragglers are kept.
    pub(super) fn straggler_count(&self) -> usize {
        self.stragglers.len()
    }

    pub(super) fn take_stragglers(&mut self) -> Vec<Straggler> {
        std::mem::take(&mut self.stragglers)
    }
}
