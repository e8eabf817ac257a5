//! The stragglers: the parts of an operation and of everything below it that have not ended. They answer "why has
//! it not stopped?".
//!
//! An operation knows its children and blocking calls at any time. Scopes that were opened inside
//! it in place are known if it watches, which it does with a grace period or a watchdog or below
//! such an operation: then each run is on the list of its parent while it runs.

use super::reports::KEPT;
use super::shields::OpenShield;
use super::{Lease, LeaseHolder, Record, Takeover, grace, leases, outside_runs};
use crate::report::{Report, ShieldSite, Status, Straggler, StragglerKind};
use crate::sync::{NumberMap, log};
use std::borrow::Cow;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// All that has not ended in this operation and below, in the order of opening.
pub(crate) fn all(record: &Arc<Record>) -> Vec<Straggler> {
    let mut found = Vec::new();
    let mut seen = NumberMap::new();
    let mut next = vec![Arc::clone(record)];
    // Ends: each operation is looked at once. Not by recursion: the tree may be deep.
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

/// What of this operation itself runs: its body, or a finalizer; or itself, where it goes on without its
/// run and nothing of it has begun.
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
        // What is known of the body says nothing of it.
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

/// How far a running operation has come.
#[derive(Default)]
pub(crate) struct Stage {
    /// The name of the finalizer that runs.
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

/// The finalizer that runs, if one does.
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

/// The report on a run that is held and not polled, or on the body whose `shield` is. It was woken
/// `unpolled_for` ago, where there is a clock, and has not been polled since.
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

/// The report on a run, woken so long ago and not polled since.
pub(crate) fn of_run(run: &Takeover, unpolled_for: Option<Duration>) -> Option<Straggler> {
    Some(unpolled(&*outside_runs::run_of(run)?, unpolled_for, None))
}

/// Notes a poll, for reports, if the operation is watched.
pub(crate) fn note_poll(record: &Record) {
    if record.watched {
        if let Some(now) = record.now() {
            record.with_rare(|rare| rare.diagnostics.polled = Some(now));
        }
    }
}

/// Notes a look at the cancellation, as above.
pub(crate) fn note_check(record: &Record) {
    if record.watched && !record.status().is_terminal() {
        if let Some(now) = record.now() {
            record.with_rare(|rare| rare.diagnostics.checked = Some(now));
        }
    }
}

/// From now on children and finalizers are what goes on.
pub(crate) fn note_body_over(record: &Record) {
    record.with_rare(|rare| rare.diagnostics.is_body_over = true);
}

/// Keeps reports on what was dropped at the end of its time, for the outcome, and logs them.
pub(crate) fn note(record: &Record, stragglers: Vec<Straggler>) {
    for straggler in stragglers {
        log!(
            Warn,
            operation = &*record.label.shown_name(), id = record.label.id().get(),
            kind = straggler.kind.as_str(), location:% = straggler.location;
            "{} ends without it: {straggler}", record.label
        );
        keep(record, straggler);
    }
}

pub(crate) fn keep(record: &Record, straggler: Straggler) {
    record.with_rare(|rare| rare.diagnostics.keep(straggler));
}

/// Passes on what a run has ended without, and has in its outcome, to the operation above, if that is cancelled
/// too. One that goes on would collect them for as long as it runs. Up to [`KEPT`] are kept there.
pub(crate) fn propagate(record: &Record, report: Option<&Report>) {
    let above = record.parent.as_ref();
    let (Some(report), Some(parent)) = (report, above) else {
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
