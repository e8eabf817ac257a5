//! The wait of a cancelled scope for the runs inside that its body does not poll (`record/turn.rs`).
//!
//! It waits for one as long as somebody polls it. A run is asked in rounds, as in `stalled_holds.rs`: it is woken, and if
//! it was not polled when [`PATIENCE`] is over, what it has open is taken over, and joined as what a dropped run
//! has left. One that has nothing but an open shield is not waited for any more. The rounds follow at spans that
//! double. Without a clock nobody can tell, and so nobody waits.

use super::detached_teardown;
use super::stalled_holds::PATIENCE;
use crate::cause::OperationId;
use crate::operation::{Record, Turn};
use crate::runtime::{RuntimeHandle, Sleep};
use crate::sync::log;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

#[derive(Default)]
pub(super) struct AwayWait {
    asked: BTreeMap<OperationId, Asked>,
    /// Those that are not waited for any more.
    given_up: BTreeSet<OperationId>,
    sleep: Option<Sleep>,
}

/// A run that was woken.
struct Asked {
    at: Instant,
    /// How often it had been polled.
    polls: u64,
    /// When it is asked again, once it was polled.
    span: Duration,
}

impl Asked {
    /// When it is to be looked at again: [`PATIENCE`] after it was woken, or at the next round.
    fn next(&self, was_polled: bool) -> Option<Instant> {
        self.at.checked_add(match was_polled {
            true => self.span,
            false => PATIENCE,
        })
    }
}

impl AwayWait {
    /// Ready when no run is waited for.
    ///
    /// Wakes: by the timer, which stands at the earliest look that is due, and by a run that leaves the list, for
    /// which see [`Record::runs_away`].
    pub(super) fn poll(&mut self, record: &Arc<Record>, cx: &mut Context<'_>) -> Poll<()> {
        let mut away = record.runs_away(cx);
        away.retain(|id, _| !self.given_up.contains(id));
        self.asked.retain(|id, _| away.contains_key(id));
        let runtime = record.runtime.clone();
        let runtime = runtime.or_else(|| {
            away.values()
                .find_map(|turn| turn.record()?.runtime.clone())
        });
        let Some(runtime) = runtime.filter(|_| !away.is_empty()) else {
            return Poll::Ready(());
        };
        let now = runtime.now();
        let mut earliest = None;
        let mut waits = false;
        let mut woken = Vec::new();
        for (id, turn) in away {
            let (polls, is_polled) = turn.polls();
            let due = match self.asked.get_mut(&id) {
                None => {
                    let asked = Asked {
                        at: now,
                        polls,
                        span: PATIENCE,
                    };
                    let due = asked.next(false);
                    self.asked.insert(id, asked);
                    woken.push(turn);
                    due
                }
                Some(asked) => {
                    let was_polled = is_polled || asked.polls != polls;
                    match asked.next(was_polled) {
                        Some(due) if due <= now && was_polled => {
                            let span = asked.span.saturating_mul(2);
                            *asked = Asked {
                                at: now,
                                polls,
                                span,
                            };
                            let due = asked.next(false);
                            woken.push(turn);
                            due
                        }
                        Some(due) if due <= now => {
                            let woken_for = now.saturating_duration_since(asked.at);
                            self.given_up.insert(id);
                            give_up(record, &turn, polls, woken_for);
                            continue;
                        }
                        due => due,
                    }
                }
            };
            waits = true;
            earliest = earliest.into_iter().chain(due).min();
        }
        if !waits {
            return Poll::Ready(());
        }
        self.sleep_until(&runtime, earliest, cx);
        for turn in woken {
            turn.wake();
        }
        Poll::Pending
    }

    fn sleep_until(&mut self, runtime: &RuntimeHandle, at: Option<Instant>, cx: &mut Context<'_>) {
        let sleep = self.sleep.get_or_insert_with(|| runtime.sleep_until(None));
        if sleep.deadline() != at {
            sleep.reset(at);
        }
        if Pin::new(sleep).poll(cx).is_ready() {
            // It came meanwhile. One look more, at the next poll, rather than a loop here.
            cx.waker().wake_by_ref();
        }
    }
}

fn give_up(record: &Arc<Record>, turn: &Turn, polls: u64, woken_for: Duration) {
    let Some(straggler) = turn.straggler(Some(woken_for)) else {
        return;
    };
    if turn.leaves_something() {
        let taken = turn.take_over(polls);
        if taken.is_empty() {
            // It is polled at this very moment, and goes on.
            return;
        }
        for taken in taken {
            detached_teardown::take_over(taken);
        }
    }
    log!(
        Warn,
        operation = record.label.name(), id = record.label.id().get(),
        kind = straggler.kind().as_str(), opened_at:% = straggler.opened_at();
        "{} does not wait for it: {straggler}", record.label
    );
    record.keep_straggler(straggler);
}
