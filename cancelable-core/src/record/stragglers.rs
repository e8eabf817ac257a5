//! The stragglers of an operation: the bodies, finalizers, children, blocking calls and holds that have not ended, of
//! the operation and of its descendants.
//!
//! An operation lists its children and blocking calls at any time. It lists the scopes that run in its body only
//! if it is watched: if the operation or an ancestor has a grace period or a watchdog. Then each run is on the list of
//! its parent while it runs.

use super::reports::KEPT;
use super::shields::OpenShield;
use super::{Lease, LeaseHolder, Record, Takeover, grace, leases, outside_runs};
use crate::report::{Report, ShieldSite, Status, Straggler, StragglerKind};
use crate::sync::{NumberMap, log};
use std::borrow::Cow;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// Returns all stragglers of this operation and of its descendants, in the order of opening.
pub(crate) fn all(record: &Arc<Record>) -> Vec<Straggler> {
    let mut found = Vec::new();
    let mut seen = NumberMap::new();
    let mut next = vec![Arc::clone(record)];
    // Ends: each operation is visited once. Not by recursion: the tree may be deep.
    while let Some(record) = next.pop() {
        if seen.insert(record.label.id(), ()).is_some() {
            continue;
        }
        add_own(&record, &mut found);
        for member in record.children.members() {
            let Some(inner) = member.handle.upgrade() else {
                continue;
            };
            if member.is_blocking || member.is_queued {
                let kind = match member.is_blocking {
                    true => StragglerKind::Blocking,
                    false => StragglerKind::Child,
                };
                let mut straggler = straggler(&inner, kind);
                straggler.is_queued = member.is_queued;
                straggler.is_abandoned = member.is_abandoned;
                found.push(straggler);
                seen.insert(inner.label.id(), ());
            } else {
                next.push(inner);
            }
        }
        let orphans = record.children.orphans().into_iter();
        next.extend(orphans.filter_map(|orphan| orphan.upgrade()));
        let inside = record.on_rare(|rare| {
            let inside = rare.diagnostics.inside.values();
            inside.filter_map(Weak::upgrade).collect()
        });
        let inside: Vec<_> = inside.unwrap_or_default();
        next.extend(inside);
    }
    found.sort_by_key(|straggler| straggler.operation.id());
    found
}

/// Adds the stragglers of this operation itself: its body, a finalizer, its holds; or the operation, if its
/// teardown is detached and has not begun.
fn add_own(record: &Record, found: &mut Vec<Straggler>) {
    let is_body_over = record.on_rare(|rare| rare.diagnostics.is_body_over);
    if record.status() == Status::Running && is_body_over != Some(true) {
        found.push(straggler(record, kind_of(record)));
    }
    let finalizer = running_finalizer(record);
    let has_begun = finalizer.is_some() || record.children.has_any();
    if record.status().is_terminal() && !has_begun && !record.is_settled() {
        found.push(straggler(record, StragglerKind::Operation));
    }
    found.extend(finalizer);
    for taken_at in record.children.holds() {
        let mut straggler = straggler(record, StragglerKind::Hold);
        straggler.location = taken_at;
        // The notes are about the body, not the hold.
        (straggler.polled_ago, straggler.checked_ago) = (None, None);
        straggler.shield = None;
        found.push(straggler);
    }
}

fn kind_of(record: &Record) -> StragglerKind {
    match record.spawned {
        true => StragglerKind::Child,
        false => StragglerKind::Operation,
    }
}

/// The stage of a running operation.
#[derive(Default)]
pub(crate) struct Stage {
    /// The name of the running finalizer.
    pub(crate) finalizer: Option<Cow<'static, str>>,
    pub(crate) is_body_over: bool,
}

pub(crate) fn stage(record: &Record) -> Stage {
    let stage = record.on_rare(|rare| Stage {
        finalizer: rare.cleanup.running().map(|running| running.name.clone()),
        is_body_over: rare.diagnostics.is_body_over,
    });
    stage.unwrap_or_default()
}

/// Returns the running finalizer, if there is one.
pub(crate) fn running_finalizer(record: &Record) -> Option<Straggler> {
    let running = record.on_rare(|rare| rare.cleanup.running().cloned())??;
    let mut straggler = straggler(record, StragglerKind::Finalizer);
    straggler.polled_ago = since(record.now(), running.polled);
    straggler.location = running.location;
    straggler.finalizer = Some(running.name);
    Some(straggler)
}

fn straggler(record: &Record, kind: StragglerKind) -> Straggler {
    let now = record.now();
    let shield = leases::open_shield(record);
    let (polled, checked) = record
        .on_rare(|rare| (rare.diagnostics.polled, rare.diagnostics.checked))
        .unwrap_or_default();
    Straggler {
        kind,
        operation: record.label.clone(),
        finalizer: None,
        location: record.location,
        cancelled_for: since(now, grace::cancelled_at(record, now)),
        polled_ago: since(now, polled),
        checked_ago: since(now, checked),
        shield: shield.map(|shield| site(&shield, now)),
        is_queued: false,
        is_abandoned: false,
        is_unpolled: false,
    }
}

fn site(shield: &OpenShield, now: Option<Instant>) -> ShieldSite {
    ShieldSite {
        location: shield.location,
        open_for: since(now, shield.since),
    }
}

/// Returns the report on a run that is not polled, or on the body of a `shield` that is not polled. The future
/// was woken `unpolled_for` ago, if there is a clock, and has not been polled since.
fn unpolled(
    record: &Record,
    unpolled_for: Option<Duration>,
    shield: Option<&OpenShield>,
) -> Straggler {
    let mut straggler = straggler(record, kind_of(record));
    if let Some(shield) = shield {
        straggler.shield = Some(site(shield, record.now()));
    }
    straggler.is_unpolled = true;
    straggler.polled_ago = unpolled_for;
    straggler
}

/// Returns the report on a future that has a lease on the body of `home` and is not polled.
pub(crate) fn of_lease(home: &Record, lease: &Lease, unpolled_for: Option<Duration>) -> Straggler {
    match lease.holder() {
        LeaseHolder::Run(run) => match outside_runs::run_of(run) {
            Some(run) => unpolled(&run, unpolled_for, None),
            None => unpolled(home, unpolled_for, None),
        },
        LeaseHolder::Shield(shield, _) => unpolled(home, unpolled_for, Some(shield)),
        LeaseHolder::Body => unpolled(home, unpolled_for, None),
    }
}

/// Returns the report on a run that was woken `unpolled_for` ago and has not been polled since.
pub(crate) fn of_run(run: &Takeover, unpolled_for: Option<Duration>) -> Option<Straggler> {
    Some(unpolled(&*outside_runs::run_of(run)?, unpolled_for, None))
}

/// Records a poll, for reports, if the operation is watched.
pub(crate) fn note_poll(record: &Record) {
    if record.watched {
        if let Some(now) = record.now() {
            record.with_rare(|rare| rare.diagnostics.polled = Some(now));
        }
    }
}

/// Records a check for the cancel, for reports, if the operation is watched.
pub(crate) fn note_check(record: &Record) {
    if record.watched && !record.status().is_terminal() {
        if let Some(now) = record.now() {
            record.with_rare(|rare| rare.diagnostics.checked = Some(now));
        }
    }
}

/// Records the end of the body.
pub(crate) fn note_body_over(record: &Record) {
    record.with_rare(|rare| rare.diagnostics.is_body_over = true);
}

/// Keeps the stragglers that were dropped at the end of their time, for the outcome, and logs them.
pub(crate) fn note(record: &Record, stragglers: Vec<Straggler>) {
    for straggler in stragglers {
        log!(
            Warn,
            operation = &*record.label.shown_name(), id = record.label.id().get(),
            kind = straggler.kind.as_str(), location:% = straggler.location;
            "{} ends with open work: {straggler}", record.label
        );
        keep(record, straggler);
    }
}

pub(crate) fn keep(record: &Record, straggler: Straggler) {
    record.with_rare(|rare| rare.diagnostics.keep(straggler));
}

/// Keeps a blocking call that `owner` abandons, for the outcome of `owner`, which may run for months and abandon
/// many: up to [`KEPT`] stragglers.
pub(super) fn keep_abandoned(owner: &Record, call: &Record) {
    let mut straggler = straggler(call, StragglerKind::Blocking);
    straggler.is_abandoned = true;
    owner.with_rare(|rare| {
        if rare.diagnostics.straggler_count() < KEPT {
            rare.diagnostics.keep(straggler);
        }
    });
}

/// Passes the stragglers in the outcome of a run on to the parent, if the parent is cancelled too. A parent that
/// is not cancelled would collect them for as long as it runs. The parent keeps up to [`KEPT`].
pub(crate) fn propagate(record: &Record, report: Option<&Report>) {
    let (Some(report), Some(parent)) = (report, &record.parent) else {
        return;
    };
    if report.stragglers.is_empty() || !parent.is_cancelled() {
        return;
    }
    let kept = parent.on_rare(|rare| rare.diagnostics.straggler_count());
    let room = KEPT.saturating_sub(kept.unwrap_or(0));
    for straggler in report.stragglers.iter().take(room) {
        keep(parent, straggler.clone());
    }
}

fn since(now: Option<Instant>, then: Option<Instant>) -> Option<Duration> {
    Some(now?.saturating_duration_since(then?))
}
