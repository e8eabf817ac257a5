//! The cancel of an operation, and its own token. The token is made when it is first asked for, as a child of the token
//! above. A token that is made by a cancel of the operation has no parent: it has its cause, and nothing above can
//! change that.
//!
//! # The end
//!
//! Whether the operation was cancelled is decided when it ends, under the record's lock. From then on
//! everything here but the token says what held then, whatever becomes of the token.
//!
//! A token that was *handed out*, so that somebody may wait for it, is cancelled after the end with
//! [`Reason::ScopeEnded`](crate::Reason::ScopeEnded), unless it was cancelled before. A token that nobody was
//! handed is left alone, which costs nothing; one that is handed out later is cancelled then. That waits for
//! what is *inside*: scopes that another task runs on, and streams that were given away. They are cancelled
//! from above still, and the last of them to end has the token cancelled. An operation that is opened inside
//! is counted with its own parent and with no other.
//!
//! # Invariants
//!
//! 1. There is one own token at most, and once it is there every answer is its. So what was said
//!    of the cancel before it was made has to hold for it: only "no" is said from above. A "yes"
//!    is the own token's, which is made for it, and is cancelled from the start because the one
//!    above is.
//! 2. A run that answers pending waits on the own token if that is there. Otherwise it waits on
//!    the token above, and is *parked*: the maker of the own token wakes it (`token_cell.rs`).
//! 3. The token is put in its place, and is marked as handed out, under the record's lock, under which the
//!    status becomes an end. So either the end finds the mark and cancels the token, or the caller that sets the mark
//!    finds the end. A cancel takes the lock too, after the token: either the end finds the token cancelled,
//!    or the cancel finds that the end was first.

use super::Record;
use super::run_waker;
use crate::cause::{Cause, Mark, ambient};
use crate::error::Cancelled;
use crate::report::Status;
use crate::source::CancelTarget;
use crate::sync::{Ordering, is_logged, log};
use crate::token::{CancellationToken, DeadlineCheck, look_at_all};
use log::Level;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// While it lives, the token of the operation is not cancelled for its end.
pub(crate) struct DependentGuard(Arc<Record>);

impl DependentGuard {
    pub(crate) fn of(record: &Arc<Record>) -> Self {
        record.add_dependent();
        Self(Arc::clone(record))
    }
}

impl Drop for DependentGuard {
    fn drop(&mut self) {
        self.0.remove_dependent();
    }
}

impl Record {
    /// Whether the operation is cancelled.
    #[inline]
    pub(crate) fn is_cancelled(&self) -> bool {
        match (self.token.own(), self.token.above()) {
            (Some(token), _) => token.is_cancelled() && !self.ended_uncancelled(),
            (None, None) => false,
            // Invariant 1.
            (None, Some(above)) => {
                above.is_cancelled() && !self.ended_uncancelled() && self.token().is_cancelled()
            }
        }
    }

    /// Why the operation is cancelled, if it is.
    pub(crate) fn cause(&self) -> Option<Cause> {
        match self.is_cancelled() {
            true => self.token().cause(),
            false => None,
        }
    }

    /// Why nothing is to go on for the operation, if so: it is cancelled, or it has ended.
    pub(crate) fn halt(&self) -> Option<Cause> {
        let cause = self.cause();
        match cause.is_none() && self.status().is_terminal() {
            true => Some(self.end_cause()),
            false => cause,
        }
    }

    /// Cancels the token, with the time of the runtime where there is one. A cause that comes from
    /// another token keeps what that one stamped on it.
    ///
    /// True or false, everything below says cancelled when it returns.
    pub(crate) fn cancel(&self, cause: Cause) -> bool {
        if self.is_cancelled() {
            self.wait_for_descendants();
            return false;
        }
        // Nothing is left to cancel, and the record of it does not change any more.
        if self.status().is_terminal() {
            return false;
        }
        let first = self.cancel_token(self.stamp(cause));
        if first {
            self.log_cancel();
        }
        first
    }

    /// Fills in what only the moment of the cancel knows, by this record's clock.
    pub(crate) fn stamp(&self, cause: Cause) -> Cause {
        match &self.runtime {
            Some(runtime) if !cause.is_stamped() => match runtime.read_clock() {
                Some(now) => cause.stamped(|| now),
                None => cause,
            },
            _ => cause,
        }
    }

    /// Cancels the operation. True if this call did it, and no other before.
    fn cancel_token(&self, cause: Cause) -> bool {
        if let Some(token) = self.token.own() {
            return token.cancel_with(cause) && !self.ended_uncancelled_by_now();
        }
        // A token that is not there yet has nobody to wake but the run.
        let born = CancellationToken::new_cancelled(cause).of_operation(&self.label);
        let put = {
            let _inner = self.inner.lock();
            match self.status().is_terminal() {
                // For the drop after the lock.
                true => Err((born, false)),
                false => self.token.put(born).map_err(|late| (late, true)),
            }
        };
        match put {
            Ok(()) => {
                self.wake_parked();
                self.token().log_cancel();
                true
            }
            Err((late, counts)) => late.cause().filter(|_| counts).is_some_and(|cause| {
                self.token().cancel_with(cause) && !self.ended_uncancelled_by_now()
            }),
        }
    }

    /// Waits until everything below a cancelled operation says cancelled.
    ///
    /// To be called with no lock held. It waits for no user code, so a callback of a cancel
    /// may cancel again; see "Overlapping cancels" in the header of the token's module.
    pub(crate) fn wait_for_descendants(&self) {
        // Without a token of its own there is nothing below.
        if let Some(token) = self.token.own() {
            token.wait_for_descendants();
        }
    }

    /// Logs that the operation was asked to stop, and why, if it was. An operation has one such line:
    /// from the caller that cancels it, or, where it is cancelled by way of a token, from its run as that finds
    /// it cancelled, or from its end.
    pub(crate) fn log_cancel(&self) {
        // Not even the cause is read for a level that is off.
        if !is_logged(Level::Debug) {
            return;
        }
        let Some(cause) = self.cause() else {
            return;
        };
        // Relaxed: the first caller writes the line, and nothing else follows from that.
        if self.cancel_logged.swap(true, Ordering::Relaxed) {
            return;
        }
        log!(
            Debug,
            operation = &*self.label.shown_name(), id = self.label.id().get(),
            reason = cause.reason().as_str(), cause:% = cause, inherited = cause.is_inherited();
            "{} was asked to stop: {cause}", self.label
        );
    }

    /// The error for work of this operation that stops for `cause`.
    pub(crate) fn cancelled_for(&self, cause: Cause, elapsed: Option<Duration>) -> Cancelled {
        Cancelled::new(cause)
            .or_marked(|cause| self.issue_mark(cause))
            .of(self.label.clone(), elapsed)
    }

    /// The mark for an error that is given out with `cause`, while this runs and is cancelled for that.
    pub(super) fn issue_mark(&self, cause: &Cause) -> Option<Mark> {
        let is_for_this =
            self.status() == Status::Running && self.cause().is_some_and(|own| own.is_same(cause));
        is_for_this.then(|| self.with_lasting(|lasting| lasting.mark.give_out()))
    }

    /// Whether an error that was given out for the cancel of this operation is alive.
    pub(crate) fn has_live_mark(&self) -> bool {
        self.live_mark().is_some()
    }

    /// Hands what this operation has given out to the operation that polls its end here.
    pub(crate) fn forward_mark(&self) {
        if let (Some(mark), Some(cause)) = (self.live_mark(), self.cause()) {
            if let Some(outer) = ambient::cancel_mark(&cause) {
                mark.lead_to(outer);
            }
        }
    }

    fn live_mark(&self) -> Option<Mark> {
        self.on_lasting(|lasting| lasting.mark.held())?
    }

    /// Adds the deadline checks of the tokens that cancel the operation and are not of an operation above.
    pub(super) fn links(&self, found: &mut Vec<Arc<dyn DeadlineCheck>>) {
        let line = self.with_ancestors();
        let linked = line.take_while(|record| record.token.is_linked());
        found.extend(linked.filter_map(|record| record.token.linked_check().cloned()));
    }

    /// Has those tokens look at their clocks.
    #[cold]
    pub(super) fn check_links(&self) {
        let mut links = Vec::new();
        self.links(&mut links);
        look_at_all(links);
    }

    /// Warns of a request that a source has put on record, for a run that is dropped before its next poll: its
    /// outcome would have had it.
    pub(crate) fn warn_unreported_cancel(&self) {
        let cancelled_by_source = self.on_rare(|rare| rare.cancelled_by_source) == Some(true);
        let Some(cause) = self.cause().filter(|_| cancelled_by_source) else {
            return;
        };
        log!(
            Warn,
            operation = &*self.label.shown_name(), id = self.label.id().get(),
            reason = cause.reason().as_str(), cause:% = cause;
            "{} was dropped in the moment in which it was asked to stop, and nobody has its outcome: {cause}",
            self.label
        );
    }

    /// The operation's token, for what ends with the operation.
    #[inline]
    pub(crate) fn token(&self) -> &CancellationToken {
        match self.token.own() {
            Some(token) => token,
            None => self.make_token(),
        }
    }

    #[cold]
    fn make_token(&self) -> &CancellationToken {
        // Ends: a turn that does not put one in place found that the operation has just ended, which the
        // next turn sees from the start.
        loop {
            let ended_uncancelled = self.ended_uncancelled();
            // Made before it is put in place, not meanwhile: it takes locks. One that comes too late is
            // dropped after the lock.
            let made = match ended_uncancelled {
                true => CancellationToken::new_cancelled(self.end_cause()),
                false => self.token.make(&self.label),
            };
            let put = {
                let _inner = self.inner.lock();
                match self.ended_uncancelled() == ended_uncancelled {
                    true => self.token.put(made),
                    false => Err(made),
                }
            };
            drop(put);
            if let Some(token) = self.token.own() {
                self.wake_parked();
                return token;
            }
        }
    }

    /// Wakes the run if it is parked. Called after the token is put in its place.
    fn wake_parked(&self) {
        if self.token.take_parked() {
            run_waker::wake_run(self);
        }
    }

    /// Has the token cancelled with the end, as somebody may wait for it longer than the operation runs.
    #[inline]
    pub(super) fn note_handed_out(&self) {
        if !self.token.is_handed_out() {
            self.mark_handed_out();
        }
    }

    #[cold]
    fn mark_handed_out(&self) {
        let is_closed = {
            let _inner = self.inner.lock();
            self.token.set_handed_out();
            self.status().is_terminal()
        };
        if is_closed {
            self.end_token();
        }
    }

    /// Whether the operation has ended without a cancel, as far as its token does not tell.
    fn ended_uncancelled(&self) -> bool {
        self.status().is_terminal() && self.token.ended_uncancelled()
    }

    /// Whether the end came before the cancel that was just made.
    fn ended_uncancelled_by_now(&self) -> bool {
        // Invariant 3.
        let _inner = self.inner.lock();
        self.ended_uncancelled()
    }

    /// Cancels a token that was handed out, because the operation has ended, if it was not cancelled before
    /// and nothing is inside. To be called once the status is an end, with no lock held.
    pub(super) fn end_token(&self) {
        if let Some(token) = self.token.to_end() {
            token.cancel_unlogged(self.end_cause());
        }
    }

    /// To be called when something is opened inside that may go on after the end.
    pub(super) fn add_dependent(&self) {
        self.token.add_dependent();
    }

    /// To be called when that has ended, with no lock held.
    pub(super) fn remove_dependent(&self) {
        if self.token.remove_dependent() && self.status().is_terminal() {
            self.end_token();
        }
    }

    fn end_cause(&self) -> Cause {
        let cause = Cause::scope_ended(&self.label, self.location);
        let ended: Option<Instant> = self.ended_at();
        match ended {
            Some(ended) => cause.with_time(ended),
            None => cause,
        }
    }
}

/// A source cancels the operation on the thread on which it learns of its event.
///
/// Whether the request is on record is settled by the record's lock; see "The end".
impl CancelTarget for Record {
    fn request(&self, cause: Cause) -> bool {
        let is_on_record = self.cancel(cause);
        if is_on_record {
            self.with_rare(|rare| rare.cancelled_by_source = true);
        }
        is_on_record
    }
}
