//! Reports on runs that have ended, beside their values. They are kept apart because most runs have nothing to report.
//!
//! The report of a spawned child is on the child's handle. A report that is still there when the scope above ends
//! becomes a part of that scope's report. A run that was dropped has no outcome, so its report goes to the nearest
//! ancestor that has not ended, as its orphans do (`orphans.rs`). Without such an ancestor the report is dropped, and
//! the log has it.

use super::reports::{KEPT, ReportSource};
use super::{Rare, Record};
use crate::report::{Report, Straggler};
use std::sync::Arc;

/// The way in which an operation has lost its run.
#[derive(Clone, Copy)]
pub(crate) enum LostRun {
    /// It was dropped, or there never was one.
    Dropped,
    /// It is held, and others do its work (`takeover.rs`). A poll that may come wants its report.
    TakenOver,
}

/// The report of an operation that ends: its own, and then what nobody has taken of that below, in the
/// order in which that ended, up to [`KEPT`] of each kind.
///
/// To be called with no lock held: it takes that of each child.
pub(super) fn take_whole(rare: &mut Rare) -> Report {
    let mut whole = Report {
        stragglers: rare.diagnostics.take_stragglers(),
        cleanup_errors: std::mem::take(&mut rare.cleanup.errors),
        ..Report::default()
    };
    let (mut stragglers, mut errors, mut failures) = (KEPT, KEPT, KEPT);
    for below in rare.reports.take_sources() {
        let report = match below {
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

/// Moves as many of `items` as there is `room` for to the end of `whole`.
fn take_some<T>(whole: &mut Vec<T>, items: Vec<T>, room: &mut usize) {
    let before = whole.len();
    whole.extend(items.into_iter().take(*room));
    *room -= whole.len() - before;
}

/// Keeps the report of a spawned child for its handle, and has the scope above know of it.
pub(crate) fn keep(child: &Arc<Record>, report: Option<Box<Report>>) {
    let report = match child.children.options().collect_all {
        true => with_failures(child, report),
        // The failure that counts is the child's own.
        false => report,
    };
    if let Some(report) = report {
        child.with_rare(|rare| rare.reports.own = Some(report));
        propagate(child, ReportSource::Child(Arc::clone(child)));
    }
}

/// Puts the failures of the children of `record`, which are handed out once, before those from below.
fn with_failures(record: &Record, report: Option<Box<Report>>) -> Option<Box<Report>> {
    let own = record.children.take_failures();
    if own.is_empty() {
        return report;
    }
    let mut report = report.unwrap_or_default();
    report.child_failures.splice(0..0, own);
    Some(report)
}

/// Has the nearest operation above that has not ended report what comes from `below`.
fn propagate(record: &Record, below: ReportSource<Arc<Record>>) {
    let mut below = Some(below);
    for owner in record.ancestors() {
        let mut inner = owner.inner.lock();
        // One that has ended has given up a call, or something that a finalizer has left.
        if owner.is_settled_in(&inner) {
            continue;
        }
        let reports = &mut inner.rare.get_or_insert_default().reports;
        below = below.and_then(|below| reports.keep(below));
        break;
    }
    // Errors of users go after the lock.
    drop(below);
}

/// What the handle of a child says of it, once.
pub(crate) fn take(child: &Record) -> Option<Box<Report>> {
    child.on_rare(|rare| rare.reports.own.take())?
}

/// Looks at what the handle of a child says of it.
pub(crate) fn read<T>(child: &Record, look: impl FnOnce(&Report) -> T) -> Option<T> {
    child.on_rare(|rare| rare.reports.own.as_deref().map(look))?
}

/// Passes on the report of an operation whose end nobody reads: a run that was dropped, a scope that was
/// never run, or a blocking call, whose finalizers run after its handle has its end.
///
/// To be called before what is above lets go of it; see invariant 1 of `orphans.rs`.
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
