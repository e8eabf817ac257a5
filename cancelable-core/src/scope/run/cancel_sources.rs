//! Everything that may cancel a running scope, polled beside its body: sources, the deadline and the token. The delays
//! of the drop of a cancelled body, leases and grace, are polled here as well.

use super::deadline_timer::DeadlineTimer;
use super::grace_timer::GraceTimer;
use super::stalled::StalledLeases;
use super::watchdog;
use crate::record::run_waker::{self, Registered};
use crate::record::{Record, deadlines, grace, leases, stragglers, token_clock};
use crate::source::{ScopeCancel, SourceContext, SourceError, Unstarted, Watched};
use crate::sync::WakerId;
use crate::token::{CallbackRegistration, Wait};
use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use std::time::Instant;

#[derive(Default)]
pub(super) struct CancelSources {
    waker: RunWaker,
    deadline: DeadlineTimer,
    /// Registered once the body has been pending; a body that is ready at once costs no wait. A wait has to be left,
    /// so every way out goes through `disarm` or `stop`.
    token: TokenWait,
    /// Boxed: few scopes have any of it.
    rare: Option<Box<Rare>>,
}

#[derive(Default)]
struct Rare {
    sources: Vec<Watched>,
    /// A poll of the run has found the scope cancelled.
    has_seen_cancel: bool,
    /// Opened at the first poll after a cancel.
    grace: Option<GraceTimer>,
    stalled: StalledLeases,
    /// Note when the scope was cancelled, and start the watchdog.
    callbacks: Vec<CallbackRegistration>,
}

impl CancelSources {
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
        let target: Weak<Record> = Arc::downgrade(record);
        let cancel = ScopeCancel::new(target);
        for source in sources {
            started.push(Watched::start(source, &context, Some(cancel.clone()))?);
        }
        Ok(())
    }

    /// Registers what is to happen at a cancel: its time is noted if an option counts from it, and the watchdog is
    /// started.
    pub(super) fn register_callbacks(&mut self, record: &Arc<Record>) {
        let Some(policy) = &record.options else {
            return;
        };
        let rare = self.rare.get_or_insert_default();
        if policy.watches() {
            rare.callbacks.push(grace::note_cancel(record));
        }
        if let Some(watchdog) = &policy.watchdog {
            rare.callbacks.push(watchdog::arm(record, watchdog));
        }
    }

    /// Cancels a scope that is entered at `now`, after its deadline.
    pub(super) fn enter(&mut self, record: &Record, registered: &Registered, now: Instant) {
        self.waker.note(registered);
        self.deadline.enter(record, registered, now);
    }

    /// Takes every waker back, where the run is dropped. The sources stay.
    pub(super) fn disarm(&mut self, record: &Record) {
        self.waker = RunWaker::default();
        self.token.leave(record);
        self.deadline.stop(record.runtime.as_ref());
        if let Some(rare) = &mut self.rare {
            rare.stalled = StalledLeases::default();
        }
    }

    /// Stops. The sources that were started are for the caller to drop: that may run user code, and hand to others a
    /// request that the source could not put on record.
    pub(super) fn stop(&mut self, record: &Record) -> Vec<Watched> {
        self.disarm(record);
        let rare = self.rare.take();
        rare.map_or_else(Vec::new, |rare| rare.sources)
    }

    /// The last poll before the operation closes, so that whatever has come by now is on record in its outcome.
    /// Returns the time, if the clock was read.
    ///
    /// Wakes: none is needed, as the run ends in this poll, or waits for what came meanwhile and polls the cancel
    /// sources again.
    pub(super) fn final_poll(&mut self, record: &Record, cx: &mut Context<'_>) -> Option<Instant> {
        self.poll_sources(record, cx);
        if !self.deadline.is_set() && !self.waker.was_taken(record) {
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
    /// Wakes: by a source, which keeps the waker it was polled with; by the timer or a moved deadline, for which see
    /// [`DeadlineTimer::poll`]; and by the token, for which see [`TokenWait::poll`]. The token is polled last, so a
    /// cancel by the others is seen.
    pub(super) fn poll(&mut self, record: &Record, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_sources(record, cx);
        // Otherwise nobody takes the waker: no deadline moves, and the token is made.
        let registered = match record.runtime.is_some() || record.token.own().is_none() {
            true => self.waker.leave(record, cx),
            false => None,
        };
        if let Some(runtime) = &record.runtime {
            self.deadline.poll(record, runtime, registered.as_ref(), cx);
        }
        let cancelled = self.token.poll(record, cx);
        if let (Poll::Ready(()), Some(rare)) = (cancelled, &mut self.rare) {
            rare.has_seen_cancel = true;
        }
        cancelled
    }

    /// Whether the scope has sources, and no poll of the run has found it cancelled.
    pub(super) fn is_unaware(&self) -> bool {
        let rare = self.rare.as_ref();
        rare.is_some_and(|rare| !rare.sources.is_empty() && !rare.has_seen_cancel)
    }

    /// Ready when a cancelled body is to be dropped: no lease on it counts, and its grace is over.
    ///
    /// Wakes: by the end of the last lease, for which see [`leases::is_leased`] and [`StalledLeases::poll`], and by the end of the
    /// grace, for which see [`GraceTimer::poll`].
    pub(super) fn poll_release(&mut self, record: &Arc<Record>, cx: &mut Context<'_>) -> Poll<()> {
        if leases::is_leased(record, cx) {
            grace::note_cancelled(record);
            let rare = self.rare.get_or_insert_default();
            ready!(rare.stalled.poll(record, cx));
        }
        if !grace::has_grace(record) {
            return Poll::Ready(());
        }
        let rare = self.rare.get_or_insert_default();
        if rare.grace.is_none() {
            rare.grace = GraceTimer::open(record);
        }
        if let Some(grace) = &mut rare.grace {
            ready!(grace.poll(record, cx));
        }
        Poll::Ready(())
    }

    /// Reports what a body that is about to be dropped leaves unfinished, if it had a grace period.
    pub(super) fn note_stragglers(&self, record: &Arc<Record>) {
        if self.rare.as_ref().is_some_and(|rare| rare.grace.is_some()) {
            stragglers::note(record, stragglers::all(record));
        }
    }
}

/// The waker that the run has left with the record, and the count of wakers taken until then. While that count is the
/// same, the waker is still there; see `record/run_waker.rs`.
#[derive(Default)]
struct RunWaker {
    /// None until the run has left its waker.
    left: Option<Left>,
}

#[derive(PartialEq, Eq)]
struct Left {
    calls: u64,
    waker: Option<WakerId>,
}

impl RunWaker {
    /// Notes what the run found when it left its waker.
    fn note(&mut self, registered: &Registered) {
        self.left = Some(Left {
            calls: registered.wakes,
            waker: registered.waker,
        });
    }

    /// Whether the waker was taken since the run left it: the deadline may have been moved.
    fn was_taken(&self, record: &Record) -> bool {
        let left = self.left.as_ref();
        left.is_some_and(|left| left.calls != run_waker::wakes(record))
    }

    /// Leaves the waker of `cx`, unless it is there. Returns what the run found if it has left one.
    fn leave(&mut self, record: &Record, cx: &Context<'_>) -> Option<Registered> {
        let present = Left {
            calls: run_waker::wakes(record),
            waker: Some(WakerId::of(cx.waker())),
        };
        if self.left.as_ref() == Some(&present) {
            return None;
        }
        let registered = run_waker::register(record, cx.waker());
        self.note(&registered);
        Some(registered)
    }
}

/// A wait on the token of the scope or, as long as that was not made, on the token above it, if there is one.
///
/// It owns neither token, so it has to be ended by [`leave`](Self::leave).
#[derive(Default)]
struct TokenWait {
    wait: Wait,
    /// The wait is on the scope's own token.
    is_on_own: bool,
}

impl TokenWait {
    /// Ready when the scope is cancelled. Requires that the run has left its waker with the record.
    ///
    /// Wakes: by the token that is waited on. If that is not the scope's own token, also by whoever makes that one;
    /// see `record/token_cell.rs`. Only the scope's own token says ready: one that was made meanwhile may be
    /// cancelled a little after the token above is.
    fn poll(&mut self, record: &Record, cx: &Context<'_>) -> Poll<()> {
        if !self.is_on_own {
            if self.poll_inherited(record, cx).is_pending() && record.token.park() {
                return Poll::Pending;
            }
            self.leave(record);
            self.is_on_own = true;
        }
        self.wait.poll(record.token(), cx)
    }

    /// Ready when a wait on the token above is of no use.
    fn poll_inherited(&mut self, record: &Record, cx: &Context<'_>) -> Poll<()> {
        match (record.token.own(), record.token.inherited()) {
            (Some(_), _) => Poll::Ready(()),
            (None, Some(above)) => self.wait.poll(above, cx),
            (None, None) => Poll::Pending,
        }
    }

    /// Takes the waker back.
    fn leave(&mut self, record: &Record) {
        let token = match self.is_on_own {
            true => record.token.own(),
            false => record.token.inherited(),
        };
        if let Some(token) = token {
            self.wait.remove(token);
        }
    }
}
