//! When a cancelled run stops waiting for what holds its body (`record/hold.rs`) and is not polled.
//!
//! A future that is kept and not polled can neither end nor be told to. It must not hold up the cancel of what is
//! around it, and so it loses its hold, which leads to the drop of the body and of what lies in it.
//!
//! Not having been polled in a poll of the body is no proof: `join_all` and `FuturesUnordered` poll only what was
//! woken. So there are *rounds*. In a round each future that the body has not polled is suspected, and woken with
//! the waker of its last poll. If it is polled after that it is free of suspicion until the next round. If it was
//! not when [`PATIENCE`] is over, it is given up. The body is polled before each look here, so a task that comes
//! late to all of its timers has polled what it woke before it judges.
//!
//! The first round is at the first look. The next one is at the first poll of the body that comes [`PAUSE`] later:
//! not before, because to be woken by a round makes for more polls, in which most are not polled. What was put
//! aside in the very poll that was looked at last may leave nothing that wakes the task, so a timer does that too,
//! each time when the body was held for twice as long. Where a shield is polled and never ends, no test goes on for ever by
//! that: the clock comes to its end.
//!
//! A run that has no clock counts polls of the body in the place of time. While it suspects somebody it wakes
//! itself for them, and also once after each other poll.
//!
//! # Wakes
//!
//! The timer stands at the end of the earliest suspicion or at the next round, whichever is first.

use crate::operation::{Holder, Record};
use crate::runtime::{RuntimeHandle, Sleep};
use crate::sync::log;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// How long after it was woken a future that has a hold must have been polled.
pub(super) const PATIENCE: Duration = Duration::from_millis(100);

/// Where the body is polled, a hold that is kept is found after no longer than this and [`PATIENCE`].
const PAUSE: Duration = Duration::from_secs(1);

/// The same as [`PATIENCE`], in polls of the body, where nobody tells the time.
const PATIENT_POLLS: u64 = 32;

#[derive(Default)]
pub(super) struct Neglect {
    suspects: BTreeMap<u64, Suspect>,
    round: Round,
    sleep: Option<Sleep>,
    /// Without a clock: this poll of the body is one that was made for a second look.
    is_second_look: bool,
}

/// When the next round is.
#[derive(Clone, Copy, Default)]
struct Round {
    /// When a poll of the body is one.
    from: Option<Instant>,
    /// When the body is polled for one; none is never.
    at: Option<Instant>,
    /// When the first one was.
    first: Option<Instant>,
    turn: u64,
    /// The pause in polls of the body.
    polls: u64,
}

impl Round {
    fn is_due(&self, now: Option<Instant>, turn: u64) -> bool {
        match now {
            Some(now) => self.from.is_none_or(|from| from <= now),
            None => self.turn <= turn,
        }
    }

    fn next(&self, now: Option<Instant>, turn: u64) -> Self {
        let first = self.first.or(now);
        let held_for = now
            .zip(first)
            .map(|(now, first)| now.saturating_duration_since(first));
        let span = held_for.unwrap_or_default().max(PATIENCE);
        let polls = self.polls.max(1);
        Self {
            from: now.and_then(|now| now.checked_add(span.min(PAUSE))),
            at: now.and_then(|now| now.checked_add(span)),
            first,
            turn: turn.saturating_add(polls),
            polls: polls.saturating_mul(2),
        }
    }
}

struct Suspect {
    /// When it was woken; none without a clock.
    since: Option<Instant>,
    turn: u64,
}

impl Suspect {
    fn due(&self) -> Option<Instant> {
        self.since?.checked_add(PATIENCE)
    }

    fn is_due(&self, now: Option<Instant>, turn: u64) -> bool {
        match (self.due(), now) {
            (Some(due), Some(now)) => due <= now,
            _ => self.turn + PATIENT_POLLS <= turn,
        }
    }
}

impl Neglect {
    /// Ready when no hold counts any more. To be called after a poll of the body that is held.
    ///
    /// Wakes: see the head of this file; and by the last hold, for which see [`Record::is_held`].
    pub(super) fn poll(&mut self, record: &Arc<Record>, cx: &mut Context<'_>) -> Poll<()> {
        let (now, turn) = (record.now(), record.turn());
        let mut unpolled = record.unpolled_holders();
        self.suspects.retain(|key, _| unpolled.contains_key(key));
        let suspects = self.suspects.iter();
        let due = suspects.filter(|(_, suspect)| suspect.is_due(now, turn));
        let due: Vec<_> = due.map(|(key, suspect)| (*key, suspect.since)).collect();
        for (key, since) in due {
            self.suspects.remove(&key);
            if let Some(holder) = unpolled.remove(&key) {
                give_up(record, &holder, now, since);
            }
        }
        if !record.has_holds() {
            return Poll::Ready(());
        }
        unpolled.retain(|key, _| !self.suspects.contains_key(key));
        let mut suspected = Vec::new();
        if self.round.is_due(now, turn) {
            self.round = self.round.next(now, turn);
            for (key, holder) in unpolled {
                self.suspects.insert(key, Suspect { since: now, turn });
                suspected.push(holder);
            }
        }
        match (&record.runtime, now) {
            (Some(runtime), Some(now)) => self.sleep(runtime, now, cx),
            _ => self.look_again(cx),
        }
        // After the timer is set: a waker is the user's code.
        for holder in suspected {
            holder.wake();
        }
        Poll::Pending
    }

    fn sleep(&mut self, runtime: &RuntimeHandle, now: Instant, cx: &mut Context<'_>) {
        let suspicions = self.suspects.values().filter_map(Suspect::due);
        let at = suspicions.chain(self.round.at).min();
        let sleep = self.sleep.get_or_insert_with(|| runtime.sleep_until(None));
        if sleep.deadline() != at {
            sleep.reset(at);
        }
        if at.is_some_and(|at| at <= now) || Pin::new(sleep).poll(cx).is_ready() {
            // It came meanwhile. One look more, at the next poll, rather than a loop here.
            cx.waker().wake_by_ref();
        }
    }

    /// Ends: suspects are given up after so many polls, and a second look is followed by no third one.
    fn look_again(&mut self, cx: &Context<'_>) {
        let is_first_look = !std::mem::take(&mut self.is_second_look);
        if !self.suspects.is_empty() {
            cx.waker().wake_by_ref();
        } else if is_first_look {
            self.is_second_look = true;
            cx.waker().wake_by_ref();
        }
    }
}

fn give_up(record: &Arc<Record>, holder: &Holder, now: Option<Instant>, since: Option<Instant>) {
    let woken = now.zip(since);
    let woken_for = woken.map(|(now, since)| now.saturating_duration_since(since));
    let straggler = holder.straggler(record, woken_for);
    if record.give_up(holder) {
        log!(
            Warn,
            operation = record.label.name(), id = record.label.id().get(),
            kind = straggler.kind().as_str(), opened_at:% = straggler.opened_at();
            "{} is no longer held up: {straggler}", record.label
        );
        record.keep_straggler(straggler);
    }
}
