//! Everything that may cancel a running scope, polled beside its body, and what stands between a
//! cancel and the drop of the body: shields and grace.

use super::deadline_timer::Timekeeper;
use super::grace_timer::Grace;
use super::run_waker::Reach;
use super::stalled_holds::Neglect;
use super::token_wait::StopWait;
use super::watchdog;
use crate::record::run_waker::Followed;
use crate::record::{Record, deadlines, grace, holds, stragglers, token_clock};
use crate::source::{ScopeCancel, SourceContext, SourceError, Unstarted, Watched};
use crate::token::CallbackRegistration;
use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use std::time::Instant;

/// The sources, the timer and the wait for the token.
#[derive(Default)]
pub(super) struct Watch {
    reach: Reach,
    timekeeper: Timekeeper,
    /// Registered once the body has been pending; a body that is ready at once costs no wait. It has to
    /// be ended, so every way out goes through `rest` or `end`.
    stop: StopWait,
    /// What most scopes do not have.
    rare: Option<Box<Rare>>,
}

#[derive(Default)]
struct Rare {
    sources: Vec<Watched>,
    /// Open from the first look after a cancel on, if there is one.
    grace: Option<Grace>,
    /// Judges who holds the body of a cancelled scope.
    neglect: Neglect,
    /// Note when the scope was cancelled, and set the watchdog off.
    callbacks: Vec<CallbackRegistration>,
}

impl Watch {
    /// Starts the sources, in their order, up to the first that fails.
    ///
    /// # Errors
    ///
    /// The name of the source that did not start, and why.
    pub(super) fn start(
        &mut self,
        record: &Arc<Record>,
        sources: Box<[Unstarted]>,
    ) -> Result<(), (Cow<'static, str>, SourceError)> {
        let started = &mut self.rare.get_or_insert_default().sources;
        let context = SourceContext::new(
            record.runtime.clone(),
            token_clock::hand_out(record).clone(),
        );
        let decide: Weak<Record> = Arc::downgrade(record);
        let scope = ScopeCancel::new(decide);
        for source in sources {
            started.push(Watched::start(source, &context, Some(scope.clone()))?);
        }
        Ok(())
    }

    /// Has the time of a cancel noted where a policy counts from it.
    pub(super) fn note_cancel(&mut self, record: &Arc<Record>) {
        let Some(policy) = &record.options else {
            return;
        };
        let rare = self.rare.get_or_insert_default();
        if policy.watches() {
            rare.callbacks.push(grace::note_cancel(record));
        }
        if let Some(watchdog) = &policy.watchdog {
            rare.callbacks.push(watchdog::set(record, watchdog));
        }
    }

    /// Cancels the scope if its time is up at `now`, when it is entered.
    pub(super) fn keep_time(&mut self, record: &Record, followed: &Followed, now: Instant) {
        self.reach.note(followed);
        self.timekeeper.enter(record, followed, now);
    }

    /// Lets nothing wake the task any more, where the run is dropped. The sources stay.
    pub(super) fn rest(&mut self, record: &Record) {
        self.reach = Reach::default();
        self.stop.leave(record);
        self.timekeeper.end(record.runtime.as_ref());
        if let Some(rare) = &mut self.rare {
            rare.neglect = Neglect::default();
        }
    }

    /// Stops watching. The sources that were started are for the caller to drop, which may run the code
    /// of users and hand a request to others that it could not put on record.
    pub(super) fn end(&mut self, record: &Record) -> Vec<Watched> {
        self.rest(record);
        let rare = self.rare.take();
        rare.map_or_else(Vec::new, |rare| rare.sources)
    }

    /// The last look before the operation closes: whatever has come by now is on record in its outcome.
    /// The time that it saw, if it looked at the clock.
    ///
    /// Wakes: it needs none, as the run ends in this poll, or waits for what came meanwhile and polls
    /// the watch again.
    pub(super) fn look(&mut self, record: &Record, cx: &mut Context<'_>) -> Option<Instant> {
        self.poll_sources(record, cx);
        if !self.timekeeper.is_set() && !self.reach.was_called(record) {
            return None;
        }
        let now = record.now()?;
        if !record.is_cancelled()
            && deadlines::effective(record).is_some_and(|deadline| deadline <= now)
        {
            deadlines::expire(record, now);
        }
        Some(now)
    }

    /// Polls the sources, and cancels the scope for each that fires: the first is the cause.
    pub(super) fn poll_sources(&mut self, record: &Record, cx: &mut Context<'_>) {
        let Some(rare) = &mut self.rare else {
            return;
        };
        for source in &mut rare.sources {
            if let Poll::Ready(cause) = Pin::new(source).poll(cx) {
                record.cancel(cause);
            }
        }
    }

    /// Ready when the scope is cancelled.
    ///
    /// Wakes: by a source, which keeps the waker it was polled with; by the timer or a moved
    /// deadline, for which see [`Timekeeper::poll`]; and by the token, for which see
    /// [`StopWait::poll`]. It is polled last, so what the others cancelled is seen.
    pub(super) fn poll(&mut self, record: &Record, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_sources(record, cx);
        // Otherwise nobody calls: no deadline moves, and the token is there.
        let followed = match record.runtime.is_some() || record.token.own().is_none() {
            true => self.reach.keep(record, cx),
            false => None,
        };
        if let Some(runtime) = &record.runtime {
            self.timekeeper.poll(record, runtime, followed.as_ref(), cx);
        }
        self.stop.poll(record, cx)
    }

    /// Ready when a cancelled body is to be dropped: no hold on it counts, and its grace is over.
    ///
    /// Wakes: by the last hold, for which see [`Record::is_held`] and [`Neglect::poll`], and by the window,
    /// for which see [`Grace::poll`].
    pub(super) fn poll_delivery(&mut self, record: &Arc<Record>, cx: &mut Context<'_>) -> Poll<()> {
        if holds::is_held(record, cx) {
            grace::note_cancelled(record);
            let rare = self.rare.get_or_insert_default();
            ready!(rare.neglect.poll(record, cx));
        }
        if !grace::has_grace(record) {
            return Poll::Ready(());
        }
        let rare = self.rare.get_or_insert_default();
        if rare.grace.is_none() {
            rare.grace = Grace::open(record);
        }
        if let Some(grace) = &mut rare.grace {
            ready!(grace.poll(record, cx));
        }
        Poll::Ready(())
    }

    /// Reports what a body that is about to be dropped leaves unfinished, if it had a grace period.
    pub(super) fn note_unfinished(&self, record: &Arc<Record>) {
        if self.rare.as_ref().is_some_and(|rare| rare.grace.is_some()) {
            stragglers::note(record, stragglers::all(record));
        }
    }
}
