//! What else is said about a run that has ended, beside its value: kept apart because most have
//! nothing to say.
//!
//! What goes wrong in a spawned child is on its handle. What nobody has taken from there when the scope above
//! ends belongs in that one's report. A run that was dropped has no outcome, so its report goes to the nearest
//! operation above that has not ended, as what it has left does (`orphans.rs`). Where there is none it is dropped;
//! the log has it.

use super::Record;
use super::aside::Aside;
use crate::report::{Report, Straggler};
use std::sync::Arc;

/// How many reports a scope keeps of what came from below. One that runs for months must not collect for as
/// long as it runs; what is in them is in the log too.
const KEPT: usize = 256;

/// What came from below.
pub(crate) enum Below {
    /// A child that has ended and has a report. It holds this operation, and is let go of at its end.
    Child(Arc<Record>),
    /// A run that was taken over (`turn.rs`). It holds this operation, as a child does. If it is polled again, it
    /// takes the report and the failures of its children into its outcome.
    TakenOver(Arc<Record>),
    /// The report of an operation whose end nobody reads: a run that was dropped, or a blocking call.
    Report(Box<Report>),
}

/// How an operation has lost its run.
#[derive(Clone, Copy)]
pub(crate) enum Lost {
    /// It was dropped, or there never was one.
    Dropped,
    /// It is held, and others do its work (`turn.rs`). A poll that may come wants its report.
    TakenOver,
}

impl Aside {
    /// The report of an operation that ends: its own, and then what nobody has taken of that below, in the
    /// order in which that ended.
    ///
    /// To be called with no lock held: it takes that of each child.
    pub(crate) fn take_whole_report(&mut self) -> Report {
        let mut whole = Report {
            stragglers: std::mem::take(&mut self.stragglers),
            cleanup_errors: std::mem::take(&mut self.cleanup_errors),
            ..Report::default()
        };
        for below in std::mem::take(&mut self.below) {
            let report = match below {
                Below::Child(child) => child.take_report(),
                Below::TakenOver(run) => {
                    let report = run.take_report();
                    run.add_failures(report)
                }
                Below::Report(report) => Some(report),
            };
            let Some(report) = report else { continue };
            for straggler in report.stragglers {
                if straggler
                    .body()
                    .is_none_or(|id| self.straggling.insert(id, ()).is_none())
                {
                    whole.stragglers.push(straggler);
                }
            }
            whole.cleanup_errors.extend(report.cleanup_errors);
            whole.child_failures.extend(report.child_failures);
        }
        let by_age = |straggler: &Straggler| straggler.operation().id();
        whole.stragglers.sort_by_key(by_age);
        whole
    }
}

impl Record {
    /// Keeps the report of a spawned child for its handle, and has the scope above know of it.
    pub(crate) fn keep_report(self: &Arc<Self>, report: Option<Box<Report>>) {
        let report = match self.nursery.terms().collect_all {
            true => self.add_failures(report),
            // The failure that counts is the child's own.
            false => report,
        };
        if let Some(report) = report {
            self.with_aside(|aside| aside.report = Some(report));
            self.tell_above(Below::Child(Arc::clone(self)));
        }
    }

    /// Puts the failures of its children, which are handed out once, before those from below.
    fn add_failures(&self, report: Option<Box<Report>>) -> Option<Box<Report>> {
        let own = self.nursery.take_failures();
        if own.is_empty() {
            return report;
        }
        let mut report = report.unwrap_or_default();
        report.child_failures.splice(0..0, own);
        Some(report)
    }

    /// Has the nearest operation above that has not ended report what comes from `below`.
    fn tell_above(&self, below: Below) {
        // Ends: every turn goes one ancestor up, and there is no cycle.
        let above = std::iter::successors(self.parent.as_ref(), |record| record.parent.as_ref());
        for owner in above {
            let mut inner = owner.inner.lock();
            // One that has ended has given up a call, or something that a finalizer has left.
            if inner.sealed {
                continue;
            }
            let all = &mut inner.aside.get_or_insert_default().below;
            if all.len() < KEPT {
                all.push(below);
                return;
            }
            break;
        }
        // Errors of users go after the lock.
        drop(below);
    }

    /// What the handle of a child says of it, once.
    pub(crate) fn take_report(&self) -> Option<Box<Report>> {
        self.on_aside(|aside| aside.report.take())?
    }

    /// Looks at what the handle of a child says of it.
    pub(crate) fn on_report<T>(&self, look: impl FnOnce(&Report) -> T) -> Option<T> {
        self.on_aside(|aside| aside.report.as_deref().map(look))?
    }

    /// Passes on the report of an operation whose end nobody reads: a run that was dropped, a scope that was
    /// never run, or a blocking call, whose finalizers run after its handle has its end.
    ///
    /// To be called before what is above lets go of it; see invariant 1 of `orphans.rs`.
    pub(crate) fn report_up(self: &Arc<Self>, report: Option<Box<Report>>, run: Lost) {
        match run {
            Lost::Dropped => {
                if let Some(report) = self.add_failures(report) {
                    self.tell_above(Below::Report(report));
                }
            }
            Lost::TakenOver => {
                if report.is_some() || self.nursery.has_failures() {
                    self.with_aside(|aside| aside.report = report);
                    self.tell_above(Below::TakenOver(Arc::clone(self)));
                }
            }
        }
    }
}
