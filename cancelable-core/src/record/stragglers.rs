//! Who of an operation and of everything below it has not ended: the answer to "why has it not
//! stopped?".
//!
//! An operation knows its children and blocking calls at any time. Scopes that were opened inside
//! it in place are known if it watches, which it does with a grace period or a watchdog or below
//! such an operation: then each run puts itself on the list of the one above while it runs.

use super::Record;
use super::hold::OpenShield;
use crate::report::{Report, ShieldSite, Status, Straggler, StragglerKind};
use crate::runtime::RuntimeHandle;
use crate::sync::{NumberMap, log};
use std::sync::Arc;
use std::time::{Duration, Instant};

impl Record {
    /// All that has not ended in this operation and below, in the order of opening.
    pub(crate) fn roll_call(self: &Arc<Self>) -> Vec<Straggler> {
        let mut found = Vec::new();
        let mut seen = NumberMap::new();
        let mut next = vec![Arc::clone(self)];
        // Ends: each operation is looked at once. Not by recursion: the tree may be deep.
        while let Some(record) = next.pop() {
            if seen.insert(record.label.id(), ()).is_some() {
                continue;
            }
            record.answer(&mut found);
            for member in record.nursery.stragglers() {
                if member.is_blocking || member.is_queued {
                    let kind = match member.is_blocking {
                        true => StragglerKind::Blocking,
                        false => StragglerKind::Child,
                    };
                    let mut straggler = member.record.as_straggler(kind);
                    straggler.is_queued = member.is_queued;
                    straggler.is_abandoned = member.is_abandoned;
                    found.push(straggler);
                    seen.insert(member.record.label.id(), ());
                } else {
                    next.push(member.record);
                }
            }
            next.extend(record.nursery.orphans());
            let inside = record.on_aside(|aside| {
                let inside = aside.inside.values();
                inside.filter_map(|record| record.upgrade()).collect()
            });
            let inside: Vec<_> = inside.unwrap_or_default();
            next.extend(inside);
        }
        found.sort_by_key(|straggler| straggler.operation.id());
        found
    }

    /// What of this operation itself runs: its body, or a finalizer; or itself, where it goes on without its
    /// run and nothing of it has begun.
    fn answer(&self, found: &mut Vec<Straggler>) {
        let body_over = self.on_aside(|aside| aside.body_over);
        let body_over = body_over.unwrap_or(false);
        if self.status() == Status::Running && !body_over {
            let kind = match self.spawned {
                true => StragglerKind::Child,
                false => StragglerKind::Operation,
            };
            found.push(self.as_straggler(kind));
        }
        let finalizer = self.running_finalizer();
        let has_begun = finalizer.is_some() || self.nursery.has_any();
        if self.status().is_closed() && !has_begun && !self.is_settled() {
            found.push(self.as_straggler(StragglerKind::Operation));
        }
        found.extend(finalizer);
        for taken_at in self.nursery.guards() {
            let mut straggler = self.as_straggler(StragglerKind::Hold);
            straggler.opened_at = taken_at;
            // What is known of the body says nothing of it.
            (straggler.polled_ago, straggler.checked_ago) = (None, None);
            straggler.shield = None;
            found.push(straggler);
        }
    }

    /// The finalizer that runs, if one does.
    pub(crate) fn running_finalizer(&self) -> Option<Straggler> {
        let finalizing = self.on_aside(|aside| aside.finalizing.clone())??;
        let mut straggler = self.as_straggler(StragglerKind::Finalizer);
        straggler.polled_ago = since(self.now(), finalizing.polled);
        straggler.opened_at = finalizing.deferred_at;
        straggler.finalizer = Some(finalizing.name);
        Some(straggler)
    }

    fn as_straggler(&self, kind: StragglerKind) -> Straggler {
        let now = self.now();
        let shield = self.open_shield();
        let (polled, checked) = self
            .on_aside(|aside| (aside.polled, aside.checked))
            .unwrap_or_default();
        Straggler {
            kind,
            operation: self.label.clone(),
            finalizer: None,
            opened_at: self.opened_at,
            cancelled_for: since(now, self.cancelled_at(now)),
            polled_ago: since(now, polled),
            checked_ago: since(now, checked),
            shield: shield.map(|shield| ShieldSite {
                opened_at: shield.opened_at,
                open_for: since(now, shield.since),
            }),
            is_queued: false,
            is_abandoned: false,
            is_unpolled: false,
        }
    }

    /// The report on a run that is held and not polled, or on the body whose `shield` is. It was woken
    /// `unpolled_for` ago, where there is a clock, and has not been polled since.
    pub(crate) fn as_unpolled(
        &self,
        unpolled_for: Option<Duration>,
        shield: Option<&OpenShield>,
    ) -> Straggler {
        let mut straggler = self.as_straggler(match self.spawned {
            true => StragglerKind::Child,
            false => StragglerKind::Operation,
        });
        if let Some(shield) = shield {
            straggler.shield = Some(ShieldSite {
                opened_at: shield.opened_at,
                open_for: since(self.now(), shield.since),
            });
        }
        straggler.is_unpolled = true;
        straggler.polled_ago = unpolled_for;
        straggler
    }

    /// When it was cancelled, by its own clock, as it is asked at `now`.
    ///
    /// A token that was cancelled outside every run has a cause by the system's clock. Where that is
    /// another one it does not count, but the first look here does.
    pub(crate) fn cancelled_at(&self, now: Option<Instant>) -> Option<Instant> {
        let cause = self.cause()?;
        let noted = self.on_aside(|aside| aside.stopping_since).flatten();
        noted.or_else(
            || match cause.is_timed_by_system() && !self.keeps_systems_time() {
                true => Some(self.stopping_since(now?)),
                false => cause.at(),
            },
        )
    }

    fn keeps_systems_time(&self) -> bool {
        let runtime = self.runtime.as_ref();
        runtime.is_some_and(RuntimeHandle::keeps_systems_time)
    }

    /// Takes the first look at a cancel, for a run that goes on after it.
    pub(crate) fn note_stopping(&self) {
        if self.is_cancelled() {
            let now = self.now();
            self.cancelled_at(now);
        }
    }

    /// Notes a poll, for reports, if they are noted here.
    pub(crate) fn note_poll(&self) {
        if self.watched {
            if let Some(now) = self.now() {
                self.with_aside(|aside| aside.polled = Some(now));
            }
        }
    }

    /// Notes a look at the cancellation, as above.
    pub(crate) fn note_check(&self) {
        if self.watched && !self.status().is_closed() {
            if let Some(now) = self.now() {
                self.with_aside(|aside| aside.checked = Some(now));
            }
        }
    }

    /// From now on children and finalizers are what goes on.
    pub(crate) fn note_body_over(&self) {
        self.with_aside(|aside| aside.body_over = true);
    }

    /// Keeps reports on what was dropped at the end of its time, for the outcome, and logs them.
    pub(crate) fn note_stragglers(&self, stragglers: Vec<Straggler>) {
        for straggler in stragglers {
            log!(
                Warn,
                operation = &*self.label.shown_name(), id = self.label.id().get(),
                kind = straggler.kind.as_str(), opened_at:% = straggler.opened_at;
                "{} ends without it: {straggler}", self.label
            );
            self.keep_straggler(straggler);
        }
    }

    pub(crate) fn keep_straggler(&self, straggler: Straggler) {
        let body = straggler.body();
        self.with_aside(|aside| {
            if body.is_none_or(|id| aside.straggling.insert(id, ()).is_none()) {
                aside.stragglers.push(straggler);
            }
        });
    }

    /// Passes on what a run has ended without, and has in its outcome, to the operation above, if that is cancelled
    /// too. One that goes on would collect them for as long as it runs.
    pub(crate) fn hand_up(&self, report: Option<&Report>) {
        let above = self.parent.as_ref();
        let (Some(report), Some(parent)) = (report, above) else {
            return;
        };
        if report.stragglers.is_empty() || !parent.is_cancelled() {
            return;
        }
        for straggler in &report.stragglers {
            parent.keep_straggler(straggler.clone());
        }
    }
}

fn since(now: Option<Instant>, then: Option<Instant>) -> Option<Duration> {
    Some(now?.saturating_duration_since(then?))
}
