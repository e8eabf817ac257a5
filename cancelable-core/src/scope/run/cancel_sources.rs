//! The cancel sources of a run: the user's sources, the deadline and the token. The run polls them beside its body.
//!
//! A cancel drops the body once no lease on it counts and its grace period is over ([`CancelSources::poll_release`]).

use super::deadline_timer::DeadlineTimer;
use super::stalled::StalledLeases;
use super::watchdog;
use crate::record::grace::GraceLeft;
use crate::record::run_waker::{self, Registered};
use crate::record::{Record, deadlines, grace, leases, stragglers, token_clock};
use crate::runtime::{RuntimeHandle, Sleep};
use crate::source::{ScopeCancel, SourceContext, SourceError, Unstarted, Watched};
use crate::sync::WakerId;
use crate::token::{CallbackRegistration, CancellationToken, Wait, WaitForCancellationFutureOwned};
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
    /// The wait for the token, registered once the body has been pending: a body that is ready at once costs no
    /// wait. A wait must be removed, so every way out calls `disarm` or `stop`.
    token: TokenWait,
    /// The rare state. Boxed, because few scopes need any of it.
    rare: Option<Box<Rare>>,
}

#[derive(Default)]
struct Rare {
    sources: Vec<Watched>,
    /// True if a poll of the run has found the scope cancelled.
    has_seen_cancel: bool,
    /// The grace period, made at the first poll after a cancel.
    grace: Option<GraceTimer>,
    stalled: StalledLeases,
    /// The callbacks that a cancel runs: they note its time and start the watchdog.
    callbacks: Vec<CallbackRegistration>,
}

impl CancelSources {
    /// Starts the sources in order, up to the first that fails.
    ///
    /// # Errors
    ///
    /// The name and the error of the source that did not start.
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

    /// Registers the callbacks for a cancel: one notes the time if an option counts from it, one starts the watchdog.
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

    /// Takes the deadline found on entry at `now`. Cancels the scope if the deadline has passed.
    pub(super) fn enter(&mut self, record: &Record, registered: &Registered, now: Instant) {
        self.waker.note(registered);
        self.deadline.enter(record, registered, now);
    }

    /// Takes back every waker, because the run is being dropped. The sources stay.
    pub(super) fn disarm(&mut self, record: &Record) {
        self.waker = RunWaker::default();
        self.token.leave(record);
        self.deadline.stop(record.runtime.as_ref());
        if let Some(rare) = &mut self.rare {
            rare.stalled = StalledLeases::default();
        }
    }

    /// Stops, and returns the started sources for the caller to drop. Their drop may run user code, and may pass a
    /// request on that the source could not put on record.
    pub(super) fn stop(&mut self, record: &Record) -> Vec<Watched> {
        self.disarm(record);
        let rare = self.rare.take();
        rare.map_or_else(Vec::new, |rare| rare.sources)
    }

    /// Polls the sources and reads the clock a last time before the operation closes, so that every request up to now is
    /// on record in its outcome. Returns the time, if the clock was read.
    ///
    /// Wakes: none is needed. The run ends in this poll, or waits for later work and polls the cancel sources again.
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

    /// Polls the sources and cancels the scope for each that fires. The first is the cause.
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

    /// Returns ready when the scope is cancelled.
    ///
    /// Wakes: by a source, which keeps the waker of its last poll; by the timer or a moved deadline, see
    /// [`DeadlineTimer::poll`]; and by the token, see [`TokenWait::poll`]. The token is polled last, so a cancel by the
    /// others is seen.
    pub(super) fn poll(&mut self, record: &Record, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_sources(record, cx);
        // Otherwise nothing would take the waker: no deadline can move, and the token exists.
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

    /// Returns whether the scope has sources and no poll of the run has found it cancelled.
    pub(super) fn is_unaware(&self) -> bool {
        let rare = self.rare.as_ref();
        rare.is_some_and(|rare| !rare.sources.is_empty() && !rare.has_seen_cancel)
    }

    /// Returns ready when a cancelled body is to be dropped: no lease on it counts, and its grace period is over.
    ///
    /// Wakes: by the end of the last lease, see [`leases::is_leased`] and [`StalledLeases::poll`], and by the end of the
    /// grace period, see [`GraceTimer::poll`].
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

    /// Reports the unfinished work of a body that is about to be dropped, if the body had a grace period.
    pub(super) fn note_stragglers(&self, record: &Arc<Record>) {
        if self.rare.as_ref().is_some_and(|rare| rare.grace.is_some()) {
            stragglers::note(record, stragglers::all(record));
        }
    }
}

/// The registration of the run's waker with the record, and the number of wakers taken before it. While the number
/// is unchanged, the record still has the waker; see `record/run_waker.rs`.
#[derive(Default)]
struct RunWaker {
    /// The registration of the waker; `None` until the first registration.
    left: Option<Left>,
}

#[derive(PartialEq, Eq)]
struct Left {
    wakes: u64,
    waker: Option<WakerId>,
}

impl RunWaker {
    /// Stores the registration of the run's waker.
    fn note(&mut self, registered: &Registered) {
        self.left = Some(Left {
            wakes: registered.wakes,
            waker: registered.waker,
        });
    }

    /// Returns whether the waker was taken since its registration. If it was, the deadline may have moved.
    fn was_taken(&self, record: &Record) -> bool {
        let left = self.left.as_ref();
        left.is_some_and(|left| left.wakes != run_waker::wakes(record))
    }

    /// Registers the waker of `cx` with the record, unless the record has it already. Returns the registration if
    /// it is new.
    fn leave(&mut self, record: &Record, cx: &Context<'_>) -> Option<Registered> {
        let present = Left {
            wakes: run_waker::wakes(record),
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

/// A wait on the scope's own token, or on the inherited token as long as the own token was not made.
///
/// The wait owns neither token, so [`leave`](Self::leave) must end it.
#[derive(Default)]
struct TokenWait {
    wait: Wait,
    /// True if the wait is on the scope's own token.
    is_on_own: bool,
}

impl TokenWait {
    /// Returns ready when the scope is cancelled. Requires that the waker of the run is registered with the
    /// record.
    ///
    /// Wakes: by the token that the run waits on. If that is the inherited token, also by the creation of the own
    /// token; see
    /// `record/token_cell.rs`. Only the own token makes this ready: an own token that was made meanwhile may be
    /// cancelled a little after the inherited token.
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

    /// Returns ready when a wait on the inherited token is of no use.
    fn poll_inherited(&mut self, record: &Record, cx: &Context<'_>) -> Poll<()> {
        match (record.token.own(), record.token.inherited()) {
            (Some(_), _) => Poll::Ready(()),
            (None, Some(inherited)) => self.wait.poll(inherited, cx),
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

/// The grace period of a cancelled body: the time within which the body may end.
struct GraceTimer {
    runtime: RuntimeHandle,
    /// The timer, set to the end of the grace period as of the last poll.
    sleep: Sleep,
    /// The wait for the hard cancel, which ends the grace period of this operation and of its descendants at
    /// once.
    hard: WaitForCancellationFutureOwned,
    /// A wait on the nearest ancestor that is not cancelled. Its cancel may shorten the grace period.
    ancestor: Option<AncestorCancel>,
}

/// A wait on the token of an ancestor. The wait reads no clock: the run of the ancestor keeps its deadline.
struct AncestorCancel {
    token: CancellationToken,
    wait: Wait,
}

impl Drop for AncestorCancel {
    fn drop(&mut self) {
        self.wait.remove(&self.token);
    }
}

impl GraceTimer {
    /// Starts the grace period of a cancelled operation. `None` if the operation has no grace period.
    fn open(record: &Record) -> Option<Self> {
        if !grace::has_grace(record) {
            return None;
        }
        let runtime = record.runtime.clone()?;
        Some(Self {
            sleep: runtime.sleep_until(None),
            runtime,
            hard: grace::hard_token(record).cancelled_owned(),
            ancestor: None,
        })
    }

    /// Returns ready when the grace period is over.
    ///
    /// Wakes: by the hard cancel; by the timer, which is set to the end of the grace period as of this poll; and by the
    /// cancel of the next ancestor, the only event that may move that end. Ends: each turn but the last follows the
    /// cancel of one more ancestor.
    fn poll(&mut self, record: &Record, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if Pin::new(&mut self.hard).poll(cx).is_ready() {
                return Poll::Ready(());
            }
            let GraceLeft::Open { until, ancestor } = grace::left(record, self.runtime.now())
            else {
                return Poll::Ready(());
            };
            if self.sleep.deadline() != until {
                self.sleep.reset(until);
            }
            if Pin::new(&mut self.sleep).poll(cx).is_ready() {
                return Poll::Ready(());
            }
            let Some(ancestor) = ancestor else {
                return Poll::Pending;
            };
            if self.poll_ancestor(ancestor, cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn poll_ancestor(&mut self, token: &CancellationToken, cx: &Context<'_>) -> Poll<()> {
        let same = self
            .ancestor
            .take()
            .filter(|ancestor| ancestor.token == *token);
        let ancestor = self.ancestor.insert(same.unwrap_or_else(|| AncestorCancel {
            token: token.clone(),
            wait: Wait::new(),
        }));
        ancestor.wait.poll(&ancestor.token, cx)
    }
}
