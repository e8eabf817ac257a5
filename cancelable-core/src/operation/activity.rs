//! The activity of an open operation, which is what it waits for, for reports.

use crate::cause::{HumanDuration, OneLine, OperationLabel};
use crate::record::{Record, grace, leases, stragglers};
use crate::report::ShieldSite;
use crate::report::Status;
use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, Instant};

#[derive(Clone, Debug)]
pub(crate) struct Activity {
    waits: Waits,
    children: usize,
    /// How many dropped runs have left something that it joins.
    orphans: usize,
    holds: usize,
    cancelled_for: Option<Duration>,
    /// What is left of its grace, once it was cancelled and if it gives any.
    grace: Option<Duration>,
    shield: Option<ShieldSite>,
}

#[derive(Clone, Debug)]
enum Waits {
    ForItsRun,
    /// With some of those that have one, and how many do.
    ForAPermit(Vec<OperationLabel>, usize),
    ForItsBody,
    ForItsThread,
    ForItsChildren,
    ForAFinalizer(Cow<'static, str>),
    Nothing,
}

impl Activity {
    /// What `record` waits for at `now`.
    pub(crate) fn of(record: &Record, now: Option<Instant>) -> Self {
        let since = |then: Option<Instant>| Some(now?.saturating_duration_since(then?));
        let shield = leases::open_shield(record);
        let stage = stragglers::stage(record);
        let (is_blocking, is_queued) = member_state(record);
        let waits = match (record.status(), stage.finalizer) {
            (Status::Pending, _) if is_queued => waits_for_a_permit(record),
            (Status::Pending, _) => Waits::ForItsRun,
            (Status::Running, Some(name)) => Waits::ForAFinalizer(name),
            (Status::Running, None) if stage.is_body_over => Waits::ForItsChildren,
            (Status::Running, None) if is_blocking => Waits::ForItsThread,
            (Status::Running, None) => Waits::ForItsBody,
            _ => Waits::Nothing,
        };
        Self {
            waits,
            children: record.children.live(),
            orphans: record.children.orphan_count(),
            holds: record.children.hold_count(),
            cancelled_for: since(grace::cancelled_at(record, now)),
            grace: grace::has_grace(record)
                .then(|| grace::remaining(record))
                .flatten(),
            shield: shield.map(|shield| ShieldSite {
                location: shield.location,
                open_for: since(shield.since),
            }),
        }
    }
}

fn waits_for_a_permit(record: &Record) -> Waits {
    let parent = record.parent.as_ref();
    let (some, count) = parent
        .map(|parent| parent.children.permit_holders())
        .unwrap_or_default();
    let labels = some
        .iter()
        .filter_map(|holder| Some(holder.upgrade()?.label.clone()));
    Waits::ForAPermit(labels.collect(), count)
}

/// Whether it is a blocking call, and whether it is a child that waits for a permit.
fn member_state(record: &Record) -> (bool, bool) {
    let parent = record.parent.as_ref().filter(|_| record.spawned);
    let member_state = parent.map(|parent| parent.children.member_state(record.label.id()));
    member_state.unwrap_or_default()
}

impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.waits {
            Waits::ForItsRun => f.write_str("not run yet")?,
            Waits::ForAPermit(some, count) => {
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
            Waits::ForItsBody => f.write_str("in its body")?,
            Waits::ForItsThread => f.write_str("on a blocking thread")?,
            Waits::ForItsChildren => f.write_str("done with its body")?,
            Waits::ForAFinalizer(name) => write!(f, "in finalizer {}", OneLine(name))?,
            Waits::Nothing => f.write_str("ended")?,
        }
        let joins = matches!(self.waits, Waits::ForItsChildren);
        match (joins, self.children) {
            (_, 0) => {}
            (true, 1) => f.write_str(", joins 1 child")?,
            (true, count) => write!(f, ", joins {count} children")?,
            (false, 1) => f.write_str(", 1 child open")?,
            (false, count) => write!(f, ", {count} children open")?,
        }
        match self.orphans {
            0 => {}
            1 => f.write_str(", waits for what 1 dropped run has left")?,
            count => write!(f, ", waits for what {count} dropped runs have left")?,
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
