//! What else is said about a run that has ended, beside its value: kept apart because most have
//! nothing to say.
//!
//! What goes wrong in a spawned child is on its handle. What nobody has taken from there when the scope above
//! ends belongs in that one's report.

use super::aside::Aside;
use super::record::Record;
use crate::report::{Report, Straggler};
use std::sync::Arc;

/// How many reports a scope keeps of what came from below. One that runs for months must not collect for as
/// long as it runs; what is in them is in the log too.
const KEPT: usize = 256;

/// What came from below.
pub(super) enum Below {
    /// A child that has ended and has a report. It holds this operation, and is let go of at its end.
    Child(Arc<Record>),
    /// Of a child that had no handle any more when it was made.
    Report(Box<Report>),
}

impl Aside {
    /// The report of an operation that ends: its own, and then what nobody has taken of that below, in the
    /// order in which that ended.
    ///
    /// To be called with no lock held: it takes that of each child.
    pub(super) fn take_whole_report(&mut self) -> Report {
        let mut whole = Report {
            stragglers: std::mem::take(&mut self.stragglers),
            cleanup_errors: std::mem::take(&mut self.cleanup_errors),
            ..Report::default()
        };
        for below in std::mem::take(&mut self.below) {
            let report = match below {
                Below::Child(child) => child.take_report(),
                Below::Report(report) => Some(report),
            };
            let Some(report) = report else { continue };
            for straggler in report.stragglers {
                if straggler.body().is_none_or(|id| self.straggling.insert(id)) {
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
        let mut report = report.unwrap_or_default();
        if self.nursery.terms().collect_all {
            // Its own first.
            let own = self.nursery.take_failures();
            report.child_failures.splice(0..0, own);
        }
        if report.is_empty() {
            return;
        }
        self.with_aside(|aside| aside.report = Some(report));
        self.tell_above(Below::Child(Arc::clone(self)));
    }

    fn tell_above(&self, below: Below) {
        let Some(parent) = &self.parent else {
            return;
        };
        let mut inner = parent.inner.lock();
        // One that has ended has given up a call.
        if !inner.sealed {
            let all = &mut inner.aside.get_or_insert_default().below;
            if all.len() < KEPT {
                all.push(below);
                return;
            }
        }
        drop(inner);
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

    /// Passes on the report of a blocking call, or of a child that its runtime dropped, whose finalizers ran
    /// after its handle had its end. That of any other run that was dropped is its own: its user has let go of
    /// the outcome.
    pub(crate) fn report_up(&self, report: Option<Box<Report>>) {
        let Some(report) = report.filter(|_| self.spawned) else {
            return;
        };
        self.tell_above(Below::Report(report));
    }
}
