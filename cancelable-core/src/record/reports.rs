//! The reports of one operation, under the record's lock: notes for reports on stragglers, the operation's own
//! report for the handle of a child, and reports that its descendants have left.

use crate::cause::OperationId;
use crate::report::{Report, Straggler};
use crate::sync::NumberMap;
use std::time::Instant;

/// The notes of one operation for reports on stragglers.
#[derive(Default)]
pub(super) struct Diagnostics<H> {
    pub(super) polled: Option<Instant>,
    pub(super) checked: Option<Instant>,
    /// True once the body has ended; children and finalizers may still run.
    pub(super) is_body_over: bool,
    /// The operations that run directly inside, if this operation watches them.
    pub(super) inside: NumberMap<OperationId, H>,
    /// The futures that were dropped at the end of their time, and the blocking calls that were abandoned.
    stragglers: Vec<Straggler>,
    /// The operations whose body or blocking call is one of the stragglers. A body is reported once.
    bodies: NumberMap<OperationId, ()>,
}

impl<H> Diagnostics<H> {
    /// Returns whether the straggler was not reported before.
    pub(super) fn is_new(&mut self, straggler: &Straggler) -> bool {
        let body = straggler.body();
        body.is_none_or(|id| self.bodies.insert(id, ()).is_none())
    }

    pub(super) fn keep(&mut self, straggler: Straggler) {
        if self.is_new(&straggler) {
            self.stragglers.push(straggler);
        }
    }

    pub(super) fn straggler_count(&self) -> usize {
        self.stragglers.len()
    }

    pub(super) fn take_stragglers(&mut self) -> Vec<Straggler> {
        std::mem::take(&mut self.stragglers)
    }
}

/// The limit on the reports that a scope keeps of its descendants, and on the stragglers, cleanup errors and
/// child failures of them that go into its own report. A scope that runs for months must not collect reports for
/// months, and in a deep tree each level must not pass on all reports below it. All of them are in the log too.
pub(super) const KEPT: usize = 256;

pub(super) struct Reports<H> {
    /// The report of a spawned child that has ended, or of a run that was taken over, until it is taken.
    pub(super) own: Option<Box<Report>>,
    sources: Vec<ReportSource<H>>,
}

/// The source of a report of a descendant.
pub(super) enum ReportSource<H> {
    /// A child that has ended and has a report. The handle keeps this operation alive, and is dropped at its end.
    Child(H),
    /// A run that was taken over (`takeover.rs`). The handle keeps this operation alive, as that of a child does.
    /// If the run is polled again, its outcome takes the report and the failures of its children.
    TakenOver(H),
    /// The report of an operation without an outcome: a run that was dropped, or a blocking call.
    Report(Box<Report>),
}

impl<H> Default for Reports<H> {
    fn default() -> Self {
        Self {
            own: None,
            sources: Vec::new(),
        }
    }
}

impl<H> Reports<H> {
    /// Keeps a source. Returns it if there is no room.
    pub(super) fn keep(&mut self, source: ReportSource<H>) -> Option<ReportSource<H>> {
        if self.sources.len() >= KEPT {
            return Some(source);
        }
        self.sources.push(source);
        None
    }

    pub(super) fn take_sources(&mut self) -> Vec<ReportSource<H>> {
        std::mem::take(&mut self.sources)
    }
}
