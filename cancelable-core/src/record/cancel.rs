//! The cancel of an operation, and its own token. The token is made on demand, as a child of the inherited token
//! (`token_cell.rs`). A token that is made by a cancel of the operation has no parent: it has its cause already,
//! and no ancestor can change that.
//!
//! # The end
//!
//! Whether the operation was cancelled is decided at its end, under the record's lock. From then on every answer
//! here, except the token itself, is the state at the end: a later cancel of the token changes no answer.
//!
//! A token that was *handed out*, so that user code may wait for it, is cancelled after the end with
//! [`Reason::ScopeEnded`](crate::Reason::ScopeEnded), unless it was cancelled before. A token that was not handed
//! out is not touched, which costs nothing; if it is handed out later, it is cancelled then. This cancel waits
//! for the *dependents*: scopes inside that another task runs, and streams that were given away. An ancestor can
//! still cancel them, and the end of the last dependent cancels the token. An operation is a dependent of its own
//! parent and of no other.
//!
//! # Invariants
//!
//! 1. There is at most one own token, and once it exists every answer about the cancel is its answer. So an
//!    answer from before has to hold for it: the inherited token only ever answers "not cancelled". The answer
//!    "cancelled" comes from the own token, which is made for it and is cancelled from the start, because its
//!    parent is.
//! 2. A run that answers pending waits on the own token if that exists. Otherwise it waits on the inherited token
//!    and is *parked*: the maker of the own token wakes it (`token_cell.rs`).
//! 3. The token is stored, and marked as handed out, under the record's lock, under which the status becomes an
//!    end. So either the end finds the mark and cancels the token, or the caller that sets the mark finds the
//!    end. A cancel takes the lock too, after the token: either the end finds the token cancelled, or the cancel
//!    finds that the end was first.

use super::Record;
use super::run_waker;
use crate::cause::{Cause, Mark, ambient};
use crate::error::Cancelled;
use crate::report::Status;
use crate::source::CancelTarget;
use crate::sync::{Ordering, is_logged, log};
use crate::token::{
    CallbackRegistration, CancellationToken, DeadlineCheck, check_linked_deadlines,
};
use log::Level;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A dependent of an operation. While it lives, the end of the operation does not cancel its token.
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
    /// Returns whether the operation is cancelled.
    #[inline]
    pub(crate) fn is_cancelled(&self) -> bool {
        match (self.token.own(), self.token.inherited()) {
            (Some(token), _) => token.is_cancelled() && !self.ended_uncancelled(),
            (None, None) => false,
            // Invariant 1.
            (None, Some(inherited)) => {
                inherited.is_cancelled() && !self.ended_uncancelled() && self.token().is_cancelled()
            }
        }
    }

    /// Returns the cause of the cancel, if the operation is cancelled.
    pub(crate) fn cause(&self) -> Option<Cause> {
        match self.is_cancelled() {
            true => self.token().cause(),
            false => None,
        }
    }

    /// Returns the reason to stop work for the operation: the cause of its cancel, or its end.
    pub(crate) fn halt(&self) -> Option<Cause> {
        let cause = self.cause();
        match cause.is_none() && self.status().is_terminal() {
            true => Some(self.end_cause()),
            false => cause,
        }
    }

    /// Cancels the token, with the time of the runtime if there is one. A cause that comes from another token
    /// keeps the stamp of that token.
    ///
    /// Whether it returns true or false, all descendants are cancelled by then.
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

    /// Stamps the cause with the time of this record's clock, unless it is stamped.
    pub(crate) fn stamp(&self, cause: Cause) -> Cause {
        match &self.runtime {
            Some(runtime) if !cause.is_stamped() => match runtime.read_clock() {
                Some(now) => cause.stamped(|| now),
                None => cause,
            },
            _ => cause,
        }
    }

    /// Registers a callback for the cancel of the operation. The end of the operation, which cancels the token too,
    /// does not call it.
    pub(crate) fn on_cancel<F>(self: &Arc<Self>, callback: F) -> CallbackRegistration
    where
        F: FnOnce(&Arc<Self>, &Cause) + Send + 'static,
    {
        // Weak: the record owns the token, which keeps the callback.
        let weak = Arc::downgrade(self);
        self.token().on_cancel(move |cause| {
            let record = weak.upgrade();
            if let Some(record) = record.filter(|record| !cause.is_end_of(&record.label)) {
                callback(&record, cause);
            }
        })
    }

    /// Cancels the operation. Returns whether this call was the first to do so.
    fn cancel_token(&self, cause: Cause) -> bool {
        if let Some(token) = self.token.own() {
            return token.cancel_with(cause) && !self.ended_uncancelled_by_now();
        }
        // A token that does not exist yet has no waiter but the run.
        let born = CancellationToken::new_cancelled(cause).of_operation(&self.label);
        let put = {
            let _inner = self.inner.lock();
            match self.status().is_terminal() {
                // Dropped after the lock.
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

    /// Waits until all descendants of a cancelled operation are cancelled.
    ///
    /// To be called with no lock held. The wait does not include user code, so a callback of a cancel may cancel
    /// again; see "Overlapping cancels" in the header of the token's module.
    pub(crate) fn wait_for_descendants(&self) {
        // Without an own token there is no descendant.
        if let Some(token) = self.token.own() {
            token.wait_for_descendants();
        }
    }

    /// Logs the cancel of the operation with its cause, if it is cancelled. An operation has one such line. The
    /// line comes from the caller that cancels it, or, if it is cancelled by a token, from its run or from its
    /// end.
    pub(crate) fn log_cancel(&self) {
        // The cause is not read for a level that is off.
        if !is_logged(Level::Debug) {
            return;
        }
        let Some(cause) = self.cause() else {
            return;
        };
        // Relaxed: the first caller writes the line, and nothing else depends on the flag.
        if self.cancel_logged.swap(true, Ordering::Relaxed) {
            return;
        }
        log!(
            Debug,
            operation = &*self.label.shown_name(), id = self.label.id().get(),
            reason = cause.reason().as_str(), cause:% = cause, inherited = cause.is_inherited();
            "{} is being cancelled: {cause}", self.label
        );
    }

    /// Returns the error for work of this operation that stops for `cause`.
    pub(crate) fn cancelled_for(&self, cause: Cause, elapsed: Option<Duration>) -> Cancelled {
        Cancelled::new(cause)
            .or_marked(|cause| self.issue_mark(cause))
            .of(self.label.clone(), elapsed)
    }

    /// Returns the mark for an error that reports `cause`, if the operation runs and is cancelled for that cause.
    pub(super) fn issue_mark(&self, cause: &Cause) -> Option<Mark> {
        let is_for_this =
            self.status() == Status::Running && self.cause().is_some_and(|own| own.is_same(cause));
        is_for_this.then(|| self.with_lasting(|lasting| lasting.mark.give_out()))
    }

    /// Returns whether an error that reports the cancel of this operation is alive.
    pub(crate) fn has_live_mark(&self) -> bool {
        self.live_mark().is_some()
    }

    /// Forwards the mark of this operation to the operation that polls its end here.
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

    /// Adds the deadline checks of the tokens that cancel the operation and do not belong to an ancestor.
    pub(super) fn links(&self, found: &mut Vec<Arc<dyn DeadlineCheck>>) {
        let records = self.with_ancestors();
        let linked = records.take_while(|record| record.token.is_linked());
        found.extend(linked.filter_map(|record| record.token.linked_check().cloned()));
    }

    /// Checks the deadlines of these tokens.
    #[cold]
    pub(super) fn check_links(&self) {
        let mut links = Vec::new();
        self.links(&mut links);
        check_linked_deadlines(links);
    }

    /// Logs a warning if a source has cancelled a run that is dropped before its next poll. The outcome would have
    /// reported the cancel.
    pub(crate) fn warn_unreported_cancel(&self) {
        let cancelled_by_source = self.on_rare(|rare| rare.cancelled_by_source) == Some(true);
        let Some(cause) = self.cause().filter(|_| cancelled_by_source) else {
            return;
        };
        log!(
            Warn,
            operation = &*self.label.shown_name(), id = self.label.id().get(),
            reason = cause.reason().as_str(), cause:% = cause;
            "{} was cancelled and dropped before its next poll, so no outcome reports the cancel: {cause}",
            self.label
        );
    }

    /// Returns the operation's token, for a caller that does not keep it longer than the operation runs.
    #[inline]
    pub(crate) fn token(&self) -> &CancellationToken {
        match self.token.own() {
            Some(token) => token,
            None => self.make_token(),
        }
    }

    #[cold]
    fn make_token(&self) -> &CancellationToken {
        // Ends: a round that stores no token found that the operation has just ended, which the next round sees
        // from the start.
        loop {
            let ended_uncancelled = self.ended_uncancelled();
            // Made before the lock, because that takes locks. A token that comes too late is dropped after the
            // lock.
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

    /// Wakes the run if it is parked. Called after the token is stored.
    fn wake_parked(&self) {
        if self.token.take_parked() {
            run_waker::wake_run(self);
        }
    }

    /// Marks the token as handed out: the end will cancel it, since user code may wait for it longer than the
    /// operation runs.
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

    /// Returns whether the operation has ended without a cancel. Its token may be cancelled nevertheless.
    fn ended_uncancelled(&self) -> bool {
        self.status().is_terminal() && self.token.ended_uncancelled()
    }

    /// Returns whether the end came before the cancel that was just made.
    fn ended_uncancelled_by_now(&self) -> bool {
        // Invariant 3.
        let _inner = self.inner.lock();
        self.ended_uncancelled()
    }

    /// Cancels a token that was handed out for the end of the operation, unless it was cancelled before or there
    /// are dependents. To be called after the status has become an end, with no lock held.
    pub(super) fn end_token(&self) {
        if let Some(token) = self.token.to_end() {
            token.cancel_unlogged(self.end_cause());
        }
    }

    /// Counts a dependent: a scope or a stream inside that may outlive the end.
    pub(super) fn add_dependent(&self) {
        self.token.add_dependent();
    }

    /// Removes a dependent that has ended. To be called with no lock held.
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

/// A source cancels the operation on the thread on which its event arrives.
///
/// The record's lock decides whether the cancel came before the end; see "The end".
impl CancelTarget for Record {
    fn request(&self, cause: Cause) -> bool {
        let is_on_record = self.cancel(cause);
        if is_on_record {
            self.with_rare(|rare| rare.cancelled_by_source = true);
        }
        is_on_record
    }
}
