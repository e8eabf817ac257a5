//! The activity of an open operation, for reports: its phase, and the work that keeps it open.

use crate::cause::{HumanDuration, OneLine, OperationLabel};
use crate::record::{Record, grace, leases, stragglers};
use crate::report::ShieldSite;
use crate::report::Status;
use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, Instant};

/// The activity of an operation at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Activity {
    phase: Phase,
    children: usize,
    /// The number of dropped runs whose leftovers the operation joins.
    orphans: usize,
    holds: usize,
    cancelled_for: Option<Duration>,
    /// The time left of the operation's grace period, if the operation is cancelled and has a grace period.
    grace: Option<Duration>,
    shield: Option<ShieldSite>,
}

/// The phase of an operation.
#[derive(Clone, Debug)]
enum Phase {
    NotRun,
    /// Waits for a permit, with some of the holders of permits and the number of all holders.
    Queued(Vec<OperationLabel>, usize),
    Body,
    BlockingThread,
    /// The body has ended.
    Children,
    Finalizer(Cow<'static, str>),
    Ended,
}

impl Activity {
    /// Returns the activity of `record` at `now`.
    pub(crate) fn of(record: &Record, now: Option<Instant>) -> Self {
        let since = |then: Option<Instant>| Some(now?.saturating_duration_since(then?));
        let shield = leases::open_shield(record);
        let stage = stragglers::stage(record);
        let (is_blocking, is_queued) = member_state(record);
        let phase = match (record.status(), stage.finalizer) {
            (Status::Pending, _) if is_queued => queued(record),
            (Status::Pending, _) => Phase::NotRun,
            (Status::Running, Some(name)) => Phase::Finalizer(name),
            (Status::Running, None) if stage.is_body_over => Phase::Children,
            (Status::Running, None) if is_blocking => Phase::BlockingThread,
            (Status::Running, None) => Phase::Body,
            _ => Phase::Ended,
        };
        Self {
            phase,
            children: record.children.live(),
            orphans: record.children.orphan_count(),
            holds: record.children.hold_count(),
            cancelled_for: since(grace::cancelled_at(record, now)),
            grace: grace::is_given(record)
                .then(|| grace::remaining(record))
                .flatten(),
            shield: shield.map(|shield| ShieldSite {
                location: shield.location,
                open_for: since(shield.since),
            }),
        }
    }
}

/// Returns the phase of a child that waits for a permit of its parent.
fn queued(record: &Record) -> Phase {
    let parent = record.parent.as_ref();
    let (some, count) = parent
        .map(|parent| parent.children.permit_holders())
        .unwrap_or_default();
    let labels = some
        .iter()
        .filter_map(|holder| Some(holder.upgrade()?.label.clone()));
    Phase::Queued(labels.collect(), count)
}

/// Returns whether the operation is a blocking call, and whether it is a child that waits for a permit.
fn member_state(record: &Record) -> (bool, bool) {
    let parent = record.parent.as_ref().filter(|_| record.spawned);
    let member_state = parent.map(|parent| parent.children.member_state(record.label.id()));
    member_state.unwrap_or_default()
}

impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.phase {
            Phase::NotRun => f.write_str("not run yet")?,
            Phase::Queued(some, count) => {
                f.write_str("waiting for a permit")?;
                for (at, holder) in some.iter().enumerate() {
                    let before = if at == 0 { ", held by" } else { "," };
                    write!(f, "{before} {} {holder}", holder.id())?;
                }
                match count.saturating_sub(some.len()) {
                    0 => {}
                    more => write!(f, " and {more} more")?,
                }
            }
            Phase::Body => f.write_str("in its body")?,
            Phase::BlockingThread => f.write_str("on a blocking thread")?,
            Phase::Children => f.write_str("done with its body")?,
            Phase::Finalizer(name) => write!(f, "in finalizer {}", OneLine(name))?,
            Phase::Ended => f.write_str("ended")?,
        }
        let joins = matches!(self.phase, Phase::Children);
        match (joins, self.children) {
            (_, 0) => {}
            (true, 1) => f.write_str(", joins 1 child")?,
            (true, count) => write!(f, ", joins {count} children")?,
            (false, 1) => f.write_str(", 1 child open")?,
            (false, count) => write!(f, ", {count} children open")?,
        }
        match self.orphans {
            0 => {}
            1 => f.write_str(", waits for the open work of 1 dropped run")?,
            count => write!(f, ", waits for the open work of {count} dropped runs")?,
        }
        match self.holds {
            0 => {}
            1 => f.write_str(", kept open by 1 hold")?,
            count => write!(f, ", kept open by {count} holds")?,
        }
        if let Some(span) = self.cancelled_for {
            write!(f, "; cancelled {} ago", HumanDuration(span))?;
        }
        if let Some(left) = self.grace {
            write!(f, "; {} of its grace left", HumanDuration(left))?;
        }
        match &self.shield {
            Some(shield) => shield.write(f),
            None => Ok(()),
        }
    }
}
