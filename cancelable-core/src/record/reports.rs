//! The reports that an operation keeps, under the record's lock: its own, for the handle of a child, and those from below.

use crate::report::Report;

/// How many reports a scope keeps of what came from below, and how many stragglers, cleanup errors and failures of
/// children of them go into its own. A scope that runs for months must not collect for as long as it runs, and in a deep
/// line each level must not pass on all that is below it. What is in the reports is in the log too.
pub(super) const KEPT: usize = 256;

pub(super) struct Reports<H> {
    /// As a spawned child that has ended, or a run that was taken over: the report, until it is taken.
    pub(super) own: Option<Box<Report>>,
    below: Vec<Below<H>>,
}

/// A report from below.
pub(super) enum Below<H> {
    /// A child that has ended and has a report. It holds this operation, and is let go of at its end.
    Child(H),
    /// A run that was taken over (`turn.rs`). It holds this operation, as a child does. If it is polled again, it
    /// takes the report and the failures of its children into its outcome.
    TakenOver(H),
    /// The report of an operation whose end nobody reads: a run that was dropped, or a blocking call.
    Report(Box<Report>),
}

impl<H> Default for Reports<H> {
    fn default() -> Self {
        Self {
            own: None,
            below: Vec::new(),
        }
    }
}

impl<H> Reports<H> {
    /// Keeps what came from below, which comes back if there is no room.
    pub(super) fn keep(&mut self, below: Below<H>) -> Option<Below<H>> {
        if self.below.len() >= KEPT {
            return Some(below);
        }
        self.below.push(below);
        None
    }

    pub(super) fn take_below(&mut self) -> Vec<Below<H>> {
        std::mem::take(&mut self.below)
    }
}
