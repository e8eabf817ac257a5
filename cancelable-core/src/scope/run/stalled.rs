//! Stalled futures: futures that are kept and not polled, for which a cancelled scope no longer waits.
//!
//! A future that is not polled can neither end nor see a cancel, so it must not delay the cancel around it. There
//! are two kinds:
//!
//! - A future inside the body with a *lease* on the body, such as an open shield (`record/leases.rs`). A stalled future
//!   loses its lease, which allows the drop of the body and of the future in it: [`StalledLeases`].
//! - A run that the body of this scope does not poll, such as a run in another task (`record/takeover.rs`). The scope
//!   waits for the open work of such a run while the run is polled. The open work of a stalled run is taken over, and
//!   joined as the orphan of a dropped run is: [`StalledRuns`].
//!
//! A future that was not polled in a poll of the body is not stalled yet: `join_all` and `FuturesUnordered` poll only
//! the futures that were woken. Such a future is *suspected*, and woken with the waker of its last poll. A poll clears
//! the suspicion. Without a poll within [`STALL_LIMIT`], the future is stalled.
//!
//! # Wakes
//!
//! The timer is set to the end of the earliest suspicion or to the next round, whichever is first.

use crate::cause::OperationId;
use crate::record::outside_runs::{self, TakenRun};
use crate::record::{Lease, Record, Takeover, leases, stragglers};
use crate::runtime::{RuntimeHandle, Sleep};
use crate::sync::{NumberMap, log};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The time after a wake within which a future must be polled.
const STALL_LIMIT: Duration = Duration::from_millis(100);

/// The [`STALL_LIMIT`] of a run without a clock, in polls of the body.
const STALL_LIMIT_POLLS: u64 = 32;

/// The longest time between two rounds while the body is polled.
const ROUND_INTERVAL: Duration = Duration::from_secs(1);

/// The search for stalled futures among those with a lease on the body of a cancelled scope.
///
/// Futures are suspected in *rounds*. In a round, each future that the body has not polled is suspected and woken.
/// The body is polled before each check in this type. So a task whose timers all fire late polls the woken futures
/// before they are checked.
///
/// The first round is at the first check. The next round is at the first poll of the body that comes [`ROUND_INTERVAL`]
/// later. An earlier round would only add wakes and polls, in most of which most futures are not polled.
///
/// If the body stops to poll a future in the poll that was checked last, perhaps nothing wakes the task again. So a
/// timer wakes the task too, each time after twice the time that the body was leased before. These doublings let a
/// test end in which a shield is polled and never ends: the clock of the test runs out.
///
/// A run without a clock counts polls of the body instead of time. The run wakes itself while it suspects a future,
/// and once after each other poll.
#[derive(Default)]
pub(super) struct StalledLeases {
    suspects: NumberMap<u64, Suspect>,
    round: Round,
    sleep: Option<Sleep>,
    /// True if this poll of the body was made for a second check. Only used without a clock.
    is_second_check: bool,
}

/// The time of the next round.
#[derive(Clone, Copy, Default)]
struct Round {
    /// The time from which a poll of the body makes a round.
    from: Option<Instant>,
    /// The time at which the timer causes a poll for a round. `None` is never.
    at: Option<Instant>,
    /// The time of the first round.
    first: Option<Instant>,
    poll_number: u64,
    /// The interval in polls of the body.
    polls: u64,
}

impl Round {
    fn is_due(&self, now: Option<Instant>, poll_number: u64) -> bool {
        match now {
            Some(now) => self.from.is_none_or(|from| from <= now),
            None => self.poll_number <= poll_number,
        }
    }

    fn next(&self, now: Option<Instant>, poll_number: u64) -> Self {
        let first = self.first.or(now);
        let held_for = now
            .zip(first)
            .map(|(now, first)| now.saturating_duration_since(first));
        let span = held_for.unwrap_or_default().max(STALL_LIMIT);
        let polls = self.polls.max(1);
        Self {
            from: now.and_then(|now| now.checked_add(span.min(ROUND_INTERVAL))),
            at: now.and_then(|now| now.checked_add(span)),
            first,
            poll_number: poll_number.saturating_add(polls),
            polls: polls.saturating_mul(2),
        }
    }
}

struct Suspect {
    /// The time of the wake. `None` without a clock.
    since: Option<Instant>,
    poll_number: u64,
}

impl Suspect {
    fn due(&self) -> Option<Instant> {
        self.since?.checked_add(STALL_LIMIT)
    }

    fn is_due(&self, now: Option<Instant>, poll_number: u64) -> bool {
        match (self.due(), now) {
            (Some(due), Some(now)) => due <= now,
            _ => self.poll_number + STALL_LIMIT_POLLS <= poll_number,
        }
    }
}

impl StalledLeases {
    /// Returns ready when no lease counts any more. Must be called after a poll of the leased body.
    ///
    /// Wakes: by the timer, see the header of this file, and by the end of the last lease, see [`leases::is_leased`].
    pub(super) fn poll(&mut self, record: &Arc<Record>, cx: &mut Context<'_>) -> Poll<()> {
        let (now, poll_number) = (record.now(), record.shields.poll_number());
        let mut unpolled = leases::unpolled(record);
        self.suspects.retain(|key| unpolled.contains_key(key));
        let suspects = self.suspects.iter();
        let due = suspects.filter(|(_, suspect)| suspect.is_due(now, poll_number));
        let due: Vec<_> = due.map(|(key, suspect)| (*key, suspect.since)).collect();
        for (key, since) in due {
            self.suspects.remove(&key);
            if let Some(lease) = unpolled.remove(&key) {
                release(record, &lease, now, since);
            }
        }
        if !record.shields.has_leases() {
            return Poll::Ready(());
        }
        unpolled.retain(|key| !self.suspects.contains_key(key));
        let mut suspected = Vec::new();
        if self.round.is_due(now, poll_number) {
            self.round = self.round.next(now, poll_number);
            for (key, lease) in unpolled.into_entries() {
                self.suspects.insert(
                    key,
                    Suspect {
                        since: now,
                        poll_number,
                    },
                );
                suspected.push(lease);
            }
        }
        match (&record.runtime, now) {
            (Some(runtime), Some(now)) => {
                let suspicions = self.suspects.values().filter_map(Suspect::due);
                let at = suspicions.chain(self.round.at).min();
                sleep_until(&mut self.sleep, runtime, at, now, cx);
            }
            _ => self.check_again(cx),
        }
        // Woken after the timer is set, because a waker is user code.
        for lease in suspected {
            lease.wake();
        }
        Poll::Pending
    }

    /// Ends: suspects are stalled after [`STALL_LIMIT_POLLS`], and no third check follows a second.
    fn check_again(&mut self, cx: &Context<'_>) {
        let is_first_check = !std::mem::take(&mut self.is_second_check);
        if !self.suspects.is_empty() {
            cx.waker().wake_by_ref();
        } else if is_first_check {
            self.is_second_check = true;
            cx.waker().wake_by_ref();
        }
    }
}

/// Revokes the lease of a stalled future.
fn release(record: &Arc<Record>, lease: &Lease, now: Option<Instant>, since: Option<Instant>) {
    let woken = now.zip(since);
    let woken_for = woken.map(|(now, since)| now.saturating_duration_since(since));
    let straggler = stragglers::of_lease(record, lease, woken_for);
    if leases::revoke(record, lease) {
        log!(
            Warn,
            operation = record.label.name(), id = record.label.id().get(),
            kind = straggler.kind().as_str(), location:% = straggler.location();
            "{} no longer waits for open work: {straggler}", record.label
        );
        stragglers::keep(record, straggler);
    }
}

/// The wait of a cancelled scope for open runs inside it that its body does not poll.
///
/// Each run is suspected and woken at once, and again at intervals that double. A stalled run whose only open work
/// is a shield is dropped from the wait. Without a clock a stalled run cannot be recognised, so the scope waits for
/// no run.
#[derive(Default)]
pub(super) struct StalledRuns {
    woken: NumberMap<OperationId, Woken>,
    /// The runs for which the scope no longer waits.
    stalled: NumberMap<OperationId, ()>,
    sleep: Option<Sleep>,
}

/// A run that was woken.
struct Woken {
    at: Instant,
    /// The number of polls of the run at the time of the wake.
    polls: u64,
    /// The time until the next wake, if the run is polled.
    span: Duration,
}

impl Woken {
    /// Returns the time of the next check: [`STALL_LIMIT`] after the wake, or the next wake of a polled run.
    fn due(&self, was_polled: bool) -> Option<Instant> {
        self.at.checked_add(match was_polled {
            true => self.span,
            false => STALL_LIMIT,
        })
    }
}

impl StalledRuns {
    /// Returns ready when there is no run left to wait for. `detach` starts the detached teardown of a taken-over
    /// run.
    ///
    /// Wakes: by the timer, which is set to the earliest check that is due, and by a run that leaves the list, see
    /// [`outside_runs::awaited`].
    pub(super) fn poll(
        &mut self,
        record: &Arc<Record>,
        detach: fn(TakenRun),
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let mut runs = outside_runs::awaited(record, cx);
        runs.retain(|id| !self.stalled.contains_key(id));
        self.woken.retain(|id| runs.contains_key(id));
        let runtime = record.runtime.clone();
        let runtime = runtime.or_else(|| {
            runs.values()
                .find_map(|takeover| outside_runs::run_of(takeover)?.runtime.clone())
        });
        let Some(runtime) = runtime.filter(|_| !runs.is_empty()) else {
            return Poll::Ready(());
        };
        let now = runtime.now();
        let mut earliest = None;
        let mut waits = false;
        let mut to_wake = Vec::new();
        for (id, takeover) in runs.into_entries() {
            let (polls, is_polled) = takeover.polls();
            let span = match self.woken.get(&id) {
                None => STALL_LIMIT,
                Some(woken) => {
                    let was_polled = is_polled || woken.polls != polls;
                    let due = woken.due(was_polled);
                    if due.is_none_or(|due| now < due) {
                        waits = true;
                        earliest = earliest.into_iter().chain(due).min();
                        continue;
                    }
                    if !was_polled {
                        let woken_for = now.saturating_duration_since(woken.at);
                        self.stalled.insert(id, ());
                        take_over(record, &takeover, polls, woken_for, detach);
                        continue;
                    }
                    woken.span.saturating_mul(2)
                }
            };
            let woken = Woken {
                at: now,
                polls,
                span,
            };
            waits = true;
            earliest = earliest.into_iter().chain(woken.due(false)).min();
            self.woken.insert(id, woken);
            to_wake.push(takeover);
        }
        if !waits {
            return Poll::Ready(());
        }
        sleep_until(&mut self.sleep, &runtime, earliest, now, cx);
        for takeover in to_wake {
            takeover.wake();
        }
        Poll::Pending
    }
}

/// Takes over the open work of a stalled run.
fn take_over(
    record: &Arc<Record>,
    takeover: &Takeover,
    polls: u64,
    woken_for: Duration,
    detach: fn(TakenRun),
) {
    let Some(straggler) = stragglers::of_run(takeover, Some(woken_for)) else {
        return;
    };
    if outside_runs::has_open_work(takeover) {
        let taken = outside_runs::take_over(takeover, polls);
        if taken.is_empty() {
            // The run is being polled at this moment, so it is not stalled.
            return;
        }
        taken.into_iter().for_each(detach);
    }
    log!(
        Warn,
        operation = record.label.name(), id = record.label.id().get(),
        kind = straggler.kind().as_str(), location:% = straggler.location();
        "{} no longer waits for open work: {straggler}", record.label
    );
    stragglers::keep(record, straggler);
}

/// Sets the timer that wakes the task at `at`.
fn sleep_until(
    sleep: &mut Option<Sleep>,
    runtime: &RuntimeHandle,
    at: Option<Instant>,
    now: Instant,
    cx: &mut Context<'_>,
) {
    let sleep = sleep.get_or_insert_with(|| runtime.sleep_until(None));
    if sleep.deadline() != at {
        sleep.reset(at);
    }
    if at.is_some_and(|at| at <= now) || Pin::new(sleep).poll(cx).is_ready() {
        // The time came meanwhile. The next poll checks again, which spares a loop here.
        cx.waker().wake_by_ref();
    }
}
