//! What cancels an operation: its own token, which is made when it is first asked for, and the token above
//! it, of which its own is a child. One that is made by a cancel of the operation is below nothing: it has
//! its cause, and nothing above can change that.
//!
//! Most operations are never asked for their token: they run, and end. Until then the token above
//! says all there is to say, and where there is none nothing can cancel. The one above is that of an
//! operation or a join, never a user's, which a handle here would keep: below that the own token is there
//! from the start.
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
//! from above still, and the last of them to end has the token cancelled.
//!
//! # Invariants
//!
//! 1. There is one own token at most, and once it is there every answer is its. So what was said
//!    of the cancel before it was made has to hold for it: only "no" is said from above. A "yes"
//!    is the own token's, which is made for it, and is cancelled from the start because the one
//!    above is.
//! 2. A run that answers pending waits on the own token if that is there. Otherwise it waits on
//!    the token above, and is *parked*: whoever makes the own token calls it.
//!
//! 3. The token is put in its place, and is marked as handed out, under the record's lock, under which the
//!    status becomes an end. So either the end finds the mark and cancels the token, or who sets it finds
//!    the end. Who cancels takes the lock too, after the token: either the end finds the token cancelled,
//!    or who cancels finds that the end was first.
//!
//! # Wakes
//!
//! The run leaves its waker (`run_waker.rs`), sets the mark, and then looks for the token. Whoever makes
//! the token puts it in its place, and then takes the mark. Both go to the mark by an exchange, so one
//! of them comes first. If it is the run's, the maker finds the mark and calls the run. If it is the
//! maker's, the run reads what that exchange or a later one wrote, and sees the token.
//!
//! A poll takes the mark off, as the run is about to look anyway. It writes only where it finds the mark,
//! which is its own: what it may overwrite is then the exchange of a maker that has found it as well.
//! To overwrite one that has not would hide the token from the run's next exchange.

use super::Record;
use crate::cause::{Cause, OperationLabel};
use crate::source::Decide;
use crate::sync::{AtomicBool, AtomicU32, OnceLock, Ordering};
use crate::token::{CancellationToken, DeadlineCheck, look_at_all};
use std::sync::Arc;
use std::time::Instant;

/// Whether a token cancels an operation that is not of an operation it is a part of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    None,
    /// One of those above has such a token.
    Above,
    Own,
}

pub(crate) struct Stop {
    above: Option<CancellationToken>,
    own: OnceLock<CancellationToken>,
    /// The run waits and has not seen an own token.
    parked: AtomicBool,
    /// Somebody may wait for the own token. Written under the record's lock.
    is_handed_out: AtomicBool,
    /// The operation has ended without a cancel, although its token may be cancelled. Written under the
    /// record's lock.
    is_over: AtomicBool,
    link: Link,
    /// How many operations and streams there are inside that may go on after the end. Small, so that it fits
    /// beside the marks.
    inside: AtomicU32,
}

/// While it lives, the token of the operation is not cancelled for its end.
pub(crate) struct GoesOn(Arc<Record>);

impl GoesOn {
    pub(crate) fn inside(record: &Arc<Record>) -> Self {
        record.begin_inside();
        Self(Arc::clone(record))
    }
}

impl Drop for GoesOn {
    fn drop(&mut self) {
        self.0.end_inside();
    }
}

impl Stop {
    /// `own` is the operation's token, which was made of one that is not of an operation above.
    pub(crate) fn by(own: CancellationToken) -> Self {
        Self {
            own: OnceLock::from(own),
            link: Link::Own,
            ..Self::below(None)
        }
    }

    /// `join` is what the operation is cancelled with, and joins tokens that are not of an operation above.
    pub(crate) fn below_join(join: Option<CancellationToken>) -> Self {
        Self {
            link: Link::Own,
            ..Self::below(join)
        }
    }

    /// Has it looked above for tokens, where `parent` is what the operation is a part of.
    pub(super) fn linked_as(mut self, parent: Option<&Self>) -> Self {
        if self.link == Link::None && parent.is_some_and(|parent| parent.link != Link::None) {
            self.link = Link::Above;
        }
        self
    }

    /// `above` is what the operation is cancelled with, if there is anything.
    pub(crate) fn below(above: Option<CancellationToken>) -> Self {
        Self {
            above,
            own: OnceLock::new(),
            parked: AtomicBool::new(false),
            is_handed_out: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            link: Link::None,
            inside: AtomicU32::new(0),
        }
    }

    fn make(&self, label: &OperationLabel) -> CancellationToken {
        let made = match &self.above {
            Some(above) => above.child_token(),
            None => CancellationToken::new(),
        };
        made.of_operation(label)
    }
}

impl Record {
    /// The operation's token, for those who may wait for it longer than the operation runs.
    #[inline]
    pub(crate) fn hand_out_token(self: &Arc<Self>) -> &CancellationToken {
        let token = self.token();
        self.watch_token(token);
        // Relaxed: it was set under the lock, and so before the end or with the end in sight.
        if !self.stop.is_handed_out.load(Ordering::Relaxed) {
            self.mark_handed_out();
        }
        token
    }

    #[cold]
    fn mark_handed_out(&self) {
        let is_closed = {
            let _inner = self.inner.lock();
            self.stop.is_handed_out.store(true, Ordering::Relaxed);
            self.status().is_closed()
        };
        if is_closed {
            self.end_token();
        }
    }

    /// The operation's token, for what ends with the operation.
    #[inline]
    pub(crate) fn token(&self) -> &CancellationToken {
        match self.made_token() {
            Some(token) => token,
            None => self.make_token(),
        }
    }

    #[cold]
    fn make_token(&self) -> &CancellationToken {
        // Ends: a turn that does not put one in place found that the operation has just ended, which the
        // next turn sees from the start.
        loop {
            let is_over = self.is_over();
            // Made before it is put in place, not meanwhile: it takes locks. One that comes too late is
            // dropped after the lock.
            let made = match is_over {
                true => CancellationToken::new_cancelled(self.end_cause(self.ended_at())),
                false => self.stop.make(&self.label),
            };
            let put = {
                let _inner = self.inner.lock();
                match self.is_over() == is_over {
                    true => self.stop.own.set(made),
                    false => Err(made),
                }
            };
            drop(put);
            if let Some(token) = self.made_token() {
                self.call_parked();
                return token;
            }
        }
    }

    /// Whether the operation has ended without a cancel, as far as its token does not tell.
    fn is_over(&self) -> bool {
        // Relaxed: it is looked at where the status was seen to be an end, or under the lock.
        self.status().is_closed() && self.stop.is_over.load(Ordering::Relaxed)
    }

    /// Fixes what is said of the cancel from the end on. To be called under the record's lock, where the
    /// status becomes an end, and [`end_token`](Self::end_token) after it.
    pub(crate) fn fix_cancel(&self) {
        let token = self.made_token().or(self.stop.above.as_ref());
        let is_cancelled = token.is_some_and(CancellationToken::is_cancelled);
        self.stop.is_over.store(!is_cancelled, Ordering::Relaxed);
    }

    /// Tells those who were handed the token that the operation has ended, if it was not cancelled before
    /// and nothing is inside. To be called once the status is an end, with no lock held.
    pub(crate) fn end_token(&self) {
        // AcqRel: whoever ends inside lowers the count by an exchange too. If that comes after this one it
        // sees the status, and if it comes before it is seen here.
        if !self.stop.is_handed_out.load(Ordering::Relaxed)
            || self.stop.inside.fetch_add(0, Ordering::AcqRel) > 0
        {
            return;
        }
        let token = self.made_token().filter(|token| !token.is_cancelled());
        if let Some(token) = token {
            token.cancel_unlogged(self.end_cause(self.ended_at()));
        }
    }

    /// To be called when something is opened inside that may go on after the end.
    pub(crate) fn begin_inside(&self) {
        // Relaxed: it is opened before the operation ends, or by what is inside itself.
        self.stop.inside.fetch_add(1, Ordering::Relaxed);
    }

    /// To be called when that has ended, with no lock held.
    pub(crate) fn end_inside(&self) {
        // AcqRel: see above.
        let last = self.stop.inside.fetch_sub(1, Ordering::AcqRel) == 1;
        if last && self.status().is_closed() {
            self.end_token();
        }
    }

    fn end_cause(&self, now: Option<Instant>) -> Cause {
        let cause = Cause::scope_ended(&self.label, self.opened_at);
        match now {
            Some(now) => cause.with_time(now),
            None => cause,
        }
    }

    /// Cancels the operation. True if this call did it, and no other before.
    pub(crate) fn cancel_token(&self, cause: Cause) -> bool {
        if let Some(token) = self.made_token() {
            return token.cancel_with(cause) && !self.is_over_by_now();
        }
        // A token that is not there yet has nobody to tell but the run.
        let born = CancellationToken::new_cancelled(cause).of_operation(&self.label);
        let put = {
            let _inner = self.inner.lock();
            match self.status().is_closed() {
                // For the drop after the lock.
                true => Err((born, false)),
                false => self.stop.own.set(born).map_err(|late| (late, true)),
            }
        };
        match put {
            Ok(()) => {
                self.call_parked();
                self.token().log_cancel();
                true
            }
            Err((late, counts)) => late
                .cause()
                .filter(|_| counts)
                .is_some_and(|cause| self.token().cancel_with(cause) && !self.is_over_by_now()),
        }
    }

    /// Waits until everything below a cancelled operation says cancelled.
    ///
    /// To be called with no lock held. It waits for no code of a user's, so whoever is called by a cancel
    /// may cancel again; see "Overlapping cancels" in the header of the token's module.
    pub(crate) fn wait_for_descendants(&self) {
        // Without a token of its own there is nothing below.
        if let Some(token) = self.made_token() {
            token.wait_for_descendants();
        }
    }

    /// Calls the run if it is parked, for whoever has put the token in its place.
    fn call_parked(&self) {
        // AcqRel: "Wakes" in the module's header.
        if self.stop.parked.swap(false, Ordering::AcqRel) {
            self.call_runner();
        }
    }

    /// The operation's token, if anyone has asked for it.
    #[inline]
    pub(crate) fn made_token(&self) -> Option<&CancellationToken> {
        self.stop.own.get()
    }

    /// The token that the operation is cancelled with, if there is one.
    pub(crate) fn token_above(&self) -> Option<&CancellationToken> {
        self.stop.above.as_ref()
    }

    /// Whether the operation is cancelled.
    #[inline]
    pub(crate) fn is_cancelled(&self) -> bool {
        match (self.made_token(), &self.stop.above) {
            (Some(token), _) => token.is_cancelled() && !self.is_over(),
            (None, None) => false,
            // Invariant 1.
            (None, Some(above)) => {
                above.is_cancelled() && !self.is_over() && self.token().is_cancelled()
            }
        }
    }

    /// Whether a token cancels it, or an operation above, that is not of an operation above.
    #[inline]
    pub(crate) fn is_linked(&self) -> bool {
        self.stop.link != Link::None
    }

    /// Adds the deadline checks of these tokens.
    pub(super) fn links(&self, found: &mut Vec<Arc<dyn DeadlineCheck>>) {
        // Ends: every turn goes one ancestor up, and there is no cycle.
        let line = std::iter::successors(Some(self), |record| record.parent.as_deref());
        for record in line.take_while(|record| record.is_linked()) {
            if record.stop.link == Link::Own {
                let stop = &record.stop;
                let check = match &stop.above {
                    Some(join) => join.deadline_check(),
                    None => stop
                        .own
                        .get()
                        .and_then(CancellationToken::deadline_check_above),
                };
                found.extend(check.cloned());
            }
        }
    }

    /// Has what it was linked to look at its clock.
    #[cold]
    pub(super) fn look_at_links(&self) {
        let mut links = Vec::new();
        self.links(&mut links);
        look_at_all(links);
    }

    /// Whether the end came before the cancel that was just made.
    fn is_over_by_now(&self) -> bool {
        // Invariant 3.
        let _inner = self.inner.lock();
        self.is_over()
    }

    /// Why the operation is cancelled, if it is.
    pub(crate) fn cause(&self) -> Option<Cause> {
        match self.is_cancelled() {
            true => self.token().cause(),
            false => None,
        }
    }

    /// Why nobody is to go on for the operation, if so: it is cancelled, or it has ended.
    pub(crate) fn halt(&self) -> Option<Cause> {
        let cause = self.cause();
        match cause.is_none() && self.status().is_closed() {
            true => Some(self.end_cause(self.ended_at())),
            false => cause,
        }
    }

    /// Marks the run as parked. False if there is a token of the operation's own to wait on.
    ///
    /// To be called after the run has left its waker.
    pub(crate) fn park(&self) -> bool {
        // AcqRel: "Wakes" in the module's header.
        self.stop.parked.swap(true, Ordering::AcqRel);
        self.made_token().is_none()
    }

    /// Takes the mark off, at the beginning of a poll of the run that has entered, and of its drop.
    pub(crate) fn unpark(&self) {
        // Relaxed, both: see the module's header for what the store may overwrite.
        if self.stop.parked.load(Ordering::Relaxed) {
            self.stop.parked.store(false, Ordering::Relaxed);
        }
    }
}

/// A source that decides cancels the operation on whichever thread it hears of its event.
///
/// Whether the request is on record is settled by the record's lock; see "The end".
impl Decide for Record {
    fn decide(&self, cause: Cause) -> bool {
        let is_on_record = self.cancel(cause);
        if is_on_record {
            self.with_aside(|aside| aside.was_decided = true);
        }
        is_on_record
    }
}
