//! Reports on runs that have ended, beside their outputs. Reports and outputs are separate, because most runs
//! have nothing to report.
//!
//! The report of a spawned child is read by the child's handle. A report that was not taken by the end of the
//! scope becomes part of the scope's report. A run that was dropped has no outcome, so its report moves to the
//! nearest ancestor that has not ended, as its orphans do (`orphans.rs`). Without such an ancestor the report is
//! dropped, and the log has it.

use super::reports::{KEPT, ReportSource};
use super::{Rare, Record};
use crate::report::{Report, Straggler};
use std::sync::Arc;

/// The reason why an operation has no run any more.
#[derive(Clone, Copy)]
pub(crate) enum LostRun {
    /// The run was dropped, or there never was one.
    Dropped,
    /// The run was taken over (`takeover.rs`). A later poll of it needs the report.
    TakenOver,
}

/// Returns the report of an operation that ends: its own part, and then the reports of descendants that were not
/// taken, in the order of their ends, up to [`KEPT`] items of each kind.
///
/// To be called with no lock held: it locks each child.
pub(super) fn take_whole(rare: &mut Rare) -> Report {
    let mut whole = Report {
        stragglers: rare.diagnostics.take_stragglers(),
        cleanup_errors: std::mem::take(&mut rare.cleanup.errors),
        ..Report::default()
    };
    let (mut stragglers, mut errors, mut failures) = (KEPT, KEPT, KEPT);
    for source in rare.reports.take_sources() {
        let report = match source {
            ReportSource::Child(child) => take(&child),
            ReportSource::TakenOver(run) => {
                let report = take(&run);
                with_failures(&run, report)
            }
            ReportSource::Report(report) => Some(report),
        };
        let Some(report) = report else { continue };
        for straggler in report.stragglers {
            if stragglers > 0 && rare.diagnostics.is_new(&straggler) {
                stragglers -= 1;
                whole.stragglers.push(straggler);
            }
        }
        take_some(
            &mut whole.cleanup_errors,
            report.cleanup_errors,
            &mut errors,
        );
        take_some(
            &mut whole.child_failures,
            report.child_failures,
            &mut failures,
        );
    }
    let by_age = |straggler: &Straggler| straggler.operation().id();
    whole.stragglers.sort_by_key(by_age);
    whole
}

/// Appends the first `room` of `items` to `whole`.
fn take_some<T>(whole: &mut Vec<T>, items: Vec<T>, room: &mut usize) {
    let before = whole.len();
    whole.extend(items.into_iter().take(*room));
    *room -= whole.len() - before;
}

/// Keeps the report of a spawned child for its handle, and lists the child with its scope.
pub(crate) fn keep(child: &Arc<Record>, report: Option<Box<Report>>) {
    let report = match child.children.options().collect_all {
        true => with_failures(child, report),
        // The first failure of its children is the child's own failure.
        false => report,
    };
    if let Some(report) = report {
        child.with_rare(|rare| rare.reports.own = Some(report));
        propagate(child, ReportSource::Child(Arc::clone(child)));
    }
}

/// Puts the failures of the children of `record`, which are handed out once, before those of further descendants.
fn with_failures(record: &Record, report: Option<Box<Report>>) -> Option<Box<Report>> {
    let own = record.children.take_failures();
    if own.is_empty() {
        return report;
    }
    let mut report = report.unwrap_or_default();
    report.child_failures.splice(0..0, own);
    Some(report)
}

/// Passes a source to the nearest ancestor that has not ended.
fn propagate(record: &Record, source: ReportSource<Arc<Record>>) {
    let mut source = Some(source);
    for owner in record.ancestors() {
        let mut inner = owner.inner.lock();
        // An ancestor that has ended has abandoned a call, or an orphan of a finalizer.
        if owner.is_settled_in(&inner) {
            continue;
        }
        let reports = &mut inner.rare.get_or_insert_default().reports;
        source = source.and_then(|source| reports.keep(source));
        break;
    }
    // After the lock: it may have errors of users.
    drop(source);
}

/// Takes the report of a child.
pub(crate) fn take(child: &Record) -> Option<Box<Report>> {
    child.on_rare(|rare| rare.reports.own.take())?
}

/// Calls `read` with the report of a child, if there is one.
pub(crate) fn read<T>(child: &Record, read: impl FnOnce(&Report) -> T) -> Option<T> {
    child.on_rare(|rare| rare.reports.own.as_deref().map(read))?
}

/// Passes on the report of an operation without an outcome: a run that was dropped, a scope that was never run,
/// or a blocking call, whose finalizers run after its handle is ready.
///
/// To be called before the owner removes the orphan; see invariant 1 of `orphans.rs`.
pub(crate) fn propagate_lost(record: &Arc<Record>, report: Option<Box<Report>>, run: LostRun) {
    match run {
        LostRun::Dropped => {
            if let Some(report) = with_failures(record, report) {
                propagate(record, ReportSource::Report(report));
            }
        }
        LostRun::TakenOver => {
            if report.is_some() || record.children.has_failures() {
                record.with_rare(|rare| rare.reports.own = report);
                propagate(record, ReportSource::TakenOver(Arc::clone(record)));
            }
        }
    }
}
