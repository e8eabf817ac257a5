//! What an operation that is open waits for, for reports.

use crate::cause::{HumanDuration, OneLine, OperationLabel};
use crate::record::Record;
use crate::report::ShieldSite;
use crate::report::Status;
use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, Instant};

#[derive(Clone, Debug)]
pub(crate) struct Standing {
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
    ForAPlace(Vec<OperationLabel>, usize),
    ForItsBody,
    ForItsThread,
    ForItsChildren,
    ForAFinalizer(Cow<'static, str>),
    Nothing,
}

impl Record {
    pub(crate) fn standing(&self, now: Option<Instant>) -> Standing {
        let since = |then: Option<Instant>| Some(now?.saturating_duration_since(then?));
        let shield = self.open_shield();
        let (finalizer, body_over) = self
            .on_aside(|aside| {
                let finalizing = aside.finalizing.as_ref();
                let finalizer = finalizing.map(|finalizing| finalizing.name.clone());
                (finalizer, aside.body_over)
            })
            .unwrap_or_default();
        let (is_blocking, is_queued) = self.membership();
        let waits = match (self.status(), finalizer) {
            (Status::Pending, _) if is_queued => self.waits_for_a_place(),
            (Status::Pending, _) => Waits::ForItsRun,
            (Status::Running, Some(name)) => Waits::ForAFinalizer(name),
            (Status::Running, None) if body_over => Waits::ForItsChildren,
            (Status::Running, None) if is_blocking => Waits::ForItsThread,
            (Status::Running, None) => Waits::ForItsBody,
            _ => Waits::Nothing,
        };
        Standing {
            waits,
            children: self.nursery.live(),
            orphans: self.nursery.orphan_count(),
            holds: self.nursery.guard_count(),
            cancelled_for: since(self.cancelled_at(now)),
            grace: self.has_grace().then(|| self.grace_remaining()).flatten(),
            shield: shield.map(|shield| ShieldSite {
                opened_at: shield.opened_at,
                open_for: since(shield.since),
            }),
        }
    }

    fn waits_for_a_place(&self) -> Waits {
        let parent = self.parent.as_ref();
        let (some, count) = parent
            .map(|parent| parent.nursery.place_holders())
            .unwrap_or_default();
        let labels = some.iter().map(|record| record.label.clone());
        Waits::ForAPlace(labels.collect(), count)
    }

    /// Whether it is a blocking call, and whether it is a child that waits for a place.
    fn membership(&self) -> (bool, bool) {
        let parent = self.parent.as_ref().filter(|_| self.spawned);
        let membership = parent.map(|parent| parent.nursery.membership(self.label.id()));
        membership.unwrap_or_default()
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.waits {
            Waits::ForItsRun => f.write_str("not run yet")?,
            Waits::ForAPlace(some, count) => {
                f.write_str("in the queue for its place")?;
                for (at, holder) in some.iter().enumerate() {
                    let before = if at == 0 { ", which is with" } else { "," };
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
