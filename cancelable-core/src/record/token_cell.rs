//! The token of an operation, made on demand, and the marks beside it.
//!
//! Most operations end and are never asked for their token. Until the own token is made, the token above stands
//! for it; without one above, nothing can cancel. The token above belongs to an operation or to a join. It is
//! never a token of the user, because a handle here would keep that alive: below such a token the own token is
//! there from the start.
//!
//! The cell knows neither the operation nor its run. A caller that puts a token in its place asks
//! [`take_parked`](TokenCell::take_parked) after that, and wakes the run if it is parked. That caller is
//! `cancel.rs`, which has the invariants.
//!
//! # Wakes
//!
//! The run leaves its waker (`run_waker.rs`), sets the mark `parked`, and then looks for the token. The maker of
//! the token puts it in its place, and then takes the mark. Both go to the mark by an exchange, so one
//! of them comes first. If it is the run's, the maker finds the mark and wakes the run. If it is the
//! maker's, the run reads what that exchange or a later one wrote, and sees the token.
//!
//! A poll takes the mark off, as the run is about to look anyway. It writes only where it finds the mark,
//! which is its own: what it may overwrite is then the exchange of a maker that has found it as well.
//! To overwrite one that has not would hide the token from the run's next exchange.

use crate::cause::OperationLabel;
use crate::sync::{AtomicBool, AtomicU32, OnceLock, Ordering};
use crate::token::{CancellationToken, DeadlineCheck};
use std::sync::Arc;

/// Whether an operation is cancelled by a token that belongs to none of its ancestors.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    None,
    /// An ancestor has such a token.
    Above,
    Own,
}

pub(crate) struct TokenCell {
    above: Option<CancellationToken>,
    own: OnceLock<CancellationToken>,
    /// The run waits and has not seen an own token.
    parked: AtomicBool,
    /// User code may wait for the own token. Written under the record's lock.
    is_handed_out: AtomicBool,
    /// The operation has ended without a cancel, although its token may be cancelled. Written under the
    /// record's lock.
    ended_uncancelled: AtomicBool,
    /// How many operations and streams there are inside that may go on after the end. Small, so that it fits
    /// beside the marks.
    inside: AtomicU32,
    link: Link,
}

impl TokenCell {
    /// The cell of an operation whose token is `own`, which was made of one that is not of an operation above.
    pub(crate) fn by(own: CancellationToken) -> Self {
        Self {
            link: Link::Own,
            own: OnceLock::from(own),
            ..Self::below(None)
        }
    }

    /// The cell of an operation that is cancelled with `join`, which joins tokens that are not of an operation
    /// above.
    pub(crate) fn below_join(join: Option<CancellationToken>) -> Self {
        Self {
            link: Link::Own,
            ..Self::below(join)
        }
    }

    /// Notes whether an operation above is linked, where `parent` is the cell of the parent.
    pub(super) fn linked_as(mut self, parent: Option<&Self>) -> Self {
        if self.link == Link::None && parent.is_some_and(Self::is_linked) {
            self.link = Link::Above;
        }
        self
    }

    /// The cell of an operation that is cancelled with `above`, if there is anything above.
    pub(crate) fn below(above: Option<CancellationToken>) -> Self {
        Self {
            above,
            own: OnceLock::new(),
            parked: AtomicBool::new(false),
            is_handed_out: AtomicBool::new(false),
            ended_uncancelled: AtomicBool::new(false),
            inside: AtomicU32::new(0),
            link: Link::None,
        }
    }

    /// The operation's token, if it was made.
    #[inline]
    pub(crate) fn own(&self) -> Option<&CancellationToken> {
        self.own.get()
    }

    /// The token that the operation is cancelled with, if there is one.
    #[inline]
    pub(crate) fn above(&self) -> Option<&CancellationToken> {
        self.above.as_ref()
    }

    /// Whether the operation or an ancestor is cancelled by a token that belongs to none of its ancestors.
    #[inline]
    pub(crate) fn is_linked(&self) -> bool {
        self.link != Link::None
    }

    /// The deadline check of such a token of the operation itself.
    pub(super) fn linked_check(&self) -> Option<&Arc<dyn DeadlineCheck>> {
        if self.link != Link::Own {
            return None;
        }
        match &self.above {
            Some(join) => join.deadline_check(),
            None => self.own()?.deadline_check_above(),
        }
    }

    /// Returns a token that may be put in its place.
    pub(super) fn make(&self, label: &OperationLabel) -> CancellationToken {
        let made = match &self.above {
            Some(above) => above.child_token(),
            None => CancellationToken::new(),
        };
        made.of_operation(label)
    }

    /// Puts the token in its place, under the record's lock. To be followed by
    /// [`take_parked`](Self::take_parked), with no lock held.
    ///
    /// # Errors
    ///
    /// There is one, and `token` comes back for a drop after the lock.
    pub(super) fn put(&self, token: CancellationToken) -> Result<(), CancellationToken> {
        self.own.set(token)
    }

    /// Marks the run as parked. False if there is a token of the operation's own to wait on.
    ///
    /// To be called after the run has left its waker.
    pub(crate) fn park(&self) -> bool {
        // AcqRel: "Wakes" in the head of this file.
        self.parked.swap(true, Ordering::AcqRel);
        self.own().is_none()
    }

    /// Takes the mark off, at the beginning of a poll of the run that has entered, and of its drop.
    pub(crate) fn unpark(&self) {
        // Relaxed, both: see the head of this file for what the store may overwrite.
        if self.parked.load(Ordering::Relaxed) {
            self.parked.store(false, Ordering::Relaxed);
        }
    }

    /// Whether the run is parked and has to be woken, for the caller that has put the token in its place.
    pub(super) fn take_parked(&self) -> bool {
        // AcqRel: "Wakes" in the head of this file.
        self.parked.swap(false, Ordering::AcqRel)
    }

    #[inline]
    pub(super) fn is_handed_out(&self) -> bool {
        // Relaxed: it was set under the lock, and so before the end or with the end in sight.
        self.is_handed_out.load(Ordering::Relaxed)
    }

    /// Under the record's lock.
    pub(super) fn set_handed_out(&self) {
        self.is_handed_out.store(true, Ordering::Relaxed);
    }

    /// Whether the operation was found not cancelled when it ended. Asked where the status was seen to be an
    /// end, or under the record's lock.
    #[inline]
    pub(super) fn ended_uncancelled(&self) -> bool {
        // Relaxed: see above.
        self.ended_uncancelled.load(Ordering::Relaxed)
    }

    /// Fixes what is said of the cancel from the end on. Under the record's lock, where the status becomes
    /// an end.
    pub(super) fn fix(&self) {
        let token = self.own().or(self.above());
        let is_cancelled = token.is_some_and(CancellationToken::is_cancelled);
        self.ended_uncancelled
            .store(!is_cancelled, Ordering::Relaxed);
    }

    /// Counts what may go on inside after the end.
    pub(super) fn add_dependent(&self) {
        // Relaxed: it is opened before the operation ends, or by what is inside itself.
        self.inside.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts it no longer. True if it was the last.
    pub(super) fn remove_dependent(&self) -> bool {
        // AcqRel: see `to_end`.
        self.inside.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// The token that is to be cancelled for the end, once the status is one: it was handed out, is not
    /// cancelled, and nothing is inside.
    pub(super) fn to_end(&self) -> Option<&CancellationToken> {
        // AcqRel: what ends inside lowers the count by an exchange too. If that comes after this one it
        // sees the status, and if it comes before it is seen here.
        if !self.is_handed_out() || self.inside.fetch_add(0, Ordering::AcqRel) > 0 {
            return None;
        }
        self.own().filter(|token| !token.is_cancelled())
    }
}
